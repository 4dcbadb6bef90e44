//! The messages of the protocol (RFC 7644 §3, §8.2): what is neither a resource nor an error.

mod bulk;
mod list;
mod patch;
mod search;

pub use bulk::{BulkMethod, BulkOperation, BulkOperationResponse, BulkRequest, BulkResponse};
pub use list::ListResponse;
pub use patch::{PatchOp, PatchOperation, PatchOperationKind};
pub use search::{SearchRequest, SortOrder};

/// URN of [`ListResponse`].
pub const LIST_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// URN of [`SearchRequest`].
pub const SEARCH_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// URN of [`PatchOp`].
pub const PATCH_OP_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// URN of [`BulkRequest`].
pub const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// URN of [`BulkResponse`].
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// URN of the error message, [`ScimError`].
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

use serde_json::{Map, Value};

use crate::error::{Result, ScimError, shorten};
use crate::json::kind_of;
use crate::profile::{Profile, Quirk, Quirks};

/// A message under reading: its members by name without regard to case (RFC 7643 §2.1), each taken
/// out once; what is left over is ignored.
struct Message<'a> {
    name: &'static str,
    profile: &'a Profile,
    members: Map<String, Value>,
    fired: &'a mut Quirks,
}

impl<'a> Message<'a> {
    /// A whole message. The quirks that fire while it is read are put into `fired`, whether it will
    /// be taken or not.
    fn new(
        members: Map<String, Value>,
        name: &'static str,
        urn: &str,
        profile: &'a Profile,
        fired: &'a mut Quirks,
    ) -> Result<Self> {
        let mut message = Self::part(members, name, profile, fired);
        let schemas = message.take("schemas")?;
        let uris =
            schemas.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if !uris.iter().any(|uri| uri.as_str().is_some_and(|u| u.eq_ignore_ascii_case(urn)))
            && !message.tolerate(Quirk::MissingSchemas)
        {
            return Err(ScimError::invalid_syntax(format!("{name}: `schemas` must hold `{urn}`")));
        }
        Ok(message)
    }

    /// An object inside a message, which has no `schemas`.
    fn part(
        members: Map<String, Value>,
        name: &'static str,
        profile: &'a Profile,
        fired: &'a mut Quirks,
    ) -> Self {
        Self { name, profile, members, fired }
    }

    fn tolerate(&mut self, quirk: Quirk) -> bool {
        let tolerated = self.profile.tolerates(quirk);
        if tolerated {
            self.fired.insert(quirk);
        }
        tolerated
    }

    /// The member of that name, unless it is null.
    fn take(&mut self, name: &str) -> Result<Option<Value>> {
        let mut keys = self.members.keys().filter(|k| k.eq_ignore_ascii_case(name));
        let Some(key) = keys.next().cloned() else { return Ok(None) };
        if keys.next().is_some() {
            return Err(ScimError::invalid_syntax(format!(
                "{}: `{name}` appears twice",
                self.name
            )));
        }
        Ok(self.members.remove(&key).filter(|v| !v.is_null()))
    }

    fn take_string(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.mismatch(name, "a string", &other)),
        }
    }

    fn take_integer(&mut self, name: &str) -> Result<Option<i64>> {
        match self.take(name)? {
            None => Ok(None),
            Some(value) => {
                value.as_i64().map(Some).ok_or_else(|| self.mismatch(name, "an integer", &value))
            }
        }
    }

    fn take_array(&mut self, name: &str) -> Result<Option<Vec<Value>>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Array(elements)) => Ok(Some(elements)),
            Some(other) => Err(self.mismatch(name, "an array", &other)),
        }
    }

    fn take_strings(&mut self, name: &str) -> Result<Vec<String>> {
        let elements = self.take_array(name)?.unwrap_or_default();
        elements
            .into_iter()
            .map(|element| match element {
                Value::String(text) => Ok(text),
                other => Err(self.mismatch(name, "an array of strings", &other)),
            })
            .collect()
    }

    fn mismatch(&self, name: &str, expected: &str, found: &Value) -> ScimError {
        let found = kind_of(found);
        ScimError::invalid_syntax(format!(
            "{}: `{name}`: expected {expected}, found {found}",
            self.name
        ))
    }

    fn unknown_word(&self, name: &str, word: &str, known: &str) -> ScimError {
        let word = shorten(word);
        ScimError::invalid_syntax(format!(
            "{}: `{name}` is `{word}`, not one of {known}",
            self.name
        ))
    }
}
