//! Filters: terms, their grouping, and the chains of `and` and `or` between them.
//!
//! The functions here write what they read into a place that the caller gives, and return only what
//! is left over: a term is several words long, and moving it up through each level costs more than
//! reading it.

use scim_core::Quirk;

use super::bytes::{after, first, keyword, skip_spaces};
use super::operand::plain_string;
use super::{Fault, Parser, Step, expected, fault};
use crate::attribute_path::AttributePath;
use crate::error::{Expected, SyntaxErrorKind};
use crate::filter::{Comparison, Filter, ValuePath};
use crate::literal::Literal;
use crate::operator::Operator;

/// The name of the sub-attribute that the elements of a complex attribute are compared by.
const VALUE: &str = "value";

/// What stands in a place until a term is read into it.
pub(super) const PLACEHOLDER: Filter<'static> = Filter::Present(AttributePath::checked("", 0));

enum Connective {
    And,
    Or,
}

/// What follows an attribute path.
enum Test {
    Present,
    Compare(Operator),
}

impl Parser {
    /// `FILTER`: terms joined by `and` and `or`, of which `and` binds tighter. Stops, all spaces
    /// skipped, at the end, at `)` or at `]`.
    pub(super) fn expression<'a>(
        &mut self,
        input: &'a str,
        filter: &mut Filter<'a>,
    ) -> Step<'a, ()> {
        let (rest, ()) = self.term(input, filter)?;
        match connective(rest)? {
            (rest, None) => Ok((rest, ())),
            (rest, Some(connective)) => self.chain(rest, connective, filter),
        }
    }

    /// The rest of an expression whose first term is in `filter` and has a connective behind it.
    fn chain<'a>(
        &mut self,
        input: &'a str,
        behind_first: Connective,
        filter: &mut Filter<'a>,
    ) -> Step<'a, ()> {
        // The alternatives that are complete, and the factors of the one that is not.
        let (mut alternatives, mut factors) = (Vec::new(), Vec::new());
        let first = std::mem::replace(filter, PLACEHOLDER);
        match behind_first {
            Connective::And => push(&mut factors, first),
            Connective::Or => push(&mut alternatives, first),
        }
        let mut rest = input;
        loop {
            // A factor, if there are others; else an alternative, unless an `and` follows.
            let terms = if factors.is_empty() { &mut alternatives } else { &mut factors };
            push(terms, PLACEHOLDER);
            if let Some(term) = terms.last_mut() {
                (rest, ()) = self.term(rest, term)?;
            }
            let connective;
            (rest, connective) = self::connective(rest)?;
            match connective {
                Some(Connective::And) => {
                    if factors.is_empty() {
                        factors.extend(alternatives.pop());
                    }
                }
                None if alternatives.is_empty() => {
                    *filter = Filter::And(factors);
                    return Ok((rest, ()));
                }
                _ => {
                    if !factors.is_empty() {
                        push(&mut alternatives, Filter::And(std::mem::take(&mut factors)));
                    }
                    if connective.is_none() {
                        *filter = Filter::Or(alternatives);
                        return Ok((rest, ()));
                    }
                }
            }
        }
    }

    /// One term of a chain.
    fn term<'a>(&mut self, input: &'a str, filter: &mut Filter<'a>) -> Step<'a, ()> {
        let input = skip_spaces(input);
        match first(input) {
            Some(b'(') => self.group(input, filter),
            Some(b'n' | b'N') => match keyword(input, "not") {
                Some(operand) => self.negation(input, operand, filter),
                None => self.attribute_term(input, filter),
            },
            _ => self.attribute_term(input, filter),
        }
    }

    /// `"(" FILTER ")"`.
    fn group<'a>(&mut self, input: &'a str, filter: &mut Filter<'a>) -> Step<'a, ()> {
        self.enter(input)?;
        let (rest, ()) = self.expression(after(input, 1), filter)?;
        if first(rest) != Some(b')') {
            return expected(rest, Expected::ClosingParenthesis);
        }
        self.leave();
        Ok((after(rest, 1), ()))
    }

    /// What begins with the letters `not`: a negation if a parenthesis follows (erratum 7319), else
    /// an attribute whose name begins so, or a negation by a quirk.
    fn negation<'a>(
        &mut self,
        input: &'a str,
        operand: &'a str,
        filter: &mut Filter<'a>,
    ) -> Step<'a, ()> {
        let trimmed = skip_spaces(operand);
        let mut negated = Box::new(PLACEHOLDER);
        let rest = if first(trimmed) == Some(b'(') {
            self.group(trimmed, &mut negated)?.0
        } else if first(operand) == Some(b' ')
            && self.quirks.contains(Quirk::NotWithoutParentheses)
            && test(trimmed).is_none()
        {
            self.fired.insert(Quirk::NotWithoutParentheses);
            self.enter(input)?;
            let (rest, ()) = self.term(trimmed, &mut negated)?;
            self.leave();
            rest
        } else {
            return self.attribute_term(input, filter);
        };
        *filter = Filter::Not(negated);
        Ok((rest, ()))
    }

    /// `attrExp` or `valuePath`.
    fn attribute_term<'a>(&mut self, input: &'a str, filter: &mut Filter<'a>) -> Step<'a, ()> {
        self.count_term(input)?;
        let (rest, path) = self.attribute_path(input)?;
        if first(rest) == Some(b'[') {
            let (rest, inner) = self.brackets(rest)?;
            *filter = Filter::ValuePath(ValuePath { path, filter: inner });
            return if self.quirks.contains(Quirk::FilterSubAttribute) {
                self.test_after_brackets(rest, filter)
            } else {
                Ok((rest, ()))
            };
        }
        self.attribute_test(rest, path, filter)
    }

    /// The rest of an `attrExp`, after its path.
    #[inline]
    pub(super) fn attribute_test<'a>(
        &mut self,
        input: &'a str,
        path: AttributePath<'a>,
        filter: &mut Filter<'a>,
    ) -> Step<'a, ()> {
        if first(input) != Some(b' ') {
            return expected(input, Expected::AfterAttributePath);
        }
        let input = skip_spaces(input);
        let (rest, test) = match test(input) {
            Some(found) => found,
            None => return expected(input, Expected::Operator),
        };
        let operator = match test {
            Test::Compare(operator) => operator,
            Test::Present => {
                *filter = Filter::Present(path);
                return Ok((rest, ()));
            }
        };
        let operand = skip_spaces(rest);
        let position = self.position(operand);
        if let Some((rest, text, source)) = plain_string(operand) {
            *filter = Filter::Comparison(Comparison::parsed(
                path,
                operator,
                Literal::from(text),
                source,
                position,
            ));
            return Ok((rest, ()));
        }
        let (rest, (value, source)) = self.value(operand)?;
        *filter = Filter::Comparison(Comparison::parsed(path, operator, value, source, position));
        Ok((rest, ()))
    }

    /// `"[" valFilter "]"`.
    pub(super) fn brackets<'a>(&mut self, input: &'a str) -> Step<'a, Box<Filter<'a>>> {
        if self.within_brackets {
            return fault(input, SyntaxErrorKind::NestedValuePath);
        }
        self.enter(input)?;
        self.within_brackets = true;
        let mut filter = Box::new(PLACEHOLDER);
        let (rest, ()) = self.expression(after(input, 1), &mut filter)?;
        if first(rest) != Some(b']') {
            return expected(rest, Expected::ClosingBracket);
        }
        self.within_brackets = false;
        self.leave();
        Ok((after(rest, 1), filter))
    }

    /// What a filter may have after brackets by a quirk (by the RFC it is nothing, errata F12): a
    /// test, which joins the tests inside.
    fn test_after_brackets<'a>(&mut self, input: &'a str, filter: &mut Filter<'a>) -> Step<'a, ()> {
        let (rest, path) = match (first(input), test(skip_spaces(input))) {
            (Some(b'.'), _) => self.sub_attribute(after(input, 1))?,
            (Some(b' '), Some((_, Test::Compare(_)))) => {
                (input, AttributePath::checked(VALUE, self.position(input)))
            }
            // Brackets ask already whether there is such an element.
            (Some(b' '), Some((rest, Test::Present))) => {
                self.fired.insert(Quirk::FilterSubAttribute);
                return Ok((rest, ()));
            }
            _ => return Ok((input, ())),
        };
        self.fired.insert(Quirk::FilterSubAttribute);
        self.count_term(input)?;
        let mut joining = PLACEHOLDER;
        let (rest, ()) = self.attribute_test(rest, path, &mut joining)?;
        if let Filter::ValuePath(value_path) = filter {
            let inner = &mut *value_path.filter;
            if let Filter::And(factors) = inner {
                factors.push(joining);
            } else {
                let only = std::mem::replace(inner, PLACEHOLDER);
                *inner = Filter::And(vec![only, joining]);
            }
        }
        Ok((rest, ()))
    }
}

/// Most chains are short, and room for four at once saves growing.
fn push<'a>(terms: &mut Vec<Filter<'a>>, term: Filter<'a>) {
    if terms.capacity() == 0 {
        terms.reserve_exact(4);
    }
    terms.push(term);
}

/// The connective after a term, between spaces; or none, where the chain ends.
#[inline]
fn connective(input: &str) -> Result<(&str, Option<Connective>), nom::Err<Fault<'_>>> {
    let word = skip_spaces(input);
    let is_apart = word.len() < input.len();
    let (connective, rest) = match first(word) {
        None | Some(b')' | b']') => return Ok((word, None)),
        Some(b'a' | b'A') if is_apart => (Connective::And, keyword(word, "and")),
        Some(b'o' | b'O') if is_apart => (Connective::Or, keyword(word, "or")),
        _ => return expected(word, Expected::AfterTerm),
    };
    match rest {
        Some(rest) if first(rest) == Some(b' ') => Ok((rest, Some(connective))),
        // `and(`: the word is right, the space is missing.
        Some(rest) if first(rest) == Some(b'(') => expected(rest, Expected::Space),
        Some("") => expected("", Expected::Term),
        _ => expected(word, Expected::AfterTerm),
    }
}

/// The operator at the beginning of the input, if there is one, and what follows it. An operator
/// with an operand needs a space after it, or the quote of a string; `pr` the end of its term.
#[inline]
fn test(input: &str) -> Option<(&str, Test)> {
    let (letters, rest) = input.as_bytes().split_first_chunk::<2>()?;
    let letters = letters.map(|letter| letter.to_ascii_lowercase());
    let rest_text = after(input, 2);
    match (letters, rest.first()) {
        ([b'p', b'r'], None | Some(b' ' | b')' | b']')) => Some((rest_text, Test::Present)),
        (letters, None | Some(b' ' | b'"')) => {
            Some((rest_text, Test::Compare(Operator::from_lower(letters)?)))
        }
        _ => None,
    }
}
