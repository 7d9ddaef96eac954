//! Questions to other trackers, in the words in which everybody asks them. Each goes by a connection that carries nothing else
//! meanwhile, so that a long answer holds up no other; a few are kept for the next ones.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::net::tls::{Encrypted, TlsClient};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::head::Head;
use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::protocol::reply::FileLine;
use crate::tracker::effect::WantedAnswer;
use crate::tracker::input::{AnsweredPage, Ticket};
use crate::tracker::merge::LinePage;

/// A tracker that has not answered by then is missing in the answer.
const MESH_ANSWER_MAX: Duration = Duration::from_secs(1);
/// The same for an encounter, of which the other side may come later: longer than a side waits for it there.
const MESH_ENCOUNTER_MAX: Duration = Duration::from_secs(12);
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
    /// Connections that were asked for, until the answer was told.
    kept: Mutex<HashMap<Ticket, Encrypted<TcpStream>>>,
}

/// A connection by which another tracker is asked.
struct Asked<S = Encrypted<TcpStream>> {
    stream: S,
    decoder: LineDecoder,
    /// Most bytes that are read at once.
    at_once: usize,
}

/// Whether a line of an answer is what was asked for.
type LineTest = fn(&str) -> bool;

fn any_line(_line: &str) -> bool {
    true
}

/// Whether whoever asked can read it. It is looked at here, beside everybody else's questions.
fn is_file_line(line: &str) -> bool {
    let is_one = FileLine::parse(line).is_ok();
    if !is_one {
        tracing::debug!("another tracker sent a line that is none of a file; it is left out");
    }
    is_one
}

/// What one tracker, or several, are asked.
pub(super) struct MeshQuestion {
    pub(super) ticket: Ticket,
    pub(super) line: String,
    pub(super) wants: WantedAnswer,
}

impl Asking {
    /// These are the trackers, with the keys that they must prove.
    pub(super) fn set_trackers(&self, keys: HashMap<SocketAddr, PublicKey>) {
        self.idle.lock().retain(|at, _| keys.contains_key(at));
        *self.keys.lock() = keys;
    }

    /// What one of them has answered in time.
    pub(super) async fn ask(&self, tls: &TlsClient, at: SocketAddr, question: &MeshQuestion) -> Option<AnsweredPage> {
        let MeshQuestion { ticket, line, wants } = question;
        let answered = match wants {
            WantedAnswer::Answer => timeout(MESH_ANSWER_MAX, self.ask_one(tls, at, line, any_line)).await,
            WantedAnswer::Files => timeout(MESH_ANSWER_MAX, self.ask_one(tls, at, line, is_file_line)).await,
            WantedAnswer::Encounter => timeout(MESH_ENCOUNTER_MAX, self.ask_one(tls, at, line, any_line)).await,
            WantedAnswer::Connection => {
                timeout(MESH_ENCOUNTER_MAX, self.ask_for_connection(tls, at, *ticket, line)).await
            }
        };
        let answered = answered.unwrap_or_else(|elapsed| Err(elapsed.into()));
        answered.inspect_err(|error| tracing::debug!(%at, %error, "another tracker did not answer")).ok()
    }

    async fn ask_one(
        &self,
        tls: &TlsClient,
        at: SocketAddr,
        line: &str,
        is_wanted: LineTest,
    ) -> io::Result<AnsweredPage> {
        // One that waited may have been closed at the other end meanwhile.
        if let Some(mut asked) = self.take_idle(at)
            && let Ok(page) = asked.ask(line, is_wanted).await
        {
            self.keep(at, asked);
            return Ok(page);
        }
        let mut asked = self.connect(tls, at).await?;
        let page = asked.ask(line, is_wanted).await?;
        self.keep(at, asked);
        Ok(page)
    }

    async fn connect(&self, tls: &TlsClient, at: SocketAddr) -> io::Result<Asked> {
        let key = self.keys.lock().get(&at).copied();
        let key = key.ok_or_else(|| io::Error::other("it is in the list no longer"))?;
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        let (stream, _key) = tls.connect(stream, Some(key)).await?;
        Ok(Asked { stream, decoder: LineDecoder::new(Flavor::Clean), at_once: ASK_READ_BYTES })
    }

    /// Keeps the connection that becomes one to somebody else after `OK`.
    async fn ask_for_connection(
        &self,
        tls: &TlsClient,
        at: SocketAddr,
        ticket: Ticket,
        line: &str,
    ) -> io::Result<AnsweredPage> {
        // Not a byte of what comes behind the answer is read here.
        let mut asked = Asked { at_once: 1, ..self.connect(tls, at).await? };
        let page = asked.ask(line, any_line).await?;
        if matches!(page, AnsweredPage::Page(_)) {
            self.kept.lock().insert(ticket, asked.stream);
        }
        Ok(page)
    }

    /// The connection that was kept for this ticket.
    pub(super) fn take_kept(&self, ticket: Ticket) -> Option<Encrypted<TcpStream>> {
        self.kept.lock().remove(&ticket)
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

impl<S: AsyncRead + AsyncWrite + Unpin> Asked<S> {
    /// Asks, and has the lines of the answer that are wanted.
    async fn ask(&mut self, line: &str, is_wanted: LineTest) -> io::Result<AnsweredPage> {
        self.stream.write_all(format!("{line}\n").as_bytes()).await?;
        self.stream.flush().await?;
        let mut bytes = 0;
        loop {
            let text = self.line(&mut bytes).await?;
            match Head::parse(&text).map_err(io::Error::other)? {
                Head::Notice(_) => {}
                Head::Err { code, .. } if code == Code::NoSuchUser => return Ok(AnsweredPage::Nobody),
                Head::Err { code: ReplyCode::Known(code), .. } => return Ok(AnsweredPage::Refused(code)),
                Head::Err { code, text } => return Err(io::Error::other(format!("{}: {text}", code.as_str()))),
                Head::Ok { lines, more } => {
                    let count = usize::try_from(lines).ok().filter(|lines| *lines <= limits::PAGE_LINES_MAX);
                    let count = count.ok_or_else(|| io::Error::other("more lines than a page has"))?;
                    let mut lines = Vec::with_capacity(count);
                    for _ in 0..count {
                        let line = self.line(&mut bytes).await?;
                        if is_wanted(&line) {
                            lines.push(line);
                        }
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
            let mut room = vec![0; self.at_once];
            let read = self.stream.read(&mut room).await?;
            *bytes += read;
            if read == 0 || *bytes > TRACKER_ANSWER_BYTES_MAX {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.decoder.feed(&room[..read]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::page::Cursor;

    async fn answered(answer: &str, is_wanted: LineTest) -> io::Result<AnsweredPage> {
        let (stream, mut other) = tokio::io::duplex(64 * 1024);
        let mut asked = Asked { stream, decoder: LineDecoder::new(Flavor::Clean), at_once: ASK_READ_BYTES };
        other.write_all(answer.as_bytes()).await?;
        asked.ask("list-files", is_wanted).await
    }

    /// A client leaves a tracker that says such a line.
    #[tokio::test]
    async fn a_line_that_is_none_is_left_out_and_the_rest_of_the_page_stays() {
        let cursor = Cursor { path: "z".to_owned(), username: "ivan".to_owned() };
        let lines = "anna 3 - Trip/a b.txt\nanna 3 - ../x\na..b! - - x\nanna 99999999999999999999 - x\n\
                      anna 3 0aF9 x\nanna 3 - a//b\nivan - - z\n";
        let answer = format!("OK 7 more={cursor}\n{lines}");
        let AnsweredPage::Page(page) = answered(&answer, is_file_line).await.expect("an answer") else {
            panic!("none")
        };
        assert_eq!(page.lines, ["anna 3 - Trip/a b.txt", "ivan - - z"]);
        assert_eq!(page.more, Some(cursor));
        let all = "OK 2\nrelay open\n3 4\n";
        let AnsweredPage::Page(page) = answered(all, any_line).await.expect("an answer") else { panic!("none") };
        assert_eq!(page.lines, ["relay open", "3 4"]);
    }
}
