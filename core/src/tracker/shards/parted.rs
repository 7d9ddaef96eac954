//! The tracker's side of the shards: who is where, what is known of them at once, and who waits for what.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::question::{CatalogQuestion, QuestionForm};
use crate::tracker::file_changes::User;
use crate::tracker::input::SessionId;
use crate::tracker::own_list::AskedList;
use crate::tracker::quotas::Taken;
use crate::tracker::shards::ask::{ChangeLine, OwnerShares, ShardAsk};
use crate::tracker::tended::FORGOTTEN_AT_ONCE;
use crate::tracker::ticket::Ticket;

/// A catalog that shards keep.
#[derive(Debug)]
pub(in crate::tracker) struct PartedCatalog {
    shards: usize,
    /// What makes it unpredictable in which shard a name is.
    key: [u8; 32],
    owners: Vec<PartedOwner>,
    free: Vec<OwnerId>,
    /// Of each shard.
    counts: Vec<ShardCounts>,
    /// What the shards are to be asked, in this order.
    asks: Vec<(usize, ShardAsk)>,
    /// Who waits, and for how many answers.
    waiting: BTreeMap<Ticket, (SessionId, usize)>,
}

/// What is in one shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardCounts {
    /// Users who are here.
    pub users: usize,
    /// What they share, and what is asked to be shared; of those who have left what is not forgotten yet.
    pub shares: usize,
}

/// What is known of an owner.
#[derive(Debug)]
struct PartedOwner {
    shard: usize,
    /// The shard has heard of them.
    is_known: bool,
    kept: OwnerShares,
    /// What they have asked to share, at most, which is not answered.
    asked: Taken,
}

impl PartedOwner {
    fn counted(&self) -> usize {
        self.kept.taken().plus(self.asked).shares
    }
}

impl PartedCatalog {
    /// So many shards, all of which are empty.
    pub(in crate::tracker) fn new(shards: usize, key: [u8; 32]) -> Self {
        let (owners, free, asks, waiting) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        Self { shards, key, owners, free, counts: vec![ShardCounts::default(); shards], asks, waiting }
    }

    /// What is in each shard.
    pub(in crate::tracker) fn counts(&self) -> &[ShardCounts] {
        &self.counts
    }

    pub(in crate::tracker) fn add_owner(&mut self, username: &Username) -> OwnerId {
        // By name, so that two of one name, of whom one is on the way out, are in one shard.
        let hash = blake3::keyed_hash(&self.key, username.folded().as_bytes());
        let hash = hash.as_bytes().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        let shard = usize::try_from(hash % self.shards as u64).unwrap_or(0);
        self.counts[shard].users += 1;
        let owner = PartedOwner { shard, is_known: false, kept: OwnerShares::default(), asked: Taken::default() };
        match self.free.pop() {
            Some(id) => {
                self.owners[id.number()] = owner;
                id
            }
            None => {
                self.owners.push(owner);
                OwnerId::numbered(self.owners.len() - 1)
            }
        }
    }

    /// Has an owner forgotten. Of very many shares it takes a while, and they count until then.
    pub(in crate::tracker) fn forget(&mut self, id: OwnerId) {
        let owner = &mut self.owners[id.number()];
        let counts = &mut self.counts[owner.shard];
        counts.users -= 1;
        if owner.counted() <= FORGOTTEN_AT_ONCE {
            counts.shares -= owner.counted();
            (owner.kept, owner.asked) = (OwnerShares::default(), Taken::default());
        }
        if owner.is_known {
            let shard = owner.shard;
            self.asks.push((shard, ShardAsk::Forget(id)));
        } else {
            self.free.push(id);
        }
    }

    /// Nothing is left of an owner.
    pub(in crate::tracker) fn forgotten(&mut self, id: OwnerId) {
        let owner = &mut self.owners[id.number()];
        self.counts[owner.shard].shares -= owner.counted();
        owner.is_known = false;
        self.free.push(id);
    }

    /// What an owner shares, as far as it was answered.
    pub(in crate::tracker) fn kept(&self, id: OwnerId) -> OwnerShares {
        self.owners[id.number()].kept
    }

    /// What an owner takes, with what they have asked to share.
    pub(in crate::tracker) fn taken(&self, id: OwnerId) -> Taken {
        let owner = &self.owners[id.number()];
        owner.kept.taken().plus(owner.asked)
    }

    /// What all share and have asked to share.
    pub(in crate::tracker) fn len(&self) -> usize {
        self.counts.iter().map(|counts| counts.shares).sum()
    }

    /// Somebody asks to share so much more at most.
    pub(in crate::tracker) fn reserve(&mut self, id: OwnerId, more: Taken) {
        let owner = &mut self.owners[id.number()];
        owner.asked = owner.asked.plus(more);
        self.counts[owner.shard].shares += more.shares;
    }

    /// What somebody has asked for is done, and this is what they share. Who is being forgotten counts as they did.
    pub(in crate::tracker) fn settle(&mut self, id: OwnerId, kept: OwnerShares) {
        let owner = &mut self.owners[id.number()];
        let shares = &mut self.counts[owner.shard].shares;
        *shares -= owner.counted();
        (owner.kept, owner.asked) = (kept, Taken::default());
        *shares += owner.counted();
    }

    /// Asks for the lines of a list.
    pub(in crate::tracker) fn ask_list(
        &mut self,
        ticket: Ticket,
        session: SessionId,
        question: CatalogQuestion,
    ) -> AskedList {
        let only = question.filter.owner.map(|owner| self.owners[owner.number()].shard);
        let shards = only.map_or(0..self.shards, |only| only..only + 1);
        let asked = AskedList {
            ticket,
            limit: question.limit,
            is_count: question.form == QuestionForm::Count,
            missing: shards.len(),
            parts: Vec::with_capacity(shards.len()),
        };
        self.waiting.insert(ticket, (session, shards.len()));
        let question = Arc::new(question);
        let ask = |shard| (shard, ShardAsk::List { ticket, question: Arc::clone(&question) });
        self.asks.extend(shards.map(ask));
        asked
    }

    /// Asks to change what somebody shares.
    pub(in crate::tracker) fn ask_change(
        &mut self,
        ticket: Ticket,
        session: SessionId,
        user: &User,
        lines: Vec<ChangeLine>,
    ) {
        let owner = &mut self.owners[user.owner.number()];
        owner.is_known = true;
        self.waiting.insert(ticket, (session, 1));
        let ask = ShardAsk::Change { ticket, owner: user.owner, username: user.username.clone(), lines };
        self.asks.push((owner.shard, ask));
    }

    /// Asks how many of some shares are new.
    pub(in crate::tracker) fn ask_new(&mut self, ticket: Ticket, session: SessionId, user: &User, shares: Vec<Share>) {
        let shard = self.owners[user.owner.number()].shard;
        self.waiting.insert(ticket, (session, 1));
        self.asks.push((shard, ShardAsk::CountNew { ticket, owner: user.owner, shares }));
    }

    /// Nobody waits for a list any more.
    pub(in crate::tracker) fn cancel(&mut self, ticket: Ticket) {
        if self.waiting.remove(&ticket).is_some() {
            self.asks.extend((0..self.shards).map(|shard| (shard, ShardAsk::Cancel(ticket))));
        }
    }

    /// What the shards are to be told when somebody wants to know what changes below a folder, or nobody does any more.
    pub(in crate::tracker) fn watch(
        &self,
        folder: SharePath,
        is_watched: bool,
    ) -> impl Iterator<Item = (usize, ShardAsk)> + use<> {
        let ask = move |shard| (shard, ShardAsk::Watch { folder: folder.clone(), is_watched });
        (0..self.shards).map(ask)
    }

    /// Who waits for an answer, of which one has come.
    pub(in crate::tracker) fn answered(&mut self, ticket: Ticket) -> Option<SessionId> {
        let (session, missing) = self.waiting.get_mut(&ticket)?;
        let session = *session;
        *missing -= 1;
        if *missing == 0 {
            self.waiting.remove(&ticket);
        }
        Some(session)
    }

    /// What the shards are to be asked since this was called last.
    pub(in crate::tracker) fn take_asks(&mut self) -> Vec<(usize, ShardAsk)> {
        std::mem::take(&mut self.asks)
    }
}
