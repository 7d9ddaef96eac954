//! `reach`: a user is dialled where this session comes from, and nowhere else. The address is the one that the tracker
//! sees, the port is a registered one, which is above those of systems; and the user must have proven the key that whoever
//! answers there has to prove.

use std::net::SocketAddr;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Reach;
use crate::protocol::notice::Notice;
use crate::protocol::sentence::Sentence;
use crate::protocol::trial::{TrialNotice, TrialResult};
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights};
use crate::tracker::input::TrialId;
use crate::tracker::machine::Tracker;
use crate::tracker::roster::{Online, ReaderView};
use crate::tracker::trials::NoTrial;

impl Handle for Reach {
    /// Also the session that has shown a second address says it, which has no name of its own.
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.begin_trial(asker, effects)
    }
}

impl Tracker {
    fn begin_trial(&mut self, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let key = asker.key.ok_or_else(|| Refusal::new(Code::Unreachable, Sentence::NoKeyToDial))?;
        let (username, address) = self.own_address(asker)?;
        let (username, address) = (username.username.clone(), address);
        let trial = self.trials.begin(asker.now, asker.session, username, address).map_err(|why| match why {
            NoTrial::TooOften => Refusal::new(Code::SlowDown, Sentence::DialledTooOften),
            NoTrial::TooMany => Refusal::new(Code::SlowDown, Sentence::ManyDialled),
        })?;
        effects.push(Effect::Try { trial, address, key });
        Ok(CommandReply::Done)
    }

    /// Who asks, and where others would dial them by the family of this session.
    fn own_address(&self, asker: &Asker) -> Result<(&Online, SocketAddr), Refusal> {
        let shown = self.sessions.get(&asker.session).and_then(|session| session.shown.as_ref());
        let username = asker.user.as_ref().map(|user| &user.username).or(shown);
        // Who has the name now may be another one than when the session showed its address.
        let online = username.and_then(|username| self.roster.get(username)).filter(|online| online.key == asker.key);
        let online = online.ok_or_else(|| Refusal::new(Code::NotRegistered, Sentence::NotRegistered))?;
        let mut addresses = online.addresses(ReaderView::SameHost, asker.now).map(|(address, _)| address);
        let own = addresses.find(|address| address.ip() == asker.address);
        let own = own.ok_or_else(|| Refusal::new(Code::Unreachable, Sentence::NoPort))?;
        Ok((online, own))
    }

    /// What came of dialling somebody: they are told, and others from now on.
    pub(in crate::tracker) fn end_trial(&mut self, id: TrialId, result: TrialResult, effects: &mut Effects) {
        let Some(trial) = self.trials.end(id) else { return };
        let key = self.sessions.get(&trial.session).and_then(|session| session.key);
        let Some(key) = key else { return };
        if self.roster.get(&trial.username).is_some_and(|online| online.key == Some(key)) {
            self.roster.set_openness(&trial.username, trial.address, result.openness());
        }
        let notice = Notice::Reach(TrialNotice { address: trial.address, result });
        self.notify(trial.session, &notice, effects);
    }
}
