//! What we read back from our own disk, after somebody else has written there: settings, the identity, the database. It
//! is understood, refused or set aside, and what is understood is as valid as if it had come from outside.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use potok_core::model::binding::{Binding, Record};
use potok_core::model::block_list::BlockList;
use potok_core::model::existing::Existing;
use potok_core::model::file_stamp::FileStamp;
use potok_core::model::geometry::Geometry;
use potok_core::model::hash::ContentHash;
use potok_core::model::key::PublicKey;
use potok_core::model::share_path::SharePath;
use potok_core::net::identity::{Identity, IdentityError};
use potok_core::node::settings::Settings;
use potok_core::protocol::peer::Content;
use potok_core::store::downloads::{SavedDownload, TargetName, WantedFile};
use potok_core::store::hash_cache::CachedHash;
use potok_core::store::saved_state::SavedState;
use potok_core::store::{Store, StoreError};
use potok_core::tracker::machine::Tracker;
use potok_core::tracker::remembered::Remembered;
use potok_core::tracker::settings::TrackerSettings;
use redb::{Database, TableDefinition};
use tempfile::TempDir;

use super::World;

/// What settings mean is written back the same.
pub(super) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(settings) = toml::from_str::<Settings>(text) else { return };
    // No text can say a number that is too large to be written.
    let written = toml::to_string(&settings).expect("what was read can be written");
    assert_eq!(toml::from_str(&written).as_ref(), Ok(&settings), "{text:?} became {written:?}");
}

/// A tracker works with every configuration that it accepts.
pub(super) fn tracker_config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(settings) = toml::from_str::<TrackerSettings>(text) else { return };
    let written = toml::to_string(&settings).expect("what was read can be written");
    assert_eq!(toml::from_str(&written).as_ref(), Ok(&settings), "{text:?} became {written:?}");
    if settings.check().is_err() {
        return;
    }
    let mut world = World::with(settings);
    for (who, line) in [(0, 0), (1, 1), (3, 2), (0, 4), (1, 7), (2, 8), (4, 9), (1, 10), (0, 6), (0, 3)] {
        world.step(0, who, &mut std::iter::empty());
        world.step(1 | line << 3, who, &mut std::iter::empty());
        world.step(6, who, &mut std::iter::empty());
        world.step(255, who, &mut std::iter::empty());
        world.check();
    }
}

/// A damaged identity is an error, and is left as it is.
pub(super) fn identity(data: &[u8]) {
    let dir = folder();
    let path = dir.path().join("identity.key");
    std::fs::write(&path, data).expect("written");
    let key = match Identity::load_or_create(&path) {
        Ok(loaded) => {
            assert!(!loaded.created, "another identity took its place");
            Some(loaded.identity.public_key())
        }
        Err(IdentityError::Damaged { .. }) => None,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(std::fs::read(&path).expect("it is there"), data, "the file is another one");
    let again = Identity::load_or_create(&path).ok().map(|loaded| loaded.identity.public_key());
    assert_eq!(again, key);
}

/// Rows with anything in them: what comes out of the typed store is valid, and comes out again when it is written.
pub(super) fn store_rows(data: &[u8]) {
    let dir = folder();
    let path = dir.path().join("potok.redb");
    let mut feed = Feed(data);
    write_rows(&path, &mut feed).expect("a database that works");
    let opened = Store::open(&path).expect("opens");
    assert_eq!(opened.set_aside, None, "rows are no damage");
    read_all(&opened.store, false);
}

/// The file with anything in it: it opens, or is set aside as it was.
pub(super) fn store_file(data: &[u8]) {
    let dir = folder();
    let path = dir.path().join("potok.redb");
    let mut feed = Feed(data);
    let mut bytes = A_DATABASE.clone();
    while let Some(kind) = feed.byte() {
        let at = usize::try_from(feed.number() % bytes.len().max(1) as u64).expect("below a length");
        match kind % 8 {
            // Most of the file is empty: what is written is in its first pages.
            0..=5 => {
                let at = if kind % 8 < 3 { at % bytes.len().clamp(1, 1 << 14) } else { at };
                let (to, from) = (bytes.len(), feed.bytes());
                let end = (at + from.len()).min(to);
                bytes[at.min(to)..end].copy_from_slice(&from[..end - at.min(to)]);
            }
            6 => bytes.truncate(at),
            _ => bytes.extend_from_slice(feed.bytes()),
        }
    }
    std::fs::write(&path, &bytes).expect("written");
    let opened = match Store::open(&path) {
        Err(StoreError::Newer { .. }) => return,
        other => other.expect("a damaged file is no obstacle"),
    };
    if let Some(aside) = opened.set_aside {
        assert_eq!(std::fs::metadata(aside).expect("it is there").len(), bytes.len() as u64, "not as it was");
    }
    read_all(&opened.store, true);
}

/// Everything that is ever read of it. A damaged one may refuse.
fn read_all(store: &Store, may_fail: bool) {
    let downloads = or_refused(store.downloads(), may_fail);
    for (_, download) in downloads.into_iter().flatten() {
        let Ok(id) = store.next_transfer_id() else { continue };
        let Ok(()) = store.save_download(id, &download) else { continue };
        let all = or_refused(store.downloads(), may_fail).into_iter().flatten();
        // One that goes on for ever would be a loop of the store's.
        let Some((_, again)) = all.take(1_000).find(|(of, _)| *of == id) else { continue };
        let begun = download.states.iter().filter(|(_, state)| *state != SavedState::Open).cloned().collect();
        assert_eq!(again, SavedDownload { states: begun, ..download });
    }
    or_refused(store.download_ranks(), may_fail);
    for (root, _) in or_refused(store.roots(), may_fail).into_iter().flatten() {
        assert_eq!(SharePath::new(root.share_as.as_str()).as_ref(), Ok(&root.share_as));
    }
    or_refused(store.peer_port(), may_fail);
    or_refused(store.pinned_key(&"localhost:7686".parse().expect("an address")), may_fail);
    let stamp = FileStamp { device: 1, inode: 1, size: 600_000, mtime_ns: 0, ctime_ns: 0 };
    let _known = or_refused(store.cached_hashes(&[stamp]), may_fail);
    for first in 0..4 {
        let hash = ContentHash::from_bytes([first; 32]);
        for size in [0, 1, 600_000] {
            if let Some(list) = or_refused(store.block_list(size, hash), may_fail).flatten() {
                assert_eq!((list.root(), list.geometry().size()), (hash, size), "a list of another file");
            }
        }
    }
    let bindings = or_refused(store.bindings(), may_fail).unwrap_or_default();
    let bans = or_refused(store.bans(), may_fail).unwrap_or_default();
    let run_seconds = or_refused(store.run_seconds(), may_fail).flatten();
    let names: Vec<_> = bindings.iter().map(|binding| binding.username.clone()).collect();
    let remembered = Remembered { bindings, bans, run_seconds, ..Remembered::default() };
    let tracker = Tracker::new(Instant::now(), TrackerSettings::default(), 1_800_000_000, remembered);
    for name in names {
        let _known = tracker.known(&name);
    }
}

fn or_refused<T>(result: Result<T, redb::Error>, may_fail: bool) -> Option<T> {
    match result {
        Err(error) if !may_fail => panic!("{error}"),
        other => other.ok(),
    }
}

/// A fresh folder, in memory where there is such a place.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_elsewhere| tempfile::tempdir()).expect("a folder")
}

/// Bytes that become whatever is asked for.
struct Feed<'a>(&'a [u8]);

impl<'a> Feed<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Small ones more often than large ones.
    fn number(&mut self) -> u64 {
        let bytes = usize::from(self.byte().unwrap_or(0)) % 9;
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte().unwrap_or(0)))
    }

    fn flag(&mut self) -> bool {
        self.byte().is_some_and(|byte| byte & 1 == 1)
    }

    fn hash(&mut self) -> [u8; 32] {
        [self.byte().unwrap_or(0) % 4; 32]
    }
}

/// The tables as `potok_core::store` has them; what is in them is the feed's.
fn write_rows(path: &Path, feed: &mut Feed<'_>) -> Result<(), redb::Error> {
    type JobRow = (&'static str, &'static str, bool, &'static [u8], bool, bool);
    type FileRow = (&'static str, u64, [u8; 32], bool, &'static [u8]);
    const JOBS: TableDefinition<'_, u64, JobRow> = TableDefinition::new("downloads");
    const FILES: TableDefinition<'_, (u64, u32), FileRow> = TableDefinition::new("download-files");
    const STATES: TableDefinition<'_, (u64, u32), (u8, u64, &str)> = TableDefinition::new("download-states");
    const RANKS: TableDefinition<'_, u64, u64> = TableDefinition::new("download-ranks");
    const NEXT: TableDefinition<'_, (), u64> = TableDefinition::new("download-next");
    const ROOTS: TableDefinition<'_, u64, (&str, bool, &str, Vec<&str>)> = TableDefinition::new("roots");
    type SharedRoot = (&'static str, bool, &'static str, Option<(u64, u64, bool)>);
    const SHARED_ROOTS: TableDefinition<'_, u64, SharedRoot> = TableDefinition::new("shared_roots");
    const EXCLUSIONS: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("exclusions");
    const BINDINGS: TableDefinition<'_, &str, (&str, &[u8; 32], u64)> = TableDefinition::new("tracker-bindings");
    const BANS: TableDefinition<'_, &str, ()> = TableDefinition::new("tracker-bans");
    const BAN_NAMES: TableDefinition<'_, &str, &str> = TableDefinition::new("tracker-ban-names");
    const PINS: TableDefinition<'_, &str, &[u8; 32]> = TableDefinition::new("tracker_pins");
    const PORTS: TableDefinition<'_, &str, u16> = TableDefinition::new("ports");
    const BLOCK_LISTS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("block-lists");
    let database = Database::create(path)?;
    let write = database.begin_write()?;
    {
        let (mut jobs, mut files) = (write.open_table(JOBS)?, write.open_table(FILES)?);
        let (mut states, mut ranks) = (write.open_table(STATES)?, write.open_table(RANKS)?);
        write.open_table(NEXT)?.insert((), 4)?;
        let mut roots = write.open_table(ROOTS)?;
        let (mut shared_roots, mut exclusions) = (write.open_table(SHARED_ROOTS)?, write.open_table(EXCLUSIONS)?);
        let (mut bindings, mut bans) = (write.open_table(BINDINGS)?, write.open_table(BANS)?);
        let mut ban_names = write.open_table(BAN_NAMES)?;
        let (mut pins, mut ports) = (write.open_table(PINS)?, write.open_table(PORTS)?);
        let mut lists = write.open_table(BLOCK_LISTS)?;
        while let Some(kind) = feed.byte() {
            // Few numbers, so that rows belong together.
            let (id, index) = (u64::from(kind >> 6), u32::from(kind >> 4 & 3));
            match kind & 15 {
                0..=2 => {
                    let (user, label, into) = (feed.text(), feed.text(), feed.bytes());
                    jobs.insert(id, (user.as_str(), label.as_str(), feed.flag(), into, feed.flag(), feed.flag()))?;
                }
                3..=5 => {
                    let (remote, size, hash) = (feed.text(), feed.number(), feed.hash());
                    files.insert((id, index), (remote.as_str(), size, hash, feed.flag(), feed.bytes()))?;
                }
                6 | 7 => {
                    let (code, number) = (feed.byte().unwrap_or(0) % 20, feed.number());
                    states.insert((id, index), (code, number, feed.text().as_str()))?;
                }
                8 => _ = ranks.insert(id, feed.number())?,
                9 => {
                    let (local, share_as, place) = (feed.text(), feed.text(), feed.text());
                    let file_system = feed.flag().then(|| (feed.number(), feed.number(), feed.flag()));
                    shared_roots.insert(id, (local.as_str(), feed.flag(), share_as.as_str(), file_system))?;
                    exclusions.insert((id, place.as_str()), ())?;
                }
                10 => {
                    let (local, share_as, excluded) = (feed.text(), feed.text(), [feed.text(), feed.text()]);
                    let excluded = excluded.iter().map(String::as_str).collect();
                    roots.insert(id, (local.as_str(), feed.flag(), share_as.as_str(), excluded))?;
                }
                11 => {
                    let (folded, name, key) = (feed.text(), feed.text(), feed.hash());
                    bindings.insert(folded.as_str(), (name.as_str(), &key, feed.number()))?;
                }
                12 => {
                    let (target, name) = (feed.text(), feed.text());
                    bans.insert(target.as_str(), ())?;
                    ban_names.insert(target.as_str(), name.as_str())?;
                }
                13 => _ = pins.insert("localhost:7686", &feed.hash())?,
                14 => _ = ports.insert("peer-server", u16::from(feed.byte().unwrap_or(0)))?,
                _ => _ = lists.insert(feed.hash(), feed.bytes())?,
            }
        }
    }
    Ok(write.commit()?)
}

/// A database as a client and a tracker leave it, with a row of each kind.
static A_DATABASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = folder();
    let path: PathBuf = dir.path().join("potok.redb");
    let store = Store::open(&path).expect("opens").store;
    let data = vec![7; 600_000];
    let geometry = Geometry::of(data.len() as u64);
    let block_bytes = usize::try_from(geometry.block_bytes()).expect("fits");
    let hashes = (0..).zip(data.chunks(block_bytes));
    let hashes = hashes.filter_map(|(n, block)| potok_core::model::block_list::block_hash(geometry, n, block));
    let list = BlockList::computed(geometry, hashes.collect()).expect("as many as there are blocks");
    let hash = list.root();
    let download = SavedDownload {
        user: "anna".parse().expect("a name"),
        label: "a folder/".into(),
        is_folder: true,
        into: PathBuf::from("/home/i/downloads"),
        existing: Existing::Refuse,
        is_paused: true,
        files: vec![WantedFile {
            remote: SharePath::new("a folder/file.bin").expect("a path"),
            content: Content { hash, size: 600_000 },
            name: TargetName::Typed("file.bin".into()),
        }],
        states: vec![(0, SavedState::Partial(5))],
    };
    let id = store.next_transfer_id().expect("read");
    store.save_download(id, &download).expect("written");
    store.rank_downloads(&[(id, 3)]).expect("written");
    let stamp = FileStamp { device: 1, inode: 1, size: 600_000, mtime_ns: 0, ctime_ns: 0 };
    let hashed = CachedHash { stamp, hash, hashed_at_ns: 1, is_settled: true };
    store.remember_hashes(&[(hashed, list)]).expect("written");
    store.set_peer_port(4001).expect("written");
    store.pin_key(&"localhost:7686".parse().expect("an address"), PublicKey::from_bytes([1; 32])).expect("written");
    let names = ["anna", "boris", "мария"].map(|name| {
        let username = name.parse().expect("a name");
        Record::Bound(Binding { username, key: PublicKey::from_bytes([2; 32]), used_at: 1_800_000_000 })
    });
    store.change_names(&names).expect("written");
    drop(store);
    std::fs::read(&path).expect("read")
});
