//! Cursors (RFC 9865): a position in the results of a query, sealed, so that the server keeps
//! nothing and the client learns and forges nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use scim_core::{DateTime, ScimError, ScimType};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::backend::Position;

const NONCE_BYTES: usize = 24;

/// The key that cursors are sealed with. A store keeps it, so that a cursor works after a restart
/// and on every node that shares the store.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// A key that was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// What a cursor holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(rename = "p")]
    position: Vec<u8>,
    /// `totalResults` of the first page: it stays what it was then.
    #[serde(rename = "t")]
    pub(crate) total: Option<u64>,
    #[serde(rename = "c")]
    pub(crate) count: usize,
    /// When the first page was asked for, in microseconds.
    #[serde(rename = "s")]
    started: i64,
}

impl Cursor {
    pub(crate) fn new(
        position: Position,
        total: Option<u64>,
        count: usize,
        started: DateTime,
    ) -> Self {
        Self { position: position.0.into_vec(), total, count, started: started.as_micros() }
    }

    pub(crate) fn position(&self) -> Position {
        Position(self.position.clone().into())
    }

    pub(crate) fn started(&self) -> DateTime {
        DateTime::from_micros(self.started).unwrap_or_else(DateTime::now)
    }

    /// The cursor as text of unreserved URI characters, good for this query only.
    ///
    /// # Errors
    /// 500 if sealing fails, which it does only beyond 256 GiB.
    pub(crate) fn seal(&self, key: &CursorKey, query: &QueryId) -> Result<String, ScimError> {
        let failed = || ScimError::with_status(500, "internal error");
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let plain = serde_json::to_vec(self).map_err(|_| failed())?;
        let sealed = cipher(key)
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &query.0 })
            .map_err(|_| failed())?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Reads a cursor that [`Cursor::seal`] made for the same query.
    ///
    /// # Errors
    /// 400 `invalidCursor` when it is forged or belongs to another tenant or query, 400
    /// `expiredCursor` when its first page was asked for more than `timeout` seconds ago.
    pub(crate) fn open(
        text: &str,
        key: &CursorKey,
        query: &QueryId,
        now: DateTime,
        timeout: u32,
    ) -> Result<Self, ScimError> {
        let invalid = || {
            ScimError::new(
                ScimType::InvalidCursor,
                "the cursor is not one that this server gave for this query",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(invalid)?;
        let plain = cipher(key)
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &query.0 })
            .map_err(|_| invalid())?;
        let cursor: Self = serde_json::from_slice(&plain).map_err(|_| invalid())?;
        if now.as_micros().saturating_sub(cursor.started) > i64::from(timeout) * 1_000_000 {
            return Err(ScimError::new(ScimType::ExpiredCursor, "the cursor has expired"));
        }
        Ok(cursor)
    }
}

/// What a cursor is bound to: the tenant and all of the query but `count`, whose change has an
/// error of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryId([u8; 32]);

impl QueryId {
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length in front: no two lists of parts run together into one text.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

fn cipher(key: &CursorKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(key.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor::new(Position([1, 2, 3].into()), Some(9), 2, DateTime::now())
    }

    fn open(
        text: &str,
        key: &CursorKey,
        query: &QueryId,
        timeout: u32,
    ) -> Result<Cursor, ScimError> {
        Cursor::open(text, key, query, DateTime::now(), timeout)
    }

    #[test]
    fn a_cursor_opens_for_its_query_only_and_is_made_of_unreserved_characters() {
        let (key, query) = (CursorKey::generate(), QueryId::of(["acme", "Users"]));
        let text = cursor().seal(&key, &query).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
        assert_eq!(open(&text, &key, &query, 60).unwrap().position(), cursor().position());
        for (key, query) in [
            (CursorKey::generate(), query.clone()),
            (key.clone(), QueryId::of(["globex", "Users"])),
            (key.clone(), QueryId::of(["acmeUsers"])),
        ] {
            let error = open(&text, &key, &query, 60).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidCursor));
        }
    }

    #[test]
    fn a_cursor_that_was_tampered_with_or_is_none_is_invalid() {
        let (key, query) = (CursorKey::generate(), QueryId::of([]));
        let mut text = cursor().seal(&key, &query).unwrap();
        let last = if text.ends_with('A') { 'Q' } else { 'A' };
        text.pop();
        text.push(last);
        for text in [text.as_str(), "", "x", "!!!", "MTIz"] {
            let error = open(text, &key, &query, 60).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidCursor), "{text}");
        }
    }

    #[test]
    fn an_old_cursor_has_expired() {
        let (key, query) = (CursorKey::generate(), QueryId::of([]));
        let mut old = cursor();
        old.started -= 61_000_000;
        let text = old.seal(&key, &query).unwrap();
        let error = open(&text, &key, &query, 60).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::ExpiredCursor));
    }
}
