//! All shares of a tracker in little memory: a million of them in about 20 MB.
//!
//! Paths are pressed in blocks of `BLOCK_ROWS`: neighbours in path order have most of their text in common. A size takes
//! four bytes, a person two, and a content none unless somebody else has it too.

use std::collections::HashMap;

pub use potok_core::model::file_kind::FileKind as Kind;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::protocol::reply::FileLine;

/// Paths that are pressed together: more are smaller, fewer are sooner read.
const BLOCK_ROWS: usize = 64;
/// Between the paths of a block; no path has it.
const PATH_END: u8 = b'\n';
/// A size that was not announced.
const NO_SIZE: u32 = u32::MAX;
/// A size that four bytes do not hold; it is in the table of large ones.
const LARGE_SIZE: u32 = u32::MAX - 1;
/// Content that was not announced.
const NO_CONTENT: u64 = 0;

/// Everybody's shares, in the tracker's order: by path, then by username.
#[derive(Debug, Default)]
pub struct Catalog {
    pressed: Vec<u8>,
    /// Where each block begins.
    blocks: Vec<u32>,
    sizes: Vec<u32>,
    large: HashMap<u32, u64>,
    owners: Vec<u16>,
    /// Rows whose content is in other rows too, and a number for it; in order.
    shared: Vec<(u32, u32)>,
    people: Vec<Owner>,
    by_name: HashMap<String, u16>,
}

#[derive(Debug)]
struct Owner {
    name: Username,
    files: u64,
    bytes: u64,
}

/// Collects pages into a [`Catalog`].
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    catalog: Catalog,
    block: String,
    block_rows: usize,
    contents: Vec<u64>,
}

impl CatalogBuilder {
    /// Adds a page. What does not fit into 4 GiB, and whoever comes after 65,536 people, is left out.
    pub fn extend(&mut self, files: &[FileLine]) {
        for file in files {
            let Ok(row) = u32::try_from(self.catalog.sizes.len()) else { return };
            let Some(person) = self.catalog.person(&file.username) else { continue };
            if self.block_rows == BLOCK_ROWS && !self.press() {
                return;
            }
            self.block.push_str(file.path.as_str());
            self.block.push(char::from(PATH_END));
            self.block_rows += 1;
            let catalog = &mut self.catalog;
            let owner = &mut catalog.people[usize::from(person)];
            owner.files += 1;
            owner.bytes = owner.bytes.saturating_add(file.size.unwrap_or(0));
            catalog.owners.push(person);
            catalog.sizes.push(match file.size.map(|size| (size, u32::try_from(size))) {
                None => NO_SIZE,
                Some((_, Ok(size))) if size < LARGE_SIZE => size,
                Some((size, _)) => {
                    catalog.large.insert(row, size);
                    LARGE_SIZE
                }
            });
            self.contents.push(file.hash.map_or(NO_CONTENT, |hash| {
                let mut first = [0; 8];
                first.copy_from_slice(&hash.as_bytes()[..8]);
                u64::from_le_bytes(first)
            }));
        }
    }

    /// The whole.
    pub fn finish(mut self) -> Catalog {
        self.press();
        let mut catalog = self.catalog;
        catalog.shared = shared(&self.contents);
        catalog.pressed.shrink_to_fit();
        catalog.blocks.shrink_to_fit();
        catalog.sizes.shrink_to_fit();
        catalog.owners.shrink_to_fit();
        catalog
    }

    /// Ends a block; whether there was room for it.
    fn press(&mut self) -> bool {
        let Ok(begin) = u32::try_from(self.catalog.pressed.len()) else { return false };
        self.catalog.blocks.push(begin);
        self.catalog.pressed.extend(lz4_flex::compress_prepend_size(self.block.as_bytes()));
        self.block.clear();
        self.block_rows = 0;
        true
    }
}

/// Rows of contents that occur more than once, with a number for each such content.
fn shared(contents: &[u64]) -> Vec<(u32, u32)> {
    let known = (0..).zip(contents).filter(|(_, content)| **content != NO_CONTENT);
    let mut by_content: Vec<(u64, u32)> = known.map(|(row, content)| (*content, row)).collect();
    by_content.sort_unstable();
    let groups = by_content.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
    let numbered = (0..).zip(groups).flat_map(|(number, group)| group.iter().map(move |(_, row)| (*row, number)));
    let mut shared: Vec<(u32, u32)> = numbered.collect();
    shared.sort_unstable();
    shared.shrink_to_fit();
    shared
}

/// Reads paths; fastest in their order, because a block is kept until another one is needed.
#[derive(Debug)]
pub struct Paths<'a> {
    catalog: &'a Catalog,
    block: Option<usize>,
    text: String,
    /// Where each path of the block ends.
    ends: Vec<usize>,
}

impl Paths<'_> {
    /// The share path of a row; empty if there is no such row.
    pub fn get(&mut self, row: u32) -> &str {
        let (block, at) = (row as usize / BLOCK_ROWS, row as usize % BLOCK_ROWS);
        if self.block != Some(block) {
            self.text = self.catalog.block(block);
            self.ends.clear();
            self.ends.extend(memchr::memchr_iter(PATH_END, self.text.as_bytes()));
            self.block = Some(block);
        }
        let from = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).map(|end| end + 1));
        from.zip(self.ends.get(at)).map_or("", |(from, end)| &self.text[from..*end])
    }
}

impl Catalog {
    /// How many shares there are.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether nobody shares anything.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The share path of a row. For many rows there is [`Self::paths`].
    pub fn path(&self, row: u32) -> String {
        self.paths().get(row).to_owned()
    }

    /// A reader of many paths.
    pub fn paths(&self) -> Paths<'_> {
        Paths { catalog: self, block: None, text: String::new(), ends: Vec::with_capacity(BLOCK_ROWS) }
    }

    /// Whose it is.
    pub fn owner(&self, row: u32) -> &str {
        self.owners.get(row as usize).map_or("", |owner| self.people[usize::from(*owner)].name.as_str())
    }

    /// The owner as a number, for comparing.
    pub fn owner_number(&self, row: u32) -> Option<u16> {
        self.owners.get(row as usize).copied()
    }

    /// The number of an owner.
    pub fn number_of(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// Its length, if announced.
    pub fn size(&self, row: u32) -> Option<u64> {
        match self.sizes.get(row as usize).copied()? {
            NO_SIZE => None,
            LARGE_SIZE => self.large.get(&row).copied(),
            size => Some(size.into()),
        }
    }

    /// A number that equal contents share; `None` if nothing else here is known to have this content. For showing only:
    /// it is made of 64 bits, which can be forged, so nothing is fetched by it.
    pub fn content(&self, row: u32) -> Option<u32> {
        let at = self.shared.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        self.shared.get(at).map(|(_, content)| *content)
    }

    /// All rows that have a [`Self::content`], with it.
    pub fn contents(&self) -> impl Iterator<Item = (u32, u32)> {
        self.shared.iter().copied()
    }

    /// Everybody who shares something.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.people.iter().map(|owner| owner.name.as_str())
    }

    /// Files and bytes of one person.
    pub fn totals_of(&self, name: &str) -> (u64, u64) {
        self.number_of(name).map_or((0, 0), |n| {
            let owner = &self.people[usize::from(n)];
            (owner.files, owner.bytes)
        })
    }

    /// Files and bytes of everybody.
    pub fn totals(&self) -> (u64, u64) {
        let sum = |(files, bytes): (u64, u64), owner: &Owner| (files + owner.files, bytes.saturating_add(owner.bytes));
        self.people.iter().fold((0, 0), sum)
    }

    /// Everybody who shares the content of this row, its owner included.
    pub fn owners_of_content(&self, row: u32) -> Vec<&str> {
        let Some(content) = self.content(row) else { return vec![self.owner(row)] };
        let rows = self.contents().filter(|(_, other)| *other == content);
        let mut people: Vec<u16> = rows.filter_map(|(row, _)| self.owner_number(row)).collect();
        people.sort_unstable();
        people.dedup();
        people.into_iter().map(|person| self.people[usize::from(person)].name.as_str()).collect()
    }

    fn person(&mut self, name: &Username) -> Option<u16> {
        if let Some(number) = self.by_name.get(name.as_str()) {
            return Some(*number);
        }
        let number = u16::try_from(self.people.len()).ok()?;
        self.people.push(Owner { name: name.clone(), files: 0, bytes: 0 });
        self.by_name.insert(name.as_str().to_owned(), number);
        Some(number)
    }

    /// The paths of a block, each with its end.
    fn block(&self, number: usize) -> String {
        let Some(begin) = self.blocks.get(number).map(|begin| *begin as usize) else { return String::new() };
        let end = self.blocks.get(number + 1).map_or(self.pressed.len(), |end| *end as usize);
        let bytes = lz4_flex::decompress_size_prepended(&self.pressed[begin..end]);
        let bytes = bytes.expect("it was pressed here and has not changed since");
        String::from_utf8(bytes).expect("it was text when it was pressed")
    }
}

/// A catalog of made-up files, for tests, pictures and measurements.
pub fn made_up(files: &[(&str, &str, Option<u64>, u8)]) -> Vec<FileLine> {
    let line = |(user, path, size, content): &(&str, &str, Option<u64>, u8)| {
        Some(FileLine {
            username: Username::new(user).ok()?,
            size: *size,
            hash: (*content != 0).then(|| potok_core::model::hash::ContentHash::from_bytes([*content; 32])),
            path: SharePath::new(path).ok()?,
        })
    };
    files.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_was_given() {
        let mut builder = CatalogBuilder::default();
        builder.extend(&made_up(&[("anna", "a/снимка.jpg", Some(5), 1), ("ivan", "b", None, 0)]));
        builder.extend(&made_up(&[("ivan", "c.TXT", Some(7), 1)]));
        let catalog = builder.finish();
        let row = |n| (catalog.owner(n), catalog.path(n), catalog.size(n));
        for (n, (owner, path, size)) in
            (0..).zip([("anna", "a/снимка.jpg", Some(5)), ("ivan", "b", None), ("ivan", "c.TXT", Some(7))])
        {
            assert_eq!(row(n), (owner, path.to_owned(), size));
        }
        assert_eq!((catalog.len(), catalog.totals(), catalog.totals_of("ivan")), (3, (3, 12), (2, 7)));
        assert_eq!(catalog.owners_of_content(0), ["anna", "ivan"]);
        assert_eq!(catalog.owners_of_content(1), ["ivan"]);
        assert_eq!((catalog.path(9), catalog.owner(9), catalog.size(9)), (String::new(), "", None));
        assert_eq!((catalog.content(0), catalog.content(1)), (catalog.content(2), None));
    }

    #[test]
    fn many_blocks_and_every_size() {
        let sizes = [0, 7, u64::from(LARGE_SIZE) - 1, u64::from(LARGE_SIZE), u64::from(NO_SIZE), 1 << 40];
        let rows = 3 * BLOCK_ROWS + 1;
        let line = |n: usize| FileLine {
            username: Username::new(["anna", "ivan"][n % 2]).expect("a name"),
            size: Some(sizes[n % sizes.len()]),
            hash: None,
            path: SharePath::new(&format!("снимки/{n:05}.jpg")).expect("a path"),
        };
        let mut builder = CatalogBuilder::default();
        let files: Vec<FileLine> = (0..rows).map(line).collect();
        files.chunks(7).for_each(|page| builder.extend(page));
        let catalog = builder.finish();
        let mut paths = catalog.paths();
        // Forwards, and jumping backwards.
        let numbered: Vec<(u32, &FileLine)> = (0..).zip(&files).collect();
        for (row, file) in numbered.iter().copied().chain(numbered.iter().rev().copied()) {
            assert_eq!(paths.get(row), file.path.as_str());
            assert_eq!((catalog.size(row), catalog.owner(row)), (file.size, file.username.as_str()));
        }
        assert_eq!((catalog.len(), paths.get(u32::try_from(rows).expect("few"))), (rows, ""));
    }
}
