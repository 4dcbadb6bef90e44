//! What may differ between two answers to the same request: what is random, what is the time, and
//! what belongs to the connection.

use std::collections::HashMap;

use crate::step::Request;
use crate::wire::Answer;

/// What one service has given out, in order of appearance.
#[derive(Default)]
pub(crate) struct Names {
    ids: HashMap<String, usize>,
}

/// Headers of the connection and of the moment.
const OF_THE_SERVER: [&str; 4] = ["connection", "date", "keep-alive", "transfer-encoding"];

impl Names {
    /// The answer as any other way to the service gives it, too: ids are numbered, dates and
    /// cursors named, headers sorted.
    ///
    /// Dates are not numbered: whether two resources are created within the same microsecond is
    /// chance.
    pub(crate) fn normal(&mut self, request: &Request, answer: &Answer) -> Answer {
        let given_id = request.headers.iter().any(|(name, _)| *name == "x-request-id");
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()))
            // Else it is the length of the body, which is compared itself.
            .filter(|(name, _)| name != "content-length" || request.method == "HEAD")
            .filter(|(name, _)| name != "x-request-id" || given_id)
            .map(|(name, value)| (name.clone(), self.text(value)))
            .collect();
        headers.sort();
        Answer { status: answer.status, headers, body: self.text(&answer.body) }
    }

    fn text(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut rest = std::str::from_utf8(bytes).unwrap();
        let mut out = String::new();
        while let Some(first) = rest.chars().next() {
            let length = if let Some(id) = shaped(rest, ID) {
                let next = self.ids.len() + 1;
                let number = *self.ids.entry(id.to_owned()).or_insert(next);
                out.push_str(&format!("<id {number}>"));
                id.len()
            } else if let Some(date) = shaped(rest, DATE) {
                let fraction = rest[date.len()..].find('Z').unwrap();
                out.push_str("<date>");
                date.len() + fraction + 1
            } else if let Some(cursor) = rest.strip_prefix(CURSOR) {
                out.push_str(CURSOR);
                out.push_str("<cursor>");
                CURSOR.len() + cursor.find('"').unwrap()
            } else {
                out.push(first);
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        out.into_bytes()
    }
}

const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const DATE: &str = "0000-00-00T00:00:00";
const CURSOR: &str = r#""nextCursor":""#;

/// What of the text's beginning has that shape: `x` for a hexadecimal digit, `0` for a decimal one.
fn shaped<'t>(text: &'t str, shape: &str) -> Option<&'t str> {
    let head = text.get(..shape.len())?;
    let fits = |(c, s): (u8, u8)| match s {
        b'x' => c.is_ascii_hexdigit(),
        b'0' => c.is_ascii_digit(),
        _ => c == s,
    };
    head.bytes().zip(shape.bytes()).all(fits).then_some(head)
}

#[test]
fn what_is_random_is_named_and_the_rest_is_left() {
    let id = "0190c9de-0000-7000-8000-0123456789ab";
    let body = format!(
        r#"{{"id":"{id}","created":"2026-11-23T01:02:03.004005Z","nextCursor":"abc","n":"ü"}}"#
    );
    let answer = Answer {
        status: 200,
        headers: vec![
            ("x-request-id".to_owned(), id.into()),
            ("date".to_owned(), b"today".to_vec()),
            ("content-length".to_owned(), b"99".to_vec()),
            ("etag".to_owned(), b"W/\"1\"".to_vec()),
        ],
        body: body.into_bytes(),
    };
    let normal = Names::default().normal(&crate::step::get("/", 200).request, &answer);
    assert_eq!(normal.headers, [("etag".to_owned(), b"W/\"1\"".to_vec())]);
    assert_eq!(
        String::from_utf8(normal.body).unwrap(),
        r#"{"id":"<id 1>","created":"<date>","nextCursor":"<cursor>","n":"ü"}"#
    );
}
