//! How a file is cut into blocks: the unit that is asked for, verified and written.

/// The size of a block of any file up to [`Geometry::LIST_BLOCKS_MAX`] blocks: 256 KiB fits the second-level cache of
/// one core while it is decrypted, hashed and written, and loses little when it is wrong.
pub const BLOCK_BYTES_MIN: u64 = 256 * 1024;

/// The cutting of one file; a function of its size alone, so both sides agree without saying it.
///
/// ```
/// use potok_core::model::geometry::Geometry;
///
/// let cut = Geometry::of(1_000_000);
/// assert_eq!((cut.blocks(), cut.block_bytes()), (4, 262_144));
/// assert_eq!((cut.offset_of(3), cut.bytes_of(3), cut.bytes_of(4)), (Some(786_432), Some(213_568), None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    size: u64,
    block_bytes: u64,
}

impl Geometry {
    /// A file has at most this many blocks, so that the list of their hashes stays below 32 MiB: beyond 256 GiB the
    /// block doubles until it fits.
    pub const LIST_BLOCKS_MAX: u64 = 1 << 20;

    /// The cutting of a file of `size` bytes.
    pub fn of(size: u64) -> Self {
        let mut block_bytes = BLOCK_BYTES_MIN;
        while size.div_ceil(block_bytes) > Self::LIST_BLOCKS_MAX {
            block_bytes *= 2;
        }
        Self { size, block_bytes }
    }

    /// The length of the whole file, in bytes.
    pub fn size(self) -> u64 {
        self.size
    }

    /// Every block but the last has this many bytes.
    pub fn block_bytes(self) -> u64 {
        self.block_bytes
    }

    /// How many blocks there are: an empty file has one, which is empty.
    pub fn blocks(self) -> u32 {
        let blocks = self.size.div_ceil(self.block_bytes).max(1);
        u32::try_from(blocks).expect("`of` keeps it at or below 2^20")
    }

    /// Where a block begins, or `None` if there is no such block.
    pub fn offset_of(self, block: u32) -> Option<u64> {
        (block < self.blocks()).then(|| u64::from(block) * self.block_bytes)
    }

    /// How long a block is, or `None` if there is no such block.
    pub fn bytes_of(self, block: u32) -> Option<usize> {
        let offset = self.offset_of(block)?;
        Some(usize::try_from((self.size - offset).min(self.block_bytes)).expect("a block fits into memory"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_the_boundaries() {
        let b = BLOCK_BYTES_MIN;
        for (size, blocks, last) in [(0, 1, 0), (1, 1, 1), (b - 1, 1, b - 1), (b, 1, b), (b + 1, 2, 1), (5 * b, 5, b)] {
            let g = Geometry::of(size);
            assert_eq!(g.blocks(), blocks, "{size}");
            assert_eq!(g.bytes_of(blocks - 1), Some(usize::try_from(last).expect("small")));
            assert_eq!(g.bytes_of(blocks), None);
        }
    }

    #[test]
    fn even_the_largest_file_has_a_bounded_list() {
        for size in [256 << 30, (256 << 30) + 1, 1 << 53, u64::MAX] {
            let g = Geometry::of(size);
            assert!(u64::from(g.blocks()) <= Geometry::LIST_BLOCKS_MAX);
            let total: u64 =
                (g.blocks() - 1) as u64 * g.block_bytes() + g.bytes_of(g.blocks() - 1).expect("last") as u64;
            assert_eq!(total, size);
        }
    }
}
