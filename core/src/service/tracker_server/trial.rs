//! Dials a user who asked for it, to see whether others can: a connection and a handshake in which they must prove their
//! key. Nothing else is sent.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::key::PublicKey;
use crate::net::tls::TlsClient;
use crate::protocol::trial::TrialResult;
use crate::service::tracker_server::Message;
use crate::tracker::input::{Input, SessionId, TrialId};

/// Connection and handshake together. Others wait as long for a peer.
const TRIAL_MAX: Duration = Duration::from_secs(5);

/// Dials, and brings what came of it to the driver.
pub(super) struct TrialDialler {
    /// Proves the tracker's identity to whoever answers.
    pub(super) tls: TlsClient,
    pub(super) inbox: mpsc::Sender<Message>,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl TrialDialler {
    /// Begins. The machine bounds how many there are at once.
    pub(super) fn begin(&self, trial: TrialId, address: SocketAddr, key: PublicKey) {
        let (tls, inbox, cancel) = (self.tls.clone(), self.inbox.clone(), self.cancel.clone());
        let trying = async move {
            let tried = async {
                let result = dial(&tls, address, key).await;
                // A driver that has ended tells nobody.
                let _ended = inbox.send(Message::Input(SessionId::NONE, Input::Tried { trial, result })).await;
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tried => {}
            }
        };
        drop(self.tasks.spawn(trying));
    }
}

async fn dial(tls: &TlsClient, address: SocketAddr, key: PublicKey) -> TrialResult {
    let until = Instant::now() + TRIAL_MAX;
    let stream = match timeout_at(until, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if says_no(&error) => return TrialResult::Refused,
        Ok(Err(_)) | Err(_) => return TrialResult::Silent,
    };
    match timeout_at(until, tls.connect(stream, Some(key))).await {
        Ok(Ok(_proven)) => TrialResult::Open,
        Ok(Err(_)) | Err(_) => TrialResult::Stranger,
    }
}

/// Whether somebody on the way has answered that there is no way.
fn says_no(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::HostUnreachable
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::identity::Identity;
    use crate::net::tls::{Purpose, TlsServer};

    #[tokio::test]
    async fn only_who_proves_the_key_is_open() {
        let (own, theirs) = (Identity::generate(), Identity::generate());
        let tls = TlsClient::new(&own, Purpose::Peer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("bound");
        let server = TlsServer::new(&theirs, Purpose::Peer);
        let serving = async {
            for round in 0..3 {
                let (mut stream, _) = listener.accept().await.expect("accepted");
                match round {
                    0 | 1 => drop(server.accept(stream).await),
                    _ => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written"),
                }
            }
        };
        let dialling = async {
            assert_eq!(dial(&tls, address, theirs.public_key()).await, TrialResult::Open);
            assert_eq!(dial(&tls, address, own.public_key()).await, TrialResult::Stranger, "another key");
            assert_eq!(dial(&tls, address, theirs.public_key()).await, TrialResult::Stranger, "another program");
        };
        tokio::join!(serving, dialling);
        drop(listener);
        assert_eq!(dial(&tls, address, theirs.public_key()).await, TrialResult::Refused);
    }
}
