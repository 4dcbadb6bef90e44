//! [`ScimService`] as a `tower` service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_service::Service;

use crate::body::ScimBody;
use crate::service::ScimService;

/// The body is read up to the limit and the request handed on; nothing else happens here.
impl<B> Service<Request<B>> for ScimService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ScimBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<ScimBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let limit = service.max_body_bytes();
            // A client that waits for `100 Continue` hears of it before it sends anything.
            if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
                return Ok(service.body_refused(&parts, true));
            }
            Ok(match Limited::new(body, limit).collect().await {
                Ok(body) => service.handle(Request::from_parts(parts, body.to_bytes())).await,
                Err(e) => {
                    service.body_refused(&parts, e.downcast_ref::<LengthLimitError>().is_some())
                }
            })
        })
    }
}
