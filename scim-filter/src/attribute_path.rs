//! The name of an attribute as a filter or a PATCH path writes it.

use std::fmt;

use crate::error::SyntaxError;
use crate::parser;

/// An attribute path as written: `[URI ":"] name ["." sub-attribute]` (RFC 7644 §3.4.2.2 and
/// §3.10).
///
/// Syntax only. A schema URI may itself hold colons and dots, so where it ends can't be known
/// without the schemas; [`uri`](Self::uri), [`name`](Self::name) and
/// [`sub_attribute`](Self::sub_attribute) split at the last colon, and resolution goes by
/// [`as_str`](Self::as_str) and the longest schema URI that is registered.
///
/// Equality goes by the text alone.
///
/// ```
/// use scim_filter::AttributePath;
/// let path = AttributePath::parse(
///     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
/// )?;
/// assert_eq!(path.uri(), Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"));
/// assert_eq!(path.name(), "manager");
/// assert_eq!(path.sub_attribute(), Some("displayName"));
/// # Ok::<(), scim_filter::SyntaxError>(())
/// ```
#[derive(Clone, Copy)]
pub struct AttributePath<'a> {
    text: &'a str,
    pub(crate) position: u32,
}

impl<'a> AttributePath<'a> {
    /// Parses a path that stands alone.
    ///
    /// # Errors
    /// [`SyntaxError`] if the text is no attribute path, or more than one.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        parser::attribute_path(text)
    }

    /// A path that the parser has checked, `position` bytes into its source.
    pub(crate) const fn checked(text: &'a str, position: u32) -> Self {
        Self { text, position }
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// What stands before the last colon, if there is one.
    #[must_use]
    pub fn uri(&self) -> Option<&'a str> {
        self.text.rsplit_once(':').map(|(uri, _)| uri)
    }

    /// The attribute's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.local().split_once('.').map_or(self.local(), |(name, _)| name)
    }

    /// The sub-attribute's name, if the path has one.
    #[must_use]
    pub fn sub_attribute(&self) -> Option<&'a str> {
        self.local().split_once('.').map(|(_, sub_attribute)| sub_attribute)
    }

    /// Where the path begins, in bytes from the beginning of the filter that it was parsed from.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position as usize
    }

    fn local(&self) -> &'a str {
        self.text.rsplit_once(':').map_or(self.text, |(_, local)| local)
    }
}

impl PartialEq for AttributePath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for AttributePath<'_> {}

impl fmt::Display for AttributePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for AttributePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttributePath").field(&self.text).finish()
    }
}
