//! A query in the body of a POST (RFC 7644 §3.4.3, RFC 9865 §2).

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Message, SEARCH_REQUEST_URN};
use crate::error::Result;
use crate::json;
use crate::profile::{Profile, Quirks};

/// The direction of a sort (RFC 7644 §3.4.2.3). Exhaustive: the RFC closes the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SortOrder {
    /// From the least, unassigned values last; the default.
    #[default]
    Ascending,
    /// From the greatest, unassigned values first.
    Descending,
}

impl SortOrder {
    /// The order that the keyword names, in any case.
    #[must_use]
    pub fn from_keyword(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("ascending") {
            Some(Self::Ascending)
        } else if text.eq_ignore_ascii_case("descending") {
            Some(Self::Descending)
        } else {
            None
        }
    }
}

/// The parameters of a query, as the body of `POST /.search` or from the URL of a GET.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// The attributes to return and no others.
    pub attributes: Vec<String>,
    /// The attributes not to return.
    pub excluded_attributes: Vec<String>,
    /// The filter, as text.
    pub filter: Option<String>,
    /// The attribute to sort by.
    pub sort_by: Option<String>,
    /// The direction to sort in.
    pub sort_order: Option<SortOrder>,
    /// The 1-based index of the first result wanted; below 1 means 1.
    pub start_index: Option<i64>,
    /// How many results are wanted at most; below 0 means 0.
    pub count: Option<i64>,
    /// A cursor, empty for the first page (RFC 9865).
    pub cursor: Option<String>,
    /// The quirks that fired while reading.
    pub fired: Quirks,
}

impl SearchRequest {
    /// Reads the body of `POST /.search`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when it is not such a message.
    pub fn parse(body: &[u8], profile: &Profile) -> Result<Self> {
        Self::noting(json::parse_object(body)?, profile, &mut Quirks::default())
    }

    /// The same from JSON that is parsed already, and whether it succeeds or not, `fired` gets the
    /// quirks that fired.
    ///
    /// # Errors
    /// As [`SearchRequest::parse`].
    pub fn noting(body: Map<String, Value>, profile: &Profile, fired: &mut Quirks) -> Result<Self> {
        let mut own = Quirks::NONE;
        let read = Self::read(body, profile, &mut own);
        fired.extend(own);
        Ok(Self { fired: own, ..read? })
    }

    fn read(body: Map<String, Value>, profile: &Profile, fired: &mut Quirks) -> Result<Self> {
        let mut message = Message::new(body, "SearchRequest", SEARCH_REQUEST_URN, profile, fired)?;
        let sort_order = match message.take_string("sortOrder")? {
            None => None,
            Some(word) => Some(SortOrder::from_keyword(&word).ok_or_else(|| {
                message.unknown_word("sortOrder", &word, "`ascending`, `descending`")
            })?),
        };
        Ok(Self {
            attributes: message.take_strings("attributes")?,
            excluded_attributes: message.take_strings("excludedAttributes")?,
            filter: message.take_string("filter")?,
            sort_by: message.take_string("sortBy")?,
            sort_order,
            start_index: message.take_integer("startIndex")?,
            count: message.take_integer("count")?,
            cursor: message.take_string("cursor")?,
            fired: Quirks::NONE,
        })
    }
}

/// The body of `POST /.search`; what is not asked for is left out.
impl Serialize for SearchRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[SEARCH_REQUEST_URN])?;
        for (name, list) in
            [("attributes", &self.attributes), ("excludedAttributes", &self.excluded_attributes)]
        {
            if !list.is_empty() {
                map.serialize_entry(name, list)?;
            }
        }
        for (name, text) in
            [("filter", &self.filter), ("sortBy", &self.sort_by), ("cursor", &self.cursor)]
        {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(order) = &self.sort_order {
            map.serialize_entry("sortOrder", order)?;
        }
        for (name, number) in [("startIndex", self.start_index), ("count", self.count)] {
            if let Some(number) = number {
                map.serialize_entry(name, &number)?;
            }
        }
        map.end()
    }
}
