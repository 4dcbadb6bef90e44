//! Where an HTTP/1.1 response ends (RFC 9112 §6).

use anyhow::{Context as _, Result, bail};

/// A whole response at the beginning of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed {
    pub status: u16,
    /// Where the body begins; chunked ones still have their chunks' sizes in between.
    pub body: usize,
    pub end: usize,
    pub is_chunked: bool,
    /// Whether the server closes the connection.
    pub closes: bool,
}

/// What is known of a response that is still arriving.
#[derive(Debug, Default)]
pub struct Framing {
    head: Option<Framed>,
    /// Where the next chunk begins.
    chunk: usize,
}

const HEADERS: usize = 64;

impl Framing {
    /// The response, once all of it is in the buffer. Begins anew after one was complete.
    pub fn advance(&mut self, buffer: &[u8]) -> Result<Option<Framed>> {
        let mut head = match self.head {
            Some(head) => head,
            None => match read_head(buffer)? {
                Some(head) => {
                    self.head = Some(head);
                    self.chunk = head.body;
                    head
                }
                None => return Ok(None),
            },
        };
        if head.is_chunked {
            loop {
                let rest = buffer.get(self.chunk..).unwrap_or_default();
                let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest)
                else {
                    return Ok(None);
                };
                let next = self.chunk + line + usize::try_from(size)? + 2;
                if buffer.len() < next {
                    return Ok(None);
                }
                self.chunk = next;
                if size == 0 {
                    head.end = next;
                    break;
                }
            }
        }
        if buffer.len() < head.end {
            return Ok(None);
        }
        self.head = None;
        Ok(Some(head))
    }
}

fn read_head(buffer: &[u8]) -> Result<Option<Framed>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = response.parse(buffer).context("not HTTP")? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let mut framed = Framed { status, body, end: body, is_chunked: false, closes: false };
    let mut has_length = matches!(status, 204 | 304);
    for header in response.headers.iter() {
        let is = |name| header.name.eq_ignore_ascii_case(name);
        let value = String::from_utf8_lossy(header.value);
        if is("content-length") {
            framed.end = body + value.trim().parse::<usize>()?;
            has_length = true;
        } else if is("transfer-encoding") {
            framed.is_chunked = value.trim().eq_ignore_ascii_case("chunked");
        } else if is("connection") {
            framed.closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    if matches!(status, 204 | 304) {
        framed.end = body;
    } else if !has_length && !framed.is_chunked {
        bail!("a response with neither Content-Length nor chunks");
    }
    Ok(Some(framed))
}

/// The body of a response.
pub fn body(buffer: &[u8], framed: &Framed) -> Vec<u8> {
    let raw = buffer.get(framed.body..framed.end).unwrap_or_default();
    if !framed.is_chunked {
        return raw.to_vec();
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) {
        let end = line + size as usize;
        out.extend_from_slice(rest.get(line..end).unwrap_or_default());
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(response: &str) -> Framed {
        let bytes = response.as_bytes();
        let mut framing = Framing::default();
        for end in 0..bytes.len() {
            assert_eq!(framing.advance(&bytes[..end]).unwrap(), None, "{end} of {response:?}");
        }
        // What follows is the next response.
        let more = [bytes, b"HTTP/1.1 200"].concat();
        let framed = framing.advance(&more).unwrap().unwrap();
        assert_eq!(framed.end, bytes.len());
        framed
    }

    #[test]
    fn a_response_ends_where_its_length_or_its_last_chunk_says() {
        let framed = end_of("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!((framed.status, framed.closes), (200, false));
        let chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        let framed = end_of(chunked);
        assert_eq!(framed.status, 201);
        assert_eq!(body(chunked.as_bytes(), &framed), b"abc0123456789");
        let framed = end_of("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        assert!(framed.closes);
    }
}
