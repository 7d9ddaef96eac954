//! `watch` and `unwatch`.

use crate::protocol::command::{Unwatch, Watch};
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, CommandReply, Handle};
use crate::tracker::machine::Tracker;

impl Handle for Watch {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.watch(asker)
    }
}

impl Handle for Unwatch {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.unwatch(asker)
    }
}

impl Tracker {
    fn watch(&mut self, asker: &Asker) -> CommandOutcome {
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.is_watching = true;
            self.changes.watch(asker.session, asker.view);
        }
        Ok(CommandReply::Done)
    }

    fn unwatch(&mut self, asker: &Asker) -> CommandOutcome {
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.is_watching = false;
            self.changes.unwatch(asker.session, asker.view);
        }
        Ok(CommandReply::Done)
    }
}
