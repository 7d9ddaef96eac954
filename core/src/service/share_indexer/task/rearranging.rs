//! Taking something out of what is shared, or giving it other names: a bounded part at a time, so that others are served
//! meanwhile, and on the disk before it is said to be done.

use std::sync::Arc;

use crate::library::changes::ShareChanges;
use crate::library::giving_up::{GivingUp, Unwanted};
use crate::library::root::RootId;
use crate::library::unsaved::Unsaved;
use crate::model::share_path::SharePath;
use crate::service::share_indexer::content::{STEPS_PER_HOLD, SharedLibrary};
use crate::service::share_indexer::plan::{Planned, find_shared_items, plan_rename};
use crate::service::share_indexer::task::{IndexerTask, RenameReply, ShareReply, TaskEnd, UnshareReply};
use crate::service::share_indexer::{RenamedShares, ShareError, UnshareItem};

/// What was rearranged.
#[derive(Debug, Default)]
struct Rearranged {
    told: ShareChanges,
    unsaved: Unsaved,
    /// Roots to be looked at, since the old ones are not any more.
    look: Vec<RootId>,
}

impl IndexerTask {
    pub(super) fn rename(&mut self, from: SharePath, to: SharePath, reply: RenameReply) {
        self.rearrange(
            move |shared| {
                let mut renaming = plan_rename(&from, &to, &shared.library)?;
                let Rearranged { mut told, mut unsaved, .. } = Rearranged::default();
                while !shared.change(|library, changes| {
                    let is_done = renaming.step(library, STEPS_PER_HOLD, changes, &mut unsaved);
                    told.then(changes.clone());
                    is_done
                }) {}
                Ok(Rearranged { told, unsaved, look: renaming.roots() })
            },
            |result| _ = reply.send(result),
        );
    }

    pub(super) fn unshare(&mut self, items: Vec<UnshareItem>, reply: UnshareReply) {
        self.rearrange(
            |shared| Ok(give_up(shared, find_shared_items(items, &shared.library)?)),
            |result| _ = reply.send(result.map(|(_, removed)| removed)),
        );
    }

    /// Nothing of it is shared, if not all of it can be.
    pub(super) fn take_back(&mut self, planned: &[Planned], problem: ShareError, reply: ShareReply) {
        let new = planned.iter().filter(|plan| plan.is_new).map(|plan| Unwanted::Root(plan.root.id));
        let unwanted: Vec<Unwanted> = new.collect();
        self.rearrange(
            |shared| Ok(give_up(shared, unwanted)),
            |withdrawn| {
                if let Err(error) = withdrawn {
                    tracing::error!(%error, "the list of shares cannot be saved");
                }
                let _gave_up_waiting = reply.send(Err(problem));
            },
        );
    }

    /// Rearranges the table, remembers that, and only then answers: nothing of it is served as it was any more then, not
    /// after a restart either.
    fn rearrange(
        &mut self,
        change: impl FnOnce(&SharedLibrary) -> Result<Rearranged, ShareError> + Send + 'static,
        answer: impl FnOnce(Result<RenamedShares, ShareError>) + Send + 'static,
    ) {
        let (shared, watches) = (Arc::clone(&self.shared), Arc::clone(&self.watches));
        self.tasks.spawn_blocking(move || {
            let mut look = Vec::new();
            answer(change(&shared).and_then(|done| {
                look = done.look;
                shared.save_roots(&done.unsaved)?;
                Ok(done.told.into_parts())
            }));
            let bases = shared.library.read().bases();
            TaskEnd::Rearranged { watch_news: watches.lock().follow(&bases), look }
        });
    }
}

/// Gives up all of it. Many small things are done in one hold of the library, and one large thing in many.
fn give_up(shared: &SharedLibrary, unwanted: Vec<Unwanted>) -> Rearranged {
    let Rearranged { mut told, mut unsaved, .. } = Rearranged::default();
    let mut left = unwanted.into_iter().map(GivingUp::new).peekable();
    while left.peek().is_some() {
        shared.change(|library, changes| {
            let mut steps_left = STEPS_PER_HOLD;
            while steps_left > 0
                && let Some(giving_up) = left.peek_mut()
            {
                if giving_up.step(library, &mut steps_left, changes, &mut unsaved) {
                    left.next();
                }
            }
            told.then(changes.clone());
        });
    }
    Rearranged { told, unsaved, look: Vec::new() }
}
