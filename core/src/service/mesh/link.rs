//! One link: what comes is read in whole lines, what goes is written as it comes from the machine. Neither waits for the other.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::protocol::mesh_line::MeshLine;
use crate::tracker::input::Input;
use crate::tracker::links::MeshInput;
use crate::tracker::mesh::LinkId;

/// Longest line: a user with the longest name takes some 300 bytes.
const LINK_LINE_BYTES_MAX: usize = 4 * 1024;
const LINK_READ_BYTES: usize = 32 * 1024;

/// A link's ways to the machine and from it.
pub(super) struct LinkEnds<'a> {
    pub(super) link: LinkId,
    pub(super) sent: mpsc::Receiver<Bytes>,
    pub(super) inputs: &'a mpsc::Sender<Input>,
}

/// Runs until the connection ends, or says something that is no line between trackers.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(stream: S, ends: LinkEnds<'_>) -> io::Result<()> {
    let LinkEnds { link, mut sent, inputs } = ends;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = async {
        let mut decoder = LineDecoder::with_max(Flavor::Clean, LINK_LINE_BYTES_MAX);
        let mut room = vec![0; LINK_READ_BYTES];
        loop {
            match reader.read(&mut room).await? {
                0 => return Ok(()),
                bytes => decoder.feed(&room[..bytes]),
            }
            let lines = std::iter::from_fn(|| decoder.next_line()).map(read_line).collect::<io::Result<Vec<_>>>()?;
            if !lines.is_empty() && inputs.send(Input::Mesh(MeshInput::Heard { link, lines })).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some(bytes) = sent.recv().await {
            writer.write_all(&bytes).await?;
            if sent.is_empty() {
                writer.flush().await?;
            }
            let passed = MeshInput::Passed { link, bytes: bytes.len() };
            if inputs.send(Input::Mesh(passed)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}

fn read_line(line: Line) -> io::Result<MeshLine> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    match line {
        Line::Text(text) => {
            text.parse().map_err(|bad: crate::protocol::mesh_line::BadMeshLine| invalid(bad.to_string()))
        }
        Line::Faulty(fault) => Err(invalid(fault.to_string())),
    }
}
