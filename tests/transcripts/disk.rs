//! What a tracker has written down.

use std::collections::BTreeMap;

use potok_core::model::binding::{Ban, Binding, Record};
use potok_core::model::invite_token::IssuedInvite;
use potok_core::model::key::PublicKey;
use potok_core::model::waiting_user::WaitingUser;
use potok_core::tracker::input::Ticket;

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) waits: bool,
    pub(crate) under_way: Vec<(Ticket, Vec<Record>)>,
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) bans: Vec<Ban>,
    pub(crate) invites: BTreeMap<u64, IssuedInvite>,
    pub(crate) last_invite: u64,
    pub(crate) waiting: BTreeMap<PublicKey, WaitingUser>,
    pub(crate) ordered: BTreeMap<String, String>,
    pub(crate) run_seconds: Option<u64>,
}

impl Disk {
    pub(crate) fn write(&mut self, record: Record) {
        match record {
            Record::Bound(binding) | Record::Used(binding) => {
                self.bindings.insert(binding.username.folded(), binding);
            }
            Record::Released { folded } | Record::Lapsed { folded, .. } => {
                self.bindings.remove(&folded);
            }
            Record::Resting(username) => _ = self.bindings.remove(&username.folded()),
            Record::Banned(ban) => {
                self.bans.retain(|other| other.target != ban.target);
                self.bans.push(ban);
            }
            Record::Invited(invite) => {
                self.last_invite = self.last_invite.max(invite.number);
                self.invites.insert(invite.number, invite);
            }
            Record::Waits { key, user } => _ = self.waiting.insert(key, user),
            Record::WaitsNoMore { key } => _ = self.waiting.remove(&key),
            Record::LastInvite { number } => self.last_invite = self.last_invite.max(number),
            Record::Revoked { number } => _ = self.invites.remove(&number),
            Record::Ordered { setting, value: Some(value) } => _ = self.ordered.insert(setting, value),
            Record::Ordered { setting, value: None } => _ = self.ordered.remove(&setting),
            Record::Unbanned(target) => self.bans.retain(|ban| ban.target != target),
            Record::BanOver { target, until } => {
                self.bans.retain(|ban| ban.target != target || ban.terms.until != Some(until));
            }
            Record::Clock { run_seconds } => self.run_seconds = Some(run_seconds),
        }
    }
}
