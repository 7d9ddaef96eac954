//! Peers that send nothing of use: whoever lies is never asked again, whoever answers without sending loses its turn, is
//! asked again later and less often, and is given up in the end.

use std::time::Instant;

use super::{DownloadEffect, Downloads};
use crate::model::transfer::TransferError;
use crate::transfer::SourceId;
use crate::transfer::job::FileId;
use crate::transfer::source::Link;

/// Connections in a row that end because the peer answered, and sent nothing: with the pauses between them that is about
/// three minutes.
const STRIKES_MAX: u32 = 10;

impl Downloads {
    /// The connection is gone because the peer did not keep to the protocol: nothing more is asked of it.
    pub fn misbehaved(&mut self, id: SourceId, now: Instant) {
        self.disconnected(id, now);
        self.lied(id, now);
    }

    /// The connection is gone because the peer kept it busy for nothing.
    pub fn wasted(&mut self, id: SourceId, now: Instant) {
        self.disconnected(id, now);
        self.strike(id, now);
    }

    /// Nothing that this peer says is believed any more.
    pub(super) fn lied(&mut self, id: SourceId, now: Instant) {
        let Some(source) = self.sources.get_mut(id) else { return };
        if std::mem::replace(&mut source.is_liar, true) {
            return;
        }
        let user = source.contact.username.clone();
        self.effects.push(DownloadEffect::Lied(user.clone()));
        self.drop_source(id, now);
        self.withdraw_all(id, &TransferError::Lied { user }, now);
    }

    /// A peer answered, and sent nothing: its connection ends, and the pause until the next one grows.
    pub(super) fn strike(&mut self, id: SourceId, now: Instant) {
        self.drop_source(id, now);
        let Some(source) = self.sources.get_mut(id) else { return };
        source.strikes += 1;
        if source.strikes >= STRIKES_MAX && !std::mem::replace(&mut source.is_given_up, true) {
            let user = source.contact.username.clone();
            self.withdraw_all(id, &TransferError::NotSent { user }, now);
        }
        self.all_changed();
    }

    /// Ends a connection from our side.
    pub(super) fn drop_source(&mut self, id: SourceId, now: Instant) {
        if self.sources.get(id).is_some_and(|source| source.link != Link::Down) {
            self.effects.push(DownloadEffect::Disconnect(id));
            self.disconnected(id, now);
        }
    }

    fn withdraw_all(&mut self, id: SourceId, error: &TransferError, now: Instant) {
        let is_offered = |active: &super::Active| active.offers.contains(&id);
        let mut offered: Vec<FileId> =
            self.active.iter().filter(|(_, active)| is_offered(active)).map(|(file, _)| *file).collect();
        offered.sort_unstable();
        for file in offered {
            self.withdraw(file, id, error.clone(), now);
        }
    }
}
