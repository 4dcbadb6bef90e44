//! Values as the tables of unique and of indexed values hold them.

use std::fmt::Write as _;

use scim_backend_sql::Key;
use sha2::{Digest as _, Sha256};

/// Bytes of text that stand in an index themselves: PostgreSQL bounds an entry, at 2,700 bytes.
const LONGEST: usize = 512;

/// Text that two keys of an attribute have in common when they are equal: the text itself behind a
/// letter, a hash where it is long, or a number in digits.
pub(crate) fn entry(key: &Key) -> String {
    match key {
        Key::Text(text) if text.len() <= LONGEST => format!("t{text}"),
        Key::Text(text) => {
            let mut entry = "h".to_owned();
            for byte in Sha256::digest(text.as_bytes()) {
                // Writing to a string cannot fail.
                let _ = write!(entry, "{byte:02x}");
            }
            entry
        }
        Key::Integer(number) => format!("i{number}"),
        Key::Real(number) => format!("r{:016x}", number.to_bits()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_has_one_entry_and_what_differs_has_others() {
        let long = "x".repeat(LONGEST + 1);
        let hash = entry(&Key::Text(long.clone()));
        assert_eq!(hash.len(), 65);
        let keys = [
            Key::Text("1".to_owned()),
            Key::Integer(1),
            Key::real(1.0),
            Key::Text(long.clone()),
            Key::Text(format!("{long}x")),
            // The text that a hash looks like is text.
            Key::Text(hash),
        ];
        for (i, one) in keys.iter().enumerate() {
            for (j, other) in keys.iter().enumerate() {
                assert_eq!(entry(one) == entry(other), i == j, "{one:?} {other:?}");
            }
        }
        assert_eq!(entry(&Key::real(-0.0)), entry(&Key::real(0.0)));
    }
}
