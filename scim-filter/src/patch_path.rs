//! The path of a PATCH operation.

use scim_core::{AttributeRef, Profile};

use crate::attribute_path::AttributePath;
use crate::error::{ResolveError, SyntaxError};
use crate::filter::{Comparison, Filter, ValuePath};
use crate::parse_options::ParseOptions;
use crate::resolved::ValueFilter;

/// The `path` of a PATCH operation as written (RFC 7644 §3.5.2, Figure 7, with erratum 7122),
/// borrowing from its text.
///
/// Exhaustive: the grammar names these forms and no others.
///
/// ```
/// use scim_filter::PatchPath;
/// let path = PatchPath::parse(r#"emails[type eq "work"].value"#)?;
/// let PatchPath::ValuePath { value_path, sub_attribute } = &path else { panic!() };
/// assert_eq!(value_path.path.name(), "emails");
/// assert_eq!(*sub_attribute, Some("value"));
/// # Ok::<(), scim_filter::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum PatchPath<'a> {
    /// An attribute or a sub-attribute: `members`, `name.familyName`. Also the bare URN of an
    /// extension, which stands for the extension as a whole and can't be told from an attribute
    /// without the schemas.
    Attribute(AttributePath<'a>),
    /// The elements of an attribute that meet a filter, or a sub-attribute of these elements:
    /// `addresses[type eq "work"]`, `members[value eq "2819c223"].display`.
    ValuePath {
        /// The attribute and the filter.
        value_path: ValuePath<'a>,
        /// The name of the sub-attribute, if the path has one.
        sub_attribute: Option<&'a str>,
    },
    /// The values of a multi-valued attribute that is not complex which meet a comparison: `schemas
    /// eq "urn:…"` (erratum 7122).
    Comparison(Comparison<'a>),
    /// The values of such an attribute that are present: `schemas pr` (erratum 7122).
    Present(AttributePath<'a>),
}

impl<'a> PatchPath<'a> {
    /// Parses a path by the letter of the RFC, within the default [`Limits`](crate::Limits). For
    /// other limits, or clients with quirks, see [`ParseOptions`].
    ///
    /// # Errors
    /// [`SyntaxError`], with the position and what was expected there;
    /// [`SyntaxError::into_path_error`] makes the SCIM error of it.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        ParseOptions::new().path(text).map(|parsed| parsed.value)
    }

    /// The filter over the elements of `attribute`, which the caller found under
    /// [`attribute_path`](Self::attribute_path); `None` if the path has no filter.
    ///
    /// For a comparison or a test for presence it is over the elements themselves, which has a
    /// meaning only for a multi-valued attribute that is not complex (erratum 7122: otherwise 400
    /// `invalidPath`); that is for the caller to see to.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_filter(
        &self,
        attribute: &AttributeRef,
        profile: &Profile,
    ) -> Result<Option<ValueFilter>, ResolveError> {
        let element = |position| AttributePath::checked("value", position);
        match self {
            Self::Attribute(_) => Ok(None),
            Self::ValuePath { value_path, .. } => {
                value_path.filter.resolve_for_elements(attribute, profile).map(Some)
            }
            Self::Comparison(comparison) => {
                let path = element(comparison.path.position);
                let mut comparison = comparison.clone();
                comparison.path = path;
                Filter::Comparison(comparison).resolve_for_elements(attribute, profile).map(Some)
            }
            Self::Present(path) => Filter::Present(element(path.position))
                .resolve_for_elements(attribute, profile)
                .map(Some),
        }
    }

    /// The path of the attribute that it begins with.
    #[must_use]
    pub fn attribute_path(&self) -> &AttributePath<'a> {
        match self {
            Self::Attribute(path) | Self::Present(path) => path,
            Self::ValuePath { value_path, .. } => &value_path.path,
            Self::Comparison(comparison) => &comparison.path,
        }
    }
}

impl<'a> TryFrom<&'a str> for PatchPath<'a> {
    type Error = SyntaxError;

    fn try_from(text: &'a str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}
