//! Filters that are ready to be evaluated, here or in a store.

use std::sync::Arc;

use scim_core::{AttributeRef, Profile, Quirks, ResourceType};
use serde_json::{Map, Value};

use crate::error::FilterError;
use crate::evaluate::Candidate;
use crate::expression::{Expression, Subject, Test};
use crate::limits::Limits;
use crate::operator::Operator;
use crate::parse_options::ParseOptions;

/// A filter over the resources of one type. Owned, and cheap to clone and to send between threads.
///
/// ```
/// use scim_core::{Profile, ResourceType};
/// use scim_filter::{Limits, ResolvedFilter};
/// use serde_json::json;
///
/// let user = ResourceType::user();
/// let filter = ResolvedFilter::parse(
///     r#"userType eq "employee" and not (emails co "example.org")"#,
///     &user,
///     &Profile::STRICT,
///     &Limits::default(),
/// )?;
/// let resource = json!({"userType": "Employee", "emails": [{"value": "bj@example.com"}]});
/// assert!(filter.matches(resource.as_object().unwrap()));
/// # Ok::<(), scim_filter::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedFilter {
    expression: Arc<Expression>,
    fired: Quirks,
}

impl ResolvedFilter {
    pub(crate) fn new(expression: Expression, fired: Quirks) -> Self {
        Self { expression: Arc::new(expression), fired }
    }

    /// Parses a filter and resolves it, by the quirks and validations of a profile.
    ///
    /// # Errors
    /// As [`ParseOptions::filter`] and [`Filter::resolve`](crate::Filter::resolve).
    pub fn parse(
        text: &str,
        resource_type: &ResourceType,
        profile: &Profile,
        limits: &Limits,
    ) -> Result<Self, FilterError> {
        let options = ParseOptions::new().with_limits(*limits).with_quirks(profile.quirks());
        let parsed = options.filter(text)?;
        let resolved = parsed.value.resolve(resource_type, profile);
        let mut resolved = resolved.map_err(|error| error.after(parsed.fired))?;
        resolved.fired.extend(parsed.fired);
        Ok(resolved)
    }

    /// What it asks, for a store to translate.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The quirks that it made use of: while it was resolved, and while it was parsed if that was
    /// done by [`ResolvedFilter::parse`].
    #[must_use]
    pub fn fired(&self) -> Quirks {
        self.fired
    }

    /// Whether it holds for a resource of the type that it was resolved for, given in canonical
    /// JSON as a whole: with `id` and `meta`, and its extensions under their URN.
    #[must_use]
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.expression.holds(Candidate::Resource(resource))
    }
}

/// A filter over the elements of one attribute: what stands in the brackets of a PATCH path.
/// Owned, and cheap to clone and to send between threads.
///
/// ```
/// use scim_core::{Profile, ResourceType};
/// use scim_filter::Filter;
/// use serde_json::json;
///
/// let emails = ResourceType::user().attribute("emails").unwrap();
/// let filter = Filter::parse(r#"type eq "work""#)?.resolve_for_elements(&emails, &Profile::STRICT)?;
/// assert!(filter.matches(&json!({"value": "bj@example.com", "type": "Work"})));
/// assert!(!filter.matches(&json!({"value": "bj@example.com", "type": "home"})));
/// # Ok::<(), scim_filter::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ValueFilter {
    attribute: AttributeRef,
    expression: Arc<Expression>,
    fired: Quirks,
}

impl ValueFilter {
    pub(crate) fn new(attribute: AttributeRef, expression: Expression, fired: Quirks) -> Self {
        Self { attribute, expression: Arc::new(expression), fired }
    }

    /// The attribute whose elements it is about.
    #[must_use]
    pub fn attribute(&self) -> &AttributeRef {
        &self.attribute
    }

    /// What it asks of an element, for a store to translate.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The quirks that it made use of while it was resolved.
    #[must_use]
    pub fn fired(&self) -> Quirks {
        self.fired
    }

    /// Whether it holds for an element, given in canonical JSON.
    #[must_use]
    pub fn matches(&self, element: &Value) -> bool {
        self.expression.holds(Candidate::Element(element))
    }

    /// The texts that it asks the named sub-attribute to be equal to, if that is all it asks: one
    /// for `value eq "a"`, more where such comparisons are joined by `or`. They are put through
    /// [`fold`](scim_core::fold) unless the sub-attribute is `caseExact`.
    ///
    /// So whoever keeps the elements under this sub-attribute can look them up rather than go
    /// through all of them.
    #[must_use]
    pub fn equal_to(&self, sub_attribute: &str) -> Option<Vec<&str>> {
        let terms = match &*self.expression {
            Expression::Or(terms) => terms.as_slice(),
            only => std::slice::from_ref(only),
        };
        terms
            .iter()
            .map(|term| match term {
                Expression::Compare(
                    Subject::Attribute(attribute),
                    Test::Text { operator: Operator::Equal, operand, .. },
                ) if attribute.leaf().name == sub_attribute => Some(&**operand),
                _ => None,
            })
            .collect()
    }
}
