//! `list-users`, `list-files`, `search` and `sources`: what anybody may read, strangers a bounded amount of it.

use crate::model::hash::ContentHash;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Page;
use crate::tracker::catalog::Which;
use crate::tracker::catalog::query::Query;
use crate::tracker::handlers::{Answer, Asker, Outcome};
use crate::tracker::machine::Tracker;
use crate::tracker::session::Job;

impl Tracker {
    pub(super) fn list_users(&mut self, asker: &Asker, page: Page) -> Outcome {
        let limit = self.limit(asker, &page)?;
        let page = self.roster.page(asker.view, &Page { limit, ..page });
        Ok(Answer::Lines { lines: page.lines, bytes: page.bytes, more: page.more })
    }

    pub(super) fn list_files(&mut self, asker: &Asker, username: Option<&Username>, page: &Page) -> Outcome {
        let which = match username {
            None => Which::All,
            Some(username) => {
                let nobody = || Refusal::new(Code::NoSuchUser, "nobody of this name is here; see list-users");
                Which::Owner(self.roster.get(username).ok_or_else(nobody)?.owner)
            }
        };
        self.list(asker, which, page)
    }

    pub(super) fn search(&mut self, asker: &Asker, words: &[String], page: &Page) -> Outcome {
        self.list(asker, Which::Search(&Query::new(words)), page)
    }

    pub(super) fn sources(&mut self, asker: &Asker, hash: ContentHash, page: &Page) -> Outcome {
        self.list(asker, Which::Sources(hash), page)
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
