//! The files of one person as a tree: each folder that is open is one question, so that a million files cost what is
//! looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::time::{Duration, Instant};

use potok_core::model::file_kind::FileKind;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::{FolderEntry, Totals};
use potok_core::protocol::selection::Selection;

use crate::model::pace::{Pace, RETRY_AFTER};
use crate::model::pages::{
    Applied, FIRST_PAGE_ROWS, LEVEL_FILES_MAX, Pages, RESULT_ROWS_MAX, RowEdit, Scope, ShareChange,
};
use crate::model::row_order::{self, RowOrder, Sort, SortColumn};

/// Folders that are open, by their path without `/` at the end.
pub type Open = BTreeSet<String>;

/// Levels that are asked for at once.
const QUESTIONS_MAX: usize = 8;
/// Open folders that are loaded; opened further ones stay empty until others are closed.
const LEVELS_MAX: usize = 2_000;

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// The folder or the file; `None`: the rest of this folder is not here.
    pub entry: Option<FolderEntry>,
    /// The folder it lies in, by its path; empty at the top.
    pub level: String,
    /// How many folders it is in.
    pub depth: u16,
    /// For a folder, whether it is open.
    pub is_open: Option<bool>,
    /// Of the rest of a folder: it does not come, since too much is open.
    pub is_cut: bool,
}

/// The tree of folders, as far as it was opened.
#[derive(Debug)]
pub struct Tree {
    selection: Selection,
    levels: BTreeMap<String, Pages>,
    nodes: Vec<TreeNode>,
    grown_for: (Open, Sort),
    is_changed: bool,
    pace: Pace,
    retry_at: Option<Instant>,
    failure: Option<Failure>,
    edits: Vec<RowEdit>,
}

impl Tree {
    /// Of the files of this selection, which are one person's.
    pub fn new(selection: Selection) -> Self {
        let top = Pages::new(Scope::Level { folder: None, selection: selection.clone() });
        Self {
            selection,
            levels: BTreeMap::from([(String::new(), top)]),
            nodes: Vec::new(),
            grown_for: Default::default(),
            is_changed: true,
            pace: Pace::default(),
            retry_at: None,
            failure: None,
            edits: Vec::new(),
        }
    }

    /// From top to bottom.
    pub fn nodes(&self) -> &[TreeNode] {
        &self.nodes
    }

    /// Whether the top has come, or the word that it will not.
    pub fn is_answered(&self) -> bool {
        self.levels.get("").is_some_and(Pages::is_begun) || self.failure.is_some()
    }

    /// Why there is nothing.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether rows are on their way.
    pub fn is_loading(&self) -> bool {
        self.levels.values().any(Pages::is_asking)
    }

    /// Files and bytes, while the top is here.
    pub fn totals(&self) -> Option<Totals> {
        let top = self.levels.get("").filter(|top| top.is_whole())?;
        let of = |row: &FolderEntry| match row {
            FolderEntry::File(file) => (1, file.size.unwrap_or(0)),
            FolderEntry::Folder(folder) => (folder.totals.files, folder.totals.bytes),
        };
        let sum = top
            .rows()
            .iter()
            .map(of)
            .fold((0_u64, 0_u64), |sum, of| (sum.0.saturating_add(of.0), sum.1.saturating_add(of.1)));
        Some(Totals { files: sum.0, bytes: sum.1 })
    }

    /// The row above a row: the folder that it is in.
    pub fn parent(&self, index: usize) -> Option<usize> {
        let depth = self.nodes.get(index)?.depth;
        (0..index).rev().find(|above| self.nodes[*above].depth < depth)
    }

    /// How the rows have moved since this was asked last.
    pub fn take_edits(&mut self) -> Vec<RowEdit> {
        std::mem::take(&mut self.edits)
    }

    /// Shows what is open, and asks for what is needed; when to come again if nothing else happens.
    pub fn turn(
        &mut self,
        now: Instant,
        open: &Open,
        sort: Sort,
        view: &Range<usize>,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        if self.is_changed || self.grown_for.0 != *open || self.grown_for.1 != sort {
            self.grown_for = (open.clone(), sort);
            self.grow();
        }
        for at in view.clone() {
            let Some(TreeNode { entry: None, is_cut: false, level, .. }) = self.nodes.get(at) else { continue };
            if let Some(pages) = self.levels.get_mut(level) {
                pages.want(pages.rows().len() + FIRST_PAGE_ROWS);
            }
        }
        if let Some(at) = self.retry_at.filter(|at| *at > now) {
            return Some(at - now);
        }
        let is_stale = self.levels.values().any(|level| !level.is_exact());
        if is_stale {
            self.pace.doubt(now);
        }
        let is_due = is_stale && self.pace.is_due(now);
        let mut room = QUESTIONS_MAX.saturating_sub(self.levels.values().filter(|level| level.is_asking()).count());
        for level in self.levels.values_mut() {
            let all = 0..level.rows().len();
            if room == 0 {
                break;
            }
            let Some(page) = level.wanted_page(&all, is_due) else { continue };
            let id = ask(level.scope().intent(page.clone()));
            level.asked(id, &page);
            room -= 1;
        }
        if is_due {
            self.pace.asked(now);
        }
        let is_waiting = self.levels.values().any(|level| !level.is_exact() && !level.is_asking());
        self.pace.due_at().filter(|_| is_waiting).map(|at| at.saturating_duration_since(now))
    }

    /// Whether it was asked here.
    pub fn has_asked(&self, id: IntentId) -> bool {
        self.levels.values().any(|level| level.has_asked(id))
    }

    /// Takes an answer.
    pub fn answer(&mut self, now: Instant, id: IntentId, answer: Result<Outcome, Failure>) {
        let Some(level) = self.levels.values_mut().find(|level| level.has_asked(id)) else { return };
        match answer {
            Ok(Outcome::FolderPage { entries, more }) => {
                level.take(entries, more);
                (self.failure, self.retry_at, self.is_changed) = (None, None, true);
            }
            other => {
                level.failed();
                self.failure = other.err();
                self.retry_at = Some(now + RETRY_AFTER);
            }
        }
    }

    /// Applies a change that was told.
    pub fn change(&mut self, now: Instant, change: &ShareChange) {
        for level in self.levels.values_mut() {
            self.is_changed |= matches!(level.apply(change), Applied::Replaced(_) | Applied::Exactly(_));
            if !level.is_exact() {
                self.pace.doubt(now);
            }
        }
    }

    /// What this user shares, or what everybody does, may be anything by now.
    pub fn doubt(&mut self, now: Instant, user: Option<&Username>) {
        for level in self.levels.values_mut() {
            if user.is_none_or(|user| level.scope().concerns(user)) {
                level.doubt();
                self.pace.doubt(now);
            }
        }
    }

    /// Makes the rows anew.
    fn grow(&mut self) {
        self.is_changed = false;
        let before = std::mem::take(&mut self.nodes);
        let mut levels = std::mem::take(&mut self.levels);
        let mut kept = BTreeMap::new();
        self.grow_level(("", u64::MAX), 0, &mut levels, &mut kept);
        self.levels = kept;
        let places: HashMap<_, u32> = self.nodes.iter().map(name_of).zip(0..).collect();
        self.edits.push(RowEdit::Mapped(before.iter().map(|node| places.get(&name_of(node)).copied()).collect()));
    }

    /// The rows of one folder, which has so many files, and of what is open in it. Only such levels are kept.
    fn grow_level(
        &mut self,
        (path, files): (&str, u64),
        depth: u16,
        levels: &mut BTreeMap<String, Pages>,
        kept: &mut BTreeMap<String, Pages>,
    ) {
        let rest = |is_cut| TreeNode { entry: None, level: path.to_owned(), depth, is_open: None, is_cut };
        if kept.len() >= LEVELS_MAX {
            self.nodes.push(rest(true));
            return;
        }
        let new = || {
            let folder = SharePath::new(path).ok();
            Pages::new(Scope::Level { folder, selection: self.selection.clone() })
        };
        let mut level = levels.remove(path).unwrap_or_else(new);
        if files <= LEVEL_FILES_MAX {
            level.want(RESULT_ROWS_MAX);
        }
        let sort = match self.grown_for.1 {
            (SortColumn::Path | SortColumn::Size | SortColumn::Kind, _) => self.grown_for.1,
            _ => Sort::default(),
        };
        let places = (0..u32::try_from(level.rows().len()).unwrap_or(u32::MAX)).collect();
        let order = RowOrder { sort, is_whole: level.is_whole() };
        let order = row_order::sorted(level.rows(), places, order, |_| 1);
        let rows: Vec<FolderEntry> = order.iter().filter_map(|at| level.rows().get(*at as usize).cloned()).collect();
        let is_whole = level.is_whole();
        kept.insert(path.to_owned(), level);
        for entry in rows {
            if self.nodes.len() >= RESULT_ROWS_MAX {
                self.nodes.push(rest(true));
                return;
            }
            let folder = match &entry {
                FolderEntry::Folder(folder) => Some((folder.path.as_str().to_owned(), folder.totals.files)),
                FolderEntry::File(_) => None,
            };
            let is_open = folder.as_ref().map(|(folder, _)| self.grown_for.0.contains(folder));
            self.nodes.push(TreeNode { entry: Some(entry), level: path.to_owned(), depth, is_open, is_cut: false });
            if let Some((folder, files)) = folder.filter(|_| is_open == Some(true)) {
                self.grow_level((&folder, files), depth + 1, levels, kept);
            }
        }
        if !is_whole {
            self.nodes.push(rest(false));
        }
    }
}

impl TreeNode {
    /// Its path; a folder's without `/` at the end.
    pub fn path(&self) -> &str {
        match &self.entry {
            Some(FolderEntry::File(file)) => file.path.as_str(),
            Some(FolderEntry::Folder(folder)) => folder.path.as_str(),
            None => "",
        }
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        let path = self.path();
        path.rsplit('/').next().unwrap_or(path)
    }

    /// What it is for.
    pub fn kind(&self) -> FileKind {
        FileKind::of(self.path())
    }
}

/// What a row is, wherever it stands.
fn name_of(node: &TreeNode) -> (bool, &str, &str) {
    (node.is_open.is_some(), node.path(), node.level.as_str())
}
