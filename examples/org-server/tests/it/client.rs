//! An HTTP client that looks at every answer.

use serde_json::Value;
use ureq::http::{HeaderMap, Request};
use ureq::{Agent, AsSendBody};

pub(crate) const SCIM_JSON: &str = "application/scim+json";
const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A client of one organisation.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    scim_url: String,
    key: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(scim_url: &str, key: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .accept("")
            .user_agent("")
            .accept_encoding("")
            .max_idle_connections_per_host(64)
            .max_idle_connections(64);
        Self {
            agent: config.build().new_agent(),
            scim_url: scim_url.to_owned(),
            key: key.to_owned(),
        }
    }

    /// The same client with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub(crate) fn scim_url(&self) -> &str {
        &self.scim_url
    }

    /// Sends a request with the client's key and looks at what every answer must have.
    /// `path` begins with a slash and is encoded already.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let answer = self.try_send(method, path, headers, body);
        let answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        answer.check(&format!("{method} {path}"), &self.scim_url);
        answer
    }

    /// Sends a request that may get no answer.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.scim_url))
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let known = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if body.is_some() && !known("content-type") {
            request = request.header("content-type", SCIM_JSON);
        }
        match body {
            Some(body) => self.run(request.body(body)?),
            None => self.run(request.body(())?),
        }
    }

    fn run<B: AsSendBody>(&self, request: Request<B>) -> Result<Answer, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.read_to_vec()?,
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None)
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!("{e} in the {} answer `{}`", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("the header is text"))
    }

    /// The answer, which must have that status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "the answer is `{text}`");
        self
    }

    /// The id of the resource in the body.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().expect("the resource has an id").to_owned()
    }

    /// `scimType` of an error, if it has one.
    pub(crate) fn scim_type(&self) -> Option<String> {
        self.json()["scimType"].as_str().map(str::to_owned)
    }

    /// The resources of a list.
    pub(crate) fn resources(&self) -> Vec<Value> {
        self.json()["Resources"].as_array().expect("it is a list").clone()
    }

    /// What RFC 7644 asks of any answer with this status.
    fn check(&self, what: &str, scim_url: &str) {
        if self.status == 204 || self.status == 304 {
            assert!(self.body.is_empty(), "{what}: a {} has a body", self.status);
            return;
        }
        if what.starts_with("HEAD ") {
            assert!(self.body.is_empty(), "{what}: the answer has a body");
            return;
        }
        // RFC 7644 §8.1; without a charset, since JSON has none to choose.
        assert_eq!(self.header("content-type"), Some(SCIM_JSON), "{what}");
        let body = self.json();
        let is =
            |schema: &str| body["schemas"].as_array().is_some_and(|s| s.contains(&schema.into()));
        if self.status >= 400 {
            assert!(is(ERROR), "{what}: {body}");
            // RFC 7644 §3.12: a JSON string.
            assert_eq!(body["status"], self.status.to_string(), "{what}: {body}");
        } else if is(LIST_RESPONSE) {
            for name in ["totalResults", "startIndex", "itemsPerPage"] {
                assert!(body[name].is_u64(), "{what}: `{name}` in {body}");
            }
            let resources = body["Resources"].as_array();
            let resources = resources.unwrap_or_else(|| panic!("{what}: no `Resources` in {body}"));
            assert_eq!(body["itemsPerPage"], resources.len(), "{what}: {body}");
            resources.iter().for_each(|resource| check_resource(what, resource, scim_url));
        } else {
            check_resource(what, &body, scim_url);
            if let Some(meta) = body.get("meta") {
                assert_eq!(self.header("content-location"), meta["location"].as_str(), "{what}");
                assert_eq!(self.header("etag"), meta["version"].as_str(), "{what}");
                if self.status == 201 {
                    assert_eq!(self.header("location"), meta["location"].as_str(), "{what}");
                }
            }
        }
    }
}

/// What RFC 7643 asks of any resource that is returned.
fn check_resource(what: &str, resource: &Value, scim_url: &str) {
    let object =
        resource.as_object().unwrap_or_else(|| panic!("{what}: {resource} is no resource"));
    assert!(!object.contains_key("password"), "{what}: {resource} shows a password");
    let schemas = object.get("schemas").and_then(Value::as_array);
    assert!(schemas.is_some_and(|s| !s.is_empty()), "{what}: no `schemas` in {resource}");
    // RFC 7643 §2.5: null, [] and absent are one state. `members` is shown when empty, for clients
    // that crash without it, and a resource type says that it has no extensions.
    let shown = |(name, value): (&String, &Value)| {
        let also_empty = name == "members" || name == "schemaExtensions";
        !value.is_null() && (also_empty || value.as_array().is_none_or(|a| !a.is_empty()))
    };
    assert!(object.iter().all(shown), "{what}: {resource} has attributes without a value");
    let Some(meta) = object.get("meta") else { return };
    let location = meta["location"].as_str().unwrap_or_default();
    assert!(location.starts_with(&format!("{scim_url}/")), "{what}: {location}");
    if let Some(id) = object.get("id").and_then(Value::as_str)
        && !location.contains("/Schemas/")
    {
        assert!(location.ends_with(&format!("/{id}")), "{what}: {location}");
    }
}
