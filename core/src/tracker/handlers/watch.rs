//! `watch` and `unwatch`.

use crate::tracker::handlers::{Answer, Asker, Outcome};
use crate::tracker::machine::Tracker;

impl Tracker {
    pub(super) fn watch(&mut self, asker: &Asker) -> Outcome {
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.is_watching = true;
            self.changes.watch(asker.session, asker.view);
        }
        Ok(Answer::Done)
    }

    pub(super) fn unwatch(&mut self, asker: &Asker) -> Outcome {
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.is_watching = false;
            self.changes.unwatch(asker.session, asker.view);
        }
        Ok(Answer::Done)
    }
}
