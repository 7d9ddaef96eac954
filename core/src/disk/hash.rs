//! Content to block hashes, on all cores.
//!
//! It reads through the handle it is given and knows no names. A file that is written to meanwhile is noticed by its
//! stamp, taken before and after.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use blake3::hazmat::ChainingValue;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::disk::at;
use crate::disk::place::shared::{ReadFault, stamp_of};
use crate::model::block_list::{BlockList, block_hash};
use crate::model::file_stamp::FileStamp;
use crate::model::geometry::Geometry;

/// A core takes this many blocks at a time: a few milliseconds of work, so that no core waits long for the last.
const BLOCKS_PER_TASK: usize = 16;
/// A file is given to the cores in pieces of this many blocks (256 MiB), so that a small file that somebody waits for
/// is not behind all of a huge one.
const BLOCKS_PER_TURN: usize = 1024;

/// Told after each piece how many bytes were hashed since it was told last; `Break` ends the work. Called from several
/// threads at once.
pub type HashWatch<'a> = &'a (dyn Fn(u64) -> ControlFlow<()> + Sync);

/// Why a file that was read has no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashFault {
    /// The file was written to, cut or replaced while it was read.
    #[error("the file changed while it was read")]
    Changed,
    /// The [`HashWatch`] answered `Break`: nobody wants the hash any more.
    #[error("stopped")]
    Stopped,
    /// The file cannot be read; the reason is inside.
    #[error(transparent)]
    Read(#[from] ReadFault),
}

/// The threads that hash, one pool for the whole program.
#[derive(Debug)]
pub struct Hasher {
    pool: rayon::ThreadPool,
}

impl Hasher {
    /// A pool of so many threads; 0 is one a core.
    pub fn new(threads: usize) -> io::Result<Self> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|at| format!("hash-{at}"));
        Ok(Self { pool: builder.build().map_err(io::Error::other)? })
    }

    /// Hashes one file with all cores. `stamp` is what the file was when it was opened.
    pub fn hash(&self, file: &File, stamp: &FileStamp, watch: HashWatch<'_>) -> Result<BlockList, HashFault> {
        let geometry = Geometry::of(stamp.size);
        let count = usize::try_from(geometry.blocks()).expect("at most 2^20");
        let mut hashes = vec![ChainingValue::default(); count];
        for (turn, hashes) in hashes.chunks_mut(BLOCKS_PER_TURN).enumerate() {
            let first = turn * BLOCKS_PER_TURN;
            self.pool.install(|| {
                hashes.par_chunks_mut(BLOCKS_PER_TASK).enumerate().try_for_each(|(task, hashes)| {
                    hash_blocks(file, geometry, first + task * BLOCKS_PER_TASK, hashes, watch)
                })
            })?;
        }
        finished(file, stamp, geometry, hashes)
    }

    /// Does something for each of many small files, one core a file. The answers are in order.
    pub fn map<I: Sync, T: Send>(&self, items: &[I], work: impl Fn(&I) -> T + Send + Sync) -> Vec<T> {
        self.pool.install(|| items.par_iter().map(work).collect())
    }
}

/// The time as stamps count it: nanoseconds since 1970.
pub fn now_ns() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}

/// Hashes one file on the calling thread, for one that is too small to be worth several. `stamp` is as in
/// [`Hasher::hash`].
pub fn hash_here(file: &File, stamp: &FileStamp, watch: HashWatch<'_>) -> Result<BlockList, HashFault> {
    let geometry = Geometry::of(stamp.size);
    let count = usize::try_from(geometry.blocks()).expect("at most 2^20");
    let mut hashes = vec![ChainingValue::default(); count];
    hash_blocks(file, geometry, 0, &mut hashes, watch)?;
    finished(file, stamp, geometry, hashes)
}

/// The bytes are what the stamp stands for only if it is still the same after the last was read.
fn finished(
    file: &File,
    stamp: &FileStamp,
    geometry: Geometry,
    hashes: Vec<ChainingValue>,
) -> Result<BlockList, HashFault> {
    if stamp_of(file)? != *stamp {
        return Err(HashFault::Changed);
    }
    Ok(BlockList::computed(geometry, hashes).expect("one entry a block"))
}

fn hash_blocks(
    file: &File,
    geometry: Geometry,
    first: usize,
    hashes: &mut [ChainingValue],
    watch: HashWatch<'_>,
) -> Result<(), HashFault> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        for (block, hash) in (first..).zip(hashes) {
            let block = u32::try_from(block).expect("at most 2^20");
            let offset = geometry.offset_of(block).expect("one entry a block");
            let bytes = geometry.bytes_of(block).expect("one entry a block");
            if buffer.len() < bytes {
                buffer.resize(bytes, 0);
            }
            let data = &mut buffer[..bytes];
            at::read_exact_at(file, data, offset).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => HashFault::Changed,
                _ => HashFault::Read(error.into()),
            })?;
            *hash = block_hash(geometry, block, data).expect("the length of that block");
            if watch(u64::try_from(bytes).expect("a length fits into 64 bits")).is_break() {
                return Err(HashFault::Stopped);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::geometry::BLOCK_BYTES_MIN;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn opened(data: &[u8]) -> (tempfile::NamedTempFile, FileStamp) {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), data).expect("writes");
        let stamp = stamp_of(file.as_file()).expect("asks");
        (file, stamp)
    }

    #[test]
    fn agrees_with_the_ordinary_hash() {
        let hasher = Hasher::new(2).expect("starts");
        let block = usize::try_from(BLOCK_BYTES_MIN).expect("small");
        let data: Vec<u8> = (0..block * 35 + 9).map(|i| (i % 253).to_le_bytes()[0]).collect();
        for size in [0, 1, block - 1, block, block + 1, 16 * block, 17 * block + 3, data.len()] {
            let (file, stamp) = opened(&data[..size]);
            let hashed = AtomicU64::new(0);
            let watch = |bytes| {
                hashed.fetch_add(bytes, Ordering::Relaxed);
                ControlFlow::Continue(())
            };
            let list = hasher.hash(file.as_file(), &stamp, &watch).expect("hashes");
            assert_eq!(list.root(), blake3::hash(&data[..size]).into(), "{size} bytes");
            assert_eq!(hashed.load(Ordering::Relaxed), stamp.size);
            assert_eq!(hash_here(file.as_file(), &stamp, &watch).expect("hashes"), list);
        }
    }

    #[test]
    fn a_change_and_a_stop_are_noticed() {
        let hasher = Hasher::new(1).expect("starts");
        let (file, stamp) = opened(&[1; 1000]);
        let go_on = |_| ControlFlow::Continue(());
        assert!(matches!(hasher.hash(file.as_file(), &stamp, &|_| ControlFlow::Break(())), Err(HashFault::Stopped)));
        let write_again = |_| {
            std::fs::write(file.path(), [2; 1001]).expect("writes");
            ControlFlow::Continue(())
        };
        assert!(matches!(hasher.hash(file.as_file(), &stamp, &write_again), Err(HashFault::Changed)));
        std::fs::write(file.path(), [3; 10]).expect("writes");
        assert!(matches!(hasher.hash(file.as_file(), &stamp, &go_on), Err(HashFault::Changed)), "cut short");
    }
}
