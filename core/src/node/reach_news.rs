//! What the node does about trials: it tells what has become known of whether others can reach us, and has them made.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::model::address_family::AddressFamily;
use crate::model::port::PeerPort;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::intent::IntentId;
use crate::node::main_loop::NodeTask;
use crate::node::reaching_us::{KnownReach, listens};
use crate::reach::reachability::{ReachVerdict, TrialEvent};
use crate::service::port_mapper::{Mappings, PortWish};

/// How long somebody who asks waits for the tracker.
const REACH_ASKED_MAX: Duration = Duration::from_secs(15);

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

    /// This computer is in another network, or was asleep: what stood before may be in vain now, and what failed may go.
    pub(super) fn look_around(&self) {
        self.session.probe();
        self.downloader.network_changed();
        self.reaching_us.try_anew();
    }

    /// Routers have promised something, or no longer.
    pub(super) fn hear_mappings(&mut self, now: Mappings) {
        let before = std::mem::replace(&mut self.mappings, now);
        let at = self.peer_server.address();
        self.peer_server.set_mapped(now.ipv4.mapped().is_some());
        self.reaching_us.are_at(at, &now, &self.settings.outgoing());
        self.tell_reach(|known| {
            (known.reach.mapping_ipv4, known.reach.mapping_ipv6) = (now.ipv4, now.ipv6);
        });
        let is_other = |family| before.by(family).mapped() != now.by(family).mapped();
        // Where a router has forgotten it meanwhile, the tracker may have tried in vain.
        if AddressFamily::ALL.into_iter().any(is_other) || before.confirmed != now.confirmed {
            self.reaching_us.try_anew();
        }
    }

    /// Has routers let others in as long as there is a network in which others want to, and the person has nothing
    /// against it. Who listens to this computer alone is reached by nobody else.
    pub(super) fn want_mappings(&self) {
        let at = self.peer_server.address();
        let may = self.settings.maps_port() && self.moves.here.is_some() && !at.ip().to_canonical().is_loopback();
        let port = PeerPort::new(at.port()).ok().filter(|_| may);
        let of = |family| port.filter(|_| listens(at, family));
        self.port_mapper.want(PortWish { ipv4: of(AddressFamily::Ipv4), ipv6: of(AddressFamily::Ipv6) });
    }

    /// Somebody who could not dial us has us dial them, although everybody could when it was tried last.
    pub(super) fn was_not_reached(&self) {
        if self.reaching_us.known().verdict() == ReachVerdict::Everybody {
            self.port_mapper.doubt();
        }
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
        let mut known = self.reaching_us.watch();
        let before = known.borrow_and_update().ended;
        self.reaching_us.try_anew();
        self.children.ask(id, async move {
            let is_over = |now: &KnownReach| now.ended > before && !now.reach.is_under_way();
            drop(timeout(REACH_ASKED_MAX, known.wait_for(is_over)).await);
            let reach = known.borrow().reach.clone();
            Ok(Outcome::Reachability(Box::new(reach)))
        });
    }
}

/// Whether this computer has the address itself, so that there is no router that translates.
fn is_own(ip: IpAddr) -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().any(|one| one.ip() == ip))
}
