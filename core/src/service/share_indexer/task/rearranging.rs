//! Taking something out of what is shared, or giving it other names: a bounded part at a time, so that others are served
//! meanwhile, and on the disk before it is said to be done.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::library::changes::ShareChanges;
use crate::library::giving_up::{GivingUp, Unwanted};
use crate::library::root::RootId;
use crate::library::typed::ShareOrLocalPath;
use crate::library::unsaved::Unsaved;
use crate::model::share_path::SharePath;
use crate::service::share_indexer::content::{STEPS_PER_HOLD, SharedLibrary};
use crate::service::share_indexer::plan::{
    Planned, find_shared_items, find_stopped_items, plan_again, plan_rename, read_items,
};
use crate::service::share_indexer::task::{AwaitedShare, IndexerTask, RenameReply, ShareReply, TaskEnd, UnshareReply};
use crate::service::share_indexer::{OPEN_FOLDERS_MAX, RenamedShares, ShareError, UnshareItem, Unshared, UnsharedEach};

/// What was rearranged.
#[derive(Debug, Default)]
struct Rearranged<T = ()> {
    /// What else there is to say of it.
    more: T,
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
                let Rearranged { mut told, mut unsaved, .. } = Rearranged::<()>::default();
                while !shared.change(|library, changes| {
                    let is_done = renaming.step(library, STEPS_PER_HOLD, changes, &mut unsaved);
                    told.then(changes.clone());
                    is_done
                }) {}
                Ok(Rearranged { told, unsaved, look: renaming.roots(), more: () })
            },
            |result| _ = reply.send(result.map(|(told, ())| told)),
        );
    }

    /// Carries out several commands, one after the other, and writes all of it at once.
    pub(super) fn unshare_each(&mut self, commands: Vec<Vec<ShareOrLocalPath>>, reply: UnshareReply) {
        self.rearrange(
            |shared| {
                let mut all = Rearranged::<UnsharedEach>::default();
                for command in commands {
                    let result = unshare(shared, &command, &mut all.unsaved);
                    all.more.push(result);
                }
                Ok(all)
            },
            |result| {
                let _gave_up_waiting = reply.send(result.map(|(_, each)| each));
            },
        );
    }

    /// Takes back what was stopped, and looks what is there.
    pub(super) fn share_again(&mut self, items: Vec<UnshareItem>, reply: ShareReply) {
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn_blocking(move || {
            let include = || {
                let (mut planned, mut unsaved) = (Vec::new(), Unsaved::default());
                for (typed, branch) in find_stopped_items(items, &shared.library)? {
                    while !shared.change(|library, _| library.include_some(&branch, STEPS_PER_HOLD, &mut unsaved)) {}
                    let root = shared.library.read().root(branch.0).cloned();
                    planned.extend(root.map(|root| plan_again(typed, &root, branch.1.as_ref())));
                }
                Ok((planned, unsaved))
            };
            match shared.rearrange(include) {
                Ok((planned, _)) => {
                    TaskEnd::Accepted { asked: AwaitedShare { planned, reply }, save: Unsaved::default() }
                }
                Err(error) => TaskEnd::refused(reply, error),
            }
        });
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
    fn rearrange<T>(
        &mut self,
        change: impl FnOnce(&SharedLibrary) -> Result<Rearranged<T>, ShareError> + Send + 'static,
        answer: impl FnOnce(Result<(RenamedShares, T), ShareError>) + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn_blocking(move || {
            let (mut look, mut gone) = (Vec::new(), Vec::new());
            let change = || {
                let Rearranged { more, told, unsaved, look: to_look_at } = change(&shared)?;
                look = to_look_at;
                Ok(((told, more), unsaved))
            };
            answer(shared.rearrange(change).map(|((told, more), unsaved)| {
                let is_gone = |id: &RootId| shared.library.read().root(*id).is_none();
                gone = unsaved.roots.iter().copied().filter(is_gone).collect();
                (told.into_parts(), more)
            }));
            TaskEnd::Rearranged { look, gone }
        });
    }
}

/// Carries out one command. What is announced under such a path is meant, whatever the disk has: a hundred thousand paths
/// need not be looked for there.
fn unshare(
    shared: &SharedLibrary,
    command: &[ShareOrLocalPath],
    unsaved: &mut Unsaved,
) -> Result<Unshared, ShareError> {
    let items = read_items(command, |path| shared.library.read().is_announced(path));
    let done = give_up(shared, find_shared_items(items, &shared.library)?);
    let open_folders = open_folders(shared, &done);
    unsaved.extend(&done.unsaved);
    let (_, paths) = done.told.into_parts();
    Ok(Unshared { paths, open_folders })
}

/// Gives up all of it. Many small things are done in one hold of the library, and one large thing in many.
fn give_up(shared: &SharedLibrary, unwanted: Vec<Unwanted>) -> Rearranged {
    let Rearranged { mut told, mut unsaved, .. } = Rearranged::<()>::default();
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
    Rearranged { told, unsaved, look: Vec::new(), more: () }
}

/// Folders in which single files were stopped, and which are shared: so is what comes into them.
fn open_folders(shared: &SharedLibrary, done: &Rearranged) -> Vec<SharePath> {
    let mut open = BTreeSet::new();
    let mut places = done.unsaved.places.iter().peekable();
    while places.peek().is_some() && open.len() < OPEN_FOLDERS_MAX {
        let library = shared.library.read();
        for (id, place) in places.by_ref().take(STEPS_PER_HOLD) {
            let Some(root) = library.root(*id) else { continue };
            let is_file = root.share_path(place.as_str()).is_ok_and(|path| done.told.is_removed(&path));
            let above = place.as_str().rsplit_once('/').map_or("", |(above, _)| above);
            let is_open = above.is_empty() || library.holds(*id, above);
            if is_file && is_open && open.len() < OPEN_FOLDERS_MAX {
                let folder = if above.is_empty() { Ok(root.share_as.clone()) } else { root.share_path(above) };
                open.extend(folder);
            }
        }
    }
    open.into_iter().collect()
}
