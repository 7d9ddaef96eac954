//! What a tracker has written down.

use std::collections::BTreeMap;

use potok_core::model::binding::{Ban, Binding, Record};
use potok_core::model::invite_token::IssuedInvite;
use potok_core::tracker::input::Ticket;

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) waits: bool,
    pub(crate) waiting: Vec<(Ticket, Record)>,
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) bans: Vec<Ban>,
    pub(crate) invites: BTreeMap<u64, IssuedInvite>,
    pub(crate) ordered: BTreeMap<String, String>,
    pub(crate) run_seconds: Option<u64>,
}

impl Disk {
    pub(crate) fn write(&mut self, record: Record) {
        match record {
            Record::Bound(binding) => {
                self.bindings.insert(binding.username.folded(), binding);
            }
            Record::Released { folded } => {
                self.bindings.remove(&folded);
            }
            Record::Banned(ban) => {
                self.bans.retain(|other| other.target != ban.target);
                self.bans.push(ban);
            }
            Record::Invited(invite) => _ = self.invites.insert(invite.number, invite),
            Record::Revoked { number } => _ = self.invites.remove(&number),
            Record::Ordered { setting, value: Some(value) } => _ = self.ordered.insert(setting, value),
            Record::Ordered { setting, value: None } => _ = self.ordered.remove(&setting),
            Record::Unbanned(target) => self.bans.retain(|ban| ban.target != target),
            Record::Clock { run_seconds } => self.run_seconds = Some(run_seconds),
        }
    }
}
