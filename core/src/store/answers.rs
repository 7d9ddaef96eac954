//! What a person said is to become of a download where something else is at its place. Versions before knew only whether
//! that is replaced, and keep it with the download.

use redb::{ReadTransaction, TableDefinition, WriteTransaction};

use crate::model::existing::Existing;
use crate::model::transfer::TransferId;

/// Number, to what else was said than that what is there is replaced.
const SAID_OF_TAKEN: TableDefinition<'_, u64, u8> = TableDefinition::new("download-answers");

const KEEP_BOTH: u8 = 1;
const LEAVE_OUT: u8 = 2;

/// Writes what was said about a download.
pub(super) fn write(write: &WriteTransaction, id: TransferId, existing: Existing) -> Result<(), redb::Error> {
    let mut answers = write.open_table(SAID_OF_TAKEN)?;
    match existing {
        Existing::KeepBoth => _ = answers.insert(id.0, KEEP_BOTH)?,
        Existing::LeaveOut => _ = answers.insert(id.0, LEAVE_OUT)?,
        // The download itself says it.
        Existing::Refuse | Existing::Replace => _ = answers.remove(id.0)?,
    }
    Ok(())
}

/// Forgets what was said about a download.
pub(super) fn forget(write: &WriteTransaction, id: TransferId) -> Result<(), redb::Error> {
    write.open_table(SAID_OF_TAKEN)?.remove(id.0)?;
    Ok(())
}

/// What was said about a download, of which it is known whether it replaces what is there.
pub(super) fn read(read: &ReadTransaction, id: TransferId, replaces: bool) -> Result<Existing, redb::Error> {
    if replaces {
        return Ok(Existing::Replace);
    }
    let answers = match read.open_table(SAID_OF_TAKEN) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Existing::Refuse),
        other => other?,
    };
    Ok(match answers.get(id.0)?.map(|answer| answer.value()) {
        Some(KEEP_BOTH) => Existing::KeepBoth,
        Some(LEAVE_OUT) => Existing::LeaveOut,
        _ => Existing::Refuse,
    })
}
