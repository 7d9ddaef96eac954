//! Where downloads are written: from a file's number to its place on disk, and the part files that are open now.
//!
//! All of it blocks and is shared by the threads that write.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, available_parallelism};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::disk::place::case::tells_case_apart;
use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::{Kept, Part, Target, TargetDir};
use crate::model::block_list::BlockList;
use crate::model::local_name::LocalName;
use crate::model::transfer::{TransferError, TransferId};
use crate::net::descriptors;
use crate::protocol::about::{About, PathTag};
use crate::protocol::peer::Content;
use crate::service::downloader::DownloadSettings;
use crate::store::downloads::{SavedDownload, TargetName};
use crate::transfer::downloads::{Checked, WriteFault};
use crate::transfer::job::FileId;
use crate::transfer::plan::Blocks;

/// Folders of one download that are kept open, where there are descriptors enough.
const FOLDERS_OPEN_MAX: usize = 32;
/// Small files that are open at a time, each with its folder perhaps: written, and waiting for their names.
const SMALL_OPEN_MAX: usize = 384;
/// What small files and folders are of all descriptors: of 256, so that connections and all else have room beside them.
const SMALL_OPEN_SHARE: u64 = 8;
const FOLDERS_OPEN_SHARE: u64 = 32;
/// With fewer nothing goes on.
const OPEN_MIN: usize = 4;
/// A part file that a thread of ours has just let go of may be locked for a moment yet; too many open files are fewer a
/// moment later.
const PATIENCE_TRIES: u32 = 100;
const PATIENCE_PAUSE: Duration = Duration::from_millis(20);
/// Threads that verify one part file.
const VERIFYING_MAX: usize = 4;
/// Files are read back in pieces of this size.
const PIECE_BYTES: usize = 1024 * 1024;

/// In what disks differ, and what a full or broken one refuses; tests put another disk in its place.
pub trait Disk: Send + Sync + 'static {
    /// Writes all of `data` at `offset`.
    fn write_at(&self, part: &Part, data: &[u8], offset: u64) -> Result<(), PlaceError> {
        part.write_at(data, offset)
    }

    /// Room left for us, in bytes; `None` where it cannot be known.
    fn free_bytes(&self, folder: &TargetDir) -> Result<Option<u64>, PlaceError> {
        folder.free_bytes()
    }

    /// Whether two names that differ by case alone are two files there.
    fn tells_case_apart(&self, folder: &Path) -> bool {
        tells_case_apart(folder)
    }
}

/// The disk as it is.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// The target folder of one download, and its names.
pub(super) struct JobFiles {
    pub(super) saved: SavedDownload,
    /// What is something else by now at its owner.
    renewed: Mutex<HashMap<u32, Content>>,
    open: Mutex<OpenFolders>,
    /// It was taken off the list: nothing is begun any more.
    is_gone: AtomicBool,
}

#[derive(Default)]
struct OpenFolders {
    root: Option<TargetDir>,
    below: HashMap<Vec<LocalName>, TargetDir>,
}

impl JobFiles {
    pub(super) fn new(saved: SavedDownload) -> Arc<Self> {
        Arc::new(Self { saved, renewed: Mutex::default(), open: Mutex::default(), is_gone: AtomicBool::new(false) })
    }

    pub(super) fn content(&self, index: u32) -> Option<Content> {
        let renewed = self.renewed.lock().get(&index).copied();
        renewed.or_else(|| Some(self.saved.files.get(index as usize)?.content))
    }

    /// A file is something else by now.
    pub(super) fn renew(&self, index: u32, content: Content) {
        self.renewed.lock().insert(index, content);
    }

    /// What is wanted, as it is by now.
    pub(super) fn saved_now(&self) -> Cow<'_, SavedDownload> {
        let renewed = self.renewed.lock();
        if renewed.is_empty() {
            return Cow::Borrowed(&self.saved);
        }
        let mut saved = self.saved.clone();
        for (index, content) in renewed.iter() {
            if let Some(file) = saved.files.get_mut(*index as usize) {
                file.content = *content;
            }
        }
        Cow::Owned(saved)
    }

    /// The whole path of one file, for people and for comparing.
    pub(super) fn path(&self, index: u32) -> PathBuf {
        match self.saved.files.get(index as usize) {
            Some(file) => file.name.path_below(&self.saved.into),
            None => self.saved.into.clone(),
        }
    }

    /// What a person calls the place of all of it: the file, or the folder that holds them.
    pub(super) fn shown_path(&self) -> PathBuf {
        match self.saved.files.first().map(|file| &file.name) {
            Some(TargetName::Below(names)) if self.saved.is_folder => match names.first() {
                Some(top) => self.saved.into.join(top.as_str()),
                None => self.saved.into.clone(),
            },
            _ => self.path(0),
        }
    }

    /// The target of one file; the folders above it are made.
    pub(super) fn target(&self, index: u32) -> Result<Target, PlaceError> {
        let Some(file) = self.saved.files.get(index as usize) else { return Err(PlaceError::BadName) };
        if self.is_gone.load(Ordering::Acquire) {
            return Err(PlaceError::NoParent);
        }
        match &file.name {
            TargetName::Typed(name) => self.root()?.target_typed(name),
            TargetName::Below(names) => {
                let Some((name, folders)) = names.split_last() else { return Err(PlaceError::BadName) };
                Ok(self.folder(folders)?.target(name))
            }
        }
    }

    pub(super) fn root(&self) -> Result<TargetDir, PlaceError> {
        let mut open = self.open.lock();
        if let Some(root) = &open.root {
            return Ok(root.clone());
        }
        let root = TargetDir::open(&self.saved.into)?;
        open.root = Some(root.clone());
        Ok(root)
    }

    fn folder(&self, names: &[LocalName]) -> Result<TargetDir, PlaceError> {
        if let Some(folder) = self.open.lock().below.get(names) {
            return Ok(folder.clone());
        }
        let folder = self.root()?.below(names)?;
        let mut open = self.open.lock();
        if open.below.len() >= share_of(descriptors::limit(), FOLDERS_OPEN_SHARE, FOLDERS_OPEN_MAX) {
            open.below.clear();
        }
        open.below.insert(names.to_vec(), folder.clone());
        Ok(folder)
    }

    /// Lets go of the folders: a drive can be unplugged, a folder removed and made again.
    pub(super) fn let_go(&self) {
        *self.open.lock() = OpenFolders::default();
    }

    /// Room on its disk; `None` where it cannot be known.
    pub(super) fn free_bytes(&self, disk: &dyn Disk) -> Option<u64> {
        self.root().and_then(|root| disk.free_bytes(&root)).ok().flatten()
    }

    /// Removes what is unfinished of a download that is taken off the list.
    pub(super) fn remove_parts(&self, unfinished: &[u32]) {
        let names = unfinished.iter().filter_map(|index| Some(&self.saved.files.get(*index as usize)?.name));
        let Ok(root) = self.root() else { return };
        for name in names {
            let target = match name {
                TargetName::Typed(name) => root.target_typed(name),
                // A folder that is not there is not made for this.
                TargetName::Below(names) => match names.split_last() {
                    Some((name, folders)) if name_exists(root.path(), folders) => {
                        self.folder(folders).map(|folder| folder.target(name))
                    }
                    _ => continue,
                },
            };
            if let Err(error) = target.and_then(|target| target.remove_part()) {
                tracing::warn!(%error, "the unfinished file of a cancelled download stays");
            }
        }
        self.let_go();
    }

    pub(super) fn set_gone(&self) {
        self.is_gone.store(true, Ordering::Release);
    }
}

fn name_exists(root: &Path, folders: &[LocalName]) -> bool {
    folders.iter().fold(root.to_owned(), |path, name| path.join(name.as_str())).is_dir()
}

/// A part file of more than one block, and what its blocks must be.
#[derive(Debug)]
pub(super) struct OpenPart {
    pub(super) part: Part,
    pub(super) list: BlockList,
}

/// What was found at a file's place, and the part file if it is to be filled.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) checked: Checked,
    pub(super) open: Option<Arc<OpenPart>>,
}

/// All of them.
pub(super) struct Files {
    pub(super) disk: Arc<dyn Disk>,
    jobs: Mutex<HashMap<TransferId, Arc<JobFiles>>>,
    open: Mutex<HashMap<FileId, Arc<OpenPart>>>,
    /// Small files that are written or being finished: of two peers that send one, the first has it.
    small: Mutex<HashSet<FileId>>,
    /// Room for small files that are open.
    small_open: Arc<Semaphore>,
    /// What files of more blocks keep of what they were at their owner.
    kept: Mutex<HashMap<FileId, Kept>>,
    settings: watch::Receiver<DownloadSettings>,
}

/// Room for one small file that is open, until it is dropped.
pub(super) type SmallRoom = OwnedSemaphorePermit;

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, settings: watch::Receiver<DownloadSettings>) -> Self {
        let small_open = share_of(descriptors::limit(), SMALL_OPEN_SHARE, SMALL_OPEN_MAX);
        Self {
            disk,
            jobs: Mutex::default(),
            open: Mutex::default(),
            small: Mutex::default(),
            small_open: Arc::new(Semaphore::new(small_open)),
            kept: Mutex::default(),
            settings,
        }
    }

    /// What a file keeps of what is told about it.
    pub(super) fn kept(&self, file: FileId, about: &About) -> Kept {
        let DownloadSettings { keep_times, keep_executable, .. } = *self.settings.borrow();
        let job = self.job(file.job);
        let tag = job.as_ref().and_then(|job| Some(PathTag::of(&job.saved.files.get(file.index as usize)?.remote)));
        let time = tag.filter(|_| keep_times).and_then(|tag| about.time_of(tag));
        let modified = time.and_then(|time| time.believable(SystemTime::now()));
        Kept { modified, can_run: keep_executable && about.can_run }
    }

    /// Remembers what a file keeps until it gets its name.
    pub(super) fn keep(&self, file: FileId, kept: Kept) {
        self.kept.lock().insert(file, kept);
    }

    /// What a file keeps, which gets its name now.
    pub(super) fn take_kept(&self, file: FileId) -> Kept {
        self.kept.lock().remove(&file).unwrap_or_default()
    }

    /// Room for one more small file to be open, if there is some.
    pub(super) fn small_room(&self) -> Option<SmallRoom> {
        Arc::clone(&self.small_open).try_acquire_owned().ok()
    }

    /// Waits until one more small file may be open. Whoever waits has none.
    pub(super) async fn await_small_room(&self) -> Option<SmallRoom> {
        // It is never closed.
        Arc::clone(&self.small_open).acquire_owned().await.ok()
    }

    pub(super) fn add_job(&self, id: TransferId, job: Arc<JobFiles>) {
        self.jobs.lock().insert(id, job);
    }

    pub(super) fn job(&self, id: TransferId) -> Option<Arc<JobFiles>> {
        self.jobs.lock().get(&id).cloned()
    }

    pub(super) fn remove_job(&self, id: TransferId) -> Option<Arc<JobFiles>> {
        self.open.lock().retain(|file, _| file.job != id);
        self.kept.lock().retain(|file, _| file.job != id);
        let job = self.jobs.lock().remove(&id)?;
        job.set_gone();
        Some(job)
    }

    pub(super) fn open(&self, file: FileId, part: Arc<OpenPart>) {
        self.open.lock().insert(file, part);
    }

    pub(super) fn opened(&self, file: FileId) -> Option<Arc<OpenPart>> {
        self.open.lock().get(&file).cloned()
    }

    pub(super) fn close(&self, file: FileId) -> Option<Arc<OpenPart>> {
        self.open.lock().remove(&file)
    }

    /// Claims a small file; `false` if another thread is at it.
    pub(super) fn claim_small(&self, file: FileId) -> bool {
        self.small.lock().insert(file)
    }

    pub(super) fn release_small(&self, file: FileId) {
        self.small.lock().remove(&file);
    }

    /// Opens a file of which nothing is here, for all of its blocks; `false` if it must be looked at ([`Files::check`]). Told
    /// of late, it is open already.
    pub(super) fn begin(&self, file: FileId, list: &BlockList) -> bool {
        let Some(job) = self.job(file.job) else { return false };
        // It is something else by now.
        let content = Content { hash: list.root(), size: list.geometry().size() };
        if job.content(file.index) != Some(content) {
            return false;
        }
        if let Some(open) = self.opened(file) {
            return open.list.root() == content.hash;
        }
        // Whatever is in the way, the check says it better.
        let Ok(Some(part)) = begin_new(&job, file.index, list, self.disk.as_ref()) else { return false };
        self.open(file, Arc::new(OpenPart { part, list: list.clone() }));
        true
    }

    /// Opens the part file of a large file and finds out which blocks are in it.
    pub(super) fn check(&self, file: FileId, list: BlockList, is_stopped: &(dyn Fn() -> bool + Sync)) -> Found {
        let fault = |fault| Found { checked: Checked::Fault(fault), open: None };
        let Some(job) = self.job(file.job) else { return fault(WriteFault::File(TransferError::Exists)) };
        match check_place(&job, file.index, list, self.disk.as_ref(), is_stopped) {
            Ok(found) => found,
            Err(error) => fault(fault_of(error)),
        }
    }
}

/// `None` if something is here.
fn begin_new(job: &JobFiles, index: u32, list: &BlockList, disk: &dyn Disk) -> Result<Option<Part>, PlaceError> {
    let target = job.target(index)?;
    if !job.saved.existing.is_replace() && target.is_taken()? || target.has_part()? {
        return Ok(None);
    }
    let part = target.open_part()?;
    let size = list.geometry().size();
    if !part.is_new() || job.free_bytes(disk).is_some_and(|free| free < size) {
        return Ok(None);
    }
    part.set_bytes(size)?;
    Ok(Some(part))
}

fn check_place(
    job: &JobFiles,
    index: u32,
    list: BlockList,
    disk: &dyn Disk,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Found, PlaceError> {
    let target = patiently(|| job.target(index))?;
    let content = Content { hash: list.root(), size: list.geometry().size() };
    if !job.saved.existing.is_replace() && target.is_taken()? {
        // Whether it is the very file is found out in sight, and can be stopped.
        return Err(PlaceError::Exists);
    }
    let part = patiently(|| target.open_part())?;
    let blocks = if part.is_new() { Blocks::none(list.geometry()) } else { verified(&part, &list, is_stopped)? };
    let missing = content.size.saturating_sub(bytes_of(&blocks, &list));
    if job.free_bytes(disk).is_some_and(|free| free < missing) {
        return Err(PlaceError::NoSpace);
    }
    part.set_bytes(content.size)?;
    Ok(Found { checked: Checked::Part(blocks), open: Some(Arc::new(OpenPart { part, list })) })
}

/// So much of what there is, at most and at least something.
fn share_of(all: Option<u64>, share: u64, most: usize) -> usize {
    all.map_or(most, |all| usize::try_from(all / share).unwrap_or(most).clamp(OPEN_MIN, most))
}

/// Opens something; what passes by itself is waited for a little. Blocks.
pub(super) fn patiently<T>(open: impl Fn() -> Result<T, PlaceError>) -> Result<T, PlaceError> {
    for _ in 0..PATIENCE_TRIES {
        match open() {
            Err(PlaceError::InUse | PlaceError::Overloaded) => std::thread::sleep(PATIENCE_PAUSE),
            other => return other,
        }
    }
    open()
}

/// The blocks that are in a part file, found by reading it: nothing else is believed. Several threads take the next
/// block each, so that a disk is read from front to back all the same.
fn verified(part: &Part, list: &BlockList, is_stopped: &(dyn Fn() -> bool + Sync)) -> Result<Blocks, PlaceError> {
    let geometry = list.geometry();
    let length = part.bytes()?;
    let next = AtomicU32::new(0);
    let verify_some = || {
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        while !is_stopped() {
            let block = next.fetch_add(1, Ordering::Relaxed);
            let (Some(offset), Some(bytes)) = (geometry.offset_of(block), geometry.bytes_of(block)) else { break };
            if offset.saturating_add(bytes as u64) > length {
                break;
            }
            buffer.resize(bytes, 0);
            part.read_at(&mut buffer, offset)?;
            if list.is_block(block, &buffer) {
                found.push(block);
            }
        }
        Ok::<_, PlaceError>(found)
    };
    let threads = available_parallelism().map_or(1, NonZero::get).min(VERIFYING_MAX);
    let found: Vec<_> = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(verify_some)).collect();
        let ours = verify_some();
        let theirs = helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(ours).chain(theirs).collect()
    });
    let mut blocks = Blocks::none(geometry);
    for some in found {
        some?.into_iter().for_each(|block| _ = blocks.insert(block));
    }
    Ok(blocks)
}

fn bytes_of(blocks: &Blocks, list: &BlockList) -> u64 {
    let geometry = list.geometry();
    let here = (0..geometry.blocks()).filter(|block| blocks.contains(*block));
    here.filter_map(|block| geometry.bytes_of(block)).map(|bytes| bytes as u64).sum()
}

/// Whether the finished file is there already, whole: finished by an earlier run that could not say so any more.
pub(super) fn is_whole(target: &Target, content: Content) -> bool {
    let Ok((mut file, stamp)) = target.open_whole() else { return false };
    if stamp.size != content.size {
        return false;
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return content.hash == hasher.finalize().into(),
            Ok(bytes) => _ = hasher.update(&buffer[..bytes]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}

/// What an error of the disk means for the download.
pub(super) fn fault_of(error: PlaceError) -> WriteFault {
    match error {
        PlaceError::NoSpace => WriteFault::Full,
        PlaceError::Overloaded => WriteFault::Overloaded,
        other => WriteFault::File(other.into()),
    }
}

#[cfg(test)]
mod tests;
