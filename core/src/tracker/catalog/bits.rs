//! Bits of words.

/// Which bits are set, from the first to the last.
pub(super) fn bits_of(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(word, bits)| {
        let mut rest = *bits;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.checked_sub(1)?;
            Some(word * 64 + bit)
        })
    })
}

/// Moves the bits of a mask together (Hacker's Delight, 7-4), with what depends on the mask only worked out before.
pub(super) struct Pack {
    mask: u64,
    moves: [u64; 6],
}

impl Pack {
    pub(super) fn new(mask: u64) -> Self {
        let (mut rest, mut to_right) = (mask, !mask << 1);
        let moves = std::array::from_fn(|n| {
            let parity = (0..6).fold(to_right, |parity, n| parity ^ parity << (1 << n));
            let moved = parity & rest;
            rest = (rest ^ moved) | moved >> (1 << n);
            to_right &= !parity;
            moved
        });
        Self { mask, moves }
    }

    pub(super) fn apply(&self, bits: u64) -> u64 {
        let step = |bits: u64, (n, moved): (usize, &u64)| (bits & !moved) | (bits & moved) >> (1 << n);
        self.moves.iter().enumerate().fold(bits & self.mask, step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn packed_bits_keep_their_order(bits: u64, mask: u64) {
            let chosen: Vec<bool> = (0..64).filter(|n| mask >> n & 1 != 0).map(|n| bits >> n & 1 != 0).collect();
            let packed = Pack::new(mask).apply(bits);
            let expected = chosen.iter().enumerate().fold(0, |packed, (n, bit)| packed | u64::from(*bit) << n);
            proptest::prop_assert_eq!(packed, expected);
            let set: Vec<usize> = (0..64).filter(|n| bits >> n & 1 != 0).map(|n| n + 64).collect();
            proptest::prop_assert_eq!(bits_of(&[0, bits]).collect::<Vec<_>>(), set);
        }
    }
}
