//! Made-up users and groups: number `n` is always the same one.

use std::sync::Arc;

use anyhow::Result;
use scim_core::schema::{ENTERPRISE_USER_URN, GROUP_URN, USER_URN};
use scim_core::{Ingest, Origin, Profile, Resource, ResourceId, ResourceType};
use serde_json::{Map, Value, json};

const GIVEN: [&str; 16] = [
    "Amelia", "Björn", "Chiara", "Dmitri", "Esther", "Farid", "Grace", "Hiroshi", "Ingrid", "José",
    "Kavya", "Liam", "Mbali", "Noor", "Oskar", "Priya",
];

const FAMILY: [&str; 16] = [
    "Andersson",
    "Bianchi",
    "Cohen",
    "Dubois",
    "Eriksen",
    "Fernández",
    "García",
    "Haddad",
    "Ito",
    "Jensen",
    "Kowalski",
    "López",
    "Müller",
    "Novák",
    "Okafor",
    "Patel",
];

const DEPARTMENTS: [&str; 8] =
    ["Sales", "Finance", "Research", "Support", "Operations", "Legal", "Marketing", "People"];

/// Users with numbers next to each other who have the same manager.
const TEAM: u64 = 10;

/// Whether the user has a manager in the directory: every other one does.
pub const fn has_manager(n: u64) -> bool {
    n % 2 == 0 && n > 0
}

/// How many users a group has.
pub const GROUP_SIZE: u64 = 100;

/// Well mixed bits of a number.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn pick<'a>(list: &[&'a str], n: u64) -> &'a str {
    list[(n % list.len() as u64) as usize]
}

/// A UUID of version 7, as the store makes them: time first, so that later ones sort after.
fn uuid(kind: u64, n: u64) -> String {
    let time = 0x0190_0000_0000_u64 + (kind << 36) + n;
    let random = mix(n ^ (kind << 60));
    format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
        time >> 16,
        time & 0xFFFF,
        random & 0xFFF,
        (random >> 12) & 0xFFF,
        mix(random) & 0xFFFF_FFFF_FFFF
    )
}

pub fn user_id(n: u64) -> String {
    uuid(0, n)
}

pub fn group_id(n: u64) -> String {
    uuid(1, n)
}

pub fn user_name(n: u64) -> String {
    let bits = mix(n);
    let fold =
        |name: &str| name.chars().filter(char::is_ascii).collect::<String>().to_ascii_lowercase();
    format!("{}.{}.{n}@example.com", fold(pick(&GIVEN, bits)), fold(pick(&FAMILY, bits >> 8)))
}

pub fn external_id(n: u64) -> String {
    format!("00u{:016x}", mix(n ^ 0xE))
}

pub fn work_email(n: u64) -> String {
    user_name(n)
}

/// About a kilobyte of JSON, as an identity provider sends it.
pub fn user(n: u64) -> Map<String, Value> {
    let bits = mix(n);
    let (given, family) = (pick(&GIVEN, bits), pick(&FAMILY, bits >> 8));
    let user_name = user_name(n);
    let department = pick(&DEPARTMENTS, bits >> 16);
    let mut user = json!({
        "schemas": [USER_URN, ENTERPRISE_USER_URN],
        "userName": user_name,
        "externalId": external_id(n),
        "name": {
            "formatted": format!("{given} {family}"), "familyName": family, "givenName": given,
        },
        "displayName": format!("{given} {family}"),
        "nickName": given,
        "title": format!("{department} Specialist {}", bits % 7),
        "userType": "Employee",
        "preferredLanguage": "en-GB",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "active": true,
        "emails": [
            {"value": user_name, "type": "work", "primary": true},
            {"value": format!("{n}.{}@mail.example.org", family.len()), "type": "home"},
        ],
        "phoneNumbers": [
            {"value": format!("+44 20 {:07}", bits % 10_000_000), "type": "work"},
            {"value": format!("+44 79 {:07}", (bits >> 20) % 10_000_000), "type": "mobile"},
        ],
        "addresses": [{
            "type": "work", "streetAddress": format!("{} High Street", bits % 300),
            "locality": "London", "postalCode": format!("N{} {}AB", bits % 20, bits % 9),
            "country": "GB",
        }],
        ENTERPRISE_USER_URN: {
            "employeeNumber": format!("E{n:08}"),
            "costCenter": format!("{}", 4_000 + bits % 100),
            "organization": "Example Ltd",
            "division": "Northern Europe",
            "department": department,
        },
    });
    if has_manager(n) {
        user[ENTERPRISE_USER_URN]["manager"] = json!({"value": user_id(n / TEAM)});
    }
    match user {
        Value::Object(user) => user,
        _ => Map::new(),
    }
}

/// Group `n` and its members, users `n × 100` and those after.
pub fn group(n: u64) -> Map<String, Value> {
    let members = n * GROUP_SIZE..(n + 1) * GROUP_SIZE;
    group_of(&format!("Team {n}"), members)
}

/// A group of users by their numbers.
pub fn group_of(name: &str, members: impl Iterator<Item = u64>) -> Map<String, Value> {
    let members: Vec<Value> =
        members.map(|n| json!({"value": user_id(n), "type": "User"})).collect();
    let group = json!({"schemas": [GROUP_URN], "displayName": name, "members": members});
    match group {
        Value::Object(group) => group,
        _ => Map::new(),
    }
}

/// What a request's body becomes before it reaches a store.
pub fn ingest(resource_type: &Arc<ResourceType>, body: Map<String, Value>) -> Result<Resource> {
    Ok(Ingest::new(resource_type, &Profile::INTEROP, Origin::Request).resource_from(body)?)
}

pub fn id(text: String) -> Result<ResourceId> {
    Ok(ResourceId::new(text)?)
}
