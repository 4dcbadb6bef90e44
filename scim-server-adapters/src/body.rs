//! The body of an answer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::backend::BackendError;
use crate::stream::Stream;

/// The body of an answer: bytes all at once, or, with a group of more members than are read before
/// it begins, in parts that are read while it is sent. So many are
/// [`Limits::members_at_once`](crate::Limits::members_at_once) of a group that is answered alone, and
/// [`Limits::page_members`](crate::Limits::page_members) of one in a list, which then is the only
/// resource of its page.
///
/// A body in parts has no length beforehand. Each part is a read of its own, made when the one
/// before has been taken: whoever takes nothing holds up nothing, and dropping the body ends the
/// reading. What it tells is not one state of the group: members that are there throughout come
/// exactly once, those that join or leave meanwhile may come or not, and one that leaves and joins
/// again may come twice. The ETag is that of the beginning, so a write with it as `If-Match` fails if
/// anything changed. When a part cannot be read, the body ends with the error, so that the
/// connection breaks off and nobody takes what was sent for all.
#[derive(Default)]
pub struct ScimBody(Content);

enum Content {
    Bytes(Bytes),
    Parts(Box<Stream>),
    /// The answer to HEAD, where GET would give parts.
    Unsent,
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl ScimBody {
    /// A body without bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Content::Bytes(Bytes::new()))
    }

    /// What is sent of this body to HEAD: nothing, and nothing is said of its length.
    pub(crate) const fn unsent() -> Self {
        Self(Content::Unsent)
    }

    pub(crate) fn in_parts(stream: Stream) -> Self {
        Self(Content::Parts(Box::new(stream)))
    }

    /// The bytes; `None` where they are read in parts.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Bytes(bytes) => Some(bytes),
            Content::Parts(_) | Content::Unsent => None,
        }
    }

    /// The bytes, or the body whose bytes are read in parts.
    pub(crate) fn into_known(self) -> Result<Bytes, Self> {
        match self.0 {
            Content::Bytes(bytes) => Ok(bytes),
            content => Err(Self(content)),
        }
    }

    /// All the bytes, in memory however many they are.
    ///
    /// # Errors
    /// What the backend gives when a part cannot be read.
    pub async fn into_bytes(self) -> Result<Bytes, BackendError> {
        match self.into_known() {
            Ok(bytes) => Ok(bytes),
            Err(body) => Ok(body.collect().await?.to_bytes()),
        }
    }
}

impl From<Vec<u8>> for ScimBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Content::Bytes(bytes.into()))
    }
}

impl fmt::Debug for ScimBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Bytes(bytes) => f.debug_tuple("Bytes").field(bytes).finish(),
            Content::Parts(_) => f.write_str("Parts"),
            Content::Unsent => f.write_str("Unsent"),
        }
    }
}

impl Body for ScimBody {
    type Data = Bytes;
    type Error = BackendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BackendError>>> {
        match &mut self.0 {
            Content::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Parts(stream) => stream.poll_next(cx).map_ok(Frame::data),
            Content::Unsent => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Bytes(bytes) => bytes.is_empty(),
            Content::Parts(stream) => stream.has_ended(),
            Content::Unsent => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Parts(_) | Content::Unsent => SizeHint::new(),
        }
    }
}
