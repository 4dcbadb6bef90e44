//! The SQL that asks for what a look-up selects.

use rusqlite::types::Value as SqlValue;
use scim_backend_sql::{Key, Lookup, Term, TypeLayout, ValueTable};

use crate::mapping;
use crate::values::into_sql;

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
    /// The keys of the candidates after one key, in the order of creation.
    pub(crate) fn keys(lookup: &Lookup, tenant: i64, layout: &TypeLayout, window: Window) -> Self {
        let mut select = Self::default();
        select.add_keys(lookup, tenant, layout, window);
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
            select.sql = format!("SELECT c.*, TRUE FROM ({}) c", select.sql);
            return select;
        };
        // The parameters of the condition come first, as they are numbered.
        let mut select = Self::default();
        select.parameters.extend(condition.binds.iter().cloned().map(mapping::into_sql));
        select.add_keys(lookup, tenant, layout, window);
        select.sql = format!(
            "WITH c (key) AS MATERIALIZED ({}) SELECT r.key, {} \
             FROM c CROSS JOIN scim_resource r ON r.key = c.key",
            select.sql, condition.sql
        );
        select
    }

    /// How many candidates there are.
    pub(crate) fn count(lookup: &Lookup, tenant: i64, layout: &TypeLayout) -> Self {
        let mut select = Self::default();
        let (_, from) = select.candidates(lookup, tenant, layout);
        select.sql = format!("SELECT count(*) FROM {from}");
        select
    }

    /// Asks for the keys of candidates.
    fn add_keys(&mut self, lookup: &Lookup, tenant: i64, layout: &TypeLayout, window: Window) {
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
            // SQLite does not know that an id is unique, and would spare itself sorting here too.
            Some(Term::Id(id)) => {
                let id = self.bind(SqlValue::Text(id.clone()));
                let from = format!(
                    "scim_resource r INDEXED BY scim_resource_by_id WHERE {of_type} AND r.id = {id}"
                );
                ("r.key", from)
            }
            Some(Term::ExternalId(value)) => {
                let value = self.bind(into_sql(value.clone()));
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.external_id = {value}"))
            }
            Some(Term::DisplayName(value)) => {
                let value = self.bind(into_sql(value.clone()));
                ("r.key", format!("scim_resource r WHERE {of_type} AND r.display_name = {value}"))
            }
            Some(Term::Active(value)) => {
                let value = self.bind(into_sql(value.clone()));
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
                     CROSS JOIN scim_resource r INDEXED BY scim_resource_by_id \
                     ON r.tenant = {tenant} AND r.id = m.value \
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
        let value = self.bind(into_sql(value.clone()));
        let table = table_name(table);
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
                format!("+r.external_id = {}", self.bind(into_sql(value.clone())))
            }
            Term::DisplayName(value) => {
                format!("+r.display_name = {}", self.bind(into_sql(value.clone())))
            }
            Term::Active(value) => format!("+r.active = {}", self.bind(into_sql(value.clone()))),
            Term::Modified(from, to) => {
                let (from, to) = (self.bind_instant(*from), self.bind_instant(*to));
                format!("+r.last_modified BETWEEN {from} AND {to}")
            }
            Term::Unique(attribute, value) | Term::Indexed(attribute, value) => {
                let table = match term {
                    Term::Unique(..) => table_name(ValueTable::Unique),
                    _ => table_name(ValueTable::Indexed),
                };
                let attribute = self.bind(SqlValue::Integer(*attribute));
                let value = self.bind(into_sql(value.clone()));
                format!(
                    "EXISTS (SELECT 1 FROM {table} e WHERE e.tenant = {tenant} \
                     AND e.attribute = {attribute} AND e.value = {value} AND e.resource = r.key)"
                )
            }
            Term::HasMember(value) => {
                let value = self.bind(SqlValue::Text(value.clone()));
                format!(
                    "EXISTS (SELECT 1 FROM scim_member e \
                     WHERE e.tenant = {tenant} AND e.value = {value} AND e.group_key = r.key)"
                )
            }
            Term::MemberOf(group) => {
                let group = self.bind(SqlValue::Text(group.clone()));
                format!(
                    "EXISTS (SELECT 1 FROM scim_resource f \
                     CROSS JOIN scim_member e ON e.tenant = {tenant} AND e.value = r.id \
                     AND e.group_key = f.key \
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

const fn table_name(values: ValueTable) -> &'static str {
    match values {
        ValueTable::Unique => "scim_unique_value",
        ValueTable::Indexed => "scim_indexed_value",
    }
}
