//! POST on `/Bulk`: many operations in one request (RFC 7644 §3.7).
//!
//! Ids of new resources are minted beforehand, so that operations can refer to each other in any
//! direction. An operation runs after those it refers to, and otherwise in request order;
//! operations that refer to each other in a circle happen together or not at all. A backend that
//! chooses ids itself gets the operations [`one_by_one`].

mod one_by_one;
mod order;
mod references;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::StatusCode;
use scim_core::messages::{
    BulkMethod, BulkOperation, BulkOperationResponse, BulkRequest, BulkResponse,
};
use scim_core::{PatchOp, ResourceId, ResourceType, ScimError, Version, json, shorten};
use scim_patch::PatchPlan;
use serde_json::Value;

use crate::backend::{BackendError, Change, Write, WriteUnit, Written};
use crate::exchange::{Answer, Exchange, Failure};
use crate::policy::ActionKind;
use crate::precondition::Precondition;
use crate::route::{self, Endpoint};

/// An operation that can be tried, with the operations it refers to.
struct Planned {
    write: Write,
    refers_to: Vec<usize>,
}

/// What became of an operation.
enum Outcome {
    Done(Written),
    Failed(ScimError),
}

/// The resource that a POST makes.
struct Minted {
    operation: usize,
    id: ResourceId,
}

pub(crate) async fn bulk(x: &mut Exchange<'_>) -> Answer {
    x.admit(ActionKind::Bulk, None, None).await?;
    let body = json::parse_object(x.body()?)?;
    let request = BulkRequest::noting(body, &x.profile, &mut x.quirks.fired)?;
    let limit = x.service.limits.bulk_operations;
    if request.operations.len() > limit {
        return Err(ScimError::with_status(
            413,
            format!("the request has more than {limit} operations"),
        )
        .into());
    }
    let minted = mint(&request.operations)?;
    let mut planned = Vec::with_capacity(request.operations.len());
    for operation in &request.operations {
        planned.push(match plan(x, operation, &minted) {
            Ok(plan) => admit(x, &plan.write).await.map(|()| plan),
            Err(error) => Err(error),
        });
    }
    let outcomes = if x.service.backend.capabilities(&x.cx).bulk {
        perform(x, planned, request.fail_on_errors).await?
    } else {
        let operations = &request.operations;
        one_by_one::perform(x, operations, planned, minted, request.fail_on_errors).await
    };
    let operations = request
        .operations
        .iter()
        .zip(outcomes)
        .filter_map(|(operation, outcome)| Some(respond(x, operation, outcome?)))
        .collect();
    let body = serde_json::to_vec(&BulkResponse { operations })
        .map_err(|e| x.failed(&BackendError::internal(e), "the bulk request"))?;
    // RFC 7644 §3.7: 200 whenever the request was taken, whatever became of the operations
    // (errata.md B5).
    Ok(x.ok(StatusCode::OK, body))
}

/// An id for each resource to be made.
fn mint(operations: &[BulkOperation]) -> Result<HashMap<&str, Minted>, ScimError> {
    let mut minted = HashMap::new();
    for (index, operation) in operations.iter().enumerate() {
        if let (BulkMethod::Post, Some(bulk_id)) = (operation.method, &operation.bulk_id) {
            let id = ResourceId::new(uuid::Uuid::now_v7().to_string())?;
            minted.insert(bulk_id.as_str(), Minted { operation: index, id });
        }
    }
    Ok(minted)
}

/// One operation as a write, its references to new resources filled in.
fn plan(
    x: &mut Exchange<'_>,
    operation: &BulkOperation,
    minted: &HashMap<&str, Minted>,
) -> Result<Planned, ScimError> {
    let mut refers_to = Vec::new();
    let mut resolve = |bulk_id: &str| -> Result<String, ScimError> {
        let found = minted.get(bulk_id).ok_or_else(|| {
            ScimError::invalid_value(format!(
                "`bulkId:{}` names no operation of this request",
                shorten(bulk_id)
            ))
        })?;
        refers_to.push(found.operation);
        Ok(found.id.as_str().to_owned())
    };
    let (resource_type, id) = target(x, operation, &mut resolve)?;
    let precondition = match &operation.version {
        None => Precondition::NONE,
        Some(text) => {
            let version = Version::from_etag(text).or_else(|| Version::new(text.as_str()));
            Precondition::version(version.ok_or_else(|| {
                ScimError::invalid_value(format!("`version`: `{}` is none", shorten(text)))
            })?)
        }
    };
    let data = match (&operation.data, operation.method) {
        (_, BulkMethod::Delete) => None,
        (Some(Value::Object(data)), _) => Some(data.clone()),
        _ => return Err(ScimError::invalid_syntax("`data` must be an object")),
    };
    let mut must_exist = Vec::new();
    let change = match (operation.method, id, data) {
        (BulkMethod::Delete, Some(id), _) => Change::Delete { id },
        (BulkMethod::Patch, Some(id), Some(mut data)) => {
            references::in_patch(&resource_type, &mut data, &mut resolve)?;
            let fired = &mut x.quirks.fired;
            let patch = PatchOp::noting(data, &x.profile, fired)?;
            let planned = PatchPlan::noting(&resource_type, patch, &x.profile, fired)?;
            x.quirks.late.push(planned.late);
            must_exist = x.must_exist(|| planned.plan.references());
            Change::Patch { id, plan: planned.plan }
        }
        (BulkMethod::Put, Some(id), Some(mut data)) => {
            references::in_resource(&resource_type, &mut data, &mut resolve)?;
            let (resource, secret) = x.ingest(&resource_type, data)?;
            must_exist = x.must_exist_for(&resource);
            Change::Replace { id, resource, secret }
        }
        (BulkMethod::Post, None, Some(mut data)) => {
            references::in_resource(&resource_type, &mut data, &mut resolve)?;
            let (resource, secret) = x.ingest(&resource_type, data)?;
            must_exist = x.must_exist_for(&resource);
            let own = operation.bulk_id.as_deref().and_then(|bulk_id| minted.get(bulk_id));
            Change::Create { id: own.map(|own| own.id.clone()), resource, secret }
        }
        (method, ..) => {
            let path = shorten(&operation.path);
            return Err(ScimError::invalid_syntax(format!(
                "`{}` is not possible on path `{path}`",
                method.as_str()
            )));
        }
    };
    let write = Write {
        unique_display_name: x.unique_display_name(&resource_type),
        resource_type,
        change,
        precondition,
        returning: None,
        must_exist,
    };
    Ok(Planned { write, refers_to })
}

/// The policy decides on each operation as it would on the single request.
async fn admit(x: &Exchange<'_>, write: &Write) -> Result<(), ScimError> {
    let (kind, id) = match &write.change {
        Change::Create { .. } => (ActionKind::Create, None),
        Change::Replace { id, .. } => (ActionKind::Replace, Some(id)),
        Change::Patch { id, .. } => (ActionKind::Patch, Some(id)),
        Change::Delete { id } => (ActionKind::Delete, Some(id)),
    };
    x.admit(kind, Some(&write.resource_type), id).await.map_err(|failure| failure.error)
}

/// The resource type, and the resource if the path names one: by id, or by `bulkId:` and the
/// name of an operation (errata.md B10).
fn target(
    x: &Exchange<'_>,
    operation: &BulkOperation,
    resolve: &mut dyn FnMut(&str) -> Result<String, ScimError>,
) -> Result<(Arc<ResourceType>, Option<ResourceId>), ScimError> {
    let nowhere = || {
        let path = shorten(&operation.path);
        ScimError::invalid_value(format!(
            "path `{path}` names neither a resource type nor a resource"
        ))
    };
    let mut segments = route::segments(&operation.path)?;
    if let Some(last) = segments.get_mut(1)
        && let Some(bulk_id) = references::bulk_id(last)
    {
        *last = resolve(bulk_id)?.into();
    }
    match route::endpoint(&x.service.registry, &segments) {
        Some(Endpoint::Type(resource_type)) => Ok((resource_type, None)),
        Some(Endpoint::Resource(resource_type, id)) => Ok((resource_type, Some(id))),
        _ => Err(nowhere()),
    }
}

/// Performs what can be tried, up to a number of errors. `None` for what was not run.
async fn perform(
    x: &Exchange<'_>,
    planned: Vec<Result<Planned, ScimError>>,
    fail_on_errors: Option<usize>,
) -> Result<Vec<Option<Outcome>>, Failure> {
    let refers_to: Vec<Vec<usize>> = planned
        .iter()
        .map(|p| p.as_ref().map(|p| p.refers_to.clone()).unwrap_or_default())
        .collect();
    let units = order::units(&refers_to);
    let mut planned: Vec<Option<Result<Planned, ScimError>>> =
        planned.into_iter().map(Some).collect();
    let mut outcomes: Vec<Option<Outcome>> = planned.iter().map(|_| None).collect();
    let mut errors = 0;
    let mut batch = Batch::default();
    for unit in units {
        let members: Vec<(usize, Result<Planned, ScimError>)> = unit
            .into_iter()
            .filter_map(|index| Some((index, planned.get_mut(index)?.take()?)))
            .collect();
        let depends_on_failed = members.iter().any(|(index, _)| {
            let refers = refers_to.get(*index).map(Vec::as_slice).unwrap_or_default();
            refers.iter().any(|r| matches!(outcomes.get(*r), Some(Some(Outcome::Failed(_)))))
        });
        let invalid = members.iter().any(|(_, planned)| planned.is_err());
        if !invalid && !depends_on_failed {
            let mut writes = Vec::with_capacity(members.len());
            let mut indexes = Vec::with_capacity(members.len());
            for (index, planned) in members {
                if let Ok(planned) = planned {
                    writes.push(planned.write);
                    indexes.push(index);
                }
            }
            leave_out_own(&mut writes);
            batch.push(writes, indexes, &refers_to);
            continue;
        }
        // What failed before it was tried counts at its place: what stands before it goes first.
        if let Some(max) = fail_on_errors {
            errors += run(x, std::mem::take(&mut batch), &mut outcomes, Some(max - errors)).await?;
            if errors >= max {
                return Ok(outcomes);
            }
        }
        for (index, planned) in members {
            let error = planned.err().unwrap_or_else(|| BackendError::Dependency.to_scim(""));
            if let Some(outcome) = outcomes.get_mut(index) {
                *outcome = Some(Outcome::Failed(error));
            }
            errors += 1;
        }
        if fail_on_errors.is_some_and(|max| errors >= max) {
            return Ok(outcomes);
        }
    }
    let remaining = fail_on_errors.map(|max| max - errors);
    run(x, batch, &mut outcomes, remaining).await?;
    Ok(outcomes)
}

/// What a unit makes itself is there when it is done, and not at all when it is not.
fn leave_out_own(writes: &mut [Write]) {
    let made: HashSet<String> = writes
        .iter()
        .filter_map(|write| match &write.change {
            Change::Create { id: Some(id), .. } => Some(id.to_string()),
            _ => None,
        })
        .collect();
    for write in writes {
        write.must_exist.retain(|reference| !made.contains(&*reference.value));
    }
}

/// Units that go to the backend together, and the operations they are of.
#[derive(Default)]
struct Batch {
    units: Vec<WriteUnit>,
    operations: Vec<Vec<usize>>,
    /// What each write of a unit is about, for errors.
    subjects: Vec<Vec<String>>,
    unit_of: HashMap<usize, usize>,
}

impl Batch {
    fn push(&mut self, writes: Vec<Write>, operations: Vec<usize>, refers_to: &[Vec<usize>]) {
        let own = self.units.len();
        let mut depends_on: Vec<usize> = operations
            .iter()
            .filter_map(|operation| refers_to.get(*operation))
            .flatten()
            .filter_map(|reference| self.unit_of.get(reference).copied())
            .collect();
        depends_on.sort_unstable();
        depends_on.dedup();
        self.unit_of.extend(operations.iter().map(|operation| (*operation, own)));
        self.subjects.push(writes.iter().map(subject).collect());
        self.units.push(WriteUnit { writes, depends_on });
        self.operations.push(operations);
    }
}

/// Runs a batch; how many operations failed.
async fn run(
    x: &Exchange<'_>,
    batch: Batch,
    outcomes: &mut [Option<Outcome>],
    max_errors: Option<usize>,
) -> Result<usize, Failure> {
    if batch.units.is_empty() {
        return Ok(0);
    }
    let results = x.service.backend.write_all(&x.cx, batch.units, max_errors).await;
    let results = results.map_err(|e| x.failed(&e, "the bulk request"))?;
    let mut errors = 0;
    let units = batch.operations.into_iter().zip(batch.subjects);
    for ((operations, subjects), result) in units.zip(results) {
        let of_unit: Vec<Outcome> = match result {
            Ok(written) => written.into_iter().map(Outcome::Done).collect(),
            Err(failure) => {
                errors += operations.len();
                let subject = subjects.get(failure.write).map_or("the resource", String::as_str);
                let own = Failure::backend(&failure.error, subject).error;
                let others = || BackendError::Dependency.to_scim("");
                (0..operations.len())
                    .map(|i| if i == failure.write { own.clone() } else { others() })
                    .map(Outcome::Failed)
                    .collect()
            }
        };
        for (operation, outcome) in operations.into_iter().zip(of_unit) {
            if let Some(slot) = outcomes.get_mut(operation) {
                *slot = Some(outcome);
            }
        }
    }
    Ok(errors)
}

/// What a write is about, as the single request would name it.
fn subject(write: &Write) -> String {
    match &write.change {
        Change::Create { .. } => "the new resource".to_owned(),
        Change::Replace { id, .. } | Change::Patch { id, .. } | Change::Delete { id } => {
            id.to_string()
        }
    }
}

fn respond(x: &Exchange<'_>, operation: &BulkOperation, outcome: Outcome) -> BulkOperationResponse {
    let resource_type = route::segments(&operation.path)
        .ok()
        .and_then(|segments| x.service.registry.by_endpoint(segments.first()?).cloned());
    let path = operation.path.trim_start_matches('/');
    let asked_for = || x.renderer.uri(&format!("/{path}"));
    let (version, location, status, response) = match outcome {
        Outcome::Done(written) => {
            let status = match operation.method {
                BulkMethod::Post => 201,
                BulkMethod::Put | BulkMethod::Patch => 200,
                BulkMethod::Delete => 204,
            };
            let location =
                resource_type.map_or_else(asked_for, |t| x.renderer.location(&t, &written.id));
            let version =
                (operation.method != BulkMethod::Delete).then(|| written.version.to_string());
            (version, Some(location), status, None)
        }
        Outcome::Failed(error) => {
            // RFC 7644 §3.7.3: a location "except in the event of a POST failure" (errata.md B13).
            let location = (operation.method != BulkMethod::Post).then(asked_for);
            (None, location, error.status(), Some(error))
        }
    };
    BulkOperationResponse {
        method: operation.method,
        bulk_id: operation.bulk_id.clone(),
        version,
        location,
        status,
        response,
    }
}
