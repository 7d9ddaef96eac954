//! Being one side of a relay: a plain connection to the tracker that, once both sides are there, is one to the other side.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::model::ticket::EncounterTicket;
use crate::protocol::head::Head;

/// The tracker waits ten seconds for the other side.
const RELAY_OTHER_SIDE_MAX: Duration = Duration::from_secs(11);
/// Bytes of a greeting and the answer: more of them is no tracker.
const RELAY_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Looked at together.
const LOOK_BYTES: usize = 512;

/// Makes a plain connection to a tracker one to the other side of an encounter, who has proven nothing yet.
///
/// # Errors
///
/// The tracker refuses, or the other side does not come.
pub async fn enter(mut stream: TcpStream, ticket: EncounterTicket) -> io::Result<TcpStream> {
    stream.write_all(format!("relay {ticket}\n").as_bytes()).await?;
    timeout(RELAY_OTHER_SIDE_MAX, until_ok(&mut stream)).await??;
    Ok(stream)
}

/// Reads up to the `OK` and not a byte further: what follows comes from the other side.
async fn until_ok(stream: &mut TcpStream) -> io::Result<()> {
    let mut line = Vec::new();
    let mut read = 0;
    let mut seen = [0; LOOK_BYTES];
    while read < RELAY_ANSWER_BYTES_MAX {
        let count = stream.peek(&mut seen).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = seen[..count].iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(count, |at| at + 1);
        stream.read_exact(&mut seen[..taken]).await?;
        read += taken;
        line.extend_from_slice(&seen[..taken]);
        if end.is_none() {
            continue;
        }
        let text = std::str::from_utf8(&line).map_err(io::Error::other)?;
        match Head::parse(text.trim_end_matches(['\r', '\n'])).map_err(io::Error::other)? {
            Head::Notice(_) => line.clear(),
            Head::Ok { lines: 0, .. } => return Ok(()),
            Head::Ok { .. } => return Err(io::ErrorKind::InvalidData.into()),
            Head::Err { code, .. } => {
                return Err(io::Error::new(io::ErrorKind::NotConnected, format!("the tracker says {}", code.as_str())));
            }
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_comes_behind_the_answer_is_left_for_the_other_side() {
        for (said, left) in [
            ("* potok 1 \"Potok\"\n* motd \"hello\"\nOK 0\nhello", Some("hello")),
            ("OK 0\n", Some("")),
            ("* potok 1 \"Potok\"\nERR limit no\n", None),
            ("OK 1\nx\n", None),
            ("hello\n", None),
            ("* potok", None),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
            let stream = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
            let (mut tracker, _) = listener.accept().await.expect("accepted");
            tracker.write_all(said.as_bytes()).await.expect("sent");
            tracker.shutdown().await.expect("shut");
            let entered = enter(stream, EncounterTicket::from_bytes([7; 16])).await;
            let mut rest = String::new();
            let read = match entered {
                Ok(mut stream) => stream.read_to_string(&mut rest).await.map(|_| rest.as_str()).ok(),
                Err(_) => None,
            };
            assert_eq!(read, left, "{said:?}");
        }
    }
}
