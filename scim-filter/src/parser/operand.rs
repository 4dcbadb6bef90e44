//! Operands: JSON literals, and bare words by a quirk.

use std::borrow::Cow;

use nom::Parser as _;
use nom::branch::alt;
use nom::character::complete::{char, digit0, digit1, one_of};
use nom::combinator::{all_consuming, opt, recognize};

use scim_core::Quirk;

use super::bytes::{PLAIN, WORD, after, cut, first, length_of, skip_spaces, split};
use super::{Fault, Parser, Step, expected, fault};
use crate::error::{Expected, SyntaxErrorKind};
use crate::literal::Literal;
use crate::operator::Operator;

impl Parser {
    /// `compValue`, and the text that it was written as.
    pub(super) fn value<'a>(&mut self, input: &'a str) -> Step<'a, (Literal<'a>, &'a str)> {
        if first(input) == Some(b'"') {
            let (rest, text) = string(input)?;
            let source = cut(input, input.len() - rest.len()).0;
            return Ok((rest, (Literal::String(text), source)));
        }
        if first(input) == Some(b'\'')
            && self.quirks.contains(Quirk::UnquotedFilterValues)
            && let Some((rest, text)) = single_quoted(input)
        {
            self.fired.insert(Quirk::UnquotedFilterValues);
            let source = cut(input, input.len() - rest.len()).0;
            return Ok((rest, (Literal::String(Cow::Borrowed(text)), source)));
        }
        self.word(input)
    }

    /// What does not begin with a quote.
    fn word<'a>(&mut self, input: &'a str) -> Step<'a, (Literal<'a>, &'a str)> {
        let several = if self.quirks.contains(Quirk::UnquotedFilterValues) {
            words(input).filter(|(words, _)| is_bare(words))
        } else {
            None
        };
        let (word, rest) = several.unwrap_or_else(|| split(input, WORD));
        let literal = match word {
            "true" => Literal::Boolean(true),
            "false" => Literal::Boolean(false),
            "null" => Literal::Null,
            _ => match number(word) {
                Some((text, is_integer)) => number_literal(input, text, is_integer)?,
                None => self.bare_word(input, word)?,
            },
        };
        Ok((rest, (literal, word)))
    }

    /// A word that is no JSON literal, or several: by a quirk a string.
    fn bare_word<'a>(
        &mut self,
        input: &'a str,
        word: &'a str,
    ) -> Result<Literal<'a>, nom::Err<Fault<'a>>> {
        if !is_bare(word) || !self.quirks.contains(Quirk::UnquotedFilterValues) {
            return expected(input, Expected::Value);
        }
        self.fired.insert(Quirk::UnquotedFilterValues);
        Ok(Literal::String(Cow::Borrowed(word)))
    }
}

/// Whether it can be a value without quotes. A single quote that has no other is no part of one.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('\'')
        && !text.contains(|c: char| matches!(c, '"' | '\\' | '(' | '[') || c.is_control())
}

/// Several words up to the next `and` or `or`, or the end of the term. None where an operator is
/// among them: then a connective is missing, which is to be said.
fn words(input: &str) -> Option<(&str, &str)> {
    let is_any = |word: &str, of: &[&str]| of.iter().any(|known| word.eq_ignore_ascii_case(known));
    let first_alone = length_of(input, WORD);
    let mut length = first_alone;
    loop {
        let rest = after(input, length);
        let next = skip_spaces(rest);
        let (word, _) = split(next, WORD);
        if word.is_empty() || is_any(word, &["and", "or"]) {
            break;
        }
        if is_any(word, &Operator::ALL.map(Operator::as_str)) || is_any(word, &["pr"]) {
            return None;
        }
        length += rest.len() - next.len() + word.len();
    }
    (length > first_alone).then(|| cut(input, length))
}

/// A JSON string without escapes, from its opening quote: what is left, the string, and the string
/// with its quotes.
#[inline]
pub(super) fn plain_string(input: &str) -> Option<(&str, &str, &str)> {
    let content = input.strip_prefix('"')?;
    let (text, rest) = split(content, PLAIN);
    let rest = rest.strip_prefix('"')?;
    Some((rest, text, cut(input, text.len() + 2).0))
}

/// A text in single quotes, without escapes: what is left, and the text.
fn single_quoted(input: &str) -> Option<(&str, &str)> {
    let (text, rest) = input.strip_prefix('\'')?.split_once('\'')?;
    let plain = !text.contains(|c: char| matches!(c, '"' | '\\') || c.is_control());
    plain.then_some((rest, text))
}

/// A JSON string, from its opening quote. Borrowed unless it has escapes.
fn string(input: &str) -> Step<'_, Cow<'_, str>> {
    let content = after(input, 1);
    let (text, rest) = split(content, PLAIN);
    match first(rest) {
        Some(b'"') => Ok((after(rest, 1), Cow::Borrowed(text))),
        Some(b'\\') => escaped_string(input),
        Some(0) => fault(rest, SyntaxErrorKind::NulCharacter),
        Some(_) => fault(rest, SyntaxErrorKind::ControlCharacter),
        None => fault(input, SyntaxErrorKind::UnterminatedString),
    }
}

/// A JSON string with escapes, from its opening quote. serde_json knows what an escape may be; here
/// only the string's end is looked for.
fn escaped_string(input: &str) -> Step<'_, Cow<'_, str>> {
    let mut is_escaped = false;
    let content = after(input, 1).bytes().enumerate();
    for (index, byte) in content {
        match byte {
            0 => return fault(after(input, index + 1), SyntaxErrorKind::NulCharacter),
            1..0x20 => return fault(after(input, index + 1), SyntaxErrorKind::ControlCharacter),
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => {
                let (literal, rest) = cut(input, index + 2);
                return match serde_json::from_str::<String>(literal) {
                    Ok(text) if text.contains('\0') => fault(input, SyntaxErrorKind::NulCharacter),
                    Ok(text) => Ok((rest, Cow::Owned(text))),
                    Err(_) => fault(input, SyntaxErrorKind::InvalidEscape),
                };
            }
            _ => {}
        }
    }
    fault(input, SyntaxErrorKind::UnterminatedString)
}

/// Whether a word is a JSON number, and whether it has neither fraction nor exponent.
fn number(word: &str) -> Option<(&str, bool)> {
    if !first(word).is_some_and(|byte| byte == b'-' || byte.is_ascii_digit()) {
        return None;
    }
    let integer = recognize((opt(char('-')), digits));
    let fraction = recognize(opt((char('.'), digit1)));
    let exponent = recognize(opt((one_of("eE"), opt(one_of("+-")), digit1)));
    let mut number = all_consuming((integer, fraction, exponent));
    let parsed: Step<'_, (&str, &str, &str)> = number.parse(word);
    let (_, (_, fraction, exponent)) = parsed.ok()?;
    Some((word, fraction.is_empty() && exponent.is_empty()))
}

/// The digits of JSON's `int`: no zero before others.
fn digits(input: &str) -> Step<'_, &str> {
    recognize(alt((recognize(char('0')), recognize((one_of("123456789"), digit0))))).parse(input)
}

fn number_literal<'a>(
    input: &'a str,
    text: &str,
    is_integer: bool,
) -> Result<Literal<'a>, nom::Err<Fault<'a>>> {
    let literal = if is_integer {
        text.parse().ok().map(Literal::Integer)
    } else {
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Decimal)
    };
    match literal {
        Some(literal) => Ok(literal),
        None => fault(input, SyntaxErrorKind::NumberOutOfRange),
    }
}
