//! The hashes of a file's blocks, by which any block from anybody can be checked alone.
//!
//! BLAKE3 is a binary tree over 1 KiB chunks. The chaining value (CV) of a block of 2^n chunks at a multiple of its
//! size is a node of that tree, so the flat list of block CVs can be merged up to the root, which is the ordinary hash
//! of the file (BLAKE3 paper, sections 2.1 and 2.4; `blake3::hazmat`). A file of one block has no inner node: its only
//! entry is the root itself.

use std::sync::Arc;

use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};

use crate::model::geometry::Geometry;
use crate::model::hash::ContentHash;

/// A list of block hashes that is proven to belong to a file's hash.
///
/// ```
/// use potok_core::model::block_list::{BlockList, WrongList, block_hash};
/// use potok_core::model::geometry::{BLOCK_BYTES_MIN, Geometry};
///
/// let file = vec![7u8; 300_000];
/// let (first, last) = file.split_at(usize::try_from(BLOCK_BYTES_MIN).expect("it fits"));
/// let geometry = Geometry::of(300_000);
/// let hash = |at, data| block_hash(geometry, at, data).expect("its length is right");
/// let hashes = vec![hash(0, first), hash(1, last)];
///
/// let list = BlockList::proven(geometry, blake3::hash(&file).into(), hashes.clone())?;
/// assert!(list.is_block(1, last) && !list.is_block(0, last));
/// assert_eq!(BlockList::proven(geometry, blake3::hash(b"another").into(), hashes), Err(WrongList));
/// # Ok::<(), WrongList>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockList {
    geometry: Geometry,
    root: ContentHash,
    blocks: Arc<[ChainingValue]>,
}

/// The list does not belong to the hash: whoever gave it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the block hashes do not belong to this file")]
pub struct WrongList;

impl BlockList {
    /// A file of one block needs no list: its hash says it all.
    pub fn single(geometry: Geometry, root: ContentHash) -> Option<Self> {
        (geometry.blocks() == 1).then(|| Self { geometry, root, blocks: Arc::new([*root.as_bytes()]) })
    }

    /// Checks a list that somebody sent against the announced size and hash.
    pub fn proven(geometry: Geometry, root: ContentHash, blocks: Vec<ChainingValue>) -> Result<Self, WrongList> {
        let list = Self::computed(geometry, blocks).ok_or(WrongList)?;
        if list.root == root { Ok(list) } else { Err(WrongList) }
    }

    /// A list that was just computed from the file itself; `None` if it has not one entry a block.
    pub fn computed(geometry: Geometry, blocks: Vec<ChainingValue>) -> Option<Self> {
        if u32::try_from(blocks.len()) != Ok(geometry.blocks()) {
            return None;
        }
        let root = match blocks.as_slice() {
            [only] => ContentHash::from_bytes(*only),
            many => root_of(many, geometry),
        };
        Some(Self { geometry, root, blocks: blocks.into() })
    }

    /// How the file is cut into the blocks that the list is of.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The hash of the whole file, to which the list was proven to belong.
    pub fn root(&self) -> ContentHash {
        self.root
    }

    /// The chaining values of the blocks, one each, in the order of the file.
    pub fn as_slice(&self) -> &[ChainingValue] {
        &self.blocks
    }

    /// Whether `data` is exactly the block with this number.
    pub fn is_block(&self, block: u32, data: &[u8]) -> bool {
        let expected = self.blocks.get(block as usize);
        expected.is_some_and(|cv| block_hash(self.geometry, block, data).as_ref() == Some(cv))
    }
}

/// The hash of one block; `None` if the data has not the length of that block.
pub fn block_hash(geometry: Geometry, block: u32, data: &[u8]) -> Option<ChainingValue> {
    if geometry.bytes_of(block)? != data.len() {
        return None;
    }
    if geometry.blocks() == 1 {
        return Some(*blake3::hash(data).as_bytes());
    }
    // A new hasher each time: after `reset` the offset cannot be set again (blake3 1.8).
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(geometry.offset_of(block)?);
    hasher.update(data);
    Some(hasher.finalize_non_root())
}

fn root_of(blocks: &[ChainingValue], geometry: Geometry) -> ContentHash {
    let (left, right) = split(blocks, geometry.size(), geometry.block_bytes());
    merge_subtrees_root(
        &node(left.0, left.1, geometry.block_bytes()),
        &node(right.0, right.1, geometry.block_bytes()),
        Mode::Hash,
    )
    .into()
}

fn node(blocks: &[ChainingValue], bytes: u64, block_bytes: u64) -> ChainingValue {
    match blocks {
        [only] => *only,
        many => {
            let (left, right) = split(many, bytes, block_bytes);
            merge_subtrees_non_root(
                &node(left.0, left.1, block_bytes),
                &node(right.0, right.1, block_bytes),
                Mode::Hash,
            )
        }
    }
}

type Subtree<'a> = (&'a [ChainingValue], u64);

/// The left subtree is the largest power of two of chunks that leaves something to the right.
fn split(blocks: &[ChainingValue], bytes: u64, block_bytes: u64) -> (Subtree<'_>, Subtree<'_>) {
    let left_bytes = left_subtree_len(bytes);
    let at = usize::try_from(left_bytes / block_bytes).expect("fewer blocks than entries");
    let (left, right) = blocks.split_at(at);
    ((left, left_bytes), (right, bytes - left_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::geometry::BLOCK_BYTES_MIN;

    fn list_of(data: &[u8]) -> BlockList {
        let geometry = Geometry::of(data.len() as u64);
        let blocks = (0..geometry.blocks())
            .map(|block| {
                let from = usize::try_from(geometry.offset_of(block).expect("exists")).expect("small");
                let bytes = geometry.bytes_of(block).expect("exists");
                block_hash(geometry, block, &data[from..from + bytes]).expect("right length")
            })
            .collect();
        BlockList::computed(geometry, blocks).expect("one entry a block")
    }

    #[test]
    fn the_root_is_the_ordinary_hash() {
        let b = usize::try_from(BLOCK_BYTES_MIN).expect("small");
        let data: Vec<u8> = (0..9 * b + 7).map(|i| (i % 251).to_le_bytes()[0]).collect();
        for size in [0, 1, 1024, 1025, b - 1, b, b + 1, 2 * b, 2 * b + 1, 3 * b, 4 * b, 5 * b + 5, 8 * b, 9 * b + 7] {
            let list = list_of(&data[..size]);
            assert_eq!(list.root(), blake3::hash(&data[..size]).into(), "{size} bytes");
            let again = BlockList::proven(list.geometry(), list.root(), list.as_slice().to_vec());
            assert_eq!(again, Ok(list));
        }
    }

    #[test]
    fn a_wrong_list_or_block_is_refused() {
        let b = usize::try_from(BLOCK_BYTES_MIN).expect("small");
        let data = vec![7u8; 3 * b + 1];
        let list = list_of(&data);
        let (geometry, root) = (list.geometry(), list.root());
        let good = list.as_slice().to_vec();

        assert!(list.is_block(0, &data[..b]));
        assert!(!list.is_block(0, &data[..b - 1]), "short");
        assert!(!list.is_block(4, &data[..1]), "beyond the end");
        let mut flipped = data[..b].to_vec();
        flipped[b / 2] ^= 1;
        assert!(!list.is_block(0, &flipped), "one bit");

        let mut wrong = good.clone();
        wrong[2][0] ^= 1;
        assert_eq!(BlockList::proven(geometry, root, wrong), Err(WrongList));
        assert_eq!(BlockList::proven(geometry, root, good[..3].to_vec()), Err(WrongList));
        let other_size = Geometry::of(3 * b as u64 + 2);
        assert!(BlockList::proven(other_size, root, good.clone()).is_ok(), "size is proven by the last block only");
        assert_eq!(BlockList::proven(geometry, ContentHash::from_bytes([0; 32]), good), Err(WrongList));
    }
}
