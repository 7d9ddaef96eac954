//! At which ports others dial us, as trackers are told.

use crate::model::address_family::AddressFamily;
use crate::model::port::PeerPort;

/// The port of our peer server, and by each family of addresses the one at which others dial it: the same, or one at which
/// a router takes connections for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnPorts {
    /// Where it listens.
    pub listening: Option<PeerPort>,
    /// By IPv4; none if nobody is to dial us.
    pub ipv4: Option<PeerPort>,
    /// The same by IPv6.
    pub ipv6: Option<PeerPort>,
    /// Grows whenever a tracker is to try them anew.
    pub trials: u64,
}

impl OwnPorts {
    /// The port by one family.
    pub fn by(&self, family: AddressFamily) -> Option<PeerPort> {
        match family {
            AddressFamily::Ipv4 => self.ipv4,
            AddressFamily::Ipv6 => self.ipv6,
        }
    }
}
