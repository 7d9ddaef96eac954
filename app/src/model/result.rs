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
use crate::model::pages::{Applied, FIRST_PAGE_ROWS, Pages, RESULT_ROWS_MAX, RowEdit, Scope, ShareChange};
use crate::model::row_order::{self, Copies, RowOrder, Sort, SortColumn, bytes_of};

/// More rows are not looked through for equal contents at every change.
const COMPARED_AT_ONCE: usize = 2_000;
/// But so often.
const COPIES_EVERY: Duration = Duration::from_secs(2);

/// The result of one question.
#[derive(Debug)]
pub struct QueryResult {
    pages: Pages,
    sort: Sort,
    /// `None`: the order of paths.
    order: Option<RowOrder>,
    copies: Copies,
    /// When equal contents were looked for.
    compared_at: Option<Instant>,
    has_new_rows: bool,
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
            order: None,
            copies: Copies::new(),
            compared_at: None,
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
        self.pages.rows().len()
    }

    /// Whether no row is shown.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, from the top.
    pub fn row(&self, at: usize) -> Option<&FolderEntry> {
        let row = self.order.as_ref().map_or(Some(at), |order| order.row(at))?;
        self.pages.rows().get(row)
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

    /// How many people share the content of a row; known only while all rows are here.
    pub fn sources_of(&self, row: &FolderEntry) -> Option<u32> {
        self.pages.is_whole().then(|| row_order::sources_of(row, &self.copies))
    }

    /// How the rows have moved since this was asked last.
    pub fn take_edits(&mut self) -> Vec<RowEdit> {
        std::mem::take(&mut self.edits)
    }

    /// Sorts by another column, or the other way.
    pub fn set_sort(&mut self, sort: Sort) {
        if self.sort != sort {
            self.sort = sort;
            self.reorder(Vec::new());
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
        let compare_at = self.settle(now);
        if wants_all || (self.sort != Sort::default() && self.is_sortable()) {
            self.pages.want(RESULT_ROWS_MAX);
        } else if self.pages.is_begun() && view.end >= self.len() {
            self.pages.want(view.end + FIRST_PAGE_ROWS);
        }
        if let Some(at) = self.retry_at.filter(|at| *at > now) {
            return Some(at - now);
        }
        // Sorted otherwise, what is in view lies anywhere.
        let view = if self.order.is_some() { 0..self.len() } else { view.clone() };
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
            [stale_at, self.count_pace.due_at().filter(|_| self.counts() && self.count_asked.is_none()), compare_at];
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
        self.has_new_rows = true;
        self.moved(edits);
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
            Applied::Replaced(_) if self.order.is_some() => self.reorder(Vec::new()),
            Applied::Replaced(_) => {}
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
            self.moved(vec![edit]);
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
            self.has_new_contents = true;
        }
        let due = self.compared_at.filter(|_| self.len() > COMPARED_AT_ONCE).map_or(now, |at| at + COPIES_EVERY);
        if !self.has_new_contents || due > now {
            return Some(due).filter(|_| self.has_new_contents);
        }
        self.has_new_contents = false;
        self.compared_at = Some(now);
        self.copies = if is_whole { row_order::copies(self.pages.rows()) } else { Copies::new() };
        if self.sort.0 == SortColumn::Sources {
            self.reorder(Vec::new());
        }
        None
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
        let Some(order) = &mut self.order else {
            self.edits.push(edit);
            return;
        };
        let rows = self.pages.rows();
        let shown = match edit {
            RowEdit::Inserted(row) => Some(RowEdit::Inserted(order.insert(rows, row, self.sort, &self.copies))),
            RowEdit::Removed(row) => order.remove(row).map(RowEdit::Removed),
            mapped @ RowEdit::Mapped(_) => return self.moved(vec![mapped]),
        };
        self.edits.extend(shown);
    }

    fn moved(&mut self, edits: Vec<RowEdit>) {
        if self.order.is_some() || self.is_ordered() {
            self.reorder(edits);
        } else {
            self.edits.extend(edits);
        }
    }

    /// Whether another order than that of paths is shown: folders always come first.
    fn is_ordered(&self) -> bool {
        matches!(self.pages.scope(), Scope::Level { .. }) || (self.sort != Sort::default() && self.pages.is_whole())
    }

    /// Sorts anew; `moved` says how the rows themselves have moved before.
    fn reorder(&mut self, moved: Vec<RowEdit>) {
        let rows = self.pages.rows();
        let before = self.order.take().unwrap_or_else(|| RowOrder::all(rows.len().max(highest(&moved))));
        let now =
            if self.is_ordered() { RowOrder::new(rows, self.sort(), &self.copies) } else { RowOrder::all(rows.len()) };
        self.edits.push(now.since(&before, &moved));
        self.order = self.is_ordered().then_some(now);
    }
}

/// How many rows there were at least before they moved like this.
fn highest(edits: &[RowEdit]) -> usize {
    let rows = |edit: &RowEdit| match edit {
        RowEdit::Inserted(at) | RowEdit::Removed(at) => at + 1,
        RowEdit::Mapped(map) => map.len(),
    };
    edits.iter().map(rows).max().unwrap_or(0)
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
