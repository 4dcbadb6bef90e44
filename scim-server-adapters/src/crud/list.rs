//! What a list is asked for, and what it gives.

use std::sync::Arc;

use scim_core::{AttributeRef, ResourceId};
use scim_filter::{Expression, Operator, ResolvedFilter, Subject, Test};

/// Which resources a list is to give.
///
/// The names are those of SQL: with `id` as the primary key it is
/// `SELECT … WHERE id > $after ORDER BY id LIMIT $limit OFFSET $offset`. A product that gives
/// [`Listing::All`] need not look at it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListRequest {
    /// Begin behind the resource of this id, which may be gone by now; `None` for the beginning.
    /// Pages that clients walk by cursor begin so, and neither skip nor repeat a resource.
    pub after: Option<ResourceId>,
    /// Leave out that many first.
    pub offset: u64,
    /// How many to give at most. It may be 0, when only the total is asked for.
    pub limit: usize,
    /// Whether [`Listing::Page::total`] is wanted.
    pub total: bool,
    equal_to: Arc<[(AttributeRef, Box<str>)]>,
}

impl ListRequest {
    /// That page of all resources.
    pub(super) fn page(after: Option<ResourceId>, offset: u64, limit: usize, total: bool) -> Self {
        Self { after, offset, limit, total, equal_to: Arc::default() }
    }

    /// The same, of resources that may be looked up by those values.
    pub(super) fn looking_up(self, equal_to: Arc<[(AttributeRef, Box<str>)]>) -> Self {
        Self { equal_to, ..self }
    }

    /// The value that the wanted resources have in an attribute, if the query asks for one: for a
    /// product that has an index over it. Resources without it may be given all the same, as if
    /// this had not been asked: they are left out afterwards.
    ///
    /// The attribute is named by its path: `userName`, `externalId`, `emails.value`,
    /// `members.value`, `urn:…:enterprise:2.0:User:employeeNumber`; of many values one has to be
    /// equal. The value is put through [`fold`](scim_core::fold) unless the attribute is `caseExact`
    /// (`externalId` and `members.value` are), so an index holds folded values too.
    ///
    /// What identity providers ask most is `userName` and `externalId`. `members.value` is asked
    /// for the groups of a user.
    #[must_use]
    pub fn equal_to(&self, path: &str) -> Option<&str> {
        let asked = |(attribute, _): &&(AttributeRef, Box<str>)| {
            attribute.to_string().eq_ignore_ascii_case(path)
        };
        self.equal_to.iter().find(asked).map(|(_, value)| &**value)
    }
}

/// What a list gives. Exhaustive: all there is, or a part of it.
#[derive(Clone, Debug)]
pub enum Listing<T> {
    /// All that was asked for by [`ListRequest::equal_to`], or all there is: in any order, whatever
    /// page was asked for. Ids then order as text.
    All(Vec<T>),
    /// The page that was asked for.
    Page {
        /// The resources. Fewer than [`ListRequest::limit`] are the last.
        resources: Vec<T>,
        /// How many resources the tenant has on all pages, where [`ListRequest::total`] asks. With
        /// `None` they are counted page by page, within the work limit.
        total: Option<u64>,
    },
}

/// What a filter asks to be equal, of text: so much as every resource that meets it meets.
pub(super) fn equalities(filter: &ResolvedFilter) -> Arc<[(AttributeRef, Box<str>)]> {
    let mut found = Vec::new();
    collect(filter.expression(), &mut found);
    found.into()
}

fn collect(expression: &Expression, found: &mut Vec<(AttributeRef, Box<str>)>) {
    match expression {
        Expression::And(terms) => terms.iter().for_each(|term| collect(term, found)),
        // An element that meets the inner expression is one of the values.
        Expression::Elements(_, inner) => collect(inner, found),
        Expression::Compare(
            Subject::Attribute(attribute),
            Test::Text { operator: Operator::Equal, operand, .. },
        ) => found.push((attribute.clone(), operand.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use scim_core::{Profile, ResourceType};

    use super::*;

    fn request(filter: &str) -> ListRequest {
        let user = ResourceType::user();
        let limits = scim_filter::Limits::default();
        let filter = ResolvedFilter::parse(filter, &user, &Profile::STRICT, &limits).unwrap();
        ListRequest::default().looking_up(equalities(&filter))
    }

    #[test]
    fn what_all_matches_have_can_be_looked_up() {
        let asked = request(
            r#"userName eq "BJensen" and active eq true and externalId eq "A1" and emails[type eq "work" and value eq "B@x"]"#,
        );
        assert_eq!(asked.equal_to("username"), Some("bjensen"));
        assert_eq!(asked.equal_to("externalId"), Some("A1"));
        assert_eq!(asked.equal_to("emails.value"), Some("b@x"));
        assert_eq!(asked.equal_to("active"), None);
        let asked = request(
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "7""#,
        );
        let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
        assert_eq!(asked.equal_to(path), Some("7"));
    }

    #[test]
    fn what_only_some_matches_have_cannot() {
        for filter in [
            r#"userName eq "a" or userName eq "b""#,
            r#"not (userName eq "a")"#,
            r#"userName sw "a""#,
            r#"userName ne "a""#,
        ] {
            assert_eq!(request(filter).equal_to("userName"), None, "{filter}");
        }
    }
}
