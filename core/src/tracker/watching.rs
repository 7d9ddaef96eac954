//! Who watches, and what of it each wants to hear: everything, or what some users share, or what lies below a folder. What
//! changed is looked up among those who asked for it, so that it costs nothing per watcher who did not.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::share_path::SharePath;
use crate::protocol::command;
use crate::tracker::input::SessionId;
use crate::tracker::roster::ReaderView;
use crate::tracker::watched_folders::{TouchedFolders, WatchedFolders};

/// What a watcher asked for. An empty one means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchFilter {
    /// Only these users, their names case folded; without any everybody.
    usernames: BTreeSet<String>,
    /// Only what is below this folder.
    folder: Option<SharePath>,
}

impl WatchFilter {
    /// What a command asks for.
    pub fn of(command: command::Watch) -> Self {
        let usernames = command.usernames.iter().map(|username| username.folded()).collect();
        Self { usernames, folder: command.folder }
    }

    fn is_everything(&self) -> bool {
        self.usernames.is_empty() && self.folder.is_none()
    }

    /// Whether it is about some users, whose coming and going is told too.
    pub fn is_of_users(&self) -> bool {
        !self.usernames.is_empty()
    }

    /// The folder that it is about.
    pub fn folder(&self) -> Option<&SharePath> {
        self.folder.as_ref()
    }
}

/// Orders changes and the beginnings of watching: a watcher is told of what changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

/// A watcher who asked for a part.
#[derive(Debug)]
pub struct PartWatcher {
    /// How it sees others.
    pub view: ReaderView,
    /// Since when it watches.
    pub since: Moment,
    /// What it asked for.
    pub filter: WatchFilter,
}

/// Everybody who watches.
#[derive(Debug, Default)]
pub struct Watchers {
    /// Those who watch everything. For all of a view the bytes are the same.
    pub of_all: BTreeMap<ReaderView, BTreeMap<SessionId, Moment>>,
    of_parts: BTreeMap<SessionId, PartWatcher>,
    /// By name, case folded.
    by_username: BTreeMap<String, BTreeSet<SessionId>>,
    /// Those who asked for no users.
    by_folder: BTreeMap<SharePath, BTreeSet<SessionId>>,
    folders: WatchedFolders,
    /// Folders that are watched now and were not, and the other way round, since somebody asked for them.
    folder_changes: Vec<(SharePath, bool)>,
}

impl Watchers {
    /// A session watches from now on; what it has watched before it watches no longer, but for what it goes on with.
    pub fn begin(&mut self, session: SessionId, view: ReaderView, filter: WatchFilter, now: Moment) {
        if filter.is_everything() {
            self.end_part(session);
            self.of_all.entry(view).or_default().entry(session).or_insert(now);
            return;
        }
        self.end(session, view);
        for username in &filter.usernames {
            self.by_username.entry(username.clone()).or_default().insert(session);
        }
        if let Some(folder) = &filter.folder {
            if self.folders.begin(folder) {
                self.folder_changes.push((folder.clone(), true));
            }
            if !filter.is_of_users() {
                self.by_folder.entry(folder.clone()).or_default().insert(session);
            }
        }
        self.of_parts.insert(session, PartWatcher { view, since: now, filter });
    }

    /// A session watches no longer.
    pub fn end(&mut self, session: SessionId, view: ReaderView) {
        if let Some(sessions) = self.of_all.get_mut(&view) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.of_all.remove(&view);
            }
        }
        self.end_part(session);
    }

    fn end_part(&mut self, session: SessionId) {
        let Some(PartWatcher { filter, .. }) = self.of_parts.remove(&session) else { return };
        for username in &filter.usernames {
            remove(&mut self.by_username, username, session);
        }
        if let Some(folder) = filter.folder {
            remove(&mut self.by_folder, &folder, session);
            if self.folders.end(&folder) {
                self.folder_changes.push((folder, false));
            }
        }
    }

    /// Whether nobody watches anything.
    pub fn is_empty(&self) -> bool {
        self.of_all.is_empty() && self.of_parts.is_empty()
    }

    /// The folders that are watched.
    pub fn folders(&self) -> &WatchedFolders {
        &self.folders
    }

    /// The folders that are watched now and were not, and the other way round, since this was called last.
    pub fn take_folder_changes(&mut self) -> Vec<(SharePath, bool)> {
        std::mem::take(&mut self.folder_changes)
    }

    /// Those who asked for a part in which this user, by the folded name, has changed something.
    pub fn of_part(&self, folded: &str, touched: &TouchedFolders) -> Vec<(SessionId, &PartWatcher)> {
        let mut sessions: BTreeSet<SessionId> = self.by_username.get(folded).into_iter().flatten().copied().collect();
        if touched.is_anywhere() {
            sessions.extend(self.by_folder.values().flatten());
        } else {
            sessions.extend(touched.folders().filter_map(|folder| self.by_folder.get(folder)).flatten());
        }
        sessions.into_iter().filter_map(|session| Some((session, self.of_parts.get(&session)?))).collect()
    }
}

fn remove<K: Ord + Clone, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(&value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::command::Command;

    fn filter(rest: &str) -> WatchFilter {
        match Command::parse(&format!("watch{rest}")) {
            Ok(Command::Watch(watch)) => WatchFilter::of(watch),
            other => panic!("{other:?}"),
        }
    }

    fn told(watchers: &Watchers, folded: &str, paths: &[&str]) -> Vec<u64> {
        let mut touched = TouchedFolders::default();
        for path in paths {
            watchers.folders.touch(&SharePath::new(path).expect(path), &mut touched);
        }
        let sessions = (1..9).filter(|n| {
            let told = watchers.of_part(folded, &touched);
            told.iter().any(|(session, _)| *session == SessionId::new(*n))
        });
        sessions.collect()
    }

    #[test]
    fn who_asked_for_what_changed_is_found() {
        let mut watchers = Watchers::default();
        let asked = ["", " Anna", " anna ivan", " under=a", " under=a/b", " ivan under=a", " under=a"];
        for (n, rest) in (1..).zip(asked) {
            watchers.begin(SessionId::new(n), ReaderView::SameHost, filter(rest), Moment(n));
        }
        for (folded, paths, expected) in [
            ("anna", &["x"][..], vec![2, 3]),
            ("anna", &["a"], vec![2, 3]),
            ("anna", &["a/x"], vec![2, 3, 4, 7]),
            ("boris", &["a/b/x", "y"], vec![4, 5, 7]),
            ("boris", &["ab/x", "a"], vec![]),
            ("ivan", &["x"], vec![3, 6]),
        ] {
            assert_eq!(told(&watchers, folded, paths), expected, "{folded} {paths:?}");
        }
        // What is asked for anew takes the place of what was asked for before.
        watchers.begin(SessionId::new(4), ReaderView::SameHost, filter(" anna"), Moment(9));
        watchers.begin(SessionId::new(1), ReaderView::SameHost, filter(" under=x"), Moment(9));
        assert!(watchers.of_all.is_empty());
        assert_eq!(told(&watchers, "anna", &["a/x"]), [2, 3, 4, 7]);
        assert_eq!(told(&watchers, "boris", &["a/x"]), [7]);
        for n in 1..8 {
            watchers.end(SessionId::new(n), ReaderView::SameHost);
        }
        assert!(watchers.is_empty() && watchers.folders.is_empty() && watchers.by_username.is_empty());
    }
}
