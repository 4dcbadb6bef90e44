//! The load generator: a fixed number of connections that are kept, each with one request under way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::framing::Framing;
use crate::stats::percentile;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much load, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub threads: usize,
    /// What happens first is not counted.
    pub warm_up: Duration,
    pub time: Duration,
    /// Requests after which it ends in any case.
    pub most: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Answers with a status of success.
    pub answered: u64,
    /// Answers with another status, and connections that broke.
    pub failed: u64,
    /// All answers, with those of the warm-up.
    pub in_all: u64,
    pub seconds: f64,
    /// Bytes received.
    pub received: u64,
    /// Of each answer, in microseconds.
    latencies: Vec<f64>,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    pub fn median(&self) -> f64 {
        percentile(&self.latencies, 0.5)
    }

    pub fn p99(&self) -> f64 {
        percentile(&self.latencies, 0.99)
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.in_all += other.in_all;
        self.received += other.received;
        self.seconds = self.seconds.max(other.seconds);
        self.latencies.extend(other.latencies);
    }
}

/// Writes request number `n`.
pub type Requests<'a> = dyn Fn(u64, &mut Vec<u8>) + Sync + 'a;

/// Keeps every connection busy until the time or the requests are used up.
pub fn run(load: Load, requests: &Requests<'_>) -> Result<Outcome> {
    let next = AtomicU64::new(0);
    let threads = load.threads.clamp(1, load.connections.max(1));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let share = (thread..load.connections).step_by(threads).count();
                let next = &next;
                scope.spawn(move || Worker::new(load, requests, next, share)?.work())
            })
            .collect();
        let mut outcome = Outcome::default();
        for worker in workers {
            let part = worker.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            outcome.add(part?);
        }
        Ok(outcome)
    })
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    framing: Framing,
    started: Instant,
    is_idle: bool,
}

struct Worker<'a> {
    load: Load,
    requests: &'a Requests<'a>,
    next: &'a AtomicU64,
    poll: Poll,
    connections: Vec<Connection>,
    outcome: Outcome,
    counts_from: Instant,
    ends: Instant,
}

impl<'a> Worker<'a> {
    fn new(
        load: Load,
        requests: &'a Requests<'a>,
        next: &'a AtomicU64,
        share: usize,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(share);
        for place in 0..share {
            let stream = connect(load.address, &poll, place)?;
            connections.push(Connection {
                stream,
                request: Vec::new(),
                sent: 0,
                received: Vec::new(),
                framing: Framing::default(),
                started: Instant::now(),
                is_idle: true,
            });
        }
        let counts_from = Instant::now() + load.warm_up;
        let ends = counts_from + load.time;
        let outcome = Outcome::default();
        Ok(Self { load, requests, next, poll, connections, outcome, counts_from, ends })
    }

    fn work(mut self) -> Result<Outcome> {
        for place in 0..self.connections.len() {
            self.begin(place);
            self.write(place)?;
        }
        let mut events = Events::with_capacity(1024);
        let mut part = vec![0; 256 * 1024];
        while self.connections.iter().any(|connection| !connection.is_idle) {
            match self.poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            anyhow::ensure!(!events.is_empty(), "no answer within {PATIENCE:?}");
            for event in &events {
                let Token(place) = event.token();
                if self.connections[place].is_idle {
                    continue;
                }
                if event.is_writable() {
                    self.write(place)?;
                }
                if event.is_readable() {
                    self.read(place, &mut part)?;
                }
            }
        }
        let counted = Instant::now().min(self.ends).duration_since(self.counts_from.min(self.ends));
        self.outcome.seconds = counted.as_secs_f64();
        Ok(self.outcome)
    }

    /// Takes up the next request, if there is one and still time.
    fn begin(&mut self, place: usize) {
        let connection = &mut self.connections[place];
        connection.is_idle = true;
        if Instant::now() >= self.ends {
            return;
        }
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        if n >= self.load.most {
            // Nobody counts on what is over.
            self.ends = self.ends.min(Instant::now());
            return;
        }
        connection.is_idle = false;
        connection.request.clear();
        connection.received.clear();
        connection.sent = 0;
        connection.framing = Framing::default();
        (self.requests)(n, &mut connection.request);
        connection.started = Instant::now();
    }

    fn write(&mut self, place: usize) -> Result<()> {
        let Connection { stream, request, sent, .. } = &mut self.connections[place];
        while *sent < request.len() {
            match stream.write(&request[*sent..]) {
                Ok(written) => *sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                Err(_) => return self.broken(place),
            }
        }
        Ok(())
    }

    fn read(&mut self, place: usize, part: &mut [u8]) -> Result<()> {
        loop {
            let connection = &mut self.connections[place];
            if connection.is_idle {
                return Ok(());
            }
            let read = match connection.stream.read(part) {
                Ok(0) => return self.broken(place),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return self.broken(place),
            };
            connection.received.extend_from_slice(&part[..read]);
            let Some(framed) = connection.framing.advance(&connection.received)? else { continue };
            let now = Instant::now();
            self.outcome.in_all += 1;
            if now >= self.counts_from && now < self.ends {
                if (200..300).contains(&framed.status) {
                    self.outcome.answered += 1;
                    self.outcome.received += framed.end as u64;
                    let took = now.duration_since(connection.started);
                    self.outcome.latencies.push(took.as_secs_f64() * 1e6);
                } else {
                    self.outcome.failed += 1;
                }
            }
            if framed.closes {
                self.reconnect(place)?;
            }
            self.begin(place);
            self.write(place)?;
        }
    }

    fn broken(&mut self, place: usize) -> Result<()> {
        self.outcome.failed += 1;
        self.outcome.in_all += 1;
        self.reconnect(place)?;
        self.begin(place);
        self.write(place)
    }

    fn reconnect(&mut self, place: usize) -> Result<()> {
        self.connections[place].stream = connect(self.load.address, &self.poll, place)?;
        Ok(())
    }
}

fn connect(address: SocketAddr, poll: &Poll, place: usize) -> Result<TcpStream> {
    // Connected before it is polled: what is measured is requests, not connecting.
    let stream = std::net::TcpStream::connect(address)
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}
