//! The rows of a result as a person sees them: one a content, whoever shares it, and below it its copies while it is
//! open. Only what is loaded is grouped; whoever shows it says so. Pure.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use potok_core::model::hash::ContentHash;
use potok_core::model::username::Username;
use potok_core::protocol::reply::{FileLine, FolderEntry};

use crate::model::pages::RowEdit;
use crate::model::row_order::{self, RowOrder};

/// Contents whose copies are shown.
pub type OpenContents = BTreeSet<ContentHash>;

/// Copies that are looked through for names of people; a row has room for a few.
const NAMED_COPIES_MAX: usize = 64;

/// What a row of a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A folder, or a file that has no copy among the rows.
    Single,
    /// A content of several files.
    Content {
        /// Its copies stand below it.
        is_open: bool,
    },
    /// One file of the content above.
    Copy,
}

/// Which files are one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Those of one content, wherever they are.
    Content,
    /// Those of one content and one path: a folder shows every name that is in it.
    ContentAndPath,
}

/// How rows are put together and sorted.
#[derive(Debug, Clone, Copy)]
pub struct Arrangement<'a> {
    /// Which files are one row.
    pub grouping: Grouping,
    /// By which column; [`None`]: as they come.
    pub order: Option<RowOrder>,
    /// What is open.
    pub open: &'a OpenContents,
}

/// Rows by their places among those that are loaded.
#[derive(Debug, Default)]
pub struct ShownRows {
    loaded: usize,
    lines: Vec<Line>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    row: u32,
    group: Option<u32>,
    is_copy: bool,
}

/// At least two files of one content.
#[derive(Debug)]
struct Group {
    /// In the order of paths.
    rows: Vec<u32>,
    people: u32,
    is_open: bool,
}

/// What two files must have alike to be one row.
type Key<'a> = (ContentHash, u64, &'a str);

impl ShownRows {
    /// Puts the rows together.
    pub fn new(rows: &[FolderEntry], arrangement: Arrangement<'_>) -> Self {
        let (mut heads, mut groups) = group(rows, arrangement.grouping);
        for group in &mut groups {
            group.people = people_of(rows, &group.rows);
            group.is_open = hash_of(rows, group.rows[0]).is_some_and(|hash| arrangement.open.contains(&hash));
        }
        if let Some(order) = arrangement.order {
            let mut head_of: HashMap<u32, Line> = heads.iter().map(|head| (head.row, *head)).collect();
            let people =
                |row: u32| head_of.get(&row).and_then(|head| head.group).map_or(1, |g| groups[g as usize].people);
            let sorted = row_order::sorted(rows, heads.iter().map(|head| head.row).collect(), order, people);
            heads = sorted.into_iter().filter_map(|row| head_of.remove(&row)).collect();
        }
        let mut shown = Self { loaded: rows.len(), lines: Vec::with_capacity(heads.len()), groups };
        for head in heads {
            shown.lines.push(head);
            if let Some(group) = shown.group_of(head).filter(|group| group.is_open) {
                let copies: Vec<Line> =
                    group.rows.iter().map(|row| Line { row: *row, is_copy: true, ..head }).collect();
                shown.lines.extend(copies);
            }
        }
        shown
    }

    /// How many rows are shown.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many loaded rows it is made of.
    pub fn loaded(&self) -> usize {
        self.loaded
    }

    /// How many contents have several files here, and how many files these are.
    pub fn grouped(&self) -> (usize, usize) {
        let groups = self.groups.iter().filter(|group| !group.rows.is_empty());
        groups.fold((0, 0), |(count, files), group| (count + 1, files + group.rows.len()))
    }

    /// Which of the loaded rows stands here; of a content, its first file.
    pub fn row(&self, at: usize) -> Option<usize> {
        self.lines.get(at).map(|line| line.row as usize)
    }

    /// What stands here.
    pub fn kind(&self, at: usize) -> RowKind {
        match self.lines.get(at) {
            Some(Line { is_copy: true, .. }) => RowKind::Copy,
            Some(line) => match self.group_of(*line) {
                Some(group) => RowKind::Content { is_open: group.is_open },
                None => RowKind::Single,
            },
            None => RowKind::Single,
        }
    }

    /// Loaded rows that this row stands for: all files of a content, or the one.
    pub fn files(&self, at: usize) -> &[u32] {
        let Some(line) = self.lines.get(at) else { return &[] };
        match self.group_of(*line).filter(|_| !line.is_copy) {
            Some(group) => &group.rows,
            None => std::slice::from_ref(&line.row),
        }
    }

    /// How many people have what stands here, of those that are loaded.
    pub fn people(&self, at: usize) -> u32 {
        let line = self.lines.get(at).filter(|line| !line.is_copy);
        line.and_then(|line| self.group_of(*line)).map_or(1, |group| group.people)
    }

    /// The first of the people who have what stands here, each once.
    pub fn names<'a>(&self, rows: &'a [FolderEntry], at: usize, most: usize) -> Vec<&'a Username> {
        let mut names: Vec<&Username> = Vec::new();
        for row in self.files(at).iter().take(NAMED_COPIES_MAX) {
            let Some(name) = rows.get(*row as usize).and_then(row_order::username_of) else { continue };
            if names.len() < most && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The row of the content that a copy belongs to, or the row itself.
    pub fn head(&self, at: usize) -> usize {
        (0..=at).rev().find(|above| self.lines.get(*above).is_some_and(|line| !line.is_copy)).unwrap_or(at)
    }

    /// A row came into the loaded ones: where it is shown. `is_before` says which of the others come before it. Equal
    /// contents are put together later, all at once.
    pub fn insert(&mut self, row: usize, is_before: impl Fn(usize) -> bool) -> Option<usize> {
        let row = u32::try_from(row).ok()?;
        self.loaded += 1;
        self.renumber(|other| if other >= row { other + 1 } else { other });
        // Copies do not stand in the order of the list: only the rows above them are compared.
        let (mut from, mut to) = (0, self.lines.len());
        while from < to {
            let head = self.head(from + (to - from) / 2).max(from);
            if is_before(self.lines[head].row as usize) {
                let copies = self.lines[head + 1..].iter().take_while(|line| line.is_copy).count();
                from = head + 1 + copies;
            } else {
                to = head;
            }
        }
        self.lines.insert(from, Line { row, group: None, is_copy: false });
        Some(from)
    }

    /// A row went from the loaded ones, which are these now: what went from the shown ones.
    pub fn remove(&mut self, rows: &[FolderEntry], row: usize) -> Vec<RowEdit> {
        let Ok(row) = u32::try_from(row) else { return Vec::new() };
        let mut edits = Vec::new();
        self.loaded = self.loaded.saturating_sub(1);
        let group = self.groups.iter().position(|group| group.rows.contains(&row));
        let Some(group) = group else {
            self.take_line(|line| line.row == row, &mut edits);
            self.renumber(|other| if other > row { other - 1 } else { other });
            return edits;
        };
        let id = u32::try_from(group).ok();
        self.take_line(|line| line.is_copy && line.row == row, &mut edits);
        self.groups[group].rows.retain(|other| *other != row);
        let is_alone = self.groups[group].rows.len() == 1;
        let first = self.groups[group].rows.first().copied();
        if let Some(head) = self.lines.iter_mut().find(|line| line.group == id && !line.is_copy) {
            head.row = first.unwrap_or(head.row);
            if is_alone {
                head.group = None;
            }
        }
        if is_alone {
            self.take_line(|line| line.is_copy && line.group == id, &mut edits);
            self.groups[group].rows.clear();
        }
        self.renumber(|other| if other > row { other - 1 } else { other });
        let people = people_of(rows, &self.groups[group].rows);
        self.groups[group].people = people;
        edits
    }

    /// Where each row of an older arrangement is now, when the loaded rows have moved like this; `None` if all of them
    /// stand where they stood. What is now among the copies of something is where that is.
    pub fn since(&self, before: &Self, moved: &[RowEdit]) -> Option<RowEdit> {
        let mut places: HashMap<u32, (u32, Option<u32>)> = HashMap::with_capacity(self.lines.len());
        for (at, line) in (0..).zip(&self.lines) {
            if line.is_copy {
                places.entry(line.row).and_modify(|place| place.1 = Some(at));
                continue;
            }
            for row in self.group_of(*line).map_or(std::slice::from_ref(&line.row), |group| &group.rows) {
                places.insert(*row, (at, None));
            }
        }
        let now = |row: u32| {
            let row = moved.iter().try_fold(row as usize, |row, edit| edit.moved(row))?;
            places.get(&u32::try_from(row).ok()?).copied()
        };
        let place = |line: &Line| match before.group_of(*line) {
            _ if line.is_copy => now(line.row).map(|(head, copy)| copy.unwrap_or(head)),
            Some(group) => group.rows.iter().find_map(|row| now(*row)).map(|(head, _)| head),
            None => now(line.row).map(|(head, _)| head),
        };
        let map: Vec<Option<u32>> = before.lines.iter().map(place).collect();
        let is_still = (0..).zip(&map).all(|(at, place)| *place == Some(at));
        (!is_still).then_some(RowEdit::Mapped(map))
    }

    fn group_of(&self, line: Line) -> Option<&Group> {
        line.group.and_then(|group| self.groups.get(group as usize))
    }

    fn take_line(&mut self, is_meant: impl Fn(&Line) -> bool, edits: &mut Vec<RowEdit>) {
        if let Some(at) = self.lines.iter().position(is_meant) {
            self.lines.remove(at);
            edits.push(RowEdit::Removed(at));
        }
    }

    fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        let grouped = self.groups.iter_mut().flat_map(|group| &mut group.rows);
        for row in self.lines.iter_mut().map(|line| &mut line.row).chain(grouped) {
            *row = number(*row);
        }
    }
}

/// One line a content, in the order of its first file.
fn group(rows: &[FolderEntry], grouping: Grouping) -> (Vec<Line>, Vec<Group>) {
    let mut known: HashMap<Key<'_>, usize> = HashMap::with_capacity(rows.len());
    let mut heads: Vec<Line> = Vec::with_capacity(rows.len());
    let mut groups: Vec<Group> = Vec::new();
    for (row, entry) in (0..).zip(rows) {
        let place = heads.len();
        let head = match key_of(entry, grouping).map(|key| known.entry(key)) {
            Some(Entry::Occupied(first)) => &mut heads[*first.get()],
            Some(Entry::Vacant(new)) => {
                new.insert(place);
                heads.push(Line { row, group: None, is_copy: false });
                continue;
            }
            None => {
                heads.push(Line { row, group: None, is_copy: false });
                continue;
            }
        };
        let group = *head.group.get_or_insert_with(|| {
            groups.push(Group { rows: vec![head.row], people: 1, is_open: false });
            u32::try_from(groups.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(group) = groups.get_mut(group as usize) {
            group.rows.push(row);
        }
    }
    (heads, groups)
}

fn key_of(entry: &FolderEntry, grouping: Grouping) -> Option<Key<'_>> {
    let FolderEntry::File(FileLine { hash: Some(hash), size: Some(size), path, .. }) = entry else { return None };
    // Empty files are alike in nothing but that.
    let is_by_path = grouping == Grouping::ContentAndPath || *size == 0;
    Some((*hash, *size, if is_by_path { path.as_str() } else { "" }))
}

fn hash_of(rows: &[FolderEntry], row: u32) -> Option<ContentHash> {
    match rows.get(row as usize)? {
        FolderEntry::File(file) => file.hash,
        FolderEntry::Folder(_) => None,
    }
}

fn people_of(rows: &[FolderEntry], of: &[u32]) -> u32 {
    let names: HashSet<&Username> =
        of.iter().filter_map(|row| rows.get(*row as usize)).filter_map(row_order::username_of).collect();
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
