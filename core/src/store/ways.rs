//! By which way the bytes of a transfer went, beside what else is kept of it: versions before did not know of ways, and read
//! and write the other tables as they are.

use redb::{Durability, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use crate::model::transfer::{Direction, TransferId};
use crate::model::way::Way;
use crate::store::Store;

/// Number of a download on the list, to the word for the way.
const OF_DOWNLOADS: TableDefinition<'_, u64, &str> = TableDefinition::new("download-ways");
/// Number of what came to its end, to when that was, and the word for the way. A version before may have given the number
/// to something else since; that ended at another time.
type PastWayRow = (u64, &'static str);
const OF_DOWNLOADED: TableDefinition<'_, u64, PastWayRow> = TableDefinition::new("downloaded-ways");
const OF_UPLOADED: TableDefinition<'_, u64, PastWayRow> = TableDefinition::new("uploaded-ways");

fn table_of(direction: Direction) -> TableDefinition<'static, u64, PastWayRow> {
    match direction {
        Direction::Download => OF_DOWNLOADED,
        Direction::Upload => OF_UPLOADED,
    }
}

impl Store {
    /// Writes how the last bytes of these downloads came.
    pub fn record_ways(&self, ways: &[(TransferId, Way)], wait_for_disk: bool) -> Result<(), redb::Error> {
        let mut write = self.begin_write()?;
        if !wait_for_disk {
            write.set_durability(Durability::None)?;
        }
        {
            let mut table = write.open_table(OF_DOWNLOADS)?;
            for (id, way) in ways {
                table.insert(id.0, way.key())?;
            }
        }
        Ok(write.commit()?)
    }

    /// How the last bytes of downloads on the list came, as far as it is known.
    pub fn download_ways(&self) -> Result<Vec<(TransferId, Way)>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(OF_DOWNLOADS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let mut ways = Vec::new();
        for row in table.iter()? {
            let (id, way) = row?;
            ways.extend(Way::of_key(way.value()).map(|way| (TransferId(id.value()), way)));
        }
        Ok(ways)
    }
}

/// Forgets how a download came.
pub(super) fn forget(write: &WriteTransaction, id: TransferId) -> Result<(), redb::Error> {
    write.open_table(OF_DOWNLOADS)?.remove(id.0)?;
    Ok(())
}

/// Writes how what came to its end went.
pub(super) fn write_past(
    write: &WriteTransaction,
    direction: Direction,
    rows: impl Iterator<Item = (u64, u64, Option<Way>)>,
) -> Result<(), redb::Error> {
    let mut table = write.open_table(table_of(direction))?;
    for (number, ended_at, way) in rows {
        match way {
            Some(way) => _ = table.insert(number, (ended_at, way.key()))?,
            None => _ = table.remove(number)?,
        }
    }
    Ok(())
}

/// Forgets how what has a lower number went.
pub(super) fn forget_past_before(
    write: &WriteTransaction,
    direction: Direction,
    first: u64,
) -> Result<(), redb::Error> {
    write.open_table(table_of(direction))?.retain_in(..first, |_, _| false)?;
    Ok(())
}

/// Forgets how all that came to its end went.
pub(super) fn clear_past(write: &WriteTransaction, direction: Direction) -> Result<(), redb::Error> {
    write.delete_table(table_of(direction))?;
    Ok(())
}

/// How what came to its end went, by number and end.
pub(super) struct PastWays(Option<redb::ReadOnlyTable<u64, PastWayRow>>);

impl PastWays {
    pub(super) fn open(read: &ReadTransaction, direction: Direction) -> Result<Self, redb::Error> {
        match read.open_table(table_of(direction)) {
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(Self(None)),
            other => Ok(Self(Some(other?))),
        }
    }

    pub(super) fn of(&self, number: u64, ended_at: u64) -> Result<Option<Way>, redb::Error> {
        let Some(row) = self.0.as_ref().map(|table| table.get(number)).transpose()?.flatten() else { return Ok(None) };
        let (at, way) = row.value();
        Ok(if at == ended_at { Way::of_key(way) } else { None })
    }
}
