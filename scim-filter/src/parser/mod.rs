//! The parser: nom's types and primitives, one pass, no alternative tried twice.
//!
//! Every function takes what is left of the text and gives back what it left over and what it read.
//! Which form comes next is decided by its first bytes, so nothing that was read is read again; a
//! grammar of alternatives that share a beginning would read an operand once for each level of
//! parentheses around it, doubled.

mod bytes;
mod expression;
mod operand;
mod patch;
mod path;

use scim_core::Quirks;

use self::bytes::skip_spaces;
use crate::attribute_path::AttributePath;
use crate::error::{Expected, SyntaxError, SyntaxErrorKind};
use crate::filter::Filter;
use crate::limits::Limits;
use crate::parse_options::{ParseOptions, Parsed};
use crate::patch_path::PatchPath;

/// What is left of the text, and what was read; or where it went wrong and why.
type Step<'a, T> = nom::IResult<&'a str, T, Fault<'a>>;

/// Where it went wrong, as what was left there, and why. Small, since every step carries room for
/// one.
#[derive(Debug)]
struct Fault<'a> {
    rest: &'a str,
    kind: SyntaxErrorKind,
}

impl<'a> nom::error::ParseError<&'a str> for Fault<'a> {
    /// Of nom's own parsers only those of a number fail without saying more.
    fn from_error_kind(rest: &'a str, _: nom::error::ErrorKind) -> Self {
        Self { rest, kind: SyntaxErrorKind::Expected(Expected::Value) }
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

#[cold]
fn fault<'a, T>(rest: &'a str, kind: SyntaxErrorKind) -> Result<T, nom::Err<Fault<'a>>> {
    Err(nom::Err::Failure(Fault { rest, kind }))
}

#[cold]
fn expected<'a, T>(rest: &'a str, expected: Expected) -> Result<T, nom::Err<Fault<'a>>> {
    fault(rest, SyntaxErrorKind::Expected(expected))
}

/// One run of the parser over one text.
struct Parser {
    limits: Limits,
    quirks: Quirks,
    fired: Quirks,
    /// The length of the whole text; at most `u32::MAX`.
    length: usize,
    depth: usize,
    terms: usize,
    within_brackets: bool,
}

pub(crate) fn filter<'a>(
    text: &'a str,
    options: &ParseOptions,
) -> Result<Parsed<Filter<'a>>, SyntaxError> {
    run(text, options, |parser, rest| {
        let mut filter = expression::PLACEHOLDER;
        parser.expression(rest, &mut filter).map(|(rest, ())| (rest, filter))
    })
}

pub(crate) fn patch_path<'a>(
    text: &'a str,
    options: &ParseOptions,
) -> Result<Parsed<PatchPath<'a>>, SyntaxError> {
    run(text, options, Parser::patch_path)
}

pub(crate) fn attribute_path(text: &str) -> Result<AttributePath<'_>, SyntaxError> {
    run(text, &ParseOptions::new(), |parser, rest| parser.attribute_path(rest))
        .map(|parsed| parsed.value)
}

/// Runs a parser over the whole of `text`, which it has to use up but for spaces at both ends.
fn run<'a, T>(
    text: &'a str,
    options: &ParseOptions,
    parse: impl FnOnce(&mut Parser, &'a str) -> Step<'a, T>,
) -> Result<Parsed<T>, SyntaxError> {
    let limits = options.limits();
    if text.len() > limits.bytes.min(u32::MAX as usize) {
        return Err(SyntaxError::new(text, 0, SyntaxErrorKind::too_long(&limits), false));
    }
    let mut parser = Parser {
        limits,
        quirks: options.quirks(),
        fired: Quirks::NONE,
        length: text.len(),
        depth: 0,
        terms: 0,
        within_brackets: false,
    };
    let outcome = parse(&mut parser, skip_spaces(text)).and_then(|(rest, value)| {
        let rest = skip_spaces(rest);
        if rest.is_empty() { Ok(value) } else { expected(rest, Expected::End) }
    });
    match outcome {
        Ok(value) => Ok(Parsed { value, fired: parser.fired }),
        Err(nom::Err::Failure(fault) | nom::Err::Error(fault)) => Err(SyntaxError::new(
            text,
            text.len().saturating_sub(fault.rest.len()),
            fault.kind,
            parser.within_brackets,
        )
        .after(parser.fired)),
        // Only nom's streaming parsers ask for more, and none is used here.
        Err(nom::Err::Incomplete(_)) => Err(SyntaxError::new(
            text,
            text.len(),
            SyntaxErrorKind::Expected(Expected::Term),
            parser.within_brackets,
        )
        .after(parser.fired)),
    }
}

impl Parser {
    /// Where `rest` begins, in bytes from the beginning of the text.
    fn position(&self, rest: &str) -> u32 {
        u32::try_from(self.length.saturating_sub(rest.len())).unwrap_or(u32::MAX)
    }

    /// Goes one level deeper, if the limit lets it.
    fn enter<'a>(&mut self, rest: &'a str) -> Result<(), nom::Err<Fault<'a>>> {
        let limit = self.limits.depth.min(Limits::MAX_DEPTH);
        if self.depth >= limit {
            return fault(rest, SyntaxErrorKind::TooDeep { limit });
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts a term, if the limit lets it.
    fn count_term<'a>(&mut self, rest: &'a str) -> Result<(), nom::Err<Fault<'a>>> {
        if self.terms >= self.limits.terms {
            return fault(rest, SyntaxErrorKind::TooManyTerms { limit: self.limits.terms });
        }
        self.terms += 1;
        Ok(())
    }
}
