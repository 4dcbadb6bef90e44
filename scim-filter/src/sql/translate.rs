//! From an expression to a condition.

use scim_core::AttributeRef;

use super::bind::Bind;
use super::error::SqlError;
use super::mapping::{Index, Mapping, Place};
use super::source::{Elements, Finder, Scope, Set, Source};
use super::statement::{Statement, joined};
use crate::expression::{Expression, Subject, Test};

/// A condition to stand after WHERE, and what is bound to its parameters, in order.
///
/// It is true or false for every row, never NULL.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The SQL. It holds no value that a client sent.
    pub sql: String,
    /// What its parameters are bound to; the first is the one after the caller's own.
    pub binds: Vec<Bind>,
}

/// What SQL can do of a filter, and what is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    /// Whatever meets the filter meets the condition. `None` if SQL cannot narrow it down, so that
    /// all resources would have to be looked at.
    pub condition: Option<Condition>,
    /// What resources that meet the condition still have to meet, which
    /// [`Expression::matches`] decides. `None` if the condition is the filter.
    pub remainder: Option<Expression>,
}

impl Mapping {
    /// The condition that a resource's row meets if the resource meets the filter.
    ///
    /// Its parameters are numbered from `parameters + 1`, so that as many of the caller's own can
    /// stand before them.
    ///
    /// # Errors
    /// [`SqlError`] if the mapping cannot express all of the filter.
    pub fn translate(&self, filter: &Expression, parameters: usize) -> Result<Condition, SqlError> {
        let mut translator = Translator::new(self, parameters, Demand::All);
        let Part { sql, .. } = translator.part(filter, Scope::Resource)?;
        Ok(Condition { sql, binds: translator.statement.binds })
    }

    /// As much of a filter as the mapping can express, and what remains to be evaluated.
    ///
    /// Of an `and` every term that can be expressed is part of the condition; of an `or` something
    /// is only if every term gives something; of `emails[type eq "work" and value eq "…"]` that
    /// there is an element with that value, if only `emails.value` is mapped.
    ///
    /// ```
    /// use scim_core::{Profile, ResourceType};
    /// use scim_filter::sql::{Column, Dialect, Form, Mapping};
    /// use scim_filter::{Limits, ResolvedFilter};
    ///
    /// let user = ResourceType::user();
    /// let user_name = user.attribute("userName").unwrap();
    /// let mapping = Mapping::new(Dialect::Postgres)
    ///     .column(user_name, Column::new("u.login_folded", Form::Folded));
    /// let filter = ResolvedFilter::parse(
    ///     r#"userName sw "B" and title pr"#, &user, &Profile::STRICT, &Limits::default(),
    /// )?;
    /// let narrowed = mapping.narrow(filter.expression(), 0);
    /// assert!(narrowed.condition.unwrap().sql.contains("u.login_folded COLLATE \"C\" >= $1::text"));
    /// let remainder = narrowed.remainder.unwrap();
    /// assert!(!remainder.matches(&serde_json::Map::new()));
    /// # Ok::<(), scim_filter::FilterError>(())
    /// ```
    #[must_use]
    pub fn narrow(&self, filter: &Expression, parameters: usize) -> Narrowed {
        let mut translator = Translator::new(self, parameters, Demand::WhatCanBe);
        let terms = match filter {
            Expression::And(terms) => terms.as_slice(),
            single => std::slice::from_ref(single),
        };
        let (mut sql, mut left) = (Vec::new(), Vec::new());
        for term in terms {
            match translator.attempt(|translator| translator.part(term, Scope::Resource)) {
                Ok(part) => {
                    if !part.is_exact {
                        left.push(term.clone());
                    }
                    sql.push(part.sql);
                }
                Err(_) => left.push(term.clone()),
            }
        }
        let sql = joined(&sql, "AND");
        Narrowed {
            condition: if sql.is_empty() {
                None
            } else {
                Some(Condition { sql, binds: translator.statement.binds })
            },
            remainder: (!left.is_empty()).then(|| Expression::all(left)),
        }
    }
}

/// Whether all has to be expressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    All,
    /// What is expressed has to hold wherever the expression holds.
    WhatCanBe,
}

/// The SQL of an expression, never NULL.
struct Part {
    sql: String,
    /// Whether it holds only where the expression holds.
    is_exact: bool,
}

impl Part {
    fn exact(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), is_exact: true }
    }

    fn constant(holds: bool) -> Self {
        Self::exact(if holds { "TRUE" } else { "FALSE" })
    }
}

struct Translator<'m> {
    mapping: &'m Mapping,
    statement: Statement,
    demand: Demand,
}

impl<'m> Translator<'m> {
    fn new(mapping: &'m Mapping, parameters: usize, demand: Demand) -> Self {
        Self { mapping, statement: Statement::new(mapping.dialect, parameters), demand }
    }

    /// Forgets what was bound by an attempt that failed.
    fn attempt<T>(
        &mut self,
        attempt: impl FnOnce(&mut Self) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let bound = self.statement.binds.len();
        attempt(self).inspect_err(|_| self.statement.binds.truncate(bound))
    }

    fn finder(&mut self) -> Finder<'_, 'm> {
        Finder { mapping: self.mapping, statement: &mut self.statement }
    }

    fn part(&mut self, expression: &Expression, scope: Scope<'_>) -> Result<Part, SqlError> {
        match expression {
            Expression::Constant(holds) => Ok(Part::constant(*holds)),
            Expression::And(terms) => self.all(terms, scope),
            Expression::Or(terms) => {
                let parts: Vec<Part> =
                    terms.iter().map(|term| self.part(term, scope)).collect::<Result<_, _>>()?;
                Ok(chain(parts, "OR"))
            }
            Expression::Not(inner) => {
                // The negation of what holds too often would hold too seldom.
                let demand = std::mem::replace(&mut self.demand, Demand::All);
                let inner = self.part(inner, scope);
                self.demand = demand;
                Ok(Part::exact(format!("NOT ({})", inner?.sql)))
            }
            Expression::Present(subject) => Ok(Part::exact(self.present(subject, scope)?)),
            Expression::Compare(subject, test) => {
                Ok(Part::exact(self.compare(subject, test, scope)?))
            }
            Expression::Elements(attribute, inner) => self.elements(attribute, inner),
        }
    }

    fn all(&mut self, terms: &[Expression], scope: Scope<'_>) -> Result<Part, SqlError> {
        let mut parts = Vec::with_capacity(terms.len());
        let mut failed = None;
        for term in terms {
            match self.attempt(|translator| translator.part(term, scope)) {
                Ok(part) => parts.push(part),
                Err(error) if self.demand == Demand::All => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if parts.is_empty() => Err(error),
            Some(_) => Ok(Part { is_exact: false, ..chain(parts, "AND") }),
            None => Ok(chain(parts, "AND")),
        }
    }

    fn compare(
        &mut self,
        subject: &Subject,
        test: &Test,
        scope: Scope<'_>,
    ) -> Result<String, SqlError> {
        let or_none = test.takes_no_value();
        let source = self.finder().values(subject, scope)?;
        let (mapping, statement) = (self.mapping, &mut self.statement);
        match source {
            Source::Nothing => Ok(Part::constant(or_none).sql),
            Source::One(value) => value.meets(test, or_none, mapping, statement),
            Source::Many(set, value) => {
                let met = value.meets(test, false, mapping, statement)?;
                let met = set.any(&met, set.finds_by(subject, test));
                Ok(if or_none {
                    let any = set.any(&format!("{} IS NOT NULL", value.sql), false);
                    format!("({met} OR NOT {any})")
                } else {
                    met
                })
            }
        }
    }

    fn present(&mut self, subject: &Subject, scope: Scope<'_>) -> Result<String, SqlError> {
        if let (Subject::Attribute(attribute), Scope::Resource) = (subject, scope)
            && attribute.leaf().is_complex()
        {
            return self.present_complex(attribute);
        }
        Ok(match self.finder().values(subject, scope)? {
            Source::Nothing => "FALSE".to_owned(),
            Source::One(value) => value.is_present(),
            Source::Many(set, value) => set.any(&value.is_present(), false),
        })
    }

    /// A complex attribute is present if a sub-attribute of an element is.
    fn present_complex(&mut self, attribute: &AttributeRef) -> Result<String, SqlError> {
        if let Some(Place::Rows(rows)) = self.mapping.place(attribute)
            && rows.are_never_empty
        {
            return Ok(Set::of(rows).any("TRUE", false));
        }
        let parts = attribute.leaf().sub_attributes.iter();
        let parts = parts.filter_map(|part| attribute.child(&part.name));
        let parts = parts.map(|part| Expression::Present(Subject::Attribute(part)));
        let any = Expression::any(parts);
        let demand = std::mem::replace(&mut self.demand, Demand::All);
        let part = self.elements(attribute, &any);
        self.demand = demand;
        Ok(part?.sql)
    }

    fn elements(&mut self, attribute: &AttributeRef, inner: &Expression) -> Result<Part, SqlError> {
        let whole = self.attempt(|translator| translator.each_element(attribute, inner));
        let Err(error) = whole else { return whole };
        // What is asked of one element may be asked of the values of all of them.
        let Some((implied, is_same)) = implied(attribute, inner) else { return Err(error) };
        if self.demand == Demand::All && !is_same {
            return Err(error);
        }
        let part = self.part(&implied, Scope::Resource)?;
        Ok(Part { is_exact: part.is_exact && is_same, ..part })
    }

    fn each_element(
        &mut self,
        attribute: &AttributeRef,
        inner: &Expression,
    ) -> Result<Part, SqlError> {
        if !attribute.leaf().is_complex() {
            return self.each_item(attribute, inner);
        }
        let elements = self.finder().elements(attribute)?;
        match elements {
            Elements::Nothing => Ok(Part::constant(false)),
            Elements::One(is_there) => {
                let inner = self.part(inner, Scope::Resource)?;
                Ok(Part { sql: format!("({is_there} AND {})", inner.sql), ..inner })
            }
            Elements::Many(set, scope) => {
                let found = set.finds(inner);
                let inner = self.part(inner, scope)?;
                Ok(Part { sql: set.any(&inner.sql, found), ..inner })
            }
        }
    }

    /// The same for elements that are not complex, which are the attribute's values.
    fn each_item(
        &mut self,
        attribute: &AttributeRef,
        inner: &Expression,
    ) -> Result<Part, SqlError> {
        let values =
            self.finder().values(&Subject::Attribute(attribute.clone()), Scope::Resource)?;
        let (set, item) = match values {
            Source::Nothing => return Ok(Part::constant(false)),
            Source::One(item) => (None, item),
            Source::Many(set, item) => (Some(set), item),
        };
        let found = set.as_ref().is_some_and(|set| set.finds(inner));
        let inner = self.part(inner, Scope::Item(&item))?;
        let met = format!("{} IS NOT NULL AND {}", item.sql, inner.sql);
        let sql = set.map_or_else(|| format!("({met})"), |set| set.any(&met, found));
        Ok(Part { sql, ..inner })
    }
}

impl Set {
    /// Whether there is a row that meets the condition. If an index finds those rows, the resource
    /// is found by them.
    fn any(&self, condition: &str, found: bool) -> String {
        if let Some(Index { owner, key, .. }) = self.index.as_ref().filter(|_| found) {
            // The row is the resource's by its owner, so the other condition is not needed.
            let from = &self.from;
            return format!("{key} IN (SELECT {owner} FROM {from} WHERE {condition})");
        }
        format!("EXISTS (SELECT 1 FROM {} WHERE {} AND {condition})", self.from, self.on)
    }
}

fn chain(parts: Vec<Part>, operator: &str) -> Part {
    let is_exact = parts.iter().all(|part| part.is_exact);
    let terms: Vec<String> = parts.into_iter().map(|part| part.sql).collect();
    Part { sql: joined(&terms, operator), is_exact }
}

/// What holds for a resource if an element of the attribute meets the expression, in terms of the
/// values of all elements; and whether the reverse is true too.
fn implied(attribute: &AttributeRef, inner: &Expression) -> Option<(Expression, bool)> {
    let of_all = |subject: &Subject| match subject {
        Subject::Element => Subject::Attribute(attribute.clone()),
        part => part.clone(),
    };
    match inner {
        Expression::Compare(subject, test) if !test.takes_no_value() => {
            Some((Expression::Compare(of_all(subject), test.clone()), true))
        }
        Expression::Present(subject) => Some((Expression::Present(of_all(subject)), true)),
        Expression::And(terms) => {
            let implied: Vec<Expression> =
                terms.iter().filter_map(|term| implied(attribute, term)).map(|(e, _)| e).collect();
            (!implied.is_empty()).then(|| (Expression::all(implied), false))
        }
        Expression::Or(terms) => {
            let implied: Vec<(Expression, bool)> =
                terms.iter().map(|term| implied(attribute, term)).collect::<Option<_>>()?;
            let is_same = implied.iter().all(|(_, is_same)| *is_same);
            Some((Expression::any(implied.into_iter().map(|(e, _)| e)), is_same))
        }
        _ => None,
    }
}
