//! What a profile means beyond what it tolerates, and who hears of what was tolerated.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{Choice, Profile, Quirk, Validation};
use scim_server_adapters::{
    Action, ActionKind, BackendError, Limits, Policy, RequestContext, ScimServiceBuilder, Tenancy,
    Verdict,
};
use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder};

fn with(profile: Profile) -> Client {
    Client::of(builder().profile(profile).build())
}

fn group(name: &str) -> Value {
    json!({"schemas": [GROUP], "displayName": name})
}

#[tokio::test]
async fn entra_gets_no_content_for_the_patch_of_a_group_unless_it_asks() {
    for profile in [Profile::ENTRA, Profile::ENTRA_SCIM2] {
        let client = with(profile);
        let (user, id) = (client.user("bjensen").await, client.group("Guides", &[]).await);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
        let answer = client.patch(&format!("/Groups/{id}"), add.clone()).await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""));
        assert_eq!(answer.header("etag"), "W/\"2\"");
        let asked = client.patch(&format!("/Groups/{id}?attributes=members"), add.clone()).await;
        assert_eq!(asked.status, 200);
        assert_eq!(asked.json()["members"][0]["value"], user);
        let title = json!([{"op": "replace", "path": "title", "value": "Dr."}]);
        assert_eq!(client.patch(&format!("/Users/{user}"), title).await.status, 200);
    }
    let client = with(Profile::INTEROP);
    let id = client.group("Guides", &[]).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Tour Guides"}]);
    assert_eq!(client.patch(&format!("/Groups/{id}"), rename).await.status, 200);
}

/// Whether by POST, PUT or PATCH, and whatever the case.
#[tokio::test]
async fn entra_gets_one_group_of_a_name() {
    let client = with(Profile::ENTRA);
    let guides = client.group("Guides", &[]).await;
    let conflict = client.post("/Groups", group("guides")).await;
    conflict.assert_error(409, Some("uniqueness"));
    assert!(conflict.text.contains("`displayName`"), "{}", conflict.text);
    let others = client.group("Others", &[]).await;
    client
        .put(&format!("/Groups/{others}"), group("GUIDES"))
        .await
        .assert_error(409, Some("uniqueness"));
    let rename = |name| json!([{"op": "replace", "path": "displayName", "value": name}]);
    let refused = client.patch(&format!("/Groups/{others}"), rename("Guides")).await;
    refused.assert_error(409, Some("uniqueness"));
    // Its own name in another case, and back.
    for name in ["GUIDES", "Guides"] {
        assert_eq!(client.patch(&format!("/Groups/{guides}"), rename(name)).await.status, 204);
    }
    // A name that is given up, by renaming or deleting, is free.
    assert_eq!(client.patch(&format!("/Groups/{guides}"), rename("Former")).await.status, 204);
    assert_eq!(client.patch(&format!("/Groups/{others}"), rename("Guides")).await.status, 204);
    assert_eq!(client.delete(&format!("/Groups/{others}")).await.status, 204);
    client.group("Guides", &[]).await;
    // A user may be called as a group is.
    let user = json!({"schemas": [USER], "userName": "bjensen", "displayName": "Guides"});
    for name in ["bjensen", "jsmith"] {
        let mut user = user.clone();
        user["userName"] = json!(name);
        assert_eq!(client.post("/Users", user).await.status, 201);
    }
}

#[tokio::test]
async fn elsewhere_groups_may_have_the_same_name() {
    for profile in [Profile::STRICT, Profile::INTEROP, Profile::OKTA] {
        let client = with(profile);
        assert_ne!(client.group("Guides", &[]).await, client.group("Guides", &[]).await);
    }
}

/// Groups that are there before the demand are covered once they are changed under it.
#[tokio::test]
async fn the_demand_covers_what_is_written_under_it() {
    let unique = Profile::INTEROP.validating(Validation::UniqueGroupNames);
    let profile = Arc::new(Mutex::new(Profile::INTEROP));
    let asked = Arc::clone(&profile);
    let service = builder().profiles(move |_| *asked.lock().unwrap()).build();
    let client = Client::of(service);
    let first = client.group("Guides", &[]).await;
    let second = client.group("Guides", &[]).await;
    *profile.lock().unwrap() = unique;
    let body =
        |external| json!({"schemas": [GROUP], "displayName": "Guides", "externalId": external});
    assert_eq!(client.put(&format!("/Groups/{first}"), body("1")).await.status, 200);
    client.put(&format!("/Groups/{second}"), body("2")).await.assert_error(409, Some("uniqueness"));
    // Under no demand the name is given up, by the one that had it only.
    *profile.lock().unwrap() = Profile::INTEROP;
    assert_eq!(client.put(&format!("/Groups/{second}"), body("3")).await.status, 200);
    *profile.lock().unwrap() = unique;
    client.put(&format!("/Groups/{second}"), body("4")).await.assert_error(409, Some("uniqueness"));
    *profile.lock().unwrap() = Profile::INTEROP;
    assert_eq!(client.put(&format!("/Groups/{first}"), body("5")).await.status, 200);
    *profile.lock().unwrap() = unique;
    assert_eq!(client.put(&format!("/Groups/{second}"), body("6")).await.status, 200);
}

#[tokio::test]
async fn a_deactivated_user_can_be_posted_again_where_the_profile_says_so() {
    let client = with(Profile::INTEROP.choosing(Choice::Reactivate));
    let body = json!({
        "schemas": [USER], "userName": "BJensen", "displayName": "Babs", "active": false,
        "title": "Guide", ENTERPRISE: {"employeeNumber": "1"},
    });
    let old = client.post("/Users", body).await.json();
    let id = old["id"].as_str().unwrap();
    let guides = client.group("Guides", &[id]).await;
    let new = json!({"schemas": [USER], "userName": "bjensen", "displayName": "Barbara"});
    let answer = client.post("/Users", new.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("location"), old["meta"]["location"]);
    let user = client.get(&format!("/Users/{id}")).await.json();
    assert_eq!(answer.json(), user);
    assert_eq!((&user["active"], &user["displayName"]), (&json!(true), &json!("Barbara")));
    assert_eq!((user.get("title"), user.get(ENTERPRISE)), (None, None), "replaced as by a PUT");
    assert_eq!(user["meta"]["created"], old["meta"]["created"]);
    assert_eq!(client.members(&guides).await, [id], "who it is does not change");
    // Now it is active, and a conflict.
    client.post("/Users", new).await.assert_error(409, Some("uniqueness"));
}

#[tokio::test]
async fn a_deactivated_user_is_a_conflict_otherwise() {
    for profile in Profile::PRESETS {
        let client = with(profile);
        let user = json!({"schemas": [USER], "userName": "bjensen", "active": false});
        let id = client.post("/Users", user.clone()).await.id();
        let before = client.get(&format!("/Users/{id}")).await.json();
        client.post("/Users", user).await.assert_error(409, Some("uniqueness"));
        assert_eq!(client.get(&format!("/Users/{id}")).await.json(), before);
    }
}

#[tokio::test]
async fn the_observer_hears_of_each_quirk_and_only_of_quirks() {
    let heard: Arc<Mutex<Vec<(String, String, String)>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let service = builder().on_quirks(move |tolerated| {
        let endpoint = format!("{} {}", tolerated.parts.method, tolerated.endpoint);
        let (principal, quirks) = (tolerated.principal.to_owned(), tolerated.quirks.to_string());
        hears.lock().unwrap().push((endpoint, principal, quirks));
    });
    let client = Client::of(service.build());
    let id = client.user("bjensen").await;
    let path = format!("/Users/{id}");
    let correct = json!([{"op": "replace", "path": "active", "value": true}]);
    assert_eq!(client.patch(&path, correct).await.status, 200);
    assert!(heard.lock().unwrap().is_empty());
    let bent = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    assert_eq!(client.patch(&path, bent).await.status, 200);
    // Whether this one fires depends on the user.
    let work =
        json!([{"op": "add", "path": "emails[type eq \"work\"].value", "value": "b@example.com"}]);
    for _ in 0..2 {
        assert_eq!(client.patch(&path, work.clone()).await.status, 200);
    }
    let heard = heard.lock().unwrap().clone();
    let quirks: Vec<&str> = heard.iter().map(|(_, _, quirks)| quirks.as_str()).collect();
    assert_eq!(quirks, ["OperationCase,BooleanStrings", "ValueFilterCreates"]);
    assert!(heard.iter().all(|(_, principal, _)| principal == "tests"));
    assert!(
        heard
            .iter()
            .all(|(endpoint, ..)| endpoint.starts_with("PATCH ") && !endpoint.contains(&id)),
        "{heard:?}"
    );
}

/// A client, and the quirks of each request in which some fired: with the status and the `scimType`
/// of those that were refused.
fn overheard(profile: Profile) -> (Client, Arc<Mutex<Vec<String>>>) {
    overheard_by(builder().profile(profile))
}

fn overheard_by(service: ScimServiceBuilder) -> (Client, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let service = service.on_quirks(move |tolerated| {
        let mut told = tolerated.quirks.to_string();
        if let Some(error) = tolerated.refused {
            told += &format!(" {}", error.status());
            told += &error.scim_type().map(|t| format!(" {}", t.as_str())).unwrap_or_default();
        }
        hears.lock().unwrap().push(told);
    });
    (Client::of(service.build()), heard)
}

#[tokio::test]
async fn the_observer_hears_of_what_is_wrong_with_the_envelope() {
    let (client, heard) = overheard(Profile::INTEROP);
    let path = format!("/Users/{}", client.user("bjensen").await);
    let operations = json!([{"op": "replace", "path": "active", "value": true}]);
    let delete = json!([{"method": "DELETE", "path": "/Users/nobody"}]);
    for (method, path, body) in [
        ("PATCH", &*path, json!({"Operations": operations})),
        ("POST", "/Bulk", json!({"Operations": delete})),
        ("POST", "/Users/.search", json!({"filter": "userName pr"})),
        ("POST", "/.search", json!({})),
    ] {
        let answer = client.send(method, path, &[], body.to_string()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let heard: Vec<String> = heard.lock().unwrap().drain(..).collect();
        assert_eq!(heard, ["MissingSchemas"], "{path}");
    }
}

/// What was tolerated before something was refused is told, too.
#[tokio::test]
async fn the_observer_hears_of_quirks_in_requests_that_fail() {
    let (client, heard) = overheard(Profile::INTEROP);
    let path = format!("/Users/{}", client.user("bjensen").await);
    let heard = || heard.lock().unwrap().drain(..).collect::<Vec<String>>();
    let remove = |path: &str| json!([{"op": "Remove", "path": path}]);
    for (operations, quirks, scim_type) in [
        (
            json!([
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "replace", "path": "id", "value": "x"},
            ]),
            "OperationCase,BooleanStrings",
            "mutability",
        ),
        (
            remove("emails[primary eq \"True\" and primary gt true]"),
            "OperationCase,BooleanStrings",
            "invalidFilter",
        ),
        (
            remove("emails[value eq x and primary gt true]"),
            "OperationCase,UnquotedFilterValues",
            "invalidFilter",
        ),
    ] {
        client.patch(&path, operations.clone()).await.assert_error(400, Some(scim_type));
        assert_eq!(heard(), [format!("{quirks} 400 {scim_type}")], "{operations}");
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{"method": "PATCH", "path": path, "data": {
                "schemas": [PATCH_OP], "Operations": operations,
            }}],
        });
        let answer = client.post("/Bulk", bulk).await.json();
        assert_eq!(answer["Operations"][0]["response"]["scimType"], scim_type, "{answer}");
        assert_eq!(heard(), [quirks], "{operations}");
    }
    for (filter, quirk) in [
        ("active+eq+%22True%22+and+active+gt+true", "BooleanStrings"),
        ("userName+eq+bjensen+and+active+gt+true", "UnquotedFilterValues"),
        ("department+pr+and+active+gt+true", "UnqualifiedExtensionAttributes"),
    ] {
        let answer = client.get(&format!("/Users?filter={filter}")).await;
        answer.assert_error(400, Some("invalidFilter"));
        assert_eq!(heard(), [format!("{quirk} 400 invalidFilter")], "{filter}");
    }
    assert_eq!(client.get(&path).await.json()["meta"]["version"], "W/\"1\"");
}

/// What is refused may be the message itself, amid its reading.
#[tokio::test]
async fn the_observer_hears_of_quirks_in_messages_that_are_refused() {
    let (client, heard) = overheard(Profile::INTEROP);
    let user = format!("/Users/{}", client.user("bjensen").await);
    let patch = |operations: Value| json!({"schemas": [PATCH_OP], "Operations": operations});
    let delete = |member: Value| json!({"members": [member, {"operation": "delete"}]});
    let in_bulk = |data: &Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{"method": "PATCH", "path": user, "data": data}],
        })
    };
    let unclear = [
        (patch(json!([{"op": "Add"}, {"op": "copy"}])), "OperationCase", "invalidSyntax"),
        (
            json!({"Operations": [{"op": "Add"}, 7]}),
            "OperationCase,MissingSchemas",
            "invalidSyntax",
        ),
        (json!({"Operations": []}), "MissingSchemas", "invalidSyntax"),
        (delete(json!({"value": "2"})), "Scim1Patch", "invalidValue"),
        (
            patch(json!([{"op": "Remove", "path": "emails[value eq x"}])),
            "OperationCase,UnquotedFilterValues",
            "invalidFilter",
        ),
    ];
    for (body, quirks, scim_type) in unclear {
        let told = format!("{quirks} 400 {scim_type}");
        let answer = client.send("PATCH", &user, &[], body.to_string()).await;
        answer.assert_error(400, Some(scim_type));
        assert_eq!(*heard.lock().unwrap(), [told], "{body}");
        heard.lock().unwrap().clear();
        // Of a bulk request the operation is refused, and not the request.
        let answer = client.post("/Bulk", in_bulk(&body)).await.json();
        assert_eq!(answer["Operations"][0]["response"]["scimType"], scim_type, "{answer}");
        assert_eq!(*heard.lock().unwrap(), [quirks], "{body}");
        heard.lock().unwrap().clear();
    }
    let post = json!({"method": "POST", "path": "/Users", "data": {}});
    for (path, body, told) in [
        (
            "/Bulk",
            json!({"Operations": [post, 7]}),
            "MissingSchemas,MissingBulkId 400 invalidSyntax",
        ),
        ("/Users/.search", json!({"sortOrder": "up"}), "MissingSchemas 400 invalidSyntax"),
        (
            "/.search",
            json!({"filter": "not userName eq bjensen and"}),
            "MissingSchemas,UnquotedFilterValues,NotWithoutParentheses 400 invalidFilter",
        ),
    ] {
        let answer = client.send("POST", path, &[], body.to_string()).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(*heard.lock().unwrap(), [told], "{body}");
        heard.lock().unwrap().clear();
    }
    // What goes wrong in the store is a refusal, too.
    let taken = json!({"schemas": [USER], "userName": "bjensen", "active": "True"});
    client.post("/Users", taken).await.assert_error(409, Some("uniqueness"));
    assert_eq!(*heard.lock().unwrap(), ["BooleanStrings 409 uniqueness"]);
}

/// Never decides about a PATCH.
struct Undecided;

#[async_trait]
impl Policy for Undecided {
    async fn decide(
        &self,
        _: &RequestContext,
        action: &Action<'_>,
    ) -> Result<Verdict, BackendError> {
        if action.kind == ActionKind::Patch {
            std::future::pending::<()>().await;
        }
        Ok(Verdict::Allow)
    }
}

#[tokio::test]
async fn the_observer_hears_of_quirks_in_requests_that_take_too_long() {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(10);
    let (client, heard) = overheard_by(builder().limits(limits).policy(Arc::new(Undecided)));
    // Operations of a bulk request are read before they are decided about.
    let operations = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let data = json!({"schemas": [PATCH_OP], "Operations": operations});
    let bulk = json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": data}]});
    client.post("/Bulk", bulk).await.assert_error(503, None);
    assert_eq!(*heard.lock().unwrap(), ["OperationCase,MissingSchemas,BooleanStrings 503"]);
}

/// As authentik 2025.8 looked users up (goauthentik/authentik#16455).
#[tokio::test]
async fn authentik_finds_a_user_by_a_name_without_quotes() {
    for (profile, found) in [(Profile::AUTHENTIK, true), (Profile::STRICT, false)] {
        let client = with(profile);
        let id = client.user("akadmin").await;
        let answer = client.get("/Users?filter=userName+eq+akadmin").await;
        if found {
            assert_eq!(answer.json()["Resources"][0]["id"], id, "{}", answer.text);
        } else {
            answer.assert_error(400, Some("invalidFilter"));
        }
    }
}

#[tokio::test]
async fn each_tenant_has_its_profile_and_no_header_changes_it() {
    let of = |tenant: &str| if tenant == "acme" { Profile::STRICT } else { Profile::INTEROP };
    let service = builder().tenancy(Tenancy::Path).profiles(of).build();
    let body = json!({"userName": "bjensen"}).to_string();
    for (tenant, key, status) in [("acme", "acme-key", 400), ("globex", "globex-key", 201)] {
        for agent in ["Okta SCIM Client 1.0.0", "curl/8"] {
            let body = body.replace("bjensen", agent);
            let request = http::Request::post(format!("/{tenant}/v2/Users"))
                .header("authorization", format!("Bearer {key}"))
                .header("user-agent", agent)
                .body(body.into())
                .unwrap();
            assert_eq!(service.handle(request).await.status(), status, "{tenant}");
        }
    }
}

#[tokio::test]
async fn a_header_decides_where_it_was_asked_for() {
    let service = builder().profiles_by_request(|_, parts| {
        let agent = parts.headers.get("user-agent").and_then(|value| value.to_str().ok());
        agent.and_then(Profile::for_user_agent).unwrap_or(Profile::STRICT)
    });
    let client = Client::of(service.build());
    let body = json!({"userName": "bjensen"}).to_string();
    let okta = [("user-agent", "Okta SCIM Client 1.0.0")];
    client.send("POST", "/Users", &[], body.clone()).await.assert_error(400, Some("invalidValue"));
    assert_eq!(client.send("POST", "/Users", &okta, body).await.status, 201);
    assert!(Profile::OKTA.tolerates(Quirk::MissingSchemas));
}
