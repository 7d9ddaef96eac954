//! Whether others can reach us, as far as we were told. Only a tracker that has dialled us can say so: what a router has
//! promised, or a connection that both sides opened, says nothing about everybody else.

use std::net::IpAddr;

use crate::model::address_family::AddressFamily;
use crate::model::port::PeerPort;
use crate::model::shared_address::is_carrier_grade;
use crate::model::way::Way;
use crate::protocol::trial::{TrialNotice, TrialResult};
use crate::reach::mapping::MappingState;

/// What is known, by each family of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reachability {
    /// What is known of our address of IPv4.
    pub ipv4: FamilyTrial,
    /// What is known of our address of IPv6.
    pub ipv6: FamilyTrial,
    /// The port at which our peer server listens.
    pub port: Option<PeerPort>,
    /// Whether a router takes connections of IPv4 for us.
    pub mapping_ipv4: MappingState,
    /// Whether a router lets connections of IPv6 through.
    pub mapping_ipv6: MappingState,
}

/// What is known of one family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FamilyTrial {
    /// What came of the latest trial.
    pub last: Option<TrialNotice>,
    /// The address is one of this computer's own: no router translates.
    pub is_own: bool,
    /// The tracker was asked, and has not said yet.
    pub is_under_way: bool,
    /// Why the tracker would not try, when it was asked last.
    pub not_told: Option<NotTold>,
}

/// What a session at a tracker learns of trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialEvent {
    /// The tracker was asked.
    Asked,
    /// What came of it.
    Told(TrialNotice),
    /// It does not try.
    NotTold(NotTold),
    /// What was known is of another address or port.
    Forgotten,
}

/// Why a tracker does not try to reach us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTold {
    /// It is of an earlier version.
    EarlierVersion,
    /// It was asked often from here; it is asked again by itself.
    TooOften,
    /// It has said nothing for too long.
    Silent,
    /// It does not want to.
    Refused,
}

/// What all of it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachVerdict {
    /// Whoever is on the Internet can reach us, by one family at least.
    Everybody,
    /// The tracker is in our own network, and reached us there; of others it cannot say.
    Nearby,
    /// Nobody can, as far as the tracker has tried.
    Nobody,
    /// It was not tried, or nothing is known yet.
    Unknown,
}

impl Reachability {
    /// What is known of a family.
    pub fn by(&self, family: AddressFamily) -> &FamilyTrial {
        match family {
            AddressFamily::Ipv4 => &self.ipv4,
            AddressFamily::Ipv6 => &self.ipv6,
        }
    }

    /// How it stands with the router by a family.
    pub fn mapping(&self, family: AddressFamily) -> MappingState {
        match family {
            AddressFamily::Ipv4 => self.mapping_ipv4,
            AddressFamily::Ipv6 => self.mapping_ipv6,
        }
    }

    /// Takes what a session has learned. Whether an address that was told is one of this computer's own is said by the
    /// caller.
    pub fn hear(&mut self, family: AddressFamily, event: TrialEvent, is_own: bool) {
        let trial = match family {
            AddressFamily::Ipv4 => &mut self.ipv4,
            AddressFamily::Ipv6 => &mut self.ipv6,
        };
        match event {
            TrialEvent::Asked => trial.is_under_way = true,
            TrialEvent::Told(notice) => *trial = FamilyTrial { last: Some(notice), is_own, ..FamilyTrial::default() },
            TrialEvent::NotTold(why) => {
                trial.is_under_way = false;
                trial.not_told = Some(why);
            }
            TrialEvent::Forgotten => *trial = FamilyTrial::default(),
        }
    }

    /// Whether a tracker is trying now.
    pub fn is_under_way(&self) -> bool {
        AddressFamily::ALL.into_iter().any(|family| self.by(family).is_under_way)
    }

    /// What it comes to.
    pub fn verdict(&self) -> ReachVerdict {
        let told = AddressFamily::ALL.into_iter().filter_map(|family| self.by(family).last);
        told.map(verdict_of)
            .max_by_key(|verdict| match verdict {
                ReachVerdict::Everybody => 3,
                ReachVerdict::Nearby => 2,
                ReachVerdict::Nobody => 1,
                ReachVerdict::Unknown => 0,
            })
            .unwrap_or(ReachVerdict::Unknown)
    }
}

fn verdict_of(notice: TrialNotice) -> ReachVerdict {
    match notice.result {
        TrialResult::Open if is_nearby(notice) => ReachVerdict::Nearby,
        TrialResult::Open => ReachVerdict::Everybody,
        TrialResult::Refused | TrialResult::Silent | TrialResult::Stranger => ReachVerdict::Nobody,
    }
}

/// Whether the tracker sees us at an address that means something in our own network only.
fn is_nearby(notice: TrialNotice) -> bool {
    let is_shared = match notice.address.ip() {
        IpAddr::V4(ip) => is_carrier_grade(ip),
        IpAddr::V6(_) => false,
    };
    is_shared || Way::of(notice.address) == Way::Nearby
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str, result: TrialResult) -> TrialEvent {
        TrialEvent::Told(TrialNotice { address: address.parse().expect(address), result })
    }

    #[test]
    fn only_a_trial_from_elsewhere_says_that_everybody_can() {
        use AddressFamily::{Ipv4, Ipv6};
        let mut known = Reachability::default();
        let mut check = |family, event, expected| {
            known.hear(family, event, false);
            assert_eq!(known.verdict(), expected, "{event:?}");
        };
        check(Ipv4, TrialEvent::Asked, ReachVerdict::Unknown);
        check(Ipv4, told("203.0.113.1:4001", TrialResult::Silent), ReachVerdict::Nobody);
        check(Ipv6, told("[fd00::1]:4001", TrialResult::Open), ReachVerdict::Nearby);
        check(Ipv6, told("[2001:db8::1]:4001", TrialResult::Open), ReachVerdict::Everybody);
        check(Ipv6, TrialEvent::Asked, ReachVerdict::Everybody);
        check(Ipv6, TrialEvent::NotTold(NotTold::TooOften), ReachVerdict::Everybody);
        check(Ipv6, TrialEvent::Forgotten, ReachVerdict::Nobody);
        check(Ipv4, told("100.64.0.2:4001", TrialResult::Open), ReachVerdict::Nearby);
        check(Ipv4, told("192.168.1.2:4001", TrialResult::Stranger), ReachVerdict::Nobody);
    }
}
