//! One shard as a pure machine: what it is asked goes in, and [`Shard::work`] does one step and gives what is answered.
//! Whoever asked much has their turn as everybody else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::tracker::catalog::filter::ShareFilter;
use crate::tracker::catalog::list::ShareList;
use crate::tracker::catalog::question::CatalogQuestion;
use crate::tracker::catalog::{Catalog, OwnerId};
use crate::tracker::file_changes::{Announcing, Changed, SLICE_ITEMS, User, Withdrawing};
use crate::tracker::quotas::Taken;
use crate::tracker::shards::ask::{ChangeLine, ChangeOutcome, OwnerShares, ShardAnswer, ShardAsk};
use crate::tracker::tended::TendedCatalog;
use crate::tracker::ticket::Ticket;
use crate::tracker::watched_folders::WatchedFolders;

/// The shares of some owners, and what is to be done with them.
#[derive(Debug)]
pub struct Shard {
    tended: TendedCatalog,
    /// By the names that the tracker has for them.
    owners: BTreeMap<OwnerId, OwnerId>,
    /// The same the other way round of those who are being forgotten.
    leaving: BTreeMap<OwnerId, OwnerId>,
    folders: WatchedFolders,
    jobs: VecDeque<Job>,
}

/// Something that it was asked.
#[derive(Debug)]
struct Job {
    ticket: Ticket,
    work: JobWork,
}

#[derive(Debug)]
enum JobWork {
    /// A list that is not begun. The owner in its question is of this catalog; an empty one is of somebody who is not here.
    Begin {
        question: Arc<CatalogQuestion>,
        of: Of,
    },
    List(Box<ShareList>),
    Change(Box<ChangeJob>),
    CountNew {
        owner: Option<OwnerId>,
        shares: Vec<Share>,
    },
}

/// Whose shares a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Everybody,
    One(OwnerId),
    /// They share nothing, or are gone.
    Nobody,
}

/// Lines that change somebody's shares, on their way.
#[derive(Debug)]
struct ChangeJob {
    /// As the tracker names them.
    owner: OwnerId,
    /// As the catalog does.
    user: User,
    lines: std::vec::IntoIter<ChangeLine>,
    current: Option<LongChange>,
    /// How many lines were put to that one.
    joined: usize,
    outcomes: Vec<ChangeOutcome>,
}

#[derive(Debug)]
enum LongChange {
    Announce(Announcing),
    Withdraw(Withdrawing),
}

impl Shard {
    /// A shard that nobody shares anything in.
    pub fn new(now: Instant) -> Self {
        Self {
            tended: TendedCatalog::new(now),
            owners: BTreeMap::new(),
            leaving: BTreeMap::new(),
            folders: WatchedFolders::default(),
            jobs: VecDeque::new(),
        }
    }

    /// Takes what it is asked. What can be said at once is put to the answers.
    pub fn take(&mut self, ask: ShardAsk, answers: &mut Vec<ShardAnswer>) {
        match ask {
            ShardAsk::List { ticket, question } => {
                let of = match question.filter.owner {
                    None => Of::Everybody,
                    Some(owner) => self.owners.get(&owner).map_or(Of::Nobody, |owner| Of::One(*owner)),
                };
                self.jobs.push_back(Job { ticket, work: JobWork::Begin { question, of } });
            }
            ShardAsk::Change { ticket, owner, username, lines } => {
                let catalog = &mut self.tended.catalog;
                let local = *self.owners.entry(owner).or_insert_with(|| catalog.add_owner(username.clone()));
                let user = User { username, owner: local };
                let (lines, outcomes) = (lines.into_iter(), Vec::new());
                let job = ChangeJob { owner, user, lines, current: None, joined: 0, outcomes };
                let work = JobWork::Change(Box::new(job));
                self.jobs.push_back(Job { ticket, work });
            }
            ShardAsk::CountNew { ticket, owner, shares } => {
                let owner = self.owners.get(&owner).copied();
                self.jobs.push_back(Job { ticket, work: JobWork::CountNew { owner, shares } });
            }
            ShardAsk::Forget(owner) => self.forget(owner, answers),
            ShardAsk::Cancel(ticket) => self.jobs.retain(|job| job.ticket != ticket),
            ShardAsk::Watch { folder, is_watched: true } => _ = self.folders.begin(&folder),
            ShardAsk::Watch { folder, is_watched: false } => _ = self.folders.end(&folder),
        }
    }

    /// Whether [`work`](Self::work) has something to do now.
    pub fn has_work(&self) -> bool {
        !self.jobs.is_empty() || self.tended.is_forgetting()
    }

    /// How much it was asked and has not answered.
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// When [`work`](Self::work) must be called although it has nothing to do now.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.tended.catching_up_due()
    }

    /// Does one step, which takes some milliseconds at most.
    pub fn work(&mut self, now: Instant, answers: &mut Vec<ShardAnswer>) {
        if let Some(forgotten) = self.tended.forget_some()
            && let Some(owner) = self.leaving.remove(&forgotten)
        {
            answers.push(ShardAnswer::Forgotten(owner));
        }
        self.tended.catch_up(now);
        let Some(Job { ticket, work }) = self.jobs.pop_front() else { return };
        // A bug of ours ends the session that met it, not everybody's.
        match catch_unwind(AssertUnwindSafe(|| self.go_on(ticket, work))) {
            Ok(Ok(answer)) => answers.push(answer),
            Ok(Err(work)) => self.jobs.push_back(Job { ticket, work }),
            Err(_panic) => answers.push(ShardAnswer::Failed(ticket)),
        }
    }

    /// Forgets an owner and what they have asked for.
    fn forget(&mut self, owner: OwnerId, answers: &mut Vec<ShardAnswer>) {
        let Some(local) = self.owners.remove(&owner) else {
            return answers.push(ShardAnswer::Forgotten(owner));
        };
        self.jobs.retain_mut(|job| {
            let is_theirs = match &mut job.work {
                JobWork::Begin { of, .. } => {
                    // The place in the catalog may be somebody else's when it is begun.
                    *of = if *of == Of::One(local) { Of::Nobody } else { *of };
                    false
                }
                JobWork::Change(change) => change.user.owner == local,
                JobWork::CountNew { owner, .. } => *owner == Some(local),
                JobWork::List(_) => false,
            };
            if is_theirs {
                answers.push(ShardAnswer::Cancelled(job.ticket));
            }
            !is_theirs
        });
        if self.tended.forget(local) {
            answers.push(ShardAnswer::Forgotten(owner));
        } else {
            self.leaving.insert(local, owner);
        }
    }

    /// Goes on with something; what is answered, or what is left of it.
    fn go_on(&mut self, ticket: Ticket, work: JobWork) -> Result<ShardAnswer, JobWork> {
        let catalog = &self.tended.catalog;
        match work {
            // Nobody finds half of the shares of somebody who has left.
            JobWork::Begin { .. } if self.tended.is_forgetting() => Err(work),
            JobWork::Begin { question, of } => {
                let list = match of {
                    Of::Everybody => catalog.ask(&question),
                    Of::One(owner) => {
                        let filter = ShareFilter { owner: Some(owner), ..question.filter.clone() };
                        catalog.ask(&CatalogQuestion { filter, ..CatalogQuestion::clone(&question) })
                    }
                    Of::Nobody => {
                        let filter = ShareFilter::default();
                        Catalog::new().ask(&CatalogQuestion { filter, ..CatalogQuestion::clone(&question) })
                    }
                };
                if list.is_ready() {
                    Ok(ShardAnswer::Listed { ticket, list })
                } else {
                    Err(JobWork::List(Box::new(list)))
                }
            }
            JobWork::List(mut list) => match catalog.scan(&mut list) {
                true => Ok(ShardAnswer::Listed { ticket, list: *list }),
                false => Err(JobWork::List(list)),
            },
            JobWork::CountNew { owner, shares } => {
                let new = new_of(catalog, owner, &shares);
                Ok(ShardAnswer::CountedNew { ticket, shares, new })
            }
            JobWork::Change(mut change) => match change.go_on(&mut self.tended.catalog, &self.folders) {
                true => {
                    let owner = change.user.owner;
                    let (totals, path_bytes) =
                        (self.tended.catalog.totals_of(owner), self.tended.catalog.path_bytes_of(owner));
                    let kept = OwnerShares { totals, path_bytes };
                    Ok(ShardAnswer::Changed { ticket, owner: change.owner, outcomes: change.outcomes, kept })
                }
                false => Err(JobWork::Change(change)),
            },
        }
    }
}

/// How much is new of what somebody would announce.
pub(in crate::tracker) fn new_of(catalog: &Catalog, owner: Option<OwnerId>, shares: &[Share]) -> Taken {
    let is_new = |share: &&Share| owner.is_none_or(|owner| catalog.get(owner, &share.path).is_none());
    let new: BTreeSet<&SharePath> = shares.iter().filter(is_new).map(|share| &share.path).collect();
    Taken { shares: new.len(), path_bytes: new.iter().map(|path| path.as_str().len()).sum() }
}

impl ChangeJob {
    /// A slice more; `true` if it was the last.
    fn go_on(&mut self, catalog: &mut Catalog, folders: &WatchedFolders) -> bool {
        let mut items = 0;
        while items < SLICE_ITEMS {
            let Some(mut current) = self.current.take().or_else(|| self.next_line()) else { return true };
            items += current.len().clamp(1, SLICE_ITEMS);
            match current.go_on(catalog, folders) {
                Some(outcome) => {
                    self.outcomes.push(outcome);
                    // What they changed is in the first.
                    let joined = std::mem::take(&mut self.joined);
                    self.outcomes.extend(std::iter::repeat_with(ChangeOutcome::default).take(joined));
                }
                None => self.current = Some(current),
            }
        }
        self.current.is_none() && self.lines.as_slice().is_empty()
    }

    /// The next line. To one that announces little those behind it are put that do so too.
    fn next_line(&mut self) -> Option<LongChange> {
        Some(match self.lines.next()? {
            ChangeLine::Announce(mut shares) => {
                while let Some(ChangeLine::Announce(next)) = self.lines.as_slice().first()
                    && shares.len() + next.len() <= SLICE_ITEMS
                    && let Some(ChangeLine::Announce(next)) = self.lines.next()
                {
                    shares.extend(next);
                    self.joined += 1;
                }
                LongChange::Announce(Announcing::new(self.user.clone(), shares))
            }
            ChangeLine::Withdraw(paths) => LongChange::Withdraw(Withdrawing::new(self.user.clone(), paths)),
        })
    }
}

impl LongChange {
    /// How many items are left.
    fn len(&self) -> usize {
        match self {
            Self::Announce(list) => list.shares.as_slice().len(),
            Self::Withdraw(list) => list.paths.len(),
        }
    }

    /// A slice more; at its end what came of it.
    fn go_on(&mut self, catalog: &mut Catalog, folders: &WatchedFolders) -> Option<ChangeOutcome> {
        let (changed, touched, missing) = match self {
            Self::Announce(list) => {
                (list.go_on(catalog, folders).then_some(&mut list.changed)?, &mut list.touched, None)
            }
            Self::Withdraw(list) => match list.go_on(catalog, folders)? {
                Ok(()) => (&mut list.changed, &mut list.touched, None),
                Err(missing) => (&mut list.changed, &mut list.touched, Some(missing)),
            },
        };
        let changed = std::mem::replace(changed, Changed::Nothing);
        Some(ChangeOutcome { changed, touched: std::mem::take(touched), missing })
    }
}
