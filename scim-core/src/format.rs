//! The formats that RFC 7643 gives values beyond their data type: country codes, certificates,
//! URIs.

/// Whether it has the form of an ISO 3166-1 alpha-2 code (RFC 7643 §4.1.2).
pub(crate) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Whether it is a URI or a relative reference (RFC 3986 §4.1, RFC 7643 §2.3.7): its characters, its
/// percent-encoding, and its scheme.
pub(crate) fn is_uri_reference(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let allowed = match first {
            b'%' => matches!(tail, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            other => other.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(other),
        };
        if !allowed {
            return false;
        }
    }
    // A colon before any slash ends a scheme, which a relative reference cannot have (§4.2).
    let before_path = text.split(['/', '?', '#']).next().unwrap_or_default();
    match before_path.split_once(':') {
        None => !text.is_empty(),
        Some((scheme, _)) => {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        }
    }
}

/// Whether it is the DER encoding of one X.509 certificate, and not of several (RFC 7643 §4.1.2):
/// a sequence of what is signed, an algorithm and a signature, and nothing after it
/// (RFC 5280 §4.1).
pub(crate) fn is_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let Some((certificate, [])) = take(der, SEQUENCE) else { return false };
    let parts = take(certificate, SEQUENCE)
        .and_then(|(_, rest)| take(rest, SEQUENCE))
        .and_then(|(_, rest)| take(rest, BIT_STRING));
    matches!(parts, Some((_, [])))
}

/// The content of the DER value of that tag at the beginning, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(*length), rest),
        // The long form says how many bytes hold the length; none at all is no DER.
        0x80 | 0x85.. => return None,
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
    };
    rest.split_at_checked(length).filter(|_| *first == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters() {
        assert!(["US", "SE", "se"].iter().all(|code| is_country(code)));
        assert!(["", "U", "USA", "U1", "Sweden", "ÅÅ", "é"].iter().all(|text| !is_country(text)));
    }

    #[test]
    fn uri_references() {
        for uri in [
            "https://example.com/v2/Users/1",
            "../Users/1",
            "Users/1",
            "1",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "mailto:a@example.com",
            "https://[2001:db8::1]/a%20b?x=1#y",
            "./a:b",
            "/a:b",
            "#x",
        ] {
            assert!(is_uri_reference(uri), "{uri}");
        }
        for text in
            ["", "a b", "a\"b", "<a>", "%", "%2", "%zz", "ü", ":a", "1a:b", "a_b:c", "a\nb", "{x}"]
        {
            assert!(!is_uri_reference(text), "{text}");
        }
    }

    #[test]
    fn one_certificate_and_nothing_else() {
        let value = |tag: u8, content: &[u8]| -> Vec<u8> {
            let length = content.len();
            let mut der = vec![tag];
            match u8::try_from(length) {
                Ok(short @ 0..0x80) => der.push(short),
                Ok(byte) => der.extend([0x81, byte]),
                Err(_) => der.extend([0x82, (length >> 8) as u8, length as u8]),
            }
            der.extend(content);
            der
        };
        let sequence = |parts: &[&[u8]]| value(0x30, &parts.concat());
        for size in [0, 100, 200, 1000] {
            let signed = value(0x30, &vec![0; size]);
            let algorithm = value(0x30, &[0x06, 0x01, 0x2a]);
            let signature = value(0x03, &[0, 1]);
            let one = sequence(&[&signed, &algorithm, &signature]);
            assert!(is_certificate(&one));
            assert!(!is_certificate(&[one.clone(), one.clone()].concat()), "two in a row");
            assert!(!is_certificate(&sequence(&[&one])), "a sequence of one");
            assert!(!is_certificate(&sequence(&[&one, &one, &one])), "a sequence of three");
            assert!(!is_certificate(&sequence(&[&signed, &algorithm])));
            assert!(!is_certificate(&one[..one.len() - 1]));
            assert!(!is_certificate(&sequence(&[&signed, &algorithm, &signature, &[5, 0]])));
        }
        for text in [&b""[..], b"hello", &[0x30], &[0x30, 0x80, 0, 0], &[0x30, 0x85, 0, 0, 0, 0, 0]]
        {
            assert!(!is_certificate(text));
        }
    }
}
