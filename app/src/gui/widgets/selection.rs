//! Which rows of a table are chosen, as in any file manager.

use std::collections::BTreeMap;

use crate::gui::widgets::chosen::Chosen;
use crate::model::pages::RowEdit;

/// What is chosen.
#[derive(Debug, Default, Clone)]
pub struct RowSelection {
    /// Rows, by place.
    pub rows: Chosen,
    anchor: usize,
    pub(super) head: usize,
}

impl RowSelection {
    /// This one alone.
    pub fn only(&mut self, row: usize) {
        self.rows = Chosen::from(row..row + 1);
        (self.anchor, self.head) = (row, row);
    }

    /// Selects nothing from now on.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keeps to what was chosen when it is in other rows than before.
    pub fn follow<T: Ord + Clone>(&mut self, old: &[T], new: &[T]) {
        if self.rows.is_empty() {
            return;
        }
        let places: BTreeMap<&T, usize> = new.iter().enumerate().map(|(at, of)| (of, at)).collect();
        let now = |row: usize| old.get(row).and_then(|of| places.get(of)).copied();
        self.rows = self.rows.iter().filter_map(now).collect();
        let first = self.rows.first().unwrap_or(0);
        self.anchor = now(self.anchor).unwrap_or(first);
        self.head = now(self.head).unwrap_or(first);
    }

    /// Keeps to what was chosen when rows come or go.
    pub fn moved(&mut self, edit: &RowEdit) {
        if self.rows.is_empty() {
            return;
        }
        match edit {
            RowEdit::Inserted(at) => self.rows.make_room(*at),
            RowEdit::Removed(at) => self.rows.close(*at),
            RowEdit::Mapped(_) => self.rows = self.rows.iter().filter_map(|row| edit.moved(row)).collect(),
        }
        let first = self.rows.first().unwrap_or(0);
        self.anchor = edit.moved(self.anchor).unwrap_or(first);
        self.head = edit.moved(self.head).unwrap_or(first);
    }

    /// The row that the keyboard is at.
    pub fn head(&self) -> Option<usize> {
        (!self.rows.is_empty()).then_some(self.head)
    }

    pub(super) fn toggle(&mut self, row: usize) {
        self.rows.toggle(row);
        (self.anchor, self.head) = (row, row);
    }

    pub(super) fn extend_to(&mut self, row: usize) {
        self.rows = Chosen::from(self.anchor.min(row)..self.anchor.max(row) + 1);
        self.head = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_stays_when_rows_come_and_go() {
        let chosen = |edits: &[RowEdit]| {
            let mut selection = RowSelection::default();
            selection.only(3);
            selection.extend_to(5);
            edits.iter().for_each(|edit| selection.moved(edit));
            (selection.rows.iter().collect::<Vec<_>>(), selection.head())
        };
        for (edits, rows, head) in [
            (vec![RowEdit::Inserted(3)], vec![4, 5, 6], Some(6)),
            (vec![RowEdit::Inserted(4)], vec![3, 5, 6], Some(6)),
            (vec![RowEdit::Inserted(6)], vec![3, 4, 5], Some(5)),
            (vec![RowEdit::Removed(0)], vec![2, 3, 4], Some(4)),
            (vec![RowEdit::Removed(4)], vec![3, 4], Some(4)),
            (vec![RowEdit::Removed(5)], vec![3, 4], Some(3)),
            (vec![RowEdit::Removed(3), RowEdit::Removed(3), RowEdit::Removed(3)], vec![], None),
            (vec![RowEdit::Mapped(vec![Some(5), Some(4), Some(3), Some(2), None, Some(0)])], vec![0, 2], Some(0)),
        ] {
            assert_eq!(chosen(&edits), (rows, head), "{edits:?}");
        }
    }

    #[test]
    fn what_is_chosen_moves_with_its_rows() {
        let mut selection = RowSelection::default();
        selection.only(1);
        selection.extend_to(2);
        selection.follow(&["a", "b", "c"], &["c", "x", "a"]);
        assert_eq!((selection.rows.iter().collect::<Vec<_>>(), selection.head()), (vec![0], Some(0)));
        selection.follow(&["c", "x", "a"], &[]);
        assert_eq!(selection.head(), None);
    }
}
