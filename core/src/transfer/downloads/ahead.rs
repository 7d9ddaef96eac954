//! What is done before it is known to be needed, each a round trip less until the first block is here: somebody is reached
//! while it is still asked what they share, and with the list of a new file its first blocks are asked for.

use std::time::Instant;

use super::{AskOutcome, Checked, DownloadEffect, Downloads, Stage};
use crate::model::geometry::Geometry;
use crate::transfer::Contact;
use crate::transfer::job::FileId;
use crate::transfer::plan::{Blocks, Plan};
use crate::transfer::source::{Ask, What};

/// Blocks that are asked for with the list of a file. Where they cannot be used they have come for nothing: somebody has
/// put a part file there.
const BLOCKS_AHEAD_MAX: u32 = 4;

/// The next block of a new file that is asked of whoever was asked for its list.
pub(super) fn take_ahead(geometry: Geometry, asked: &mut u32) -> Option<u32> {
    let next = *asked;
    let is_one = next < geometry.blocks().min(BLOCKS_AHEAD_MAX);
    *asked += u32::from(is_one);
    is_one.then_some(next)
}

impl Downloads {
    /// Something is likely to be wanted of somebody in a moment: they are reached meanwhile. If nothing is, the connection
    /// ends soon.
    pub fn expect(&mut self, contact: &Contact, now: Instant) {
        let id = self.sources.meet(contact, now);
        if let Some(source) = self.sources.get_mut(id) {
            source.is_expected = true;
            self.may_connect = true;
            // A connection that is there is kept as long as if it were new.
            source.unused_since = None;
        }
    }

    /// The list is here, and the file is open for every block.
    pub(super) fn begun(&mut self, file: FileId) {
        let Some(active) = self.active.get_mut(&file) else {
            // It was put away meanwhile.
            return self.effects.push(DownloadEffect::Close(file));
        };
        if matches!(active.stage, Stage::NeedsList | Stage::ListAsked(..)) {
            active.stage = Stage::Checking;
            let nothing = Blocks::none(active.content.geometry());
            self.checked(file, Checked::Part(nothing));
        }
    }

    /// Whether a file is something else by now than what was asked for.
    pub(super) fn is_stale(&self, ask: &Ask) -> bool {
        self.active.get(&ask.file).is_some_and(|active| active.content != ask.content)
    }

    /// What is answered is of no use; the file is not filled with it.
    pub(super) fn put_down_stale(&mut self, ask: &Ask, outcome: &AskOutcome) {
        let active = self.active.get(&ask.file);
        let is_to_be_opened =
            active.is_some_and(|active| matches!(active.stage, Stage::NeedsList | Stage::ListAsked(..)));
        if matches!(outcome, AskOutcome::Begun) && is_to_be_opened {
            self.effects.push(DownloadEffect::Close(ask.file));
        }
    }

    /// From now on blocks are asked for: those that are not here, and that nobody was asked for ahead.
    pub(super) fn fill_in(&mut self, file: FileId, here: Blocks) {
        let Some(active) = self.active.get_mut(&file) else { return };
        let mut plan = Plan::new(active.content.geometry(), here);
        for id in &active.offers {
            for (ask, at) in self.sources.get(*id).into_iter().flat_map(|source| source.awaited(file)) {
                if let What::Block(block) = ask.what {
                    plan.take_this(block, *id, *at);
                }
            }
        }
        let (done_bytes, is_complete) = (plan.done_bytes(), plan.is_complete());
        active.stage = if is_complete { Stage::Finishing } else { Stage::Blocks(plan) };
        self.progressed(file, done_bytes);
        if is_complete {
            self.effects.push(DownloadEffect::Finish(file));
        } else {
            self.offer_again(file);
        }
    }
}
