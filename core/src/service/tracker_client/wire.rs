//! Bytes to and from a tracker, and what a line of it is.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;

use crate::model::absence::AbsenceReason;
use crate::net::tls::Encrypted;
use crate::protocol::head::Head;
use crate::protocol::line::{Line, LineDecoder};
use crate::service::tracker_client::reasons::AwayReason;

/// Bytes read at once.
const REPLY_READ_BYTES: usize = 32 * 1024;

pub(super) async fn write_some(
    writer: &mut WriteHalf<Encrypted<TcpStream>>,
    out: &mut BytesMut,
) -> Result<(), AwayReason> {
    writer.write_all_buf(out).await.map_err(broken)?;
    writer.flush().await.map_err(broken)
}

pub(super) async fn read_some(
    reader: &mut ReadHalf<Encrypted<TcpStream>>,
    decoder: &mut LineDecoder,
) -> Result<(), AwayReason> {
    let mut chunk = BytesMut::with_capacity(REPLY_READ_BYTES);
    match reader.read_buf(&mut chunk).await.map_err(broken)? {
        0 => Err(lost(AbsenceReason::Ended)),
        _ => {
            decoder.feed(&chunk);
            Ok(())
        }
    }
}

pub(super) fn head_of(line: Line) -> Result<Head, AwayReason> {
    let faulty = || lost(AbsenceReason::FaultyLine);
    match line {
        Line::Text(text) => Head::parse(&text).map_err(|_bad| faulty()),
        Line::Faulty(_) => Err(faulty()),
    }
}

pub(super) fn lost(why: AbsenceReason) -> AwayReason {
    AwayReason::Unreachable(why)
}

fn broken(error: std::io::Error) -> AwayReason {
    lost(match error.kind() {
        // Without the word by which TLS ends: it, or somebody in between, has gone.
        std::io::ErrorKind::UnexpectedEof => AbsenceReason::Ended,
        std::io::ErrorKind::InvalidData => AbsenceReason::FaultyLine,
        _ => error.to_string().into(),
    })
}
