//! Rows of one question, loaded page by page in the order of paths, and kept as the tracker has them by what it tells.
//!
//! Answers and notices come by different ways, so an answer may be older than a notice that came before it. What is told
//! while a page is under way is therefore applied twice: at once, and again to the page when it has come.

use std::cmp::Ordering;
use std::ops::Range;

use potok_core::model::limits;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::{Cursor, Page};
use potok_core::protocol::reply::{FileLine, FolderEntry};
use potok_core::protocol::selection::Selection;

/// Rows of one list that are asked for; who looks for one among more looks for it by words.
pub const RESULT_ROWS_MAX: usize = 100_000;
/// Rows of one list that are kept: what others add later makes it longer than what was asked for, and pushes nothing out
/// that the person may have chosen or look at.
pub const KEPT_ROWS_MAX: usize = 2 * RESULT_ROWS_MAX;
/// Rows of the first page: several screens, and little for the tracker.
pub const FIRST_PAGE_ROWS: usize = 200;
/// A folder of so many files, at any depth, is loaded at once; of a larger one what is looked at.
pub const LEVEL_FILES_MAX: u64 = 2_000;
/// Changes that are remembered for a page under way; beyond it the page is asked for once more.
const NOTED_MAX: usize = 1_000;
/// More rows than a page had when it is asked for again: some may have come.
const SPARE_ROWS: usize = 20;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All files of a selection.
    Files(Selection),
    /// One level of folders.
    Level {
        /// The folder; `None` is the top.
        folder: Option<SharePath>,
        /// Which files count.
        selection: Selection,
    },
}

/// One exact change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareChange {
    /// This is shared, or shared otherwise than before.
    Shared(FileLine),
    /// This is no longer shared.
    Unshared(Username, SharePath),
}

/// How rows have moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEdit {
    /// There is a new row here.
    Inserted(usize),
    /// The row that was here is gone.
    Removed(usize),
    /// Where each row is now; `None` if it is gone.
    Mapped(Vec<Option<u32>>),
}

/// What came of an exact change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It is no matter here.
    Elsewhere,
    /// A row got other values.
    Replaced(usize),
    /// The rows are as they are at the tracker.
    Exactly(RowEdit),
    /// It is in what is not loaded, or within a folder whose sums are no longer known.
    Unknown,
}

/// The rows of a result that are here, page by page.
#[derive(Debug)]
pub struct Pages {
    scope: Scope,
    rows: Vec<FolderEntry>,
    /// Up to where it is loaded, piece by piece.
    pieces: Vec<Piece>,
    wanted_rows: usize,
    asked: Option<Asked>,
}

/// Loaded at once, from the end of the one before.
#[derive(Debug)]
struct Piece {
    /// `None`: the end of the list.
    end: Option<Cursor>,
    is_stale: bool,
}

#[derive(Debug)]
struct Asked {
    id: IntentId,
    after: Option<Cursor>,
    noted: Vec<ShareChange>,
    /// Something came meanwhile that cannot be applied to the page.
    is_doubtful: bool,
}

impl Scope {
    /// The question for one page.
    pub fn intent(&self, page: Page) -> Intent {
        match self {
            Self::Files(selection) => Intent::FindFiles { selection: selection.clone(), page },
            Self::Level { folder, selection } => {
                Intent::ListFolder { folder: folder.clone(), selection: selection.clone(), page }
            }
        }
    }

    /// All that it counts, at any depth.
    pub fn selection(&self) -> Selection {
        match self {
            Self::Files(selection) => selection.clone(),
            Self::Level { folder, selection } => Selection { folder: folder.clone(), ..selection.clone() },
        }
    }

    /// Whether what this user shares can be in it.
    pub fn concerns(&self, user: &Username) -> bool {
        let (Self::Files(selection) | Self::Level { selection, .. }) = self;
        selection.username.as_ref().is_none_or(|of| of == user || of.folded() == user.folded())
    }

    /// For a file below a folder of this level: the row of that folder.
    fn folder_row(&self, path: &SharePath) -> Option<Cursor> {
        let Self::Level { folder, .. } = self else { return None };
        let from = folder.as_ref().map_or(0, |folder| folder.as_str().len() + 1);
        let slash = path.as_str().get(from..)?.find('/')?;
        Some(Cursor { path: path.as_str()[..=from + slash].to_owned(), username: String::new() })
    }

    fn is_in_folder(&self, path: &SharePath) -> bool {
        let (Self::Files(Selection { folder, .. }) | Self::Level { folder, .. }) = self;
        folder.as_ref().is_none_or(|folder| path.below(folder.as_str()).is_some())
    }

    fn has(&self, file: &FileLine) -> bool {
        let (Self::Files(selection) | Self::Level { selection, .. }) = self;
        self.is_in_folder(&file.path) && selection.matches(file)
    }
}

impl Pages {
    /// Nothing is loaded.
    pub fn new(scope: Scope) -> Self {
        Self { scope, rows: Vec::new(), pieces: Vec::new(), wanted_rows: FIRST_PAGE_ROWS, asked: None }
    }

    /// What is asked for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What is loaded, in the order of paths.
    pub fn rows(&self) -> &[FolderEntry] {
        &self.rows
    }

    /// Whether the first page has come.
    pub fn is_begun(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Whether the list is loaded to its end.
    pub fn is_whole(&self) -> bool {
        self.pieces.last().is_some_and(|piece| piece.end.is_none())
    }

    /// Whether all that is loaded is as it is at the tracker.
    pub fn is_exact(&self) -> bool {
        !self.pieces.iter().any(|piece| piece.is_stale)
    }

    /// Whether there are more rows than are kept.
    pub fn is_cut(&self) -> bool {
        self.rows.len() >= RESULT_ROWS_MAX && !self.is_whole()
    }

    /// Whether a page is under way.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Loads at least so many rows, if there are.
    pub fn want(&mut self, rows: usize) {
        self.wanted_rows = self.wanted_rows.max(rows.min(RESULT_ROWS_MAX));
    }

    /// All of it may be another by now.
    pub fn doubt(&mut self) {
        self.pieces.iter_mut().for_each(|piece| piece.is_stale = true);
        if let Some(asked) = &mut self.asked {
            asked.is_doubtful = true;
        }
    }

    /// The next page to ask for: first what is in view and no longer certain, if its time has come; then what is wanted.
    pub fn wanted_page(&self, view: &Range<usize>, is_due: bool) -> Option<Page> {
        if self.asked.is_some() {
            return None;
        }
        let stale = is_due.then(|| self.stale_piece(view)).flatten();
        if let Some((after, rows)) = stale {
            return Some(Page { after, limit: Some((rows + SPARE_ROWS).min(limits::PAGE_LINES_MAX)) });
        }
        if self.is_whole() || self.rows.len() >= self.wanted_rows.min(RESULT_ROWS_MAX) && self.is_begun() {
            return None;
        }
        let missing = self.wanted_rows.saturating_sub(self.rows.len());
        let room = RESULT_ROWS_MAX.saturating_sub(self.rows.len());
        let limit = missing.max(FIRST_PAGE_ROWS).min(room).clamp(1, limits::PAGE_LINES_MAX);
        Some(Page { after: self.loaded_to(), limit: Some(limit) })
    }

    /// Whether something in view is no longer certain.
    pub fn is_stale_in(&self, view: &Range<usize>) -> bool {
        self.stale_piece(view).is_some()
    }

    /// A page was asked for.
    pub fn asked(&mut self, id: IntentId, page: &Page) {
        self.asked = Some(Asked { id, after: page.after.clone(), noted: Vec::new(), is_doubtful: false });
    }

    /// Whether it was this one who asked.
    pub fn has_asked(&self, id: IntentId) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.id == id)
    }

    /// The question was not answered.
    pub fn failed(&mut self) {
        self.asked = None;
    }

    /// Takes the page that was asked for. A tracker that lists something twice, or does not go forward, ends the list.
    pub fn take(&mut self, entries: Vec<FolderEntry>, more: Option<Cursor>) -> Vec<RowEdit> {
        let Some(asked) = self.asked.take() else { return Vec::new() };
        let more = more.filter(|more| !entries.is_empty() && asked.after.as_ref().is_none_or(|after| more > after));
        let from = asked.after.as_ref().map_or(0, |after| self.rows.partition_point(|row| !is_behind(row, after)));
        let to = more.as_ref().map_or(self.rows.len(), |more| self.rows.partition_point(|row| !is_behind(row, more)));
        let mut page: Vec<FolderEntry> = Vec::with_capacity(entries.len());
        for entry in entries {
            let is_next = page.last().is_none_or(|last| compare(last, &entry) == Ordering::Less)
                && asked.after.as_ref().is_none_or(|after| is_behind(&entry, after))
                && more.as_ref().is_none_or(|more| !is_behind(&entry, more));
            if is_next {
                page.push(entry);
            }
        }
        let is_appended = from == self.rows.len();
        let map = if is_appended { Vec::new() } else { self.map(from..to.max(from), &page) };
        self.rows.splice(from..to.max(from), page);
        self.cut_pieces(asked.after.as_ref(), more, asked.is_doubtful);
        let mut edits = if is_appended { Vec::new() } else { vec![RowEdit::Mapped(map)] };
        for change in asked.noted {
            if let Applied::Exactly(edit) = self.change(&change) {
                edits.push(edit);
            }
        }
        self.keep_bound();
        edits
    }

    /// Applies what the tracker told.
    pub fn apply(&mut self, change: &ShareChange) -> Applied {
        if let Some(asked) = &mut self.asked {
            if asked.noted.len() < NOTED_MAX {
                asked.noted.push(change.clone());
            } else {
                asked.is_doubtful = true;
            }
        }
        let applied = self.change(change);
        self.keep_bound();
        applied
    }

    /// Somebody has left, and what they shared with them.
    pub fn left(&mut self, user: &Username) -> Option<RowEdit> {
        if let Some(asked) = &mut self.asked {
            asked.is_doubtful = true;
        }
        if matches!(self.scope, Scope::Level { .. }) {
            self.pieces.iter_mut().for_each(|piece| piece.is_stale = true);
            return None;
        }
        let is_theirs = |row: &FolderEntry| matches!(row, FolderEntry::File(file) if file.username == *user);
        if !self.rows.iter().any(is_theirs) {
            return None;
        }
        let mut kept = 0..;
        let map = self.rows.iter().map(|row| if is_theirs(row) { None } else { kept.next() }).collect();
        self.rows.retain(|row| !is_theirs(row));
        Some(RowEdit::Mapped(map))
    }

    fn loaded_to(&self) -> Option<Cursor> {
        self.pieces.last().and_then(|piece| piece.end.clone())
    }

    fn is_loaded(&self, path: &str, username: &str) -> bool {
        match self.pieces.last() {
            None => false,
            Some(Piece { end: None, .. }) => true,
            Some(Piece { end: Some(end), .. }) => (path, username) <= (end.path.as_str(), end.username.as_str()),
        }
    }

    /// The first uncertain piece that is in view: where it begins, and how many rows it has.
    fn stale_piece(&self, view: &Range<usize>) -> Option<(Option<Cursor>, usize)> {
        let (mut after, mut from) = (None, 0);
        for piece in &self.pieces {
            let to = match &piece.end {
                Some(end) => self.rows.partition_point(|row| !is_behind(row, end)),
                None => self.rows.len(),
            };
            let is_in_view = from < view.end && to > view.start || from == to && from <= view.end;
            if piece.is_stale && is_in_view {
                return Some((after, to - from));
            }
            (after, from) = (piece.end.clone(), to);
        }
        None
    }

    fn change(&mut self, change: &ShareChange) -> Applied {
        let (user, path) = match change {
            ShareChange::Shared(file) => (&file.username, &file.path),
            ShareChange::Unshared(user, path) => (user, path),
        };
        if !self.scope.concerns(user) || !self.scope.is_in_folder(path) {
            return Applied::Elsewhere;
        }
        let wanted = match change {
            ShareChange::Shared(file) => Some(file).filter(|file| self.scope.has(file)),
            ShareChange::Unshared(..) => None,
        };
        if let Some(folder) = self.scope.folder_row(path) {
            return self.doubt_folder(&folder);
        }
        if !self.is_loaded(path.as_str(), user.as_str()) {
            return Applied::Unknown;
        }
        let place = |row: &FolderEntry| compare_with(row, path.as_str(), false, user.as_str());
        match (self.rows.binary_search_by(place), wanted) {
            (Ok(at), Some(file)) => {
                self.rows[at] = FolderEntry::File(file.clone());
                Applied::Replaced(at)
            }
            (Ok(at), None) => {
                self.rows.remove(at);
                Applied::Exactly(RowEdit::Removed(at))
            }
            (Err(at), Some(file)) => {
                self.rows.insert(at, FolderEntry::File(file.clone()));
                Applied::Exactly(RowEdit::Inserted(at))
            }
            (Err(_), None) => Applied::Elsewhere,
        }
    }

    /// The sums of a folder are others now; only the tracker knows them.
    fn doubt_folder(&mut self, folder: &Cursor) -> Applied {
        let holds = |piece: &Piece| piece.end.as_ref().is_none_or(|end| *folder <= *end);
        if let Some(piece) = self.pieces.iter_mut().find(|piece| holds(piece)) {
            piece.is_stale = true;
        }
        if let Some(asked) = &mut self.asked {
            asked.is_doubtful = true;
        }
        Applied::Unknown
    }

    /// Where each row will be when these places hold the page.
    fn map(&self, places: Range<usize>, page: &[FolderEntry]) -> Vec<Option<u32>> {
        let number = |at: usize| u32::try_from(at).ok();
        let behind = places.start + page.len();
        let mut next = 0;
        let mut map = Vec::with_capacity(self.rows.len());
        map.extend((0..places.start).map(number));
        for row in &self.rows[places.clone()] {
            while page.get(next).is_some_and(|new| compare(new, row) == Ordering::Less) {
                next += 1;
            }
            let is_there = page.get(next).is_some_and(|new| compare(new, row) == Ordering::Equal);
            map.push(if is_there { number(places.start + next) } else { None });
        }
        map.extend((places.end..self.rows.len()).map(|at| number(at - places.end + behind)));
        map
    }

    /// What lies between two places has become one piece.
    fn cut_pieces(&mut self, after: Option<&Cursor>, end: Option<Cursor>, is_stale: bool) {
        let is_before = |piece: &Piece, cursor: &Cursor| piece.end.as_ref().is_some_and(|end| end <= cursor);
        let from = after.map_or(0, |after| self.pieces.partition_point(|piece| is_before(piece, after)));
        let to = end
            .as_ref()
            .map_or(self.pieces.len(), |end| self.pieces.partition_point(|piece| is_before(piece, end)).max(from));
        self.pieces.splice(from..to, [Piece { end, is_stale }]);
    }

    /// What others add does not make the list longer and longer.
    fn keep_bound(&mut self) {
        if self.rows.len() <= KEPT_ROWS_MAX {
            return;
        }
        self.rows.truncate(KEPT_ROWS_MAX);
        let Some((path, username)) = self.rows.last().map(key_of) else { return };
        let end = Cursor { path: path.to_owned(), username: username.to_owned() };
        self.pieces.retain(|piece| piece.end.as_ref().is_some_and(|to| *to < end));
        self.pieces.push(Piece { end: Some(end), is_stale: false });
    }
}

impl RowEdit {
    /// Where a row is now.
    pub fn moved(&self, row: usize) -> Option<usize> {
        match self {
            Self::Inserted(at) => Some(row + usize::from(row >= *at)),
            Self::Removed(at) => (row != *at).then(|| row - usize::from(row > *at)),
            Self::Mapped(map) => map.get(row).copied().flatten().map(|to| to as usize),
        }
    }
}

/// How the tracker sorts: by path, a folder's with the `/` at its end, then by username.
pub fn compare(a: &FolderEntry, b: &FolderEntry) -> Ordering {
    let (path, username) = key_of(b);
    compare_with(a, path, matches!(b, FolderEntry::Folder(_)), username)
}

/// Whether a row stands behind a place.
fn is_behind(row: &FolderEntry, place: &Cursor) -> bool {
    compare_with(row, &place.path, false, &place.username) == Ordering::Greater
}

fn compare_with(row: &FolderEntry, path: &str, is_folder: bool, username: &str) -> Ordering {
    let (own, own_name) = key_of(row);
    let ends = |is_folder: bool| is_folder.then_some(b'/');
    let own = own.bytes().chain(ends(matches!(row, FolderEntry::Folder(_))));
    own.cmp(path.bytes().chain(ends(is_folder))).then_with(|| own_name.cmp(username))
}

fn key_of(row: &FolderEntry) -> (&str, &str) {
    match row {
        FolderEntry::File(file) => (file.path.as_str(), file.username.as_str()),
        FolderEntry::Folder(folder) => (folder.path.as_str(), ""),
    }
}
