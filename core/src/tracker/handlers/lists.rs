//! `list-users`, `list-totals`, `list-files`, `list-folder`, `search`, `count-files` and `sources`: what anybody may
//! read, strangers a bounded amount of it.

use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{CountFiles, ListFiles, ListFolder, ListTotals, ListUsers, Page, Search, Sources};
use crate::tracker::catalog::query::Query;
use crate::tracker::catalog::{OwnerId, Which};
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Answer, Asker, Handle, Outcome, Work};
use crate::tracker::machine::Tracker;
use crate::tracker::session::Job;

impl Handle for ListUsers {
    fn work(&self) -> Work {
        Work::Users
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> Outcome {
        let limit = tracker.limit(asker, &self.page)?;
        let page = tracker.roster.page(asker.view, &Page { limit, ..self.page });
        Ok(Answer::Lines { lines: page.lines, bytes: page.bytes, more: page.more })
    }
}

impl Handle for ListTotals {
    fn work(&self) -> Work {
        Work::Users
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> Outcome {
        Err(crate::protocol::command::unknown_command())
    }
}

impl Handle for ListFiles {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> Outcome {
        let owner = self.username.map(|username| tracker.owner_of(&username)).transpose()?;
        tracker.list(asker, owner.map_or(Which::All, Which::Owner), &self.page)
    }
}

impl Handle for ListFolder {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> Outcome {
        Err(crate::protocol::command::unknown_command())
    }
}

impl Handle for Search {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> Outcome {
        tracker.list(asker, Which::Search(&Query::new(&self.selection.words)), &self.page)
    }
}

impl Handle for CountFiles {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, _tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> Outcome {
        Err(crate::protocol::command::unknown_command())
    }
}

impl Handle for Sources {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> Outcome {
        tracker.list(asker, Which::Sources(self.hash), &self.page)
    }
}

impl Tracker {
    fn owner_of(&self, username: &Username) -> Result<OwnerId, Refusal> {
        let nobody = || Refusal::new(Code::NoSuchUser, "nobody of this name is here; see list-users");
        Ok(self.roster.get(username).ok_or_else(nobody)?.owner)
    }

    fn list(&mut self, asker: &Asker, which: Which<'_>, page: &Page) -> Outcome {
        let limit = self.limit(asker, page)?;
        let list = self.catalog.list(which, page.after.as_ref(), limit);
        Ok(Answer::Job(Box::new(Job::List { list, is_begun: false })))
    }

    /// Most lines of the answer.
    fn limit(&mut self, asker: &Asker, page: &Page) -> Result<Option<usize>, Refusal> {
        if asker.user.is_some() {
            return Ok(page.limit);
        }
        if !self.answers.has_left(asker.now, asker.address) {
            let text = "too many lists for somebody without a name; wait some seconds, or register-user";
            return Err(Refusal::new(Code::SlowDown, text));
        }
        let max = self.settings.unregistered_lines;
        Ok(Some(page.limit.map_or(max, |limit| limit.min(max))))
    }
}
