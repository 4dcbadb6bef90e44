//! Where the values of a subject are, in SQL.

use scim_core::{Attribute, AttributeRef, AttributeType};

use super::error::SqlError;
use super::mapping::{Column, Dialect, Form, Index, Mapping, Place, Rows};
use super::statement::Statement;
use super::test::Value;
use crate::expression::{Expression, Subject, Test};
use crate::operator::Operator;

/// What an expression is translated for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// The row of a resource.
    Resource,
    /// A row of a side table.
    Row(&'a Rows),
    /// A complex element in the document, [`ELEMENT`].
    Json,
    /// An element that is not complex.
    Item(&'a Value),
}

/// The name by which an element in the document is spoken of.
pub(super) const ELEMENT: &str = "scim_element";

/// A value inside an element.
const PART: &str = "scim_part";

/// The values of a subject.
#[derive(Debug)]
pub(super) enum Source {
    /// There are none.
    Nothing,
    /// One value, or NULL for none.
    One(Value),
    /// The values, but for NULLs, of rows.
    Many(Set, Value),
}

/// Rows: what stands after FROM and after WHERE.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) from: String,
    pub(super) on: String,
    pub(super) index: Option<Index>,
}

/// The elements of a complex attribute.
#[derive(Debug)]
pub(super) enum Elements<'a> {
    /// There are none.
    Nothing,
    /// One, where the condition holds.
    One(String),
    /// Rows of a side table, or elements of an array in the document.
    Many(Set, Scope<'a>),
}

/// Finds things by a mapping.
pub(super) struct Finder<'s, 'm> {
    pub(super) mapping: &'m Mapping,
    pub(super) statement: &'s mut Statement,
}

impl<'m> Finder<'_, 'm> {
    /// The values of a subject that is not complex.
    pub(super) fn values(
        &mut self,
        subject: &Subject,
        scope: Scope<'_>,
    ) -> Result<Source, SqlError> {
        match (subject, scope) {
            (Subject::Attribute(attribute), Scope::Resource) => self.of_resource(attribute),
            (Subject::Attribute(attribute), Scope::Row(rows)) => of_row(attribute, rows),
            (Subject::Attribute(attribute), Scope::Json) => {
                let element = object(self.mapping.dialect, ELEMENT);
                self.of_object(attribute, &element)
            }
            (Subject::Element, Scope::Item(item)) => Ok(Source::One(item.clone())),
            // Resolution makes a sub-attribute of complex elements, and an element of others.
            (Subject::Element, Scope::Resource | Scope::Row(_) | Scope::Json)
            | (Subject::Attribute(_), Scope::Item(_)) => Ok(Source::Nothing),
        }
    }

    fn of_resource(&mut self, attribute: &AttributeRef) -> Result<Source, SqlError> {
        match self.mapping.place(attribute) {
            Some(Place::Column(column)) => {
                return Ok(Source::One(of_column(&attribute.to_string(), column)));
            }
            Some(Place::Rows(rows)) => {
                let Some(column) = &rows.value else { return Err(SqlError::unmapped(attribute)) };
                return Ok(Source::Many(Set::of(rows), of_column(&attribute.to_string(), column)));
            }
            Some(Place::Nowhere) => return Ok(Source::Nothing),
            Some(Place::Object(_) | Place::OutOfReach) => {
                return Err(SqlError::unmapped(attribute));
            }
            None => {}
        }
        match self.mapping.place(&attribute.parent()) {
            Some(Place::Rows(rows)) => Ok(match of_row(attribute, rows)? {
                Source::One(value) => Source::Many(Set::of(rows), value),
                other => other,
            }),
            Some(Place::Nowhere) => Ok(Source::Nothing),
            Some(Place::Column(_) | Place::Object(_) | Place::OutOfReach) => {
                Err(SqlError::unmapped(attribute))
            }
            None => self.of_document(attribute),
        }
    }

    fn of_document(&mut self, attribute: &AttributeRef) -> Result<Source, SqlError> {
        let (base, path) = self.in_document(attribute)?;
        if attribute.attribute().multi_valued {
            let set = self.array(&base, &path, ELEMENT)?;
            let Some(_) = attribute.sub_attribute() else {
                return Ok(Source::Many(
                    set,
                    item(self.mapping.dialect, ELEMENT, attribute.leaf()),
                ));
            };
            let element = object(self.mapping.dialect, ELEMENT);
            return Ok(match self.of_object(attribute, &element)? {
                Source::Many(inner, value) => {
                    let from = format!("{} CROSS JOIN LATERAL {}", set.from, inner.from);
                    let from = match self.mapping.dialect {
                        Dialect::Sqlite => format!("{} CROSS JOIN {}", set.from, inner.from),
                        Dialect::Postgres => from,
                    };
                    let on = format!("{} AND {}", set.on, inner.on);
                    Source::Many(Set { from, on, index: None }, value)
                }
                Source::One(value) => Source::Many(set, value),
                Source::Nothing => Source::Nothing,
            });
        }
        let mut path = path;
        path.extend(attribute.sub_attribute().map(|sub| sub.name.clone()));
        self.at(&base, &path, attribute)
    }

    /// The values of a sub-attribute of a JSON object.
    fn of_object(&mut self, attribute: &AttributeRef, object: &str) -> Result<Source, SqlError> {
        let path = [attribute.leaf().name.clone()];
        self.at(object, &path, attribute)
    }

    fn at(
        &mut self,
        base: &str,
        path: &[String],
        attribute: &AttributeRef,
    ) -> Result<Source, SqlError> {
        let leaf = attribute.leaf();
        if leaf.multi_valued {
            let set = self.array(base, path, PART)?;
            return Ok(Source::Many(set, item(self.mapping.dialect, PART, leaf)));
        }
        let sql = match self.mapping.dialect {
            Dialect::Sqlite => {
                let path = self.path(path)?;
                format!("json_extract({base}, {path})")
            }
            Dialect::Postgres => {
                let (last, before) =
                    path.split_last().ok_or_else(|| SqlError::unmapped(attribute))?;
                let mut sql = base.to_owned();
                for name in before {
                    sql = format!("{sql} -> {}", self.statement.bind_text(name)?);
                }
                format!("({sql} ->> {})", self.statement.bind_text(last)?)
            }
        };
        Ok(Source::One(typed(self.mapping.dialect, sql, leaf, attribute.to_string())))
    }

    /// The elements of a complex attribute.
    pub(super) fn elements<'e>(
        &mut self,
        attribute: &'e AttributeRef,
    ) -> Result<Elements<'e>, SqlError>
    where
        'm: 'e,
    {
        match self.mapping.place(attribute) {
            Some(Place::Rows(rows)) => Ok(Elements::Many(Set::of(rows), Scope::Row(rows))),
            Some(Place::Object(is_there)) => Ok(Elements::One(format!("({is_there}) IS TRUE"))),
            Some(Place::Nowhere) => Ok(Elements::Nothing),
            Some(Place::Column(_) | Place::OutOfReach) => Err(SqlError::unmapped(attribute)),
            None => {
                let (base, path) = self.in_document(attribute)?;
                if attribute.leaf().multi_valued {
                    let set = self.array(&base, &path, ELEMENT)?;
                    return Ok(Elements::Many(set, Scope::Json));
                }
                // Its sub-attributes are found from the resource, also those that have a place of
                // their own.
                match self.at(&base, &path, attribute)? {
                    Source::One(value) => Ok(Elements::One(format!("{} IS NOT NULL", value.sql))),
                    Source::Nothing | Source::Many(..) => Err(SqlError::unmapped(attribute)),
                }
            }
        }
    }

    /// The document, and the keys that lead to an attribute in it.
    fn in_document(&self, attribute: &AttributeRef) -> Result<(String, Vec<String>), SqlError> {
        let Some(document) = &self.mapping.document else {
            return Err(SqlError::unmapped(attribute));
        };
        let extension = attribute.extension().map(|schema| schema.id().to_owned());
        let name = attribute.attribute().name.clone();
        Ok((document.clone(), extension.into_iter().chain([name]).collect()))
    }

    /// The elements of an array in a JSON value that are not null.
    fn array(&mut self, base: &str, path: &[String], name: &str) -> Result<Set, SqlError> {
        match self.mapping.dialect {
            Dialect::Sqlite => {
                let path = self.path(path)?;
                Ok(Set {
                    from: format!("json_each({base}, {path}) {name}"),
                    on: format!("{name}.type <> 'null'"),
                    index: None,
                })
            }
            Dialect::Postgres => {
                let mut sql = base.to_owned();
                for step in path {
                    sql = format!("{sql} -> {}", self.statement.bind_text(step)?);
                }
                Ok(Set {
                    // What is not an array would be an error.
                    from: format!(
                        "jsonb_array_elements(CASE jsonb_typeof({sql}) \
                         WHEN 'array' THEN {sql} ELSE '[]' END) AS {name} (value)"
                    ),
                    on: format!("jsonb_typeof({name}.value) <> 'null'"),
                    index: None,
                })
            }
        }
    }

    /// A path as SQLite writes it, bound. No label can hold a quotation mark.
    fn path(&mut self, path: &[String]) -> Result<String, SqlError> {
        let mut text = "$".to_owned();
        for label in path {
            if label.contains(['"', '\\']) {
                return Err(SqlError::Unmapped { attribute: label.clone() });
            }
            text.push_str(&format!(".\"{label}\""));
        }
        self.statement.bind_text(&text)
    }
}

impl Set {
    pub(super) fn of(rows: &Rows) -> Self {
        Self { from: rows.from.clone(), on: rows.on.clone(), index: rows.index.clone() }
    }

    /// Whether an index finds all rows that meet an expression.
    pub(super) fn finds(&self, expression: &Expression) -> bool {
        match expression {
            Expression::Compare(subject, test) => self.finds_by(subject, test),
            Expression::And(terms) => terms.iter().any(|term| self.finds(term)),
            Expression::Or(terms) => terms.iter().all(|term| self.finds(term)),
            Expression::Constant(_)
            | Expression::Not(_)
            | Expression::Present(_)
            | Expression::Elements(..) => false,
        }
    }

    /// Whether an index finds all rows that meet a comparison.
    pub(super) fn finds_by(&self, subject: &Subject, test: &Test) -> bool {
        let Some(Index { parts, .. }) = &self.index else { return false };
        let part = match subject {
            Subject::Attribute(attribute) => attribute.sub_attribute().map(|sub| &*sub.name),
            Subject::Element => None,
        };
        let part = part.unwrap_or("value");
        is_equality(test) && parts.iter().any(|indexed| indexed == part)
    }
}

pub(super) fn is_equality(test: &Test) -> bool {
    match test {
        Test::Text { operator, .. }
        | Test::Integer { operator, .. }
        | Test::Decimal { operator, .. }
        | Test::Instant { operator, .. } => *operator == Operator::Equal,
        Test::Boolean { is_negated, .. } => !is_negated,
    }
}

/// A sub-attribute of a row.
fn of_row(attribute: &AttributeRef, rows: &Rows) -> Result<Source, SqlError> {
    let name = &attribute.leaf().name;
    match rows.parts.iter().rev().find(|(part, _)| part == name) {
        Some((_, Some(column))) => Ok(Source::One(of_column(&attribute.to_string(), column))),
        Some((_, None)) => Ok(Source::Nothing),
        None => Err(SqlError::unmapped(attribute)),
    }
}

fn of_column(attribute: &str, column: &Column) -> Value {
    let Column { sql, form, is_indexed } = column.clone();
    let attribute = attribute.to_owned();
    Value { attribute, sql, form: Some(form), is_computed: false, is_indexed }
}

/// An element as a JSON object; NULL if it is none.
fn object(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("CASE {name}.type WHEN 'object' THEN {name}.value END"),
        Dialect::Postgres => format!("{name}.value"),
    }
}

/// An element that is not complex.
fn item(dialect: Dialect, name: &str, attribute: &Attribute) -> Value {
    let sql = match dialect {
        Dialect::Sqlite => format!("{name}.value"),
        Dialect::Postgres => format!("({name}.value #>> '{{}}')"),
    };
    typed(dialect, sql, attribute, attribute.name.clone())
}

/// What was read of JSON, in SQLite with its type, in PostgreSQL as text.
fn typed(dialect: Dialect, sql: String, leaf: &Attribute, attribute: String) -> Value {
    let (form, cast) = match leaf.attribute_type {
        AttributeType::String
        | AttributeType::Reference
        | AttributeType::Binary
        | AttributeType::DateTime => (Some(Form::Text), None),
        AttributeType::Boolean => (Some(Form::Boolean), Some("boolean")),
        AttributeType::Integer => (Some(Form::Integer), Some("bigint")),
        // SQLite may read the digits as a neighbouring number.
        AttributeType::Decimal if dialect == Dialect::Sqlite => (None, None),
        AttributeType::Decimal => (Some(Form::Decimal), Some("double precision")),
        AttributeType::Complex => (None, None),
    };
    let sql = match (dialect, cast) {
        (Dialect::Postgres, Some(cast)) => format!("{sql}::{cast}"),
        _ => sql,
    };
    Value { attribute, sql, form, is_computed: true, is_indexed: false }
}
