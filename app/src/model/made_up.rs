//! A made-up network that answers as a tracker does: for tests, pictures and measurements.

use std::collections::BTreeMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::SystemTime;

use potok_core::library::root::RootId;
use potok_core::model::hash::ContentHash;
use potok_core::model::metering::Metering;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::{HereFile, Hosted, Outcome, Status, TrackerConnection};
use potok_core::node::intent::Intent;
use potok_core::protocol::command::{Cursor, Page};
use potok_core::protocol::reply::{FileLine, FolderEntry, FolderLine, Totals, UserTotals};
use potok_core::protocol::selection::Selection;
use potok_core::reach::reachability::Reachability;
use potok_core::service::share_indexer::root_status::{RootPage, RootWatching, RootWork, SharedRoot};

/// Lines of a page that is asked for without a limit.
const PAGE_LINES: usize = 10_000;

/// What everybody in it shares.
#[derive(Debug, Clone, Default)]
pub struct MadeUpNetwork {
    files: Vec<FileLine>,
    /// What is on the disk of whoever looks.
    pub here: Vec<HereFile>,
}

/// Shares, each as user, path, size and the byte that its hash is made of; 0: it has none.
pub fn files(files: &[(&str, &str, Option<u64>, u8)]) -> Vec<FileLine> {
    let line = |(user, path, size, content): &(&str, &str, Option<u64>, u8)| {
        Some(FileLine {
            username: Username::new(user).ok()?,
            size: *size,
            hash: (*content != 0).then(|| ContentHash::from_bytes([*content; 32])),
            path: SharePath::new(path).ok()?,
        })
    };
    files.iter().filter_map(line).collect()
}

/// A folder that I share, as it should be; its number, what it is announced under, and what is in it.
pub fn shared_root(id: u64, share_as: SharePath, totals: Totals) -> SharedRoot {
    SharedRoot {
        id: RootId(id),
        local: format!("/home/me/{share_as}"),
        is_folder: true,
        share_as,
        totals,
        watching: RootWatching::Whole,
        looked_at: None,
        work: RootWork::Resting,
        paused: None,
        stopped_places: 0,
        left_out: Vec::new(),
    }
}

/// How things are while nothing happens: in no network, nothing shared, nothing moving.
pub fn status() -> Status {
    Status {
        connection: TrackerConnection::None,
        listening: None,
        reach: Reachability::default(),
        hosted: None,
        shares: 0,
        share_bytes: 0,
        files_to_hash: 0,
        downloads: 0,
        uploads: 0,
        ways: BTreeMap::new(),
        down_bytes_per_second: 0,
        up_bytes_per_second: 0,
        download_folder: "/home/me/Downloads".into(),
        metering: Metering::Unknown,
    }
}

/// The same while a tracker runs here, at which so many people are.
pub fn hosting(users: u64) -> Status {
    let hosted = Hosted {
        relays: 0,
        relayed: Vec::new(),
        address: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 7686)),
        connections: users,
        users,
        files: 1_234,
        bytes_in: 5,
        bytes_out: 6,
        since: SystemTime::UNIX_EPOCH,
    };
    Status { hosted: Some(hosted), ..status() }
}

/// All that I share, on one page.
pub fn roots(roots: Vec<SharedRoot>) -> Outcome {
    let mut totals = Totals::default();
    for root in &roots {
        totals.files += root.totals.files;
        totals.bytes += root.totals.bytes;
    }
    Outcome::Roots(RootPage { count: roots.len(), totals, roots, more: None })
}

impl MadeUpNetwork {
    /// A network in which this is shared.
    pub fn new(mut files: Vec<FileLine>) -> Self {
        files.sort_by(|a, b| (&a.path, &a.username).cmp(&(&b.path, &b.username)));
        Self { files, here: Vec::new() }
    }

    /// Somebody shares this from now on, or otherwise than before.
    pub fn share(&mut self, file: FileLine) {
        match self.place(&file.username, &file.path) {
            Ok(at) => self.files[at] = file,
            Err(at) => self.files.insert(at, file),
        }
    }

    /// Somebody no longer shares this.
    pub fn unshare(&mut self, user: &Username, path: &SharePath) {
        if let Ok(at) = self.place(user, path) {
            self.files.remove(at);
        }
    }

    /// The answer to a question about what is shared; `None` if it is another question.
    pub fn answer(&self, intent: &Intent) -> Option<Outcome> {
        Some(match intent {
            Intent::FindFiles { selection, page } => self.find(selection, page),
            Intent::ListFolder { folder, selection, page } => self.list_folder(folder.as_ref(), selection, page),
            Intent::CountFiles { selection } => Outcome::Totals(total(self.of(selection))),
            Intent::ListTotals { usernames } => self.list_totals(usernames),
            Intent::ListSources { hash } => {
                Outcome::Sources(self.files.iter().filter(|file| file.hash == Some(*hash)).cloned().collect())
            }
            Intent::FindHere { contents } => {
                Outcome::Here(self.here.iter().filter(|file| contents.contains(&file.hash)).cloned().collect())
            }
            _ => return None,
        })
    }

    fn place(&self, user: &Username, path: &SharePath) -> Result<usize, usize> {
        self.files.binary_search_by(|file| (&file.path, &file.username).cmp(&(path, user)))
    }

    fn of<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = &'a FileLine> {
        let is_all = selection.is_everything();
        self.files.iter().filter(move |file| is_all || selection.matches(file))
    }

    fn find(&self, selection: &Selection, page: &Page) -> Outcome {
        let is_before = |file: &FileLine, after: &Cursor| {
            (file.path.as_str(), file.username.as_str()) <= (after.path.as_str(), after.username.as_str())
        };
        let from = page.after.as_ref().map_or(0, |after| self.files.partition_point(|file| is_before(file, after)));
        let limit = page.limit.unwrap_or(PAGE_LINES);
        let mut found = self.files[from..].iter().filter(|file| selection.matches(file));
        let files: Vec<FileLine> = found.by_ref().take(limit).cloned().collect();
        let has_more = found.next().is_some();
        let more = files
            .last()
            .filter(|_| has_more)
            .map(|last| Cursor { path: last.path.as_str().to_owned(), username: last.username.as_str().to_owned() });
        Outcome::FilePage { files, more }
    }

    fn list_folder(&self, folder: Option<&SharePath>, selection: &Selection, page: &Page) -> Outcome {
        let prefix = folder.map_or(String::new(), |folder| format!("{folder}/"));
        // By the place of each in the list.
        let mut entries: BTreeMap<Cursor, FolderEntry> = BTreeMap::new();
        for file in self.of(selection) {
            let Some(below) = file.path.as_str().strip_prefix(&prefix) else { continue };
            let Some((name, _)) = below.split_once('/') else {
                let place = (file.path.as_str().to_owned(), file.username.as_str().to_owned());
                let place = Cursor { path: place.0, username: place.1 };
                entries.insert(place, FolderEntry::File(file.clone()));
                continue;
            };
            let whole = format!("{prefix}{name}");
            // `/` is followed by `0`: whatever is in the folder stands before.
            let place = Cursor { path: format!("{whole}0"), username: String::new() };
            let new = || FolderLine {
                username: Some(file.username.clone()),
                totals: Totals::default(),
                path: SharePath::new(&whole).expect("a part of a share path is one"),
            };
            let entry = entries.entry(place).or_insert_with(|| FolderEntry::Folder(new()));
            if let FolderEntry::Folder(line) = entry {
                line.totals.files += 1;
                line.totals.bytes += file.size.unwrap_or(0);
                if line.username.as_ref() != Some(&file.username) {
                    line.username = None;
                }
            }
        }
        let limit = page.limit.unwrap_or(PAGE_LINES);
        let mut found = entries.into_iter().filter(|(place, _)| page.after.as_ref().is_none_or(|after| place > after));
        let taken: Vec<(Cursor, FolderEntry)> = found.by_ref().take(limit).collect();
        let has_more = found.next().is_some();
        let more = taken.last().filter(|_| has_more).map(|(place, _)| place.clone());
        Outcome::FolderPage { entries: taken.into_iter().map(|(_, entry)| entry).collect(), more }
    }

    fn list_totals(&self, usernames: &[Username]) -> Outcome {
        let mut totals: BTreeMap<&Username, Totals> = BTreeMap::new();
        for file in &self.files {
            let of = totals.entry(&file.username).or_default();
            of.files += 1;
            of.bytes += file.size.unwrap_or(0);
        }
        let is_named = |name: &Username| usernames.is_empty() || usernames.contains(name);
        let lines = totals.into_iter().filter(|(name, _)| is_named(name));
        Outcome::UserTotals(lines.map(|(name, totals)| UserTotals { username: name.clone(), totals }).collect())
    }
}

fn total<'a>(files: impl Iterator<Item = &'a FileLine>) -> Totals {
    files.fold(Totals::default(), |sum, file| Totals {
        files: sum.files + 1,
        bytes: sum.bytes.saturating_add(file.size.unwrap_or(0)),
    })
}
