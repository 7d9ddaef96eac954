//! What files were hashed to, so that an unchanged one is never read twice. By file number, not by path: a file that is
//! moved or shared under another name is known all the same.
//!
//! Everything here can be computed again; a lost row costs time only.

use redb::{ReadableTableMetadata, TableDefinition};

use crate::model::block_list::BlockList;
use crate::model::file_stamp::FileStamp;
use crate::model::geometry::Geometry;
use crate::model::hash::ContentHash;
use crate::store::Store;

/// Beyond this many rows those of files that are no longer shared go: a hundred times what a person shares by default
/// would be 80 MB.
const ROWS_MAX: u64 = 1_000_000;

/// Device and inode, to size, change times, when it was hashed, whether the stamp is trusted, and the hash.
type Row = (u64, i128, i128, i128, bool, [u8; 32]);
const HASHES: TableDefinition<'_, (u64, u64), Row> = TableDefinition::new("hashes");
/// Of files of more than one block: hash to the hashes of the blocks, one after the other.
const BLOCK_LISTS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("block-lists");

/// The hash of one file, and what the file was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachedHash {
    /// The stamp of the file when it was hashed.
    pub stamp: FileStamp,
    /// The hash of the content that was read.
    pub hash: ContentHash,
    /// When the hashing began, in nanoseconds since 1970.
    pub hashed_at_ns: i128,
    /// Whether an equal stamp proves equal content.
    pub is_settled: bool,
}

impl Store {
    /// What is known of these files, in their order; what was hashed is of the file with that number, changed or not.
    pub fn cached_hashes(&self, stamps: &[FileStamp]) -> Result<Vec<Option<CachedHash>>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(HASHES) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(vec![None; stamps.len()]),
            other => other?,
        };
        let look_up = |stamp: &FileStamp| {
            let row = table.get((stamp.device, stamp.inode))?;
            Ok(row.map(|row| {
                let (size, mtime_ns, ctime_ns, hashed_at_ns, is_settled, hash) = row.value();
                let stamp = FileStamp { size, mtime_ns, ctime_ns, ..*stamp };
                CachedHash { stamp, hash: ContentHash::from_bytes(hash), hashed_at_ns, is_settled }
            }))
        };
        stamps.iter().map(look_up).collect()
    }

    /// Remembers what was hashed, in one commit, and the block hashes of files of more than one block.
    pub fn remember_hashes(&self, hashed: &[(CachedHash, BlockList)]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut hashes = write.open_table(HASHES)?;
            let mut lists = write.open_table(BLOCK_LISTS)?;
            for (CachedHash { stamp, hash, hashed_at_ns, is_settled }, list) in hashed {
                let row = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, *hashed_at_ns, *is_settled, *hash.as_bytes());
                hashes.insert((stamp.device, stamp.inode), row)?;
                if list.as_slice().len() > 1 {
                    lists.insert(hash.as_bytes(), list.as_slice().as_flattened())?;
                }
            }
        }
        Ok(write.commit()?)
    }

    /// The hashes of a file's blocks, proven to belong to it; `None` if they are not known.
    pub fn block_list(&self, size: u64, hash: ContentHash) -> Result<Option<BlockList>, redb::Error> {
        let geometry = Geometry::of(size);
        if let Some(single) = BlockList::single(geometry, hash) {
            return Ok(Some(single));
        }
        let read = self.begin_read()?;
        let table = match read.open_table(BLOCK_LISTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            other => other?,
        };
        let Some(row) = table.get(hash.as_bytes())? else { return Ok(None) };
        let (blocks, rest) = row.value().as_chunks::<32>();
        let proven = rest.is_empty().then(|| BlockList::proven(geometry, hash, blocks.to_vec()).ok());
        Ok(proven.flatten())
    }

    /// Forgets the files that are not shared any more, if there are too many rows. Says whether it did.
    pub fn forget_hashes(&self, is_shared: impl Fn(ContentHash) -> bool) -> Result<bool, redb::Error> {
        self.forget_hashes_beyond(ROWS_MAX, is_shared)
    }

    fn forget_hashes_beyond(
        &self,
        rows_max: u64,
        is_shared: impl Fn(ContentHash) -> bool,
    ) -> Result<bool, redb::Error> {
        let write = self.begin_write()?;
        {
            let mut hashes = write.open_table(HASHES)?;
            if hashes.len()? <= rows_max {
                return Ok(false);
            }
            hashes.retain(|_, (.., hash)| is_shared(ContentHash::from_bytes(hash)))?;
            write.open_table(BLOCK_LISTS)?.retain(|hash, _| is_shared(ContentHash::from_bytes(hash)))?;
        }
        write.commit()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::block_list::block_hash;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&folder.path().join("potok.redb")).expect("opens").store;
        (folder, store)
    }

    fn hashed(inode: u64, data: &[u8]) -> (CachedHash, BlockList) {
        let geometry = Geometry::of(data.len() as u64);
        let blocks = (0..geometry.blocks()).map(|block| {
            let from = usize::try_from(geometry.offset_of(block).expect("exists")).expect("small");
            block_hash(geometry, block, &data[from..from + geometry.bytes_of(block).expect("exists")]).expect("fits")
        });
        let list = BlockList::computed(geometry, blocks.collect()).expect("whole");
        let stamp = FileStamp { device: 1, inode, size: geometry.size(), mtime_ns: -5, ctime_ns: i128::MAX };
        (CachedHash { stamp, hash: list.root(), hashed_at_ns: 7, is_settled: inode.is_multiple_of(2) }, list)
    }

    #[test]
    fn remembers_files_and_their_blocks() {
        let (_folder, store) = store();
        let (small, large) = (hashed(1, b"small"), hashed(2, &[9; 600_000]));
        let stamps = [small.0.stamp, large.0.stamp, FileStamp { inode: 3, ..small.0.stamp }];
        assert_eq!(store.cached_hashes(&stamps).expect("reads"), [None, None, None]);
        assert_eq!(store.block_list(600_000, large.0.hash).expect("reads"), None);
        store.remember_hashes(&[small.clone(), large.clone()]).expect("writes");
        assert_eq!(store.cached_hashes(&stamps).expect("reads"), [Some(small.0), Some(large.0), None]);
        assert_eq!(store.block_list(5, small.0.hash).expect("reads"), Some(small.1), "needs no row");
        assert_eq!(store.block_list(600_000, large.0.hash).expect("reads"), Some(large.1));
        assert_eq!(store.block_list(900_000, large.0.hash).expect("reads"), None, "another length is another file");
    }

    #[test]
    fn forgets_only_when_there_is_too_much() {
        let (_folder, store) = store();
        let files: Vec<_> = (1..=5u8).map(|at| hashed(u64::from(at), &vec![at; 300_000])).collect();
        store.remember_hashes(&files).expect("writes");
        let kept = files[2].0.hash;
        assert!(!store.forget_hashes(|_| false).expect("works"));
        assert!(!store.forget_hashes_beyond(5, |_| false).expect("works"));
        assert!(store.forget_hashes_beyond(4, |hash| hash == kept).expect("works"));
        let stamps: Vec<_> = files.iter().map(|file| file.0.stamp).collect();
        let known = store.cached_hashes(&stamps).expect("reads");
        assert_eq!(known.iter().flatten().map(|row| row.hash).collect::<Vec<_>>(), [kept]);
        assert!(store.block_list(300_000, kept).expect("reads").is_some());
        assert!(store.block_list(300_000, files[0].0.hash).expect("reads").is_none());
    }
}
