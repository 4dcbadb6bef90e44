//! What of a filter an index answers.

use scim_core::{AttributeRef, DateTime};
use scim_filter::sql::{Condition, Mapping, Narrowed};
use scim_filter::{Expression, Operator, Subject, Test};

use crate::key::Key;
use crate::layout::{TypeLayout, ValueTable};

/// How many terms a statement may have that are not look-ups. Databases bound the text of a
/// statement, and the longer it is, the longer preparing it takes; the evaluator does not mind.
const MAX_TERMS: usize = 256;

/// How many look-ups a statement has at most: those that tend to select few. Each further one is work
/// for the planner, and hardly ever makes them fewer.
const MAX_LOOKUPS: usize = 4;

/// The resources of one type that a filter may select, as far as indexes and SQL tell.
#[derive(Debug, PartialEq)]
pub struct Lookup {
    /// All of these hold; the one that selects fewest comes first.
    pub terms: Vec<Term>,
    /// What SQL tells of each resource that the terms select, if they are not the filter.
    pub condition: Option<Condition>,
    /// What has to be evaluated for what meets both.
    pub remainder: Option<Expression>,
    /// Whether nothing can meet the filter.
    pub is_empty: bool,
}

/// A comparison that an index answers. In the order in which indexes tend to select few.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// The id.
    Id(String),
    /// A value that must be unique: the key of the attribute, and the value.
    Unique(i64, Key),
    /// The `externalId`.
    ExternalId(Key),
    /// A value that is indexed otherwise: the key of the attribute, and the value.
    Indexed(i64, Key),
    /// The `displayName`.
    DisplayName(Key),
    /// The group has this member.
    HasMember(String),
    /// The resource is a member of this group.
    MemberOf(String),
    /// Last modified between these instants in microseconds, which are within.
    Modified(i64, i64),
    /// Whether it is active.
    Active(Key),
}

impl Lookup {
    /// All resources of a type.
    pub const ALL: Self =
        Self { terms: Vec::new(), condition: None, remainder: None, is_empty: false };

    /// What `mapping` gives of `layout` is asked where no index answers.
    pub fn new(
        layout: &TypeLayout,
        expression: &Expression,
        mapping: impl FnOnce() -> Mapping,
    ) -> Self {
        let conjuncts = match expression {
            Expression::Constant(holds) => return Self { is_empty: !holds, ..Self::ALL },
            Expression::And(terms) => terms.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut lookup = Self::ALL;
        let (mut found, mut left, mut range) = (Vec::new(), Vec::new(), None);
        for conjunct in conjuncts {
            match term(layout, conjunct) {
                // One range of all, so that both its ends are looked up.
                Some((Term::Modified(from, to), _)) => {
                    let (first, last): (i64, i64) = range.unwrap_or((from, to));
                    range = Some((first.max(from), last.min(to)));
                }
                Some((term, is_exact)) => found.push((term, is_exact, conjunct)),
                None => left.push(conjunct.clone()),
            }
        }
        found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for (term, is_exact, conjunct) in found {
            let is_new = lookup.terms.last() != Some(&term);
            let is_kept = is_new && lookup.terms.len() < MAX_LOOKUPS;
            // What is asked for already is known to hold.
            if !is_exact || is_new && !is_kept {
                left.push(conjunct.clone());
            }
            if is_kept {
                lookup.terms.push(term);
            }
        }
        if let Some((from, to)) = range {
            lookup.terms.push(Term::Modified(from, to));
            lookup.terms.sort();
        }
        if left.is_empty() {
            return lookup;
        }
        let left = Expression::And(left);
        let Narrowed { condition, remainder } = if left.terms() > MAX_TERMS {
            Narrowed { condition: None, remainder: Some(left) }
        } else {
            mapping().narrow(&left, 0)
        };
        lookup.condition = condition;
        lookup.remainder = remainder;
        lookup
    }

    /// Whether what the terms select is what the filter selects, so that it need not be looked at.
    pub fn is_exact(&self) -> bool {
        self.condition.is_none() && self.remainder.is_none()
    }

    /// Whether no index narrows it down.
    pub fn is_all(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it selects one resource at most.
    pub fn is_point(&self) -> bool {
        self.is_empty || matches!(self.terms.first(), Some(Term::Id(_) | Term::Unique(..)))
    }
}

/// The term that an expression is, or one that holds wherever it holds; whether it is the former.
fn term(layout: &TypeLayout, expression: &Expression) -> Option<(Term, bool)> {
    match expression {
        Expression::Compare(Subject::Attribute(attribute), test) => {
            let term = modified(attribute, test).or_else(|| equality(layout, attribute, test));
            Some((term?, true))
        }
        Expression::Elements(attribute, inner) => match &**inner {
            Expression::And(terms) => {
                let narrow = |inner| term_of_element(layout, attribute, inner);
                Some((terms.iter().find_map(narrow)?, false))
            }
            single => Some((term_of_element(layout, attribute, single)?, true)),
        },
        _ => None,
    }
}

fn term_of_element(
    layout: &TypeLayout,
    parent: &AttributeRef,
    expression: &Expression,
) -> Option<Term> {
    match expression {
        Expression::Compare(Subject::Attribute(attribute), test) => {
            equality(layout, attribute, test)
        }
        Expression::Compare(Subject::Element, test) => equality(layout, parent, test),
        _ => None,
    }
}

/// The instants that a comparison of `meta.lastModified` admits. They are kept as they are shown,
/// in whole microseconds.
fn modified(attribute: &AttributeRef, test: &Test) -> Option<Term> {
    let Test::Instant { operator, operand } = test else { return None };
    let is_meta = attribute.extension().is_none()
        && attribute.attribute().name == "meta"
        && attribute.sub_attribute().is_some_and(|sub| sub.name == "lastModified");
    if !is_meta {
        return None;
    }
    let (first, last) = (DateTime::MIN.as_micros(), DateTime::MAX.as_micros());
    let at = operand.as_micros();
    let (from, to) = match operator {
        Operator::Equal => (at, at),
        Operator::GreaterThan => (at + 1, last),
        Operator::GreaterOrEqual => (at, last),
        Operator::LessThan => (first, at - 1),
        Operator::LessOrEqual => (first, at),
        _ => return None,
    };
    Some(Term::Modified(from, to))
}

fn equality(layout: &TypeLayout, attribute: &AttributeRef, test: &Test) -> Option<Term> {
    let operand = operand(test)?;
    let columns = &layout.columns;
    let is = |column: &Option<AttributeRef>| column.as_ref() == Some(attribute);
    if is(&columns.external_id) {
        return Some(Term::ExternalId(operand));
    }
    if let Some((table, key)) = layout.valued(attribute) {
        return Some(match table {
            ValueTable::Unique => Term::Unique(key, operand),
            ValueTable::Indexed => Term::Indexed(key, operand),
        });
    }
    if is(&columns.display_name) {
        return Some(Term::DisplayName(operand));
    }
    if is(&columns.active) {
        return Some(Term::Active(operand));
    }
    // What is outside the document is compared as it is.
    if attribute.extension().is_some() || !attribute.leaf().compares_exactly() {
        return None;
    }
    let resource_type = &layout.resource_type;
    let sub_attribute = attribute.sub_attribute().map(|sub| sub.name.as_str());
    match (attribute.attribute().name.as_str(), sub_attribute) {
        ("id", None) => Some(Term::Id(operand.into_text()?)),
        ("members", Some("value")) if resource_type.has_members() => {
            Some(Term::HasMember(operand.into_text()?))
        }
        ("groups", Some("value")) if resource_type.has_groups() => {
            Some(Term::MemberOf(operand.into_text()?))
        }
        _ => None,
    }
}

/// The key that values have which meet the test, if it is `eq`.
fn operand(test: &Test) -> Option<Key> {
    const EQUAL: Operator = Operator::Equal;
    match test {
        Test::Text { operator: EQUAL, operand, .. } => Some(Key::Text(operand.to_string())),
        Test::Boolean { is_negated: false, operand } => Some(Key::Integer((*operand).into())),
        Test::Integer { operator: EQUAL, operand } => Some(Key::Integer(*operand)),
        Test::Decimal { operator: EQUAL, operand } => Some(Key::real(*operand)),
        Test::Instant { operator: EQUAL, operand } => Some(Key::Integer(operand.as_micros())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scim_core::{Profile, Registry, ResourceType};
    use scim_filter::{Limits, ResolvedFilter};

    use super::*;
    use crate::{Indexing, Layout, Name, mapping};
    use scim_filter::sql::Dialect;

    fn lookup(text: &str) -> Lookup {
        let layout = Layout::new(&Registry::builtin(), &Indexing::default(), |_: Name, _: &str| {
            Ok::<_, crate::AttributeError>(1)
        });
        let layout = layout.unwrap();
        let user = ResourceType::user();
        let filter =
            ResolvedFilter::parse(text, &user, &Profile::STRICT, &Limits::default()).unwrap();
        let layout = layout.of(&user).unwrap();
        let mapping = || {
            let mapping = mapping(layout, Dialect::Sqlite).document("d.text");
            mapping.fold_function("fold").instant_function("instant")
        };
        Lookup::new(layout, filter.expression(), mapping)
    }

    #[test]
    fn two_ends_are_one_range() {
        let lookup = lookup(
            "meta.lastModified gt \"1970-01-01T00:00:01Z\" and \
             meta.lastModified lt \"1970-01-01T00:00:03Z\" and \
             meta.lastModified ge \"1970-01-01T00:00:01Z\"",
        );
        assert_eq!(lookup.terms, [Term::Modified(1_000_001, 2_999_999)]);
        assert!(lookup.is_exact());
    }

    #[test]
    fn of_very_many_look_ups_the_best_few_are_done() {
        let many: Vec<String> = (0..2_000).map(|n| format!("emails.value eq \"{n}\"")).collect();
        let lookup = lookup(&format!("{} and userName eq \"x\"", many.join(" and ")));
        assert_eq!(lookup.terms.len(), MAX_LOOKUPS);
        assert!(matches!(lookup.terms[0], Term::Unique(..)), "{:?}", lookup.terms);
        assert!(lookup.condition.is_none() && lookup.remainder.is_some());
    }

    #[test]
    fn what_is_asked_twice_is_looked_up_once() {
        let lookup = lookup("userName eq \"x\" and userName eq \"X\"");
        assert_eq!(lookup.terms.len(), 1);
        assert!(lookup.is_exact());
    }

    #[test]
    fn what_sql_tells_is_not_evaluated() {
        for text in [
            "emails[type eq \"work\" and value eq \"x\"]",
            "title co \"X\" or not (name.familyName sw \"y\")",
            "userName ge \"b\" and groups.value ne \"g\"",
            "meta.created lt \"2026-01-01T00:00:00Z\" and active ne true",
        ] {
            let lookup = lookup(text);
            assert!(lookup.condition.is_some(), "{text}");
            assert_eq!(lookup.remainder, None, "{text}");
        }
        for text in [
            "groups.display eq \"g\"",
            "meta.version pr",
            "schemas co \"urn\"",
            "title pr and meta.created sw \"2026\"",
        ] {
            assert!(lookup(text).remainder.is_some(), "{text}");
        }
    }

    #[test]
    fn a_filter_of_very_many_terms_is_evaluated() {
        for (terms, is_in_sql) in [(MAX_TERMS, true), (MAX_TERMS + 1, false)] {
            let text = vec!["emails.type ne \"x\""; terms].join(" or ");
            let lookup = lookup(&text);
            assert_eq!(
                (lookup.condition.is_some(), lookup.remainder.is_none()),
                (is_in_sql, is_in_sql)
            );
        }
    }
}
