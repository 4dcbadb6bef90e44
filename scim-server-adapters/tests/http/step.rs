//! A request as it is sent, and what must come of it.

/// One request of a script.
///
/// `{name.id}`, `{name.etag}` and `{name.nextCursor}` in target, headers and body stand for what
/// the answer kept as `name` holds.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) request: Request,
    pub(crate) status: u16,
    /// Headers that the answer has, with these values; `None` for one that it lacks.
    pub(crate) headers: Vec<(&'static str, Option<&'static str>)>,
    pub(crate) keep: Option<&'static str>,
    /// Whether the framework answers and the service never hears of it.
    pub(crate) by_framework: bool,
}

/// A request, of which nothing is normalised.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// What stands between the method and the version.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// How the body is sent.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Not at all, and no header tells of one.
    None,
    /// With its length in front.
    Sized(Vec<u8>),
    /// In chunks of that many bytes.
    Chunked(Vec<u8>, usize),
}

pub(crate) fn step(method: &'static str, target: impl Into<String>, status: u16) -> Step {
    let headers = vec![("authorization", "Bearer s3cret".to_owned())];
    Step {
        request: Request { method, target: target.into(), headers, body: Body::None },
        status,
        headers: Vec::new(),
        keep: None,
        by_framework: false,
    }
}

pub(crate) fn get(target: impl Into<String>, status: u16) -> Step {
    step("GET", target, status)
}

pub(crate) fn post(target: impl Into<String>, body: impl Into<Vec<u8>>, status: u16) -> Step {
    step("POST", target, status).scim().body(body)
}

pub(crate) fn put(target: impl Into<String>, body: impl Into<Vec<u8>>, status: u16) -> Step {
    step("PUT", target, status).scim().body(body)
}

pub(crate) fn patch(target: impl Into<String>, operations: &str, status: u16) -> Step {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":{operations}}}"#
    );
    step("PATCH", target, status).scim().body(body)
}

pub(crate) fn user(name: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","displayName":"{name}"}}"#
    )
}

pub(crate) fn group(name: &str, member: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{name}","members":[{{"value":"{member}"}}]}}"#
    )
}

impl Step {
    pub(crate) fn scim(self) -> Self {
        self.header("content-type", "application/scim+json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.request.headers.push((name, value.into()));
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.request.headers.retain(|(name, _)| *name != "authorization");
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Body::Sized(body.into());
        self
    }

    pub(crate) fn chunked(mut self, body: impl Into<Vec<u8>>, size: usize) -> Self {
        self.request.body = Body::Chunked(body.into(), size);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, Some(value)));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    pub(crate) fn keep(mut self, name: &'static str) -> Self {
        self.keep = Some(name);
        self
    }

    pub(crate) fn by_framework(mut self) -> Self {
        self.by_framework = true;
        self
    }
}
