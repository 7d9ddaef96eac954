//! What outlives a tracker.

use crate::model::binding::{Ban, Binding};
use crate::model::invite_token::IssuedInvite;
use crate::model::key::PublicKey;
use crate::model::waiting_user::WaitingUser;

/// What a tracker knew when it was last stopped.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Whose each name is.
    pub bindings: Vec<Binding>,
    /// Who is shut out, besides those in the settings.
    pub bans: Vec<Ban>,
    /// The invites that were issued.
    pub invites: Vec<IssuedInvite>,
    /// The largest number that an invite ever had.
    pub last_invite: u64,
    /// Who waits to be let in.
    pub waiting: Vec<(PublicKey, WaitingUser)>,
    /// What owners have set by commands.
    pub ordered: Vec<(String, String)>,
    /// Where its own clock stood ([`crate::tracker::input::Clock`]); trackers of before did not write it down.
    pub run_seconds: Option<u64>,
}

impl Remembered {
    /// From where the tracker's own clock counts on. Without a record it is when a name was used last: nobody can have
    /// been away for longer. The clock on the wall may have jumped then, or may now, so the earlier one counts.
    pub fn run_seconds(&self, unix_seconds: u64) -> u64 {
        let last_use = self.bindings.iter().map(|binding| binding.used_at).max();
        self.run_seconds.unwrap_or(last_use.map_or(unix_seconds, |last| last.min(unix_seconds)))
    }
}
