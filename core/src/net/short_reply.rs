//! One answer of a tracker on a connection that is for nothing else.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::protocol::code::ReplyCode;
use crate::protocol::head::Head;
use crate::protocol::line::{Flavor, Line, LineDecoder};

/// Lines before the answer and of it: the greeting with a hundred lines of a message of the day, and a few of data.
const SHORT_REPLY_LINES_MAX: usize = 200;

/// Reads up to the first answer: its data lines, or the code of the refusal. Greeting and notices are passed over.
///
/// # Errors
///
/// The connection ends, or says something that is not of the protocol.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Result<Vec<String>, ReplyCode>> {
    let mut decoder = LineDecoder::new(Flavor::Clean);
    let mut buffer = [0; 4096];
    let mut data: Option<(u64, Vec<String>)> = None;
    for _ in 0..SHORT_REPLY_LINES_MAX {
        let line = loop {
            if let Some(line) = decoder.next_line() {
                break line;
            }
            match stream.read(&mut buffer).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => decoder.feed(&buffer[..count]),
            }
        };
        let Line::Text(text) = line else { return Err(io::ErrorKind::InvalidData.into()) };
        let (left, lines) = match data.take() {
            Some((left, mut lines)) => {
                lines.push(text);
                (left - 1, lines)
            }
            None => match Head::parse(&text).map_err(io::Error::other)? {
                Head::Notice(_) => continue,
                Head::Err { code, .. } => return Ok(Err(code)),
                Head::Ok { lines, .. } => (lines, Vec::new()),
            },
        };
        if left == 0 {
            return Ok(Ok(lines));
        }
        data = Some((left, lines));
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_the_first_answer() {
        for (said, answer) in [
            ("* potok 1 \"Potok\"\n* motd \"hello\"\nOK 1\n192.0.2.1:4001\nOK 0\n", Some(Ok(vec!["192.0.2.1:4001"]))),
            ("OK 0 bye\n", Some(Ok(vec![]))),
            ("* potok 1 \"Potok\"\nERR gone it is over\n", Some(Err("gone"))),
            ("hello\n", None),
            ("OK 2\na\n", None),
            ("", None),
        ] {
            let read = read(&mut said.as_bytes()).await.ok();
            let expected = answer.map(|answer| match answer {
                Ok(lines) => Ok(lines.into_iter().map(ToOwned::to_owned).collect()),
                Err(code) => Err(ReplyCode::from(code)),
            });
            assert_eq!(read, expected, "{said:?}");
        }
        let endless = "* weather sunny\n".repeat(1000);
        assert!(super::read(&mut endless.as_bytes()).await.is_err());
    }
}
