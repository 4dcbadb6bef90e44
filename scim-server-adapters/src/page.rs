//! A page that is filled with what was found.

use crate::backend::{Members, Page, Position, Query, Stored};

/// A page of a [`Query`] that is being filled, for backends that find keys first and then read what
/// they belong to. It knows where the page ends: by [`Query::count`] and [`Query::member_limit`].
///
/// ```
/// use scim_server_adapters::{BackendError, Page, PageBuilder, Position, Query, Stored};
///
/// fn page(
///     query: &Query,
///     found: Vec<u64>, // one more than `query.count`, if there are so many
///     read: fn(u64, usize) -> Result<Stored, BackendError>, // a resource by key
/// ) -> Result<Page, BackendError> {
///     let mut page = PageBuilder::new(query);
///     for key in found {
///         let Some(member_limit) = page.room() else { break };
///         page.push(read(key, member_limit)?, Position::of(&key)?);
///     }
///     Ok(page.finish())
/// }
/// # let _ = page;
/// ```
#[derive(Debug)]
pub struct PageBuilder<'q> {
    query: &'q Query,
    resources: Vec<Stored>,
    /// How many members they have together.
    members: usize,
    /// Where the last of them is.
    last: Option<Position>,
    /// Whether something did not fit.
    has_more: bool,
}

impl<'q> PageBuilder<'q> {
    /// A page without resources.
    #[must_use]
    pub const fn new(query: &'q Query) -> Self {
        Self { query, resources: Vec::new(), members: 0, last: None, has_more: false }
    }

    /// There is one more match: how many of its members are read at most, if it may belong to the page.
    /// `None` if the page is full, and ends before it.
    pub fn room(&mut self) -> Option<usize> {
        self.has_more |= self.resources.len() >= self.query.count;
        if self.has_more {
            None
        } else {
            Some(self.query.member_limit.saturating_sub(self.members))
        }
    }

    /// Adds the match that [`room`](Self::room) was asked for, read with so many members, unless its
    /// members do not fit: then the page ends before it. The query goes on after `position`.
    pub fn push(&mut self, stored: Stored, position: Position) {
        if let Some(Members { list, next }) = &stored.members {
            let fits = next.is_none() && self.members + list.len() <= self.query.member_limit;
            if !fits && !self.resources.is_empty() {
                self.has_more = true;
                return;
            }
            self.members += list.len();
        }
        self.last = Some(position);
        self.resources.push(stored);
    }

    /// The page, without a total.
    #[must_use]
    pub fn finish(self) -> Page {
        let next = self.last.filter(|_| self.has_more);
        Page { resources: self.resources, total: None, next }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scim_core::{AttributeSet, DateTime, Member, ResourceId, ResourceType, Version};
    use serde_json::Map;

    use super::*;
    use crate::backend::{Body, QueryTarget, Start};

    fn query(count: usize, member_limit: usize) -> Query {
        let resource_type = ResourceType::group();
        let wanted = Arc::new(AttributeSet::default_for(&resource_type));
        Query {
            targets: vec![QueryTarget { resource_type, filter: None, sort: None, wanted }],
            order: None,
            start: Start::Offset(0),
            count,
            total: false,
            work_limit: 1_000,
            member_limit,
        }
    }

    /// The groups of a page out of groups of these sizes, as the sizes that are given, and the number
    /// of the last if there are more.
    fn page(sizes: &[usize], query: &Query) -> (Vec<usize>, Option<usize>) {
        let mut page = PageBuilder::new(query);
        for (number, size) in sizes.iter().enumerate() {
            let Some(limit) = page.room() else { break };
            let members = (0..*size).map(|n| (n, Member::new(n.to_string()))).collect();
            let (id, now) = (ResourceId::new(format!("g{number}")).unwrap(), DateTime::now());
            let body = Body::Attributes(Map::new());
            let mut group =
                Stored::new(&ResourceType::group(), id, Version::from(1), now, now, body);
            group.members = Some(Members::after(0, members, limit).unwrap());
            page.push(group, Position::of(&number).unwrap());
        }
        let Page { resources, next, .. } = page.finish();
        let sizes = resources.iter().map(|group| group.members.as_ref().unwrap().list.len());
        (sizes.collect(), next.map(|position| position.read().unwrap()))
    }

    #[test]
    fn a_page_ends_where_it_is_full() {
        let sizes = [0, 0, 0];
        assert_eq!(page(&sizes, &query(2, 9)), (vec![0, 0], Some(1)));
        assert_eq!(page(&sizes, &query(3, 9)), (vec![0, 0, 0], None));
        assert_eq!(page(&sizes, &query(4, 9)), (vec![0, 0, 0], None));
        assert_eq!(page(&sizes, &query(0, 9)), (vec![], None));
        assert_eq!(page(&[], &query(2, 9)), (vec![], None));
    }

    #[test]
    fn a_page_ends_before_the_group_that_exceeds_it_but_has_one() {
        let sizes = [2, 3, 0, 9, 1];
        assert_eq!(page(&sizes, &query(9, 5)), (vec![2, 3, 0], Some(2)));
        assert_eq!(page(&sizes, &query(9, 4)), (vec![2], Some(0)));
        assert_eq!(page(&sizes[2..], &query(9, 5)), (vec![0], Some(0)));
        assert_eq!(page(&sizes[3..], &query(9, 5)), (vec![5], Some(0)));
        assert_eq!(page(&sizes, &query(9, 15)), (vec![2, 3, 0, 9, 1], None));
    }
}
