//! Bytes to and from a tracker, and what a line of it is.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use crate::model::absence::AbsenceReason;
use crate::model::limits;
use crate::protocol::head::Head;
use crate::protocol::line::{Line, LineDecoder};
use crate::service::tracker_client::reasons::AwayReason;

/// Bytes read at once.
const REPLY_READ_BYTES: usize = 32 * 1024;

pub(super) async fn write_some(writer: &mut (impl AsyncWrite + Unpin), out: &mut BytesMut) -> Result<(), AwayReason> {
    let written = async {
        writer.write_all_buf(out).await?;
        writer.flush().await
    };
    match written.await {
        Ok(()) => Ok(()),
        Err(error) => {
            sleep(limits::READ_AFTER_WRITE_ERROR_MAX).await;
            Err(broken(error))
        }
    }
}

pub(super) async fn read_some(
    reader: &mut (impl AsyncRead + Unpin),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::line::Flavor;

    /// Who is cut off in the middle of what they say still reads the reason.
    #[tokio::test(start_paused = true)]
    async fn what_was_said_last_is_heard_though_nothing_can_be_sent() {
        let (mut tracker, client) = tokio::io::duplex(1024);
        let (mut reader, mut writer) = tokio::io::split(client);
        tracker.write_all(b"* closed kicked\n").await.expect("room");
        drop(tracker);
        let mut out = BytesMut::from("announces much\n");
        let mut decoder = LineDecoder::new(Flavor::Clean);
        tokio::select! {
            biased;
            written = write_some(&mut writer, &mut out) => panic!("the end came first: {written:?}"),
            read = read_some(&mut reader, &mut decoder) => read.expect("a line was there"),
        }
        assert_eq!(decoder.next_line(), Some(Line::Text("* closed kicked".into())));
        // Then it is over, whichever half notices.
        assert!(read_some(&mut reader, &mut decoder).await.is_err());
        assert!(write_some(&mut writer, &mut out).await.is_err());
    }
}
