//! A memory backend that tells what is read of members, and does with it as a test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use scim_core::{ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, Members, MemoryBackend, Page, Position, ProvisioningBackend, Query,
    RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit, Written,
};
use tokio::sync::Semaphore;

/// What becomes of a read of members that go on from a position.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// It fails from the one of that number on, counted from 0.
    FailsAt(usize),
    /// It waits until it is let through, and tells when it is given up.
    Waits(Arc<Semaphore>, Sender<()>),
    /// It gives the position back that it was given.
    GoesRoundInCircles,
}

/// The memory backend, with what was read of it.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) memory: MemoryBackend,
    pub(crate) then: Option<Then>,
    /// Whether it leaves filters to the service.
    pub(crate) has_no_filters: bool,
    /// How many members each read gave, by `get` or from a position.
    pub(crate) reads: Mutex<Vec<usize>>,
    /// How many members pages gave.
    pub(crate) in_pages: AtomicUsize,
    /// What is written by another right after the next `get`.
    pub(crate) after_get: Mutex<Option<Write>>,
}

impl Watched {
    pub(crate) fn new(then: Option<Then>) -> Self {
        Self { then, ..Self::default() }
    }

    fn note(&self, members: Option<&Members>) {
        self.reads.lock().unwrap().extend(members.map(|members| members.list.len()));
    }
}

/// Tells when it is dropped before it is done.
struct GivenUp(Option<Sender<()>>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.take().map(|sender| sender.send(()));
    }
}

#[async_trait]
impl ProvisioningBackend for Watched {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        self.memory.capabilities(cx)
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let stored = self.memory.get(cx, resource_type, id, wanted, member_limit).await?;
        self.note(stored.members.as_ref());
        let write = self.after_get.lock().unwrap().take();
        if let Some(write) = write {
            self.memory.write(cx, write).await?;
        }
        Ok(stored)
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let mut given_up = GivenUp(match &self.then {
            Some(Then::Waits(_, sender)) => Some(sender.clone()),
            _ => None,
        });
        // A store takes its time, and what came before is sent meanwhile.
        tokio::task::yield_now().await;
        let read = self.reads.lock().unwrap().len();
        match &self.then {
            // The first was by `get`.
            Some(Then::FailsAt(first)) if read > *first => {
                return Err(BackendError::internal("the disk is on fire"));
            }
            Some(Then::Waits(semaphore, _)) => semaphore.acquire().await.unwrap().forget(),
            Some(Then::GoesRoundInCircles) => {
                return Ok(Members { list: Vec::new(), next: Some(after.clone()) });
            }
            _ => {}
        }
        let members = self.memory.members(cx, resource_type, id, after, limit).await?;
        self.note(Some(&members));
        given_up.0 = None;
        Ok(members)
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        if self.has_no_filters && query.targets.iter().any(|target| target.filter.is_some()) {
            return Err(BackendError::Unsupported);
        }
        let page = self.memory.query(cx, query).await?;
        let members = page.resources.iter().filter_map(|stored| stored.members.as_ref());
        self.in_pages.fetch_add(members.map(|m| m.list.len()).sum(), Ordering::Relaxed);
        Ok(page)
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        self.memory.write(cx, write).await
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        self.memory.write_all(cx, units, max_errors).await
    }
}
