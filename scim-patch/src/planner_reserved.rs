//! Attributes that are not simply part of the document: what the server alone keeps, `schemas`, and
//! the password.

use std::sync::Arc;

use scim_core::{
    AttributeRef, PatchOperationKind as Kind, Quirk, Result, Schema, ScimError, Secret, Target,
    shorten,
};
use serde_json::Value;

use crate::location::Elements;
use crate::planner::{Planner, says_unassigned};

impl Planner<'_> {
    /// `id`, `meta`, and `groups` of a user, named by a path. They are readOnly and not part of the
    /// document, so whether the value is the one they have can't be known here: it counts as
    /// another (errata.md P6). Without path they are ignored and never come here.
    pub(crate) fn kept_by_server(
        &mut self,
        kind: Kind,
        attribute: &AttributeRef,
        value: Option<&Value>,
    ) -> Result<()> {
        if kind == Kind::Add && value.is_some_and(says_unassigned) {
            return Ok(());
        }
        Err(ScimError::mutability(format!("`{attribute}` is readOnly")))
    }

    /// A user's password goes to the store beside the document. The last operation counts; taking
    /// the password away is not provided for, so it only takes back what the request itself set.
    pub(crate) fn password(
        &mut self,
        kind: Kind,
        attribute: AttributeRef,
        value: Option<Value>,
    ) -> Result<()> {
        self.touch(Target::Attribute(attribute.clone()));
        let password = match value {
            Some(value) if kind != Kind::Remove => self.ingest.value(&attribute, value)?,
            _ => None,
        };
        match password {
            Some(Value::String(password)) => self.secret = Some(Secret::from(password)),
            _ if kind == Kind::Add => {}
            _ => self.secret = None,
        }
        Ok(())
    }

    /// `schemas`, named by a path. It is computed from the content: an extension is in it when it
    /// has a value. So adding a schema of the resource type is a success that changes nothing by
    /// itself, and taking an extension's URI away takes its values away.
    pub(crate) fn schemas(
        &mut self,
        kind: Kind,
        attribute: AttributeRef,
        value: Option<Value>,
    ) -> Result<()> {
        self.touch(Target::Attribute(attribute.clone()));
        match (kind, value) {
            (Kind::Remove, None) => Err(self.core_schema_stays()),
            (Kind::Remove, Some(value)) => {
                self.tolerate_remove_with_value(&attribute)?;
                let given = self.ingest.value(&attribute, value)?.unwrap_or_default();
                let named = |uri: &str| {
                    given.as_array().is_some_and(|given| {
                        given
                            .iter()
                            .any(|g| g.as_str().is_some_and(|g| g.eq_ignore_ascii_case(uri)))
                    })
                };
                self.remove_schemas(named)
            }
            (_, value) => {
                let Some(Value::Array(uris)) =
                    self.ingest.value(&attribute, value.unwrap_or_default())?
                else {
                    return if kind == Kind::Add { Ok(()) } else { Err(self.core_schema_stays()) };
                };
                let core = self.resource_type.schema().id();
                let known = |uri: &str| {
                    uri.eq_ignore_ascii_case(core) || self.resource_type.extension(uri).is_some()
                };
                let unknown =
                    uris.iter().filter_map(Value::as_str).find(|uri| !known(uri)).map(shorten);
                match unknown {
                    Some(uri) if !self.ingest.tolerate(Quirk::UnknownSchemaUris) => {
                        let name = self.resource_type.name();
                        Err(ScimError::invalid_value(format!(
                            "`schemas`: `{uri}` is not a schema of resource type `{name}`"
                        )))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Values of `schemas` that a filter selects: `schemas[value eq "urn:…"]`, or
    /// `schemas eq "urn:…"` (erratum 7122).
    pub(crate) fn selected_schemas(&mut self, kind: Kind, elements: &Elements) -> Result<()> {
        self.touch(Target::Attribute(elements.attribute.clone()));
        if kind != Kind::Remove {
            return Err(ScimError::mutability(
                "`schemas` follows from the content of the resource; only removing is provided for",
            ));
        }
        let filter = elements.filter.filter.clone();
        self.remove_schemas(|uri| filter.matches(&Value::from(uri)))
    }

    fn remove_schemas(&mut self, selected: impl Fn(&str) -> bool) -> Result<()> {
        if selected(self.resource_type.schema().id()) {
            return Err(self.core_schema_stays());
        }
        let gone: Vec<Arc<Schema>> = self
            .resource_type
            .extensions()
            .iter()
            .map(|extension| &extension.schema)
            .filter(|schema| selected(schema.id()))
            .cloned()
            .collect();
        gone.into_iter().for_each(|schema| self.remove_extension(schema));
        Ok(())
    }

    fn core_schema_stays(&self) -> ScimError {
        let core = self.resource_type.schema().id();
        ScimError::mutability(format!("`schemas`: `{core}` is required and can't be removed"))
    }
}
