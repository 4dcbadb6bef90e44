//! What is told of each request: a line in the log, and metrics where the feature is on.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use scim_core::{Quirks, ScimError, ScimType, shorten};
use scim_patch::LateQuirks;

use crate::route::Endpoint;

/// A request in which quirks fired, done or refused, for
/// [`on_quirks`](crate::ScimServiceBuilder::on_quirks).
#[derive(Debug)]
#[non_exhaustive]
pub struct Tolerated<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// Whose credentials it had.
    pub principal: &'a str,
    /// Its id in logs.
    pub request_id: &'a str,
    /// Its method, URL and headers; credentials are among them.
    pub parts: &'a Parts,
    /// The endpoint without ids, as it labels metrics.
    pub endpoint: &'a str,
    /// The quirks that fired. Those of a request that was refused are those that fired before it
    /// was.
    pub quirks: Quirks,
    /// Why the request was refused after all; `None` where it was not. A bulk request is done
    /// whatever became of its operations (RFC 7644 §3.7), which are not told here.
    pub refused: Option<&'a ScimError>,
}

/// The quirks of a request under way.
#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) fired: Quirks,
    /// What fires in the write, if at all.
    pub(crate) late: Vec<LateQuirks>,
}

impl Noted {
    /// All that fired up to now.
    pub(crate) fn fired(&self) -> Quirks {
        let mut fired = self.fired;
        self.late.iter().for_each(|late| fired.extend(late.fired()));
        fired
    }
}

/// What is known of a request beside the request itself.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) tenant: Arc<str>,
    pub(crate) principal: Arc<str>,
    pub(crate) quirks: Noted,
    pub(crate) scim_type: Option<ScimType>,
    /// The endpoint, where there is one.
    pub(crate) endpoint: Option<Endpoint>,
}

/// One line, of level info and target `scim::request`. No parameters of the URL, no bodies, no
/// credentials.
pub(crate) fn request(
    parts: &Parts,
    request_id: &str,
    trace: &Trace,
    status: StatusCode,
    took: Duration,
) {
    tracing::info!(
        target: "scim::request",
        method = %parts.method,
        path = &*shorten(parts.uri.path()),
        status = status.as_u16(),
        tenant = &*shorten(&trace.tenant),
        principal = %trace.principal,
        quirks = %trace.quirks.fired(),
        request_id,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
    #[cfg(feature = "metrics")]
    measure(parts, trace, status, took);
}

/// - `scim_requests_total` {method, endpoint, status}
/// - `scim_request_seconds` {method, endpoint}, a histogram
/// - `scim_errors_total` {scim_type}
/// - `scim_quirks_total` {quirk}
#[cfg(feature = "metrics")]
fn measure(parts: &Parts, trace: &Trace, status: StatusCode, took: Duration) {
    // A method or path of the client's own making must not make a new time series.
    let method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|known| *known == parts.method.as_str())
        .unwrap_or("other");
    let endpoint = trace.endpoint.as_ref().map_or_else(|| "none".into(), Endpoint::label);
    metrics::counter!(
        "scim_requests_total",
        "method" => method,
        "endpoint" => endpoint.clone(),
        "status" => status.as_str().to_owned(),
    )
    .increment(1);
    metrics::histogram!("scim_request_seconds", "method" => method, "endpoint" => endpoint)
        .record(took.as_secs_f64());
    if let Some(scim_type) = trace.scim_type {
        metrics::counter!("scim_errors_total", "scim_type" => scim_type.as_str()).increment(1);
    }
    for quirk in trace.quirks.fired().iter() {
        metrics::counter!("scim_quirks_total", "quirk" => quirk.to_string()).increment(1);
    }
}
