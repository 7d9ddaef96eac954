//! Shows the tracker where we are by the other family of addresses, so that people who have only that one reach us.
//!
//! A session comes by IPv4 or by IPv6. If the tracker has addresses of both, a second connection goes there by the other
//! one, says `also`, and ends.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::model::invite::HostPort;
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::net::dial;
use crate::net::race::{Race, RaceEvent};
use crate::net::short_reply;
use crate::net::tls::{Encrypted, TlsClient};
use crate::protocol::code::Code;
use crate::protocol::command::{Also, Command, Quit};
use crate::reach::{DialCandidate, ReachAttempt};
use crate::service::tracker_client::ClientSetup;
use crate::service::tracker_client::connecting::CONNECT_MAX;

/// The tracker tells what it saw for an hour.
const SHOWN_EVERY: Duration = Duration::from_secs(30 * 60);

/// Whom to tell what.
pub(super) struct SecondFamily {
    tracker: HostPort,
    /// The address by which the session goes.
    first: SocketAddr,
    key: PublicKey,
    tls: TlsClient,
    also: Command,
}

/// What the tracker said.
enum Shown {
    /// It has seen the address, or will perhaps another time.
    Answered,
    /// It is of an earlier version.
    NotUnderstood,
}

impl SecondFamily {
    /// `None` if there is nothing to show: the tracker has proven no key, or nobody reaches us anyway.
    pub(super) fn of(setup: &ClientSetup, first: SocketAddr, key: Option<PublicKey>) -> Option<Self> {
        let also = Also { username: setup.username.clone(), port: Some(setup.peer_port?) }.into();
        Some(Self { tracker: setup.tracker.address.clone(), first, key: key?, tls: setup.tls.clone(), also })
    }

    /// Connects by the other family, if the tracker has such an address; `None` if not.
    async fn connect(&self) -> io::Result<Option<Encrypted<TcpStream>>> {
        let is_ipv4 = self.first.ip().to_canonical().is_ipv4();
        let addresses = dial::addresses_of(&self.tracker, CONNECT_MAX).await?;
        let others: Vec<SocketAddr> = addresses.into_iter().filter(|at| at.is_ipv4() != is_ipv4).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let mut attempt = ReachAttempt::new(Instant::now().into_std());
        others.into_iter().for_each(|at| attempt.offer(DialCandidate::at(at)));
        let stream = match Race::new(attempt).next(|candidate| dial::address(candidate.address, CONNECT_MAX)).await {
            RaceEvent::Won(stream, _way) => stream,
            RaceEvent::Lost(error) => return Err(error),
            RaceEvent::AskToBeDialled => return Err(io::ErrorKind::Unsupported.into()),
        };
        let (stream, _key) = timeout(limits::TLS_HANDSHAKE_MAX, self.tls.connect(stream, Some(self.key))).await??;
        Ok(Some(stream))
    }

    async fn show(&self) -> io::Result<Option<Shown>> {
        let Some(mut stream) = self.connect().await? else { return Ok(None) };
        let mut lines = String::new();
        write!(lines, "{}\n{Quit}\n", self.also).expect("a text in memory takes everything");
        stream.write_all(lines.as_bytes()).await?;
        stream.flush().await?;
        let answered = timeout(limits::TLS_FIRST_COMMAND_MAX, short_reply::read(&mut stream)).await??;
        let is_unknown = answered.is_err_and(|code| code == Code::UnknownCommand);
        Ok(Some(if is_unknown { Shown::NotUnderstood } else { Shown::Answered }))
    }
}

/// Shows it now and from time to time, for as long as the future is waited for.
pub(super) async fn keep_showing(what: Option<SecondFamily>) -> Infallible {
    if let Some(second) = what {
        loop {
            match second.show().await {
                // One family, or an earlier version: neither changes while the session lasts.
                Ok(None | Some(Shown::NotUnderstood)) => break,
                Ok(Some(Shown::Answered)) => {}
                Err(error) => tracing::debug!(%error, "the tracker cannot be shown our other address"),
            }
            sleep(SHOWN_EVERY).await;
        }
    }
    std::future::pending().await
}
