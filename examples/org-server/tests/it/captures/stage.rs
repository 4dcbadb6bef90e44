//! What the rows of the tables work with: a request that was captured, and the resources that its
//! placeholders stand for.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::client::{Answer, Client};

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A request as its source prints it.
pub(crate) struct Capture {
    pub(crate) file: String,
    method: String,
    path: String,
    headers: Map<String, Value>,
    body: Value,
    expected: Value,
}

impl Capture {
    pub(crate) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file)
            .unwrap_or_else(|e| panic!("`{}` cannot be read: {e}", file.display()));
        let mut capture: Value = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("`{}` is not JSON: {e}", file.display()));
        let text = |name: &str| capture[name].as_str().expect("it is a text").to_owned();
        Self {
            file: file.file_stem().unwrap().to_string_lossy().into_owned(),
            method: text("method"),
            path: text("path"),
            headers: capture["headers"].as_object().cloned().unwrap_or_default(),
            body: capture["body"].take(),
            expected: capture["expected_status"].take(),
        }
    }

    pub(crate) fn is_patch_of(&self, path: &str) -> bool {
        self.method == "PATCH" && self.path.starts_with(path)
    }

    /// Whether the source takes that status. 200 and 204 are one for PATCH and DELETE.
    pub(crate) fn takes(&self, status: u16) -> bool {
        let either = matches!(&*self.method, "PATCH" | "DELETE") && matches!(status, 200 | 204);
        let same = |expected: &Value| {
            expected == status || (either && (*expected == 200 || *expected == 204))
        };
        match &self.expected {
            Value::Null => true,
            Value::Array(any) => any.iter().any(same),
            one => same(one),
        }
    }
}

/// The server with what was made on it so far, and the request that is at hand.
pub(crate) struct Stage<'s> {
    client: &'s Client,
    ids: HashMap<String, String>,
    capture: Option<Capture>,
    status: u16,
    sent: bool,
    secrets: Vec<String>,
}

impl<'s> Stage<'s> {
    pub(crate) fn new(client: &'s Client) -> Self {
        Self {
            client,
            ids: HashMap::new(),
            capture: None,
            status: 0,
            sent: false,
            secrets: Vec::new(),
        }
    }

    /// Puts the next request at hand.
    pub(crate) fn present(&mut self, capture: Capture, status: u16) {
        self.capture = Some(capture);
        self.status = status;
        self.sent = false;
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.sent
    }

    fn capture(&self) -> &Capture {
        self.capture.as_ref().expect("a request is at hand")
    }

    // The request at hand.

    /// Its body as captured, placeholders and all.
    pub(crate) fn body(&self) -> Value {
        self.capture().body.clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.capture().headers.get(name)?.as_str()
    }

    /// `value` of an operation in its body.
    pub(crate) fn value(&self, operation: usize) -> Value {
        let value = &self.capture().body["Operations"][operation]["value"];
        assert!(!value.is_null(), "operation {operation} has no value");
        value.clone()
    }

    /// The value in its filter, which compares one attribute with `eq`.
    pub(crate) fn filter_value(&self) -> String {
        let query = self.capture().path.replace("%20", " ").replace('+', " ");
        let query = query.replace("%22", "\"").replace("%40", "@");
        let (_, value) = query.split_once(" eq ").expect("it has such a filter");
        value.split('&').next().unwrap_or_default().trim_matches('"').to_owned()
    }

    /// Sends it and gives the answer, which has the status of the row.
    #[track_caller]
    pub(crate) fn send(&mut self) -> Answer {
        self.send_expecting(self.status)
    }

    /// Sends it when the state is such that another status is right.
    #[track_caller]
    pub(crate) fn send_expecting(&mut self, status: u16) -> Answer {
        self.sent = true;
        let capture = self.capture();
        let mut headers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &capture.headers {
            // The key is ours, and the connection is the client library's.
            let own = ["authorization", "connection", "content-length"];
            if !own.iter().any(|n| name.eq_ignore_ascii_case(n)) {
                headers.push((name, value.as_str().expect("headers are texts")));
            }
        }
        // By which the log tells what fired.
        headers.push(("x-request-id", &capture.file));
        let body = (!capture.body.is_null()).then(|| self.mapped(&capture.body).to_string());
        let path = self.mapped_path(&capture.path);
        let body = body.as_deref().map(str::as_bytes);
        let answer = self.client.send(&capture.method, &path, &headers, body);
        answer.expect(status)
    }

    /// The endpoint and the placeholder that its path names.
    fn target(&self) -> (String, String) {
        let path = self.capture().path.split('?').next().unwrap_or_default();
        let mut segments = path.split('/').skip(1).map(str::to_owned);
        let endpoint = segments.next().expect("the path names an endpoint");
        (endpoint, segments.next().expect("the path names a resource"))
    }

    // Placeholders.

    /// The id behind a placeholder.
    pub(crate) fn id(&self, placeholder: &str) -> &str {
        let id = self.ids.get(placeholder);
        id.unwrap_or_else(|| panic!("`{placeholder}` stands for nothing yet"))
    }

    /// Lets a placeholder stand for nothing, so that the next use makes something new.
    pub(crate) fn forget(&mut self, placeholder: &str) {
        self.ids.remove(placeholder);
    }

    /// A path for the wire: ids in place of placeholders, and encoded where the source is not.
    fn mapped_path(&self, path: &str) -> String {
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let path = path.split('/').map(|segment| match self.ids.get(segment) {
            Some(id) => id.clone(),
            None => encoded(segment),
        });
        let mut path = path.collect::<Vec<_>>().join("/");
        if let Some(query) = query {
            path.push('?');
            path.push_str(&encoded(&self.mapped_words(query)));
        }
        path
    }

    /// A text in which ids stand in place of the placeholders that are whole words of it.
    fn mapped_words(&self, text: &str) -> String {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut mapped = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(word) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !word(c)).unwrap_or(from.len());
            let (found, after) = from.split_at(end);
            // A number such as that of `count=1` is a placeholder only as a text of its own.
            let plain = found.len() > 8 || before.ends_with('"');
            mapped.push_str(before);
            mapped.push_str(self.ids.get(found).filter(|_| plain).map_or(found, String::as_str));
            rest = after;
        }
        mapped + rest
    }

    /// A body in which ids stand in place of placeholders: as `id`, as `value`, at the end of
    /// `$ref`, and quoted in paths.
    fn mapped(&self, body: &Value) -> Value {
        let under = |name: &str, value: &Value| match (name, value) {
            ("id" | "value", Value::String(text)) => {
                self.ids.get(text).map_or_else(|| value.clone(), |id| json!(id))
            }
            ("$ref", Value::String(text)) => {
                let last = text.rsplit('/').next().unwrap_or_default();
                match self.ids.get(last) {
                    Some(id) => json!(format!("{}{id}", text.strip_suffix(last).unwrap_or(text))),
                    None => value.clone(),
                }
            }
            ("path", Value::String(text)) => json!(self.mapped_words(text)),
            _ => self.mapped(value),
        };
        match body {
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.clone(), under(name, value))).collect()
            }
            Value::Array(elements) => elements.iter().map(|e| self.mapped(e)).collect(),
            simple => simple.clone(),
        }
    }

    // What is on the server.

    /// Creates a resource and lets a placeholder stand for it.
    pub(crate) fn create(&mut self, endpoint: &str, placeholder: &str, mut body: Value) -> Value {
        body["schemas"] = match (endpoint, body.get(ENTERPRISE)) {
            ("Users", None) => json!([USER]),
            ("Users", Some(_)) => json!([USER, ENTERPRISE]),
            _ => json!([GROUP]),
        };
        let created = self.client.post(&format!("/{endpoint}"), &body).expect(201).json();
        self.bind(placeholder, &created);
        created
    }

    /// Lets a placeholder stand for a resource that was made.
    pub(crate) fn bind(&mut self, placeholder: &str, resource: &Value) {
        let id = resource["id"].as_str().expect("it has an id").to_owned();
        assert_ne!(id, placeholder, "a client never chooses an id");
        self.ids.insert(placeholder.to_owned(), id);
    }

    /// Sees to it that a placeholder stands for a user, with enough in it to be lost.
    pub(crate) fn user(&mut self, placeholder: &str) -> Value {
        if self.ids.contains_key(placeholder) {
            return self.get("Users", placeholder);
        }
        let user = json!({
            "userName": format!("user-{placeholder}"),
            "externalId": format!("external-{placeholder}"),
            "displayName": format!("User {placeholder}"),
            "name": {"givenName": "Given", "familyName": "Family", "middleName": "Middle"},
            "active": true,
            "emails": [
                {"value": format!("{placeholder}@work.example.org"), "type": "work", "primary": true},
                {"value": format!("{placeholder}@home.example.org"), "type": "home"},
            ],
            "phoneNumbers": [{"value": "+1-201-555-0123", "type": "mobile"}],
            ENTERPRISE: {"costCenter": "4130"},
        });
        self.create("Users", placeholder, user)
    }

    /// Sees to it that a placeholder stands for a group, which is made with these members.
    pub(crate) fn group(&mut self, placeholder: &str, members: &[&str]) -> Value {
        if self.ids.contains_key(placeholder) {
            return self.get("Groups", placeholder);
        }
        let members: Vec<_> = members
            .iter()
            .map(|member| {
                self.user(member);
                json!({"value": self.id(member)})
            })
            .collect();
        let group = json!({
            "displayName": format!("Group {placeholder}"),
            "externalId": format!("external-{placeholder}"),
            "members": members,
        });
        self.create("Groups", placeholder, group)
    }

    /// The resource as it is now.
    pub(crate) fn get(&self, endpoint: &str, placeholder: &str) -> Value {
        self.client.get(&format!("/{endpoint}/{}", self.id(placeholder))).expect(200).json()
    }

    /// Whether the resource is there.
    pub(crate) fn exists(&self, endpoint: &str, placeholder: &str) -> bool {
        let answer = self.client.get(&format!("/{endpoint}/{}", self.id(placeholder)));
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        answer.status == 200
    }

    /// All resources of an endpoint, in the order of their creation.
    pub(crate) fn all(&self, endpoint: &str) -> Vec<Value> {
        self.client.get(&format!("/{endpoint}")).expect(200).resources()
    }

    /// Changes a resource by operations of our own.
    pub(crate) fn patch(&self, endpoint: &str, placeholder: &str, operations: Value) {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        let answer = self.client.patch(&format!("/{endpoint}/{}", self.id(placeholder)), &body);
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    }

    /// Deletes a resource; its placeholder stands for it still.
    pub(crate) fn delete(&self, endpoint: &str, placeholder: &str) {
        self.client.delete(&format!("/{endpoint}/{}", self.id(placeholder))).expect(204);
    }

    /// How another resource refers to this one.
    pub(crate) fn reference(&self, endpoint: &str, placeholder: &str) -> Value {
        let named = self.get(endpoint, placeholder);
        let mut reference = json!({
            "value": named["id"],
            "$ref": named["meta"]["location"],
            "type": named["meta"]["resourceType"],
        });
        if let Some(name) = named.get("displayName") {
            reference["display"] = name.clone();
        }
        reference
    }

    /// How a group refers to its members.
    pub(crate) fn members(&self, placeholders: &[&str]) -> Value {
        placeholders.iter().map(|placeholder| self.reference("Users", placeholder)).collect()
    }

    /// The ids of the groups that a user says it is in.
    pub(crate) fn groups_of(&self, placeholder: &str) -> Vec<String> {
        let user = self.get("Users", placeholder);
        let groups = user["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
        groups.iter().map(|group| group["value"].as_str().unwrap().to_owned()).collect()
    }

    /// What no request has in mind.
    pub(crate) fn bystanders(&self) -> [Value; 2] {
        [self.get("Users", "bystander"), self.get("Groups", "bystanders")]
    }

    /// A text that must be kept nowhere and logged nowhere.
    pub(crate) fn keep_secret(&mut self, text: &Value) {
        self.secrets.push(text.as_str().expect("it is a text").to_owned());
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }

    // The whole of what a request may do.

    /// Sends a GET of a list, which is to hold exactly these, in the order of their creation.
    #[track_caller]
    pub(crate) fn finds(&mut self, placeholders: &[&str]) -> Vec<Value> {
        let answer = self.send();
        let wanted: Vec<&str> = placeholders.iter().map(|p| self.id(p)).collect();
        assert_eq!(ids(&answer.resources()), wanted);
        assert_eq!(answer.json()["totalResults"], wanted.len());
        answer.resources()
    }

    /// Sends a POST: the resource that it makes says what the body says, edited by what is
    /// expected of the server, and nothing else but id and meta. Lets a placeholder stand for it.
    #[track_caller]
    pub(crate) fn creates(
        &mut self,
        placeholder: &str,
        expected: impl FnOnce(&mut Value),
    ) -> Value {
        let endpoint = self.capture().path.trim_matches('/').to_owned();
        let answer = self.send().json();
        self.bind(placeholder, &answer);
        let stored = self.get(&endpoint, placeholder);
        assert_eq!(answer, stored, "the answer is what is stored");
        assert_eq!(stored["meta"]["created"], stored["meta"]["lastModified"]);

        let mut wanted = self.body();
        expected(&mut wanted);
        wanted["id"] = stored["id"].clone();
        wanted["meta"] = stored["meta"].clone();
        assert_eq!(stored, wanted);
        stored
    }

    /// Sends a PUT or PATCH: the resource that its path names is then as it was, edited by what
    /// the client meant, and nothing else. What is meant to change nothing leaves the version.
    #[track_caller]
    pub(crate) fn changes(&mut self, edit: impl FnOnce(&mut Value)) -> Value {
        let (endpoint, placeholder) = self.target();
        let before = self.get(&endpoint, &placeholder);
        let answer = self.send();
        let after = self.get(&endpoint, &placeholder);

        let mut wanted = before.clone();
        edit(&mut wanted);
        let differs = wanted != before;
        let meta = wanted["meta"].take();
        let mut plain = after.clone();
        plain["meta"].take();
        assert_eq!(plain, wanted);

        let same = |name: &str| after["meta"][name] == meta[name];
        assert!(same("created") && same("location") && same("resourceType"), "{after}");
        assert_eq!(same("version"), !differs, "the version tells whether it changed");
        let instant = |meta: &Value| instant(meta["lastModified"].as_str().unwrap());
        assert!(instant(&after["meta"]) >= instant(&meta));
        assert!(differs || same("lastModified"), "nothing was modified");
        assert_eq!(answer.header("etag"), after["meta"]["version"].as_str());
        if answer.status == 200 {
            assert_eq!(answer.json(), after, "the answer is what is stored");
        }
        after
    }

    /// Sends a DELETE: the resource that its path names is gone.
    #[track_caller]
    pub(crate) fn deletes(&mut self) {
        let (endpoint, placeholder) = self.target();
        assert!(self.exists(&endpoint, &placeholder));
        self.send();
        assert!(!self.exists(&endpoint, &placeholder));
    }
}

pub(crate) fn ids(resources: &[Value]) -> Vec<&str> {
    resources.iter().map(|resource| resource["id"].as_str().expect("it has an id")).collect()
}

/// The enterprise extension of a user, which says in `schemas` that it has one.
pub(crate) fn enterprise(user: &mut Value) -> &mut Value {
    user["schemas"] = json!([USER, ENTERPRISE]);
    &mut user[ENTERPRISE]
}

/// A date as it sorts: whole seconds have no fraction.
fn instant(date: &str) -> (String, String) {
    let date = date.strip_suffix('Z').expect("it is in UTC");
    let (seconds, fraction) = date.split_once('.').unwrap_or((date, ""));
    (seconds.to_owned(), format!("{fraction:0<9}"))
}

/// Takes an attribute away.
pub(crate) fn without(resource: &mut Value, names: &[&str]) {
    let object = resource.as_object_mut().expect("it is a resource");
    names.iter().for_each(|name| assert!(object.remove(*name).is_some(), "`{name}` is not there"));
}

/// The element of a multi-valued attribute with that type.
pub(crate) fn of_type<'v>(elements: &'v mut Value, wanted: &str) -> &'v mut Value {
    let elements = elements.as_array_mut().expect("it has many values");
    elements.iter_mut().find(|e| e["type"] == wanted).expect("there is one of the type")
}

/// Encodes what a URL may not hold, and leaves alone what is encoded already.
fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%+&=:/?@!$'()*,;".contains(&b);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
