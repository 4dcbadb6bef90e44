//! Backends that break one promise each: the contract names the checks that they fail.

use std::sync::Arc;

use async_trait::async_trait;
use scim_conformance::backend::{Contract, Report, Verdict};
use scim_core::{AttributeSet, DateTime, ResourceId, ResourceType, Version};
use scim_patch::apply_members;
use scim_server_adapters::{
    BackendError, Change, Event, EventKind, EventLog, Members, MemoryBackend, Page, Position,
    Precondition, ProvisioningBackend, Query, RequestContext, Start, Stored, UnitFailure, Wanted,
    Write, WriteUnit, Written,
};

use crate::layer::{Layer, Layered};

/// What is wrong with a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    OneTenantForAll,
    AnyTypesId,
    ClockStands,
    PreconditionIgnored,
    AlwaysChanged,
    NeverChanged,
    DeleteForgetsVersion,
    ReadThenWrite,
    FailureHalfDone,
    GroupsForgotten,
    DanglingMembersHidden,
    ReferencesForgotten,
    MustExistIgnored,
    MustExistLookedForFirst,
    EverythingWanted,
    AllMembersReturned,
    NothingReturned,
    FilterIgnored,
    WorkCutShort,
    MemberLimitIgnored,
    GroupsWhole,
    RestForgotten,
    RestFromTheStart,
    RestByOffset,
    RestOutlivesGroup,
    BatchesOfNone,
    AnyPosition,
    PositionIsOffset,
    TotalOfThePage,
    OrderIgnored,
    UnitsSplit,
    DependenciesIgnored,
    MaxErrorsIgnored,
    IdsOfItsOwn,
    ConflictUnnamed,
    Panics,
    DeletesUntold,
    EventsOfOneTenant,
    EventsOfNobody,
    EventsOfTheFirstVersion,
    EventsOfGroupsThatMembersLeave,
    EventsWithoutChange,
    EventsTwice,
    EventsOvertaken,
    EventsFromTheStart,
    EventsAfterAnyPosition,
    EventLimitIgnored,
}

use Fault::*;

const MODULES: [&str; 16] = [
    "reads::",
    "writes::",
    "preconditions::",
    "uniqueness::",
    "membership::",
    "members::",
    "references::",
    "filters::",
    "pages::",
    "sorting::",
    "bulk::",
    "passwords::",
    "tenants::",
    "concurrency::",
    "cancellation::",
    "events::",
];

/// What the modules of these checks say of a backend with that fault.
fn report(fault: Fault, checks: &[&str]) -> Report {
    let contract = Contract::with_events(move || async move { Layered::new(fault) });
    let others = MODULES.into_iter().filter(|m| !checks.iter().any(|check| check.starts_with(m)));
    others.fold(contract, |contract, module| contract.except(module, "another matter")).report()
}

#[test]
fn each_fault_is_found() {
    let mut missed = Vec::new();
    for (fault, expected) in [
        (
            OneTenantForAll,
            &[
                "tenants::ids",
                "tenants::lists_and_filters",
                "tenants::positions",
                "tenants::sorted_positions",
                "tenants::membership",
                "tenants::references",
                "tenants::unique_values",
                "tenants::names_are_told_apart",
                "tenants::units",
                "members::of_another_tenants_group",
            ][..],
        ),
        (AnyTypesId, &["reads::id_of_another_type"]),
        (
            ClockStands,
            &["writes::change_gives_version_and_date", "membership::delete_leaves_groups"],
        ),
        (
            PreconditionIgnored,
            &[
                "preconditions::version",
                "preconditions::if_none_match",
                "concurrency::of_writers_who_saw_one_version_one_succeeds",
            ],
        ),
        (
            AlwaysChanged,
            &[
                "writes::nothing_changed",
                "membership::operations",
                "passwords::ignored_where_none_are_kept",
            ],
        ),
        (NeverChanged, &["writes::change_gives_version_and_date", "membership::operations"]),
        (DeleteForgetsVersion, &["writes::delete"]),
        (
            ReadThenWrite,
            &[
                "concurrency::of_64_tasks_none_loses_a_member",
                "concurrency::changes_of_one_document_are_all_kept",
            ],
        ),
        (FailureHalfDone, &["writes::failure_leaves_nothing", "events::none_without_a_change"]),
        (
            GroupsForgotten,
            &["membership::groups_are_computed", "references::members_show_what_they_name"],
        ),
        (
            DanglingMembersHidden,
            &["references::members_show_what_they_name", "membership::operations"],
        ),
        (ReferencesForgotten, &["references::only_those_that_exist"]),
        (
            MustExistIgnored,
            &[
                "references::must_exist",
                "references::must_exist_in_the_tenant",
                "references::must_exist_in_units",
                "references::must_exist_beside_deletes",
            ],
        ),
        (MustExistLookedForFirst, &["references::must_exist_beside_deletes"]),
        (EverythingWanted, &["reads::rows_only_where_wanted"]),
        (AllMembersReturned, &["writes::returning_max_members"]),
        (
            NothingReturned,
            &["writes::returning", "writes::returning_max_members", "bulk::returning"],
        ),
        (
            FilterIgnored,
            &[
                "filters::of_users_and_groups",
                "filters::of_custom_types",
                "sorting::with_filter_and_several_types",
                "pages::several_types",
            ],
        ),
        (WorkCutShort, &["filters::work_limit", "filters::work_limit_of_sorting"]),
        (MemberLimitIgnored, &["pages::member_limit", "members::first_in_a_page"]),
        (GroupsWhole, &["members::first_by_get", "members::first_from_a_write"]),
        (
            RestForgotten,
            &[
                "members::first_by_get",
                "members::first_in_a_page",
                "members::first_from_a_write",
                "members::walk_during_writes",
            ],
        ),
        (RestFromTheStart, &["members::first_by_get", "members::walk_during_writes"]),
        (RestByOffset, &["members::walk_during_writes"]),
        (RestOutlivesGroup, &["members::of_a_group_that_is_gone"]),
        (BatchesOfNone, &["members::first_by_get"]),
        (AnyPosition, &["members::strange_position"]),
        (PositionIsOffset, &["pages::walk_during_writes", "sorting::walk_during_writes"]),
        (TotalOfThePage, &["pages::totals"]),
        (
            OrderIgnored,
            &[
                "sorting::by_any_attribute",
                "sorting::by_typed_attributes",
                "sorting::walk_during_writes",
            ],
        ),
        (UnitsSplit, &["bulk::units_are_atomic", "uniqueness::inside_units", "events::of_units"]),
        (DependenciesIgnored, &["bulk::dependencies"]),
        (MaxErrorsIgnored, &["bulk::max_errors"]),
        (IdsOfItsOwn, &["bulk::minted_ids", "bulk::minted_id_that_is_taken"]),
        (
            ConflictUnnamed,
            &[
                "uniqueness::folded",
                "uniqueness::of_custom_schemas",
                "concurrency::of_64_creates_of_one_name_one_succeeds",
            ],
        ),
        (Panics, &["reads::created_is_there"]),
        (
            DeletesUntold,
            &["events::of_each_change", "events::of_units", "events::following_beside_writers"],
        ),
        (EventsOfOneTenant, &["events::of_all_tenants", "events::of_each_change"]),
        (EventsOfNobody, &["events::of_each_change"]),
        (EventsOfTheFirstVersion, &["events::of_each_change"]),
        (EventsOfGroupsThatMembersLeave, &["events::of_each_change"]),
        (EventsWithoutChange, &["events::none_without_a_change"]),
        (EventsTwice, &["events::of_each_change", "events::reading_on"]),
        (EventsOvertaken, &["events::following_beside_writers"]),
        (EventsFromTheStart, &["events::reading_on"]),
        (EventsAfterAnyPosition, &["events::strange_position"]),
        (EventLimitIgnored, &["events::reading_on"]),
    ] {
        let report = report(fault, expected);
        let broken: Vec<&str> = report.broken().collect();
        for check in expected {
            if !broken.contains(check) {
                missed.push(format!("{fault:?} by `{check}`, but by {broken:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn a_breach_is_told_in_the_contracts_words() {
    let report = report(PreconditionIgnored, &["preconditions::version"]);
    let verdict = report.verdicts().find(|(name, _)| *name == "preconditions::version");
    let Some((_, Verdict::Broken(breach))) = verdict else { panic!("{report}") };
    let [name, contract, doing, expected, seen] = breach.lines().collect::<Vec<_>>()[..] else {
        panic!("{breach}")
    };
    assert_eq!(name, "preconditions::version");
    assert_eq!(
        contract,
        "  contract: BackendError::PreconditionFailed when the precondition does not hold; nothing \
         has changed then",
    );
    assert!(doing.starts_with("  doing:    patch on the precondition "), "{doing}");
    assert_eq!(expected, "  expected: BackendError::PreconditionFailed");
    assert!(seen.starts_with("  seen:     success: Written {"), "{seen}");
    assert!(report.to_string().contains("preconditions::version: BROKEN"));
}

#[test]
#[should_panic(expected = "contract: Every method acts within `cx.tenant` only")]
fn a_test_with_a_broken_backend_fails() {
    scim_conformance::backend::run(|| async { Layered::new(OneTenantForAll) });
}

#[async_trait]
impl Layer for Fault {
    fn context(&self, cx: &RequestContext) -> RequestContext {
        let mut cx = cx.clone();
        match self {
            OneTenantForAll => cx.tenant = "".into(),
            ClockStands => cx.now = DateTime::from_micros(1_767_225_600_000_000).unwrap(),
            _ => {}
        }
        cx
    }

    async fn get(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let all = Arc::new(AttributeSet::default_for(resource_type));
        let wanted = if *self == EverythingWanted { &all } else { wanted };
        let member_limit = if *self == GroupsWhole { usize::MAX } else { member_limit };
        let found = memory.get(cx, resource_type, id, wanted, member_limit).await;
        let mut stored = match found {
            Err(BackendError::NotFound) if *self == AnyTypesId => {
                let user = ResourceType::user();
                memory.get(cx, &user, id, wanted, member_limit).await?
            }
            found => found?,
        };
        match self {
            Panics => panic!("a fault of the backend"),
            GroupsForgotten => stored.groups = stored.groups.map(|_| Vec::new()),
            ReferencesForgotten => stored.references.clear(),
            RestForgotten => stored.members.iter_mut().for_each(|members| members.next = None),
            DanglingMembersHidden => {
                stored.members.iter_mut().for_each(|members| members.list.retain(|m| m.exists));
            }
            _ => {}
        }
        Ok(stored)
    }

    async fn members(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let start = Position(0_u64.to_be_bytes().into());
        match self {
            RestFromTheStart => memory.members(cx, resource_type, id, &start, limit).await,
            RestOutlivesGroup => {
                let found = memory.members(cx, resource_type, id, after, limit).await;
                Ok(found.unwrap_or_default())
            }
            BatchesOfNone => memory.members(cx, resource_type, id, after, 0).await,
            AnyPosition if after.0.len() != 8 => {
                memory.members(cx, resource_type, id, &start, limit).await
            }
            // How many have been read, rather than which.
            RestByOffset => {
                let read = u64::from_be_bytes((*after.0).try_into().unwrap());
                let all = memory.members(cx, resource_type, id, &start, usize::MAX).await?.list;
                let read = usize::try_from(read).unwrap().min(all.len());
                let list: Vec<_> = all[read..].iter().take(limit).cloned().collect();
                let now = read + list.len();
                let more = (now < all.len()).then(|| Position((now as u64).to_be_bytes().into()));
                Ok(Members { list, next: more })
            }
            _ => memory.members(cx, resource_type, id, after, limit).await,
        }
    }

    async fn query(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        mut query: Query,
    ) -> Result<Page, BackendError> {
        let asked = query.clone();
        let first = match &query.start {
            Start::Offset(offset) => *offset,
            Start::After(position) => {
                <[u8; 8]>::try_from(&*position.0).map_or(0, u64::from_be_bytes)
            }
        };
        match self {
            FilterIgnored => query.targets.iter_mut().for_each(|target| target.filter = None),
            WorkCutShort => query.work_limit = usize::MAX,
            MemberLimitIgnored => query.member_limit = usize::MAX,
            OrderIgnored => query.order = None,
            PositionIsOffset => query.start = Start::Offset(first),
            EverythingWanted => query.targets.iter_mut().for_each(|target| {
                target.wanted = Arc::new(AttributeSet::default_for(&target.resource_type));
            }),
            _ => {}
        }
        let mut page = memory.query(cx, &query).await?;
        match self {
            WorkCutShort => page.resources.truncate(asked.work_limit),
            TotalOfThePage => page.total = page.total.map(|_| page.resources.len() as u64),
            RestForgotten => {
                let groups = page.resources.iter_mut().filter_map(|stored| stored.members.as_mut());
                groups.for_each(|members| members.next = None);
            }
            PositionIsOffset => {
                let next = first + page.resources.len() as u64;
                page.next = page.next.map(|_| Position(next.to_be_bytes().into()));
            }
            _ => {}
        }
        Ok(page)
    }

    async fn write(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        mut write: Write,
    ) -> Result<Written, BackendError> {
        match (self, &mut write.change) {
            (PreconditionIgnored, _) => write.precondition = Precondition::NONE,
            (NothingReturned, _) => write.returning = None,
            (GroupsWhole, _) => {
                write
                    .returning
                    .iter_mut()
                    .for_each(|returning| returning.member_limit = usize::MAX);
            }
            (MustExistIgnored, _) => write.must_exist.clear(),
            (MustExistLookedForFirst, _) => look_first(memory, cx, &mut write).await?,
            (AllMembersReturned, _) => {
                write.returning.iter_mut().for_each(|returning| returning.max_members = None);
            }
            (ReadThenWrite, Change::Patch { .. }) => {
                return read_then_write(memory, cx, write).await;
            }
            (FailureHalfDone, Change::Patch { id, plan }) => {
                let mut half = plan.clone();
                half.members = Arc::new([]);
                let change = Change::Patch { id: id.clone(), plan: half };
                let half = Write { change, ..write.clone() };
                let whole = memory.write(cx, write).await;
                if let Err(BackendError::Scim(_)) = whole {
                    memory.write(cx, half).await?;
                }
                return whole;
            }
            _ => {}
        }
        let is_delete = matches!(write.change, Change::Delete { .. });
        if *self == EventsOfGroupsThatMembersLeave && is_delete {
            pretend_a_change(memory, cx).await?;
        }
        let mut written = memory.write(cx, write).await.map_err(|error| match error {
            BackendError::Conflict { .. } if *self == ConflictUnnamed => {
                BackendError::Conflict { attribute: "value".into() }
            }
            error => error,
        })?;
        match self {
            AlwaysChanged => written.changed = true,
            EventsWithoutChange if !written.changed => pretend_a_change(memory, cx).await?,
            NeverChanged => written.changed = false,
            RestForgotten => {
                let members = written.returned.as_mut().and_then(|stored| stored.members.as_mut());
                members.into_iter().for_each(|members| members.next = None);
            }
            DeleteForgetsVersion if is_delete => written.version = Version::from(0),
            _ => {}
        }
        Ok(written)
    }

    async fn write_all(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        mut units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        let mut max_errors = max_errors;
        match self {
            DependenciesIgnored => units.iter_mut().for_each(|unit| unit.depends_on.clear()),
            MaxErrorsIgnored => max_errors = None,
            UnitsSplit => {
                let mut outcomes = Vec::new();
                for unit in units {
                    let mut outcome = Ok(Vec::new());
                    for (index, write) in unit.writes.into_iter().enumerate() {
                        match (memory.write(cx, write).await, &mut outcome) {
                            (Ok(written), Ok(all)) => all.push(written),
                            (Err(error), Ok(_)) => {
                                outcome = Err(UnitFailure { write: index, error });
                            }
                            _ => {}
                        }
                    }
                    outcomes.push(outcome);
                }
                return Ok(outcomes);
            }
            _ => {}
        }
        for write in units.iter_mut().flat_map(|unit| &mut unit.writes) {
            match (self, &mut write.change) {
                (NothingReturned, _) => write.returning = None,
                (MustExistIgnored, _) => write.must_exist.clear(),
                (IdsOfItsOwn, Change::Create { id, .. }) => *id = None,
                _ => {}
            }
        }
        memory.write_all(cx, units, max_errors).await
    }

    async fn events(
        &self,
        memory: &MemoryBackend,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        let after = match self {
            EventsFromTheStart => None,
            EventsAfterAnyPosition => after.filter(|position| position.0.len() == 8),
            _ => after,
        };
        let limit = if *self == EventLimitIgnored { usize::MAX } else { limit };
        let mut events = memory.events(after, limit).await?;
        match self {
            DeletesUntold => events.retain(|event| event.kind != EventKind::Deleted),
            EventsOfOneTenant => events.iter_mut().for_each(|event| event.tenant = "".into()),
            EventsOfNobody => events.iter_mut().for_each(|event| event.principal = "".into()),
            EventsOfTheFirstVersion => {
                events.iter_mut().for_each(|event| event.version = Version::from(1));
            }
            EventsTwice => events = events.into_iter().flat_map(|e| [e.clone(), e]).collect(),
            // The last but one is still under way, and is there for those who come later.
            EventsOvertaken if events.len() > 1 => {
                events.remove(events.len() - 2);
            }
            _ => {}
        }
        Ok(events)
    }
}

/// Makes a group that nobody asked for, so that there is an event of it.
async fn pretend_a_change(memory: &MemoryBackend, cx: &RequestContext) -> Result<(), BackendError> {
    let group = ResourceType::group();
    let attributes = serde_json::Map::from_iter([("displayName".to_owned(), "x".into())]);
    let resource = scim_core::Resource::from_canonical(Arc::clone(&group), attributes);
    let write = Write {
        resource_type: group,
        change: Change::Create { id: None, resource, secret: None },
        precondition: Precondition::NONE,
        returning: None,
        unique_display_name: false,
        must_exist: Vec::new(),
    };
    memory.write(cx, write).await.map(drop)
}

/// Users that must exist, looked for as it must not be done: before the write.
async fn look_first(
    memory: &MemoryBackend,
    cx: &RequestContext,
    write: &mut Write,
) -> Result<(), BackendError> {
    let user = ResourceType::user();
    let wanted = Arc::new(AttributeSet::default_for(&user));
    for reference in write.must_exist.drain(..) {
        let id = ResourceId::new(&*reference.value)?;
        if memory.get(cx, &user, &id, &wanted, 0).await.is_err() {
            return Err(reference.dangles().into());
        }
        // Until somebody else has deleted it, if anybody does.
        for _ in 0..10_000 {
            if memory.get(cx, &user, &id, &wanted, 0).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// A PATCH as it must not be done: read, change, write back what came out.
async fn read_then_write(
    memory: &MemoryBackend,
    cx: &RequestContext,
    write: Write,
) -> Result<Written, BackendError> {
    let Change::Patch { id, plan } = &write.change else { panic!("a PATCH") };
    let all = Arc::new(AttributeSet::default_for(&write.resource_type));
    let stored = memory.get(cx, &write.resource_type, id, &all, usize::MAX).await?;
    tokio::task::yield_now().await;
    let mut attributes = stored.attributes()?;
    if let Some(changed) = plan.document.apply(&attributes)? {
        attributes = changed;
    }
    if let Some(Members { list: mut members, .. }) = stored.members {
        apply_members(&plan.members, &mut members)?;
        let members: Vec<serde_json::Value> = members.iter().map(|m| m.to_json().into()).collect();
        attributes.insert("members".to_owned(), members.into());
    }
    let resource =
        scim_core::Resource::from_canonical(Arc::clone(&write.resource_type), attributes);
    let change = Change::Replace { id: id.clone(), resource, secret: None };
    memory.write(cx, Write { change, ..write }).await
}
