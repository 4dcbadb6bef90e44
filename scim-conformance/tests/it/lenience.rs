//! What the contract leaves to a backend is no breach.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use scim_conformance::backend::{Contract, Report, Verdict};
use scim_core::{ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, Event, EventLog, Members, MemoryBackend, Page, Position,
    ProvisioningBackend, Query, RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};

use crate::layer::{Layer, Layered};

fn skipped(report: &Report) -> Vec<(&str, &str)> {
    let verdicts = report.verdicts();
    let skipped = verdicts.filter_map(|(name, verdict)| match verdict {
        Verdict::Skipped(reason) => Some((name, reason.as_str())),
        _ => None,
    });
    skipped.collect()
}

/// It does what every backend must, and nothing more.
struct Least;

#[async_trait]
impl Layer for Least {
    fn capabilities(&self, _: Capabilities) -> Capabilities {
        Capabilities::new()
    }

    async fn query(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        query: Query,
    ) -> Result<Page, BackendError> {
        assert!(query.order.is_none(), "no sorting, so never asked to");
        if query.targets.iter().any(|target| target.filter.is_some()) {
            return Err(BackendError::Unsupported);
        }
        memory.query(cx, &query).await
    }

    async fn write_all(
        &self,
        _: &MemoryBackend,
        _: &RequestContext,
        _: Vec<WriteUnit>,
        _: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        panic!("no bulk, so never called")
    }
}

#[test]
fn checks_are_chosen_by_capabilities() {
    let report = Contract::new(|| async { Layered::new(Least) }).report();
    assert!(report.is_kept(), "{report}");
    let skipped = skipped(&report);
    for expected in [
        ("bulk::in_order", "no bulk"),
        ("preconditions::in_units", "no bulk"),
        ("sorting::by_any_attribute", "no sort"),
        ("pages::cursor_key_stays", "no cursors"),
        ("passwords::accepted_where_kept", "keeps no passwords"),
        ("events::of_each_change", "no events"),
    ] {
        assert!(skipped.contains(&expected), "{expected:?} in {skipped:#?}");
    }
    let [bulk, sort, events] = ["bulk::", "sorting::", "events::"]
        .map(|module| report.verdicts().filter(|(name, _)| name.starts_with(module)).count());
    let others = [
        "preconditions::in_units",
        "uniqueness::inside_units",
        "references::must_exist_in_units",
        "tenants::units",
        "tenants::sorted_positions",
        "filters::work_limit_of_sorting",
        "pages::cursor_key_stays",
        "passwords::accepted_where_kept",
    ];
    assert_eq!(skipped.len(), bulk + sort + events + others.len(), "{skipped:#?}");
}

/// Contention now and then.
struct Contended(AtomicUsize);

#[async_trait]
impl Layer for Contended {
    async fn write(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        write: Write,
    ) -> Result<Written, BackendError> {
        if self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            return Err(BackendError::Unavailable { retry_after: None });
        }
        memory.write(cx, write).await
    }
}

#[test]
fn what_is_unavailable_is_tried_again() {
    let report = Contract::new(|| async { Layered::new(Contended(AtomicUsize::new(0))) }).report();
    assert!(report.is_kept(), "{report}");
}

/// Events come late, some at a time.
struct Tardy(AtomicUsize);

#[async_trait]
impl Layer for Tardy {
    async fn events(
        &self,
        memory: &MemoryBackend,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        let calls = self.0.fetch_add(1, Ordering::Relaxed);
        let limit = if calls.is_multiple_of(3) { limit.min(2) } else { 0 };
        memory.events(after, limit).await
    }
}

#[test]
fn events_may_come_later_than_what_they_tell() {
    let contract = Contract::with_events(|| async { Layered::new(Tardy(AtomicUsize::new(0))) });
    let report = contract.report();
    assert!(report.is_kept(), "{report}");
    assert!(skipped(&report).iter().all(|(name, _)| !name.starts_with("events::")));
}

/// A product without tenants.
struct OneTenant;

#[async_trait]
impl Layer for OneTenant {
    fn context(&self, cx: &RequestContext) -> RequestContext {
        assert!(cx.tenant.is_empty(), "{}", cx.tenant);
        cx.clone()
    }
}

#[test]
fn a_backend_without_tenants_is_asked_as_the_empty_one() {
    let contract = Contract::with_events(|| async { Layered::new(OneTenant) }).without_tenants();
    let report = contract.without_custom_types().report();
    assert!(report.is_kept(), "{report}");
    let skipped = skipped(&report);
    assert!(skipped.contains(&("tenants::ids", "no tenants")), "{skipped:#?}");
    assert!(skipped.contains(&("uniqueness::of_custom_schemas", "no custom types")));
}

#[test]
fn all_checks_may_share_one_store() {
    let shared = Arc::new(MemoryBackend::new());
    let report = Contract::with_events(move || {
        let shared = Arc::clone(&shared);
        async move { Layered::new(Shared(shared)) }
    })
    .report();
    assert!(report.is_kept(), "{report}");
}

/// One memory backend for all, in place of the layer's own.
struct Shared(Arc<MemoryBackend>);

#[async_trait]
impl Layer for Shared {
    fn capabilities(&self, _: Capabilities) -> Capabilities {
        Capabilities::new().with_bulk(true).with_sort(true)
    }
    async fn get(
        &self,
        _: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        self.0.get(cx, resource_type, id, wanted, member_limit).await
    }
    async fn members(
        &self,
        _: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        self.0.members(cx, resource_type, id, after, limit).await
    }
    async fn query(
        &self,
        _: &MemoryBackend,
        cx: &RequestContext,
        query: Query,
    ) -> Result<Page, BackendError> {
        self.0.query(cx, &query).await
    }
    async fn write(
        &self,
        _: &MemoryBackend,
        cx: &RequestContext,
        write: Write,
    ) -> Result<Written, BackendError> {
        self.0.write(cx, write).await
    }
    async fn write_all(
        &self,
        _: &MemoryBackend,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        self.0.write_all(cx, units, max_errors).await
    }
    async fn events(
        &self,
        _: &MemoryBackend,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        self.0.events(after, limit).await
    }
}

#[test]
fn a_deviation_that_is_meant_is_named_with_its_reason() {
    let contract = Contract::new(|| async { Layered::new(Least) });
    let report =
        contract.except("tenants::", "one customer").except("reads::created_is_there", "x");
    let report = report.report();
    let skipped = skipped(&report);
    assert!(skipped.contains(&("tenants::ids", "excepted: one customer")), "{skipped:#?}");
    assert!(skipped.contains(&("reads::created_is_there", "excepted: x")));
    assert!(report.to_string().contains("tenants::ids: skipped (excepted: one customer)"));
}

#[test]
#[should_panic(expected = "the contract has no check called `tenants::idz`")]
fn an_exception_from_nothing_is_a_mistake() {
    let _ = Contract::new(|| async { Layered::new(Least) }).except("tenants::idz", "x");
}
