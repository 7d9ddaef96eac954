//! Shows the tracker where we are by the other family of addresses, so that people who have only that one reach us.
//!
//! A session comes by IPv4 or by IPv6. If the tracker has addresses of both, a second connection goes there by the other
//! one, says `also`, has the tracker try that address too, and ends.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::model::address_family::AddressFamily;
use crate::model::invite::HostPort;
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::own_ports::OwnPorts;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::net::outgoing::Outgoing;
use crate::net::race::{Race, RaceEvent};
use crate::net::short_reply::ShortReplies;
use crate::net::tls::{Encrypted, TlsClient};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::command::{Also, Command, Quit, Reach};
use crate::protocol::notice::Notice;
use crate::reach::reachability::{NotTold, TrialEvent};
use crate::reach::{DialCandidate, ReachAttempt};
use crate::service::tracker_client::connecting::CONNECT_MAX;
use crate::service::tracker_client::trials::{self, TRIAL_ANSWER_MAX};
use crate::service::tracker_client::{ClientEvent, ClientSetup};

/// The tracker tells what it saw for an hour.
const SHOWN_EVERY: Duration = Duration::from_secs(30 * 60);
/// The tracker dials a household once a minute.
const AGAIN_SOON: Duration = Duration::from_secs(61);

/// Whom to tell what.
pub(super) struct SecondFamily {
    tracker: HostPort,
    by: AddressFamily,
    key: PublicKey,
    outgoing: Outgoing,
    tls: TlsClient,
    username: Username,
    ports: watch::Receiver<OwnPorts>,
    events: mpsc::Sender<ClientEvent>,
}

/// What the tracker said.
enum Shown {
    /// It has seen the address, or will perhaps another time.
    Answered,
    /// The same, and it is to be asked soon whether the address can be dialled.
    NotTried,
    /// It is of an earlier version.
    NotUnderstood,
}

type Stream = Encrypted<TcpStream>;

impl SecondFamily {
    /// `None` if there is nobody to show it to: the tracker has proven no key.
    pub(super) fn of(
        setup: &ClientSetup,
        (tracker, first): (&HostPort, SocketAddr),
        key: Option<PublicKey>,
        events: mpsc::Sender<ClientEvent>,
    ) -> Option<Self> {
        Some(Self {
            tracker: tracker.clone(),
            by: AddressFamily::of(first.ip()).other(),
            // A proxy shows its own address.
            key: key.filter(|_| !setup.outgoing.is_proxied())?,
            outgoing: setup.outgoing.clone(),
            tls: setup.tls.clone(),
            username: setup.username.clone(),
            ports: setup.ports.clone(),
            events,
        })
    }

    /// Connects by the other family, if the tracker has such an address; `None` if not.
    async fn connect(&self) -> io::Result<Option<Stream>> {
        let addresses = self.outgoing.addresses_of(&self.tracker, CONNECT_MAX).await?;
        let others: Vec<SocketAddr> =
            addresses.into_iter().filter(|at| AddressFamily::of(at.ip()) == self.by).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let mut attempt = ReachAttempt::new(Instant::now().into_std());
        others.into_iter().for_each(|at| attempt.offer(DialCandidate::at(at)));
        let dial = |candidate: DialCandidate| {
            let outgoing = self.outgoing.clone();
            async move { outgoing.address(candidate.address, CONNECT_MAX).await }
        };
        let stream = match Race::new(attempt).next(dial).await {
            RaceEvent::Won(stream, _way) => stream,
            RaceEvent::Lost(error) => return Err(error),
            RaceEvent::AskToBeDialled | RaceEvent::ComeToRelay => return Err(io::ErrorKind::Unsupported.into()),
        };
        let (stream, _key) = timeout(limits::TLS_HANDSHAKE_MAX, self.tls.connect(stream, Some(self.key))).await??;
        Ok(Some(stream))
    }

    async fn show(&self, port: PeerPort) -> io::Result<Option<Shown>> {
        let Some(mut stream) = self.connect().await? else { return Ok(None) };
        let mut replies = ShortReplies::new();
        let also = Also { username: self.username.clone(), port: Some(port) };
        let shown = match ask(&mut stream, &mut replies, &also.into()).await? {
            Ok(_seen) => self.have_tried(&mut stream, &mut replies, port).await?,
            Err(ReplyCode::Known(Code::UnknownCommand)) => Shown::NotUnderstood,
            Err(_) => Shown::Answered,
        };
        stream.write_all(format!("{Quit}\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(Some(shown))
    }

    /// Has the tracker dial the address that it has just seen.
    async fn have_tried(&self, stream: &mut Stream, replies: &mut ShortReplies, port: PeerPort) -> io::Result<Shown> {
        self.tell(TrialEvent::Asked).await;
        let asked = ask(stream, replies, &Reach.into()).await;
        let told = |notice| match notice {
            Notice::Reach(notice) if trials::is_about(notice, self.by, Some(port)) => Some(notice),
            _ => None,
        };
        let (event, shown) = match asked {
            Ok(Ok(_)) => match timeout(TRIAL_ANSWER_MAX, replies.notice(stream, told)).await {
                Ok(Ok(notice)) => (TrialEvent::Told(notice), Shown::Answered),
                Ok(Err(_)) | Err(_) => (TrialEvent::NotTold(NotTold::Silent), Shown::NotTried),
            },
            Ok(Err(code)) => match trials::not_told(&code) {
                NotTold::TooOften => (TrialEvent::NotTold(NotTold::TooOften), Shown::NotTried),
                why => (TrialEvent::NotTold(why), Shown::Answered),
            },
            Err(_) => (TrialEvent::NotTold(NotTold::Silent), Shown::NotTried),
        };
        self.tell(event).await;
        Ok(shown)
    }

    async fn tell(&self, event: TrialEvent) {
        // Nobody listens only while the node is being taken down.
        let _ = self.events.send(ClientEvent::Trial { by: self.by, event }).await;
    }
}

async fn ask(
    stream: &mut Stream,
    replies: &mut ShortReplies,
    command: &Command,
) -> io::Result<Result<Vec<String>, ReplyCode>> {
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    stream.flush().await?;
    timeout(limits::TLS_FIRST_COMMAND_MAX, replies.answer(stream)).await?
}

/// Shows it now, when our port is another one, and from time to time, for as long as the future is waited for.
pub(super) async fn keep_showing(what: Option<SecondFamily>) -> Infallible {
    let Some(mut second) = what else { return std::future::pending().await };
    loop {
        let port = second.ports.borrow_and_update().by(second.by);
        let again_after = match port {
            // Nobody is to dial us.
            None => SHOWN_EVERY,
            Some(port) => match second.show(port).await {
                // One family, or an earlier version: neither changes while the session lasts.
                Ok(None | Some(Shown::NotUnderstood)) => return std::future::pending().await,
                Ok(Some(Shown::Answered)) => SHOWN_EVERY,
                Ok(Some(Shown::NotTried)) => AGAIN_SOON,
                Err(error) => {
                    tracing::debug!(%error, "the tracker cannot be shown our other address");
                    second.tell(TrialEvent::Forgotten).await;
                    SHOWN_EVERY
                }
            },
        };
        tokio::select! {
            () = sleep(again_after) => {}
            Ok(()) = second.ports.changed() => {}
        }
    }
}
