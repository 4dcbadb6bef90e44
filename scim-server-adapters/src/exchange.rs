//! One request under way, and the answers it can get.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{Response, StatusCode};
use scim_core::{
    AttributeSet, Choice, Ingest, Origin, Profile, Reference, Resource, ResourceId, ResourceType,
    Returned, ScimError, Secret, Target, Validation, Version,
};
use serde_json::{Map, Value};

use crate::backend::{BackendError, RequestContext, Stored, Wanted};
use crate::body::ScimBody;
use crate::observe::Noted;
use crate::policy::{Action, ActionKind, Verdict};
use crate::render::{Renderer, Text};
use crate::service::Inner;
use crate::stream::{Source, Stream};

/// What a handler works with.
pub(crate) struct Exchange<'a> {
    pub(crate) service: &'a Arc<Inner>,
    pub(crate) cx: RequestContext,
    pub(crate) profile: Profile,
    pub(crate) renderer: Renderer<'a>,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a Bytes,
    /// The resource of whoever asks.
    pub(crate) me: Option<(Arc<str>, ResourceId)>,
    /// What is still known of it when there is no time left for the rest.
    pub(crate) quirks: &'a mut Noted,
}

pub(crate) type Answer = Result<Response<ScimBody>, Failure>;

/// An error answer: the error, and the headers that go with it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ScimError,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    fn with(error: ScimError, name: HeaderName, value: HeaderValue) -> Self {
        Self { error, headers: vec![(name, value)] }
    }

    /// 405, with the methods that the endpoint has.
    pub(crate) fn method_not_allowed(method: &http::Method, allow: &'static str) -> Self {
        let error = ScimError::with_status(405, format!("`{method}` is not allowed here; {allow}"));
        Self::with(error, ALLOW, HeaderValue::from_static(allow))
    }

    /// 401 with a challenge (RFC 6750 §3); `token` tells whether the request carried one.
    pub(crate) fn unauthorized(token: bool) -> Self {
        let (detail, challenge) = if token {
            ("the credentials are not valid", "Bearer realm=\"scim\", error=\"invalid_token\"")
        } else {
            ("credentials are needed: a bearer token", "Bearer realm=\"scim\"")
        };
        let error = ScimError::with_status(401, detail);
        Self::with(error, WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// What a backend's error becomes; internal ones are logged in full and hidden.
    pub(crate) fn backend(error: &BackendError, what: &str) -> Self {
        let mut failure = Self::from(error.to_scim(what));
        match error {
            BackendError::Internal(source) => {
                tracing::error!(error = &**source as &dyn std::error::Error, "backend failed");
            }
            BackendError::Unavailable { retry_after } => {
                let seconds = retry_after.map_or(1, |d| d.as_secs().max(1));
                failure.headers.push((RETRY_AFTER, seconds.into()));
            }
            _ => {}
        }
        failure
    }

    pub(crate) fn into_response(self) -> Response<ScimBody> {
        let body = serde_json::to_vec(&self.error).unwrap_or_default();
        let mut response = Response::new(ScimBody::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self { error, headers: Vec::new() }
    }
}

/// The media type of SCIM (RFC 7644 §8.1), without a charset: JSON has none to choose.
pub(crate) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

impl Exchange<'_> {
    /// 200, or another status, with a body that is written already.
    pub(crate) fn ok(&self, status: StatusCode, body: impl Into<ScimBody>) -> Response<ScimBody> {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
        response
    }

    /// What was written, with what is to be read while it is sent.
    pub(crate) fn body_of(&self, text: Text) -> ScimBody {
        if text.gaps.is_empty() {
            return text.bytes.into();
        }
        let source = Source::new(self.service, &self.cx, &self.renderer.base);
        ScimBody::in_parts(Stream::new(source, text))
    }

    /// One resource, with its ETag and where it lies (RFC 7644 §3.14; errata.md O10).
    pub(crate) fn resource(&self, status: StatusCode, stored: &Stored, wanted: &Wanted) -> Answer {
        let mut text = Text::default();
        let location = self.renderer.location(&stored.resource_type, &stored.id);
        self.renderer
            .resource(&mut text, stored, wanted, &location)
            .map_err(|e| Failure::backend(&e, stored.id.as_str()))?;
        let mut response = self.ok(status, self.body_of(text));
        let location = header(&location);
        let headers = response.headers_mut();
        headers.insert(ETAG, etag(&stored.version));
        headers.insert(CONTENT_LOCATION, location.clone());
        headers.insert(LOCATION, location);
        Ok(response)
    }

    /// 204 after a change, with the ETag of the resource as it is now.
    pub(crate) fn no_content(&self, version: Option<&Version>) -> Response<ScimBody> {
        let mut response = Response::new(ScimBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().extend(version.map(|v| (ETAG, etag(v))));
        response
    }

    /// The body of a request that must have one.
    ///
    /// # Errors
    /// 415 when the body is of another media type, 400 `invalidSyntax` when there is none.
    pub(crate) fn body(&self) -> Result<&[u8], Failure> {
        if let Some(value) = self.parts.headers.get(CONTENT_TYPE) {
            let text = value.to_str().unwrap_or_default();
            let essence = text.split(';').next().unwrap_or_default().trim();
            let known = ["application/scim+json", "application/json"];
            if !essence.is_empty() && !known.iter().any(|k| essence.eq_ignore_ascii_case(k)) {
                return Err(ScimError::with_status(
                    415,
                    format!(
                        "content type `{}` is not supported; send `application/scim+json`",
                        scim_core::shorten(essence)
                    ),
                )
                .into());
            }
        }
        if self.body.is_empty() {
            return Err(ScimError::invalid_syntax("the request has no body").into());
        }
        Ok(self.body)
    }

    /// A resource from the body of a POST or PUT, and the password that came with it.
    pub(crate) fn ingest(
        &mut self,
        resource_type: &Arc<ResourceType>,
        body: Map<String, Value>,
    ) -> Result<(Resource, Option<Secret>), ScimError> {
        let profile = self.profile;
        let mut ingest = Ingest::new(resource_type, &profile, Origin::Request);
        let resource = ingest.resource_from(body);
        self.quirks.fired.extend(ingest.fired());
        let mut resource = resource?;
        let secret = resource.take_secret();
        Ok((resource, secret))
    }

    /// Whether the profile demands that resources of that type differ in `displayName`.
    pub(crate) fn unique_display_name(&self, resource_type: &ResourceType) -> bool {
        resource_type.has_members() && self.profile.validates(Validation::UniqueGroupNames)
    }

    /// Those of the resources that a request refers to which must exist: all where the profile
    /// demands it, else none.
    pub(crate) fn must_exist(&self, references: impl FnOnce() -> Vec<Reference>) -> Vec<Reference> {
        if self.profile.validates(Validation::ExistingReferences) {
            references()
        } else {
            Vec::new()
        }
    }

    /// The same of a resource that was sent.
    pub(crate) fn must_exist_for(&self, resource: &Resource) -> Vec<Reference> {
        self.must_exist(|| Reference::all_in(resource.resource_type(), resource.attributes()))
    }

    /// Whether a PATCH of that type answers 204 rather than with the resource.
    pub(crate) fn patch_answers_no_content(&self, resource_type: &ResourceType) -> bool {
        self.service.patch_answers_no_content(resource_type)
            || resource_type.has_members() && self.profile.chooses(Choice::GroupPatchNoContent)
    }

    /// The projection that the parameters of the URL ask for.
    pub(crate) fn projection(
        &self,
        resource_type: &Arc<ResourceType>,
    ) -> Result<AttributeSet, ScimError> {
        let params = crate::params::parse(self.parts.uri.query().unwrap_or_default())?;
        AttributeSet::parse(resource_type, &params.attributes, &params.excluded_attributes)
    }

    /// Asks the policy, where there is one.
    ///
    /// # Errors
    /// 403 or 429, as it says.
    pub(crate) async fn admit(
        &self,
        kind: ActionKind,
        resource_type: Option<&ResourceType>,
        id: Option<&ResourceId>,
    ) -> Result<(), Failure> {
        let Some(policy) = &self.service.policy else { return Ok(()) };
        let verdict = policy.decide(&self.cx, &Action { kind, resource_type, id }).await;
        match verdict.map_err(|e| Failure::backend(&e, "the policy"))? {
            Verdict::Allow => Ok(()),
            Verdict::Deny(detail) => Err(ScimError::with_status(403, detail).into()),
            Verdict::SlowDown(wait) => Err(Failure::with(
                ScimError::with_status(429, "too many requests; try again later"),
                RETRY_AFTER,
                wait.as_secs().max(1).into(),
            )),
        }
    }

    /// The answer to what became of a write, which was asked to return the resource.
    pub(crate) fn failed(&self, error: &BackendError, what: &str) -> Failure {
        Failure::backend(error, what)
    }
}

/// What of a resource that a client sent is returned on request only: it comes back in the answer
/// to the write (RFC 7643 §7).
pub(crate) fn sent(resource: &Resource) -> Vec<Target> {
    let resource_type = resource.resource_type();
    let core = resource_type.schema().attributes().iter().map(|a| (String::new(), a));
    let extensions = resource_type.extensions().iter().flat_map(|e| {
        let prefix = format!("{}:", e.schema.id());
        e.schema.attributes().iter().map(move |a| (prefix.clone(), a))
    });
    core.chain(extensions)
        .filter(|(_, a)| {
            a.returned == Returned::Request
                || a.sub_attributes.iter().any(|s| s.returned == Returned::Request)
        })
        .filter_map(|(prefix, a)| resource_type.attribute(&format!("{prefix}{}", a.name)))
        .filter(|reference| reference.attribute_value(resource.attributes()).is_some())
        .map(Target::Attribute)
        .collect()
}

/// An answer, or an error, with the permanent location of what `/Me` stands for (RFC 7644 §3.11).
pub(crate) fn located(answer: Answer, location: &str) -> Answer {
    match answer {
        Ok(mut response) => {
            response.headers_mut().insert(LOCATION, header(location));
            Ok(response)
        }
        Err(mut failure) => {
            failure.headers.push((LOCATION, header(location)));
            Err(failure)
        }
    }
}

fn etag(version: &Version) -> HeaderValue {
    header(&version.to_string())
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
