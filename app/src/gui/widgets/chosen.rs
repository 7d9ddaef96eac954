//! Which rows of a table are chosen. Ranges, because all of a million rows can be chosen with one key.

use std::ops::Range;

/// Rows by place: ranges in order that neither touch nor overlap.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Chosen(Vec<Range<usize>>);

impl Chosen {
    /// How many rows are chosen.
    pub fn len(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The uppermost of the chosen rows.
    pub fn first(&self) -> Option<usize> {
        self.0.first().map(|range| range.start)
    }

    /// From the uppermost down.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().cloned().flatten()
    }

    /// Whether this row is.
    pub fn contains(&self, row: usize) -> bool {
        self.0.get(self.after(row)).is_some_and(|range| range.contains(&row))
    }

    /// Adds or takes away one row.
    pub fn toggle(&mut self, row: usize) {
        let at = self.after(row);
        match self.0.get(at).cloned() {
            Some(range) if range.contains(&row) => {
                let parts = [range.start..row, row + 1..range.end];
                self.0.splice(at..=at, parts.into_iter().filter(|part| !part.is_empty()));
            }
            _ => {
                self.0.insert(at, row..row + 1);
                self.0.dedup_by(|next, before| {
                    let touches = before.end == next.start;
                    if touches {
                        before.end = next.end;
                    }
                    touches
                });
            }
        }
    }

    /// A row came here that is not chosen; those behind it are one further.
    pub fn make_room(&mut self, row: usize) {
        let at = self.after(row);
        if let Some(range) = self.0.get(at).cloned().filter(|range| range.start < row) {
            self.0.splice(at..=at, [range.start..row, row..range.end]);
        }
        let from = self.0.partition_point(|range| range.start < row);
        for range in &mut self.0[from..] {
            *range = range.start + 1..range.end + 1;
        }
    }

    /// A row went from here; those behind it are one nearer.
    pub fn close(&mut self, row: usize) {
        let is_behind = |place: usize| usize::from(place > row);
        for range in &mut self.0 {
            *range = range.start - is_behind(range.start)..range.end - is_behind(range.end);
        }
        self.0.retain(|range| !range.is_empty());
        self.0.dedup_by(|next, before| {
            let touches = before.end == next.start;
            if touches {
                before.end = next.end;
            }
            touches
        });
    }

    /// Forgets rows from this one on: the table became shorter.
    pub fn truncate(&mut self, rows: usize) {
        self.0.retain_mut(|range| {
            range.end = range.end.min(rows);
            range.start < range.end
        });
    }

    /// The first range that ends behind this row.
    fn after(&self, row: usize) -> usize {
        self.0.partition_point(|range| range.end <= row)
    }
}

impl From<Range<usize>> for Chosen {
    fn from(range: Range<usize>) -> Self {
        Self(if range.is_empty() { Vec::new() } else { vec![range] })
    }
}

impl FromIterator<usize> for Chosen {
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        let mut rows: Vec<usize> = rows.into_iter().collect();
        rows.sort_unstable();
        rows.dedup();
        Self(rows.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_set(start in 0..20_usize, len in 0..20_usize, toggled in proptest::collection::vec(0..30_usize, 0..60), moved in proptest::collection::vec((0..40_usize, any::<bool>()), 0..20), cut in 0..40_usize) {
            let mut chosen = Chosen::from(start..start + len);
            let mut set: BTreeSet<usize> = (start..start + len).collect();
            for row in toggled {
                chosen.toggle(row);
                if !set.remove(&row) {
                    set.insert(row);
                }
                prop_assert!(chosen.0.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
            for row in moved {
                let moves = |place: usize| place + usize::from(place >= row.0);
                if row.1 {
                    chosen.make_room(row.0);
                    set = set.into_iter().map(moves).collect();
                } else {
                    chosen.close(row.0);
                    set = set.into_iter().filter(|place| *place != row.0).map(|place| place - usize::from(place > row.0)).collect();
                }
                prop_assert!(chosen.0.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
            chosen.truncate(cut);
            set.retain(|row| *row < cut);
            prop_assert!((0..40).all(|row| chosen.contains(row) == set.contains(&row)));
            prop_assert_eq!((chosen.len(), chosen.is_empty(), chosen.first()), (set.len(), set.is_empty(), set.first().copied()));
            prop_assert_eq!(&set.iter().copied().collect::<Chosen>(), &chosen);
            prop_assert!(chosen.iter().eq(set));
        }
    }
}
