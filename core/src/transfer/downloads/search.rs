//! Who has what: the tracker is asked for more sources, and sources that refuse are passed over.

use std::time::{Duration, Instant};

use super::{Active, DownloadEffect, Downloads, Question, SOURCES_MAX, Stage};
use crate::model::transfer::TransferError;
use crate::transfer::job::FileId;
use crate::transfer::source::{Link, Source};
use crate::transfer::{Contact, SourceId};

/// From this size on further sources are looked for although one is there.
const MANY_SOURCES_BYTES: u64 = 8 * 1024 * 1024;
/// Searches that are under way at the same time.
const SEARCHES_MAX: usize = 4;
/// The same file is not searched for more often.
const SEARCH_AGAIN: Duration = Duration::from_secs(5);

impl Downloads {
    /// Users or shares at the tracker changed, or the tracker is back.
    pub fn news(&mut self, now: Instant) {
        self.news += 1;
        self.effects.extend(self.lanes.keys().cloned().map(DownloadEffect::FindUser));
        self.search_again(now);
    }

    /// Who has the content of a file.
    pub fn sources_found(&mut self, file: FileId, contacts: &[Contact], now: Instant) {
        self.searches_open = self.searches_open.saturating_sub(1);
        let news = self.news;
        let Some(active) = self.active.get_mut(&file) else { return };
        active.is_searching = false;
        active.searched = Some((now, news));
        let mut found: Vec<SourceId> = contacts.iter().map(|contact| self.sources.meet(contact, now)).collect();
        // Those who delivered before, then those who were not tried yet, then those who did not answer.
        found.sort_by_key(|id| self.sources.get(*id).map(|source| source.preference()));
        if let Some(active) = self.active.get_mut(&file) {
            active.reserve = found.into();
        }
        self.use_reserve(file);
        self.judge(file, now);
    }

    /// Takes others from the reserve in place of those that cannot be reached or have refused.
    fn use_reserve(&mut self, file: FileId) {
        loop {
            let Some(active) = self.active.get_mut(&file) else { return };
            let is_good = |id: &&SourceId| self.sources.get(**id).is_some_and(Source::is_promising);
            if active.offers.iter().filter(is_good).count() > SOURCES_MAX {
                return;
            }
            let Some(next) = active.reserve.pop_front() else { return };
            self.offer(file, next);
        }
    }

    /// A source says that it has not got this file, or is not to be believed.
    pub(super) fn withdraw(&mut self, file: FileId, id: SourceId, error: TransferError, now: Instant) {
        self.take_offer_back(file, id);
        let Some(active) = self.active.get_mut(&file) else { return };
        if active.refused.contains(&id) {
            return;
        }
        active.refused.push(id);
        if self.lanes.get(&active.user).is_some_and(|lane| lane.source == Some(id)) {
            active.verdict = Some(error);
        }
        self.use_reserve(file);
        let Some(active) = self.active.get_mut(&file) else { return };
        if active.offers.is_empty() {
            // Somebody else may have it: the verdict waits for the answer.
            active.searched = None;
            self.consider_search(file, now);
        }
    }

    /// Asks for more sources if it makes sense: none is connected, or the file is large; and there are news.
    pub(super) fn consider_search(&mut self, file: FileId, now: Instant) {
        self.use_reserve(file);
        let news = self.news;
        let Some(active) = self.active.get(&file) else { return };
        let is_fresh =
            active.searched.is_some_and(|(at, seen)| seen == news || now.saturating_duration_since(at) < SEARCH_AGAIN);
        if active.is_searching || is_fresh || !self.needs_sources(active) {
            return;
        }
        self.searching.push_back(Question::Sources(file));
        if let Some(active) = self.active.get_mut(&file) {
            active.is_searching = true;
            if active.searched.is_some() {
                // There are news: whoever is listed now is worth asking again.
                active.refused.clear();
            }
        }
    }

    fn needs_sources(&self, active: &Active) -> bool {
        if matches!(active.stage, Stage::Finishing) {
            return false;
        }
        // One that is being reached for the first time may turn out well.
        let is_good = |id: &SourceId| {
            self.sources.get(*id).is_some_and(|source| {
                !source.is_stalled && (source.link != Link::Down || source.backoff.until().is_none())
            })
        };
        active.content.size >= MANY_SOURCES_BYTES || !active.offers.iter().any(is_good)
    }

    /// A source is gone: those who had only this one look for others.
    pub(super) fn search_without(&mut self, id: SourceId, now: Instant) {
        let mut files: Vec<FileId> =
            self.active.iter().filter(|(_, active)| active.offers.contains(&id)).map(|(file, _)| *file).collect();
        files.sort_unstable();
        for file in files {
            self.consider_search(file, now);
        }
    }

    pub(super) fn search(&mut self) {
        while self.searches_open < SEARCHES_MAX {
            let Some(question) = self.searching.pop_front() else { break };
            let (Question::Sources(file) | Question::Share(file)) = question;
            let Some(active) = self.active.get(&file) else { continue };
            self.searches_open += 1;
            self.effects.push(match question {
                Question::Sources(file) => DownloadEffect::FindSources(file, active.content.hash),
                Question::Share(file) => DownloadEffect::FindShare(file),
            });
        }
    }

    pub(super) fn tick_search(&mut self, now: Instant) {
        let due: Vec<FileId> = self
            .active
            .iter()
            .filter(|(_, active)| active.retry_at.is_some_and(|at| at <= now))
            .map(|(file, _)| *file)
            .collect();
        for file in due {
            self.retry_due(file, now);
        }
        if self.searched_again_at.is_none_or(|at| now.saturating_duration_since(at) >= Duration::from_secs(1)) {
            self.search_again(now);
        }
    }

    fn search_again(&mut self, now: Instant) {
        self.searched_again_at = Some(now);
        let mut files: Vec<FileId> = self.active.keys().copied().collect();
        files.sort_unstable();
        for file in files {
            self.consider_search(file, now);
        }
    }
}
