//! What ends with Potok, or is interrupted by its end: what a person is asked about before.

use potok_core::model::shown::Shown;
use potok_core::node::event::{Direction, TransferState};
use rust_i18n::t;

use crate::human::thousands;
use crate::model::Model;

/// What goes on now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Busy {
    /// Downloads that move, or would without a person.
    pub downloads: u64,
    /// Uploads that move, or would without a person.
    pub uploads: u64,
    /// The network that runs here, and how many others are in it.
    pub hosted: Option<(String, u64)>,
    /// The network that sees my files, and how many they are.
    pub shared: Option<(String, u64)>,
}

impl Busy {
    /// Whether nothing goes on.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether files are on their way.
    pub fn is_moving(&self) -> bool {
        self.downloads > 0 || self.uploads > 0
    }

    /// One sentence for each thing that goes on.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.downloads > 0 {
            sentences.push(t!("window.busy.downloads", count = thousands(self.downloads)).into_owned());
        }
        if self.uploads > 0 {
            sentences.push(t!("window.busy.uploads", count = thousands(self.uploads)).into_owned());
        }
        match &self.hosted {
            Some((network, 0)) => sentences.push(t!("window.busy.hosted-alone", network = network).into_owned()),
            Some((network, others)) => {
                let text = t!("window.busy.hosted", network = network, count = thousands(*others));
                sentences.push(text.into_owned());
            }
            None => {}
        }
        if let Some((network, files)) = &self.shared {
            sentences.push(t!("window.busy.shared", network = network, count = thousands(*files)).into_owned());
        }
        sentences
    }
}

impl Model {
    /// What goes on. A trial is nobody's network but ours.
    pub fn busy(&self, is_trial: bool) -> Busy {
        let count = |direction| {
            let of = self.transfers.values().filter(|t| t.direction == direction && is_under_way(&t.state));
            of.count() as u64
        };
        let (downloads, uploads) = (count(Direction::Download), count(Direction::Upload));
        if is_trial {
            return Busy { downloads, uploads, ..Busy::default() };
        }
        let network = || self.network_name().unwrap_or_else(|| Shown("Potok").to_string());
        let others = self.others().count() as u64;
        let hosted = self.hosted().map(|_| (network(), others));
        let files = self.shares.len() as u64;
        let shared = (files > 0 && self.is_online()).then(|| (network(), files));
        Busy { downloads, uploads, hosted, shared }
    }
}

/// Whether it goes on by itself, now or soon.
fn is_under_way(state: &TransferState) -> bool {
    match state {
        TransferState::Queued
        | TransferState::Connecting
        | TransferState::WaitingForSlot { .. }
        | TransferState::Checking
        | TransferState::Running => true,
        TransferState::WaitingForUser
        | TransferState::WaitingForTracker
        | TransferState::KeptAway(_)
        | TransferState::Unreachable { .. }
        | TransferState::OtherKey
        | TransferState::Changing
        | TransferState::Declined
        | TransferState::NotAsked
        | TransferState::Paused
        | TransferState::Metered
        | TransferState::DiskFull
        | TransferState::Finished
        | TransferState::Failed(_) => false,
    }
}
