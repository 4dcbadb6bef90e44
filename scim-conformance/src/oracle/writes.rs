//! Any sequence of writes leaves what the memory backend, the plain reference, holds after it.
//!
//! Left out are selections of members by type or display, and a type given for one of whom none
//! was known: there the memory backend knows less of its rows.

use std::future::Future;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use scim_core::{ResourceId, ResourceType, SortOrder, Version};
use scim_server_adapters::{
    BackendError, Change, MemoryBackend, Position, Precondition, ProvisioningBackend, Query, Start,
    Written,
};
use serde_json::{Map, Value, json};

use crate::backend::Opened;
use crate::backend::breach::{Breach, Outcome, same};
use crate::backend::store::{
    Store, create, delete, everything, filtered, patch, query, replace, returning, shown, sorted,
};
use crate::backend::types::{ENTERPRISE, group, user};

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
    store: Store,
    ids: Vec<ResourceId>,
}

impl Side {
    fn id(&self, reference: Reference) -> ResourceId {
        let id = self.ids.get(usize::from(reference)).cloned();
        let nobody = || ResourceId::new(format!("nobody{reference}"));
        id.or_else(|| nobody().ok()).unwrap_or_else(|| unreachable!("nobody is an id"))
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
        let emails: Vec<Value> =
            body.emails.iter().map(|n| json!({"value": format!("E{n}@example.com")})).collect();
        let manager = body.manager.map(|r| json!({"manager": {"value": self.id(r).as_str()}}));
        let attributes = [
            ("userName", Some(Self::name(body.name).into())),
            ("externalId", body.external_id.map(|id| format!("x{id}").into())),
            ("active", body.active.map(Value::from)),
            ("displayName", body.display_name.map(|name| format!("Name {name}").into())),
            ("emails", (!emails.is_empty()).then(|| emails.into())),
            (ENTERPRISE, manager),
        ];
        let given = attributes.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
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
    async fn perform(&mut self, step: &Step, demand: Demand, time: i64) -> Outcome<String> {
        let team = |name: u8, members: &[Reference]| json!({"displayName": format!("Team {name}"), "members": self.members(members)});
        let write = match step {
            Step::CreateUser(body) => create(&user(), self.user(body))?,
            Step::CreateGroup(name, members) => create(&group(), team(*name, members))?,
            Step::ReplaceUser(r, body) => replace(&user(), &self.id(*r), self.user(body))?,
            Step::ReplaceGroup(r, name, members) => {
                replace(&group(), &self.id(*r), team(*name, members))?
            }
            Step::PatchUser(r, patches) => {
                let operations = patches.iter().map(|p| self.user_operation(p)).collect();
                patch(&user(), &self.id(*r), operations)?
            }
            Step::PatchGroup(r, patches) => {
                let operations = patches.iter().map(|p| self.group_operation(p)).collect();
                patch(&group(), &self.id(*r), operations)?
            }
            Step::Delete(r, true) => delete(&user(), &self.id(*r)),
            Step::Delete(r, false) => delete(&group(), &self.id(*r)),
        };
        let wanted = everything(&write.resource_type);
        let mut write = returning(write, &wanted, Some(3));
        let creates = matches!(write.change, Change::Create { .. });
        if let Some(version) = demand.filter(|_| !creates) {
            write.precondition = Precondition::version(Version::from(version));
        }
        let result = self.store.later(time).perform(format_args!("{step:?}"), write).await.result;
        let outcome = self.told(&result)?;
        if let (Ok(written), true) = (&result, creates) {
            self.ids.push(written.id.clone());
        }
        Ok(outcome)
    }

    fn told(&self, result: &Result<Written, BackendError>) -> Outcome<String> {
        Ok(match result {
            Ok(written) => {
                let returned = written.returned.as_ref().map(shown).transpose()?;
                let mut ids = self.ids.clone();
                if !ids.contains(&written.id) {
                    ids.push(written.id.clone());
                }
                anonymous(&ids, format!("{} {} {returned:?}", written.version, written.changed))
            }
            Err(error) => anonymous(&self.ids, format!("{error:?}")),
        })
    }

    /// All that can be seen from outside.
    async fn state(&self) -> Outcome<Vec<String>> {
        let mut state = Vec::new();
        for id in &self.ids {
            for resource_type in [user(), group()] {
                let found = self.store.get(&resource_type, id).await.result;
                state.push(match found {
                    Ok(stored) => shown(&stored)?.to_string(),
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
                let query = Query { start, count, ..asked(&resource_type, text.as_deref())? };
                state.push(self.page(&query).await?.0);
            }
        }
        let targets = [(user(), "active eq true"), (group(), "displayName sw \"t\"")];
        let mut both = Query { count: 3, targets: Vec::new(), ..query(&user()) };
        for (resource_type, text) in targets {
            both.targets.extend(asked(&resource_type, Some(text))?.targets);
        }
        state.push(self.page(&both).await?.0);
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            let sorted = Query { count: 2, ..sorted(&user(), "displayName", order)? };
            let (page, next) = self.page(&sorted).await?;
            state.push(page);
            if let Some(next) = next {
                state.push(self.page(&Query { start: Start::After(next), ..sorted }).await?.0);
            }
        }
        Ok(state.into_iter().map(|text| anonymous(&self.ids, text)).collect())
    }

    async fn page(&self, query: &Query) -> Outcome<(String, Option<Position>)> {
        let page = self.store.page(query).await?;
        let resources: Vec<Value> = page.resources.iter().map(shown).collect::<Outcome<_>>()?;
        // With a count of 0 only the total is asked for.
        let has_next = query.count > 0 && page.next.is_some();
        Ok((format!("{:?} {has_next} {resources:?}", page.total), page.next))
    }
}

fn asked(resource_type: &Arc<ResourceType>, text: Option<&str>) -> Outcome<Query> {
    match text {
        Some(text) => filtered(resource_type, text),
        None => Ok(query(resource_type)),
    }
}

/// Ids are random, so each is written as the number of the resource.
fn anonymous(ids: &[ResourceId], mut text: String) -> String {
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(id.as_str(), &format!("#{number}"));
    }
    text
}

async fn compare(ours: Arc<dyn ProvisioningBackend>, steps: &[(Step, Demand)]) -> Outcome {
    let side = |backend| {
        let store = Store::new(Opened::without_events(backend), true);
        Side { store, ids: Vec::new() }
    };
    let (mut ours, mut theirs) = (side(ours), side(Arc::new(MemoryBackend::new())));
    for (time, (step, demand)) in (0..).zip(steps) {
        let told = ours.perform(step, *demand, time).await?;
        same(format_args!("{step:?}"), told, theirs.perform(step, *demand, time).await?)?;
    }
    for (ours, theirs) in ours.state().await?.into_iter().zip(theirs.state().await?) {
        same("what can be seen afterwards", ours, theirs)?;
    }
    Ok(())
}

/// Performs so many generated sequences of up to 40 writes on the backend and on the memory backend:
/// each write must come to the same, errors included, and so must all that can be read afterwards.
///
/// `open` opens the backend for each sequence; it may be the same database, since each sequence has
/// a tenant of its own.
///
/// It starts a runtime of its own, so call it from a plain `#[test]`, not from an async one.
///
/// # Panics
/// When something differs; the message has the shortest sequence that was found to show it.
#[expect(clippy::panic, reason = "it is the body of a test")]
pub fn any_writes<B, F>(open: impl Fn() -> F, sequences: u32)
where
    B: ProvisioningBackend,
    F: Future<Output = B>,
{
    let config = Config { failure_persistence: None, ..Config::with_cases(sequences) };
    let steps = prop::collection::vec((step(), prop::option::weighted(0.3, 1..4_u64)), 1..40);
    let runtime = super::start_runtime();
    let result = TestRunner::new(config).run(&steps, |steps| {
        let compared = runtime.block_on(async { compare(Arc::new(open().await), &steps).await });
        compared.map_err(|breach: Breach| TestCaseError::fail(format!("\n{breach}\n")))
    });
    if let Err(difference) = result {
        panic!("{difference}");
    }
}
