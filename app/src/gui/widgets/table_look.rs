//! How a person wants tables to look: which columns they show, how wide, sorted by what. Columns are known by name, so
//! that it survives other columns, another language, and the end of the program (`tables.toml` in the data folder).
//!
//! Nothing depends on it: a file that cannot be read or written is as good as none.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::settings_file::write_atomically;

const LOOKS_FILE: &str = "tables.toml";
/// A file that is longer is none of ours, in bytes.
const LOOKS_BYTES_MAX: u64 = 64 * 1024;
/// Narrower columns cannot be caught again, in points.
pub const COLUMN_WIDTH_MIN: f32 = 48.0;
/// Wider ones push everything else out of any window, in points.
const COLUMN_WIDTH_MAX: f32 = 1200.0;
/// Less is too little for a name: columns that may go make room, in points.
pub const REST_MIN: f32 = 180.0;

/// A name has this before other columns keep their whole width, in points.
const REST_GOOD: f32 = 230.0;
/// What a name has beyond this is shared with columns that grow, in points.
const REST_WIDE: f32 = 480.0;

/// A column as far as its place goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnPlace {
    /// By which it is remembered.
    pub name: &'static str,
    /// Its width as long as nobody changed it, in points; 0 takes what is left.
    pub width: f32,
    /// 0 stays; in a narrow window the largest numbers go first.
    pub drop: u8,
    /// Shown only to those who choose it.
    pub is_extra: bool,
    /// Its width where names need the room, in points.
    pub least: f32,
    /// In a wide window it gets some of what names do not need.
    pub grows: bool,
}

/// What a person changed about one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableLook {
    widths: BTreeMap<String, f32>,
    shown: BTreeMap<String, bool>,
    sorted: Option<Sorted>,
}

/// What rows are sorted by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sorted {
    /// The name of the column.
    pub column: String,
    /// From the largest down.
    pub is_descending: bool,
}

/// What a person changed about all tables, by their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableLooks(BTreeMap<String, TableLook>);

impl TableLooks {
    /// As it was saved, if it ever was.
    pub fn load(data_dir: &Path) -> Self {
        let path = data_dir.join(LOOKS_FILE);
        if std::fs::metadata(&path).is_ok_and(|file| file.len() > LOOKS_BYTES_MAX) {
            return Self::default();
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut looks: Self = toml::from_str(&text).unwrap_or_default();
        for look in looks.0.values_mut() {
            look.widths.retain(|_, width| width.is_finite());
            look.widths.values_mut().for_each(|width| *width = width.clamp(COLUMN_WIDTH_MIN, COLUMN_WIDTH_MAX));
        }
        looks
    }

    /// Saves it, if the disk lets us.
    pub fn save(&self, data_dir: &Path) {
        if let Ok(text) = toml::to_string(self) {
            // The next start shows tables as they are by default.
            let _ = write_atomically(&data_dir.join(LOOKS_FILE), &text);
        }
    }

    /// That of the table with this name.
    pub fn of(&mut self, table: &str) -> &mut TableLook {
        self.0.entry(table.to_owned()).or_default()
    }
}

impl TableLook {
    /// Whether a column is shown, if there is room for it.
    pub fn is_shown(&self, column: &ColumnPlace) -> bool {
        self.shown.get(column.name).copied().unwrap_or(!column.is_extra)
    }

    /// Shows a column from now on, or no longer.
    pub fn show(&mut self, column: &ColumnPlace, is_shown: bool) {
        if is_shown == column.is_extra {
            self.shown.insert(column.name.to_owned(), is_shown);
        } else {
            self.shown.remove(column.name);
        }
    }

    /// What rows are sorted by, if the person chose something.
    pub fn sorted(&self) -> Option<&Sorted> {
        self.sorted.as_ref()
    }

    /// The title of a column was clicked: up, down, and back to the order that rows have by themselves.
    pub fn sort_next(&mut self, column: &str) {
        self.sorted = match self.sorted.take() {
            Some(sorted) if sorted.column == column && sorted.is_descending => None,
            Some(sorted) if sorted.column == column => Some(Sorted { is_descending: true, ..sorted }),
            _ => Some(Sorted { column: column.to_owned(), is_descending: false }),
        };
    }

    /// What each column gets of so many points; 0 if it is not shown, or there is no room for it.
    pub fn widths(&self, columns: &[ColumnPlace], available: f32) -> Vec<f32> {
        let wanted = |column: &ColumnPlace| match self.widths.get(column.name) {
            _ if !self.is_shown(column) => 0.0,
            Some(width) if column.width > 0.0 => *width,
            _ => column.width,
        };
        let mut widths: Vec<f32> = columns.iter().map(wanted).collect();
        while available - widths.iter().sum::<f32>() < REST_MIN {
            let there = columns.iter().zip(&widths).enumerate();
            let first = there.filter(|(_, (column, width))| column.drop > 0 && **width > 0.0);
            let Some((at, (column, _))) = first.max_by_key(|(_, (column, _))| column.drop) else { break };
            // The last one goes only where narrower columns do not help.
            if column.drop == 1 && available - self.narrowest(columns, &widths) >= REST_MIN {
                break;
            }
            widths[at] = 0.0;
        }
        self.share_out(columns, &mut widths, available);
        let rest = (available - widths.iter().sum::<f32>()).max(REST_MIN / 2.0);
        for (width, column) in widths.iter_mut().zip(columns) {
            if column.width == 0.0 {
                *width = rest;
            }
        }
        widths
    }

    /// What these columns take at least; those that somebody made wider or narrower stay as they are.
    fn narrowest(&self, columns: &[ColumnPlace], widths: &[f32]) -> f32 {
        let least = |(column, width): (&ColumnPlace, &f32)| {
            let is_free = *width > 0.0 && !self.widths.contains_key(column.name);
            if is_free { width.min(column.least) } else { *width }
        };
        columns.iter().zip(widths).map(least).sum()
    }

    /// Columns that nobody made wider or narrower give names what they need, and grow where names have enough.
    fn share_out(&self, columns: &[ColumnPlace], widths: &mut [f32], available: f32) {
        let rest = available - widths.iter().sum::<f32>();
        let is_free = |column: &ColumnPlace| !self.widths.contains_key(column.name);
        let mut free: Vec<(&mut f32, &ColumnPlace)> =
            widths.iter_mut().zip(columns).filter(|(width, column)| **width > 0.0 && is_free(column)).collect();
        let spare: f32 = free.iter().map(|(width, column)| **width - column.least).sum();
        if rest < REST_GOOD && spare > 0.0 {
            let part = ((REST_GOOD - rest) / spare).min(1.0);
            free.iter_mut().for_each(|(width, column)| **width -= (**width - column.least) * part);
        } else if rest > REST_WIDE {
            free.retain(|(_, column)| column.grows);
            let growing: f32 = free.iter().map(|(width, _)| **width).sum();
            let part = ((rest - REST_WIDE) / 2.0 / growing.max(1.0)).min(1.0);
            free.iter_mut().for_each(|(width, _)| **width += **width * part);
        }
    }

    /// Moves the edge behind a column by so many points: it and the next one that is shown trade what one gets and the
    /// other loses. `widths` are those that they have now.
    pub fn move_edge(&mut self, columns: &[ColumnPlace], widths: &[f32], left: usize, by: f32) {
        let Some(right) = (left + 1..columns.len()).find(|at| widths[*at] > 0.0) else { return };
        let least = |at: usize| if columns[at].width == 0.0 { REST_MIN } else { COLUMN_WIDTH_MIN };
        let (narrowest, widest) = (least(left) - widths[left], widths[right] - least(right));
        if narrowest > widest {
            return;
        }
        let by = by.clamp(narrowest.min(0.0), widest.max(0.0));
        for (at, width) in [(left, widths[left] + by), (right, widths[right] - by)] {
            if columns[at].width > 0.0 {
                self.widths.insert(columns[at].name.to_owned(), width.clamp(COLUMN_WIDTH_MIN, COLUMN_WIDTH_MAX));
            }
        }
    }

    /// These two columns are as wide as they are by default.
    pub fn reset_edge(&mut self, columns: &[ColumnPlace], widths: &[f32], left: usize) {
        let right = (left + 1..columns.len()).find(|at| widths[*at] > 0.0);
        for at in [Some(left), right].into_iter().flatten() {
            self.widths.remove(columns[at].name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [ColumnPlace; 5] = [
        ColumnPlace { name: "name", width: 0.0, drop: 0, is_extra: false, least: 0.0, grows: false },
        ColumnPlace { name: "size", width: 100.0, drop: 3, is_extra: false, least: 100.0, grows: false },
        ColumnPlace { name: "person", width: 120.0, drop: 2, is_extra: false, least: 120.0, grows: false },
        ColumnPlace { name: "time", width: 80.0, drop: 1, is_extra: true, least: 80.0, grows: false },
        ColumnPlace { name: "buttons", width: 80.0, drop: 0, is_extra: false, least: 80.0, grows: false },
    ];

    #[test]
    fn columns_get_what_there_is() {
        let mut look = TableLook::default();
        assert_eq!(look.widths(&COLUMNS, 700.0), [400.0, 100.0, 120.0, 0.0, 80.0]);
        assert_eq!(look.widths(&COLUMNS, 400.0), [200.0, 0.0, 120.0, 0.0, 80.0], "the largest number goes first");
        assert_eq!(look.widths(&COLUMNS, 100.0), [90.0, 0.0, 0.0, 0.0, 80.0], "what stays, stays");
        look.show(&COLUMNS[3], true);
        look.show(&COLUMNS[1], false);
        assert_eq!(look.widths(&COLUMNS, 700.0), [420.0, 0.0, 120.0, 80.0, 80.0]);
        look.show(&COLUMNS[3], false);
        look.show(&COLUMNS[1], true);
        assert_eq!(look, TableLook::default(), "what is as it was is not remembered");
    }

    #[test]
    fn names_are_given_room_and_give_it_back() {
        let mut columns = COLUMNS;
        columns[1].least = 60.0;
        columns[2].least = 80.0;
        columns[2].grows = true;
        let mut look = TableLook::default();
        assert_eq!(look.widths(&columns, 520.0), [230.0, 95.0, 115.0, 0.0, 80.0], "as much as names need");
        assert_eq!(look.widths(&columns, 480.0), [230.0, 75.0, 95.0, 0.0, 80.0]);
        assert_eq!(look.widths(&columns, 840.0), [510.0, 100.0, 150.0, 0.0, 80.0], "half of what is more than enough");
        assert_eq!(look.widths(&columns, 4_000.0)[2], 240.0, "twice as wide at most");
        look.move_edge(&columns, &look.widths(&columns, 840.0), 1, 0.0);
        assert_eq!(look.widths(&columns, 480.0)[2], 150.0, "what somebody made it stays");
    }

    #[test]
    fn the_last_column_that_may_go_is_made_narrower_first() {
        let mut columns = COLUMNS;
        columns[2].drop = 1;
        columns[2].least = 80.0;
        let mut look = TableLook::default();
        assert_eq!(look.widths(&columns, 350.0), [190.0, 0.0, 80.0, 0.0, 80.0]);
        assert_eq!(look.widths(&columns, 330.0), [250.0, 0.0, 0.0, 0.0, 80.0], "names need more than that leaves");
        look.move_edge(&columns, &look.widths(&columns, 700.0), 1, 0.0);
        assert_eq!(look.widths(&columns, 350.0), [270.0, 0.0, 0.0, 0.0, 80.0], "what somebody made it stays, or goes");
    }

    #[test]
    fn an_edge_moves_between_its_two_columns() {
        for (left, by, expected) in [
            (0, 30.0, [430.0, 70.0, 120.0, 0.0, 80.0]),
            (0, -30.0, [370.0, 130.0, 120.0, 0.0, 80.0]),
            (0, 500.0, [452.0, COLUMN_WIDTH_MIN, 120.0, 0.0, 80.0]),
            (0, -500.0, [REST_MIN, 320.0, 120.0, 0.0, 80.0]),
            (1, 20.0, [400.0, 120.0, 100.0, 0.0, 80.0]),
            (2, -200.0, [400.0, 100.0, COLUMN_WIDTH_MIN, 0.0, 152.0]),
            (4, 20.0, [400.0, 100.0, 120.0, 0.0, 80.0]),
        ] {
            let mut look = TableLook::default();
            let widths = look.widths(&COLUMNS, 700.0);
            look.move_edge(&COLUMNS, &widths, left, by);
            assert_eq!(look.widths(&COLUMNS, 700.0), expected, "edge {left} by {by}");
            look.reset_edge(&COLUMNS, &widths, left);
            assert_eq!(look.widths(&COLUMNS, 700.0), [400.0, 100.0, 120.0, 0.0, 80.0]);
        }
    }

    #[test]
    fn a_title_sorts_up_and_down_and_no_more() {
        let mut look = TableLook::default();
        let sorted = |look: &TableLook| look.sorted().map(|by| (by.column.clone(), by.is_descending));
        look.sort_next("size");
        assert_eq!(sorted(&look), Some(("size".into(), false)));
        look.sort_next("size");
        assert_eq!(sorted(&look), Some(("size".into(), true)));
        look.sort_next("name");
        assert_eq!(sorted(&look), Some(("name".into(), false)));
        look.sort_next("name");
        look.sort_next("name");
        assert_eq!(sorted(&look), None);
    }

    #[test]
    fn looks_come_back_and_damage_does_not() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(TableLooks::load(folder.path()), TableLooks::default());
        let mut looks = TableLooks::default();
        let widths = looks.of("transfers").widths(&COLUMNS, 700.0);
        looks.of("transfers").move_edge(&COLUMNS, &widths, 0, 30.0);
        looks.of("transfers").show(&COLUMNS[3], true);
        looks.of("transfers").sort_next("size");
        looks.of("people").sort_next("name");
        looks.save(folder.path());
        assert_eq!(TableLooks::load(folder.path()), looks);
        let path = folder.path().join(LOOKS_FILE);
        std::fs::write(&path, "[transfers.widths]\nsize = nan\nperson = 9e9\n").expect("written");
        assert_eq!(
            TableLooks::load(folder.path()).of("transfers").widths.values().collect::<Vec<_>>(),
            [&COLUMN_WIDTH_MAX]
        );
        let long = format!("# {}\n[people]\n", "x".repeat(70_000));
        for bad in ["x", "[transfers]\nwidths = 5\n", &long] {
            std::fs::write(&path, bad).expect("written");
            assert_eq!(TableLooks::load(folder.path()), TableLooks::default(), "{bad}");
        }
    }
}
