//! From a filter as written to one over the attributes of a resource type.

use scim_core::schema::AttributeType;
use scim_core::{
    Attribute, AttributeRef, DateTime, Profile, Quirk, Quirks, ResourceType, Target, Validation,
    fold, parse_boolean,
};

use crate::attribute_path::AttributePath;
use crate::error::{ResolveError, ResolveErrorKind};
use crate::expression::{Expression, Subject, Test};
use crate::filter::{Comparison, Filter};
use crate::literal::Literal;
use crate::operator::Operator;
use crate::resolved::{ResolvedFilter, ValueFilter};

impl Filter<'_> {
    /// Looks up the attributes in the schemas of a resource type and gives the operands their
    /// types.
    ///
    /// The bare name of a complex attribute means its `value`. An attribute that no schema defines
    /// has no value, unless the profile has [`Validation::UnknownAttributes`]. Of the profile's
    /// quirks these matter here: [`Quirk::BooleanStrings`],
    /// [`Quirk::UnqualifiedExtensionAttributes`], [`Quirk::SchemaSpellings`], and
    /// [`Quirk::UnquotedFilterValues`], by which a number compares with a string as the text it was
    /// written as.
    ///
    /// # Errors
    /// [`ResolveError`] if an attribute does not have the operator, or the operand is not of its
    /// type; if a bare complex attribute has no `value`; if brackets follow an attribute that has
    /// no elements; and if an attribute is never returned
    /// ([`ResolveErrorKind::Sensitive`]).
    pub fn resolve(
        &self,
        resource_type: &ResourceType,
        profile: &Profile,
    ) -> Result<ResolvedFilter, ResolveError> {
        let mut resolver = Resolver { profile, fired: Quirks::NONE };
        let expression = resolver.resolved(self, Scope::Resource(resource_type))?;
        Ok(ResolvedFilter::new(expression, resolver.fired))
    }

    /// The same for what stands in the brackets of a PATCH path, after `attribute`.
    ///
    /// For an attribute that is not complex, `value` is the element itself.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_for_elements(
        &self,
        attribute: &AttributeRef,
        profile: &Profile,
    ) -> Result<ValueFilter, ResolveError> {
        let mut resolver = Resolver { profile, fired: Quirks::NONE };
        let expression = resolver.resolved(self, Scope::Element(attribute))?;
        Ok(ValueFilter::new(attribute.clone(), expression, resolver.fired))
    }
}

/// Where names are looked up.
#[derive(Clone, Copy)]
enum Scope<'s> {
    /// In a resource.
    Resource(&'s ResourceType),
    /// In an element of this attribute.
    Element(&'s AttributeRef),
    /// In an element of an attribute that no schema defines.
    Unknown,
}

struct Resolver<'p> {
    profile: &'p Profile,
    fired: Quirks,
}

impl Resolver<'_> {
    /// A filter as a whole; an error says what fired before it.
    fn resolved(
        &mut self,
        filter: &Filter<'_>,
        scope: Scope<'_>,
    ) -> Result<Expression, ResolveError> {
        self.filter(filter, scope).map_err(|error| error.after(self.fired))
    }

    fn filter(
        &mut self,
        filter: &Filter<'_>,
        scope: Scope<'_>,
    ) -> Result<Expression, ResolveError> {
        match filter {
            Filter::And(terms) => Ok(Expression::all(self.filters(terms, scope)?)),
            Filter::Or(terms) => Ok(Expression::any(self.filters(terms, scope)?)),
            Filter::Not(inner) => Ok(self.filter(inner, scope)?.negated()),
            Filter::Present(path) => Ok(match self.subject(path, scope)? {
                Some(subject) => Expression::Present(subject),
                None => Expression::Constant(false),
            }),
            Filter::Comparison(comparison) => self.comparison(comparison, scope),
            Filter::ValuePath(value_path) => {
                let attribute = match self.subject(&value_path.path, scope)? {
                    Some(Subject::Attribute(attribute)) => attribute,
                    Some(Subject::Element) | None => {
                        self.filter(&value_path.filter, Scope::Unknown)?;
                        return Ok(Expression::Constant(false));
                    }
                };
                if !attribute.leaf().is_complex() && !attribute.leaf().multi_valued {
                    return Err(refused(&value_path.path, ResolveErrorKind::NoElements));
                }
                let inner = self.filter(&value_path.filter, Scope::Element(&attribute))?;
                Ok(match inner {
                    Expression::Constant(false) => inner,
                    _ => Expression::Elements(attribute, Box::new(inner)),
                })
            }
        }
    }

    fn filters(
        &mut self,
        filters: &[Filter<'_>],
        scope: Scope<'_>,
    ) -> Result<Vec<Expression>, ResolveError> {
        filters.iter().map(|filter| self.filter(filter, scope)).collect()
    }

    /// What a path names; `None` if no schema defines it.
    fn subject(
        &mut self,
        path: &AttributePath<'_>,
        scope: Scope<'_>,
    ) -> Result<Option<Subject>, ResolveError> {
        let subject = match scope {
            Scope::Resource(resource_type) => self.attribute(path, resource_type)?,
            Scope::Element(parent) => part(path.as_str(), parent),
            Scope::Unknown => None,
        };
        match &subject {
            None if self.profile.validates(Validation::UnknownAttributes) => {
                return Err(refused(path, ResolveErrorKind::UnknownAttribute));
            }
            Some(Subject::Attribute(attribute)) if is_sensitive(attribute) => {
                return Err(refused(path, ResolveErrorKind::Sensitive));
            }
            _ => {}
        }
        Ok(subject)
    }

    fn attribute(
        &mut self,
        path: &AttributePath<'_>,
        resource_type: &ResourceType,
    ) -> Result<Option<Subject>, ResolveError> {
        match resource_type.resolve(path.as_str()) {
            Some(Target::Attribute(attribute)) => return Ok(Some(Subject::Attribute(attribute))),
            Some(Target::Resource | Target::Extension(_)) => {
                return Err(refused(path, ResolveErrorKind::NotAnAttribute));
            }
            None => {}
        }
        let respelled = || resource_type.attribute(&resource_type.respelled(path.as_str())?);
        let found = match resource_type.unqualified_extension_attribute(path.as_str()) {
            Some(attribute) => Some((attribute, Quirk::UnqualifiedExtensionAttributes)),
            None => respelled().map(|attribute| (attribute, Quirk::SchemaSpellings)),
        };
        let found = found.filter(|(_, quirk)| self.profile.tolerates(*quirk));
        Ok(found.map(|(attribute, quirk)| {
            self.fired.insert(quirk);
            Subject::Attribute(attribute)
        }))
    }

    fn comparison(
        &mut self,
        comparison: &Comparison<'_>,
        scope: Scope<'_>,
    ) -> Result<Expression, ResolveError> {
        let Comparison { path, operator, value, .. } = comparison;
        let subject = self.subject(path, scope)?;
        if *value == Literal::Null {
            let present = subject.map_or(Expression::Constant(false), Expression::Present);
            return match operator {
                Operator::Equal => Ok(present.negated()),
                Operator::NotEqual => Ok(present),
                _ => Err(refused(path, ResolveErrorKind::NullOperand { operator: *operator })),
            };
        }
        match subject {
            // No value counts as one null, which differs from every operand that is not null.
            None => Ok(Expression::Constant(*operator == Operator::NotEqual)),
            Some(Subject::Element) => match scope {
                Scope::Element(parent) => self.compare(Subject::Element, parent.leaf(), comparison),
                Scope::Resource(_) | Scope::Unknown => Ok(Expression::Constant(false)),
            },
            Some(Subject::Attribute(attribute)) => {
                let attribute = if attribute.leaf().is_complex() {
                    let value = attribute.child("value");
                    let value = value.ok_or_else(|| refused(path, ResolveErrorKind::NoValue))?;
                    if is_sensitive(&value) {
                        return Err(refused(path, ResolveErrorKind::Sensitive));
                    }
                    value
                } else {
                    attribute
                };
                let leaf = std::sync::Arc::clone(attribute.leaf());
                let compared =
                    self.compare(Subject::Attribute(attribute.clone()), &leaf, comparison)?;
                Ok(match compared {
                    Expression::Compare(_, Test::Boolean { is_negated, operand })
                        if says_primary(&attribute) =>
                    {
                        primary(attribute, is_negated, operand, scope)
                    }
                    other => other,
                })
            }
        }
    }

    /// The test of values of a type that is not complex.
    fn compare(
        &mut self,
        subject: Subject,
        attribute: &Attribute,
        comparison: &Comparison<'_>,
    ) -> Result<Expression, ResolveError> {
        let operator = comparison.operator;
        let attribute_type = attribute.attribute_type;
        let has_operator = match attribute_type {
            AttributeType::String | AttributeType::Reference | AttributeType::DateTime => true,
            AttributeType::Binary => !operator.is_ordering(),
            AttributeType::Integer | AttributeType::Decimal => !operator.is_substring(),
            AttributeType::Boolean => !operator.is_ordering() && !operator.is_substring(),
            AttributeType::Complex => false,
        };
        if !has_operator {
            let kind = ResolveErrorKind::UnsupportedOperator { operator, attribute_type };
            return Err(refused(&comparison.path, kind));
        }
        let test = match attribute_type {
            AttributeType::Boolean => self.boolean(comparison),
            AttributeType::Integer => return integer(subject, comparison),
            AttributeType::Decimal => decimal(comparison),
            AttributeType::DateTime if !operator.is_substring() => instant(comparison),
            _ => self.text(attribute, comparison),
        };
        let test = test.ok_or_else(|| mistyped(attribute_type, comparison))?;
        Ok(Expression::Compare(subject, test))
    }

    fn text(&mut self, attribute: &Attribute, comparison: &Comparison<'_>) -> Option<Test> {
        let text = match &comparison.value {
            Literal::String(text) => &**text,
            Literal::Integer(_) | Literal::Decimal(_)
                if self.profile.tolerates(Quirk::UnquotedFilterValues) =>
            {
                let source = comparison.value_source()?;
                self.fired.insert(Quirk::UnquotedFilterValues);
                source
            }
            _ => return None,
        };
        let is_folded =
            attribute.attribute_type == AttributeType::String && !attribute.compares_exactly();
        let operand = if is_folded { fold(text) } else { text.into() };
        let operand = operand.into_owned().into_boxed_str();
        Some(Test::Text { operator: comparison.operator, operand, is_folded })
    }

    fn boolean(&mut self, comparison: &Comparison<'_>) -> Option<Test> {
        let operand = match &comparison.value {
            Literal::Boolean(operand) => *operand,
            Literal::String(text) if self.profile.tolerates(Quirk::BooleanStrings) => {
                let operand = parse_boolean(text)?;
                self.fired.insert(Quirk::BooleanStrings);
                operand
            }
            _ => return None,
        };
        Some(Test::Boolean { is_negated: comparison.operator == Operator::NotEqual, operand })
    }
}

fn refused(path: &AttributePath<'_>, kind: ResolveErrorKind) -> ResolveError {
    ResolveError::new(path.as_str(), path.position(), kind)
}

fn mistyped(attribute_type: AttributeType, comparison: &Comparison<'_>) -> ResolveError {
    let kind = ResolveErrorKind::OperandType { attribute_type };
    ResolveError::new(comparison.path.as_str(), comparison.value_position(), kind)
}

/// Whether answers never hold it, so that a filter must not tell its values either.
fn is_sensitive(attribute: &AttributeRef) -> bool {
    attribute.attribute().is_never_returned() || attribute.leaf().is_never_returned()
}

/// Whether it is the `primary` of a multi-valued attribute's elements (RFC 7643 §2.4).
fn says_primary(attribute: &AttributeRef) -> bool {
    attribute.attribute().multi_valued
        && attribute.sub_attribute().is_some_and(|sub| sub.name == "primary" && !sub.multi_valued)
}

/// A comparison of `primary`, which is false for an element that does not say (RFC 7643 §2.4).
fn primary(
    attribute: AttributeRef,
    is_negated: bool,
    operand: bool,
    scope: Scope<'_>,
) -> Expression {
    let elements = attribute.parent();
    let is_primary = Expression::Compare(
        Subject::Attribute(attribute),
        Test::Boolean { is_negated: false, operand: true },
    );
    let of_element = if operand == is_negated { is_primary.negated() } else { is_primary };
    if matches!(scope, Scope::Element(_)) {
        return of_element;
    }
    let met = Expression::Elements(elements.clone(), Box::new(of_element));
    if !is_negated {
        return met;
    }
    // Where there is no element there is no value, which differs from every operand.
    let element = Expression::Elements(elements, Box::new(Expression::Constant(true)));
    Expression::any([met, element.negated()])
}

/// What a path in brackets names: a sub-attribute, or the element itself.
fn part(name: &str, parent: &AttributeRef) -> Option<Subject> {
    if parent.leaf().is_complex() {
        parent.child(name).map(Subject::Attribute)
    } else {
        name.eq_ignore_ascii_case("value").then_some(Subject::Element)
    }
}

fn instant(comparison: &Comparison<'_>) -> Option<Test> {
    let Literal::String(text) = &comparison.value else { return None };
    let operand: DateTime = text.parse().ok()?;
    Some(Test::Instant { operator: comparison.operator, operand })
}

fn decimal(comparison: &Comparison<'_>) -> Option<Test> {
    let operand = match comparison.value {
        #[expect(clippy::cast_precision_loss, reason = "a decimal is an f64 by definition")]
        Literal::Integer(number) => number as f64,
        Literal::Decimal(number) => number,
        _ => return None,
    };
    Some(Test::Decimal { operator: comparison.operator, operand })
}

/// A comparison of an integer attribute. One with a decimal is put as one with an integer, which
/// is exact.
fn integer(subject: Subject, comparison: &Comparison<'_>) -> Result<Expression, ResolveError> {
    let number = match comparison.value {
        Literal::Integer(operand) => {
            let test = Test::Integer { operator: comparison.operator, operand };
            return Ok(Expression::Compare(subject, test));
        }
        Literal::Decimal(number) => number,
        _ => return Err(mistyped(AttributeType::Integer, comparison)),
    };
    let is_whole = number.fract() == 0.0;
    let operand = floor(number);
    let compare =
        |operator, operand| Ok(Expression::Compare(subject, Test::Integer { operator, operand }));
    match (comparison.operator, operand) {
        (operator, Floor::Integer(operand)) if is_whole => compare(operator, operand),
        // Between two integers, or beyond all of them, nothing is equal.
        (Operator::Equal, _) => Ok(Expression::Constant(false)),
        (Operator::NotEqual, _) => Ok(Expression::Constant(true)),
        (Operator::GreaterThan | Operator::GreaterOrEqual, Floor::Integer(operand)) => {
            compare(Operator::GreaterThan, operand)
        }
        (Operator::GreaterThan | Operator::GreaterOrEqual, Floor::BelowAll) => {
            compare(Operator::GreaterOrEqual, i64::MIN)
        }
        (Operator::LessThan | Operator::LessOrEqual, Floor::Integer(operand)) => {
            compare(Operator::LessOrEqual, operand)
        }
        (Operator::LessThan | Operator::LessOrEqual, Floor::AboveAll) => {
            compare(Operator::LessOrEqual, i64::MAX)
        }
        (_, Floor::BelowAll | Floor::AboveAll) => Ok(Expression::Constant(false)),
        // Refused before, as integers have no parts.
        (Operator::Contains | Operator::StartsWith | Operator::EndsWith, Floor::Integer(_)) => {
            Ok(Expression::Constant(false))
        }
    }
}

/// The greatest integer that is not greater than a decimal.
enum Floor {
    BelowAll,
    Integer(i64),
    AboveAll,
}

fn floor(number: f64) -> Floor {
    // 2^63, exactly.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if number < -BOUND {
        Floor::BelowAll
    } else if number >= BOUND {
        Floor::AboveAll
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within the bounds")]
        Floor::Integer(number.floor() as i64)
    }
}
