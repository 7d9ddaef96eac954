//! What came to its end, as it survives the end of the program.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::model::transfer::Direction;
use crate::model::transfer_details::PastTransfer;
use crate::model::username::Username;
use crate::store::Store;
use crate::store::downloads::{bytes_of, os_string_of};
use crate::store::ways::{self, PastWays};

/// Downloads that are remembered, and uploads as many: nobody can push what I fetched out by fetching from me.
pub const PAST_TRANSFERS_MAX: u64 = 1_000;

/// Counted up; to user, label, local path (empty: none), files, bytes, seconds since 1970.
type PastRow = (&'static str, &'static str, &'static [u8], u64, u64, u64);
const DOWNLOADED: TableDefinition<'_, u64, PastRow> = TableDefinition::new("downloaded");
const UPLOADED: TableDefinition<'_, u64, PastRow> = TableDefinition::new("uploaded");

fn table_of(direction: Direction) -> TableDefinition<'static, u64, PastRow> {
    match direction {
        Direction::Download => DOWNLOADED,
        Direction::Upload => UPLOADED,
    }
}

impl Store {
    /// Writes that these came to their end; of more than [`PAST_TRANSFERS_MAX`] the oldest go.
    pub fn add_history(&self, past: &[PastTransfer]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        for direction in [Direction::Download, Direction::Upload] {
            let mut table = write.open_table(table_of(direction))?;
            let mut next = table.last()?.map_or(1, |(number, _)| number.value().saturating_add(1));
            let mut ways = Vec::new();
            for past in past.iter().filter(|past| past.direction == direction) {
                let path = past.local_path.as_ref().map_or_else(Vec::new, |path| bytes_of(path.as_os_str()));
                let since = past.ended_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                let row = (past.user.as_str(), past.label.as_str(), path.as_slice(), past.files, past.bytes, since);
                table.insert(next, row)?;
                ways.push((next, since, past.way));
                next = next.saturating_add(1);
            }
            while table.len()? > PAST_TRANSFERS_MAX {
                table.pop_first()?;
            }
            ways::write_past(&write, direction, ways.into_iter())?;
            let first = table.first()?.map_or(next, |(number, _)| number.value());
            ways::forget_past_before(&write, direction, first)?;
        }
        Ok(write.commit()?)
    }

    /// What came to its end, the newest first.
    pub fn history(&self) -> Result<Vec<PastTransfer>, redb::Error> {
        let read = self.begin_read()?;
        let mut all = Vec::new();
        for direction in [Direction::Download, Direction::Upload] {
            let table = match read.open_table(table_of(direction)) {
                Err(redb::TableError::TableDoesNotExist(_)) => continue,
                other => other?,
            };
            let ways = PastWays::open(&read, direction)?;
            for row in table.iter()?.rev() {
                let (number, row) = row?;
                let (user, label, path, files, bytes, since) = row.value();
                // Written from a valid name. Should a later version be stricter, what it refuses is left out.
                let Ok(user) = Username::new(user) else { continue };
                let local_path = (!path.is_empty()).then(|| PathBuf::from(os_string_of(path)));
                let way = ways.of(number.value(), since)?;
                let ended_at = UNIX_EPOCH.checked_add(Duration::from_secs(since)).unwrap_or(SystemTime::UNIX_EPOCH);
                let label = label.to_owned();
                all.push(PastTransfer { direction, user, label, local_path, files, bytes, ended_at, way });
            }
        }
        all.sort_by_key(|past| std::cmp::Reverse(past.ended_at));
        Ok(all)
    }

    /// Forgets all of it.
    pub fn clear_history(&self) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write.delete_table(DOWNLOADED)?;
        write.delete_table(UPLOADED)?;
        ways::clear_past(&write, Direction::Download)?;
        ways::clear_past(&write, Direction::Upload)?;
        Ok(write.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::way::Way;

    fn past(direction: Direction, n: u64) -> PastTransfer {
        PastTransfer {
            direction,
            user: Username::new("anna").expect("a name"),
            label: format!("Снимки/{n}.jpg"),
            local_path: (direction == Direction::Download).then(|| format!("/home/me/{n}.jpg").into()),
            files: 1,
            bytes: n,
            ended_at: UNIX_EPOCH + Duration::from_secs(n),
            way: (n % 3 == 1).then(|| Way::ALL[usize::try_from(n % 7).expect("few")]),
        }
    }

    #[test]
    fn what_ended_is_remembered_bounded_and_forgotten() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("potok.redb");
        let opened = Store::open(&path).expect("opens");
        assert_eq!(opened.store.history().expect("read"), []);
        opened.store.add_history(&[past(Direction::Download, 7), past(Direction::Upload, 9)]).expect("written");
        drop(opened);
        let store = Store::open(&path).expect("opens again").store;
        assert_eq!(store.history().expect("read"), [past(Direction::Upload, 9), past(Direction::Download, 7)]);

        // Whoever takes very much pushes out what others took, and nothing that was fetched.
        let many: Vec<PastTransfer> = (10..=2_000).map(|n| past(Direction::Upload, n)).collect();
        store.add_history(&many).expect("written");
        let all = store.history().expect("read");
        assert_eq!(all.len() as u64, PAST_TRANSFERS_MAX + 1);
        assert_eq!(
            (all.first(), all.last()),
            (Some(&past(Direction::Upload, 2_000)), Some(&past(Direction::Download, 7)))
        );
        assert_eq!(all[all.len() - 2], past(Direction::Upload, 1_001));
        store.clear_history().expect("written");
        assert_eq!(store.history().expect("read"), []);
        store.add_history(&[past(Direction::Download, 1)]).expect("written");
        assert_eq!(store.history().expect("read"), [past(Direction::Download, 1)]);
    }

    /// A version before wrote no ways, and forgot what it knew without forgetting them.
    #[test]
    fn an_end_without_a_way_has_none_and_no_other_ends_way() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&folder.path().join("potok.redb")).expect("opens").store;
        store.add_history(&[past(Direction::Download, 1), past(Direction::Download, 4)]).expect("written");
        let write = store.begin_write().expect("writes");
        {
            let mut table = write.open_table(DOWNLOADED).expect("there");
            table.insert(1, ("anna", "old", [].as_slice(), 1, 1, 7)).expect("written");
            table.insert(3, ("anna", "new", [].as_slice(), 1, 1, 8)).expect("written");
        }
        write.commit().expect("written");
        let ways = |store: &Store| -> Vec<(String, Option<Way>)> {
            let all = store.history().expect("read").into_iter();
            all.map(|past| (past.label, past.way)).collect()
        };
        let (fourth, none) = (past(Direction::Download, 4), None);
        let expected = [("new".to_owned(), none), ("old".to_owned(), none), (fourth.label, fourth.way)];
        assert_eq!(ways(&store), expected);
        // What it wrote gets no way either when the number is ours again.
        store.clear_history().expect("written");
        store.add_history(&[past(Direction::Download, 2)]).expect("written");
        assert_eq!(ways(&store), [(past(Direction::Download, 2).label, None)]);
    }
}
