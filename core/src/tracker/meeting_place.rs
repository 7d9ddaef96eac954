//! Where the network is met: at all trackers of a cluster, or at the public address of the only one. Users are told, so that
//! the invites that they hand on name all of it, whichever address they came by.

use crate::model::invite::NetworkAddress;
use crate::protocol::notice::Notice;
use crate::tracker::effect::Effects;
use crate::tracker::input::SessionId;
use crate::tracker::machine::Tracker;

impl Tracker {
    /// The trackers of the network are these now.
    pub(super) fn set_addresses(&mut self, addresses: NetworkAddress, effects: &mut Effects) {
        if self.addresses.as_ref() != Some(&addresses) {
            self.addresses = Some(addresses);
            self.tell_addresses(effects);
        }
    }

    /// Tells everybody who is here by a proven key.
    pub(super) fn tell_addresses(&mut self, effects: &mut Effects) {
        let Some(notice) = self.address_notice() else { return };
        let here = self.roster.iter().filter(|online| online.elsewhere.is_none() && online.key.is_some());
        let here: Vec<SessionId> = here.map(|online| online.session).collect();
        self.notify_all(here, &notice, effects);
    }

    /// Tells who has just come.
    pub(super) fn tell_addresses_to(&mut self, session: SessionId, effects: &mut Effects) {
        if let Some(notice) = self.address_notice() {
            self.notify(session, &notice, effects);
        }
    }

    fn address_notice(&self) -> Option<Notice> {
        let addresses = self.addresses.as_ref().or(self.settings.public_address.0.as_ref())?;
        Some(Notice::Trackers(addresses.clone()))
    }
}
