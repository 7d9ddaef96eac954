//! What the person shares: the roots, and what was taken out of them. The files in them are found again at every start.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use crate::library::exclusions::Exclusions;
use crate::library::root::{Root, RootId};
use crate::library::unsaved::RootRow;
use crate::model::file_stamp::FileSystemId;
use crate::model::share_path::SharePath;
use crate::store::Store;

/// Number, to local path, whether it is a folder, what it is announced under, and on which file system it is: device,
/// number, whether it is the system's.
type Row = (&'static str, bool, &'static str, Option<(u64, u64, bool)>);
const ROOTS: TableDefinition<'_, u64, Row> = TableDefinition::new("shared_roots");

/// A root's number and a place that was taken out of it: a row a place, so that taking one out writes one row.
const EXCLUSIONS: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("exclusions");

/// Roots as they were written once: number, to local path, whether it is a folder, what it is announced under, and what is
/// taken out of it. They are moved, not copied: a program of that time that finds none shares nothing, and so nothing
/// that was taken out since.
type FormerRow = (&'static str, bool, &'static str, Vec<&'static str>);
const FORMER_ROOTS: TableDefinition<'_, u64, FormerRow> = TableDefinition::new("roots");

impl Store {
    /// Every root with what was taken out of it.
    pub fn roots(&self) -> Result<Vec<(Root, Exclusions)>, redb::Error> {
        self.move_former_roots()?;
        let read = self.begin_read()?;
        let table = match read.open_table(ROOTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let exclusions = match read.open_table(EXCLUSIONS) {
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            other => Some(other?),
        };
        let mut roots = Vec::new();
        for row in table.iter()? {
            let (id, row) = row?;
            let (local, is_folder, share_as, file_system) = row.value();
            // Written from a valid path; a row that is not is no root of ours.
            let Ok(share_as) = SharePath::new(share_as) else { continue };
            let file_system =
                file_system.map(|(device, number, is_of_system)| FileSystemId { device, number, is_of_system });
            let id = RootId(id.value());
            let mut excluded = Exclusions::default();
            if let Some(exclusions) = &exclusions {
                for row in exclusions.range(places_of(id))? {
                    excluded.extend(SharePath::new(row?.0.value().1));
                }
            }
            roots.push((Root { id, local: local.to_owned(), is_folder, share_as, file_system }, excluded));
        }
        Ok(roots)
    }

    /// Writes rows as they are now, in one durable commit. `latest` is asked when no other writer is at work, so that of
    /// two that run at once the later one has the last word.
    pub fn save_roots(&self, latest: impl FnOnce() -> Vec<RootRow>) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write_rows(&write, latest())?;
        Ok(write.commit()?)
    }

    fn move_former_roots(&self) -> Result<(), redb::Error> {
        match self.begin_read()?.open_table(FORMER_ROOTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            other => drop(other?),
        }
        let write = self.begin_write()?;
        let mut rows = Vec::new();
        {
            let table = write.open_table(ROOTS)?;
            let mut next = table.last()?.map_or(1, |(id, _)| id.value().saturating_add(1));
            for row in write.open_table(FORMER_ROOTS)?.iter()? {
                let (id, row) = row?;
                let (local, is_folder, share_as, excluded) = row.value();
                let Ok(share_as) = SharePath::new(share_as) else { continue };
                let excluded = excluded.into_iter().filter_map(|place| SharePath::normalized(place).ok());
                let is_free = table.get(id.value())?.is_none();
                let id = RootId(if is_free { id.value() } else { next });
                next = next.max(id.0.saturating_add(1));
                let root = Root { id, local: local.to_owned(), is_folder, share_as, file_system: None };
                rows.push(RootRow::Root(id, Some(root)));
                rows.extend(excluded.map(|place| RootRow::Place(id, place, true)));
            }
        }
        write_rows(&write, rows)?;
        write.delete_table(FORMER_ROOTS)?;
        Ok(write.commit()?)
    }
}

fn write_rows(write: &WriteTransaction, rows: Vec<RootRow>) -> Result<(), redb::Error> {
    let mut roots = write.open_table(ROOTS)?;
    let mut exclusions = write.open_table(EXCLUSIONS)?;
    for row in rows {
        match row {
            RootRow::Root(id, root) => {
                exclusions.retain_in(places_of(id), |_, ()| false)?;
                let Some(Root { local, is_folder, share_as, file_system, .. }) = root else {
                    roots.remove(id.0)?;
                    continue;
                };
                let file_system = file_system.map(|on| (on.device, on.number, on.is_of_system));
                roots.insert(id.0, (local.as_str(), is_folder, share_as.as_str(), file_system))?;
            }
            RootRow::Place(id, place, true) => _ = exclusions.insert((id.0, place.as_str()), ())?,
            RootRow::Place(id, place, false) => _ = exclusions.remove((id.0, place.as_str()))?,
        }
    }
    Ok(())
}

/// The keys of the places that were taken out of one root.
fn places_of(id: RootId) -> std::ops::Range<(u64, &'static str)> {
    (id.0, "")..(id.0.saturating_add(1), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(id: u64) -> Root {
        Root {
            id: RootId(id),
            local: format!("/home/i/снимки {id}"),
            is_folder: id.is_multiple_of(2),
            share_as: path("Trip/day 1"),
            file_system: (id != 3).then_some(FileSystemId { device: 1, number: u64::MAX, is_of_system: false }),
        }
    }

    fn path(text: &str) -> SharePath {
        SharePath::new(text).expect(text)
    }

    fn excluded(places: &[&str]) -> Exclusions {
        places.iter().map(|place| path(place)).collect()
    }

    #[test]
    fn roots_come_back() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("potok.redb");
        let store = Store::open(&file).expect("opens").store;
        assert_eq!(store.roots().expect("reads"), []);
        let roots = [(root(1), excluded(&[])), (root(2), excluded(&["a", "b/c"])), (root(3), excluded(&["я"]))];
        let rows = roots.iter().flat_map(|(root, excluded)| {
            let places = excluded.iter().map(|place| RootRow::Place(root.id, place.clone(), true));
            std::iter::once(RootRow::Root(root.id, Some(root.clone()))).chain(places)
        });
        let rows = rows.collect();
        store.save_roots(|| rows).expect("writes");
        drop(store);
        let store = Store::open(&file).expect("opens").store;
        assert_eq!(store.roots().expect("reads"), roots);
        let rows = vec![
            RootRow::Root(RootId(1), None),
            RootRow::Place(RootId(2), path("a"), false),
            RootRow::Place(RootId(2), path("d"), true),
            RootRow::Root(RootId(3), Some(root(3))),
        ];
        store.save_roots(|| rows).expect("writes");
        let roots = [(root(2), excluded(&["b/c", "d"])), (root(3), excluded(&[]))];
        assert_eq!(store.roots().expect("reads"), roots);
    }

    #[test]
    fn roots_of_an_older_version_are_moved() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&folder.path().join("potok.redb")).expect("opens").store;
        let write_former = |places: &[&'static str]| {
            let write = store.begin_write().expect("writes");
            let row = ("/home/i/x", true, "x", places.to_vec());
            write.open_table(FORMER_ROOTS).expect("opens").insert(1, row).expect("inserts");
            write.commit().expect("commits");
        };
        let moved = |id| Root {
            id: RootId(id),
            local: "/home/i/x".into(),
            is_folder: true,
            share_as: path("x"),
            file_system: None,
        };
        write_former(&["a", "e\u{301}", ""]);
        let first = (moved(1), excluded(&["a", "é"]));
        assert_eq!(store.roots().expect("reads"), std::slice::from_ref(&first));
        let read = store.begin_read().expect("reads");
        assert!(matches!(read.open_table(FORMER_ROOTS), Err(redb::TableError::TableDoesNotExist(_))));
        // The older version ran once more, and began to count at 1.
        write_former(&["b"]);
        assert_eq!(store.roots().expect("reads"), [first, (moved(2), excluded(&["b"]))]);
    }
}
