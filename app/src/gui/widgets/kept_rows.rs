//! The rows of a list that is made anew in every frame, known by what they are: what is chosen and where one is stay with
//! them, whatever comes and goes.

use std::collections::BTreeMap;
use std::ops::Range;

use eframe::egui::Context;

use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::{scroll, table};

/// What is chosen in a list, and what its rows were when it was drawn last.
#[derive(Debug)]
pub struct KeptRows<K> {
    /// What is chosen.
    pub selection: RowSelection,
    keys: Vec<K>,
    view: Range<usize>,
}

impl<K> Default for KeptRows<K> {
    fn default() -> Self {
        Self { selection: RowSelection::default(), keys: Vec::new(), view: 0..0 }
    }
}

impl<K: Ord + Clone> KeptRows<K> {
    /// These are the rows from now on of the table of this name.
    pub fn follow(&mut self, ctx: &Context, table: &str, now: Vec<K>) {
        if now == self.keys {
            return;
        }
        if let Some((from, to)) = self.moved(&now) {
            scroll::shift(ctx, table::scroll_id(table), from, to);
        }
        self.selection.follow(&self.keys, &now);
        self.keys = now;
    }

    /// These rows are in view.
    pub fn saw(&mut self, view: Range<usize>) {
        self.view = view;
    }

    /// The rows that are in view.
    pub fn view(&self) -> &Range<usize> {
        &self.view
    }

    /// What the row is in which the keyboard is.
    pub fn head(&self) -> Option<&K> {
        self.keys.get(self.selection.head()?)
    }

    /// From where to where the first row in view goes that is still there. At the top what comes is seen coming, and rows
    /// that change places among themselves, as in a table that is sorted by speed, take nobody along.
    fn moved(&self, now: &[K]) -> Option<(usize, usize)> {
        let seen: BTreeMap<&K, usize> = self.view.clone().filter_map(|row| Some((self.keys.get(row)?, row))).collect();
        if self.view.start == 0 || seen.is_empty() {
            return None;
        }
        let places: Vec<(usize, usize)> =
            now.iter().enumerate().filter_map(|(to, key)| Some((*seen.get(key)?, to))).collect();
        let in_order = places.is_sorted_by_key(|(from, _)| *from);
        places.first().copied().filter(|(from, to)| in_order && from != to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_in_view_that_is_still_there_stays_where_it_is() {
        let kept = |view: Range<usize>| KeptRows {
            selection: RowSelection::default(),
            keys: vec!["a", "b", "c", "d", "e"],
            view,
        };
        for (view, now, moved) in [
            (1..4, &["a", "b", "c", "d", "e"][..], None),
            (1..4, &["0", "1", "a", "b", "c", "d", "e"], Some((1, 3))),
            (1..4, &["a", "c", "d", "e"], Some((2, 1))),
            (1..4, &["a", "b", "x", "c", "d", "e"], None),
            (1..4, &["0", "a", "x", "d", "e"], None),
            (2..4, &["0", "a", "d", "e"], Some((3, 2))),
            // At the top, and where rows change places.
            (0..3, &["0", "a", "b", "c"], None),
            (1..4, &["d", "c", "b", "a", "e"], None),
            (1..4, &["x", "y"], None),
            (1..4, &[], None),
        ] {
            assert_eq!(kept(view.clone()).moved(now), moved, "{view:?} {now:?}");
        }
    }
}
