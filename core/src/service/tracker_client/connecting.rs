//! The way to a tracker: the connection, the key that is expected there, and the name.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::model::absence::AbsenceReason;
use crate::model::address_family::AddressFamily;
use crate::model::invite::HostPort;
use crate::model::invite_token::InviteToken;
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::own_ports::OwnPorts;
use crate::model::username::Username;
use crate::net::outgoing::{Outgoing, ProxyError};
use crate::net::tls::{self, TlsClient};
use crate::service::tracker_client::AwayReason;
use crate::service::tracker_client::known_names::KnownNames;
use crate::service::tracker_client::session::ClientSession;
use crate::service::tracker_client::tap::Tap;
use crate::store::Store;

/// Reaching the tracker, TCP alone.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What one try to be at a tracker needs.
pub(super) struct Connecting {
    pub(super) at: HostPort,
    /// The key that it must prove; without one, that of the first time.
    pub(super) key: Option<PublicKey>,
    /// What lets us in if the network is closed.
    pub(super) token: Option<InviteToken>,
    pub(super) username: Username,
    /// Where others dial us.
    pub(super) ports: watch::Receiver<OwnPorts>,
    pub(super) tls: TlsClient,
    pub(super) store: Arc<Store>,
    pub(super) tap: Arc<Tap>,
    /// How the connection leaves.
    pub(super) outgoing: Outgoing,
    /// Is told the key that the tracker proves.
    pub(super) key_known: watch::Sender<Option<PublicKey>>,
    /// Gets to know whom we know there.
    pub(super) known_names: Arc<KnownNames>,
}

/// Connects, proves who we are, and registers.
pub(super) async fn connect(with: Connecting) -> Result<ClientSession, AwayReason> {
    let Connecting { at: host, key: invited, token, username, ports, tls, store, tap, .. } = with;
    let Connecting { outgoing, key_known, known_names, .. } = with;
    let expected = match invited {
        Some(key) => Some(key),
        None => pinned(store.clone(), host.clone()).await?,
    };
    let stream = outgoing.host(&host, CONNECT_MAX).await.map_err(unreachable)?;
    let at: SocketAddr = outgoing.reached(&host, &stream).map_err(unreachable)?;
    let connected = timeout(outgoing.patience(limits::TLS_HANDSHAKE_MAX), tls.connect(stream, expected)).await;
    let connected = connected.map_err(|_elapsed| AwayReason::Unreachable(AbsenceReason::Silent))?;
    let (stream, key) = connected.map_err(|error| match tls::is_wrong_key(&error) {
        true => AwayReason::KeyChanged,
        false => unreachable(error),
    })?;
    if expected.is_none() || invited.is_some() {
        pin(store, host, key).await?;
    }
    let load = tokio::task::spawn_blocking(move || known_names.load(key)).await;
    load.map_err(database_panicked)?.map_err(database_failed)?;
    key_known.send_replace(Some(key));
    let port = ports.borrow().by(AddressFamily::of(at.ip()));
    ClientSession::register(stream, at, username, (port, token), tap).await
}

/// Why a connection was not made, with what the proxy says of it.
fn unreachable(error: io::Error) -> AwayReason {
    let of_proxy = error.get_ref().and_then(|inner| inner.downcast_ref());
    AwayReason::Unreachable(match of_proxy {
        Some(ProxyError::Away { proxy, why }) => {
            AbsenceReason::ProxyAway { proxy: proxy.clone(), why: why.to_string() }
        }
        Some(ProxyError::Refused { proxy, why }) => {
            AbsenceReason::ProxyRefused { proxy: proxy.clone(), why: why.clone() }
        }
        None if is_unknown_host(&error) => AbsenceReason::NoSuchHost,
        None => match error.kind() {
            io::ErrorKind::TimedOut => AbsenceReason::Silent,
            // What came is no TLS, or another one than ours.
            io::ErrorKind::InvalidData => AbsenceReason::NotATracker,
            io::ErrorKind::UnexpectedEof => AbsenceReason::CutOff,
            _ => error.to_string().into(),
        },
    })
}

/// Whether a name was looked up and nobody has it. The standard library knows no kind for that.
fn is_unknown_host(error: &io::Error) -> bool {
    let is_windows_number = |number| matches!(number, 11_001 | 11_002 | 11_004);
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && is_windows_number(number),
        None => error.to_string().starts_with("failed to lookup address information"),
    }
}

async fn pinned(store: Arc<Store>, tracker: HostPort) -> Result<Option<PublicKey>, AwayReason> {
    let read = tokio::task::spawn_blocking(move || store.pinned_key(&tracker)).await;
    read.map_err(database_panicked)?.map_err(database_failed)
}

async fn pin(store: Arc<Store>, tracker: HostPort, key: PublicKey) -> Result<(), AwayReason> {
    let write = move || match store.pinned_key(&tracker)? {
        Some(known) if known == key => Ok(()),
        _ => store.pin_key(&tracker, key),
    };
    tokio::task::spawn_blocking(write).await.map_err(database_panicked)?.map_err(database_failed)
}

fn database_failed(error: redb::Error) -> AwayReason {
    AwayReason::Unreachable(format!("the database failed: {error}").into())
}

fn database_panicked(_panic: tokio::task::JoinError) -> AwayReason {
    AwayReason::Unreachable("the database failed".into())
}
