//! What the person shares: the roots. The files in them are found again at every start.

use redb::{ReadableTable, TableDefinition};

use crate::library::root::{Root, RootId};
use crate::model::share_path::SharePath;
use crate::store::Store;

/// Number, to local path, whether it is a folder, what it is announced under, and what is taken out of it.
type Row = (&'static str, bool, &'static str, Vec<&'static str>);
const ROOTS: TableDefinition<'_, u64, Row> = TableDefinition::new("roots");

impl Store {
    /// Every root that was saved, by number; a row whose share path is against the rules of today is left out.
    pub fn roots(&self) -> Result<Vec<Root>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(ROOTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let mut roots = Vec::new();
        for row in table.iter()? {
            let (id, row) = row?;
            let (local, is_folder, share_as, excluded) = row.value();
            // Written from a valid path; a row that is not is no root of ours.
            let Ok(share_as) = SharePath::new(share_as) else { continue };
            let excluded = excluded.into_iter().map(str::to_owned).collect();
            roots.push(Root { id: RootId(id.value()), local: local.to_owned(), is_folder, share_as, excluded });
        }
        Ok(roots)
    }

    /// Writes roots as they are now, in one durable commit: `None` is no more. `latest` is asked when no other writer is
    /// at work, so that of two that run at once the later one has the last word.
    pub fn save_roots(&self, latest: impl FnOnce() -> Vec<(RootId, Option<Root>)>) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut table = write.open_table(ROOTS)?;
            for (id, root) in latest() {
                match root {
                    Some(Root { local, is_folder, share_as, excluded, .. }) => {
                        let excluded = excluded.iter().map(String::as_str).collect();
                        table.insert(id.0, (local.as_str(), is_folder, share_as.as_str(), excluded))?;
                    }
                    None => _ = table.remove(id.0)?,
                }
            }
        }
        Ok(write.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn roots_come_back() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("potok.redb");
        let root = |id: u64, excluded: &[&str]| Root {
            id: RootId(id),
            local: format!("/home/i/снимки {id}"),
            is_folder: id.is_multiple_of(2),
            share_as: SharePath::new("Trip/day 1").expect("valid"),
            excluded: excluded.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>(),
        };
        let store = Store::open(&path).expect("opens").store;
        assert_eq!(store.roots().expect("reads"), []);
        let roots = [root(1, &[]), root(2, &["a", "b/c"]), root(3, &[""])];
        store.save_roots(|| roots.iter().map(|root| (root.id, Some(root.clone()))).collect()).expect("writes");
        drop(store);
        let store = Store::open(&path).expect("opens").store;
        assert_eq!(store.roots().expect("reads"), roots);
        store.save_roots(|| vec![(RootId(2), None), (RootId(3), Some(root(3, &[])))]).expect("writes");
        assert_eq!(store.roots().expect("reads"), [root(1, &[]), root(3, &[])]);
    }
}
