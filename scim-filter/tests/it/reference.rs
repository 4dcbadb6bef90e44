//! A second evaluator, written from the sentences of DESIGN §4 and RFC 7644 and nothing else, to
//! hold the first against; and the resource type, filters and resources that both are run over.
//!
//! It works on the filter as written, looks names up and reads operands each time anew, and knows
//! no simplification.

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use scim_core::schema::AttributeType;
use scim_core::{Attribute, DateTime, ResourceType, Schema, fold};
use scim_filter::{AttributePath, Comparison, Filter, Literal, Operator, ValuePath};
use serde_json::{Map, Value, json};

const SCHEMA: &str = r#"{
    "id": "urn:example:scim:schemas:Everything",
    "name": "Everything",
    "attributes": [
        {"name": "text"},
        {"name": "exact", "caseExact": true},
        {"name": "flag", "type": "boolean"},
        {"name": "count", "type": "integer"},
        {"name": "amount", "type": "decimal"},
        {"name": "at", "type": "dateTime"},
        {"name": "blob", "type": "binary"},
        {"name": "link", "type": "reference"},
        {"name": "tags", "multiValued": true},
        {"name": "counts", "type": "integer", "multiValued": true},
        {"name": "single", "type": "complex", "subAttributes": [
            {"name": "text"}, {"name": "count", "type": "integer"}
        ]},
        {"name": "boss", "type": "complex", "subAttributes": [
            {"name": "value", "caseExact": true}, {"name": "text"}
        ]},
        {"name": "items", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"},
            {"name": "exact", "caseExact": true},
            {"name": "flag", "type": "boolean"},
            {"name": "primary", "type": "boolean"},
            {"name": "at", "type": "dateTime"},
            {"name": "tags", "multiValued": true},
            {"name": "hidden", "returned": "never"}
        ]},
        {"name": "secret", "returned": "never"},
        {"name": "vault", "type": "complex", "subAttributes": [
            {"name": "value", "returned": "never"}
        ]}
    ]
}"#;

const EXTENSION: &str = r#"{
    "id": "urn:example:scim:schemas:extension:2.0:More",
    "name": "More",
    "attributes": [
        {"name": "text", "caseExact": true},
        {"name": "boss", "type": "complex", "subAttributes": [{"name": "value"}]}
    ]
}"#;

/// A resource type with attributes of every kind.
pub(crate) fn everything() -> Arc<ResourceType> {
    static TYPE: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
        let schema = |json| Arc::new(Schema::from_json(json).unwrap());
        let resource_type = ResourceType::new("Everything", "/Everything", schema(SCHEMA)).unwrap();
        Arc::new(resource_type.with_extension(schema(EXTENSION), false))
    });
    Arc::clone(&TYPE)
}

/// Whether a resource meets a filter; `None` where the filter has to be refused.
pub(crate) fn matches(filter: &Filter<'_>, resource: &Value) -> Option<bool> {
    holds(filter, resource, None)
}

/// Inside brackets, `element_of` is the attribute before them, and `subject` the element.
fn holds(filter: &Filter<'_>, subject: &Value, element_of: Option<&Attribute>) -> Option<bool> {
    // Every part is looked at, so that a part that has to be refused is.
    let each = |terms: &[Filter<'_>]| -> Option<Vec<bool>> {
        terms.iter().map(|term| holds(term, subject, element_of)).collect()
    };
    match filter {
        Filter::And(terms) => Some(each(terms)?.into_iter().all(|held| held)),
        Filter::Or(terms) => Some(each(terms)?.into_iter().any(|held| held)),
        Filter::Not(inner) => Some(!holds(inner, subject, element_of)?),
        Filter::Present(path) => Some(present(path, subject, element_of)),
        Filter::Comparison(comparison) => compare(comparison, subject, element_of),
        Filter::ValuePath(value_path) => {
            let Some(attribute) = attribute_of(&value_path.path, element_of) else {
                return holds(&value_path.filter, &json!({}), Some(&NOTHING)).map(|_| false);
            };
            if !attribute.is_complex() && !attribute.multi_valued {
                return None;
            }
            let elements = values(&value_path.path, subject, element_of);
            // Also where there is no element, what has to be refused is.
            holds(&value_path.filter, &Value::Null, Some(&attribute))?;
            let held: Option<Vec<bool>> = elements
                .iter()
                .map(|element| holds(&value_path.filter, element, Some(&attribute)))
                .collect();
            Some(held?.into_iter().any(|held| held))
        }
    }
}

/// An attribute that no schema defines: nothing is part of it.
static NOTHING: LazyLock<Attribute> = LazyLock::new(|| {
    serde_json::from_value(json!({"name": "nothing", "type": "complex"})).unwrap()
});

/// "eq null is not (a pr). An empty string counts as no value for pr and eq null only."
fn present(path: &AttributePath<'_>, subject: &Value, element_of: Option<&Attribute>) -> bool {
    fn is_something(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => values.iter().any(is_something),
            Value::Object(parts) => parts.iter().any(|(_, part)| is_something(part)),
            _ => true,
        }
    }
    values(path, subject, element_of).iter().any(is_something)
}

fn compare(
    comparison: &Comparison<'_>,
    subject: &Value,
    element_of: Option<&Attribute>,
) -> Option<bool> {
    let Comparison { path, operator, value: literal, .. } = comparison;
    if *literal == Literal::Null {
        return match operator {
            Operator::Equal => Some(!present(path, subject, element_of)),
            Operator::NotEqual => Some(present(path, subject, element_of)),
            _ => None,
        };
    }
    let Some(mut attribute) = attribute_of(path, element_of) else {
        // "An attribute no schema defines has no value."
        return Some(*operator == Operator::NotEqual);
    };
    let mut found = values(path, subject, element_of);
    // RFC 7643 §2.4: "If not specified, the value of "primary" SHALL be assumed to be "false"."
    if attribute.name == "primary" {
        found = match element_of {
            Some(_) => vec![subject["primary"].clone()],
            None => each(subject["items"].clone())
                .into_iter()
                .filter(|item| !item.is_null())
                .map(|item| item["primary"].clone())
                .collect(),
        };
        for value in found.iter_mut().filter(|value| value.is_null()) {
            *value = Value::Bool(false);
        }
    }
    // "The bare name of a complex attribute means its value."
    if attribute.is_complex() {
        found = found.iter().map(|whole| whole["value"].clone()).collect();
        attribute =
            attribute.sub_attributes.iter().find(|part| part.name == "value")?.as_ref().clone();
    }
    // "Collect the attribute's non-null values; if there are none, the set is {null}; a comparison
    // holds if any value meets it."
    found.retain(|value| !value.is_null());
    if found.is_empty() {
        found.push(Value::Null);
    }
    let met: Option<Vec<bool>> =
        found.iter().map(|value| meets(value, *operator, literal, &attribute)).collect();
    Some(met?.into_iter().any(|met| met))
}

/// One value, or null, against the operand.
fn meets(
    value: &Value,
    operator: Operator,
    literal: &Literal<'_>,
    attribute: &Attribute,
) -> Option<bool> {
    use AttributeType as T;
    use Operator as O;
    let null = value.is_null();
    let by_order = |ordering: std::cmp::Ordering| match operator {
        O::Equal => Some(!null && ordering.is_eq()),
        O::NotEqual => Some(null || ordering.is_ne()),
        O::GreaterThan => Some(!null && ordering.is_gt()),
        O::GreaterOrEqual => Some(!null && ordering.is_ge()),
        O::LessThan => Some(!null && ordering.is_lt()),
        O::LessOrEqual => Some(!null && ordering.is_le()),
        O::Contains | O::StartsWith | O::EndsWith => None,
    };
    match (attribute.attribute_type, literal) {
        (T::String | T::Reference | T::Binary | T::DateTime, Literal::String(operand))
            if attribute.attribute_type != T::DateTime || operator.is_substring() =>
        {
            if attribute.attribute_type == T::Binary && operator.is_ordering() {
                return None;
            }
            let exact = attribute.case_exact || attribute.attribute_type != T::String;
            let text = value.as_str().unwrap_or_default();
            let (text, operand) = if exact {
                (text.into(), operand.to_string().into())
            } else {
                (fold(text), fold(operand))
            };
            match operator {
                O::Contains => Some(!null && text.contains(&*operand)),
                O::StartsWith => Some(!null && text.starts_with(&*operand)),
                O::EndsWith => Some(!null && text.ends_with(&*operand)),
                _ => by_order(text.cmp(&operand)),
            }
        }
        (T::DateTime, Literal::String(operand)) => {
            let operand: DateTime = operand.parse().ok()?;
            let instant = value.as_str().map_or(operand, |text| text.parse().unwrap());
            by_order(instant.cmp(&operand))
        }
        (T::Boolean, Literal::Boolean(operand)) if !operator.is_ordering() => {
            by_order(value.as_bool().unwrap_or_default().cmp(operand))
        }
        // Small enough here for an f64 to hold any of them.
        (T::Integer | T::Decimal, Literal::Integer(operand)) => {
            by_order(value.as_f64().unwrap_or_default().total_cmp(&(*operand as f64)))
        }
        (T::Integer | T::Decimal, Literal::Decimal(operand)) => {
            by_order(value.as_f64().unwrap_or_default().total_cmp(operand))
        }
        _ => None,
    }
}

/// The values that a path reaches: of each step the elements, if there are several.
fn values(path: &AttributePath<'_>, subject: &Value, element_of: Option<&Attribute>) -> Vec<Value> {
    let names = match steps(path, element_of) {
        Some(names) => names,
        None => return Vec::new(),
    };
    let mut reached = vec![subject.clone()];
    for name in names {
        reached = reached.into_iter().map(|value| value[&name].clone()).flat_map(each).collect();
    }
    reached.into_iter().flat_map(each).filter(|value| !value.is_null()).collect()
}

fn each(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        one => vec![one],
    }
}

/// The keys that lead from the subject to a path's values, or nothing if no schema defines it.
fn steps(path: &AttributePath<'_>, element_of: Option<&Attribute>) -> Option<Vec<String>> {
    if let Some(parent) = element_of {
        if !parent.is_complex() {
            return path.as_str().eq_ignore_ascii_case("value").then(Vec::new);
        }
        let part = parent
            .sub_attributes
            .iter()
            .find(|part| part.name.eq_ignore_ascii_case(path.as_str()))?;
        return Some(vec![part.name.clone()]);
    }
    let mut keys = Vec::new();
    let attributes = match path.uri() {
        None => everything().core_attributes().cloned().collect::<Vec<_>>(),
        Some(uri) if uri == everything().schema().id() => {
            everything().core_attributes().cloned().collect()
        }
        Some(uri) => {
            let extension = everything().extension(uri)?.schema.clone();
            keys.push(extension.id().to_owned());
            extension.attributes().to_vec()
        }
    };
    let attribute = attributes.iter().find(|a| a.name.eq_ignore_ascii_case(path.name()))?;
    keys.push(attribute.name.clone());
    match path.sub_attribute() {
        None => {}
        Some(name) if attribute.is_complex() => {
            let part = attribute
                .sub_attributes
                .iter()
                .find(|part| part.name.eq_ignore_ascii_case(name))?;
            keys.push(part.name.clone());
        }
        // RFC 7643 §2.4: the value of a multi-valued attribute that is not complex.
        Some(name) if attribute.multi_valued && name.eq_ignore_ascii_case("value") => {}
        Some(_) => return None,
    }
    Some(keys)
}

fn attribute_of(path: &AttributePath<'_>, element_of: Option<&Attribute>) -> Option<Attribute> {
    let names = steps(path, element_of)?;
    if let Some(parent) = element_of {
        return match names.first() {
            Some(name) => parent
                .sub_attributes
                .iter()
                .find(|part| part.name == *name)
                .map(|part| part.as_ref().clone()),
            None => Some(Attribute { multi_valued: false, ..parent.clone() }),
        };
    }
    let found = everything().attribute(path.as_str())?;
    Some(found.leaf().as_ref().clone())
}

const TEXTS: [&str; 12] =
    ["", "a", "A", "ab", "AB", "b", "straße", "STRASSE", "\u{e9}", "e\u{301}", "É", "İ"];
const INSTANTS: [&str; 5] = [
    "2011-05-13T04:42:34Z",
    "2011-05-13T06:42:34+02:00",
    "2011-05-13T04:42:34.000001Z",
    "2011-05-13T04:42:35",
    "1969-12-31T23:59:59.5Z",
];

fn text() -> impl Strategy<Value = Value> {
    prop::sample::select(&TEXTS[..]).prop_map(Value::from)
}

fn integer() -> impl Strategy<Value = Value> {
    (-2_i64..3).prop_map(Value::from)
}

fn decimal() -> impl Strategy<Value = Value> {
    prop_oneof![integer(), (-4_i32..5).prop_map(|n| Value::from(f64::from(n) / 2.0))]
}

fn instant() -> impl Strategy<Value = Value> {
    prop::sample::select(&INSTANTS[..]).prop_map(Value::from)
}

fn object<const N: usize>(
    parts: [(&'static str, BoxedStrategy<Value>); N],
) -> BoxedStrategy<Value> {
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(name, value)| option::of(value).prop_map(move |value| (name, value)).boxed())
        .collect();
    parts
        .prop_map(|parts| {
            let present =
                parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(present.collect())
        })
        .boxed()
}

fn list(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    vec(element, 0..3).prop_map(Value::from).boxed()
}

/// Resources of the type, in canonical JSON.
pub(crate) fn resources() -> impl Strategy<Value = Map<String, Value>> {
    let boolean = || any::<bool>().prop_map(Value::from).boxed();
    let texts = || list(text().boxed());
    object([
        ("id", text().boxed()),
        ("schemas", texts()),
        ("meta", object([("created", instant().boxed()), ("resourceType", text().boxed())])),
        ("text", text().boxed()),
        ("exact", text().boxed()),
        ("flag", boolean()),
        ("count", integer().boxed()),
        ("amount", decimal().boxed()),
        ("at", instant().boxed()),
        ("blob", text().boxed()),
        ("link", text().boxed()),
        ("tags", texts()),
        ("counts", list(integer().boxed())),
        ("single", object([("text", text().boxed()), ("count", integer().boxed())])),
        ("boss", object([("value", text().boxed()), ("text", text().boxed())])),
        (
            "items",
            list(object([
                ("value", text().boxed()),
                ("exact", text().boxed()),
                ("flag", boolean()),
                ("primary", boolean()),
                ("at", instant().boxed()),
                ("tags", texts()),
            ])),
        ),
        (
            "urn:example:scim:schemas:extension:2.0:More",
            object([("text", text().boxed()), ("boss", object([("value", text().boxed())]))]),
        ),
    ])
    .prop_map(|resource| resource.as_object().unwrap().clone())
}

const PATHS: [&str; 39] = [
    "id",
    "schemas",
    "meta.created",
    "META.resourceType",
    "meta",
    "text",
    "TEXT",
    "exact",
    "flag",
    "count",
    "amount",
    "at",
    "blob",
    "link",
    "tags",
    "tags.value",
    "counts",
    "single",
    "single.text",
    "single.COUNT",
    "boss",
    "boss.value",
    "items",
    "items.value",
    "items.exact",
    "items.flag",
    "items.primary",
    "items.at",
    "items.tags",
    "urn:example:scim:schemas:Everything:text",
    "urn:example:scim:schemas:Everything:items.flag",
    "urn:example:scim:schemas:extension:2.0:More:text",
    "urn:example:scim:schemas:extension:2.0:More:boss",
    "urn:example:scim:schemas:extension:2.0:More:boss.value",
    "urn:example:scim:schemas:extension:2.0:More:nope",
    "urn:example:nope:text",
    "nope",
    "nope.nope",
    "text.nope",
];
const PARTS: [&str; 10] =
    ["value", "exact", "flag", "primary", "at", "tags", "text", "count", "VALUE", "items.flag"];

fn path(paths: &'static [&'static str]) -> impl Strategy<Value = AttributePath<'static>> {
    prop::sample::select(paths).prop_map(|path| AttributePath::parse(path).unwrap())
}

fn literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        8 => prop::sample::select(&TEXTS[..]).prop_map(Literal::from),
        3 => prop::sample::select(&INSTANTS[..]).prop_map(Literal::from),
        2 => (-2_i64..3).prop_map(Literal::from),
        2 => (-4_i32..5).prop_map(|n| Literal::Decimal(f64::from(n) / 2.0)),
        2 => any::<bool>().prop_map(Literal::from),
        1 => Just(Literal::Null),
    ]
}

fn terms(paths: &'static [&'static str]) -> BoxedStrategy<Filter<'static>> {
    let operator = prop_oneof![
        Just(Operator::Equal),
        Just(Operator::NotEqual),
        prop::sample::select(&Operator::ALL[..])
    ];
    prop_oneof![
        1 => path(paths).prop_map(Filter::Present),
        4 => (path(paths), operator, literal())
            .prop_map(|(path, operator, value)| Filter::Comparison(Comparison::new(path, operator, value))),
    ]
    .boxed()
}

fn chains(terms: BoxedStrategy<Filter<'static>>) -> BoxedStrategy<Filter<'static>> {
    terms
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 2..4).prop_map(Filter::And),
                vec(inner.clone(), 2..4).prop_map(Filter::Or),
                inner.prop_map(|inner| Filter::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

/// Filters over the type; some have to be refused.
pub(crate) fn filters() -> BoxedStrategy<Filter<'static>> {
    let brackets = (path(&PATHS), chains(terms(&PARTS)))
        .prop_map(|(path, filter)| Filter::ValuePath(ValuePath { path, filter: Box::new(filter) }));
    chains(prop_oneof![3 => terms(&PATHS), 1 => brackets].boxed())
}

/// Terms over the type, to build chains of that are not often refused.
pub(crate) fn single_terms() -> BoxedStrategy<Filter<'static>> {
    terms(&PATHS)
}
