//! What lies in one folder of what I share, asked for page by page as one scrolls.

use potok_core::library::level::{LevelCursor, LevelEntry, LevelPage};
use potok_core::node::intent::{Intent, IntentId};

use crate::model::natural_order;
use crate::model::shares::rows::ShareFolder;

/// Entries of a level that are asked for at a time.
const LEVEL_PAGE_ENTRIES: usize = 500;
/// Most entries of one level that are kept; of more the filter finds the rest.
const LEVEL_ENTRIES_MAX: usize = 20_000;

/// The files and folders that lie in it, as far as they are here.
#[derive(Debug, Default)]
pub(super) struct Level {
    entries: Vec<LevelEntry>,
    more: Option<LevelCursor>,
    pub(super) asked: Option<(IntentId, bool)>,
    pub(super) is_stale: bool,
    is_begun: bool,
}

impl Level {
    /// Asks for its beginning, for all of it anew, or for the next page.
    pub(super) fn ask(
        &mut self,
        (root, folder): &ShareFolder,
        is_more_wanted: bool,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) {
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

    /// Whether all of it is here.
    pub(super) fn is_whole(&self) -> bool {
        self.is_begun && self.more.is_none()
    }

    /// Whether it is too much to be shown whole.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= LEVEL_ENTRIES_MAX
    }

    /// Takes a page that was asked for.
    pub(super) fn take(&mut self, page: LevelPage, is_next: bool) {
        let LevelPage { entries, more } = page;
        if is_next {
            self.entries.extend(entries);
        } else {
            self.entries = entries;
        }
        (self.more, self.is_begun) = (more, true);
    }

    /// Folders first, as people count. A level that came in several pages stays in their order: nothing is put into
    /// another place under who scrolls through it.
    pub(super) fn in_order(&self) -> Vec<&LevelEntry> {
        let mut entries: Vec<&LevelEntry> = self.entries.iter().collect();
        if self.more.is_none() && entries.len() <= LEVEL_PAGE_ENTRIES {
            let is_file = |entry: &LevelEntry| matches!(entry, LevelEntry::File(_));
            entries.sort_by_cached_key(|entry| (is_file(entry), natural_order::key_of(entry.path().as_str())));
        }
        entries
    }
}
