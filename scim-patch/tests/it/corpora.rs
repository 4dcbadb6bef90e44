//! The PATCH cases of three other implementations' test suites, read from the corpus folder.
//!
//! The suites know no schemas, or parts of resources only. Each case is mapped onto a resource type:
//! the built-in User with a further extension, or one whose schema is made of the case's own
//! documents. Each verdict is ours by the RFC under [`Profile::INTEROP`]; where it is not the
//! suite's, it stands in a table with its reason. Then each case under [`Profile::STRICT`] and every
//! preset: where two of them disagree, it stands in a second table with the quirks that make the
//! difference, and a profile gives what `STRICT` gives with those of these quirks that it has. A row
//! that is no longer true fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scim_core::{
    Ingest, Origin, Profile, Quirk, Quirks, Registry, ResourceType, ScimError, ScimType,
    schema::USER_URN,
};
use serde_json::{Map, Value, json};

use crate::corpus;
use crate::patching::{ENTERPRISE, message, planned};

/// Ours is right and the suite's is not, or is not what SCIM provides for.
struct Difference {
    case: usize,
    reason: &'static str,
}

const fn differs(case: usize, reason: &'static str) -> Difference {
    Difference { case, reason }
}

/// What the letter of the RFC gives, and the quirks by which profiles give something else.
struct Bent {
    cases: &'static [usize],
    strict: Verdict,
    quirks: &'static [Quirk],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Refused(ScimType),
    Unchanged,
    Otherwise,
}

struct Suite<'s> {
    file: &'static str,
    cases: usize,
    resource_type: fn(&Case) -> Arc<ResourceType>,
    differences: &'s [Difference],
    bent: &'s [Bent],
}

struct Case {
    before: Map<String, Value>,
    operations: Value,
    expected: Expected,
}

enum Expected {
    /// The document afterwards and, where the suite says so, whether it changed.
    Patched { after: Map<String, Value>, changed: Option<bool> },
    /// An error and, where the suite names it, its `scimType`.
    Refused(Option<String>),
}

impl Expected {
    fn document(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Patched { after, .. } => Some(after),
            Self::Refused(_) => None,
        }
    }
}

const LEFT_UNCHANGED: &str = "RFC 7644 §3.5.2.3: sub-attributes of a complex attribute that are not \
     specified are left unchanged; the suite drops them";
const ONE_VALUE: &str = "one value given for a multi-valued attribute is a value of its array \
     (errata.md P4); the suite's author marks its outcome, a bare string, as wrong";
const WHOLE_DOCUMENT: &str = "RFC 7644 §3.5.2.3: a value without path holds the attributes to be \
     replaced, and the others stay; the suite replaces the whole document";

#[test]
fn ivixvi() {
    Suite {
        file: "corpus/patch-ivixvi.json",
        cases: 111,
        resource_type: |_| user_with_an_extension_of_strings(),
        differences: &[
            differs(24, LEFT_UNCHANGED),
            differs(28, LEFT_UNCHANGED),
            differs(57, ONE_VALUE),
            differs(58, ONE_VALUE),
            differs(59, ONE_VALUE),
            differs(77, "a manager without `value` refers to nobody: the rest of it goes too"),
            differs(
                86,
                "RFC 7644 §3.5.2.2: the values matched by the filter are removed; the suite's \
                 author marks its outcome, that all are, as wrong",
            ),
            differs(
                104,
                "no match: `noTarget` by RFC 7644 §3.5.2.3, made by the quirk; never a silent \
                 success",
            ),
            differs(105, ONE_VALUE),
            differs(106, ONE_VALUE),
            differs(107, ONE_VALUE),
        ],
        bent: &[
            Bent { cases: &[8, 25, 26], strict: Verdict::Unchanged, quirks: &[Quirk::DottedKeys] },
            Bent {
                cases: &[56, 104],
                strict: Verdict::Refused(ScimType::NoTarget),
                quirks: &[Quirk::ValueFilterCreates],
            },
        ],
    }
    .run();
}

#[test]
fn scimmy() {
    Suite {
        file: "corpus/patch-scimmy.json",
        cases: 18,
        resource_type: made_of_the_case,
        differences: &[
            differs(
                7,
                "null says that nothing is said (RFC 7643 §2.5), so both elements of that `value` \
                 are named",
            ),
            differs(13, LEFT_UNCHANGED),
        ],
        bent: &[
            Bent {
                cases: &[3],
                strict: Verdict::Refused(ScimType::InvalidFilter),
                quirks: &[Quirk::UnquotedFilterValues],
            },
            Bent {
                cases: &[5, 7, 9],
                strict: Verdict::Refused(ScimType::InvalidSyntax),
                quirks: &[Quirk::RemoveWithValue],
            },
            Bent {
                cases: &[11],
                strict: Verdict::Refused(ScimType::InvalidSyntax),
                quirks: &[Quirk::OperationCase, Quirk::UnquotedFilterValues],
            },
            Bent {
                cases: &[15],
                strict: Verdict::Refused(ScimType::NoTarget),
                quirks: &[Quirk::ValueFilterCreates],
            },
        ],
    }
    .run();
}

#[test]
fn ssoready() {
    Suite {
        file: "corpus/patch-ssoready.json",
        cases: 45,
        resource_type: made_of_the_case,
        differences: &[
            differs(0, WHOLE_DOCUMENT),
            differs(
                5,
                "RFC 7643 §2.3.8: a sub-attribute is not complex, so an object does not fit it",
            ),
            differs(10, "RFC 7644 §3.5.2.1: `add` without path adds attributes to the resource"),
            differs(12, WHOLE_DOCUMENT),
            differs(
                36,
                "a text is not an operand for a number: literals are JSON (RFC 7644 §3.4.2.2)",
            ),
            differs(
                43,
                "an object without attributes replaces none: a success without change (as for a \
                 complex attribute, RFC 7644 §3.5.2.3)",
            ),
        ],
        bent: &[
            // The suite writes `Replace` and `Add`.
            Bent {
                cases: &[
                    12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
                    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                ],
                strict: Verdict::Refused(ScimType::InvalidSyntax),
                quirks: &[Quirk::OperationCase],
            },
            Bent {
                cases: &[44],
                strict: Verdict::Refused(ScimType::InvalidSyntax),
                quirks: &[Quirk::OperationCase, Quirk::ValueFilterCreates],
            },
        ],
    }
    .run();
}

impl Suite<'_> {
    fn run(&self) {
        let Some(text) = corpus::read(self.file, self.file) else { return };
        let corpus: Value = serde_json::from_str(&text).expect("the corpus is JSON");
        let cases = corpus["cases"].as_array().expect("cases");
        assert_eq!(cases.len(), self.cases, "{}: the tables name cases by position", self.file);

        let mut reasons: BTreeMap<usize, &str> =
            self.differences.iter().map(|d| (d.case, d.reason)).collect();
        assert_eq!(reasons.len(), self.differences.len(), "a case stands in the table twice");
        let mut rows: BTreeMap<usize, &Bent> =
            self.bent.iter().flat_map(|row| row.cases.iter().map(move |c| (*c, row))).collect();
        let (mut agreeing, mut bent, mut faults) = (0, 0, Vec::new());
        for (index, case) in cases.iter().enumerate() {
            let case = Case::read(case);
            let resource_type = (self.resource_type)(&case);
            let ours = case.outcome(&resource_type, &Profile::INTEROP).0;
            match (case.agrees(&resource_type, &ours), reasons.remove(&index)) {
                (true, None) => agreeing += 1,
                (false, Some(_)) => {}
                (true, Some(reason)) => faults.push(format!("{index}: stale row: {reason}")),
                (false, None) => faults.push(format!("{index}: unexplained: {ours:?}")),
            }
            let row = rows.remove(&index);
            let fault = row.and_then(|row| row.fault(&case, &resource_type));
            faults.extend(fault.map(|fault| format!("{index}: row of quirks: {fault}")));
            let quirks = row.map(|row| row.quirks).unwrap_or_default();
            for profile in Profile::PRESETS {
                match case.bends(&resource_type, &profile, quirks) {
                    Ok(differs) => bent += usize::from(differs),
                    Err(fault) => faults.push(format!("{index}: {}: {fault}", profile.name())),
                }
            }
        }
        faults.extend(reasons.keys().map(|case| format!("{case}: a row without a case")));
        faults.extend(rows.keys().map(|case| format!("{case}: a row of quirks without a case")));
        assert!(faults.is_empty(), "{}:\n{}", self.file, faults.join("\n"));
        assert_eq!(agreeing + self.differences.len(), self.cases);
        println!(
            "{}: {agreeing} agree, {} differ with reason; {bent} of {} outcomes of profiles differ \
             from the strict one, by named quirks",
            self.file,
            self.differences.len(),
            cases.len() * Profile::PRESETS.len(),
        );
    }
}

/// `STRICT` with these quirks.
fn strict_with(quirks: impl IntoIterator<Item = Quirk>) -> Profile {
    quirks.into_iter().fold(Profile::STRICT, Profile::with)
}

impl Bent {
    /// What is wrong with the row, if something is.
    fn fault(&self, case: &Case, resource_type: &Arc<ResourceType>) -> Option<String> {
        let with = |profile| case.outcome(resource_type, &profile).0;
        let strict = match with(Profile::STRICT) {
            Outcome::Refused(scim_type) => Verdict::Refused(scim_type),
            Outcome::Patched { changed: false, .. } => Verdict::Unchanged,
            Outcome::Patched { changed: true, .. } => Verdict::Otherwise,
        };
        if strict != self.strict {
            return Some(format!("STRICT gives {strict:?}"));
        }
        let quirks = || self.quirks.iter().copied();
        let all = with(strict_with(quirks()));
        let needless =
            quirks().find(|quirk| with(strict_with(quirks().filter(|q| q != quirk))) == all);
        needless.map(|quirk| format!("{quirk} is not needed"))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Patched { after: Map<String, Value>, changed: bool },
    Refused(ScimType),
}

impl Case {
    fn read(case: &Value) -> Self {
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let expected = match case.get("error") {
            None => Expected::Patched {
                after: object(&case["after"]),
                changed: case.get("changed").and_then(Value::as_bool),
            },
            Some(error) => Expected::Refused(error["scimType"].as_str().map(str::to_owned)),
        };
        Self { before: object(&case["before"]), operations: case["ops"].clone(), expected }
    }

    /// What a profile makes of it, and the quirks that fired, as far as it came.
    fn outcome(&self, resource_type: &Arc<ResourceType>, profile: &Profile) -> (Outcome, Quirks) {
        let before = canonical(resource_type, &self.before).unwrap_or_else(|_| self.before.clone());
        let mut fired = Quirks::NONE;
        let after = planned(resource_type, &self.operations, profile).and_then(|planned| {
            let after = planned.plan.document.apply(&before);
            fired.extend(planned.fired);
            fired.extend(planned.late.fired());
            after
        });
        let outcome = match after {
            Ok(after) => {
                Outcome::Patched { changed: after.is_some(), after: after.unwrap_or(before) }
            }
            Err(error) => Outcome::Refused(error.scim_type().expect("a scimType")),
        };
        (outcome, fired)
    }

    /// Whether a profile gives something else than `STRICT`, which is to be the work of those of
    /// these quirks that it has, and of no other.
    fn bends(
        &self,
        resource_type: &Arc<ResourceType>,
        profile: &Profile,
        quirks: &[Quirk],
    ) -> Result<bool, String> {
        let of_message = message(&self.operations, profile).map_or(Quirks::NONE, |m| m.fired);
        let has = profile.for_message(of_message).quirks();
        let named: Vec<Quirk> = quirks.iter().copied().filter(|q| has.contains(*q)).collect();
        let (outcome, fired) = self.outcome(resource_type, profile);
        let by_these = self.outcome(resource_type, &strict_with(named.iter().copied())).0;
        if outcome != by_these {
            return Err(format!("not by {named:?} alone: {outcome:?}"));
        }
        if let Some(other) = fired.iter().find(|quirk| !named.contains(quirk)) {
            return Err(format!("{other} fired, which the row does not name"));
        }
        let silent = named.iter().find(|quirk| !fired.contains(**quirk));
        if let (Outcome::Patched { .. }, Some(silent)) = (&outcome, silent) {
            return Err(format!("{silent} did not fire"));
        }
        Ok(outcome != self.outcome(resource_type, &Profile::STRICT).0)
    }

    fn agrees(&self, resource_type: &Arc<ResourceType>, ours: &Outcome) -> bool {
        match (&self.expected, ours) {
            (
                Expected::Patched { after, changed: expected },
                Outcome::Patched { after: ours, changed },
            ) => {
                canonical(resource_type, after).as_ref() == Ok(ours)
                    && expected.is_none_or(|expected| expected == *changed)
            }
            (Expected::Refused(scim_type), Outcome::Refused(ours)) => {
                scim_type.as_ref().is_none_or(|scim_type| scim_type == ours.as_str())
            }
            _ => false,
        }
    }
}

/// A document in the form that stores keep.
fn canonical(
    resource_type: &Arc<ResourceType>,
    document: &Map<String, Value>,
) -> Result<Map<String, Value>, ScimError> {
    let mut document = document.clone();
    document.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    let resource = Ingest::new(resource_type, &Profile::STRICT, Origin::Representation)
        .resource_from(document)?;
    Ok(resource.into_attributes())
}

fn user_with_an_extension_of_strings() -> Arc<ResourceType> {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:ivixvi:testSchema", "attributes": [
                {"name": "testString", "multiValued": true}
            ]}"#,
        )
        .unwrap();
    let resource_type = json!({
        "name": "Person", "endpoint": "/People", "schema": USER_URN,
        "schemaExtensions": [{"schema": ENTERPRISE}, {"schema": "urn:ivixvi:testSchema"}],
    });
    registry.add_resource_type_json(&resource_type.to_string()).unwrap()
}

/// A resource type with the attributes that the case's documents have, of the types they have there.
fn made_of_the_case(case: &Case) -> Arc<ResourceType> {
    let mut documents = vec![&case.before];
    documents.extend(case.expected.document());
    let extensions: BTreeSet<&String> =
        documents.iter().flat_map(|d| d.keys()).filter(|key| key.contains(':')).collect();
    let core =
        attributes(documents.iter().flat_map(|d| d.iter()).filter(|(k, _)| !k.contains(':')));
    let mut registry = Registry::empty();
    let id = "urn:example:scim:2.0:Thing";
    registry.add_schema_json(&json!({"id": id, "attributes": core}).to_string()).unwrap();
    for urn in &extensions {
        let objects = documents.iter().filter_map(|d| d.get(*urn)?.as_object());
        let schema = json!({"id": urn, "attributes": attributes(objects.flatten())});
        registry.add_schema_json(&schema.to_string()).unwrap();
    }
    // A path may name the enterprise extension of a resource that has none of it.
    if !extensions.iter().any(|urn| *urn == ENTERPRISE) {
        let schema = json!({"id": ENTERPRISE, "attributes": [{"name": "department"}]});
        registry.add_schema_json(&schema.to_string()).unwrap();
    }
    let others = extensions.iter().map(|urn| urn.as_str()).filter(|urn| *urn != ENTERPRISE);
    let extensions: Vec<Value> =
        others.chain([ENTERPRISE]).map(|urn| json!({"schema": urn})).collect();
    let resource_type = json!({
        "name": "Thing", "endpoint": "/Things", "schema": id, "schemaExtensions": extensions,
    });
    registry.add_resource_type_json(&resource_type.to_string()).unwrap()
}

/// Definitions of attributes that have these values; where two disagree, the first counts.
fn attributes<'v>(values: impl Iterator<Item = (&'v String, &'v Value)>) -> Vec<Value> {
    let mut all: BTreeMap<&String, Vec<&Value>> = BTreeMap::new();
    for (name, value) in values.filter(|(name, _)| *name != "id") {
        all.entry(name).or_default().push(value);
    }
    all.into_iter().map(|(name, values)| attribute(name, &values)).collect()
}

fn attribute(name: &str, values: &[&Value]) -> Value {
    let multi_valued = values.iter().any(|value| value.is_array());
    let elements: Vec<&Value> = values
        .iter()
        .flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            one => vec![*one],
        })
        .filter(|value| !value.is_null())
        .collect();
    let objects: Vec<&Map<String, Value>> =
        elements.iter().filter_map(|value| value.as_object()).collect();
    let mut definition = json!({"name": name, "multiValued": multi_valued});
    if !objects.is_empty() {
        let mut parts = attributes(objects.into_iter().flatten());
        for part in &mut parts {
            // No complex sub-attribute (RFC 7643 §2.3.8).
            if part["type"] == "complex" {
                *part = json!({"name": part["name"]});
            }
        }
        definition["type"] = json!("complex");
        definition["subAttributes"] = json!(parts);
        return definition;
    }
    definition["type"] = json!(match elements.first() {
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "decimal",
        Some(Value::String(text)) if text.parse::<scim_core::DateTime>().is_ok() => "dateTime",
        _ => "string",
    });
    definition
}
