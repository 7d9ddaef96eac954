//! What the peer server sees of the library: content by its hash, nothing else. No path goes in and none comes out.
//!
//! Only announced bytes leave: every block is compared with the announced hash after it was read and before it is given
//! away, and the table is asked again whenever anything was taken out of it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc};

use crate::disk::at;
use crate::disk::hash::Hasher;
use crate::disk::place::shared::{ReadFault, SharedFolder};
use crate::library::changes::ShareChanges;
use crate::library::root::RootId;
use crate::library::table::Library;
use crate::library::unsaved::{RootRow, Unsaved};
use crate::model::block_list::BlockList;
use crate::model::file_stamp::FileStamp;
use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::net::descriptors;
use crate::protocol::about::{ABOUT_FILES_MAX, About, FileTime, PathTag};
use crate::store::Store;

/// Most shares that are looked at or changed in one hold of the library, so that whoever waits for it waits a
/// millisecond or two, however much is shared.
pub(super) const STEPS_PER_HOLD: usize = 1000;

/// How often a file is tried to be opened while this program has too many open, and the pause between.
const REOPEN_TRIES: u32 = 100;
const REOPEN_PAUSE: Duration = Duration::from_millis(20);

/// A file that turned out to be other than the table says, to be looked at.
pub(super) type Suspect = (RootId, String);

/// The library, read by many, and changed by [`SharedLibrary::change`] only.
#[derive(Debug)]
pub(super) struct SharedLibrary {
    pub(super) library: RwLock<Library>,
    /// Counts the changes, so that a running upload sees at a glance that it need not ask again.
    changes: AtomicU64,
    /// What others have not been told yet, in the order in which it happened.
    untold: Mutex<ShareChanges>,
    /// Wakes whoever tells them.
    pub(super) changed: Notify,
    /// Counts the files that were read to the end or the attempt of it.
    pub(super) files_hashed: AtomicU64,
    pub(super) store: Arc<Store>,
    /// What is not written yet: for as long as somebody rearranges the library, and after a disk failed.
    unsaved: Mutex<Unsaved>,
    pub(super) hasher: Hasher,
    suspects: mpsc::Sender<Suspect>,
}

impl SharedLibrary {
    pub(super) fn new(library: Library, store: Arc<Store>, hasher: Hasher, suspects: mpsc::Sender<Suspect>) -> Self {
        Self {
            library: RwLock::new(library),
            changes: AtomicU64::new(0),
            untold: Mutex::default(),
            changed: Notify::new(),
            files_hashed: AtomicU64::new(0),
            store,
            unsaved: Mutex::default(),
            hasher,
            suspects,
        }
    }

    /// Changes the library. When it returns no upload goes on with what was taken out, and what changed is in the queue
    /// of what is told, behind everything that changed before.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Library, &mut ShareChanges) -> T) -> T {
        let mut library = self.library.write();
        let mut changes = ShareChanges::default();
        let result = change(&mut library, &mut changes);
        if !changes.is_empty() {
            self.changes.fetch_add(1, Ordering::Release);
            self.untold.lock().then(changes);
            self.changed.notify_one();
        }
        let discarded = library.take_discarded();
        drop(library);
        // A million places that were taken out of a root are not done away with while others wait.
        drop(discarded);
        result
    }

    /// The folders in which something is shared, each once, and whether all in it is. What changes meanwhile may be in it
    /// or not.
    pub(super) fn bases(&self) -> Vec<(PathBuf, bool)> {
        let mut bases: Vec<(PathBuf, bool)> = Vec::new();
        loop {
            let after = bases.last().map(|(path, _)| path.as_path());
            let page = self.library.read().bases_after(after, STEPS_PER_HOLD);
            if page.is_empty() {
                return bases;
            }
            bases.extend(page);
        }
    }

    /// Whether there is something to tell.
    pub(super) fn has_untold(&self) -> bool {
        !self.untold.lock().is_empty()
    }

    /// Takes out at most so many changes to tell them.
    pub(super) fn take_untold(&self, most: usize) -> (Vec<Share>, Vec<SharePath>) {
        self.untold.lock().take(most)
    }

    /// Rearranges the library and writes that, one rearrangement at a time. A rename takes many steps, and another that
    /// was written between two of them would name roots that are not on the disk yet: should the program die then, what
    /// it stopped would be shared again. So whatever ends the program, the disk has each of them whole or not at all, and
    /// all that was rearranged before it.
    pub(super) fn rearrange<T, E: From<redb::Error>>(
        &self,
        change: impl FnOnce() -> Result<(T, Unsaved), E>,
    ) -> Result<(T, Unsaved), E> {
        let mut unsaved = self.unsaved.lock();
        let done = change()?;
        unsaved.extend(&done.1);
        self.write(&mut unsaved)?;
        Ok(done)
    }

    /// Writes what the library says of these rows now, and of what could not be written before.
    pub(super) fn save_roots(&self, more: &Unsaved) -> Result<(), redb::Error> {
        let mut unsaved = self.unsaved.lock();
        unsaved.extend(more);
        self.write(&mut unsaved)
    }

    fn write(&self, unsaved: &mut Unsaved) -> Result<(), redb::Error> {
        if unsaved.is_empty() {
            return Ok(());
        }
        let written = self.store.save_roots(|| {
            let mut rows = Vec::with_capacity(unsaved.roots.len() + unsaved.places.len());
            for id in &unsaved.roots {
                rows.push(self.library.read().root_row(*id));
                let mut after = None;
                loop {
                    let page = self.library.read().place_rows(*id, after.as_ref(), STEPS_PER_HOLD);
                    let Some(RootRow::Place(_, last, _)) = page.last() else { break };
                    after = Some(last.clone());
                    rows.extend(page);
                }
            }
            let mut places = unsaved.places.iter().peekable();
            while places.peek().is_some() {
                let library = self.library.read();
                let chunk = places.by_ref().take(STEPS_PER_HOLD);
                let chunk: Vec<RootRow> = chunk.map(|(id, place)| library.place_row(*id, place)).collect();
                drop(library);
                rows.extend(chunk);
            }
            rows
        });
        if written.is_ok() {
            *unsaved = Unsaved::default();
        }
        written
    }

    /// A number that stays the same while the library does.
    pub(super) fn version(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Has a file looked at again. Beyond the queue's bound the periodic look does.
    fn suspect(&self, suspect: Suspect) {
        let _full = self.suspects.try_send(suspect);
    }
}

/// A handle on what is shared at this moment; clones are cheap.
#[derive(Debug, Clone)]
pub struct SharedTable {
    shared: Arc<SharedLibrary>,
}

impl SharedTable {
    pub(super) fn new(shared: Arc<SharedLibrary>) -> Self {
        Self { shared }
    }

    /// Everything that is shared, in the order of the paths. What changes meanwhile may be in it or not; it is told as an
    /// event either way.
    pub(super) fn shares(&self) -> Vec<Share> {
        let mut shares: Vec<Share> = Vec::new();
        loop {
            let page = self.shared.library.read().shares_after(shares.last().map(|share| &share.path), STEPS_PER_HOLD);
            let is_last = page.len() < STEPS_PER_HOLD;
            shares.extend(page);
            if is_last {
                return shares;
            }
        }
    }

    pub(super) fn library(&self) -> &RwLock<Library> {
        &self.shared.library
    }

    pub(super) fn files_hashed(&self) -> u64 {
        self.shared.files_hashed.load(Ordering::Relaxed)
    }

    /// The content with this hash, if it is shared. Quick, does not touch the disk.
    pub fn find(&self, hash: ContentHash) -> Option<SharedContent> {
        let size = self.shared.library.read().with_content(hash).next()?.1.stamp.size;
        Some(SharedContent { shared: Arc::clone(&self.shared), hash, size })
    }

    /// Where a content is on this computer; of several files the first. For its owner's eyes.
    pub fn local_path_of(&self, hash: ContentHash) -> Option<PathBuf> {
        let library = self.shared.library.read();
        let (_, entry) = library.with_content(hash).next()?;
        Some(library.root(entry.root)?.base().join(&entry.relative))
    }

    /// What a content is announced as; of several paths the first. For its owner's eyes.
    pub fn path_of(&self, hash: ContentHash) -> Option<SharePath> {
        self.shared.library.read().with_content(hash).next().map(|(path, _)| path.clone())
    }
}

/// Content that was shared when it was looked up.
#[derive(Debug, Clone)]
pub struct SharedContent {
    shared: Arc<SharedLibrary>,
    hash: ContentHash,
    size: u64,
}

/// Why shared content cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is not shared, or not any more.
    #[error("not shared")]
    NotShared,
    /// No file has that content any more; what there is now will be announced.
    #[error("the file changed")]
    Changed,
    /// A file that should have it cannot be opened: a permission, a broken disk, too many open files.
    #[error("the file cannot be read")]
    Unreadable,
}

/// Why a block cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The content is not shared any more.
    #[error("not shared")]
    NotShared,
    /// The file has not that content any more; what there is now will be announced.
    #[error("the file changed")]
    Changed,
    /// The file has no such block.
    #[error("there is no such block")]
    NoSuchBlock,
    /// The disk failed.
    #[error(transparent)]
    Io(io::Error),
}

/// Where a file with the content is, and what it was when it was hashed.
struct Copy {
    base: PathBuf,
    suspect: Suspect,
    stamp: FileStamp,
}

impl SharedContent {
    /// What it is called.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Opens a file that has this content. Blocks: call it on a blocking thread.
    pub fn open(&self) -> Result<OpenShare, OpenError> {
        let version = self.shared.version();
        let copies: Vec<Copy> = {
            let library = self.shared.library.read();
            let copy = |root: RootId, relative: &str, stamp| {
                let base = library.root(root)?.base().to_owned();
                Some(Copy { base, suspect: (root, relative.to_owned()), stamp })
            };
            // Of a thousand equal files the first few do.
            let same = library.with_content(self.hash).take(8);
            same.filter_map(|(_, entry)| copy(entry.root, &entry.relative, entry.stamp)).collect()
        };
        if copies.is_empty() {
            return Err(OpenError::NotShared);
        }
        let mut why = OpenError::Changed;
        for copy in copies {
            match open_unchanged(&copy) {
                Ok(file) => {
                    if let Some(blocks) = file.as_ref().and_then(|file| self.block_list(file, &copy.stamp))
                        && let Some(file) = file
                    {
                        let Copy { suspect, .. } = copy;
                        let shared = Arc::clone(&self.shared);
                        return Ok(OpenShare { shared, file, blocks, suspect, version: AtomicU64::new(version) });
                    }
                }
                Err(ReadFault::Io(_) | ReadFault::Denied) => why = OpenError::Unreadable,
                Err(_gone_or_something_else) => {}
            }
            self.shared.suspect(copy.suspect);
        }
        Err(why)
    }

    /// From the database, or, should it be lost there, from the file.
    fn block_list(&self, file: &File, stamp: &FileStamp) -> Option<BlockList> {
        match self.shared.store.block_list(stamp.size, self.hash) {
            Ok(Some(blocks)) => return Some(blocks),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the block hashes of a share cannot be read; they are computed again"),
        }
        let blocks = self.shared.hasher.hash(file, stamp, &|_| std::ops::ControlFlow::Continue(())).ok()?;
        (blocks.root() == self.hash).then_some(blocks)
    }
}

/// The file, if it is what it was. Too many open files are fewer a moment later.
fn open_unchanged(copy: &Copy) -> Result<Option<File>, ReadFault> {
    let open = || SharedFolder::open(&copy.base)?.open_shared(&copy.base, Path::new(&copy.suspect.1));
    let mut opened = open();
    for _ in 0..REOPEN_TRIES {
        match &opened {
            Err(ReadFault::Io(error)) if descriptors::are_used_up(error) => {
                std::thread::sleep(REOPEN_PAUSE);
                opened = open();
            }
            _ => break,
        }
    }
    let (file, stamp) = opened?;
    Ok((stamp == copy.stamp).then_some(file))
}

/// Whether its owner may run a file.
fn can_run(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// A file that has the announced content, open.
#[derive(Debug)]
pub struct OpenShare {
    shared: Arc<SharedLibrary>,
    file: File,
    blocks: BlockList,
    suspect: Suspect,
    /// As of this version of the library the content was shared.
    version: AtomicU64,
}

impl OpenShare {
    /// The hashes of its blocks.
    pub fn block_list(&self) -> &BlockList {
        &self.blocks
    }

    /// What is told of the files that have this content. Quick, but for one question about the open file.
    pub fn about(&self) -> About {
        let library = self.shared.library.read();
        let same = library.with_content(self.blocks.root()).take(ABOUT_FILES_MAX);
        let same: Vec<(SharePath, i128)> = same.map(|(path, entry)| (path.clone(), entry.stamp.mtime_ns)).collect();
        drop(library);
        let time =
            |(path, mtime_ns): &(SharePath, i128)| Some((PathTag::of(path), FileTime::from_nanoseconds(*mtime_ns)?));
        About { can_run: can_run(&self.file), times: same.iter().filter_map(time).collect() }
    }

    /// Whether the content is still shared, by whatever name. Quick, does not touch the disk; [`OpenShare::read_block`]
    /// asks by itself.
    pub fn is_still_shared(&self) -> bool {
        let now = self.shared.version();
        if now == self.version.load(Ordering::Relaxed) {
            return true;
        }
        let is_shared = self.shared.library.read().has_content(self.blocks.root());
        if is_shared {
            self.version.store(now, Ordering::Relaxed);
        }
        is_shared
    }

    /// Reads one block into `buffer`, which has exactly that block in it afterwards, or nothing after an error. Blocks:
    /// call it on a blocking thread.
    pub fn read_block(&self, block: u32, buffer: &mut Vec<u8>) -> Result<(), ReadError> {
        let result = self.read_proven(block, buffer);
        if result.is_err() {
            buffer.clear();
        }
        if matches!(result, Err(ReadError::Changed)) {
            self.shared.suspect(self.suspect.clone());
        }
        result
    }

    fn read_proven(&self, block: u32, buffer: &mut Vec<u8>) -> Result<(), ReadError> {
        if !self.is_still_shared() {
            return Err(ReadError::NotShared);
        }
        let geometry = self.blocks.geometry();
        let (Some(offset), Some(bytes)) = (geometry.offset_of(block), geometry.bytes_of(block)) else {
            return Err(ReadError::NoSuchBlock);
        };
        buffer.resize(bytes, 0);
        at::read_exact_at(&self.file, buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Changed,
            _ => ReadError::Io(error),
        })?;
        if self.blocks.is_block(block, buffer) { Ok(()) } else { Err(ReadError::Changed) }
    }
}
