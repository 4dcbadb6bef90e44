//! From a request whose body is still on its way to an answer, in whatever framework.

use std::pin::{Pin, pin};

use bytes::{Buf, Bytes};
use http::header::EXPECT;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::body::ScimBody;
use crate::service::ScimService;

/// Reads the body up to the limit and answers the request; beyond the limit, it is refused.
pub(crate) async fn receive<B>(service: ScimService, request: Request<B>) -> Response<ScimBody>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return service.respond(&parts, &Bytes::new()).await;
    }
    let mut body = pin!(body);
    let limit = service.max_body_bytes();
    let known = body.size_hint().lower();
    let too_large = if known > u64::try_from(limit).unwrap_or(u64::MAX) {
        // A client that waits for `100 Continue` hears of it before it sends anything.
        if parts.headers.contains_key(EXPECT) {
            return service.body_refused(&parts, true);
        }
        true
    } else {
        match Limited::new(body.as_mut(), limit).collect().await {
            Ok(body) => return service.respond(&parts, &body.to_bytes()).await,
            Err(error) => error.is::<LengthLimitError>(),
        }
    };
    if too_large {
        discard(body).await;
    }
    service.body_refused(&parts, too_large)
}

/// How much of a body that is refused is read all the same, in bytes.
const DISCARDED: usize = 16 << 20;

/// Reads a body on and forgets it. Most clients read no answer before they have sent everything:
/// if the connection were closed meanwhile, they would see that it broke, and not why.
async fn discard<B: Body>(mut body: Pin<&mut B>) {
    let mut left = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(read) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
