//! Where an operation applies: a path, looked up in the schemas.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_core::{
    AttributeRef, AttributeType, Quirk, Result, Schema, ScimError, ScimType, Target, Validation,
    refers_to_resource, shorten,
};
use scim_filter::{
    AttributePath, Comparison, Filter, Literal, Operator, ParseOptions, PatchPath, ResolveError,
    SyntaxError, ValueFilter,
};
use serde_json::{Map, Value};

use crate::planner::{Planner, is_read_only};
use crate::planner_attribute::resource_named;
use crate::selector::ElementFilter;

/// What a path names.
#[derive(Debug)]
pub(crate) enum Location {
    /// The resource as a whole: no path, or the bare URN of the core schema.
    Resource,
    /// An extension, by its bare URN (errata.md P11).
    Extension(Arc<Schema>),
    /// An attribute or sub-attribute.
    Attribute(AttributeRef),
    /// Values of a multi-valued attribute.
    Elements(Elements),
}

/// Values of a multi-valued attribute that a filter selects, or a sub-attribute of them.
#[derive(Debug)]
pub(crate) struct Elements {
    pub(crate) attribute: AttributeRef,
    pub(crate) filter: ElementFilter,
    /// The attribute with the sub-attribute that the path ends in, if it does.
    pub(crate) part: Option<AttributeRef>,
}

impl Planner<'_> {
    /// What a path names; `None` when no schema defines it and the operation is to be left out.
    ///
    /// # Errors
    /// 400 `invalidPath`, or `invalidFilter` for a fault in brackets.
    pub(crate) fn locate(&mut self, text: &str) -> Result<Option<Location>> {
        let parsed = ParseOptions::new().with_quirks(self.profile.quirks()).path(text);
        let fired = parsed.as_ref().map_or_else(SyntaxError::fired, |parsed| parsed.fired);
        fired.iter().for_each(|quirk| {
            self.ingest.tolerate(quirk);
        });
        let path = parsed.map_err(SyntaxError::into_path_error)?.value;
        let Some(target) = self.target(path.attribute_path().as_str()) else {
            return self.unknown(text);
        };
        let attribute = match (target, &path) {
            (Target::Attribute(attribute), PatchPath::Attribute(_)) => {
                return Ok(Some(Location::Attribute(attribute)));
            }
            (Target::Resource, PatchPath::Attribute(_)) => return Ok(Some(Location::Resource)),
            (Target::Extension(schema), PatchPath::Attribute(_)) => {
                return Ok(Some(Location::Extension(schema)));
            }
            (Target::Attribute(attribute), _) => attribute,
            (Target::Resource | Target::Extension(_), _) => {
                return Err(ScimError::invalid_path(format!(
                    "`{}` names a schema, which has no values to select",
                    shorten(text)
                )));
            }
        };
        if !attribute.attribute().multi_valued || attribute.sub_attribute().is_some() {
            return Err(ScimError::invalid_path(format!(
                "`{attribute}` has no values to select, as it is not a multi-valued attribute"
            )));
        }
        let complex = attribute.attribute().is_complex();
        let (filter, part) = match path {
            PatchPath::ValuePath { value_path, sub_attribute } => {
                let part = match sub_attribute {
                    None => None,
                    Some(name) if complex => match attribute.child(name) {
                        Some(part) => Some(part),
                        None => return self.unknown(text),
                    },
                    // `value` of a simple value is the value itself (RFC 7643 §2.4).
                    Some(name) if name.eq_ignore_ascii_case("value") => None,
                    Some(_) => return self.unknown(text),
                };
                (*value_path.filter, part)
            }
            // Erratum 7122: values of an attribute that is not complex.
            PatchPath::Comparison(comparison) if !complex => {
                let Comparison { operator, value, .. } = comparison;
                (Filter::Comparison(Comparison::new(element_path()?, operator, value)), None)
            }
            PatchPath::Present(_) if !complex => (Filter::Present(element_path()?), None),
            _ => {
                return Err(ScimError::invalid_path(format!(
                    "`{attribute}` is complex: its values are selected by a filter in brackets"
                )));
            }
        };
        if complex
            && names_unknown(&attribute, &filter)
            && !self.profile.validates(Validation::UnknownAttributes)
            && self.ingest.tolerate(Quirk::IgnoreUnknownPaths)
        {
            return Ok(None);
        }
        let filter = self.element_filter(&attribute, filter)?;
        Ok(Some(Location::Elements(Elements { attribute, filter, part })))
    }

    /// What the path names, its URN left out or spelled otherwise by a client that does so
    /// ([`Quirk::UnqualifiedExtensionAttributes`], [`Quirk::SchemaSpellings`]).
    fn target(&mut self, path: &str) -> Option<Target> {
        if let Some(target) = self.resource_type.resolve(path) {
            return Some(target);
        }
        if let Some(attribute) = self.resource_type.unqualified_extension_attribute(path) {
            return self
                .ingest
                .tolerate(Quirk::UnqualifiedExtensionAttributes)
                .then_some(Target::Attribute(attribute));
        }
        let target = self.resource_type.resolve(&self.resource_type.respelled(path)?)?;
        self.ingest.tolerate(Quirk::SchemaSpellings).then_some(target)
    }

    fn unknown(&mut self, path: &str) -> Result<Option<Location>> {
        let refused = self.profile.validates(Validation::UnknownAttributes);
        if !refused && self.ingest.tolerate(Quirk::IgnoreUnknownPaths) {
            return Ok(None);
        }
        let (path, name) = (shorten(path), self.resource_type.name());
        Err(ScimError::invalid_path(format!(
            "path: no schema of resource type `{name}` defines `{path}`"
        )))
    }

    fn element_filter(
        &mut self,
        attribute: &AttributeRef,
        filter: Filter<'_>,
    ) -> Result<ElementFilter> {
        let filter =
            if refers_to_resource(attribute.attribute()) { by_value(filter)? } else { filter };
        // In a query, an attribute that no schema defines has no value. Here that would let a
        // misspelled name in `not (…)` or `ne` select everything.
        let profile = self.profile.validating(Validation::UnknownAttributes);
        let resolved = filter.resolve_for_elements(attribute, &profile);
        let fired = resolved.as_ref().map_or_else(ResolveError::fired, ValueFilter::fired);
        fired.iter().for_each(|quirk| {
            self.ingest.tolerate(quirk);
        });
        let resolved = resolved.map_err(in_brackets)?;
        let exact = attribute.child("value").is_some_and(|v| v.leaf().compares_exactly());
        let values = resolved.equal_to("value").filter(|_| exact);
        let mut parts = BTreeSet::new();
        mentioned(attribute, &filter, &mut parts);
        Ok(ElementFilter {
            terms: resolved.expression().terms(),
            values: values.map(|values| values.into_iter().map(Arc::from).collect()),
            equalities: self.equalities(attribute, &filter),
            parts: parts.into_iter().collect(),
            filter: resolved,
        })
    }

    /// What a filter of `eq` terms joined by `and` says of an element.
    fn equalities(
        &mut self,
        attribute: &AttributeRef,
        filter: &Filter<'_>,
    ) -> Option<Map<String, Value>> {
        let mut element = Map::new();
        for comparison in filter.equalities()? {
            if !attribute.attribute().is_complex() {
                // The element is the value, which the operation gives.
                continue;
            }
            let part = attribute.child(comparison.path.as_str())?;
            if is_read_only(&part) {
                return None;
            }
            let value = operand(&part, comparison)?;
            let value = self.ingest.value(&part, value).ok()??;
            match element.insert(part.leaf().name.clone(), value.clone()) {
                Some(other) if other != value => return None,
                _ => {}
            }
        }
        Some(element)
    }
}

fn element_path() -> Result<AttributePath<'static>> {
    AttributePath::parse("value").map_err(|error| error.into_path_error())
}

/// A fault in brackets is an `invalidFilter`, whatever it would be in a query.
fn in_brackets(error: ResolveError) -> ScimError {
    ScimError::new(ScimType::InvalidFilter, format!("path: {error}"))
}

/// The operand as JSON. A bare word that JSON reads as a number or boolean is text where the
/// attribute is text ([`Quirk::UnquotedFilterValues`]).
fn operand(part: &AttributeRef, comparison: &Comparison<'_>) -> Option<Value> {
    let text = matches!(
        part.leaf().attribute_type,
        AttributeType::String | AttributeType::Reference | AttributeType::Binary
    );
    Some(match &comparison.value {
        Literal::Null => return None,
        Literal::String(text) => Value::from(&**text),
        _ if text => Value::from(comparison.value_source()?),
        Literal::Integer(number) => Value::from(*number),
        Literal::Decimal(number) => Value::from(*number),
        Literal::Boolean(value) => Value::from(*value),
    })
}

/// The filter with `$ref eq "…/id"` as `value eq "id"`: `$ref` of a reference is computed from its
/// `value` and not kept, so it can't be compared as a text, whatever base URL it begins with.
fn by_value(filter: Filter<'_>) -> Result<Filter<'_>> {
    let refused = |path: &AttributePath<'_>| {
        ScimError::invalid_filter(format!(
            "path: `{}` at byte {} is computed; it can be compared by `eq` and `ne` with a URI, or compare `value`",
            shorten(path.as_str()),
            path.position()
        ))
    };
    let is_ref = |path: &AttributePath<'_>| path.as_str().eq_ignore_ascii_case("$ref");
    let all = |terms: Vec<_>| terms.into_iter().map(by_value).collect::<Result<Vec<_>>>();
    Ok(match filter {
        Filter::And(terms) => Filter::And(all(terms)?),
        Filter::Or(terms) => Filter::Or(all(terms)?),
        Filter::Not(inner) => Filter::Not(Box::new(by_value(*inner)?)),
        Filter::Comparison(comparison) if is_ref(&comparison.path) => {
            let id = match (&comparison.operator, &comparison.value) {
                (Operator::Equal | Operator::NotEqual, Literal::String(uri)) => resource_named(uri),
                _ => None,
            };
            let Some(id) = id else { return Err(refused(&comparison.path)) };
            let literal = Literal::from(id.to_owned());
            Filter::Comparison(Comparison::new(element_path()?, comparison.operator, literal))
        }
        Filter::Present(path) if is_ref(&path) => return Err(refused(&path)),
        other => other,
    })
}

/// The sub-attributes that a filter names.
fn mentioned(attribute: &AttributeRef, filter: &Filter<'_>, parts: &mut BTreeSet<String>) {
    each_path(filter, &mut |path| {
        parts.extend(attribute.child(path.as_str()).map(|part| part.leaf().name.clone()));
    });
}

/// Whether a filter names something that is no sub-attribute.
fn names_unknown(attribute: &AttributeRef, filter: &Filter<'_>) -> bool {
    let mut found = false;
    each_path(filter, &mut |path| found |= attribute.child(path.as_str()).is_none());
    found
}

fn each_path(filter: &Filter<'_>, visit: &mut impl FnMut(&AttributePath<'_>)) {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => {
            for term in terms {
                each_path(term, visit);
            }
        }
        Filter::Not(inner) => each_path(inner, visit),
        Filter::Comparison(comparison) => visit(&comparison.path),
        Filter::Present(path) => visit(path),
        Filter::ValuePath(value_path) => visit(&value_path.path),
    }
}
