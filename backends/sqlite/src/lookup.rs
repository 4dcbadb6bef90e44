//! What of a filter an index answers, and the SQL that asks it.

use rusqlite::types::Value as SqlValue;
use scim_core::{AttributeRef, DateTime};
use scim_filter::sql::{Condition, Narrowed};
use scim_filter::{Expression, Operator, Subject, Test};

use crate::key::Key;
use crate::layout::{TypeLayout, ValueTable};
use crate::mapping::{self, DOCUMENT, mapping};

/// How many terms a statement may have that are not look-ups. SQLite bounds the text of a
/// statement, and the longer it is, the longer preparing it takes; the evaluator does not mind.
const MAX_TERMS: usize = 256;

/// The resources of one type that a filter may select, as far as indexes and SQL tell.
#[derive(Debug, PartialEq)]
pub(crate) struct Lookup {
    /// All of these hold; the one that selects fewest comes first.
    terms: Vec<Term>,
    /// What SQL tells of each resource that the terms select, if they are not the filter.
    condition: Option<Condition>,
    /// What has to be evaluated for what meets both.
    pub(crate) remainder: Option<Expression>,
    /// Whether nothing can meet the filter.
    pub(crate) is_empty: bool,
}

/// A comparison that an index answers. In the order in which indexes tend to select few.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    Id(String),
    Unique(i64, Key),
    ExternalId(Key),
    Indexed(i64, Key),
    DisplayName(Key),
    /// The group has this member.
    HasMember(String),
    /// The resource is a member of this group.
    MemberOf(String),
    /// Last modified between these instants, which are within.
    Modified(i64, i64),
    Active(Key),
}

impl Lookup {
    /// All resources of a type.
    pub(crate) const ALL: Self =
        Self { terms: Vec::new(), condition: None, remainder: None, is_empty: false };

    pub(crate) fn new(layout: &TypeLayout, expression: &Expression) -> Self {
        let conjuncts = match expression {
            Expression::Constant(holds) => return Self { is_empty: !holds, ..Self::ALL },
            Expression::And(terms) => terms.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut lookup = Self::ALL;
        let mut left = Vec::new();
        for conjunct in conjuncts {
            let found = term(layout, conjunct);
            if !matches!(found, Some((_, true))) {
                left.push(conjunct.clone());
            }
            lookup.terms.extend(found.map(|(term, _)| term));
        }
        lookup.join_ranges();
        lookup.terms.sort();
        if left.is_empty() {
            return lookup;
        }
        let left = Expression::And(left);
        let Narrowed { condition, remainder } = if left.terms() > MAX_TERMS {
            Narrowed { condition: None, remainder: Some(left) }
        } else {
            mapping(layout).narrow(&left, 0)
        };
        lookup.condition = condition;
        lookup.remainder = remainder;
        lookup
    }

    /// Makes one range of all, so that both its ends are looked up.
    fn join_ranges(&mut self) {
        let mut joined: Option<(i64, i64)> = None;
        self.terms.retain(|term| match term {
            Term::Modified(from, to) => {
                let (first, last) = joined.unwrap_or((*from, *to));
                joined = Some((first.max(*from), last.min(*to)));
                false
            }
            _ => true,
        });
        self.terms.extend(joined.map(|(from, to)| Term::Modified(from, to)));
    }

    /// Whether what the terms select is what the filter selects, so that it need not be looked at.
    pub(crate) fn is_exact(&self) -> bool {
        self.condition.is_none() && self.remainder.is_none()
    }

    /// Whether no index narrows it down.
    pub(crate) fn is_all(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it selects one resource at most.
    pub(crate) fn is_point(&self) -> bool {
        self.is_empty || matches!(self.terms.first(), Some(Term::Id(_) | Term::Unique(..)))
    }

    /// The keys of the candidates after one key, in the order of creation.
    pub(crate) fn keys(&self, tenant: i64, layout: &TypeLayout, window: Window) -> Select {
        let mut select = Select::default();
        select.keys(self, tenant, layout, window);
        select
    }

    /// The same keys, each with whether it meets what SQL can tell of the filter, in any order.
    pub(crate) fn tested(&self, tenant: i64, layout: &TypeLayout, window: Window) -> Select {
        let Some(condition) = &self.condition else {
            let mut select = self.keys(tenant, layout, window);
            select.sql = format!("SELECT c.*, TRUE FROM ({}) c", select.sql);
            return select;
        };
        // The parameters of the condition come first, as they are numbered.
        let mut select = Select::default();
        select.parameters.extend(condition.binds.iter().cloned().map(mapping::into_sql));
        select.keys(self, tenant, layout, window);
        let document = if condition.sql.contains(DOCUMENT) {
            "CROSS JOIN scim_document d ON d.resource = r.key"
        } else {
            ""
        };
        select.sql = format!(
            "WITH c (key) AS MATERIALIZED ({}) SELECT r.key, {} \
             FROM c CROSS JOIN scim_resource r ON r.key = c.key {document}",
            select.sql, condition.sql
        );
        select
    }

    /// How many candidates there are.
    pub(crate) fn count(&self, tenant: i64, layout: &TypeLayout) -> Select {
        let mut select = Select::default();
        let (_, from) = select.candidates(self, tenant, layout);
        select.sql = format!("SELECT count(*) FROM {from}");
        select
    }
}

/// Which candidates a statement is to give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) after: i64,
    pub(crate) skip: i64,
    pub(crate) limit: i64,
}

/// A statement and what is bound to its parameters.
#[derive(Debug, Default)]
pub(crate) struct Select {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<SqlValue>,
}

impl Select {
    /// Asks for the keys of candidates.
    fn keys(&mut self, lookup: &Lookup, tenant: i64, layout: &TypeLayout, window: Window) {
        let (key, from) = self.candidates(lookup, tenant, layout);
        let after = self.bind(SqlValue::Integer(window.after));
        let limit = self.bind(SqlValue::Integer(window.limit));
        let skip = self.bind(SqlValue::Integer(window.skip));
        self.sql = format!(
            "SELECT {key} FROM {from} AND {key} > {after} \
             ORDER BY {key} LIMIT {limit} OFFSET {skip}"
        );
    }

    /// The expression that is a candidate's key, and where candidates are found: FROM and WHERE.
    ///
    /// The first term decides which table is gone through; CROSS JOIN keeps SQLite to that order,
    /// and a plus sign keeps it from other indexes.
    fn candidates(
        &mut self,
        lookup: &Lookup,
        tenant: i64,
        layout: &TypeLayout,
    ) -> (&'static str, String) {
        let tenant = self.bind(SqlValue::Integer(tenant));
        let resource_type = self.bind(SqlValue::Integer(layout.key));
        let (first, others) = match lookup.terms.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, [].as_slice()),
        };
        let of_type = format!("r.tenant = {tenant} AND r.type = {resource_type}");
        let (key, mut from) = match first {
            None => ("r.key", format!("scim_resource r WHERE {of_type}")),
            Some(Term::Id(id)) => {
                let id = self.bind(SqlValue::Text(id.clone()));
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.id = {id}"))
            }
            Some(Term::ExternalId(value)) => {
                let value = self.bind(value.clone().into_sql());
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.external_id = {value}"))
            }
            Some(Term::DisplayName(value)) => {
                let value = self.bind(value.clone().into_sql());
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.display_name = {value}"))
            }
            Some(Term::Active(value)) => {
                let value = self.bind(value.clone().into_sql());
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.active = {value}"))
            }
            // Otherwise SQLite would go through the whole type, since that spares it sorting.
            Some(Term::Modified(from, to)) => {
                let (from, to) = (self.bind_instant(*from), self.bind_instant(*to));
                let from = format!(
                    "scim_resource r INDEXED BY scim_resource_by_last_modified \
                     WHERE {of_type} AND r.last_modified BETWEEN {from} AND {to}"
                );
                ("r.key", from)
            }
            Some(Term::Unique(attribute, value)) => (
                "v.resource",
                self.by_value(ValueTable::Unique, &tenant, *attribute, value, &of_type),
            ),
            Some(Term::Indexed(attribute, value)) => (
                "v.resource",
                self.by_value(ValueTable::Indexed, &tenant, *attribute, value, &of_type),
            ),
            Some(Term::HasMember(value)) => {
                let value = self.bind(SqlValue::Text(value.clone()));
                let from = format!(
                    "scim_member m CROSS JOIN scim_resource r ON r.key = m.group_key \
                     WHERE m.tenant = {tenant} AND m.value = {value} AND {of_type}"
                );
                ("m.group_key", from)
            }
            Some(Term::MemberOf(group)) => {
                let group = self.bind(SqlValue::Text(group.clone()));
                let from = format!(
                    "scim_resource g CROSS JOIN scim_member m ON m.group_key = g.key \
                     CROSS JOIN scim_resource r ON r.tenant = {tenant} AND r.id = m.value \
                     WHERE g.tenant = {tenant} AND g.id = {group} AND r.type = {resource_type}"
                );
                ("r.key", from)
            }
        };
        for term in others {
            from.push_str(" AND ");
            from.push_str(&self.condition(term, &tenant));
        }
        (key, from)
    }

    fn by_value(
        &mut self,
        table: ValueTable,
        tenant: &str,
        attribute: i64,
        value: &Key,
        of_type: &str,
    ) -> String {
        let attribute = self.bind(SqlValue::Integer(attribute));
        let value = self.bind(value.clone().into_sql());
        let table = table.name();
        format!(
            "{table} v CROSS JOIN scim_resource r ON r.key = v.resource \
             WHERE v.tenant = {tenant} AND v.attribute = {attribute} AND v.value = {value} \
             AND {of_type}"
        )
    }

    /// The condition that a term puts on a candidate that another term found.
    fn condition(&mut self, term: &Term, tenant: &str) -> String {
        match term {
            Term::Id(id) => format!("+r.id = {}", self.bind(SqlValue::Text(id.clone()))),
            Term::ExternalId(value) => {
                format!("+r.external_id = {}", self.bind(value.clone().into_sql()))
            }
            Term::DisplayName(value) => {
                format!("+r.display_name = {}", self.bind(value.clone().into_sql()))
            }
            Term::Active(value) => format!("+r.active = {}", self.bind(value.clone().into_sql())),
            Term::Modified(from, to) => {
                let (from, to) = (self.bind_instant(*from), self.bind_instant(*to));
                format!("+r.last_modified BETWEEN {from} AND {to}")
            }
            Term::Unique(attribute, value) | Term::Indexed(attribute, value) => {
                let table = match term {
                    Term::Unique(..) => ValueTable::Unique.name(),
                    _ => ValueTable::Indexed.name(),
                };
                let attribute = self.bind(SqlValue::Integer(*attribute));
                let value = self.bind(value.clone().into_sql());
                format!(
                    "EXISTS (SELECT 1 FROM {table} e WHERE e.tenant = {tenant} \
                     AND e.attribute = {attribute} AND e.value = {value} AND e.resource = r.key)"
                )
            }
            Term::HasMember(value) => {
                let value = self.bind(SqlValue::Text(value.clone()));
                format!(
                    "EXISTS (SELECT 1 FROM scim_member e \
                     WHERE e.group_key = r.key AND e.value = {value})"
                )
            }
            Term::MemberOf(group) => {
                let group = self.bind(SqlValue::Text(group.clone()));
                format!(
                    "EXISTS (SELECT 1 FROM scim_resource f \
                     CROSS JOIN scim_member e ON e.group_key = f.key AND e.value = r.id \
                     WHERE f.tenant = {tenant} AND f.id = {group})"
                )
            }
        }
    }

    fn bind_instant(&mut self, micros: i64) -> String {
        self.bind(SqlValue::Integer(micros))
    }

    fn bind(&mut self, value: SqlValue) -> String {
        self.parameters.push(value);
        format!("?{}", self.parameters.len())
    }
}

impl ValueTable {
    const fn name(self) -> &'static str {
        match self {
            Self::Unique => "scim_unique_value",
            Self::Indexed => "scim_indexed_value",
        }
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
    use rusqlite::Connection;
    use scim_core::{Profile, Registry, ResourceType};
    use scim_filter::{Limits, ResolvedFilter};

    use super::*;
    use crate::layout::Layout;
    use crate::migration;
    use crate::options::SqliteOptions;

    fn lookup(text: &str) -> Lookup {
        let mut connection = Connection::open_in_memory().unwrap();
        migration::run(&mut connection).unwrap();
        let layout = Layout::new(&connection, &Registry::builtin(), &SqliteOptions::new()).unwrap();
        let user = ResourceType::user();
        let filter =
            ResolvedFilter::parse(text, &user, &Profile::STRICT, &Limits::default()).unwrap();
        Lookup::new(layout.of(&user).unwrap(), filter.expression())
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
