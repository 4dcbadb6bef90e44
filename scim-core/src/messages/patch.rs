//! The body of a PATCH (RFC 7644 §3.5.2).

mod scim1;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Message, PATCH_OP_URN};
use crate::error::{Result, ScimError};
use crate::json;
use crate::profile::{Profile, Quirk, Quirks};

/// What an operation does (RFC 7644 §3.5.2). Exhaustive: the RFC closes the list (errata.md P13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchOperationKind {
    /// Adds a value (§3.5.2.1).
    Add,
    /// Removes values (§3.5.2.2).
    Remove,
    /// Replaces values (§3.5.2.3).
    Replace,
}

impl PatchOperationKind {
    /// The keyword.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

/// One operation of a [`PatchOp`], its path and value not yet looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOperation {
    /// What it does.
    pub kind: PatchOperationKind,
    /// What it does it to; `None` for the resource as a whole.
    pub path: Option<String>,
    /// The value; `None` when there is none, `Some(Value::Null)` when it is null.
    pub value: Option<Value>,
}

impl Serialize for PatchOperation {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("op", &self.kind)?;
        if let Some(path) = &self.path {
            map.serialize_entry("path", path)?;
        }
        if let Some(value) = &self.value {
            map.serialize_entry("value", value)?;
        }
        map.end()
    }
}

/// A PATCH request: operations in order, all to be applied or none.
///
/// ```
/// use scim_core::{PatchOp, PatchOperationKind, Profile};
/// let patch = PatchOp::parse(br#"{
///     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
///     "Operations": [{"op": "replace", "path": "active", "value": false}]
/// }"#, &Profile::STRICT)?;
/// assert_eq!(patch.operations[0].kind, PatchOperationKind::Replace);
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOp {
    /// The operations; at least one, but for a [`Quirk::Scim1Patch`] that says nothing.
    pub operations: Vec<PatchOperation>,
    /// The quirks that fired while reading.
    pub fired: Quirks,
}

impl PatchOp {
    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when it is not such a message (errata.md P16).
    pub fn parse(body: &[u8], profile: &Profile) -> Result<Self> {
        Self::from_json(json::parse_object(body)?, profile)
    }

    /// Reads a PATCH from JSON that is parsed already, as the `data` of a bulk operation is.
    ///
    /// # Errors
    /// As [`PatchOp::parse`].
    pub fn from_json(body: Map<String, Value>, profile: &Profile) -> Result<Self> {
        Self::noting(body, profile, &mut Quirks::default())
    }

    /// The same, and whether it succeeds or not, `fired` gets the quirks that fired.
    ///
    /// ```
    /// use scim_core::{PatchOp, Profile, Quirk, Quirks, json};
    /// let body = json::parse_object(br#"{"Operations": [{"op": "Replace"}, {"op": "copy"}]}"#)?;
    /// let mut fired = Quirks::NONE;
    /// assert!(PatchOp::noting(body, &Profile::INTEROP, &mut fired).is_err());
    /// assert_eq!(fired, Quirks::NONE.with(Quirk::MissingSchemas).with(Quirk::OperationCase));
    /// # Ok::<(), scim_core::ScimError>(())
    /// ```
    ///
    /// # Errors
    /// As [`PatchOp::parse`].
    pub fn noting(body: Map<String, Value>, profile: &Profile, fired: &mut Quirks) -> Result<Self> {
        let mut own = Quirks::NONE;
        let operations = Self::read(body, profile, &mut own);
        fired.extend(own);
        Ok(Self { operations: operations?, fired: own })
    }

    fn read(
        body: Map<String, Value>,
        profile: &Profile,
        fired: &mut Quirks,
    ) -> Result<Vec<PatchOperation>> {
        if profile.tolerates(Quirk::Scim1Patch) && scim1::is_patch(&body) {
            fired.insert(Quirk::Scim1Patch);
            return scim1::operations(body);
        }
        let mut message = Message::new(body, "PatchOp", PATCH_OP_URN, profile, fired)?;
        let elements = message.take_array("Operations")?.unwrap_or_default();
        if elements.is_empty() {
            return Err(ScimError::invalid_syntax("PatchOp: `Operations` must hold an operation"));
        }
        let mut operations = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let within = |e: ScimError| e.within(format_args!("operation {}", index + 1));
            let Value::Object(members) = element else {
                return Err(within(message.mismatch("Operations", "an object", &element)));
            };
            let mut part = Message::part(members, "PatchOp", profile, message.fired);
            operations.push(operation(&mut part).map_err(within)?);
        }
        Ok(operations)
    }
}

fn operation(message: &mut Message<'_>) -> Result<PatchOperation> {
    const KINDS: [PatchOperationKind; 3] =
        [PatchOperationKind::Add, PatchOperationKind::Remove, PatchOperationKind::Replace];
    let Some(op) = message.take_string("op")? else {
        return Err(ScimError::invalid_syntax("PatchOp: `op` is missing"));
    };
    let kind = match KINDS.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&op)) {
        Some(kind) if kind.as_str() == op || message.tolerate(Quirk::OperationCase) => kind,
        _ => return Err(message.unknown_word("op", &op, "`add`, `remove`, `replace`")),
    };
    let path = message.take_string("path")?;
    // `take` drops nulls, and a null value is one here: RFC 7644 §3.5.2.3 replaces by it.
    let null = message.members.iter().any(|(k, v)| k.eq_ignore_ascii_case("value") && v.is_null());
    let value = message.take("value")?.or(null.then_some(Value::Null));
    Ok(PatchOperation { kind, path, value })
}

impl Serialize for PatchOp {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[PATCH_OP_URN])?;
        map.serialize_entry("Operations", &self.operations)?;
        map.end()
    }
}
