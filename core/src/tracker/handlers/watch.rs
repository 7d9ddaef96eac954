//! `watch` and `unwatch`.

use crate::protocol::command::{Unwatch, Watch};
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle};
use crate::tracker::machine::Tracker;
use crate::tracker::watching::WatchFilter;

impl Handle for Watch {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.watch(asker, WatchFilter::of(self))
    }
}

impl Handle for Unwatch {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.unwatch(asker)
    }
}

impl Tracker {
    /// What was asked for before is forgotten.
    fn watch(&mut self, asker: &Asker, what: WatchFilter) -> CommandOutcome {
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.is_watching = true;
            self.changes.watch(asker.session, asker.view, what);
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
