//! A session at a tracker that says what the test wants, plain or with a key.

use std::net::{Ipv4Addr, SocketAddr};

use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::program::PATIENCE;

trait Both: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Both for S {}

/// One session.
pub struct Lines {
    stream: BufReader<Box<dyn Both>>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lines")
    }
}

/// Connects from one of this computer's loopback addresses: 127.0.0.`from`.
pub async fn connect(to: SocketAddr, from: u8) -> std::io::Result<TcpStream> {
    connect_from(to, Ipv4Addr::new(127, 0, 0, from)).await
}

/// Connects from this address.
pub async fn connect_from(to: SocketAddr, from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Lines {
    /// A session on any stream.
    pub fn on(stream: impl AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    /// As a person at telnet.
    pub async fn plain(to: SocketAddr) -> Self {
        Self::on(connect(to, 1).await.expect("connected"))
    }

    /// As a program that proves its key.
    pub async fn tls(to: SocketAddr, tracker: PublicKey, identity: &Identity) -> Self {
        Self::tls_from(1, to, tracker, identity).await
    }

    /// The same from 127.0.0.`from`.
    pub async fn tls_from(from: u8, to: SocketAddr, tracker: PublicKey, identity: &Identity) -> Self {
        let stream = connect(to, from).await.expect("connected");
        let client = TlsClient::new(identity, Purpose::Tracker);
        Self::on(client.connect(stream, Some(tracker)).await.expect("handshake").0)
    }

    /// Sends bytes; a tracker that has closed is no fault of the test.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        let stream = self.stream.get_mut();
        let sent = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        matches!(timeout(PATIENCE, sent).await, Ok(Ok(())))
    }

    /// Ends our half.
    pub async fn shut(&mut self) {
        let _closed_already = self.stream.get_mut().shutdown().await;
    }

    /// The next line, without its LF; nothing at the end.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_until(b'\n', &mut line)).await.expect("a line in time");
        (read.ok()? > 0)
            .then(|| String::from_utf8(line).expect("a tracker says text").trim_end_matches('\n').to_owned())
    }

    /// The next line that is no notice.
    pub async fn reply(&mut self) -> Option<String> {
        loop {
            match self.line().await {
                Some(line) if line.starts_with("* ") => {}
                other => return other,
            }
        }
    }

    /// A question and the first line of its answer; the data lines are read and thrown away.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        self.list(question).await.map(|(head, _)| head)
    }

    /// A question, the first line of its answer, and the data lines.
    pub async fn list(&mut self, question: &str) -> Option<(String, Vec<String>)> {
        self.send(format!("{question}\n").as_bytes()).await;
        let head = self.reply().await?;
        let lines = head.strip_prefix("OK ").and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
        let mut data = Vec::new();
        for _ in 0..lines {
            data.push(self.line().await?);
        }
        Some((head, data))
    }

    /// A question whose answer begins like this.
    pub async fn expect(&mut self, question: &str, answer: &str) {
        let head = self.ask(question).await;
        assert!(head.as_ref().is_some_and(|head| head.starts_with(answer)), "{question}: {head:?}, not {answer}");
    }

    /// The bytes up to the end, however it comes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _cut_off = timeout(PATIENCE, self.stream.read_to_end(&mut bytes)).await.expect("an end in time");
        bytes
    }

    /// Reads to the end of the session.
    pub async fn to_end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }
}
