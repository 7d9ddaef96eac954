//! Whether others can reach us: what the tracker has tried, told to whoever wants to know.

use std::net::SocketAddr;

use tokio::sync::watch;

use crate::model::address_family::AddressFamily;
use crate::model::own_ports::OwnPorts;
use crate::model::port::PeerPort;
use crate::net::outgoing::Outgoing;
use crate::reach::reachability::Reachability;
use crate::service::port_mapper::Mappings;

/// What is known, and how others dial us. Others see both through watches.
#[derive(Debug)]
pub(super) struct ReachingUs {
    ports: watch::Sender<OwnPorts>,
    known: watch::Sender<KnownReach>,
}

/// What is known at a moment.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct KnownReach {
    pub(super) reach: Reachability,
    /// Grows whenever a trial has ended, one way or another.
    pub(super) ended: u64,
}

impl ReachingUs {
    pub(super) fn new() -> Self {
        Self { ports: watch::Sender::new(OwnPorts::default()), known: watch::Sender::default() }
    }

    /// Where others dial us.
    pub(super) fn ports(&self) -> watch::Receiver<OwnPorts> {
        self.ports.subscribe()
    }

    /// What is known.
    pub(super) fn known(&self) -> Reachability {
        self.known.borrow().reach.clone()
    }

    /// What will be known.
    pub(super) fn watch(&self) -> watch::Receiver<KnownReach> {
        self.known.subscribe()
    }

    /// The peer server is here now, and routers have promised this: others dial us there. Nobody does where a proxy is seen.
    pub(super) fn are_at(&self, peer_server: SocketAddr, mappings: &Mappings, outgoing: &Outgoing) {
        let port = PeerPort::new(peer_server.port()).ok().filter(|_| !outgoing.is_proxied());
        let of = |family| {
            let mapped = mappings.by(family).mapped().map(|(_, mapped)| mapped.port);
            mapped.or(port).filter(|_| listens(peer_server, family) && !outgoing.is_proxied())
        };
        self.ports.send_if_modified(|ports| {
            let (ipv4, ipv6) = (of(AddressFamily::Ipv4), of(AddressFamily::Ipv6));
            let now = OwnPorts { listening: port, ipv4, ipv6, trials: ports.trials };
            std::mem::replace(ports, now) != now
        });
        self.known.send_modify(|known| known.reach.port = port);
    }

    /// Has the tracker try anew.
    pub(super) fn try_anew(&self) {
        self.ports.send_modify(|ports| ports.trials += 1);
    }

    /// Changes what is known; whether it is something else now.
    pub(super) fn change(&self, change: impl FnOnce(&mut KnownReach)) -> bool {
        self.known.send_if_modified(|known| {
            let before = known.clone();
            change(known);
            before != *known
        })
    }
}

/// Whether a server that listens there is reached by this family. One for everybody is for both.
pub(super) fn listens(at: SocketAddr, family: AddressFamily) -> bool {
    at.ip().is_unspecified() && at.is_ipv6() || AddressFamily::of(at.ip()) == family
}
