//! One side's part in an encounter that a tracker arranged: it dials at the moment in which the other side does.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::model::address_family::AddressFamily;
use crate::model::invite::HostPort;
use crate::model::ticket::EncounterTicket;
use crate::net::outgoing::Outgoing;
use crate::net::{punch, relay};

/// Reaching the tracker once more, for its relay.
const RELAY_CONNECT_MAX: Duration = Duration::from_secs(5);
/// Finding the tracker's addresses once more.
const NAME_ANSWER_MAX: Duration = Duration::from_secs(5);

/// Where and as whom to meet. Cheap to clone.
#[derive(Clone)]
pub struct Meeting {
    /// The tracker that arranged it, which sees the ports of both.
    pub tracker: HostPort,
    /// Our own ticket.
    pub ticket: EncounterTicket,
    /// Whether this tracker may send us to an address.
    pub may_dial: Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>,
}

/// Where the tracker carries the bytes of both, and our side of it.
#[derive(Debug, Clone)]
pub struct RelayPlace {
    /// The tracker that arranged the encounter, and carries the bytes.
    pub tracker: HostPort,
    /// Our own ticket.
    pub ticket: EncounterTicket,
}

impl RelayPlace {
    /// A connection to whoever came, who has proven nothing yet. It ends by itself.
    pub async fn enter(&self, outgoing: &Outgoing) -> io::Result<TcpStream> {
        let stream = outgoing.host(&self.tracker, RELAY_CONNECT_MAX).await?;
        relay::enter(stream, self.ticket).await
    }
}

impl Meeting {
    /// A connection to whoever came, who has proven nothing yet: none behind a proxy, which nobody can meet. It ends by itself.
    pub async fn meet(&self, by: AddressFamily, outgoing: &Outgoing) -> io::Result<TcpStream> {
        let addresses = outgoing.addresses_of(&self.tracker, NAME_ANSWER_MAX).await?;
        let tracker = addresses.into_iter().find(|at| AddressFamily::of(at.ip()) == by);
        let tracker =
            tracker.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the tracker has no such address"))?;
        punch::meet(tracker, self.ticket, |other| (self.may_dial)(other)).await
    }
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting").field("tracker", &self.tracker).finish_non_exhaustive()
    }
}
