//! The bytes below TLS: what a connection carries, without what came before its first record.
//!
//! One port of a tracker takes TLS and text. Who says nothing for a moment is greeted as a person at a terminal; over a slow
//! line or a far proxy that is a client whose handshake is still under way, so the greeting comes before the handshake's
//! answer. A client passes over it. That says nothing of who the other side is: only the handshake does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// Every line of a greeting begins with it, and no record of TLS.
const NOTICE_BYTE: u8 = b'*';
/// A greeting has a hundred lines of some 400 bytes at most.
const GREETING_BYTES_MAX: usize = 64 * 1024;

/// A stream as TLS reads and writes it.
#[derive(Debug)]
pub struct Ciphertext<S> {
    stream: BufReader<S>,
    before: Option<Box<Before>>,
}

/// What is still to be done before the stream is the other side's TLS and nothing else.
#[derive(Debug)]
enum Before {
    /// These bytes were read from it already.
    Read(Bytes),
    /// Lines of a greeting may come.
    Greeting(Greeting),
}

impl<S: AsyncRead> Ciphertext<S> {
    /// A stream of which these bytes were read already. A read for more than `buffer_bytes` goes past the buffer.
    pub(super) fn begun(stream: S, buffer_bytes: usize, read: Bytes) -> Self {
        let before = (!read.is_empty()).then(|| Box::new(Before::Read(read)));
        Self { stream: BufReader::with_capacity(buffer_bytes, stream), before }
    }

    /// A stream on which a greeting may come before the first record.
    pub(super) fn greeted(stream: S, buffer_bytes: usize) -> Self {
        let before = Some(Box::new(Before::Greeting(Greeting::default())));
        Self { stream: BufReader::with_capacity(buffer_bytes, stream), before }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }
}

/// How much of a greeting has been passed over.
#[derive(Debug, Default)]
struct Greeting {
    bytes: usize,
    is_within_line: bool,
}

impl Greeting {
    /// How many of these bytes are of the greeting, if it ends among them.
    fn end_in(&mut self, read: &[u8]) -> io::Result<Option<usize>> {
        for (at, byte) in read.iter().enumerate() {
            if !self.is_within_line && *byte != NOTICE_BYTE {
                return Ok(Some(at));
            }
            self.is_within_line = *byte != b'\n';
        }
        self.bytes += read.len();
        if self.bytes > GREETING_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a greeting without end"));
        }
        Ok(None)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ciphertext<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, before } = &mut *self;
        let Some(pending) = before.as_deref_mut() else { return Pin::new(stream).poll_read(cx, buf) };
        match pending {
            Before::Read(bytes) => {
                let count = bytes.len().min(buf.remaining());
                buf.put_slice(&bytes[..count]);
                bytes.advance(count);
                if bytes.is_empty() {
                    *before = None;
                }
            }
            Before::Greeting(greeting) => loop {
                let from = buf.filled().len();
                ready!(Pin::new(&mut *stream).poll_read(cx, buf))?;
                let read = &mut buf.filled_mut()[from..];
                if read.is_empty() {
                    break;
                }
                let end = greeting.end_in(read);
                let kept = if let Ok(Some(end)) = end {
                    read.copy_within(end.., 0);
                    read.len() - end
                } else {
                    0
                };
                buf.set_filled(from + kept);
                if end?.is_some() {
                    *before = None;
                    break;
                }
            },
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Ciphertext<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    /// A stream that comes in pieces, one a read.
    struct Pieces<'a>(std::collections::VecDeque<&'a [u8]>);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let piece = std::iter::from_fn(|| self.0.pop_front()).find(|piece| !piece.is_empty()).unwrap_or_default();
            let (now, later) = piece.split_at(piece.len().min(buf.remaining()));
            buf.put_slice(now);
            self.0.push_front(later);
            Poll::Ready(Ok(()))
        }
    }

    /// What is left of a stream that comes in these pieces.
    async fn left_of(pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
        let stream = Pieces(pieces.iter().copied().collect());
        let mut left = Vec::new();
        Ciphertext::greeted(stream, 1).read_to_end(&mut left).await?;
        Ok(left)
    }

    #[tokio::test]
    async fn a_greeting_is_passed_over_however_it_is_cut() {
        let said = b"* potok 1 \"Potok\"\n* motd \"\x16 * hello\"\n\x16\x03\x03* no greeting\n";
        for cut in 0..=said.len() {
            let left = left_of(&[&said[..cut], &said[cut..]]).await.expect("read");
            assert_eq!(left, b"\x16\x03\x03* no greeting\n", "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = said.chunks(1).collect();
        assert_eq!(left_of(&bytes).await.expect("read"), b"\x16\x03\x03* no greeting\n");
    }

    #[tokio::test]
    async fn what_is_no_greeting_is_left_as_it_is() {
        for said in [&b"\x16\x03\x03"[..], b"ERR usage\n", b"OK 0\n* left anna\n", b""] {
            assert_eq!(left_of(&[said]).await.expect("read"), said);
        }
        assert_eq!(left_of(&[b"* potok 1"]).await.expect("read"), b"");
    }

    #[tokio::test]
    async fn a_greeting_has_an_end() {
        let line = [&b"* motd \""[..], &[b'x'; 4000], b"\"\n"].concat();
        let lines: Vec<&[u8]> = std::iter::repeat_n(&line[..], 17).collect();
        assert!(left_of(&lines).await.is_err());
        assert!(left_of(&lines[..16]).await.is_ok());
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let rest = Pieces([&b"rest"[..]].into());
        let mut stream = Ciphertext::begun(rest, 1, Bytes::from_static(b"\x16begun "));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("read");
        assert_eq!(all, b"\x16begun rest");
    }
}
