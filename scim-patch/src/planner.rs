//! From the operations of a request to a plan.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::schema::USER_URN;
use scim_core::{
    AttributeRef, Ingest, Member, Mutability, Origin, PatchOp, PatchOperation,
    PatchOperationKind as Kind, Profile, Quirk, Quirks, ResourceType, Result, Schema, ScimError,
    Secret, Target, shorten,
};
use serde_json::{Map, Value};

use crate::change::{Action, AttributeChange};
use crate::document::{DocumentChange, DocumentPlan, Step};
use crate::late::LateQuirks;
use crate::location::{Elements, Location};
use crate::members::MemberOps;
use crate::plan::{PatchPlan, Planned};
use crate::select::SelectMembers;

/// A plan under construction.
pub(crate) struct Planner<'a> {
    pub(crate) resource_type: &'a Arc<ResourceType>,
    pub(crate) profile: &'a Profile,
    pub(crate) ingest: Ingest<'a>,
    /// Which operation is being looked at, counted from 1.
    operation: usize,
    steps: Vec<Step>,
    members: MemberOps,
    pub(crate) secret: Option<Secret>,
    pub(crate) armed: Quirks,
    pub(crate) late: LateQuirks,
    touched: Vec<Target>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(resource_type: &'a Arc<ResourceType>, profile: &'a Profile) -> Self {
        Self {
            resource_type,
            profile,
            ingest: Ingest::new(resource_type, profile, Origin::Patch),
            operation: 0,
            steps: Vec::new(),
            members: MemberOps::default(),
            secret: None,
            armed: Quirks::NONE,
            late: LateQuirks::default(),
            touched: Vec::new(),
        }
    }

    /// Makes the plan. The quirks that fired are put into `noted`, also when there will be no plan.
    pub(crate) fn plan(mut self, patch: PatchOp, noted: &mut Quirks) -> Result<Planned> {
        let outcome = self.operations(patch.operations);
        let mut fired = patch.fired;
        fired.extend(self.ingest.fired());
        noted.extend(fired);
        outcome?;
        let document = DocumentPlan::new(Arc::clone(self.resource_type), self.steps);
        Ok(Planned {
            plan: PatchPlan {
                document: Arc::new(document),
                members: self.members.finish(),
                secret: self.secret,
            },
            fired,
            armed: self.armed,
            late: self.late,
            touched: self.touched,
        })
    }

    fn operations(&mut self, operations: Vec<PatchOperation>) -> Result<()> {
        for (index, operation) in operations.into_iter().enumerate() {
            self.operation = index + 1;
            self.operation(operation)
                .map_err(|e| e.within(format_args!("operation {}", index + 1)))?;
        }
        Ok(())
    }

    fn operation(&mut self, operation: PatchOperation) -> Result<()> {
        let PatchOperation { kind, path, value } = operation;
        let location = match path {
            None => Location::Resource,
            Some(path) => match self.locate(&path)? {
                Some(location) => location,
                None => return Ok(()),
            },
        };
        let value = match (kind, value) {
            (Kind::Remove, value) => value.filter(|v| !v.is_null()),
            (_, Some(Value::String(text))) if matches!(location, Location::Resource) => {
                let object = self.ingest.object_in_text(&text);
                Some(object.map_or(Value::String(text), Value::Object))
            }
            (_, Some(value)) => Some(value),
            // RFC 7644 §3.5.2.1: "The operation MUST contain a "value" member".
            (_, None) => return Err(ScimError::invalid_value("`value` is missing")),
        };
        match location {
            Location::Resource => match (kind, value) {
                (Kind::Remove, _) | (_, None) => {
                    Err(ScimError::no_target("`remove` needs a path to an attribute"))
                }
                (_, Some(Value::Object(object))) => self.object(kind, object, &mut HashSet::new()),
                (_, Some(_)) => Err(ScimError::invalid_value(
                    "without a path to an attribute, `value` must be an object of attributes",
                )),
            },
            Location::Extension(schema) => {
                self.extension(kind, &schema, value, &mut HashSet::new())
            }
            Location::Attribute(attribute) => self.named(kind, attribute, value),
            Location::Elements(elements) => self.selected(kind, elements, value),
        }
    }

    /// The attributes of a value without path.
    fn object(
        &mut self,
        kind: Kind,
        object: Map<String, Value>,
        seen: &mut HashSet<String>,
    ) -> Result<()> {
        for (key, value) in object {
            if let Some(elements) = self.elements_of_key(&key) {
                self.ingest.tolerate(Quirk::PathKeys);
                // What is readOnly in a value without path is ignored (errata.md P6).
                if !is_read_only(&elements.attribute) {
                    self.selected(kind, elements, Some(value))?;
                }
                continue;
            }
            match self.ingest.key(&key)? {
                None => {}
                Some(Target::Attribute(attribute)) => {
                    self.unnamed(kind, attribute, value, seen)?;
                }
                Some(Target::Extension(schema)) => {
                    self.extension(kind, &schema, Some(value), seen)?;
                }
                Some(Target::Resource) => match value {
                    Value::Object(object) => self.object(kind, object, seen)?,
                    _ => {
                        let key = shorten(&key);
                        return Err(ScimError::invalid_value(format!(
                            "`{key}`: expected an object"
                        )));
                    }
                },
            }
        }
        Ok(())
    }

    /// What a key that is a path with a filter names ([`Quirk::PathKeys`]).
    fn elements_of_key(&mut self, key: &str) -> Option<Elements> {
        if !key.contains('[') || !self.profile.tolerates(Quirk::PathKeys) {
            return None;
        }
        match self.locate(key) {
            Ok(Some(Location::Elements(elements))) => Some(elements),
            _ => None,
        }
    }

    /// An extension as a whole: named by the path, or a key of a value without path. Its attributes
    /// are added or replaced one by one, the others stay, as in a complex attribute.
    fn extension(
        &mut self,
        kind: Kind,
        schema: &Arc<Schema>,
        value: Option<Value>,
        seen: &mut HashSet<String>,
    ) -> Result<()> {
        let object = match (kind, value) {
            (Kind::Remove, _) | (Kind::Replace, None | Some(Value::Null)) => {
                self.touched.push(Target::Extension(Arc::clone(schema)));
                self.remove_extension(Arc::clone(schema));
                return Ok(());
            }
            (Kind::Add, None | Some(Value::Null)) => return Ok(()),
            (_, Some(Value::Object(object))) => object,
            (_, Some(_)) => {
                return Err(ScimError::invalid_value(format!(
                    "`{}`: expected an object of the extension's attributes",
                    schema.id()
                )));
            }
        };
        for (name, value) in object {
            let path = format!("{}:{name}", schema.id());
            let dotted = name.contains('.');
            match self.resource_type.attribute(&path) {
                Some(attribute) if !dotted || self.ingest.tolerate(Quirk::DottedKeys) => {
                    self.unnamed(kind, attribute, value, seen)?;
                }
                _ => {
                    // The core decides what becomes of a key that no schema defines.
                    self.ingest.key(&path).map(|_| ())?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn remove_extension(&mut self, schema: Arc<Schema>) {
        let change = DocumentChange::RemoveExtension(schema);
        self.steps.push(Step { operation: self.operation, change });
    }

    /// An attribute that a value without path has: what is readOnly is ignored (errata.md P6).
    fn unnamed(
        &mut self,
        kind: Kind,
        attribute: AttributeRef,
        value: Value,
        seen: &mut HashSet<String>,
    ) -> Result<()> {
        let parts: Vec<String> = match &value {
            Value::Object(parts)
                if attribute.leaf().is_complex() && !attribute.leaf().multi_valued =>
            {
                parts.keys().filter_map(|part| Some(attribute.child(part)?.to_string())).collect()
            }
            _ => vec![attribute.to_string()],
        };
        if parts.into_iter().any(|path| !seen.insert(path)) {
            return Err(ScimError::invalid_syntax(format!(
                "`{attribute}` appears twice; attribute names are compared without regard to case"
            )));
        }
        if attribute.attribute().multi_valued && attribute.sub_attribute().is_some() {
            return Err(ScimError::invalid_value(format!(
                "`{attribute}` names a part of many values; give the values as an array"
            )));
        }
        match self.keeper(&attribute) {
            Keeper::Server | Keeper::Schemas => Ok(()),
            Keeper::Secret => self.password(kind, attribute, Some(value)),
            Keeper::Document | Keeper::Rows if is_read_only(&attribute) => Ok(()),
            Keeper::Document | Keeper::Rows => self.attribute(kind, attribute, Some(value)),
        }
    }

    /// An attribute that the path names.
    fn named(&mut self, kind: Kind, attribute: AttributeRef, value: Option<Value>) -> Result<()> {
        match self.keeper(&attribute) {
            Keeper::Server => self.kept_by_server(kind, &attribute, value.as_ref()),
            Keeper::Secret => self.password(kind, attribute, value),
            Keeper::Schemas => self.schemas(kind, attribute, value),
            Keeper::Document | Keeper::Rows => self.attribute(kind, attribute, value),
        }
    }

    /// Values that the path selects.
    fn selected(&mut self, kind: Kind, elements: Elements, value: Option<Value>) -> Result<()> {
        match self.keeper(&elements.attribute) {
            Keeper::Server => self.kept_by_server(kind, &elements.attribute, value.as_ref()),
            Keeper::Schemas => self.selected_schemas(kind, &elements),
            Keeper::Secret | Keeper::Document | Keeper::Rows => {
                self.elements(kind, elements, value)
            }
        }
    }

    /// Who keeps an attribute of a resource of this type.
    fn keeper(&self, attribute: &AttributeRef) -> Keeper {
        if attribute.extension().is_some() {
            return Keeper::Document;
        }
        match attribute.attribute().name.as_str() {
            "id" | "meta" => Keeper::Server,
            "groups" if self.resource_type.has_groups() => Keeper::Server,
            "schemas" => Keeper::Schemas,
            "members" if self.resource_type.has_members() => Keeper::Rows,
            "password" if self.resource_type.schema().id() == USER_URN => Keeper::Secret,
            _ => Keeper::Document,
        }
    }

    /// Makes it a change to the document, or to the members of a group.
    pub(crate) fn push(&mut self, attribute: AttributeRef, action: Action) -> Result<()> {
        if self.keeper(&attribute) == Keeper::Rows {
            return self.push_to_rows(attribute, action);
        }
        let change = DocumentChange::Attribute(Box::new(AttributeChange { attribute, action }));
        self.steps.push(Step { operation: self.operation, change });
        Ok(())
    }

    fn push_to_rows(&mut self, attribute: AttributeRef, action: Action) -> Result<()> {
        match action {
            Action::Append(elements) => self.members.add(members(&elements)?),
            Action::ReplaceAll(elements) => self.members.replace(members(&elements)?),
            Action::Unset => self.members.clear(),
            Action::Elements(change) => {
                if let Some(values) = change.removed_values() {
                    self.members.remove(values.to_vec());
                } else {
                    let needs_display = change.mentions("display");
                    let action = Action::Elements(change);
                    let change = AttributeChange { attribute, action };
                    self.members.select(SelectMembers::new(self.operation, change, needs_display));
                }
            }
            // Those of attributes that have one value.
            Action::Set(_) | Action::Parts(_) => {}
        }
        Ok(())
    }

    pub(crate) fn touch(&mut self, target: Target) {
        if !self.touched.contains(&target) {
            self.touched.push(target);
        }
    }
}

/// Who keeps an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    /// The document.
    Document,
    /// The membership rows.
    Rows,
    /// The store, beside the document, if at all.
    Secret,
    /// Nobody: it follows from the content.
    Schemas,
    /// The server, outside the document: readOnly, and not at hand here.
    Server,
}

pub(crate) fn is_read_only(attribute: &AttributeRef) -> bool {
    attribute.attribute().mutability == Mutability::ReadOnly
        || attribute.leaf().mutability == Mutability::ReadOnly
}

/// Whether a value says that there is none: null, an empty array or text, or nothing but such
/// (RFC 7643 §2.5).
pub(crate) fn says_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.iter().all(says_unassigned),
        Value::Object(parts) => parts.values().all(says_unassigned),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The members that canonical elements name.
fn members(elements: &[Value]) -> Result<Vec<Member>> {
    elements.iter().map(|e| Member::from_json(e).ok_or_else(without_value)).collect()
}

fn without_value() -> ScimError {
    ScimError::invalid_value("`members`: a member is named by its `value`, which is missing")
}
