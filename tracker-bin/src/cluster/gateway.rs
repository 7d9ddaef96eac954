//! Asks etcd by its JSON gateway: small HTTP/1.1 requests, one at a time a connection, at whichever server answers. A server
//! that does not answer in time is passed over; so every question must be one that may be asked twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use potok_core::model::cluster::EtcdUrl;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::tls::{self, EtcdTls};
use super::wire::{Refused, Streamed};

/// How long one server has for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How long a connection to one may take.
const CONNECT_MAX: Duration = Duration::from_millis(700);
/// How long is waited after all servers have failed.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections that are kept to each server for the next question.
const IDLE_MAX: usize = 32;

/// The servers of etcd.
pub(super) struct Gateway {
    servers: Vec<Server>,
    /// The one that answered last.
    preferred: AtomicUsize,
    tls: Option<EtcdTls>,
}

struct Server {
    url: EtcdUrl,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No server answers, or the one that does has no majority.
    #[error("{server}: {why}")]
    Unreachable { server: EtcdUrl, why: String },
    /// It answers that it cannot be so.
    #[error("etcd: {}", .0.message)]
    Refused(Refused),
}

/// What gRPC calls what will pass: cancelled, deadline exceeded, resource exhausted, aborted, unavailable.
const PASSING: &[i64] = &[1, 4, 8, 10, 14];
/// What it calls a revision that was compacted away, or is not there yet.
const OUT_OF_RANGE: i64 = 11;
/// What etcd says that has used up its quota. All servers say so, until somebody makes room.
const IS_FULL: &str = "database space exceeded";

impl CallError {
    fn will_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refused) => PASSING.contains(&refused.code) && !self.is_full(),
        }
    }

    /// Whether etcd has no room for anything more.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.message.contains(IS_FULL))
    }

    /// Whether etcd does not have what was asked for at that revision.
    pub(super) fn is_out_of_range(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == OUT_OF_RANGE)
    }
}

impl Gateway {
    pub(super) fn new(servers: &[EtcdUrl], tls: Option<EtcdTls>) -> Self {
        let servers = servers.iter().map(|url| Server { url: url.clone(), idle: Mutex::default() }).collect();
        Self { servers, preferred: AtomicUsize::new(0), tls }
    }

    /// Asks until a server answers, or until `by`.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
        by: Instant,
    ) -> Result<T, CallError> {
        let body = body_of(question);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let at = self.preferred.load(Ordering::Relaxed);
            let attempt_by = by.min(Instant::now() + ANSWER_MAX);
            let answer = timeout_at(attempt_by, self.call_at(at, path, body.clone())).await;
            let answer = answer.unwrap_or_else(|_late| Err(self.unreachable(at, "it does not answer")));
            match answer {
                Err(error) if error.will_pass() => {
                    self.pass_over(at);
                    if Instant::now() >= by {
                        return Err(error);
                    }
                    if attempts % self.servers.len() == 0 {
                        sleep(PAUSE).await;
                    }
                }
                Err(error) => return Err(error),
                Ok(body) => {
                    return serde_json::from_slice(&body).map_err(|why| self.unreachable(at, &why.to_string()));
                }
            }
        }
    }

    /// Asks for a stream, at the server that answered last.
    pub(super) async fn stream(&self, path: &str, question: &impl Serialize) -> Result<Stream, CallError> {
        let at = self.preferred.load(Ordering::Relaxed);
        let answer = timeout(ANSWER_MAX, self.ask(at, path, body_of(question))).await;
        let answer = answer.unwrap_or_else(|_late| Err(self.unreachable(at, "it does not answer")));
        match answer {
            // The connection lives as long as what is read from it.
            Ok((_connection, response)) => {
                Ok(Stream { server: self.servers[at].url.clone(), body: response.into_body(), read: Vec::new() })
            }
            Err(error) => {
                self.pass_over(at);
                Err(error)
            }
        }
    }

    /// The next question goes to the next server, if none has gone there already.
    pub(super) fn pass_over(&self, at: usize) {
        let next = (at + 1) % self.servers.len();
        let _moved_already = self.preferred.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A stream from the server that is asked now was cut.
    pub(super) fn was_cut(&self) {
        self.pass_over(self.preferred.load(Ordering::Relaxed));
    }

    async fn call_at(&self, at: usize, path: &str, body: Bytes) -> Result<Bytes, CallError> {
        let (connection, response) = self.ask(at, path, body).await?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|why| self.unreachable(at, &why.to_string()))?;
        let body = body.to_bytes();
        if !status.is_success() {
            let refused = serde_json::from_slice::<Refused>(&body);
            return Err(match refused {
                Ok(refused) => CallError::Refused(refused),
                Err(_no_words) => self.unreachable(at, &format!("it answers {status}")),
            });
        }
        let mut idle = self.servers[at].idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(body)
    }

    async fn ask(
        &self,
        at: usize,
        path: &str,
        body: Bytes,
    ) -> Result<(SendRequest<Full<Bytes>>, Response<Incoming>), CallError> {
        let server = &self.servers[at];
        let failed = |why: &dyn std::fmt::Display| self.unreachable(at, &why.to_string());
        let idle = server.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let mut connection = match idle.filter(|idle| !idle.is_closed()) {
            Some(idle) => idle,
            None => {
                let connecting = timeout(CONNECT_MAX, self.connect(at)).await;
                connecting.map_err(|_late| failed(&"it cannot be reached"))??
            }
        };
        let request = Request::post(path)
            .header(header::HOST, server.url.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|why| failed(&why))?;
        connection.ready().await.map_err(|why| failed(&why))?;
        let response = connection.send_request(request).await.map_err(|why| failed(&why))?;
        Ok((connection, response))
    }

    async fn connect(&self, at: usize) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let url = &self.servers[at].url;
        let failed = |why: &dyn std::fmt::Display| self.unreachable(at, &why.to_string());
        let stream = TcpStream::connect((url.address.host(), url.address.port())).await.map_err(|why| failed(&why))?;
        stream.set_nodelay(true).map_err(|why| failed(&why))?;
        match (&self.tls, url.is_tls) {
            (Some(tls), true) => {
                let stream = tls::connect(tls, &url.address, stream).await.map_err(|why| failed(&why))?;
                speak(TokioIo::new(stream)).await.map_err(|why| failed(&why))
            }
            (None, true) => Err(failed(&"there are no certificates to know it by")),
            (_, false) => speak(TokioIo::new(stream)).await.map_err(|why| failed(&why)),
        }
    }

    fn unreachable(&self, at: usize, why: &str) -> CallError {
        CallError::Unreachable { server: self.servers[at].url.clone(), why: why.to_owned() }
    }
}

/// Begins HTTP on a connection. Its task ends with the connection, which ends when nobody holds it.
async fn speak<T>(io: TokioIo<T>) -> Result<SendRequest<Full<Bytes>>, hyper::Error>
where
    TokioIo<T>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(io).await?;
    drop(tokio::spawn(async move {
        let _cut = connection.await;
    }));
    Ok(sender)
}

fn body_of(question: &impl Serialize) -> Bytes {
    serde_json::to_vec(question).expect("numbers and texts are JSON").into()
}

/// Longest line of a stream: what one revision changes.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Lines that a server sends as things happen.
pub(super) struct Stream {
    server: EtcdUrl,
    body: Incoming,
    read: Vec<u8>,
}

impl Stream {
    /// The next line; waits for it.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Result<T, CallError> {
        let failed =
            |why: &dyn std::fmt::Display| CallError::Unreachable { server: self.server.clone(), why: why.to_string() };
        let mut looked_at = 0;
        let line = loop {
            if let Some(at) = self.read[looked_at..].iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(looked_at + at + 1);
                break std::mem::replace(&mut self.read, rest);
            }
            looked_at = self.read.len();
            if looked_at > LINE_BYTES_MAX {
                return Err(failed(&"a line is too long"));
            }
            let frame = self.body.frame().await.ok_or_else(|| failed(&"the stream has ended"))?;
            let frame = frame.map_err(|why| failed(&why))?;
            if let Some(data) = frame.data_ref() {
                self.read.extend_from_slice(data);
            }
        };
        let said: Streamed<T> = serde_json::from_slice(&line).map_err(|why| failed(&why))?;
        match (said.result, said.error) {
            (Some(result), _) => Ok(result),
            (None, Some(refused)) => Err(CallError::Refused(refused)),
            (None, None) => Err(failed(&"a line says nothing")),
        }
    }
}
