//! Any sequence of writes leaves what the memory backend, the plain reference, holds after it.
//!
//! Left out are selections of members by type or display, and a type given for one of whom none
//! was known: there the memory backend knows less of its rows; `membership` tests them.

use proptest::prelude::*;
use scim_backend_sqlite::SqliteBackend;
use scim_core::{Registry, ResourceId, SortOrder, Version};
use scim_server_adapters::{
    BackendError, Change, MemoryBackend, Precondition, Query, QueryTarget, Returning, Start,
    Written,
};
use serde_json::{Value, json};

use crate::fixture::{
    Client, everything, filter, group, options, plan, query, resource, shown, user,
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A resource made before, by number, or none.
type Reference = u8;

#[derive(Clone, Debug)]
struct UserBody {
    name: u8,
    external_id: Option<u8>,
    active: Option<bool>,
    display_name: Option<u8>,
    emails: Vec<u8>,
    manager: Option<Reference>,
}

#[derive(Clone, Debug)]
enum UserPatch {
    Rename(u8),
    Nick(u8),
    Active(bool),
    AddEmail(u8),
    RemoveEmails,
    Manager(Reference),
    RemoveManager,
}

#[derive(Clone, Debug)]
enum GroupPatch {
    Rename(u8),
    Add(Vec<Reference>),
    Remove(Reference),
    RemoveEither(Reference, Reference),
    Replace(Vec<Reference>),
    Clear,
    /// Fails unless the value is a member.
    Touch(Reference),
}

#[derive(Clone, Debug)]
enum Step {
    CreateUser(UserBody),
    CreateGroup(u8, Vec<Reference>),
    ReplaceUser(Reference, UserBody),
    ReplaceGroup(Reference, u8, Vec<Reference>),
    PatchUser(Reference, Vec<UserPatch>),
    PatchGroup(Reference, Vec<GroupPatch>),
    Delete(Reference, bool),
}

/// What a step demands: nothing, a version that may be the present one.
type Demand = Option<u64>;

fn references() -> impl Strategy<Value = Vec<Reference>> {
    prop::collection::vec(0..16_u8, 0..6)
}

fn user_body() -> impl Strategy<Value = UserBody> {
    let emails = prop::collection::vec(0..4_u8, 0..3);
    let rest = (any::<Option<bool>>(), prop::option::of(0..3_u8), prop::option::of(0..16_u8));
    (0..10_u8, prop::option::of(0..4_u8), emails, rest).prop_map(
        |(name, external_id, emails, (active, display_name, manager))| UserBody {
            name,
            external_id,
            active,
            display_name,
            emails,
            manager,
        },
    )
}

fn user_patch() -> impl Strategy<Value = UserPatch> {
    prop_oneof![
        (0..10_u8).prop_map(UserPatch::Rename),
        (0..2_u8).prop_map(UserPatch::Nick),
        any::<bool>().prop_map(UserPatch::Active),
        (0..4_u8).prop_map(UserPatch::AddEmail),
        Just(UserPatch::RemoveEmails),
        (0..16_u8).prop_map(UserPatch::Manager),
        Just(UserPatch::RemoveManager),
    ]
}

fn group_patch() -> impl Strategy<Value = GroupPatch> {
    prop_oneof![
        (0..4_u8).prop_map(GroupPatch::Rename),
        references().prop_map(GroupPatch::Add),
        (0..16_u8).prop_map(GroupPatch::Remove),
        (0..16_u8, 0..16_u8).prop_map(|(a, b)| GroupPatch::RemoveEither(a, b)),
        references().prop_map(GroupPatch::Replace),
        Just(GroupPatch::Clear),
        (0..16_u8).prop_map(GroupPatch::Touch),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => user_body().prop_map(Step::CreateUser),
        2 => (0..4_u8, references()).prop_map(|(n, m)| Step::CreateGroup(n, m)),
        2 => (0..16_u8, user_body()).prop_map(|(r, b)| Step::ReplaceUser(r, b)),
        1 => (0..16_u8, 0..4_u8, references()).prop_map(|(r, n, m)| Step::ReplaceGroup(r, n, m)),
        3 => (0..16_u8, prop::collection::vec(user_patch(), 1..4))
            .prop_map(|(r, p)| Step::PatchUser(r, p)),
        4 => (0..16_u8, prop::collection::vec(group_patch(), 1..4))
            .prop_map(|(r, p)| Step::PatchGroup(r, p)),
        2 => (0..16_u8, any::<bool>()).prop_map(|(r, u)| Step::Delete(r, u)),
    ]
}

/// A backend, and the ids it gave, in the order of the steps that made them.
struct Side {
    client: Client,
    ids: Vec<ResourceId>,
}

impl Side {
    fn id(&self, reference: Reference) -> ResourceId {
        let id = self.ids.get(usize::from(reference)).cloned();
        id.unwrap_or_else(|| ResourceId::new(format!("nobody{reference}")).unwrap())
    }

    fn members(&self, references: &[Reference]) -> Value {
        references.iter().map(|r| json!({"value": self.id(*r).as_str()})).collect()
    }

    /// A userName in one of two cases, so that folding matters.
    fn name(name: u8) -> String {
        if name.is_multiple_of(2) {
            format!("USER{}", name / 2)
        } else {
            format!("user{}", name / 2)
        }
    }

    fn user(&self, body: &UserBody) -> Value {
        let mut user = json!({"userName": Self::name(body.name)});
        if let Some(id) = body.external_id {
            user["externalId"] = format!("x{id}").into();
        }
        if let Some(active) = body.active {
            user["active"] = active.into();
        }
        if let Some(name) = body.display_name {
            user["displayName"] = format!("Name {name}").into();
        }
        if !body.emails.is_empty() {
            let emails = body.emails.iter().map(|n| json!({"value": format!("E{n}@example.com")}));
            user["emails"] = emails.collect();
        }
        if let Some(manager) = body.manager {
            user[ENTERPRISE] = json!({"manager": {"value": self.id(manager).as_str()}});
        }
        user
    }

    fn user_operation(&self, patch: &UserPatch) -> Value {
        let manager = format!("{ENTERPRISE}:manager");
        match patch {
            UserPatch::Rename(n) => {
                json!({"op": "replace", "path": "userName", "value": Self::name(*n)})
            }
            UserPatch::Nick(n) => {
                json!({"op": "add", "path": "nickName", "value": format!("n{n}")})
            }
            UserPatch::Active(active) => {
                json!({"op": "replace", "path": "active", "value": active})
            }
            UserPatch::AddEmail(n) => json!({"op": "add", "path": "emails",
                "value": [{"value": format!("e{n}@example.com")}]}),
            UserPatch::RemoveEmails => json!({"op": "remove", "path": "emails"}),
            UserPatch::Manager(r) => json!({"op": "replace", "path": manager,
                "value": {"value": self.id(*r).as_str()}}),
            UserPatch::RemoveManager => json!({"op": "remove", "path": manager}),
        }
    }

    fn group_operation(&self, patch: &GroupPatch) -> Value {
        match patch {
            GroupPatch::Rename(n) => {
                json!({"op": "replace", "path": "displayName", "value": format!("Team {n}")})
            }
            GroupPatch::Add(members) => {
                json!({"op": "add", "path": "members", "value": self.members(members)})
            }
            GroupPatch::Remove(r) => {
                json!({"op": "remove", "path": format!("members[value eq \"{}\"]", self.id(*r))})
            }
            GroupPatch::RemoveEither(a, b) => {
                let (a, b) = (self.id(*a), self.id(*b));
                let path = format!("members[value eq \"{a}\" or value sw \"{b}\"]");
                json!({"op": "remove", "path": path})
            }
            GroupPatch::Replace(members) => {
                json!({"op": "replace", "path": "members", "value": self.members(members)})
            }
            GroupPatch::Clear => json!({"op": "remove", "path": "members"}),
            GroupPatch::Touch(r) => json!({"op": "replace",
                "path": format!("members[value eq \"{}\"].value", self.id(*r)),
                "value": self.id(*r).as_str()}),
        }
    }

    /// Does a step, and tells what came of it in terms that both sides share.
    async fn perform(&mut self, step: &Step, demand: Demand, time: i64) -> String {
        let (resource_type, change) = match step {
            Step::CreateUser(body) => {
                let resource = resource(&user(), self.user(body));
                (user(), Change::Create { id: None, resource, secret: None })
            }
            Step::CreateGroup(name, members) => {
                let body = json!({"displayName": format!("Team {name}"),
                    "members": self.members(members)});
                (
                    group(),
                    Change::Create { id: None, resource: resource(&group(), body), secret: None },
                )
            }
            Step::ReplaceUser(r, body) => {
                let resource = resource(&user(), self.user(body));
                (user(), Change::Replace { id: self.id(*r), resource, secret: None })
            }
            Step::ReplaceGroup(r, name, members) => {
                let body = json!({"displayName": format!("Team {name}"),
                    "members": self.members(members)});
                let resource = resource(&group(), body);
                (group(), Change::Replace { id: self.id(*r), resource, secret: None })
            }
            Step::PatchUser(r, patches) => {
                let operations = patches.iter().map(|p| self.user_operation(p)).collect();
                (user(), Change::Patch { id: self.id(*r), plan: plan(&user(), operations) })
            }
            Step::PatchGroup(r, patches) => {
                let operations = patches.iter().map(|p| self.group_operation(p)).collect();
                (group(), Change::Patch { id: self.id(*r), plan: plan(&group(), operations) })
            }
            Step::Delete(r, users) => {
                let id = self.id(*r);
                (if *users { user() } else { group() }, Change::Delete { id })
            }
        };
        let precondition = match (&change, demand) {
            (Change::Create { .. }, _) | (_, None) => Precondition::NONE,
            (_, Some(version)) => Precondition::version(Version::from(version)),
        };
        let wanted = everything(&resource_type);
        let returning = Returning { wanted, max_members: Some(3), member_limit: usize::MAX };
        let client = self.client.later(time);
        let result = client.write(&resource_type, change, precondition, Some(returning)).await;
        let outcome = self.told(&result);
        if let (Ok(written), Step::CreateUser(_) | Step::CreateGroup(..)) = (&result, step) {
            self.ids.push(written.id.clone());
        }
        outcome
    }

    fn told(&self, result: &Result<Written, BackendError>) -> String {
        match result {
            Ok(written) => {
                let returned = written.returned.as_ref().map(shown);
                let mut ids = self.ids.clone();
                if !ids.contains(&written.id) {
                    ids.push(written.id.clone());
                }
                anonymous(&ids, format!("{} {} {returned:?}", written.version, written.changed))
            }
            Err(error) => anonymous(&self.ids, format!("{error:?}")),
        }
    }

    /// All that can be seen from outside.
    async fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for id in &self.ids {
            for resource_type in [user(), group()] {
                let found = self.client.get(&resource_type, id).await;
                state.push(match found {
                    Ok(stored) => shown(&stored).to_string(),
                    Err(error) => format!("{error:?}"),
                });
            }
        }
        let (r, s) = (self.id(0), self.id(3));
        let filters = [
            (user(), None),
            (group(), None),
            (user(), Some("userName eq \"user1\"".to_owned())),
            (user(), Some("externalId eq \"x1\" and active eq true".to_owned())),
            (user(), Some("active eq false".to_owned())),
            (user(), Some("emails.value eq \"e1@example.com\"".to_owned())),
            (user(), Some("not (emails pr) or displayName eq \"name 1\"".to_owned())),
            (user(), Some(format!("{ENTERPRISE}:manager.value eq \"{r}\""))),
            (user(), Some(format!("groups.value eq \"{r}\" or groups.display eq \"team 1\""))),
            (user(), Some(format!("groups.value eq \"{s}\" and active eq true"))),
            (user(), Some("displayName eq \"NAME 2\" and externalId eq \"x0\"".to_owned())),
            (group(), Some(format!("members.value eq \"{r}\""))),
            (group(), Some(format!("members[value eq \"{r}\" and type eq \"User\"]"))),
            (group(), Some("displayName eq \"TEAM 1\"".to_owned())),
            (group(), Some(format!("displayName eq \"team 2\" and members.value eq \"{s}\""))),
        ];
        for (resource_type, text) in filters {
            for (offset, count) in [(0, 100), (1, 2), (0, 0)] {
                let start = Start::Offset(offset);
                let query = Query { start, count, ..query(&resource_type, text.as_deref()) };
                state.push(self.page(&query).await);
            }
        }
        let target = |resource_type, text: &str| QueryTarget {
            filter: Some(filter(&resource_type, text)),
            sort: None,
            wanted: everything(&resource_type),
            resource_type,
        };
        let both = vec![target(user(), "active eq true"), target(group(), "displayName sw \"t\"")];
        let both = Query { targets: both, count: 3, ..query(&user(), None) };
        state.push(self.page(&both).await);
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            let mut sorted = Query { order: Some(order), count: 2, ..query(&user(), None) };
            sorted.targets[0].sort = user().attribute("displayName");
            state.push(self.page(&sorted).await);
            if let Some(next) = self.client.query(&sorted).await.unwrap().next {
                state.push(self.page(&Query { start: Start::After(next), ..sorted }).await);
            }
        }
        state.into_iter().map(|text| anonymous(&self.ids, text)).collect()
    }

    async fn page(&self, query: &Query) -> String {
        let page = self.client.query(query).await.unwrap();
        let resources: Vec<Value> = page.resources.iter().map(shown).collect();
        // With a count of 0 only the total is asked for.
        let has_next = query.count > 0 && page.next.is_some();
        format!("{:?} {has_next} {resources:?}", page.total)
    }
}

/// Ids are random, so each is written as the number of the resource.
fn anonymous(ids: &[ResourceId], mut text: String) -> String {
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(id.as_str(), &format!("#{number}"));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_sequence_of_writes_leaves_what_it_leaves_in_memory(
        steps in prop::collection::vec((step(), prop::option::weighted(0.3, 1..4_u64)), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = SqliteBackend::in_memory(&Registry::builtin(), &options()).unwrap();
        let mut sides = [Client::new(store), Client::new(MemoryBackend::new())]
            .map(|client| Side { client, ids: Vec::new() });
        for (time, (step, demand)) in (0..).zip(&steps) {
            let [ours, theirs] =
                sides.each_mut().map(|side| runtime.block_on(side.perform(step, *demand, time)));
            prop_assert_eq!(ours, theirs, "{:?}", step);
        }
        let [ours, theirs] = sides.each_ref().map(|side| runtime.block_on(side.state()));
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            prop_assert_eq!(ours, theirs);
        }
    }
}
