//! What RFC 7644 asks of whoever issues credentials; see `docs/rfc-coverage.md`.

use std::collections::HashSet;

use crate::server::{Server, command};

/// RFC 7644 §7.4: "bearer tokens and cookies MUST contain sufficient entropy to prevent a random
/// guessing attack". 43 characters of base64url are 256 bits.
#[test]
fn a_key_is_made_of_256_random_bits() {
    let mut keys = HashSet::new();
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(command(folder.path()));
        let announced = server.announced("API key");
        let key = announced.split_whitespace().next().unwrap();
        let random = key.strip_prefix("scim_").unwrap();
        assert_eq!(random.len(), 43, "{random}");
        assert!(random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let distinct: HashSet<u8> = random.bytes().collect();
        assert!(distinct.len() > 15, "{random}");
        assert!(keys.insert(random.to_owned()), "no key is made twice");
        assert!(server.stop().status.success());
    }
}
