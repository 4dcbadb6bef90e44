//! The printed form of filters and PATCH paths.

use std::fmt;

use crate::filter::{Comparison, Filter, ValuePath};
use crate::patch_path::PatchPath;

impl fmt::Display for Filter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(terms) => {
                chain(terms, " and ", |term| matches!(term, Self::And(_) | Self::Or(_)), f)
            }
            // `and` binds tighter than `or`, so a conjunction needs no parentheses here.
            Self::Or(terms) => chain(terms, " or ", |term| matches!(term, Self::Or(_)), f),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Comparison(comparison) => write!(f, "{comparison}"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::ValuePath(value_path) => write!(f, "{value_path}"),
        }
    }
}

fn chain<'a>(
    terms: &[Filter<'a>],
    connective: &str,
    needs_parentheses: impl Fn(&Filter<'a>) -> bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(connective)?;
        }
        if needs_parentheses(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.path, self.operator, self.value)
    }
}

impl fmt::Display for ValuePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.path, self.filter)
    }
}

impl fmt::Display for PatchPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path) => write!(f, "{path}"),
            Self::ValuePath { value_path, sub_attribute: None } => write!(f, "{value_path}"),
            Self::ValuePath { value_path, sub_attribute: Some(name) } => {
                write!(f, "{value_path}.{name}")
            }
            Self::Comparison(comparison) => write!(f, "{comparison}"),
            Self::Present(path) => write!(f, "{path} pr"),
        }
    }
}
