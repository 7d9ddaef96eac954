//! What I share, as far as it is looked at: the files and folders as they were shared, and of each folder that is open what
//! lies in it. Whatever is shared, the window holds what it shows. Time is passed in, questions go out through a closure.

mod level;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::time::{Duration, Instant};

use potok_core::library::root::RootId;
use potok_core::library::sharing_again::StoppedPlace;
use potok_core::model::share::Share;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::Totals;
use potok_core::service::share_indexer::root_status::{RootCursor, RootWork, SharedRoot};

use crate::model::natural_order;
use crate::model::pace::Pace;
use crate::model::shares::level::Level;
pub use crate::model::shares::rows::{RestOfLevel, ShareFolder, ShareRow, ShareRowKey, ShareRowKind};

/// Most folders that are open at once.
const LEVELS_SHOWN_MAX: usize = 200;
/// Most files that a filter shows.
pub const FOUND_MAX: usize = 1_000;
/// Most roots that are listed: what is shared file by file, ten thousand times over. Of more the filter finds the rest.
pub const ROOTS_KEPT_MAX: usize = 20_000;
/// Most paths that are kept to complete what is typed.
const PATHS_MAX: usize = 20_000;

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
    roots_by_id: HashMap<RootId, usize>,
    /// How many there are, listed or not.
    roots_count: usize,
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
struct StoppedList {
    places: Vec<StoppedPlace>,
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
        self.roots_by_id.get(&id).and_then(|at| self.roots.get(*at))
    }

    /// The rows, as of the last look.
    pub fn rows(&self) -> &[ShareRow] {
        &self.rows
    }

    /// Another number when the rows are others.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many files and folders the person shared, if they are more than are listed.
    pub fn more_roots_than_listed(&self) -> Option<usize> {
        (self.roots_count > self.roots.len()).then_some(self.roots_count)
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
        let rest = |row: &ShareRow| matches!(row.kind, ShareRowKind::Rest(RestOfLevel::Coming));
        let wanted: BTreeSet<ShareFolder> =
            in_view.filter(|row| rest(row)).map(|row| (row.root, row.path.clone())).collect();
        let open: Vec<&ShareFolder> = look.open.iter().take(LEVELS_SHOWN_MAX).collect();
        self.levels.retain(|folder, level| look.open.contains(folder) || level.asked.is_some());
        for folder in open {
            let root = self.roots_by_id.get(&folder.0).and_then(|at| self.roots.get(*at));
            let Some(root) = root.filter(|root| root.is_folder) else { continue };
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
                (self.roots_count, self.totals) = (page.count, page.totals);
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
            if let Some(Ok(Outcome::Stopped { places, .. })) = answer.take() {
                list.places = places;
                self.is_changed = true;
            }
            return true;
        }
        let asked = |level: &&mut Level| level.asked.is_some_and(|(of, _)| of == id);
        let Some(level) = self.levels.values_mut().find(asked) else { return false };
        let is_next = level.asked.take().is_some_and(|(_, is_next)| is_next);
        if let Some(Ok(Outcome::Level(page))) = answer.take() {
            level.take(page, is_next);
            self.is_changed = true;
        }
        true
    }

    fn take_roots(&mut self) {
        let mut roots = std::mem::take(&mut self.coming);
        roots.sort_by_cached_key(|root| natural_order::key_of(root.share_as.as_str()));
        self.roots_by_id = roots.iter().enumerate().map(|(at, root)| (root.id, at)).collect();
        self.roots = roots;
        self.is_changed = true;
    }

    /// These and nothing else.
    pub fn replace(&mut self, roots: Vec<SharedRoot>) {
        self.totals = Totals::default();
        for root in &roots {
            self.totals.files = self.totals.files.saturating_add(root.totals.files);
            self.totals.bytes = self.totals.bytes.saturating_add(root.totals.bytes);
        }
        self.roots_count = roots.len();
        self.coming = roots;
        self.take_roots();
    }
}

#[cfg(test)]
mod tests;
