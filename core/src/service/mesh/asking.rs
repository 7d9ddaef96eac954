//! Questions to other trackers, in the words in which everybody asks them. Each goes by a connection that carries nothing else
//! meanwhile, so that a long answer holds up no other; a few are kept for the next ones.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::net::tls::{Encrypted, TlsClient};
use crate::protocol::code::Code;
use crate::protocol::head::Head;
use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::tracker::input::AnsweredPage;
use crate::tracker::merge::LinePage;

/// A tracker that has not answered by then is missing in the answer.
const MESH_ANSWER_MAX: Duration = Duration::from_secs(1);
/// Connections to one tracker that wait for the next question.
const IDLE_CONNECTIONS_MAX: usize = 8;
/// The other side ends a connection that is silent for longer.
const IDLE_CONNECTION_FOR: Duration = Duration::from_secs(60);
/// Longest answer: a page of the longest lines.
const TRACKER_ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
const ASK_READ_BYTES: usize = 32 * 1024;

/// The ways to ask.
#[derive(Default)]
pub(super) struct Asking {
    keys: Mutex<HashMap<SocketAddr, PublicKey>>,
    idle: Mutex<HashMap<SocketAddr, Vec<(Instant, Asked)>>>,
}

/// A connection by which another tracker is asked.
struct Asked {
    stream: Encrypted<TcpStream>,
    decoder: LineDecoder,
}

impl Asking {
    /// These are the trackers, with the keys that they must prove.
    pub(super) fn set_trackers(&self, keys: HashMap<SocketAddr, PublicKey>) {
        self.idle.lock().retain(|at, _| keys.contains_key(at));
        *self.keys.lock() = keys;
    }

    /// What one of them has answered in time.
    pub(super) async fn ask(&self, tls: &TlsClient, at: SocketAddr, line: &str) -> Option<AnsweredPage> {
        let answered = timeout(MESH_ANSWER_MAX, self.ask_one(tls, at, line)).await;
        let answered = answered.unwrap_or_else(|elapsed| Err(elapsed.into()));
        answered.inspect_err(|error| tracing::debug!(%at, %error, "another tracker did not answer")).ok()
    }

    async fn ask_one(&self, tls: &TlsClient, at: SocketAddr, line: &str) -> io::Result<AnsweredPage> {
        // One that waited may have been closed at the other end meanwhile.
        if let Some(mut asked) = self.take_idle(at)
            && let Ok(page) = asked.ask(line).await
        {
            self.keep(at, asked);
            return Ok(page);
        }
        let key = self.keys.lock().get(&at).copied();
        let key = key.ok_or_else(|| io::Error::other("it is in the list no longer"))?;
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        let (stream, _key) = tls.connect(stream, Some(key)).await?;
        let mut asked = Asked { stream, decoder: LineDecoder::new(Flavor::Clean) };
        let page = asked.ask(line).await?;
        self.keep(at, asked);
        Ok(page)
    }

    fn take_idle(&self, at: SocketAddr) -> Option<Asked> {
        let mut idle = self.idle.lock();
        let waiting = idle.get_mut(&at)?;
        waiting.retain(|(since, _)| since.elapsed() < IDLE_CONNECTION_FOR);
        waiting.pop().map(|(_, asked)| asked)
    }

    fn keep(&self, at: SocketAddr, asked: Asked) {
        let mut idle = self.idle.lock();
        let waiting = idle.entry(at).or_default();
        if waiting.len() < IDLE_CONNECTIONS_MAX {
            waiting.push((Instant::now(), asked));
        }
    }
}

impl Asked {
    async fn ask(&mut self, line: &str) -> io::Result<AnsweredPage> {
        self.stream.write_all(format!("{line}\n").as_bytes()).await?;
        self.stream.flush().await?;
        let mut bytes = 0;
        loop {
            let text = self.line(&mut bytes).await?;
            match Head::parse(&text).map_err(io::Error::other)? {
                Head::Notice(_) => {}
                Head::Err { code, .. } if code == Code::NoSuchUser => return Ok(AnsweredPage::Nobody),
                Head::Err { code, text } => return Err(io::Error::other(format!("{}: {text}", code.as_str()))),
                Head::Ok { lines, more } => {
                    let count = usize::try_from(lines).ok().filter(|lines| *lines <= limits::PAGE_LINES_MAX);
                    let count = count.ok_or_else(|| io::Error::other("more lines than a page has"))?;
                    let mut lines = Vec::with_capacity(count);
                    while lines.len() < count {
                        lines.push(self.line(&mut bytes).await?);
                    }
                    return Ok(AnsweredPage::Page(LinePage { lines, more }));
                }
            }
        }
    }

    async fn line(&mut self, bytes: &mut usize) -> io::Result<String> {
        loop {
            match self.decoder.next_line() {
                Some(Line::Text(text)) => return Ok(text),
                Some(Line::Faulty(fault)) => return Err(io::Error::other(fault)),
                None => {}
            }
            let mut room = vec![0; ASK_READ_BYTES];
            let read = self.stream.read(&mut room).await?;
            *bytes += read;
            if read == 0 || *bytes > TRACKER_ANSWER_BYTES_MAX {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.decoder.feed(&room[..read]);
        }
    }
}
