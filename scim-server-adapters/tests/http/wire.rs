//! HTTP/1.1 as bytes over a socket, so that no client library improves on a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::step::{Body, Request};

/// An answer. Header names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name)?;
        Some(std::str::from_utf8(&found.1).unwrap())
    }
}

/// A connection, and what has been read of it ahead.
pub(crate) struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A server that never answers fails the test instead of stopping it.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    /// Sends a request and reads its answer, while the connection stays open.
    pub(crate) fn exchange(&mut self, request: &Request) -> Answer {
        let bytes = bytes(request);
        let mut writer = self.stream.try_clone().unwrap();
        thread::scope(|scope| {
            // Sent while the answer is read already: a server may answer before it has read all.
            scope.spawn(move || writer.write_all(&bytes).unwrap());
            self.answer(request.method)
        })
    }

    /// The last exchange: the answer is all that comes before the server closes.
    pub(crate) fn last_exchange(mut self, request: &Request) -> Answer {
        let mut request = request.clone();
        request.headers.push(("connection", "close".to_owned()));
        let answer = self.exchange(&request);
        let mut rest = std::mem::take(&mut self.ahead);
        self.stream.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "", "after the answer to {request:?}");
        answer
    }

    /// Sends a request and leaves the answer to the caller.
    pub(crate) fn begin(mut self, request: &Request) -> TcpStream {
        let mut request = request.clone();
        request.headers.push(("connection", "close".to_owned()));
        self.send(&bytes(&request));
        self.stream
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads one answer to a request of that method; interim ones (100 Continue) are skipped.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        loop {
            let answer = self.any_answer(method);
            if answer.status >= 200 {
                return answer;
            }
        }
    }

    /// Reads one answer, interim or not.
    pub(crate) fn any_answer(&mut self, method: &str) -> Answer {
        let (status, headers) = self.head();
        let mut answer = Answer { status, headers, body: Vec::new() };
        let chunked = answer.header("transfer-encoding").is_some();
        let length = answer.header("content-length").map(|length| length.parse().unwrap());
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            assert!(!chunked, "an answer without a body is not in chunks: {answer:?}");
            return answer;
        }
        answer.body = match length {
            _ if chunked => self.chunks(),
            Some(length) => self.bytes(length),
            None => panic!("an answer without a length: {answer:?}"),
        };
        answer
    }

    fn head(&mut self) -> (u16, Vec<(String, Vec<u8>)>) {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response.parse(&self.ahead).unwrap();
            if let httparse::Status::Complete(length) = parsed {
                let status = response.code.unwrap();
                let headers = response
                    .headers
                    .iter()
                    .map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec()))
                    .collect();
                self.ahead.drain(..length);
                return (status, headers);
            }
            self.more();
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            self.more();
        }
        self.ahead.drain(..length).collect()
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.ahead).unwrap() {
                httparse::Status::Complete((start, size)) => {
                    self.ahead.drain(..start);
                    body.extend(self.bytes(size.try_into().unwrap()));
                    assert_eq!(self.bytes(2), b"\r\n");
                    if size == 0 {
                        return body;
                    }
                }
                httparse::Status::Partial => self.more(),
            }
        }
    }

    fn more(&mut self) {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the server closed the connection after {:?}", self.ahead);
        self.ahead.extend_from_slice(&buffer[..read]);
    }
}

/// The bytes of a request.
pub(crate) fn bytes(request: &Request) -> Vec<u8> {
    let mut out = format!("{} {} HTTP/1.1\r\nhost: 127.0.0.1\r\n", request.method, request.target)
        .into_bytes();
    for (name, value) in &request.headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    match &request.body {
        Body::None => out.extend_from_slice(b"\r\n"),
        Body::Sized(body) => {
            out.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            out.extend_from_slice(body);
        }
        Body::Chunked(body, size) => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in body.chunks(*size) {
                out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                out.extend_from_slice(chunk);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }
    out
}
