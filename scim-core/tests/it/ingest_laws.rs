//! Ingest makes canonical: what it gives, it gives again. Over generated bodies with names in odd
//! case, nulls, quirks and values of the wrong shape.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scim_core::{
    Attribute, AttributeType, Group, Ingest, Origin, Profile, Quirk, Resource, ResourceType, User,
    Validation,
};
use serde_json::{Map, Value, json};

use crate::choices::Choices;
use crate::device;

impl Choices {
    /// Something of any shape.
    fn anything(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 10 }) {
            0 => Value::Null,
            1 => json!(""),
            2 => json!("True"),
            3 => json!(self.below(200)),
            4 => json!(self.below(200) as f64 / 7.0),
            5 => json!(self.one_in(2)),
            6 => json!("2020-02-29T12:00:00+01:00"),
            7 => json!(r#"{"value": "{\"value\": \"x\"}", "displayName": "d"}"#),
            8 => (0..self.below(3)).map(|_| self.anything(depth - 1)).collect(),
            _ => {
                let keys = ["value", "type", "primary", "$ref", "other", "Display"];
                (0..self.below(4))
                    .map(|_| (keys[self.below(keys.len())].to_owned(), self.anything(depth - 1)))
                    .collect()
            }
        }
    }

    fn single(&mut self, attribute: &Attribute) -> Value {
        match attribute.attribute_type {
            AttributeType::Boolean if self.one_in(3) => json!("FALSE"),
            AttributeType::Boolean => json!(self.one_in(2)),
            AttributeType::Decimal => {
                json!(
                    [1.0, -0.0, 0.1, 1e-7, 123_456.789, 5e-324, 0.3333333333333333][self.below(7)]
                )
            }
            AttributeType::Integer => json!([0, -1, i64::MAX, i64::MIN][self.below(4)]),
            AttributeType::DateTime => json!("2020-02-29T12:00:00.123456789+01:00"),
            AttributeType::Binary => json!("aGVsbG8="),
            AttributeType::String | AttributeType::Reference => match self.below(6) {
                0 => json!(""),
                1 => json!(r#"{"value": "{\"value\": \"x\"}", "displayName": "d", "id": 1}"#),
                2 => json!("https://example.com/v2/Users/17"),
                _ => json!(format!("text {}", self.below(5))),
            },
            AttributeType::Complex if self.one_in(6) => json!("bare"),
            AttributeType::Complex => {
                let mut parts = Map::new();
                for sub in &attribute.sub_attributes {
                    if sub.required || self.one_in(2) {
                        parts.insert(self.in_odd_case(&sub.name), self.value(sub));
                    }
                }
                parts.into()
            }
        }
    }

    fn value(&mut self, attribute: &Attribute) -> Value {
        match (self.below(24), attribute.multi_valued) {
            (0, _) => Value::Null,
            (1, _) => self.anything(3),
            (2, false) => json!([self.single(attribute)]),
            (2, true) | (_, false) => self.single(attribute),
            (_, true) => (0..self.below(3)).map(|_| self.single(attribute)).collect(),
        }
    }

    fn object<'t>(
        &mut self,
        attributes: impl Iterator<Item = &'t Arc<Attribute>>,
    ) -> Vec<(String, Value)> {
        let mut members = Vec::new();
        for attribute in attributes {
            if !attribute.required && !self.one_in(3) {
                continue;
            }
            let dotted = attribute.is_complex() && !attribute.multi_valued && self.one_in(3);
            if dotted {
                for sub in &attribute.sub_attributes {
                    let key = format!("{}.{}", attribute.name, sub.name);
                    members.push((self.in_odd_case(&key), self.value(sub)));
                }
            }
            if !dotted || self.one_in(3) {
                members.push((self.in_odd_case(&attribute.name), self.value(attribute)));
            }
        }
        members
    }

    fn body(&mut self, resource_type: &ResourceType) -> Value {
        let core = resource_type.schema().id();
        let urn = |choices: &mut Self, id: &str, (name, value): (String, Value)| {
            let name = if choices.one_in(6) { format!("{id}:{name}") } else { name };
            (name, value)
        };
        let members = self.object(resource_type.core_attributes().skip(1));
        let mut body: Map<String, Value> =
            members.into_iter().map(|member| urn(self, core, member)).collect();
        for extension in resource_type.extensions() {
            let id = extension.schema.id();
            let members = self.object(extension.schema.attributes().iter());
            match self.below(4) {
                0 => {}
                1 => body.extend(members),
                2 => body.extend(members.into_iter().map(|(n, v)| (format!("{id}:{n}"), v))),
                _ => {
                    let object = Value::Object(members.into_iter().collect());
                    body.insert(self.in_odd_case(id), object);
                }
            }
        }
        if self.one_in(8) {
            body.insert("unknown".to_owned(), self.anything(3));
        }
        if !self.one_in(12) {
            body.insert(self.in_odd_case("schemas"), json!([core]));
        }
        Value::Object(body)
    }
}

fn resource_types() -> [Arc<ResourceType>; 3] {
    [ResourceType::user(), ResourceType::group(), device::resource_type()]
}

fn profiles() -> Vec<Profile> {
    let mut profiles = vec![
        Profile::STRICT,
        Profile::INTEROP,
        Profile::INTEROP.validating(Validation::UnknownAttributes),
        Profile::INTEROP.validating(Validation::CanonicalValues),
    ];
    profiles.extend(Quirk::ALL.map(|quirk| Profile::INTEROP.without(quirk)));
    profiles
}

const ORIGINS: [Origin; 3] = [Origin::Request, Origin::Patch, Origin::Representation];

/// Ingests a body, and what it gives, under every profile and origin; how often it was taken.
fn check(resource_type: &Arc<ResourceType>, body: &Value) -> Result<(usize, usize), TestCaseError> {
    let text = body.to_string();
    let (mut taken, mut refused) = (0, 0);
    for profile in profiles() {
        for origin in ORIGINS {
            let ingest =
                |text: &str| Ingest::new(resource_type, &profile, origin).resource(text.as_bytes());
            let Ok(resource) = ingest(&text) else {
                refused += 1;
                continue;
            };
            taken += 1;
            let again = Value::from(resource.to_json()).to_string();
            match ingest(&again) {
                Ok(same) => prop_assert_eq!(&same, &resource, "{:?} {}", origin, text),
                Err(error) => prop_assert!(false, "{error}: {text} became {again}"),
            }
            // What is canonical needs no quirk; formats are another matter.
            let strict = Profile::STRICT
                .not_validating(Validation::Countries)
                .not_validating(Validation::Certificates)
                .not_validating(Validation::References);
            let mut strict = Ingest::new(resource_type, &strict, origin);
            prop_assert_eq!(&strict.resource(again.as_bytes()).unwrap(), &resource);
            // The stored document gives the same attributes, but for what is kept apart from it.
            let document = resource.to_document_text();
            let mut kept = resource.attributes().clone();
            if resource_type.has_members() {
                kept.remove("members");
            }
            if resource_type.has_groups() {
                kept.remove("groups");
            }
            let stored = serde_json::from_str(&document).unwrap();
            let stored = Resource::from_canonical(Arc::clone(resource_type), stored);
            prop_assert_eq!(stored.attributes(), &kept);
            check_typed(resource_type, &resource)?;
        }
    }
    Ok((taken, refused))
}

/// The typed views hold all of a built-in resource.
fn check_typed(
    resource_type: &Arc<ResourceType>,
    resource: &Resource,
) -> Result<(), TestCaseError> {
    // Typed views have no difference between an absent name and an empty one.
    let named = |name: &str| resource.get(name) != Some(&json!(""));
    if resource_type.has_groups() && named("userName") {
        let user = User::from_resource(resource).unwrap();
        prop_assert_eq!(&user.to_resource().unwrap(), resource);
    }
    if resource_type.has_members() && named("displayName") {
        let group = Group::from_resource(resource).unwrap();
        prop_assert_eq!(&group.to_resource().unwrap(), resource);
    }
    Ok(())
}

#[test]
fn ingest_is_idempotent() {
    let mut runner =
        TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    let counts = std::cell::Cell::new((0, 0));
    let strategy = (0..3_usize, prop::collection::vec(any::<u8>(), 300));
    runner
        .run(&strategy, |(index, bytes)| {
            let resource_type = &resource_types()[index];
            let body = Choices::new(bytes).body(resource_type);
            let (taken, refused) = check(resource_type, &body)?;
            let (all_taken, all_refused) = counts.get();
            counts.set((all_taken + taken, all_refused + refused));
            Ok(())
        })
        .unwrap();
    let (taken, refused) = counts.get();
    // The law would be empty if nothing, or nothing odd, were generated.
    assert!(taken > 2_000 && refused > 2_000, "{taken} taken, {refused} refused");
}

proptest! {
    /// Any JSON at all is taken or refused, and if taken then once and for all.
    #[test]
    fn any_body_is_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 64)) {
        let body = Choices::new(bytes).anything(4);
        for resource_type in resource_types() {
            check(&resource_type, &body)?;
        }
    }
}
