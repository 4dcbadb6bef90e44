//! The SQL that asks for what a look-up selects.

use scim_backend_sql::{Key, Lookup, Term, TypeLayout, ValueTable};
use scim_filter::sql::{Bind, Dialect, Mapping};
use tokio_postgres::types::{ToSql, Type};

use crate::entry::entry;
use crate::load::{Beside, one_more};
use crate::session::Parameter;

/// The document of the resource `r`, where a statement joins it.
const DOCUMENT: &str = "d.json";

/// The attributes of a type, over the resource `r` and its document `d`.
///
/// Text in the document stands there as it was sent, and PostgreSQL has no function that folds it
/// as filters do; so what compares without regard to case and has no column is evaluated.
pub(crate) fn mapping(layout: &TypeLayout) -> Mapping {
    scim_backend_sql::mapping(layout, Dialect::Postgres).document(DOCUMENT)
}

/// Which candidates a statement is to give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) after: i64,
    pub(crate) skip: i64,
    pub(crate) limit: i64,
}

/// What is bound to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Text(String),
    Integer(i64),
    Real(f64),
    Boolean(bool),
}

impl Bound {
    fn parameter(&self) -> Parameter<'_> {
        let (value, of_type): (&(dyn ToSql + Sync), Type) = match self {
            Self::Text(text) => (text, Type::TEXT),
            Self::Integer(number) => (number, Type::INT8),
            Self::Real(number) => (number, Type::FLOAT8),
            Self::Boolean(value) => (value, Type::BOOL),
        };
        (value, of_type)
    }
}

impl From<Bind> for Bound {
    fn from(bind: Bind) -> Self {
        match bind {
            Bind::Text(text) => Self::Text(text),
            Bind::Integer(number) => Self::Integer(number),
            Bind::Real(number) => Self::Real(number),
            Bind::Boolean(value) => Self::Boolean(value),
            // Nothing is mapped to a timestamp.
            Bind::Instant(at) => Self::Integer(at.as_micros()),
        }
    }
}

/// A statement and what is bound to its parameters.
#[derive(Debug, Default)]
pub(crate) struct Select {
    pub(crate) sql: String,
    bound: Vec<Bound>,
    /// Whether its text is made for the occasion, so that it is not worth being prepared.
    pub(crate) is_unusual: bool,
}

impl Select {
    pub(crate) fn parameters(&self) -> Vec<Parameter<'_>> {
        self.bound.iter().map(Bound::parameter).collect()
    }

    /// The keys of the candidates after one key, in the order of creation.
    pub(crate) fn keys(lookup: &Lookup, tenant: i64, layout: &TypeLayout, window: Window) -> Self {
        let mut select = Self { is_unusual: lookup.terms.len() > 2, ..Self::default() };
        select.add_keys(lookup, tenant, layout, window);
        select
    }

    /// The same, with what is read of resources for the key, in any order.
    pub(crate) fn resources(
        lookup: &Lookup,
        tenant: i64,
        layout: &TypeLayout,
        window: Window,
        beside: Beside,
        member_limit: usize,
    ) -> Self {
        let mut select = Self::keys(lookup, tenant, layout, window);
        let limit = select.integer(one_more(member_limit));
        let columns = beside.columns(&limit);
        let (tenant, of_type) = (select.integer(tenant), select.integer(layout.key));
        select.sql = format!(
            "WITH c (key) AS MATERIALIZED ({})
             SELECT {columns} FROM c
             JOIN scim_resource r ON r.tenant = {tenant} AND r.type = {of_type} AND r.key = c.key
             JOIN scim_document d ON d.resource = c.key",
            select.sql
        );
        select
    }

    /// The same keys, each with whether it meets what SQL can tell of the filter, in any order.
    pub(crate) fn tested(
        lookup: &Lookup,
        tenant: i64,
        layout: &TypeLayout,
        window: Window,
    ) -> Self {
        let Some(condition) = &lookup.condition else {
            let mut select = Self::keys(lookup, tenant, layout, window);
            select.sql = format!("SELECT c.key, TRUE FROM ({}) c", select.sql);
            return select;
        };
        // The parameters of the condition come first, as they are numbered.
        let bound = condition.binds.iter().cloned().map(Bound::from).collect();
        let mut select = Self { bound, is_unusual: true, ..Self::default() };
        select.add_keys(lookup, tenant, layout, window);
        let (tenant, of_type) = (select.integer(tenant), select.integer(layout.key));
        // Parsed once a row, however often the condition looks at it.
        let document = if condition.sql.contains(DOCUMENT) {
            "CROSS JOIN LATERAL (SELECT text::jsonb AS json FROM scim_document \
             WHERE resource = c.key OFFSET 0) d"
        } else {
            ""
        };
        select.sql = format!(
            "WITH c (key) AS MATERIALIZED ({}) SELECT r.key, {} FROM c \
             JOIN scim_resource r ON r.tenant = {tenant} AND r.type = {of_type} AND r.key = c.key \
             {document}",
            select.sql, condition.sql
        );
        select
    }

    /// How many candidates there are.
    pub(crate) fn count(lookup: &Lookup, tenant: i64, layout: &TypeLayout) -> Self {
        let mut select = Self { is_unusual: lookup.terms.len() > 2, ..Self::default() };
        let Candidates { from, .. } = select.candidates(lookup, tenant, layout);
        select.sql = format!("SELECT count(*) FROM {from}");
        select
    }

    /// Asks for the keys of candidates.
    fn add_keys(&mut self, lookup: &Lookup, tenant: i64, layout: &TypeLayout, window: Window) {
        let Candidates { key, order, from } = self.candidates(lookup, tenant, layout);
        let (after, limit, skip) =
            (self.integer(window.after), self.integer(window.limit), self.integer(window.skip));
        self.sql = format!(
            "SELECT {key} AS key FROM {from} AND {key} > {after} \
             ORDER BY {order} LIMIT {limit} OFFSET {skip}"
        );
    }

    /// Where candidates are found. The first term decides by which index.
    fn candidates(&mut self, lookup: &Lookup, tenant: i64, layout: &TypeLayout) -> Candidates {
        let tenant = self.integer(tenant);
        let resource_type = self.integer(layout.key);
        let (first, others) = match lookup.terms.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, [].as_slice()),
        };
        let of_type = format!("r.tenant = {tenant} AND r.type = {resource_type}");
        let of_resource = |condition: String| Candidates {
            key: "r.key",
            order: "r.key",
            from: format!("scim_resource r WHERE {of_type}{condition}"),
        };
        let mut candidates = match first {
            None => of_resource(String::new()),
            Some(Term::Modified(..) | Term::Id(_)) => {
                let condition = first.map(|term| self.condition(term, &tenant));
                let condition = format!(" AND {}", condition.unwrap_or_default());
                // In the order of an index by another column, so they have to be sorted; without
                // the addition it would look cheaper to go through the whole type in its order.
                Candidates { order: "r.key + 0", ..of_resource(condition) }
            }
            Some(term @ (Term::ExternalId(_) | Term::DisplayName(_) | Term::Active(_))) => {
                let condition = self.condition(term, &tenant);
                of_resource(format!(" AND {condition}"))
            }
            Some(Term::Unique(attribute, value)) => {
                self.by_value(ValueTable::Unique, &tenant, *attribute, value, &of_type)
            }
            Some(Term::Indexed(attribute, value)) => {
                self.by_value(ValueTable::Indexed, &tenant, *attribute, value, &of_type)
            }
            Some(Term::HasMember(value)) => {
                let value = self.text(value);
                Candidates {
                    key: "m.group_key",
                    order: "m.group_key",
                    from: format!(
                        "scim_member m JOIN scim_resource r ON r.key = m.group_key \
                         WHERE m.tenant = {tenant} AND m.value = {value} AND {of_type}"
                    ),
                }
            }
            Some(Term::MemberOf(group)) => {
                let group = self.text(group);
                Candidates {
                    key: "r.key",
                    order: "r.key + 0",
                    from: format!(
                        "scim_resource g JOIN scim_member m ON m.group_key = g.key \
                         JOIN scim_resource r ON r.tenant = {tenant} AND r.id = m.value \
                         WHERE g.tenant = {tenant} AND g.id = {group} AND r.type = {resource_type}"
                    ),
                }
            }
        };
        for term in others {
            candidates.from.push_str(" AND ");
            let condition = self.condition(term, &tenant);
            candidates.from.push_str(&condition);
        }
        candidates
    }

    fn by_value(
        &mut self,
        table: ValueTable,
        tenant: &str,
        attribute: i64,
        value: &Key,
        of_type: &str,
    ) -> Candidates {
        let (attribute, value) = (self.integer(attribute), self.text(&entry(value)));
        let table = table_name(table);
        Candidates {
            key: "v.resource",
            order: "v.resource",
            from: format!(
                "{table} v JOIN scim_resource r ON {of_type} AND r.key = v.resource \
                 WHERE v.tenant = {tenant} AND v.attribute = {attribute} AND v.value = {value}"
            ),
        }
    }

    /// The condition that a term puts on a resource.
    fn condition(&mut self, term: &Term, tenant: &str) -> String {
        match term {
            Term::Id(id) => format!("r.id = {}", self.text(id)),
            Term::ExternalId(value) => self.equals("r.external_id", value),
            Term::DisplayName(value) => self.equals("r.display_name", value),
            Term::Active(value) => {
                let value = self.bind(Bound::Boolean(*value == Key::Integer(1)), "boolean");
                format!("r.active = {value}")
            }
            Term::Modified(from, to) => {
                let (from, to) = (self.integer(*from), self.integer(*to));
                format!("r.last_modified BETWEEN {from} AND {to}")
            }
            Term::Unique(attribute, value) | Term::Indexed(attribute, value) => {
                let table = match term {
                    Term::Unique(..) => table_name(ValueTable::Unique),
                    _ => table_name(ValueTable::Indexed),
                };
                let (attribute, value) = (self.integer(*attribute), self.text(&entry(value)));
                format!(
                    "EXISTS (SELECT 1 FROM {table} e WHERE e.tenant = {tenant} \
                     AND e.attribute = {attribute} AND e.value = {value} AND e.resource = r.key)"
                )
            }
            Term::HasMember(value) => {
                let value = self.text(value);
                format!(
                    "EXISTS (SELECT 1 FROM scim_member e \
                     WHERE e.tenant = {tenant} AND e.value = {value} AND e.group_key = r.key)"
                )
            }
            Term::MemberOf(group) => {
                let group = self.text(group);
                format!(
                    "EXISTS (SELECT 1 FROM scim_resource f \
                     JOIN scim_member e ON e.tenant = {tenant} AND e.value = r.id \
                     AND e.group_key = f.key \
                     WHERE f.tenant = {tenant} AND f.id = {group})"
                )
            }
        }
    }

    /// Whether a column has the value: by its beginning, which is indexed, and all of it.
    fn equals(&mut self, column: &str, value: &Key) -> String {
        let value = value.clone().into_text().unwrap_or_default();
        let value = self.text(&value);
        format!("left({column}, 200) = left({value}, 200) AND {column} = {value}")
    }

    fn integer(&mut self, number: i64) -> String {
        self.bind(Bound::Integer(number), "bigint")
    }

    fn text(&mut self, text: &str) -> String {
        self.bind(Bound::Text(text.to_owned()), "text")
    }

    fn bind(&mut self, value: Bound, of_type: &str) -> String {
        self.bound.push(value);
        format!("${}::{of_type}", self.bound.len())
    }
}

/// What stands after FROM and WHERE, and the expressions that are a candidate's key and that order
/// candidates by it.
struct Candidates {
    key: &'static str,
    order: &'static str,
    from: String,
}

const fn table_name(values: ValueTable) -> &'static str {
    match values {
        ValueTable::Unique => "scim_unique_value",
        ValueTable::Indexed => "scim_indexed_value",
    }
}
