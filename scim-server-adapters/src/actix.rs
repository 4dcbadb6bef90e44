//! The mount for actix-web.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::actix_web::body::{self, BodySize, MessageBody};
use ::actix_web::error::{ErrorBadRequest, ErrorInternalServerError, PayloadError};
use ::actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, Scope, web};
use bytes::Bytes;
use futures_core::Stream;
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};

use crate::backend::BackendError;
use crate::body::ScimBody;
use crate::receive::receive;
use crate::service::ScimService;

/// A scope that serves SCIM under `path`, such as `/scim`; under `/` it serves every path that
/// nothing before it does. Give the service the matching
/// [`base_url`](crate::ScimServiceBuilder::base_url).
///
/// A middleware that has something for the [`Authenticator`](crate::Authenticator), such as whom a
/// client certificate names, puts an [`http::Extensions`] with it among the extensions of the
/// request.
///
/// ```
/// use std::sync::Arc;
/// use actix_web::App;
/// use scim_server_adapters::{BearerTokens, MemoryBackend, ScimService, actix::mount};
/// let tokens = BearerTokens::new().with_token("", "secret", "okta");
/// let service = ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(tokens))
///     .base_url("https://example.com/scim")
///     .build();
/// let app = App::new().service(mount("/scim", service));
/// ```
pub fn mount(path: &str, service: ScimService) -> Scope {
    // actix-web would match a slash at the end literally, and miss the path without it.
    let scope = web::scope(path.trim_end_matches('/'));
    scope.default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
        let service = service.clone();
        async move {
            let request = into_http(&request, payload)?;
            let head = request.method() == Method::HEAD;
            from_http(receive(service, request).await, head)
        }
    }))
}

/// The request in the types of `http` 1. actix-web has those of `http` 0.2, so everything goes by
/// its bytes.
///
/// # Errors
/// 400 for what `http` 1 takes no longer; what is known to be such does not get past actix-web.
fn into_http(request: &HttpRequest, payload: web::Payload) -> Result<Request<Incoming>, Error> {
    let path = path_below_mount(request);
    let uri = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut builder = Request::builder().method(request.method().as_str()).uri(uri);
    for (name, value) in request.headers() {
        builder = builder.header(name.as_str(), value.as_bytes());
    }
    let length =
        request.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse().ok());
    let mut converted =
        builder.body(Incoming { payload, length: length.unwrap_or(0) }).map_err(ErrorBadRequest)?;
    // actix-web has answered it already: the body is on its way.
    converted.headers_mut().remove(EXPECT);
    if let Some(extensions) = request.extensions_mut().remove::<http::Extensions>() {
        *converted.extensions_mut() = extensions;
    }
    Ok(converted)
}

/// The path below the mount as the client sent it. What actix-web has matched is decoded in part,
/// but it never decodes or drops a slash, so as many of them are left in both.
fn path_below_mount(request: &HttpRequest) -> &str {
    let slashes = request.match_info().unprocessed().matches('/').count();
    let path = request.uri().path();
    let start = slashes.checked_sub(1).and_then(|n| path.rmatch_indices('/').nth(n));
    start.and_then(|(start, _)| path.get(start..)).unwrap_or("/")
}

fn from_http(response: Response<ScimBody>, head: bool) -> Result<HttpResponse, Error> {
    let (parts, body) = response.into_parts();
    let mut length = None;
    let status = ::actix_web::http::StatusCode::from_u16(parts.status.as_u16());
    let mut builder = HttpResponse::build(status.map_err(ErrorInternalServerError)?);
    for (name, value) in &parts.headers {
        if name == CONTENT_LENGTH {
            length = value.to_str().ok().and_then(|v| v.parse().ok());
        } else {
            builder.append_header((name.as_str(), value.as_bytes()));
        }
    }
    Ok(match (length, body.into_known()) {
        (Some(length), _) if head => builder.no_chunking(length).body(Unsent),
        (_, Ok(bytes)) => builder.body(bytes),
        (_, Err(_)) if head => builder.body(body::None::new()),
        (_, Err(body)) => builder.body(Outgoing(body)),
    })
}

/// The body of an answer that is read while it is sent.
struct Outgoing(ScimBody);

impl MessageBody for Outgoing {
    type Error = BackendError;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BackendError>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        // There are no trailers.
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }
}

/// The body of a request as it comes in.
struct Incoming {
    payload: web::Payload,
    /// What `Content-Length` says, else 0.
    length: u64,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        Pin::new(&mut self.payload).poll_next(cx).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.length);
        hint
    }
}

/// The body of an answer to HEAD, of which nothing is sent.
///
/// It says nothing of its size: of an empty body actix-web would send that length, and of one that
/// is longer it wants the bytes, when a further request on the connection has come in meanwhile.
struct Unsent;

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
