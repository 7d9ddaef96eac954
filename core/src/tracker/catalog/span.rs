//! A run of shares as it was at one moment: found in by bisection, and added up by the sums of whole leaves.

use std::sync::Arc;

use crate::tracker::catalog::leaf::Leaf;
use crate::tracker::catalog::leaf_row::Leaves;
use crate::tracker::catalog::sum::ShareSum;

/// Rows of leaves in order, each of one segment. None is empty.
#[derive(Debug)]
pub(super) struct Span {
    rows: Vec<Leaves>,
}

/// A place in a span: before this share of this leaf of this row. Behind the last share of a leaf is a place, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SpanPlace {
    pub(super) row: usize,
    pub(super) leaf: usize,
    pub(super) at: usize,
}

impl Span {
    pub(super) fn new(rows: Vec<Leaves>) -> Self {
        Self { rows }
    }

    /// The leaf with the share at a place, or behind it; moves the place to that share.
    pub(super) fn leaf_at(&self, place: &mut SpanPlace) -> Option<&Arc<Leaf>> {
        loop {
            let row = self.rows.get(place.row)?;
            match row.get(place.leaf) {
                Some(leaf) if place.at < leaf.len() => return row.get(place.leaf),
                Some(_) => *place = SpanPlace { leaf: place.leaf + 1, at: 0, ..*place },
                None => *place = SpanPlace { row: place.row + 1, leaf: 0, at: 0 },
            }
        }
    }

    /// Where the shares end that begin with `prefix`, of which there is one at `from`.
    pub(super) fn end_of(&self, from: SpanPlace, prefix: &str) -> SpanPlace {
        let begins = |leaf: &Leaf, at: usize| leaf.path(at).starts_with(prefix);
        let row = &self.rows[from.row];
        let within = |row: usize, leaf: usize, at: usize| {
            let leaves = &self.rows[row][leaf];
            SpanPlace { row, leaf, at: at + leading(leaves.len() - at, |n| begins(leaves, at + n)) }
        };
        let ahead = &row[from.leaf + 1..];
        let leaves = leading(ahead.len(), |n| begins(&ahead[n], 0));
        let rows = &self.rows[from.row + 1..];
        let rows = if leaves < ahead.len() { 0 } else { leading(rows.len(), |n| begins(&rows[n][0], 0)) };
        if rows == 0 {
            let at = if leaves == 0 { from.at } else { 0 };
            return within(from.row, from.leaf + leaves, at);
        }
        let last = from.row + rows;
        let others = &self.rows[last][1..];
        within(last, leading(others.len(), |n| begins(&others[n], 0)), 0)
    }

    /// What the shares between two places are together, and how many leaves and shares were looked at for it.
    pub(super) fn sum(&self, from: SpanPlace, to: SpanPlace) -> (ShareSum, usize) {
        let mut sum = ShareSum::default();
        let mut looked = 0;
        let mut row = from.row;
        let mut leaf = from.leaf;
        let mut at = from.at;
        while row < to.row {
            let leaves = &self.rows[row];
            if at > 0 {
                looked += leaves.get(leaf).map_or(0, |leaf| add_part(&mut sum, leaf, at, leaf.len()));
                leaf += 1;
            }
            let whole = leaves.sums().get(leaf..).unwrap_or_default();
            whole.iter().for_each(|leaf| sum.add_leaf(leaf));
            looked += whole.len();
            (row, leaf, at) = (row + 1, 0, 0);
        }
        let Some(leaves) = self.rows.get(row) else { return (sum, looked) };
        if at > 0 && leaf < to.leaf {
            looked += leaves.get(leaf).map_or(0, |leaf| add_part(&mut sum, leaf, at, leaf.len()));
            (leaf, at) = (leaf + 1, 0);
        }
        let whole = leaves.sums().get(leaf..to.leaf).unwrap_or_default();
        whole.iter().for_each(|leaf| sum.add_leaf(leaf));
        looked += whole.len();
        looked += leaves.get(to.leaf).map_or(0, |leaf| add_part(&mut sum, leaf, at, to.at));
        (sum, looked)
    }
}

/// Adds the shares of a leaf between two places; returns how many they are.
fn add_part(sum: &mut ShareSum, leaf: &Leaf, from: usize, to: usize) -> usize {
    leaf.add_some(sum, leaf.all() >> from << from & ((1 << to) - 1));
    to - from
}

/// How many of so many things in a row, the first ones, have something that none behind them has. Few are found sooner
/// than many.
fn leading(len: usize, has: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (0, 1);
    while low + step <= len && has(low + step - 1) {
        low += step;
        step *= 2;
    }
    // The last one looked at, if there was one, has it not.
    let mut high = len.min(low + step - 1);
    while low < high {
        let middle = low.midpoint(high);
        if has(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_are_counted() {
        for len in 0..70 {
            for count in 0..=len {
                assert_eq!(leading(len, |n| n < count), count, "of {len}");
            }
        }
    }
}
