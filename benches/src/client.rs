//! One connection that waits for each answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::framing::{self, Framing};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| {
            format!("{} with {:?}", self.status, String::from_utf8_lossy(&self.body))
        })
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, stream: connect(address)?, buffer: Vec::new() })
    }

    /// Sends a request and waits for its answer.
    pub fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut framing = Framing::default();
        let mut part = [0; 64 * 1024];
        loop {
            let read = self.stream.read(&mut part)?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            self.buffer.extend_from_slice(&part[..read]);
            if let Some(framed) = framing.advance(&self.buffer)? {
                if framed.closes {
                    self.stream = connect(self.address)?;
                }
                let body = framing::body(&self.buffer, &framed);
                return Ok(Answer { status: framed.status, body });
            }
        }
    }

    /// The same, where anything but that status is a failure.
    pub fn expect(&mut self, status: u16, request: &[u8]) -> Result<Answer> {
        let answer = self.send(request)?;
        if answer.status != status {
            let body = String::from_utf8_lossy(&answer.body);
            bail!("{} and not {status}: {body}", answer.status);
        }
        Ok(answer)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
