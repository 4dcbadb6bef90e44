//! The answer to a query (RFC 7644 §3.4.2, RFC 9865 §2).

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::LIST_RESPONSE_URN;

/// One page of the results of a query.
///
/// `Resources` is always written, empty if need be (errata.md O7). With index pagination
/// `start_index` is set; with cursor pagination `next_cursor` is, on every page but the last.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResponse<T> {
    /// How many resources meet the query over all pages; `None` where a cursor-paged query cannot
    /// tell.
    pub total_results: Option<u64>,
    /// How many resources this page holds (erratum 6010); 0 where a server leaves it out, as one
    /// may that does not page.
    #[serde(default)]
    pub items_per_page: u64,
    /// The 1-based index of the first resource of this page.
    pub start_index: Option<u64>,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// The cursor of the page before.
    pub previous_cursor: Option<String>,
    /// The resources.
    #[serde(rename = "Resources", default = "Vec::new")]
    pub resources: Vec<T>,
}

impl<T> ListResponse<T> {
    /// A page of an index-paged query.
    #[must_use]
    pub fn indexed(total_results: u64, start_index: u64, resources: Vec<T>) -> Self {
        Self {
            total_results: Some(total_results),
            items_per_page: resources.len() as u64,
            start_index: Some(start_index),
            next_cursor: None,
            previous_cursor: None,
            resources,
        }
    }
}

impl<T: Serialize> Serialize for ListResponse<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[LIST_RESPONSE_URN])?;
        if let Some(total) = self.total_results {
            map.serialize_entry("totalResults", &total)?;
        }
        if let Some(start) = self.start_index {
            map.serialize_entry("startIndex", &start)?;
        }
        map.serialize_entry("itemsPerPage", &self.items_per_page)?;
        if let Some(cursor) = &self.next_cursor {
            map.serialize_entry("nextCursor", cursor)?;
        }
        if let Some(cursor) = &self.previous_cursor {
            map.serialize_entry("previousCursor", cursor)?;
        }
        map.serialize_entry("Resources", &self.resources)?;
        map.end()
    }
}
