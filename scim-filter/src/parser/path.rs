//! Attribute paths.

use super::bytes::{NAME, PATH, after, cut, first, is, length_of, split};
use super::{Parser, Step, expected};
use crate::attribute_path::AttributePath;
use crate::error::Expected;

impl Parser {
    /// `attrPath`: `[URI ":"] ATTRNAME [subAttr]`.
    #[inline]
    pub(super) fn attribute_path<'a>(&self, input: &'a str) -> Step<'a, AttributePath<'a>> {
        let (text, rest) = split(input, NAME);
        if first(rest).is_some_and(|byte| is(byte, PATH)) {
            return self.qualified_path(input, false);
        }
        if !begins_name(text) {
            return expected(input, Expected::Term);
        }
        Ok((rest, AttributePath::checked(text, self.position(input))))
    }

    /// An attribute path that is more than a name.
    pub(super) fn qualified_path<'a>(
        &self,
        input: &'a str,
        may_be_urn: bool,
    ) -> Step<'a, AttributePath<'a>> {
        let (text, rest) = split(input, PATH);
        let path = AttributePath::checked(text, self.position(input));
        let local = match text.rfind(':') {
            Some(colon) => {
                if !is_uri(cut(text, colon).0) {
                    return expected(input, Expected::SchemaUri);
                }
                let local = after(input, colon + 1);
                if may_be_urn && first(local).is_some_and(|byte| byte.is_ascii_digit()) {
                    return Ok((rest, path));
                }
                check_name_start(local, Expected::AttributeName)?;
                local
            }
            None => {
                check_name_start(input, Expected::Term)?;
                input
            }
        };
        let after_name = after(local, length_of(local, NAME));
        let end = match first(after_name) {
            Some(b'.') => {
                let sub_attribute = after(after_name, 1);
                check_name_start(sub_attribute, Expected::AttributeName)?;
                after(sub_attribute, length_of(sub_attribute, NAME))
            }
            _ => after_name,
        };
        if end.len() != rest.len() {
            return expected(end, Expected::AfterAttributePath);
        }
        Ok((rest, path))
    }

    /// `ATTRNAME` after the dot of a `subAttr`.
    pub(super) fn sub_attribute<'a>(&self, input: &'a str) -> Step<'a, AttributePath<'a>> {
        check_name_start(input, Expected::AttributeName)?;
        let (name, rest) = split(input, NAME);
        Ok((rest, AttributePath::checked(name, self.position(input))))
    }
}

fn check_name_start(input: &str, what: Expected) -> Result<(), nom::Err<super::Fault<'_>>> {
    if begins_name(input) { Ok(()) } else { expected(input, what) }
}

/// A name begins with a letter, or with `$` and a letter (erratum 8924, for `$ref`).
fn begins_name(input: &str) -> bool {
    match input.as_bytes() {
        [b'$', letter, ..] | [letter, ..] => letter.is_ascii_alphabetic(),
        [] => false,
    }
}

/// Whether the text, made of path bytes, begins with a scheme and its colon (RFC 3986 §3.1).
fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}
