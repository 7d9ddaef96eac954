//! What I share, as far as it is looked at: the files and folders as they were shared, and of each folder that is open what
//! lies in it. Whatever is shared, the window holds what it shows. Time is passed in, questions go out through a closure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use potok_core::library::level::{LevelCursor, LevelEntry, LevelPage};
use potok_core::library::root::RootId;
use potok_core::library::sharing_again::StoppedPlace;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::Totals;
use potok_core::service::share_indexer::root_status::{RootCursor, RootWork, SharedRoot};

use crate::model::pace::Pace;

/// Entries of a level that are asked for at a time.
const LEVEL_PAGE_ENTRIES: usize = 500;
/// Most entries of one level that are kept; of more the filter finds the rest.
pub const LEVEL_ENTRIES_MAX: usize = 20_000;
/// Most folders that are kept open.
const LEVELS_SHOWN_MAX: usize = 200;
/// Most files that a filter shows.
pub const FOUND_MAX: usize = 1_000;
/// Most roots that are kept: what is shared file by file, ten thousand times over.
const ROOTS_KEPT_MAX: usize = 20_000;
/// Most paths that are kept to complete what is typed.
const PATHS_MAX: usize = 20_000;

/// A folder of a root: the root itself is its share path.
pub type ShareFolder = (RootId, SharePath);

/// A row of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareRow {
    /// The root that it belongs to.
    pub root: RootId,
    /// Its share path.
    pub path: SharePath,
    /// How many folders it is in.
    pub depth: u16,
    /// What it is.
    pub kind: ShareRowKind,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareRowKind {
    /// Something as it was shared; a folder is open or not.
    Root {
        /// How it is.
        root: Box<SharedRoot>,
        /// Whether its folder is open; a file has none.
        is_open: Option<bool>,
    },
    /// A folder in it.
    Folder {
        /// What is shared of all below it.
        totals: Totals,
        /// Whether it is open.
        is_open: bool,
    },
    /// A file in it, or one that the filter found.
    File {
        /// Its length in bytes.
        bytes: u64,
    },
    /// What the person stopped sharing of it.
    Stopped,
    /// The rest of its level is not here yet, or is too much to be shown.
    Rest {
        /// It is too much: it does not come.
        is_cut: bool,
    },
}

/// By what a row is known when others come and go.
pub type ShareRowKey = (SharePath, RootId, u8);

impl ShareRow {
    /// By what it is known.
    pub fn key(&self) -> ShareRowKey {
        let kind = match self.kind {
            ShareRowKind::Root { .. } => 0,
            ShareRowKind::Folder { .. } | ShareRowKind::File { .. } => 1,
            ShareRowKind::Stopped => 2,
            ShareRowKind::Rest { .. } => 3,
        };
        (self.path.clone(), self.root, kind)
    }

    /// Whether something lies below it that can be shown.
    pub fn is_open(&self) -> Option<bool> {
        match &self.kind {
            ShareRowKind::Root { is_open, .. } => *is_open,
            ShareRowKind::Folder { is_open, .. } => Some(*is_open),
            _ => None,
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct SharesLook<'a> {
    /// The page is shown.
    pub is_shown: bool,
    /// What is typed may need to be completed.
    pub completes: bool,
    /// Folders that are open.
    pub open: &'a BTreeSet<ShareFolder>,
    /// Only files that have these words in their paths; without any all, as a tree.
    pub filter: &'a str,
    /// Rows in view.
    pub view: &'a Range<usize>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Shares {
    roots: Vec<SharedRoot>,
    totals: Totals,
    /// A list of roots that is coming, page by page.
    coming: Vec<SharedRoot>,
    levels: BTreeMap<ShareFolder, Level>,
    stopped: BTreeMap<RootId, StoppedList>,
    found: Found,
    paths: Vec<String>,
    paths_asked: Option<IntentId>,
    are_paths_known: bool,
    roots_asked: Option<IntentId>,
    /// Behind which root the list goes on.
    roots_after: Option<RootCursor>,
    is_known: bool,
    pace: Pace,
    rows: Vec<ShareRow>,
    version: u64,
    is_changed: bool,
    shown: (BTreeSet<ShareFolder>, String),
}

#[derive(Debug, Default)]
struct Level {
    entries: Vec<LevelEntry>,
    more: Option<LevelCursor>,
    asked: Option<(IntentId, bool)>,
    is_stale: bool,
    is_begun: bool,
}

#[derive(Debug, Default)]
struct StoppedList {
    places: Vec<StoppedPlace>,
    is_cut: bool,
    asked: Option<IntentId>,
    is_stale: bool,
}

#[derive(Debug, Default)]
struct Found {
    words: String,
    shares: Vec<Share>,
    has_more: bool,
    asked: Option<IntentId>,
    is_stale: bool,
}

impl Shares {
    /// How many files are shared.
    pub fn len(&self) -> usize {
        usize::try_from(self.totals.files).unwrap_or(usize::MAX)
    }

    /// Whether nothing is shared: no file, and no folder that files may come into.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> u64 {
        self.totals.bytes
    }

    /// The files and folders as they were shared, by share path.
    pub fn roots(&self) -> &[SharedRoot] {
        &self.roots
    }

    /// One of them.
    pub fn root(&self, id: RootId) -> Option<&SharedRoot> {
        self.roots.iter().find(|root| root.id == id)
    }

    /// The rows, as of the last look.
    pub fn rows(&self) -> &[ShareRow] {
        &self.rows
    }

    /// Another number when the rows are others.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The filter found more than is shown.
    pub fn is_found_cut(&self) -> bool {
        !self.found.words.is_empty() && self.found.has_more
    }

    /// Paths to complete what is typed.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// What is shared, or how it is, may be otherwise by now.
    pub fn doubt(&mut self, now: Instant) {
        self.pace.doubt(now);
        self.are_paths_known = false;
    }

    /// The same, and it is to be seen at once: the person did it.
    pub fn ask_anew(&mut self) {
        (self.is_known, self.are_paths_known) = (false, false);
    }

    /// Asks for what is looked at; when to come again if nothing else happens.
    pub fn turn(
        &mut self,
        now: Instant,
        look: SharesLook<'_>,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        let is_due = !self.is_known || self.pace.is_due(now);
        if let Some(after) = self.roots_after.take() {
            self.roots_asked = Some(ask(Intent::ListRoots { after: Some(after) }));
        } else if is_due && self.roots_asked.is_none() {
            self.is_known = true;
            self.pace.asked(now);
            self.roots_asked = Some(ask(Intent::ListRoots { after: None }));
            self.levels.values_mut().for_each(|level| level.is_stale = true);
            self.stopped.values_mut().for_each(|list| list.is_stale = true);
            self.found.is_stale = true;
        }
        if look.completes && !self.are_paths_known && self.paths_asked.is_none() {
            self.are_paths_known = true;
            self.paths_asked = Some(ask(Intent::FindShares { words: Vec::new(), most: PATHS_MAX }));
        }
        if look.is_shown {
            self.show(look, ask);
        }
        // What is being read changes without a word.
        let is_working = look.is_shown && self.roots.iter().any(|root| root.work != RootWork::Resting);
        if is_working {
            self.pace.doubt(now);
        }
        self.pace.due_at().map(|at| at.saturating_duration_since(now))
    }

    fn show(&mut self, look: SharesLook<'_>, ask: &mut dyn FnMut(Intent) -> IntentId) {
        let filter = look.filter.trim();
        if self.found.words != filter {
            self.found = Found { words: filter.to_owned(), is_stale: !filter.is_empty(), ..Found::default() };
            self.is_changed = true;
        }
        if self.found.is_stale && !filter.is_empty() && self.found.asked.is_none() {
            let words = filter.split_whitespace().map(str::to_owned).collect();
            self.found.is_stale = false;
            self.found.asked = Some(ask(Intent::FindShares { words, most: FOUND_MAX }));
        }
        if self.is_changed || self.shown.0 != *look.open || self.shown.1 != filter {
            self.shown = (look.open.clone(), filter.to_owned());
            self.grow();
        }
        let in_view = look.view.clone().filter_map(|at| self.rows.get(at));
        let rest = |row: &ShareRow| matches!(row.kind, ShareRowKind::Rest { is_cut: false });
        let wanted: BTreeSet<ShareFolder> =
            in_view.filter(|row| rest(row)).map(|row| (row.root, row.path.clone())).collect();
        let open: Vec<&ShareFolder> = look.open.iter().take(LEVELS_SHOWN_MAX).collect();
        self.levels.retain(|folder, level| look.open.contains(folder) || level.asked.is_some());
        for folder in open {
            let Some(root) = self.roots.iter().find(|root| root.id == folder.0 && root.is_folder) else { continue };
            let level = self.levels.entry(folder.clone()).or_default();
            level.ask(folder, wanted.contains(folder), ask);
            if root.share_as == folder.1 && root.stopped_places > 0 {
                let list =
                    self.stopped.entry(root.id).or_insert_with(|| StoppedList { is_stale: true, ..Default::default() });
                if list.is_stale && list.asked.is_none() {
                    list.is_stale = false;
                    list.asked = Some(ask(Intent::ListStopped { root: Some(root.id), after: None }));
                }
            } else if root.share_as == folder.1 {
                self.stopped.remove(&root.id);
            }
        }
    }

    /// Takes an answer, if it was asked here.
    pub fn answer(&mut self, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        if self.roots_asked == Some(id) {
            self.roots_asked = None;
            if let Some(Ok(Outcome::Roots(page))) = answer.take() {
                self.coming.extend(page.roots);
                match page.more.filter(|_| self.coming.len() < ROOTS_KEPT_MAX) {
                    Some(after) => self.roots_after = Some(after),
                    None => self.take_roots(),
                }
            }
            return true;
        }
        if self.paths_asked == Some(id) {
            self.paths_asked = None;
            if let Some(Ok(Outcome::FoundShares { shares, .. })) = answer.take() {
                self.paths = shares.iter().map(|share| share.path.to_string()).collect();
            }
            return true;
        }
        if self.found.asked == Some(id) {
            self.found.asked = None;
            if let Some(Ok(Outcome::FoundShares { shares, has_more })) = answer.take() {
                (self.found.shares, self.found.has_more) = (shares, has_more);
                self.is_changed = true;
            }
            return true;
        }
        if let Some(list) = self.stopped.values_mut().find(|list| list.asked == Some(id)) {
            list.asked = None;
            if let Some(Ok(Outcome::Stopped { places, more })) = answer.take() {
                (list.places, list.is_cut) = (places, more.is_some());
                self.is_changed = true;
            }
            return true;
        }
        let asked = |level: &&mut Level| level.asked.is_some_and(|(of, _)| of == id);
        let Some(level) = self.levels.values_mut().find(asked) else { return false };
        let is_next = level.asked.take().is_some_and(|(_, is_next)| is_next);
        if let Some(Ok(Outcome::Level(LevelPage { entries, more }))) = answer.take() {
            if is_next {
                level.entries.extend(entries);
            } else {
                level.entries = entries;
            }
            (level.more, level.is_begun) = (more, true);
            self.is_changed = true;
        }
        true
    }

    fn take_roots(&mut self) {
        let roots = std::mem::take(&mut self.coming);
        self.replace(roots);
    }

    /// These and nothing else.
    pub fn replace(&mut self, roots: Vec<SharedRoot>) {
        self.roots = roots;
        self.totals = Totals::default();
        for root in &self.roots {
            self.totals.files = self.totals.files.saturating_add(root.totals.files);
            self.totals.bytes = self.totals.bytes.saturating_add(root.totals.bytes);
        }
        self.is_changed = true;
    }

    fn grow(&mut self) {
        self.is_changed = false;
        let mut rows = Vec::new();
        if self.found.words.is_empty() {
            self.roots.iter().for_each(|root| self.grow_root(root, &mut rows));
        } else {
            rows.extend(self.found.shares.iter().filter_map(|share| self.found_row(share)));
        }
        self.rows = rows;
        self.version += 1;
    }

    /// A file that was found, as a row of the root that it is nearest to.
    fn found_row(&self, share: &Share) -> Option<ShareRow> {
        let is_of = |root: &&SharedRoot| {
            root.share_as == share.path || (root.is_folder && share.path.below(root.share_as.as_str()).is_some())
        };
        let root = self.roots.iter().filter(is_of).max_by_key(|root| root.share_as.as_str().len())?;
        let kind = ShareRowKind::File { bytes: share.size.unwrap_or(0) };
        Some(ShareRow { root: root.id, path: share.path.clone(), depth: 0, kind })
    }

    fn grow_root(&self, root: &SharedRoot, rows: &mut Vec<ShareRow>) {
        let folder = (root.id, root.share_as.clone());
        let is_open = self.shown.0.contains(&folder);
        let kind = ShareRowKind::Root { root: Box::new(root.clone()), is_open: root.is_folder.then_some(is_open) };
        rows.push(ShareRow { root: root.id, path: root.share_as.clone(), depth: 0, kind });
        if !is_open || !root.is_folder {
            return;
        }
        self.grow_level(&folder, 1, rows);
        let Some(list) = self.stopped.get(&root.id) else { return };
        let stopped = |place: &StoppedPlace| ShareRow {
            root: root.id,
            path: place.path.clone(),
            depth: 1,
            kind: ShareRowKind::Stopped,
        };
        rows.extend(list.places.iter().map(stopped));
    }

    fn grow_level(&self, folder: &ShareFolder, depth: u16, rows: &mut Vec<ShareRow>) {
        let rest =
            |is_cut| ShareRow { root: folder.0, path: folder.1.clone(), depth, kind: ShareRowKind::Rest { is_cut } };
        let Some(level) = self.levels.get(folder) else { return rows.push(rest(false)) };
        for entry in &level.entries {
            let path = entry.path().clone();
            match entry {
                LevelEntry::File(share) => {
                    let kind = ShareRowKind::File { bytes: share.size.unwrap_or(0) };
                    rows.push(ShareRow { root: folder.0, path, depth, kind });
                }
                LevelEntry::Folder { totals, .. } => {
                    let below = (folder.0, path.clone());
                    let is_open = self.shown.0.contains(&below);
                    let kind = ShareRowKind::Folder { totals: *totals, is_open };
                    rows.push(ShareRow { root: folder.0, path, depth, kind });
                    if is_open {
                        self.grow_level(&below, depth + 1, rows);
                    }
                }
            }
        }
        if level.more.is_some() || !level.is_begun {
            rows.push(rest(level.entries.len() >= LEVEL_ENTRIES_MAX));
        }
    }
}

impl Level {
    /// Asks for its beginning, for all of it anew, or for the next page.
    fn ask(&mut self, (root, folder): &ShareFolder, is_more_wanted: bool, ask: &mut dyn FnMut(Intent) -> IntentId) {
        if self.asked.is_some() {
            return;
        }
        let is_next = self.is_begun && !self.is_stale;
        let (after, most) = match (is_next, &self.more) {
            (false, _) => (None, self.entries.len().clamp(LEVEL_PAGE_ENTRIES, LEVEL_ENTRIES_MAX)),
            (true, Some(more)) if is_more_wanted && self.entries.len() < LEVEL_ENTRIES_MAX => {
                (Some(more.clone()), LEVEL_PAGE_ENTRIES)
            }
            (true, _) => return,
        };
        self.is_stale = false;
        let intent = Intent::ListLevel { root: *root, folder: folder.clone(), after, most };
        self.asked = Some((ask(intent), is_next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::made_up;
    use potok_core::service::share_indexer::root_status::RootPage;

    fn path(text: &str) -> SharePath {
        SharePath::new(text).expect(text)
    }

    fn root(id: u64, share_as: &str, stopped_places: usize) -> SharedRoot {
        let is_folder = !share_as.contains('.');
        SharedRoot {
            is_folder,
            stopped_places,
            ..made_up::shared_root(id, path(share_as), Totals { files: 3, bytes: 30 })
        }
    }

    fn file(text: &str) -> Share {
        Share { path: path(text), size: Some(10), hash: None }
    }

    /// What an engine answers that shares a folder with two files and a folder in it, and a file.
    fn answer(intent: &Intent) -> Outcome {
        match intent {
            Intent::ListRoots { after: None } => {
                let (roots, more) = (vec![root(1, "Trip", 1)], Some((path("Trip"), RootId(1))));
                Outcome::Roots(RootPage { roots, more })
            }
            Intent::ListRoots { .. } => Outcome::Roots(RootPage { roots: vec![root(2, "x.txt", 0)], more: None }),
            Intent::ListLevel { folder, after, .. } => {
                let first = LevelEntry::File(file(&format!("{folder}/a")));
                let folder = LevelEntry::Folder { path: path(&format!("{folder}/sub")), totals: Totals::default() };
                match after {
                    None => Outcome::Level(LevelPage { more: Some(first.cursor()), entries: vec![first] }),
                    Some(_) => Outcome::Level(LevelPage { entries: vec![folder], more: None }),
                }
            }
            Intent::FindShares { .. } => Outcome::FoundShares { shares: vec![file("Trip/sub/a")], has_more: true },
            Intent::ListStopped { .. } => {
                let place = StoppedPlace { root: RootId(1), place: path("z"), path: path("Trip/z") };
                Outcome::Stopped { places: vec![place], more: None }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Asks and answers until nothing is asked any more; how many questions there were.
    fn settle(shares: &mut Shares, now: Instant, open: &BTreeSet<ShareFolder>, filter: &str) -> u64 {
        let mut asked = 0;
        loop {
            let mut questions = Vec::new();
            let view = 0..shares.rows().len();
            let look = SharesLook { is_shown: true, completes: false, open, filter, view: &view };
            shares.turn(now, look, &mut |intent| {
                asked += 1;
                questions.push((IntentId(asked), intent));
                IntentId(asked)
            });
            if questions.is_empty() {
                return asked;
            }
            for (id, intent) in questions {
                assert!(shares.answer(id, &mut Some(Ok(answer(&intent)))));
            }
        }
    }

    fn rows(shares: &Shares) -> Vec<String> {
        let row = |row: &ShareRow| {
            let kind = match &row.kind {
                ShareRowKind::Root { is_open, .. } => format!("root {is_open:?}"),
                ShareRowKind::Folder { is_open, .. } => format!("folder {is_open}"),
                ShareRowKind::File { .. } => "file".to_owned(),
                ShareRowKind::Stopped => "stopped".to_owned(),
                ShareRowKind::Rest { .. } => "rest".to_owned(),
            };
            format!("{} {} {kind}", row.depth, row.path)
        };
        shares.rows().iter().map(row).collect()
    }

    #[test]
    fn what_is_open_is_asked_for_and_shown() {
        let (mut shares, now) = (Shares::default(), Instant::now());
        let mut open = BTreeSet::new();
        assert_eq!(settle(&mut shares, now, &open, ""), 2, "two pages of roots");
        assert_eq!(rows(&shares), ["0 Trip root Some(false)", "0 x.txt root None"]);
        assert_eq!((shares.len(), shares.bytes(), shares.is_empty()), (6, 60, false));
        open.insert((RootId(1), path("Trip")));
        settle(&mut shares, now, &open, "");
        let opened = [
            "0 Trip root Some(true)",
            "1 Trip/a file",
            "1 Trip/sub folder false",
            "1 Trip/z stopped",
            "0 x.txt root None",
        ];
        assert_eq!(rows(&shares), opened);
        open.insert((RootId(1), path("Trip/sub")));
        settle(&mut shares, now, &open, "");
        assert_eq!(rows(&shares)[2..5], ["1 Trip/sub folder true", "2 Trip/sub/a file", "2 Trip/sub/sub folder false"]);
        settle(&mut shares, now, &open, "A sub");
        assert_eq!((rows(&shares), shares.is_found_cut()), (vec!["0 Trip/sub/a file".to_owned()], true));
        settle(&mut shares, now, &open, "");
        assert_eq!(rows(&shares).len(), 7, "as it was");

        assert_eq!(settle(&mut shares, now, &open, ""), 0, "nothing is asked without a reason");
        shares.doubt(now);
        assert_eq!(settle(&mut shares, now, &open, ""), 0, "not at once");
        let later = now + Duration::from_secs(1);
        assert_eq!(settle(&mut shares, later, &open, ""), 7, "roots, levels and what was stopped");
        shares.ask_anew();
        assert_eq!(settle(&mut shares, later, &open, ""), 7, "the person did it");
    }
}
