//! Peers whom we asked to dial us, because they cannot be dialled: a connection that begins with our ticket belongs to
//! whoever waits for it. The ticket proves nothing; keys are proven afterwards, with us as the side that asks.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::model::ticket::{EncounterTicket, TICKET_LETTERS};

/// A connection of somebody who was asked to dial begins with this byte, then the ticket. A TLS handshake does not.
pub(crate) const REVERSED_BYTE: u8 = 0x01;
/// The tracker tells both sides at once: the other may be here before we have read our own ticket.
const EARLY_MAX: Duration = Duration::from_secs(2);
/// Connections with one ticket: who has seen it on its way may show it too, and must not take the place of the right one.
const ARRIVALS_OF_A_TICKET_MAX: usize = 4;

/// Those who are waited for.
#[derive(Debug, Default)]
pub struct Arrivals {
    expected: Mutex<HashMap<EncounterTicket, mpsc::Sender<std::net::TcpStream>>>,
    changed: Notify,
}

/// One of them. Nobody is waited for any more when this is dropped.
#[derive(Debug)]
pub struct Expected {
    arrivals: Arc<Arrivals>,
    ticket: EncounterTicket,
    streams: mpsc::Receiver<std::net::TcpStream>,
}

impl Arrivals {
    /// Waits for whoever shows this ticket.
    pub fn expect(self: &Arc<Self>, ticket: EncounterTicket) -> Expected {
        let (found, streams) = mpsc::channel(ARRIVALS_OF_A_TICKET_MAX);
        self.expected.lock().insert(ticket, found);
        self.changed.notify_waiters();
        Expected { arrivals: Arc::clone(self), ticket, streams }
    }

    /// Hands a connection that began with [`REVERSED_BYTE`] to whoever waits for its ticket.
    pub(crate) async fn bring(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut first = [0; 1 + TICKET_LETTERS];
        stream.read_exact(&mut first).await?;
        let letters = std::str::from_utf8(&first[1..]).map_err(io::Error::other)?;
        let ticket = letters.parse().map_err(io::Error::other)?;
        let expected = timeout(EARLY_MAX, self.expected(ticket)).await?;
        expected.try_send(stream.into_std()?).map_err(|_full| io::ErrorKind::QuotaExceeded.into())
    }

    async fn expected(&self, ticket: EncounterTicket) -> mpsc::Sender<std::net::TcpStream> {
        loop {
            let changed = self.changed.notified();
            if let Some(expected) = self.expected.lock().get(&ticket) {
                return expected.clone();
            }
            changed.await;
        }
    }
}

impl Expected {
    /// The next who shows the ticket. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> io::Result<TcpStream> {
        match self.streams.recv().await {
            Some(stream) => TcpStream::from_std(stream),
            // Another encounter has the same ticket, which does not happen.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.arrivals.expected.lock().remove(&self.ticket);
    }
}

/// What a connection to somebody who asked for it begins with.
pub(crate) fn first_bytes(ticket: EncounterTicket) -> Vec<u8> {
    [&[REVERSED_BYTE], ticket.to_string().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A connection that begins with these bytes, as it is accepted.
    async fn connection(first: &[u8]) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let mut dialled = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
        dialled.write_all(first).await.expect("sent");
        (listener.accept().await.expect("accepted").0, dialled)
    }

    #[tokio::test]
    async fn a_ticket_finds_who_waits_for_it_even_if_it_comes_early() {
        let arrivals = Arc::new(Arrivals::default());
        let ticket = EncounterTicket::from_bytes([7; 16]);
        let (early, _other_end) = connection(&first_bytes(ticket)).await;
        let bringing = tokio::spawn({
            let arrivals = Arc::clone(&arrivals);
            async move { arrivals.bring(early).await }
        });
        let mut expected = arrivals.expect(ticket);
        let mut came = [expected.next().await.is_ok(), false];
        assert!(bringing.await.expect("ran").is_ok());

        let (late, _other_end) = connection(&first_bytes(ticket)).await;
        assert!(arrivals.bring(late).await.is_ok());
        came[1] = expected.next().await.is_ok();
        assert_eq!(came, [true, true]);
        drop(expected);
        assert!(arrivals.expected.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_closed() {
        let arrivals = Arc::new(Arrivals::default());
        let mut expected = arrivals.expect(EncounterTicket::from_bytes([7; 16]));
        for first in
            [&first_bytes(EncounterTicket::from_bytes([8; 16]))[..], &[REVERSED_BYTE; 23], &[REVERSED_BYTE, 65]]
        {
            let (stream, other_end) = connection(first).await;
            drop(other_end);
            assert!(arrivals.bring(stream).await.is_err(), "{first:?}");
        }
        // A ticket that was seen by somebody fills no more than its own places.
        for n in 0..ARRIVALS_OF_A_TICKET_MAX + 1 {
            let (stream, _other_end) = connection(&first_bytes(expected.ticket)).await;
            assert_eq!(arrivals.bring(stream).await.is_ok(), n < ARRIVALS_OF_A_TICKET_MAX);
        }
        assert!(expected.next().await.is_ok());
    }
}
