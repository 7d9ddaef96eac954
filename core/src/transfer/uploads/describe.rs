//! What is behind one upload: who takes it, and which parts they have.

use std::time::Instant;

use super::Uploads;
use super::row::UploadRow;
use crate::model::attempt::TriedWay;
use crate::model::key::PublicKey;
use crate::model::transfer::{Transfer, TransferId, TransferState};
use crate::model::transfer_details::{FilePage, PartMap, PartState, SourceDetails, SourceStanding, TransferDetails};

/// Ended uploads that wait to be told; what ends while so many wait is not remembered.
const ENDED_WAITING_MAX: usize = 1_000;

impl Uploads {
    /// What is behind an upload now; `None` if there is no such upload.
    pub fn describe(&mut self, id: TransferId, now: Instant) -> Option<TransferDetails> {
        let key = self.rows.get(&id).filter(|row| row.is_shown)?.taker;
        let told = self.rows_where(now, |row| row.taker == key).into_iter().find(|told| told.number == id)?;
        let taker = self.takers.get(&key)?;
        let mut map = PartMap::of(told.total_bytes);
        let only = taker.open.values().find(|file| file.row == id).filter(|_| told.files == 1);
        match only.and_then(|file| Some((file.content.geometry(), file.blocks.as_ref()?))) {
            // Of several files nobody has written down which comes where.
            _ if told.files != 1 || told.done_bytes >= told.total_bytes => {
                map.push_part(told.total_bytes, told.done_bytes);
            }
            Some((geometry, blocks)) => blocks.tell(geometry, &mut map),
            None => map.push(told.total_bytes, PartState::Missing),
        }
        let standing = match told.state {
            TransferState::Running => SourceStanding::Sending,
            TransferState::WaitingForSlot { place } => SourceStanding::Waiting(place),
            _ if taker.connections > 0 => SourceStanding::Connected,
            _ => SourceStanding::NotConnected,
        };
        let source = SourceDetails {
            user: told.user,
            standing,
            way: told.way.filter(|_| taker.connections > 0),
            tried: self.tried_by(&key),
            tried_by_them: true,
            bytes_per_second: told.bytes_per_second,
        };
        Some(TransferDetails {
            number: id,
            sources: vec![source],
            sources_left_out: 0,
            map,
            files: FilePage::default(),
            free_bytes: None,
        })
    }

    /// What somebody has tried before their newest connection came about.
    fn tried_by(&self, taker: &PublicKey) -> Vec<TriedWay> {
        let connections = self.connections.iter().filter(|(_, connection)| connection.taker == *taker);
        connections.max_by_key(|(id, _)| **id).map(|(_, newest)| newest.tried.clone()).unwrap_or_default()
    }

    /// What came to its end since this was asked last.
    pub fn take_ended(&mut self) -> Vec<Transfer> {
        std::mem::take(&mut self.ended)
    }

    /// Rows of which nothing more is asked for, and all of which they have.
    pub(super) fn note_ends(&mut self, now: Instant) {
        let rests = |row: &UploadRow| !row.is_remembered && row.is_complete() && !row.goes_on(now);
        let ids: Vec<TransferId> = self.rows.iter().filter(|(_, row)| rests(row)).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.note_end(id));
    }

    /// A row has come to its end if they have all of it: it is noted once.
    pub(super) fn note_end(&mut self, id: TransferId) {
        let Some(row) = self.rows.get_mut(&id).filter(|row| row.is_complete() && !row.is_remembered) else { return };
        row.is_remembered = true;
        let Some(taker) = self.takers.get(&row.taker).filter(|_| self.ended.len() < ENDED_WAITING_MAX) else { return };
        self.ended.push(row.as_ended(id, &taker.user));
    }
}
