//! Answers that are sent while they are read: the members of a group too large to be held.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use scim_core::{ResourceId, ResourceType};
use tracing::{Instrument as _, Span};

use crate::backend::{BackendError, Position, RequestContext, Wanted};
use crate::deadline::in_time;
use crate::render::{MemberList, Renderer, Text};
use crate::service::Inner;

/// How many members are read for one part of an answer.
const PART: usize = 1_000;

/// What it takes to read and write members.
pub(crate) struct Source {
    service: Arc<Inner>,
    cx: RequestContext,
    /// As [`Renderer::new`] has it.
    base: String,
    span: Span,
}

/// The members of a group that an answer does not hold yet.
pub(crate) struct Rest {
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) id: ResourceId,
    pub(crate) after: Position,
    pub(crate) wanted: Wanted,
    /// What was written of them.
    pub(crate) list: MemberList,
}

/// An answer on its way.
pub(crate) struct Stream {
    source: Arc<Source>,
    parts: VecDeque<Part>,
    /// Nobody locks it: that is what makes a body [`Sync`], as those of frameworks have to be.
    reading: Option<Mutex<Reading>>,
}

enum Part {
    Text(Bytes),
    Members(Rest),
}

/// Reads some members; what is left then.
type Reading = Pin<Box<dyn Future<Output = Result<(Bytes, Option<Rest>), BackendError>> + Send>>;

impl Source {
    pub(crate) fn new(service: &Arc<Inner>, cx: &RequestContext, base: &str) -> Self {
        Self {
            service: Arc::clone(service),
            cx: cx.clone(),
            base: base.to_owned(),
            span: Span::current(),
        }
    }
}

impl Stream {
    pub(crate) fn new(source: Source, text: Text) -> Self {
        let mut left = Bytes::from(text.bytes);
        let (mut parts, mut sent) = (VecDeque::new(), 0);
        for (at, rest) in text.gaps {
            parts.push_back(Part::Text(left.split_to(at.saturating_sub(sent).min(left.len()))));
            parts.push_back(Part::Members(rest));
            sent = at;
        }
        parts.push_back(Part::Text(left));
        Self { source: Arc::new(source), parts, reading: None }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.parts.is_empty() && self.reading.is_none()
    }

    /// The next bytes of the answer; none at the end.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BackendError>>> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => match self.parts.pop_front() {
                None => return Poll::Ready(None),
                Some(Part::Text(text)) => return Poll::Ready(Some(Ok(text))),
                Some(Part::Members(rest)) => {
                    let span = self.source.span.clone();
                    let reading = rest.read(Arc::clone(&self.source)).instrument(span);
                    none.insert(Mutex::new(Box::pin(reading)))
                }
            },
        };
        let reading = reading.get_mut().unwrap_or_else(PoisonError::into_inner);
        let read = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        match read {
            Ok((text, rest)) => {
                if let Some(rest) = rest {
                    self.parts.push_front(Part::Members(rest));
                }
                if text.is_empty() {
                    // Others have their turn, however many members are left out of the answer.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(text)))
            }
            Err(error) => {
                self.parts.clear();
                let RequestContext { request_id, tenant, .. } = &self.source.cx;
                tracing::error!(%error, %request_id, %tenant, "an answer broke off");
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl Rest {
    /// Reads some more, and writes what is to be returned of them.
    async fn read(mut self, source: Arc<Source>) -> Result<(Bytes, Option<Self>), BackendError> {
        let Source { service, cx, base, .. } = &*source;
        let Inner { backend, registry, limits, .. } = &**service;
        let limit = PART.min(limits.members_at_once).max(1);
        let Self { resource_type, id, after, .. } = &self;
        // Each part may take its time: a client that reads slowly is not late.
        let read = in_time(limits.time, backend.members(cx, resource_type, id, after, limit));
        let members = read.await??;
        let mut out = Vec::new();
        let renderer = Renderer::new(registry, base.clone());
        renderer.members(&mut out, &mut self.list, &members.list, &self.wanted)?;
        let rest = match members.next {
            Some(next) if next == self.after => {
                return Err(BackendError::internal("the members of a group do not end"));
            }
            Some(next) => Some(Self { after: next, ..self }),
            None => {
                self.list.end(&mut out);
                None
            }
        };
        Ok((out.into(), rest))
    }
}
