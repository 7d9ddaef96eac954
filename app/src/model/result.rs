//! What there is of the answer to one question: pages of rows, how many there are in all, and in which order they are
//! shown. Kept current by notices; rows keep who they are when others come and go.

use std::ops::Range;
use std::time::{Duration, Instant};

use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::{FolderEntry, Totals};

use crate::model::pace::{Pace, RETRY_AFTER};
use crate::model::pages::{
    Applied, FIRST_PAGE_ROWS, LEVEL_FILES_MAX, Pages, RESULT_ROWS_MAX, RowEdit, Scope, ShareChange,
};
use crate::model::row_order::{self, RowOrder, Sort, bytes_of};
use crate::model::shown_rows::{Arrangement, Grouping, OpenContents, RowKind, ShownRows};

/// More rows are not looked through for equal contents at every change.
const GROUPED_AT_ONCE: usize = 2_000;
/// But so often.
const GROUPED_EVERY: Duration = Duration::from_secs(2);

/// The result of one question.
#[derive(Debug)]
pub struct QueryResult {
    pages: Pages,
    sort: Sort,
    open: OpenContents,
    shown: ShownRows,
    /// All of it came with the first page.
    was_whole_at_once: bool,
    /// When equal contents were looked for.
    grouped_at: Option<Instant>,
    has_new_rows: bool,
    /// Rows came that may be copies of others.
    has_new_contents: bool,
    /// Of the rows, while all of them are loaded.
    summed: Option<Totals>,
    counted: Option<Totals>,
    /// The tracker can count.
    is_countable: bool,
    count_asked: Option<IntentId>,
    pace: Pace,
    count_pace: Pace,
    retry_at: Option<Instant>,
    failure: Option<Failure>,
    edits: Vec<RowEdit>,
}

impl QueryResult {
    /// Nothing is known yet.
    pub fn new(scope: Scope, is_countable: bool) -> Self {
        Self {
            pages: Pages::new(scope),
            sort: Sort::default(),
            open: OpenContents::new(),
            shown: ShownRows::default(),
            was_whole_at_once: false,
            grouped_at: None,
            has_new_rows: false,
            has_new_contents: false,
            summed: None,
            counted: None,
            is_countable,
            count_asked: None,
            pace: Pace::default(),
            count_pace: Pace::default(),
            retry_at: None,
            failure: None,
            edits: Vec::new(),
        }
    }

    /// How many rows are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// How many files are loaded, and how many of them are copies that stand in the row of another.
    pub fn loaded(&self) -> (usize, usize) {
        let (contents, files) = self.shown.grouped();
        (self.pages.rows().len(), files - contents)
    }

    /// Whether no row is shown.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, from the top; of a content that several share its first file.
    pub fn row(&self, at: usize) -> Option<&FolderEntry> {
        self.pages.rows().get(self.shown.row(at)?)
    }

    /// What a row is.
    pub fn kind(&self, at: usize) -> RowKind {
        self.shown.kind(at)
    }

    /// Everything that a row stands for: all files of a content, or the one.
    pub fn entries(&self, at: usize) -> impl Iterator<Item = &FolderEntry> {
        self.shown.files(at).iter().filter_map(|row| self.pages.rows().get(*row as usize))
    }

    /// The first of the people who have what a row is, and how many have it; of those that are loaded.
    pub fn people(&self, at: usize, most: usize) -> (Vec<&Username>, u32) {
        (self.shown.names(self.pages.rows(), at, most), self.shown.people(at))
    }

    /// The row of the content that a copy belongs to, or the row itself.
    pub fn head(&self, at: usize) -> usize {
        self.shown.head(at)
    }

    /// Whether it is one level of folders.
    pub fn is_level(&self) -> bool {
        matches!(self.pages.scope(), Scope::Level { .. })
    }

    /// Whether the first rows have come, or the word that they will not.
    pub fn is_answered(&self) -> bool {
        self.pages.is_begun() || self.failure.is_some()
    }

    /// Why there is nothing.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether all rows are here.
    pub fn is_whole(&self) -> bool {
        self.pages.is_whole()
    }

    /// Whether there are more rows than are ever shown.
    pub fn is_cut(&self) -> bool {
        self.pages.is_cut()
    }

    /// Whether rows are on their way.
    pub fn is_loading(&self) -> bool {
        self.pages.is_asking()
    }

    /// How many files it is and how many bytes they have, once that is known.
    pub fn totals(&self) -> Option<&Totals> {
        self.summed.as_ref().or(self.counted.as_ref())
    }

    /// How it is sorted now: another order than that of paths waits until all rows are here.
    pub fn sort(&self) -> Sort {
        if self.pages.is_whole() { self.sort } else { Sort::default() }
    }

    /// Whether it can be sorted by any column: all of it may be loaded.
    pub fn is_sortable(&self) -> bool {
        let fits = |totals: &Totals| totals.files <= RESULT_ROWS_MAX as u64;
        self.pages.is_whole() || (!self.pages.is_cut() && self.totals().is_some_and(fits))
    }

    /// How the rows have moved since this was asked last.
    pub fn take_edits(&mut self) -> Vec<RowEdit> {
        std::mem::take(&mut self.edits)
    }

    /// Sorts by another column, or the other way.
    pub fn set_sort(&mut self, sort: Sort) {
        if self.sort != sort {
            self.sort = sort;
            self.arrange(&[]);
        }
    }

    /// Shows the copies of these contents.
    pub fn set_open(&mut self, open: &OpenContents) {
        if self.open != *open {
            self.open.clone_from(open);
            self.arrange(&[]);
        }
    }

    /// Asks for what is needed to show these rows; when to come again if nothing else happens.
    pub fn turn(
        &mut self,
        now: Instant,
        view: &Range<usize>,
        wants_all: bool,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        let group_at = self.settle(now);
        if wants_all || (self.sort != Sort::default() && self.is_sortable()) {
            self.pages.want(RESULT_ROWS_MAX);
        } else if self.pages.is_begun() && view.end >= self.len() {
            self.pages.want(self.pages.rows().len() + FIRST_PAGE_ROWS);
        }
        if self.is_level() && self.counted.is_some_and(|all| all.files <= LEVEL_FILES_MAX) {
            // Then it can be in the order in which people count.
            self.pages.want(RESULT_ROWS_MAX);
        }
        if let Some(at) = self.retry_at.filter(|at| *at > now) {
            return Some(at - now);
        }
        let view = self.loaded_in(view);
        let is_stale = self.pages.is_stale_in(&view);
        if is_stale {
            self.pace.doubt(now);
        }
        let is_due = is_stale && self.pace.is_due(now);
        if let Some(page) = self.pages.wanted_page(&view, is_due) {
            let id = ask(self.pages.scope().intent(page.clone()));
            self.pages.asked(id, &page);
            if is_due {
                self.pace.asked(now);
            }
        }
        self.count(now, ask);
        let stale_at = self.pace.due_at().filter(|_| is_stale && !self.pages.is_asking());
        let dues =
            [stale_at, self.count_pace.due_at().filter(|_| self.counts() && self.count_asked.is_none()), group_at];
        dues.into_iter().flatten().min().map(|at| at.saturating_duration_since(now))
    }

    /// Whether it was asked here.
    pub fn has_asked(&self, id: IntentId) -> bool {
        self.pages.has_asked(id) || self.count_asked == Some(id)
    }

    /// Takes an answer.
    pub fn answer(&mut self, now: Instant, id: IntentId, answer: Result<Outcome, Failure>) {
        if self.count_asked == Some(id) {
            self.count_asked = None;
            match answer {
                Ok(Outcome::Totals(totals)) => self.counted = Some(totals),
                _ => self.count_pace.doubt(now),
            }
            return;
        }
        let is_first = !self.pages.is_begun();
        let edits = match answer {
            Ok(Outcome::FilePage { files, more }) => {
                self.pages.take(files.into_iter().map(FolderEntry::File).collect(), more)
            }
            Ok(Outcome::FolderPage { entries, more }) => self.pages.take(entries, more),
            other => {
                self.pages.failed();
                self.failure = other.err();
                self.retry_at = Some(now + RETRY_AFTER);
                return;
            }
        };
        (self.failure, self.retry_at) = (None, None);
        self.was_whole_at_once |= is_first && self.pages.is_whole();
        self.has_new_rows = true;
        self.arrange(&edits);
    }

    /// Applies a change that was told.
    pub fn change(&mut self, now: Instant, change: &ShareChange) {
        match self.pages.apply(change) {
            Applied::Elsewhere => return,
            Applied::Unknown => {
                self.count_pace.doubt(now);
                if !self.pages.is_exact() {
                    self.pace.doubt(now);
                }
            }
            // Its content may be another one now.
            Applied::Replaced(_) => self.has_new_contents = true,
            Applied::Exactly(edit) => {
                self.adjust(now, &edit, change);
                self.moved_one(edit);
            }
        }
        self.has_new_rows = true;
    }

    /// Somebody has left.
    pub fn left(&mut self, now: Instant, user: &Username) {
        if !self.pages.scope().concerns(user) {
            return;
        }
        self.count_pace.doubt(now);
        if let Some(edit) = self.pages.left(user) {
            self.has_new_rows = true;
            self.arrange(&[edit]);
        }
    }

    /// What somebody shares, or what everybody does, may be anything by now.
    pub fn doubt(&mut self, now: Instant, user: Option<&Username>) {
        if user.is_none_or(|user| self.pages.scope().concerns(user)) {
            self.pages.doubt();
            self.pace.doubt(now);
            self.count_pace.doubt(now);
        }
    }

    /// Sums are made when somebody looks, not with every change. When equal contents are looked for, if it is later.
    fn settle(&mut self, now: Instant) -> Option<Instant> {
        let is_whole = self.pages.is_whole();
        if std::mem::take(&mut self.has_new_rows) {
            self.summed = is_whole.then(|| sum(self.pages.rows()));
        }
        let due = self.grouped_at.filter(|_| self.len() > GROUPED_AT_ONCE).map_or(now, |at| at + GROUPED_EVERY);
        if !self.has_new_contents || due > now {
            return Some(due).filter(|_| self.has_new_contents);
        }
        self.grouped_at = Some(now);
        self.arrange(&[]);
        None
    }

    /// Loaded rows that are in view.
    fn loaded_in(&self, view: &Range<usize>) -> Range<usize> {
        if self.is_ordered() {
            // Sorted otherwise, what is in view lies anywhere.
            return 0..self.pages.rows().len();
        }
        let place = |at: usize| self.shown.row(self.shown.head(at));
        let from = place(view.start).unwrap_or(self.pages.rows().len());
        let to = view.end.min(self.len()).checked_sub(1).and_then(place).map_or(from, |last| last + 1);
        // What would come behind the last row belongs to it.
        if view.end >= self.len() { from..self.pages.rows().len().max(view.end) } else { from..to }
    }

    /// Whether the tracker must count: what is all here is counted here.
    fn counts(&self) -> bool {
        self.is_countable && self.pages.is_begun() && !self.pages.is_whole()
    }

    fn count(&mut self, now: Instant, ask: &mut dyn FnMut(Intent) -> IntentId) {
        let is_wanted = !self.count_pace.was_asked() || self.count_pace.is_due(now);
        if self.counts() && self.count_asked.is_none() && is_wanted {
            self.count_asked = Some(ask(Intent::CountFiles { selection: self.pages.scope().selection() }));
            self.count_pace.asked(now);
        }
    }

    /// A row more or less, where it is known for certain.
    fn adjust(&mut self, now: Instant, edit: &RowEdit, change: &ShareChange) {
        match (&mut self.counted, edit, change) {
            (Some(counted), RowEdit::Inserted(_), ShareChange::Shared(file)) if self.pages.is_exact() => {
                counted.files += 1;
                counted.bytes = counted.bytes.saturating_add(file.size.unwrap_or(0));
            }
            // How large it was is gone with the row.
            _ => self.count_pace.doubt(now),
        }
    }

    fn moved_one(&mut self, edit: RowEdit) {
        let rows = self.pages.rows();
        match edit {
            // It was too long, and has lost its last row.
            RowEdit::Inserted(row) if self.shown.loaded() >= rows.len() => {
                let edits = self.shown.remove(rows, rows.len() - 1);
                self.edits.extend(edits);
                if row < rows.len() {
                    self.moved_one(RowEdit::Inserted(row));
                }
            }
            RowEdit::Inserted(row) => {
                let at = match self.order() {
                    None => self.shown.insert(row, |other| other < row),
                    Some(order) => self.shown.insert(row, |other| row_order::is_before(rows, order, other, row)),
                };
                self.edits.extend(at.map(RowEdit::Inserted));
                self.has_new_contents = true;
            }
            RowEdit::Removed(row) => self.edits.extend(self.shown.remove(rows, row)),
            mapped @ RowEdit::Mapped(_) => self.arrange(&[mapped]),
        }
    }

    /// Whether another order than that of the tracker is shown: folders always come first, and what came at once is in the
    /// order in which people count. What is loaded bit by bit stays as it comes: nothing moves at its end.
    fn is_ordered(&self) -> bool {
        let is_natural = self.pages.is_whole() && (self.was_whole_at_once || self.sort != Sort::default());
        self.is_level() || is_natural
    }

    fn order(&self) -> Option<RowOrder> {
        self.is_ordered().then(|| RowOrder { sort: self.sort(), is_whole: self.pages.is_whole() })
    }

    /// Puts the rows together anew; `moved` says how the loaded ones have moved before.
    fn arrange(&mut self, moved: &[RowEdit]) {
        let grouping = if self.is_level() { Grouping::ContentAndPath } else { Grouping::Content };
        let arrangement = Arrangement { grouping, order: self.order(), open: &self.open };
        let now = ShownRows::new(self.pages.rows(), arrangement);
        self.edits.extend(now.since(&self.shown, moved));
        self.shown = now;
        self.has_new_contents = false;
    }
}

fn sum(rows: &[FolderEntry]) -> Totals {
    let files = |row: &FolderEntry| match row {
        FolderEntry::File(_) => 1,
        FolderEntry::Folder(folder) => folder.totals.files,
    };
    Totals {
        files: rows.iter().map(files).fold(0, u64::saturating_add),
        bytes: rows.iter().map(bytes_of).fold(0, u64::saturating_add),
    }
}
