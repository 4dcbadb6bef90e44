//! Bulk over a backend that chooses its own ids, or has no [`write_all`]: operations are written one
//! after the other, each planned once the ids it refers to are known.
//!
//! Resources that refer to each other in a circle are made first and completed afterwards; when one
//! of them fails, those made are deleted again.
//!
//! [`write_all`]: crate::ProvisioningBackend::write_all

use std::collections::HashMap;

use scim_core::messages::BulkOperation;
use scim_core::{ResourceId, ScimError};

use super::{Minted, Outcome, Planned, order, plan, subject};
use crate::backend::{BackendError, Change, Write, Written};
use crate::exchange::{Exchange, Failure};
use crate::precondition::Precondition;

pub(super) async fn perform(
    x: &mut Exchange<'_>,
    operations: &[BulkOperation],
    planned: Vec<Result<Planned, ScimError>>,
    mut ids: HashMap<&str, Minted>,
    fail_on_errors: Option<usize>,
) -> Vec<Option<Outcome>> {
    let refers_to: Vec<Vec<usize>> = planned
        .iter()
        .map(|p| p.as_ref().map(|p| p.refers_to.clone()).unwrap_or_default())
        .collect();
    let mut outcomes: Vec<Option<Outcome>> = planned.iter().map(|_| None).collect();
    let mut faults: HashMap<usize, ScimError> = planned
        .into_iter()
        .enumerate()
        .filter_map(|(index, planned)| Some((index, planned.err()?)))
        .collect();
    let mut errors = 0;
    for unit in order::units(&refers_to) {
        if fail_on_errors.is_some_and(|max| errors >= max) {
            break;
        }
        let refers = |of: &usize| refers_to.get(*of).map(Vec::as_slice).unwrap_or_default();
        let failed = |of: &usize| matches!(outcomes.get(*of), Some(Some(Outcome::Failed(_))));
        let results = if unit.iter().any(|index| faults.contains_key(index))
            || unit.iter().flat_map(refers).any(failed)
        {
            let dependency = || BackendError::Dependency.to_scim("");
            unit.iter().map(|i| Err(faults.remove(i).unwrap_or_else(dependency))).collect()
        } else if unit.iter().any(|index| refers(index).iter().any(|r| unit.contains(r))) {
            circle(x, operations, &unit, &mut ids).await
        } else {
            let mut results = Vec::with_capacity(unit.len());
            for index in &unit {
                results.push(single(x, operations, *index, &mut ids).await);
            }
            results
        };
        for (index, result) in unit.into_iter().zip(results) {
            errors += usize::from(result.is_err());
            if let Some(outcome) = outcomes.get_mut(index) {
                *outcome = Some(match result {
                    Ok(written) => Outcome::Done(written),
                    Err(error) => Outcome::Failed(error),
                });
            }
        }
    }
    outcomes
}

async fn single(
    x: &mut Exchange<'_>,
    operations: &[BulkOperation],
    index: usize,
    ids: &mut HashMap<&str, Minted>,
) -> Result<Written, ScimError> {
    let write = planned(x, operations, index, ids)?;
    make(x, write, index, ids).await
}

async fn make(
    x: &mut Exchange<'_>,
    mut write: Write,
    index: usize,
    ids: &mut HashMap<&str, Minted>,
) -> Result<Written, ScimError> {
    if let Change::Create { id, .. } = &mut write.change {
        *id = None;
    }
    let written = store(x, write).await?;
    learn(ids, index, &written.id);
    Ok(written)
}

/// Only creations have names that others can refer to, so a circle is made of creations.
async fn circle(
    x: &mut Exchange<'_>,
    operations: &[BulkOperation],
    unit: &[usize],
    ids: &mut HashMap<&str, Minted>,
) -> Vec<Result<Written, ScimError>> {
    let mut made = Vec::with_capacity(unit.len());
    let mut failure = None;
    for index in unit {
        // What is not made yet is referred to by an id that nothing has; that it exists is looked at
        // when the circle is completed.
        let planned = planned(x, operations, *index, ids).map(|mut write| {
            write.must_exist.retain(|r| !makes(unit, ids, &r.value));
            write
        });
        let result = match planned {
            Ok(write) => make(x, write, *index, ids).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(written) => made.push(written),
            Err(error) => {
                failure = Some((*index, error));
                break;
            }
        }
    }
    let mut completed = Vec::with_capacity(unit.len());
    for (index, written) in unit.iter().zip(&made) {
        if failure.is_some() {
            break;
        }
        match complete(x, operations, *index, written.id.clone(), ids).await {
            Ok(written) => completed.push(written),
            Err(error) => failure = Some((*index, error)),
        }
    }
    let Some((failed, error)) = failure else {
        return completed.into_iter().map(Ok).collect();
    };
    for (index, written) in unit.iter().zip(made) {
        if let Ok(write) = planned(x, operations, *index, ids) {
            let undo = Write {
                change: Change::Delete { id: written.id },
                precondition: Precondition::NONE,
                returning: None,
                unique_display_name: false,
                must_exist: Vec::new(),
                resource_type: write.resource_type,
            };
            if let Err(error) = store(x, undo).await {
                tracing::warn!(%error, "a resource of a failed circle could not be deleted");
            }
        }
    }
    let own = |index: &usize| if *index == failed { Some(error.clone()) } else { None };
    let dependency = || BackendError::Dependency.to_scim("");
    unit.iter().map(|index| Err(own(index).unwrap_or_else(dependency))).collect()
}

/// Whether an operation of the unit makes the resource of that id.
fn makes(unit: &[usize], ids: &HashMap<&str, Minted>, id: &str) -> bool {
    ids.values().any(|minted| minted.id.as_str() == id && unit.contains(&minted.operation))
}

/// Writes a resource of a circle again, now that all ids are known.
async fn complete(
    x: &mut Exchange<'_>,
    operations: &[BulkOperation],
    index: usize,
    id: ResourceId,
    ids: &HashMap<&str, Minted>,
) -> Result<Written, ScimError> {
    let mut write = planned(x, operations, index, ids)?;
    write.change = match write.change {
        Change::Create { resource, secret: _, .. } => {
            Change::Replace { id, resource, secret: None }
        }
        other => other,
    };
    store(x, write).await
}

fn planned(
    x: &mut Exchange<'_>,
    operations: &[BulkOperation],
    index: usize,
    ids: &HashMap<&str, Minted>,
) -> Result<Write, ScimError> {
    let operation =
        operations.get(index).ok_or_else(|| ScimError::with_status(500, "internal error"))?;
    Ok(plan(x, operation, ids)?.write)
}

async fn store(x: &Exchange<'_>, write: Write) -> Result<Written, ScimError> {
    let subject = subject(&write);
    let written = x.service.backend.write(&x.cx, write).await;
    written.map_err(|e| Failure::backend(&e, &subject).error)
}

/// The id that the backend chose takes the place of the one that was minted.
fn learn(ids: &mut HashMap<&str, Minted>, operation: usize, id: &ResourceId) {
    if let Some(minted) = ids.values_mut().find(|minted| minted.operation == operation) {
        minted.id = id.clone();
    }
}
