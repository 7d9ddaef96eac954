//! All shares of a tracker in little memory: a million of them in about 70 MB.
//!
//! Paths lie one after the other in one text; a row is 24 bytes.

use std::collections::HashMap;

use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::protocol::reply::FileLine;

/// A size that was not announced.
const NO_SIZE: u64 = u64::MAX;
/// Content that was not announced.
const NO_CONTENT: u64 = 0;

/// What a file is for, judged by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Pictures.
    Picture,
    /// Texts, tables, slides, books.
    Document,
    /// Files in a file.
    Archive,
    /// Programs and source.
    Program,
    /// Anything else.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    path_from: u32,
    person: u32,
    size: u64,
    content: u64,
}

/// Everybody's shares, in the tracker's order: by path, then by username.
#[derive(Debug, Default)]
pub struct Catalog {
    paths: String,
    rows: Vec<Row>,
    people: Vec<Owner>,
    by_name: HashMap<String, u32>,
}

#[derive(Debug)]
struct Owner {
    name: Username,
    files: u64,
    bytes: u64,
}

/// Collects pages into a [`Catalog`].
#[derive(Debug, Default)]
pub struct CatalogBuilder(Catalog);

impl CatalogBuilder {
    /// Adds a page. What does not fit into 4 GiB of paths is left out.
    pub fn extend(&mut self, files: &[FileLine]) {
        let catalog = &mut self.0;
        for file in files {
            let Ok(path_from) = u32::try_from(catalog.paths.len()) else { return };
            let person = catalog.person(&file.username);
            let owner = &mut catalog.people[person as usize];
            owner.files += 1;
            owner.bytes = owner.bytes.saturating_add(file.size.unwrap_or(0));
            let content = file.hash.map_or(NO_CONTENT, |hash| {
                let mut first = [0; 8];
                first.copy_from_slice(&hash.as_bytes()[..8]);
                u64::from_le_bytes(first)
            });
            catalog.paths.push_str(file.path.as_str());
            catalog.rows.push(Row { path_from, person, size: file.size.unwrap_or(NO_SIZE), content });
        }
    }

    /// The whole.
    pub fn finish(mut self) -> Catalog {
        self.0.paths.shrink_to_fit();
        self.0.rows.shrink_to_fit();
        self.0
    }
}

impl Catalog {
    /// How many shares there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nobody shares anything.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The share path of a row.
    pub fn path(&self, row: u32) -> &str {
        let row = row as usize;
        let until = self.rows.get(row + 1).map_or(self.paths.len(), |next| next.path_from as usize);
        self.rows.get(row).map_or("", |this| &self.paths[this.path_from as usize..until])
    }

    /// Whose it is.
    pub fn owner(&self, row: u32) -> &str {
        self.rows.get(row as usize).map_or("", |row| self.people[row.person as usize].name.as_str())
    }

    /// The owner as a number, for comparing.
    pub fn owner_number(&self, row: u32) -> u32 {
        self.rows.get(row as usize).map_or(u32::MAX, |row| row.person)
    }

    /// The number of an owner.
    pub fn number_of(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Its length, if announced.
    pub fn size(&self, row: u32) -> Option<u64> {
        self.rows.get(row as usize).map(|row| row.size).filter(|size| *size != NO_SIZE)
    }

    /// A number that equal contents share; `None` if the content was not announced. For showing only: 64 bits can be
    /// forged, so nothing is fetched by it.
    pub fn content(&self, row: u32) -> Option<u64> {
        self.rows.get(row as usize).map(|row| row.content).filter(|content| *content != NO_CONTENT)
    }

    /// Everybody who shares something.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.people.iter().map(|owner| owner.name.as_str())
    }

    /// Files and bytes of one person.
    pub fn totals_of(&self, name: &str) -> (u64, u64) {
        self.number_of(name).map_or((0, 0), |n| (self.people[n as usize].files, self.people[n as usize].bytes))
    }

    /// Files and bytes of everybody.
    pub fn totals(&self) -> (u64, u64) {
        let sum = |(files, bytes): (u64, u64), owner: &Owner| (files + owner.files, bytes.saturating_add(owner.bytes));
        self.people.iter().fold((0, 0), sum)
    }

    /// Everybody who shares the content of this row, its owner included.
    pub fn owners_of_content(&self, row: u32) -> Vec<&str> {
        let Some(content) = self.content(row) else { return vec![self.owner(row)] };
        let mut people: Vec<u32> = self.rows.iter().filter(|r| r.content == content).map(|r| r.person).collect();
        people.sort_unstable();
        people.dedup();
        people.into_iter().map(|person| self.people[person as usize].name.as_str()).collect()
    }

    fn person(&mut self, name: &Username) -> u32 {
        if let Some(number) = self.by_name.get(name.as_str()) {
            return *number;
        }
        let number = u32::try_from(self.people.len()).expect("fewer people than paths, which fit");
        self.people.push(Owner { name: name.clone(), files: 0, bytes: 0 });
        self.by_name.insert(name.as_str().to_owned(), number);
        number
    }
}

impl Kind {
    /// All, in the order of menus.
    pub const ALL: [Self; 7] =
        [Self::Document, Self::Picture, Self::Audio, Self::Video, Self::Archive, Self::Program, Self::Other];

    /// The kind of a file of this name.
    pub fn of(name: &str) -> Self {
        let Some((_, end)) = name.rsplit_once('.') else { return Self::Other };
        let is_one_of = |list: &str| list.split(' ').any(|known| known.eq_ignore_ascii_case(end));
        KINDS.iter().find(|(_, ends)| is_one_of(ends)).map_or(Self::Other, |(kind, _)| *kind)
    }
}

const KINDS: [(Kind, &str); 6] = [
    (Kind::Document, "pdf doc docx odt rtf txt md epub xls xlsx ods csv ppt pptx odp fb2 djvu html tex"),
    (Kind::Picture, "jpg jpeg png gif webp heic svg tif tiff bmp raw cr2 nef avif psd"),
    (Kind::Audio, "mp3 flac ogg opus wav m4a aac wma aiff mid"),
    (Kind::Video, "mp4 mkv avi mov webm m4v mpg mpeg wmv ts srt"),
    (Kind::Archive, "zip gz xz zst bz2 7z rar tar tgz iso img dmg"),
    (Kind::Program, "exe msi deb rpm apk appimage sh py rs c h cpp js java jar go toml json"),
];

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
        assert_eq!(
            [row(0), row(1), row(2)],
            [("anna", "a/снимка.jpg", Some(5)), ("ivan", "b", None), ("ivan", "c.TXT", Some(7)),]
        );
        assert_eq!((catalog.len(), catalog.totals(), catalog.totals_of("ivan")), (3, (3, 12), (2, 7)));
        assert_eq!(catalog.owners_of_content(0), ["anna", "ivan"]);
        assert_eq!(catalog.owners_of_content(1), ["ivan"]);
        assert_eq!((catalog.path(9), catalog.owner(9), catalog.size(9)), ("", "", None));
    }

    #[test]
    fn kinds_by_the_end_of_the_name() {
        for (name, kind) in [
            ("a.JPG", Kind::Picture),
            ("a.tar.gz", Kind::Archive),
            ("книга.pdf", Kind::Document),
            ("a.flac", Kind::Audio),
            ("a.mkv", Kind::Video),
            ("a.rs", Kind::Program),
            ("a", Kind::Other),
            ("a.", Kind::Other),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
