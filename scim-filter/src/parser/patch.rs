//! The paths of PATCH operations.

use super::bytes::{after, first, skip_spaces};
use super::expression::PLACEHOLDER;
use super::{Parser, Step};
use crate::filter::{Filter, ValuePath};
use crate::patch_path::PatchPath;

impl Parser {
    /// `PATH = attrPath / valuePath [subAttr] / attrExp` (RFC 7644 Figure 7, erratum 7122).
    pub(super) fn patch_path<'a>(&mut self, input: &'a str) -> Step<'a, PatchPath<'a>> {
        self.count_term(input)?;
        let (rest, path) = self.qualified_path(input, true)?;
        if first(rest) == Some(b'[') {
            let (rest, filter) = self.brackets(rest)?;
            let value_path = ValuePath { path, filter };
            let (rest, sub_attribute) = if first(rest) == Some(b'.') {
                let (rest, sub_attribute) = self.sub_attribute(after(rest, 1))?;
                (rest, Some(sub_attribute.as_str()))
            } else {
                (rest, None)
            };
            return Ok((rest, PatchPath::ValuePath { value_path, sub_attribute }));
        }
        if skip_spaces(rest).is_empty() {
            return Ok((rest, PatchPath::Attribute(path)));
        }
        let mut test = PLACEHOLDER;
        let (rest, ()) = self.attribute_test(rest, path, &mut test)?;
        let path = match test {
            Filter::Comparison(comparison) => PatchPath::Comparison(comparison),
            _ => PatchPath::Present(path),
        };
        Ok((rest, path))
    }
}
