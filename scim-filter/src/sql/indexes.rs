//! What indexes find of a filter.

use super::mapping::{Form, Mapping, Place};
use super::source::{Set, is_equality};
use crate::expression::{Expression, Subject, Test};
use crate::operator::Operator;

impl Mapping {
    /// Whether indexes find all that meets a filter, so that a statement with its condition costs what
    /// meets a part of it, and not what is in the table. It goes by what was said with
    /// [`Column::indexed`](super::Column::indexed) and [`Rows::indexed`](super::Rows::indexed).
    ///
    /// What equals something is found, what is more or less, and how text begins; of an `and` one term
    /// has to be. Of an `or` all have to be, without what is more or less: a few of those together SQLite
    /// takes for more than there is in the table. Where it is false every resource may be looked at, and a
    /// store has to bound that.
    ///
    /// ```
    /// use scim_core::{Profile, ResourceType};
    /// use scim_filter::sql::{Column, Dialect, Form, Mapping};
    /// use scim_filter::{Limits, ResolvedFilter};
    ///
    /// let user = ResourceType::user();
    /// let mapping = Mapping::new(Dialect::Sqlite)
    ///     .column(user.attribute("userName").unwrap(), Column::new("login", Form::Folded).indexed())
    ///     .column(user.attribute("active").unwrap(), Column::new("enabled", Form::Boolean));
    /// let finds = |filter| {
    ///     let filter = ResolvedFilter::parse(filter, &user, &Profile::STRICT, &Limits::default());
    ///     mapping.finds(filter.unwrap().expression())
    /// };
    /// assert!(finds(r#"userName eq "bjensen" and active eq true"#));
    /// assert!(!finds(r#"userName eq "bjensen" or active eq true"#));
    /// assert!(!finds(r#"userName co "jensen""#));
    /// ```
    #[must_use]
    pub fn finds(&self, filter: &Expression) -> bool {
        *filter == Expression::Constant(false) || self.finds_terms(filter, false)
    }

    /// What holds never is not found as a term: databases don't see that it asks for nothing.
    fn finds_terms(&self, filter: &Expression, within_or: bool) -> bool {
        match filter {
            Expression::Constant(_) | Expression::Not(_) | Expression::Present(_) => false,
            Expression::And(terms) => terms.iter().any(|term| self.finds_terms(term, within_or)),
            Expression::Or(terms) => terms.iter().all(|term| self.finds_terms(term, true)),
            Expression::Compare(subject, test) => self.finds_values(subject, test, within_or),
            Expression::Elements(attribute, inner) => match self.place(attribute) {
                Some(Place::Rows(rows)) => Set::of(rows).finds(inner),
                Some(Place::Object(_)) => self.finds_terms(inner, within_or),
                Some(Place::Column(_) | Place::Nowhere | Place::OutOfReach) => false,
                // Its sub-attributes have places of their own, or there is none.
                None => self.document.is_none() && self.finds_terms(inner, within_or),
            },
        }
    }

    fn finds_values(&self, subject: &Subject, test: &Test, within_or: bool) -> bool {
        let Subject::Attribute(attribute) = subject else { return false };
        let place = self.place(attribute).or_else(|| self.place(&attribute.parent()));
        match place {
            Some(Place::Column(column)) => {
                let is_open = !is_equality(test) && !is_prefix(test);
                column.is_indexed && is_range(test, column.form) && !(is_open && within_or)
            }
            Some(Place::Rows(rows)) => Set::of(rows).finds_by(subject, test),
            Some(Place::Object(_) | Place::Nowhere | Place::OutOfReach) | None => false,
        }
    }
}

/// Whether the values that meet a test lie together, as they are held in a form.
fn is_range(test: &Test, form: Form) -> bool {
    let operator = match test {
        // A function stands between the column and the operand.
        Test::Text { is_folded: true, .. } | Test::Instant { .. } if form == Form::Text => {
            return false;
        }
        Test::Text { operator: Operator::StartsWith, .. } => return is_prefix(test),
        Test::Text { operator, .. }
        | Test::Integer { operator, .. }
        | Test::Decimal { operator, .. }
        | Test::Instant { operator, .. } => *operator,
        Test::Boolean { is_negated, .. } => return !is_negated,
    };
    match operator {
        Operator::Equal
        | Operator::GreaterThan
        | Operator::GreaterOrEqual
        | Operator::LessThan
        | Operator::LessOrEqual => true,
        Operator::NotEqual | Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
            false
        }
    }
}

fn is_prefix(test: &Test) -> bool {
    matches!(test, Test::Text { operand, operator: Operator::StartsWith, .. } if !operand.is_empty())
}
