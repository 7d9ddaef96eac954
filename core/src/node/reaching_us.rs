//! Whether others can reach us: what the tracker has tried, told to whoever wants to know.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::model::address_family::AddressFamily;
use crate::model::own_ports::OwnPorts;
use crate::model::port::PeerPort;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::intent::IntentId;
use crate::node::main_loop::NodeTask;
use crate::reach::reachability::{Reachability, TrialEvent};
use crate::service::peer_server::PeerServer;

/// How long somebody who asks waits for the tracker.
const ASKED_MAX: Duration = Duration::from_secs(15);

/// What is known, and how others dial us. Others see both through watches.
#[derive(Debug)]
pub(super) struct ReachingUs {
    ports: watch::Sender<OwnPorts>,
    known: watch::Sender<KnownReach>,
}

#[derive(Debug, Default, Clone)]
struct KnownReach {
    reach: Reachability,
    /// Grows whenever a trial has ended, one way or another.
    ended: u64,
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
    fn try_anew(&self) {
        self.ports.send_modify(|ports| ports.trials += 1);
    }

    /// Changes what is known; whether it is something else now.
    fn change(&self, change: impl FnOnce(&mut KnownReach)) -> bool {
        self.known.send_if_modified(|known| {
            let before = (known.reach.clone(), known.ended);
            change(known);
            (&before.0, before.1) != (&known.reach, known.ended)
        })
    }
}

impl NodeTask {
    /// A session has learned something.
    pub(super) fn hear_trial(&self, by: AddressFamily, event: TrialEvent) {
        let is_own = match event {
            TrialEvent::Told(notice) => is_own(notice.address.ip()),
            TrialEvent::Asked | TrialEvent::NotTold(_) | TrialEvent::Forgotten => false,
        };
        self.tell_reach(|known| {
            known.reach.hear(by, event, is_own);
            known.ended += u64::from(event != TrialEvent::Asked);
        });
    }

    /// We are no longer where it was learned.
    pub(super) fn forget_trials(&self) {
        self.tell_reach(|known| {
            AddressFamily::ALL.into_iter().for_each(|by| known.reach.hear(by, TrialEvent::Forgotten, false));
        });
    }

    fn tell_reach(&self, change: impl FnOnce(&mut KnownReach)) {
        if self.reaching_us.change(change) {
            self.outbox.push(NodeEvent::Reachability(Box::new(self.reaching_us.known())));
        }
    }

    /// Has the tracker try now, and tells what is known then.
    pub(super) fn ask_reach(&mut self, id: IntentId) {
        if let Err(why) = self.session.client() {
            return self.answer(Some(id), Err(why));
        }
        let mut known = self.reaching_us.known.subscribe();
        let before = known.borrow_and_update().ended;
        self.reaching_us.try_anew();
        self.children.ask(id, async move {
            let is_over = |now: &KnownReach| now.ended > before && !now.reach.is_under_way();
            drop(timeout(ASKED_MAX, known.wait_for(is_over)).await);
            let reach = known.borrow().reach.clone();
            Ok(Outcome::Reachability(Box::new(reach)))
        });
    }
}

/// Whether this computer has the address itself, so that there is no router that translates.
fn is_own(ip: IpAddr) -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().any(|one| one.ip() == ip))
}
