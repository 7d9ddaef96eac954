//! `list-users`, `list-totals`, `list-files`, `list-folder`, `search`, `count-files`, `sources` and `list-sources`: what anybody may
//! read, strangers a bounded amount of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::limits;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{
    Command, CountFiles, Cursor, ListFiles, ListFolder, ListSources, ListTotals, ListUsers, Page, Search, Sources,
};
use crate::protocol::reply::UserTotals;
use crate::protocol::selection::Selection;
use crate::protocol::sentence::Sentence;
use crate::tracker::catalog::filter::ShareFilter;
use crate::tracker::catalog::query::WordQuery;
use crate::tracker::catalog::question::{CatalogQuestion, QuestionForm};
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Work};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::Online;

/// What a count takes from the allowance of sessions without a name, in bytes: its answer is short, its work that of
/// a long search.
const COUNT_CHARGE_BYTES: usize = 64 * 1024;

impl Handle for ListUsers {
    fn work(&self) -> Work {
        Work::Users
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let limit = tracker.limit(asker, &self.page)?;
        let page = tracker.roster.page(asker.view, &Page { limit, ..self.page });
        Ok(CommandReply::Lines { lines: page.lines, bytes: page.bytes, more: page.more })
    }
}

impl Handle for ListTotals {
    fn work(&self) -> Work {
        Work::Users
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let limit = tracker.page_limit(asker, &self.page)?;
        let after = self.page.after.as_ref().map_or("", |after| &after.username);
        let (mut bytes, mut lines, mut last) = (String::new(), 0, None);
        let mut rest: Box<dyn Iterator<Item = &Online>> = if self.usernames.is_empty() {
            Box::new(tracker.roster.behind(after))
        } else {
            let named = self.usernames.iter().filter_map(|username| tracker.roster.get(username));
            let named: BTreeMap<&Username, &Online> = named.map(|online| (&online.username, online)).collect();
            Box::new(named.into_values().filter(move |online| online.username.as_str() > after))
        };
        for online in rest.by_ref().take(limit) {
            let here = || tracker.shares.kept_of(online.owner).totals;
            let totals = online.elsewhere.as_ref().map_or_else(here, |elsewhere| elsewhere.totals);
            let line = UserTotals { username: online.username.clone(), totals };
            writeln!(bytes, "{line}").expect("a text in memory takes everything");
            lines += 1;
            last = Some(&online.username);
        }
        let more = last.filter(|_| rest.next().is_some());
        let more = more.map(|name| Cursor { path: String::new(), username: name.as_str().to_owned() });
        Ok(CommandReply::Lines { lines, bytes: bytes.into(), more })
    }
}

impl Handle for ListFiles {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let selection = Selection { username: self.username.clone(), ..Selection::default() };
        let filter = tracker.filter(&selection)?;
        tracker.list(asker, filter, self.page, |page| Self { page, ..self }.into(), effects)
    }
}

impl Handle for ListFolder {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let limit = tracker.page_limit(asker, &self.page)?;
        let filter = tracker.filter(&self.selection)?;
        let (form, after, limit) = (QuestionForm::Level(self.folder.clone()), self.page.after.clone(), Some(limit));
        let list = tracker.ask_shares(asker, CatalogQuestion { form, filter, after, limit });
        let page = Page { limit, ..self.page };
        Ok(tracker.answer_with(asker, list, Self { page, ..self }.into(), effects))
    }
}

impl Handle for Search {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let filter = tracker.filter(&self.selection)?;
        tracker.list(asker, filter, self.page, |page| Self { page, ..self }.into(), effects)
    }
}

impl Handle for CountFiles {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.check_allowance(asker)?;
        let filter = tracker.filter(&self.selection)?;
        tracker.charge(asker, COUNT_CHARGE_BYTES);
        let question = CatalogQuestion { form: QuestionForm::Count, filter, after: None, limit: None };
        let count = tracker.ask_shares(asker, question);
        Ok(tracker.answer_with(asker, count, self.into(), effects))
    }
}

impl Handle for Sources {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let filter = ShareFilter { hash: Some(self.hash), ..ShareFilter::default() };
        tracker.list(asker, filter, self.page, |page| Self { page, ..self }.into(), effects)
    }
}

impl Handle for ListSources {
    fn work(&self) -> Work {
        Work::Shares
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let limit = tracker.page_limit(asker, &self.page)?;
        let filter = ShareFilter { hash: Some(self.hash), ..ShareFilter::default() };
        let (form, after, limit) = (QuestionForm::Owners, self.page.after.clone(), Some(limit));
        let list = tracker.ask_shares(asker, CatalogQuestion { form, filter, after, limit });
        let page = Page { limit, ..self.page };
        Ok(tracker.answer_with(asker, list, Self { page, ..self }.into(), effects))
    }
}

impl Tracker {
    /// A selection in the words of the catalog; refused if its user is not here.
    fn filter(&self, selection: &Selection) -> Result<ShareFilter, Refusal> {
        let Selection { words, username, kind, size_min, folder } = selection;
        let nobody = || Refusal::new(Code::NoSuchUser, Sentence::NobodyHere);
        let owner_of = |username| self.roster.get(username).map(|online| online.owner).ok_or_else(nobody);
        Ok(ShareFilter {
            owner: username.as_ref().map(owner_of).transpose()?,
            hash: None,
            words: words.iter().any(|word| !word.is_empty()).then(|| WordQuery::new(words)),
            kind: *kind,
            size_min: *size_min,
            folder: folder.clone(),
        })
    }

    /// Files in the order of their paths. With other trackers a list has an end: its next page is asked for.
    fn list(
        &mut self,
        asker: &Asker,
        filter: ShareFilter,
        page: Page,
        command: impl FnOnce(Page) -> Command,
        effects: &mut Effects,
    ) -> CommandOutcome {
        let mut limit = self.limit(asker, &page)?;
        if self.linked.is_some() {
            limit = Some(limit.unwrap_or(limits::PAGE_LINES_MAX).min(limits::PAGE_LINES_MAX));
        }
        let question = CatalogQuestion { form: QuestionForm::Files, filter, after: page.after.clone(), limit };
        let list = self.ask_shares(asker, question);
        Ok(self.answer_with(asker, list, command(Page { limit, ..page }), effects))
    }

    /// Most lines of an answer that is not larger than a page, however much was asked for.
    fn page_limit(&mut self, asker: &Asker, page: &Page) -> Result<usize, Refusal> {
        Ok(self.limit(asker, page)?.unwrap_or(limits::PAGE_LINES_MAX).min(limits::PAGE_LINES_MAX))
    }

    /// Most lines of the answer.
    fn limit(&mut self, asker: &Asker, page: &Page) -> Result<Option<usize>, Refusal> {
        self.check_allowance(asker)?;
        if asker.user.is_some() || asker.is_tracker {
            return Ok(page.limit);
        }
        let max = self.settings.unregistered_lines;
        Ok(Some(page.limit.map_or(max, |limit| limit.min(max))))
    }

    /// Refuses a list to somebody without a name who has had too many.
    fn check_allowance(&mut self, asker: &Asker) -> Result<(), Refusal> {
        if asker.user.is_some() || asker.is_tracker || self.answers.has_left(asker.now, asker.address) {
            return Ok(());
        }
        Err(Refusal::new(Code::SlowDown, Sentence::TooManyLists))
    }
}
