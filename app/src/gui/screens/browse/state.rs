//! What the person does on Browse: what is typed, chosen, opened, and where the list stands.

use std::ops::Range;
use std::time::Duration;

use eframe::egui::{self, Id};
use potok_core::library::typed::RemotePath;
use potok_core::model::hash::ContentHash;
use potok_core::model::username::Username;
use potok_core::protocol::reply::{FileLine, FolderEntry};

use crate::gui::widgets::chosen::Chosen;
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::{scroll, table};
use crate::model::browse::{Browse, Look, Query};
use crate::model::pages::RowEdit;
use crate::model::result::QueryResult;
use crate::model::row_order::{SortColumn, username_of};
use crate::model::shown_rows::{OpenContents, RowKind};
use crate::model::tree::{Open, Tree};
use crate::model::wanted_download::WantedDownload;

/// The name of the table of files, and of one level of folders.
pub(super) const LIST_TABLE: &str = "browse";
/// The name of the table of one person's folders.
pub(super) const TREE_TABLE: &str = "tree";
/// Files that one click downloads; more are taken as folders.
pub(super) const DOWNLOADS_MAX: usize = 1_000;
/// Files of a tree in which a search opens every folder.
const OPENED_FILES_MAX: u64 = 2_000;
/// Whoever waits longer is told.
const SLOW_SECONDS: f64 = 0.4;

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct BrowseState {
    /// What the person wants to see.
    pub query: Query,
    /// Rows are on their way.
    pub is_busy: bool,
    /// The search field gets the keyboard.
    pub wants_focus: bool,
    pub(super) by_folder: bool,
    pub(super) selection: RowSelection,
    pub(super) open: Open,
    /// Contents whose copies are shown.
    open_contents: OpenContents,
    /// Folders that were opened because they were found; whoever closes one of them keeps it closed.
    opened_once: Open,
    pub(super) view: Range<usize>,
    /// All rows are chosen, and those that are still to come.
    chooses_all: bool,
    /// The end of the list is looked for.
    goes_to_end: bool,
    /// The list that all of this is about.
    number: u64,
    /// Since when rows are on their way, in seconds of the toolkit's clock.
    busy_since: Option<f64>,
}

impl BrowseState {
    /// Shows the files of one person as a tree.
    pub fn only_person(&mut self, name: Username) {
        self.query = Query { person: Some(name), ..Query::default() };
        self.by_folder = true;
        self.open.clear();
        self.opened_once.clear();
        self.settle();
    }

    /// What is looked at.
    pub fn look(&self, browse: &Browse) -> Look<'_> {
        Look {
            query: &self.query,
            open: &self.open,
            open_contents: &self.open_contents,
            view: self.view.clone(),
            wants_all: self.chooses_all || self.goes_to_end,
            content: content_of(&self.selection, browse),
        }
    }

    /// Keeps to the rows that are chosen and in view when others come and go; a new list begins at its top.
    pub fn follow(&mut self, ctx: &egui::Context, browse: &mut Browse) {
        self.is_busy = browse.is_busy();
        let edits = browse.take_edits();
        let id = scroll_id(self.query.is_tree);
        if self.number != browse.number() {
            self.number = browse.number();
            self.selection.clear();
            (self.chooses_all, self.goes_to_end) = (false, false);
            for is_tree in [false, true] {
                scroll::to_top(ctx, scroll_id(is_tree));
            }
            self.opened_once.clear();
            self.open_contents.clear();
        } else {
            edits.iter().for_each(|edit| self.moved(ctx, id, edit));
        }
        if let Some(tree) = browse.tree() {
            self.open_what_was_found(tree);
        }
        self.go_on_loading(ctx, id, browse);
    }

    /// Whether what is looked at takes so long that it should be said; what comes at once is not worth a word.
    pub(super) fn waits_long(&mut self, ctx: &egui::Context) -> bool {
        if !self.is_busy {
            self.busy_since = None;
            return false;
        }
        let now = ctx.input(|input| input.time);
        let since = *self.busy_since.get_or_insert(now);
        if now - since < SLOW_SECONDS {
            ctx.request_repaint_after(Duration::from_secs_f64(SLOW_SECONDS));
        }
        now - since >= SLOW_SECONDS
    }

    /// Keeps the query in step with the way of looking.
    pub(super) fn settle(&mut self) {
        self.query.is_tree = self.by_folder && self.query.person.is_some();
        if !self.by_folder || self.query.is_tree {
            self.query.folder = None;
        } else if self.query.folder.is_none() {
            self.query.folder = Some(String::new());
        }
    }

    /// Sorts by a column, or the other way if it is sorted by it already.
    pub(super) fn sort_by(&mut self, ctx: &egui::Context, by: SortColumn) {
        self.query.is_descending = self.query.sort == by && !self.query.is_descending;
        self.query.sort = by;
        scroll::to_top(ctx, scroll_id(self.query.is_tree));
        self.view = 0..0;
    }

    /// Shows the copies of the content in a row, or no longer.
    pub(super) fn toggle_copies(&mut self, result: &QueryResult, row: usize) {
        let (RowKind::Content { .. }, Some(FolderEntry::File(FileLine { hash: Some(hash), .. }))) =
            (result.kind(row), result.row(row))
        else {
            return;
        };
        if !self.open_contents.remove(hash) {
            self.open_contents.insert(*hash);
        }
        self.selection.only(row);
    }

    /// What the table asks for by its keys: the end, or all.
    pub(super) fn take_wishes(&mut self, wishes: table::Wishes, rows: usize) {
        if wishes.all {
            self.chooses_all = true;
            self.selection.rows = Chosen::from(0..rows);
        } else if self.chooses_all && self.selection.rows != Chosen::from(0..rows) {
            self.chooses_all = false;
        }
        self.goes_to_end |= wishes.end;
    }

    /// What is chosen, as what is to be fetched. What lies in a chosen folder is taken with it, not once more; of a
    /// content one file is asked for, and its other owners send it too; a folder of several people comes from all of
    /// them, and nothing from myself.
    pub(super) fn wanted(&self, browse: &Browse, me: Option<&Username>) -> Vec<WantedDownload> {
        let mut wanted: Vec<WantedDownload> = Vec::new();
        for row in self.selection.rows.iter().take(DOWNLOADS_MAX) {
            let Some(entry) = self.entry_to_fetch(browse, row, me) else { continue };
            let user = username_of(entry);
            let path = entry.path();
            let is_inside = |other: &WantedDownload| {
                let is_theirs = match other {
                    WantedDownload::Of(request) => Some(&request.user) == user,
                    WantedDownload::OfAll(_) => true,
                };
                is_theirs && other.is_folder() && path.as_str().starts_with(&other.path())
            };
            // In a tree a folder stands above what is in it.
            if self.query.is_tree && wanted.iter().any(is_inside) {
                continue;
            }
            wanted.push(match (entry, user.cloned()) {
                (FolderEntry::Folder(_), Some(user)) => WantedDownload::of(user, RemotePath::folder(path)),
                (FolderEntry::File(_), Some(user)) => WantedDownload::of(user, RemotePath::from(path.clone())),
                (_, None) => WantedDownload::of_all(path.clone()),
            });
        }
        wanted
    }

    fn entry_to_fetch<'a>(&self, browse: &'a Browse, row: usize, me: Option<&Username>) -> Option<&'a FolderEntry> {
        let is_others = |entry: &&FolderEntry| username_of(entry).is_none_or(|user| Some(user) != me);
        let Some(result) = browse.rows() else { return browse.row(row).filter(is_others) };
        let head = result.head(row);
        // Its content is chosen as a whole.
        if head != row && self.selection.rows.contains(head) {
            return None;
        }
        result.entries(row).find(is_others)
    }

    fn moved(&mut self, ctx: &egui::Context, id: Id, edit: &RowEdit) {
        self.selection.moved(edit);
        let first = self.view.start;
        // At the top, what comes is seen coming.
        if first > 0
            && let Some(now) = (first..self.view.end).find_map(|row| Some((row, edit.moved(row)?)))
        {
            scroll::shift(ctx, id, now.0, now.1);
            self.view = (first + now.1).saturating_sub(now.0)..(self.view.end + now.1).saturating_sub(now.0);
        }
    }

    /// The end moves away while further rows come.
    fn go_on_loading(&mut self, ctx: &egui::Context, id: Id, browse: &Browse) {
        let rows = browse.len();
        if self.chooses_all {
            self.selection.rows = Chosen::from(0..rows);
        }
        let is_done = browse.rows().is_none_or(|rows| rows.is_whole() || rows.is_cut() || rows.failure().is_some());
        if self.goes_to_end {
            self.selection.only(rows.saturating_sub(1));
            scroll::to_end(ctx, id);
            self.goes_to_end = !is_done;
        }
    }

    /// Who searches in a tree sees what is found; a single folder at the top is opened for whoever comes.
    fn open_what_was_found(&mut self, tree: &Tree) {
        let is_small = tree.totals().is_some_and(|totals| totals.files <= OPENED_FILES_MAX);
        let is_alone = tree.nodes().len() == 1;
        if !is_small || (self.query.text.trim().is_empty() && !is_alone) {
            return;
        }
        for node in tree.nodes().iter().filter(|node| node.is_open.is_some()) {
            if self.opened_once.insert(node.path().to_owned()) {
                self.open.insert(node.path().to_owned());
            }
        }
    }
}

fn scroll_id(is_tree: bool) -> Id {
    table::scroll_id(if is_tree { TREE_TABLE } else { LIST_TABLE })
}

/// The content of the one row that is chosen.
pub(super) fn content_of(selection: &RowSelection, browse: &Browse) -> Option<ContentHash> {
    let row = selection.head().filter(|_| selection.rows.len() == 1)?;
    match browse.row(row)? {
        FolderEntry::File(file) => file.hash,
        FolderEntry::Folder(_) => None,
    }
}
