//! The bounds that every request is held to.

use std::time::Duration;

/// Bounds on what one request may cost. Every one is settable; the defaults suit a server that
/// faces the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest request body, in bytes (default 1 MiB); beyond it the answer is 413.
    pub body_bytes: usize,
    /// The most operations of a bulk request (default 1,000); beyond it the answer is 413. Its size
    /// is bounded as that of any body.
    pub bulk_operations: usize,
    /// The largest page (default 1,000); a greater `count` is cut to it.
    pub max_page_size: usize,
    /// The size of a page when the client names none (default 100).
    pub default_page_size: usize,
    /// How many members the groups of one page of a list have together (default 100,000); a page ends
    /// before the group that would exceed it. Of a group that exceeds it alone, the rest is read
    /// while the answer is sent. What is read before the answer to a list begins goes by this, not by
    /// [`Limits::members_at_once`].
    pub page_members: usize,
    /// How many members of a group are read before the answer with that group begins, to a GET by id
    /// or a PATCH (default 10,000). The rest of a larger group is read some at a time while the
    /// answer is sent, never more than this at a time, in lists too: [`ScimBody`] says what that means
    /// for its reader.
    ///
    /// [`ScimBody`]: crate::ScimBody
    pub members_at_once: usize,
    /// How long a walk by cursor may take, in seconds from its first page (default one day);
    /// beyond it a cursor has expired.
    pub cursor_seconds: u32,
    /// How long a request may take (default 30 seconds); beyond it the answer is 503. A write may
    /// have happened or not. Each part of an answer that is sent while it is read may take as long
    /// again; beyond it the answer breaks off.
    pub time: Duration,
    /// How many resources may be examined to answer one query (default 10,000); beyond it the
    /// answer is 400 `tooMany`. So it is when the service evaluates a filter on members itself, for a
    /// backend that cannot, and a group has more of them than a page may hold.
    pub work: usize,
    /// The depth, the number of terms and the length of a filter.
    pub filter: scim_filter::Limits,
    /// A PATCH of a group that has more members than this afterwards answers 204 instead of sending
    /// the group (default 100), whatever the profile; unless it asks for attributes (RFC 7644
    /// §3.5.2).
    pub patch_members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            bulk_operations: 1_000,
            max_page_size: 1_000,
            default_page_size: 100,
            page_members: 100_000,
            members_at_once: 10_000,
            cursor_seconds: 86_400,
            time: Duration::from_secs(30),
            work: 10_000,
            filter: scim_filter::Limits::default(),
            patch_members: 100,
        }
    }
}
