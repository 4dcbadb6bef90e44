//! A connection that says exactly what it is told, whole or not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

use crate::server::{KEY, Server};

pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("it listens");
        Self { stream: BufReader::new(stream) }
    }

    /// The head of a request by `acme`; `headers` are whole lines without their ends.
    pub(crate) fn head(server: &Server, method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
        let target = server.scim_url().strip_prefix("http://").expect("it is an http URL");
        let target = target.strip_prefix(server.address()).expect("the URL begins so");
        let mut head =
            format!("{method} {target}{path} HTTP/1.1\r\nHost: {}\r\n", server.address());
        head.push_str(&format!("Authorization: Bearer {KEY}\r\n"));
        headers.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Sends bytes. The server may have hung up by then.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more comes.
    pub(crate) fn finish_sending(&self) {
        // The other side may be gone already.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Reads one answer; `None` when the connection ends instead.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        self.reply_to("GET")
    }

    /// Reads one answer to a request of that method, which for HEAD has no body.
    pub(crate) fn reply_to(&mut self, method: &str) -> Option<Reply> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            head.push(line.to_owned());
        }
        let status = head.first()?.split(' ').nth(1)?.parse().ok()?;
        let mut reply = Reply { status, head, body: Vec::new() };
        assert_eq!(reply.header("transfer-encoding"), None, "the length of an answer is known");
        let length =
            reply.header("content-length").map_or(0, |l| l.parse().expect("it is a number"));
        if method != "HEAD" {
            reply.body = vec![0; length];
            self.stream.read_exact(&mut reply.body).ok()?;
        }
        Some(reply)
    }

    /// Whether the server has closed its side and there is nothing left to read.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.stream.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }
}
