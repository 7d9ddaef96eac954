//! Single answers of a tracker on a connection that is for little else.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::protocol::code::ReplyCode;
use crate::protocol::head::Head;
use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::protocol::notice::Notice;

/// Lines before an answer and of it: the greeting with a hundred lines of a message of the day, and a few of data.
const SHORT_REPLY_LINES_MAX: usize = 200;

/// Reads what a tracker says, an answer or a notice at a time.
#[derive(Debug)]
pub struct ShortReplies {
    decoder: LineDecoder,
    buffer: [u8; 4096],
}

/// Reads up to the first answer of a connection that is for nothing else.
///
/// # Errors
///
/// As [`ShortReplies::answer`].
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Result<Vec<String>, ReplyCode>> {
    ShortReplies::new().answer(stream).await
}

impl ShortReplies {
    /// Of a connection of which nothing was read.
    pub fn new() -> Self {
        Self { decoder: LineDecoder::new(Flavor::Clean), buffer: [0; 4096] }
    }

    /// Reads up to the next answer: its data lines, or the code of the refusal. Greeting and notices are passed over.
    ///
    /// # Errors
    ///
    /// The connection ends, or says something that is not of the protocol.
    pub async fn answer(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Result<Vec<String>, ReplyCode>> {
        let mut data: Option<(u64, Vec<String>)> = None;
        for _ in 0..SHORT_REPLY_LINES_MAX {
            let text = self.line(stream).await?;
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

    /// Reads up to the next notice that is wanted. Others are passed over.
    ///
    /// # Errors
    ///
    /// As [`ShortReplies::answer`], and if an answer comes that nobody asked for.
    pub async fn notice<T>(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        wanted: impl Fn(Notice) -> Option<T>,
    ) -> io::Result<T> {
        for _ in 0..SHORT_REPLY_LINES_MAX {
            match Head::parse(&self.line(stream).await?).map_err(io::Error::other)? {
                Head::Notice(notice) => {
                    if let Some(found) = wanted(notice) {
                        return Ok(found);
                    }
                }
                Head::Err { .. } | Head::Ok { .. } => break,
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    async fn line(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
        loop {
            match self.decoder.next_line() {
                Some(Line::Text(text)) => return Ok(text),
                Some(Line::Faulty(_)) => return Err(io::ErrorKind::InvalidData.into()),
                None => match stream.read(&mut self.buffer).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => self.decoder.feed(&self.buffer[..count]),
                },
            }
        }
    }
}

impl Default for ShortReplies {
    fn default() -> Self {
        Self::new()
    }
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

    #[tokio::test]
    async fn reads_one_after_the_other() {
        let mut said = "* potok 1 \"Potok\"\nOK 0\n* weather sunny\n* left anna\nOK 0\n".as_bytes();
        let mut replies = ShortReplies::new();
        assert_eq!(replies.answer(&mut said).await.expect("an answer"), Ok(Vec::new()));
        let left = |notice| if let Notice::Left(name) = notice { Some(name) } else { None };
        assert_eq!(replies.notice(&mut said, left).await.expect("a notice").as_str(), "anna");
        assert!(replies.notice(&mut said, left).await.is_err(), "an answer");
    }
}
