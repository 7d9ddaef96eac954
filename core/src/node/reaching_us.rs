//! Whether others can reach us: what the tracker has tried, told to whoever wants to know.

use tokio::sync::watch;

use crate::model::address_family::AddressFamily;
use crate::model::own_ports::OwnPorts;
use crate::model::port::PeerPort;
use crate::reach::reachability::Reachability;
use crate::service::peer_server::PeerServer;

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
    pub(super) fn new(peer_server: &PeerServer) -> Self {
        let this = Self { ports: watch::Sender::new(OwnPorts::default()), known: watch::Sender::default() };
        this.listen_at(peer_server);
        this
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

    /// The peer server is here now.
    pub(super) fn listen_at(&self, peer_server: &PeerServer) {
        let at = peer_server.address();
        let port = PeerPort::new(at.port()).ok();
        let listens = |family| at.ip().is_unspecified() && at.is_ipv6() || AddressFamily::of(at.ip()) == family;
        self.ports.send_if_modified(|ports| {
            let of = |family| port.filter(|_| listens(family));
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
