//! Changes to stores that can only replace: read, change, replace if nobody else did meanwhile, and
//! else once more.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_timer::Delay;
use scim_core::{Member, Resource, ResourceType};
use scim_patch::{MemberOp, PatchPlan, apply_members};
use serde_json::{Map, Value};

use crate::backend::{BackendError, Stored};
use crate::precondition::Precondition;

/// How often a change is tried.
const ATTEMPTS: u32 = 12;

/// What a change waits at most after the attempt before, in milliseconds, doubled each time.
const FIRST_WAIT: u64 = 2;
const LONGEST_WAIT: u64 = 100;

/// What became of a [`patch_by_replace`]. Exhaustive: something changed or nothing did.
#[derive(Clone, Debug)]
pub enum Patched<A> {
    /// The request asks for what is so already: the resource as it is. A password that it brings is
    /// still to be kept.
    Unchanged(Stored),
    /// What replacing gave.
    Replaced(A),
}

/// Applies a PATCH to a store that can read a resource and replace it, if it is still what was read.
///
/// `read` gives the resource with its members; `replace` is given what was read and what is to take
/// its place, membership list included ([`Resource::take_members`]). When `replace` says
/// [`BackendError::PreconditionFailed`], since somebody else wrote in between, all is done again
/// after a short wait that grows; so no change of a concurrent request is lost. Each time the
/// precondition of the request is checked on what was read: with an `If-Match` that names a version
/// the second time fails, as it must.
///
/// A store that can apply the plan in a transaction of its own does better than this: it costs the
/// whole resource, however small the change.
///
/// ```
/// use std::sync::Mutex;
///
/// use scim_core::{PatchOp, Profile, ResourceType, Version};
/// use scim_patch::PatchPlan;
/// use scim_server_adapters::crud::{Patched, patch_by_replace};
/// use scim_server_adapters::{BackendError, Body, Precondition, Stored};
/// # use scim_core::{DateTime, ResourceId};
/// # use serde_json::{Map, json};
/// # use std::sync::Arc;
///
/// # let resource_type = ResourceType::user();
/// # let mut document = Map::new();
/// # document.insert("userName".to_owned(), "bjensen".into());
/// # let now = DateTime::now();
/// # let stored = Stored {
/// #     resource_type: Arc::clone(&resource_type), id: ResourceId::new("42")?,
/// #     version: Version::from(1), created: now, last_modified: now,
/// #     body: Body::Attributes(document), members: None, groups: None, references: Vec::new(),
/// # };
/// # let body = br#"{"Operations": [{"op": "add", "path": "title", "value": "Guide"}]}"#;
/// # let plan = PatchPlan::new(&resource_type, PatchOp::parse(body, &Profile::INTEROP)?, &Profile::INTEROP)?.plan;
/// let row = Mutex::new((1, stored));
/// let read = || async { Ok(row.lock().unwrap().1.clone()) };
/// let replace = |current: Stored, new: scim_core::Resource| {
///     let row = &row;
///     async move {
///         let mut row = row.lock().unwrap();
///         if row.1.version != current.version {
///             return Err(BackendError::PreconditionFailed);
///         }
///         row.0 += 1;
///         row.1.version = Version::from(row.0);
///         row.1.body = Body::Attributes(new.into_attributes());
///         Ok(row.1.version.clone())
///     }
/// };
/// # futures_executor(async {
/// let patched = patch_by_replace(&plan, &Precondition::NONE, read, replace).await?;
/// assert!(matches!(patched, Patched::Replaced(version) if version == Version::from(2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # fn futures_executor<T>(f: impl Future<Output = T>) -> T {
/// #     tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f)
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BackendError::PreconditionFailed`] when the precondition does not hold,
/// [`BackendError::Unavailable`] (503, with `Retry-After`) when others were faster a dozen times, and
/// what `read`, `replace` and applying the plan give.
pub async fn patch_by_replace<A, R, W>(
    plan: &PatchPlan,
    precondition: &Precondition,
    read: impl Fn() -> R,
    replace: impl Fn(Stored, Resource) -> W,
) -> Result<Patched<A>, BackendError>
where
    R: Future<Output = Result<Stored, BackendError>>,
    W: Future<Output = Result<A, BackendError>>,
{
    let mut attempts = Attempts::new();
    loop {
        attempts.next().await?;
        let current = read().await?;
        precondition.check(&current.version)?;
        let before = Content::of(&current)?;
        let after = before.patched(plan)?;
        if after == before {
            return Ok(Patched::Unchanged(current));
        }
        let new = after.into_resource(&current.resource_type);
        match replace(current, new).await {
            Err(BackendError::PreconditionFailed) => {}
            result => return result.map(Patched::Replaced),
        }
    }
}

/// Attempts at a change, with a wait between them once it is contended for.
pub(super) struct Attempts(u32);

impl Attempts {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// Waits for the next.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] when there is none left.
    pub(super) async fn next(&mut self) -> Result<(), BackendError> {
        if self.0 >= ATTEMPTS {
            return Err(BackendError::Unavailable { retry_after: Some(Duration::from_secs(1)) });
        }
        if let Some(doublings) = self.0.checked_sub(1) {
            let longest = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
            // By chance, so that two who met do not meet again.
            Delay::new(Duration::from_millis(rand::random_range(0..=longest))).await;
        }
        self.0 += 1;
        Ok(())
    }
}

/// What a write can change of a resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    /// Without `schemas`, `id`, `meta`, members and groups.
    pub(super) attributes: Map<String, Value>,
    pub(super) members: Vec<Member>,
}

impl Content {
    pub(super) fn of(stored: &Stored) -> Result<Self, BackendError> {
        let document =
            Resource::from_canonical(Arc::clone(&stored.resource_type), stored.attributes()?);
        let members = stored.all_members()?.to_vec();
        Ok(Self { attributes: document.into_attributes(), members })
    }

    /// Of a resource that a client sent.
    pub(super) fn of_resource(mut resource: Resource) -> Self {
        let members = resource.take_members();
        Self { attributes: resource.into_attributes(), members }
    }

    /// After a PATCH (RFC 7644 §3.5.2).
    pub(super) fn patched(&self, plan: &PatchPlan) -> Result<Self, BackendError> {
        let attributes = plan.document.apply(&self.attributes)?;
        let mut members = self.members.clone();
        apply_members(&plan.members, &mut members)?;
        Ok(Self { attributes: attributes.unwrap_or_else(|| self.attributes.clone()), members })
    }

    /// After a PUT (RFC 7644 §3.5.1).
    pub(super) fn replaced(&self, mut resource: Resource) -> Result<Self, BackendError> {
        let given = resource.take_members();
        let operation = if given.is_empty() { MemberOp::Clear } else { MemberOp::Replace(given) };
        let mut members = self.members.clone();
        apply_members(&[operation], &mut members)?;
        Ok(Self { attributes: resource.replacing(&self.attributes)?.into_attributes(), members })
    }

    /// Without one of the members.
    pub(super) fn without_member(&self, value: &str) -> Self {
        let mut content = self.clone();
        content.members.retain(|member| &*member.value != value);
        content
    }

    pub(super) fn into_resource(self, resource_type: &Arc<ResourceType>) -> Resource {
        let Self { mut attributes, members } = self;
        if !members.is_empty() {
            let members = members.iter().map(|m| Value::Object(m.to_json())).collect();
            attributes.insert("members".to_owned(), members);
        }
        Resource::from_canonical(Arc::clone(resource_type), attributes)
    }
}
