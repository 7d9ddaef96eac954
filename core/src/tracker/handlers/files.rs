//! `register-files` and `unregister-files`: only one's own, all items or none. A long list is worked off in slices, so
//! that others have their turn in between.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, RegisterFiles, UnregisterFiles};
use crate::protocol::notice::Notice;
use crate::protocol::reply::FileLine;
use crate::protocol::sentence::Sentence;
use crate::tracker::catalog::Insert;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Work};
use crate::tracker::input::{SessionId, SessionRequest};
use crate::tracker::long_command::{Announcing, Changed, LongCommand, User, Withdrawing};
use crate::tracker::machine::Tracker;
use crate::tracker::quotas::{QuotaBroken, Taken};
use crate::tracker::watching::TouchedFolders;

/// Items that are worked off at once.
pub(in crate::tracker) const SLICE_ITEMS: usize = 128;
/// Fewer items than these of one line are not worth fetching for by themselves.
const FETCHED_FROM: usize = 8;

impl Handle for RegisterFiles {
    fn work(&self) -> Work {
        Work::Changes(self.shares.len())
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.register_files(asker, &self.username, self.shares)
    }
}

impl Handle for UnregisterFiles {
    fn work(&self) -> Work {
        Work::Changes(self.paths.len())
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.unregister_files(asker, &self.username, self.paths)
    }
}

impl Tracker {
    fn register_files(&mut self, asker: &Asker, username: &Username, shares: Vec<Share>) -> CommandOutcome {
        let user = asker.own(username)?.clone();
        let more = self.check_quota(&user, &shares)?;
        self.quotas.reserve(user.owner, more);
        let mut announcing = Announcing {
            user,
            shares: shares.into_iter(),
            changed: Changed::Nothing,
            touched: TouchedFolders::default(),
        };
        self.announce_slice(asker.now, &mut announcing)
            .unwrap_or_else(|| Ok(CommandReply::LongCommand(Box::new(LongCommand::Announce(announcing)))))
    }

    fn unregister_files(&mut self, asker: &Asker, username: &Username, paths: Vec<SharePath>) -> CommandOutcome {
        let user = asker.own(username)?.clone();
        let mut withdrawing = Withdrawing {
            user,
            paths,
            found: 0,
            taken: 0,
            changed: Changed::Nothing,
            touched: TouchedFolders::default(),
        };
        self.withdraw_slice(asker.now, &mut withdrawing)
            .unwrap_or_else(|| Ok(CommandReply::LongCommand(Box::new(LongCommand::Withdraw(withdrawing)))))
    }

    /// Lines have come, of which those that announce little each are often many: what all of these need is fetched together.
    pub(in crate::tracker) fn fetch_for(&self, id: SessionId, requests: &[SessionRequest]) {
        let user = self.sessions.get(&id).and_then(|session| session.user.as_ref());
        let Some(user) = user.filter(|_| requests.len() > 1) else { return };
        let few = requests.iter().filter_map(|request| match request {
            SessionRequest::Command(Command::RegisterFiles(line)) if line.shares.len() < FETCHED_FROM => Some(line),
            _ => None,
        });
        self.catalog.fetch(user.owner, few.flat_map(|line| &line.shares).take(SLICE_ITEMS));
    }

    /// Goes on; gives the outcome at the end of the list.
    pub(in crate::tracker) fn announce_slice(&mut self, now: Instant, list: &mut Announcing) -> Option<CommandOutcome> {
        let user = &list.user;
        let some = list.shares.as_slice();
        let some = &some[..some.len().min(SLICE_ITEMS)];
        if some.len() >= FETCHED_FROM {
            self.catalog.fetch(user.owner, some);
        }
        for share in list.shares.by_ref().take(SLICE_ITEMS) {
            if self.catalog.insert(user.owner, &share) != Insert::Same {
                self.changes.touch(&share.path, &mut list.touched);
                list.changed.add(|| Notice::Shared(line(user, share)));
            }
        }
        let is_done = list.shares.as_slice().is_empty();
        is_done.then(|| self.changed(now, &list.user, &mut list.changed, std::mem::take(&mut list.touched)))
    }

    /// Goes on; gives the outcome at the end of the list, or at the first path that is not shared.
    pub(in crate::tracker) fn withdraw_slice(
        &mut self,
        now: Instant,
        list: &mut Withdrawing,
    ) -> Option<CommandOutcome> {
        let user = &list.user;
        for path in list.paths.iter().skip(list.found).take(SLICE_ITEMS) {
            if self.catalog.get(user.owner, path).is_none() {
                let text = format!("you do not share \"{}\"; nothing was changed", Shown(path.as_str()));
                return Some(Err(Refusal::new(Code::NotShared, text)));
            }
            list.found += 1;
        }
        if list.found < list.paths.len() {
            return None;
        }
        for path in list.paths.iter().skip(list.taken).take(SLICE_ITEMS) {
            list.taken += 1;
            // A path that stands twice in the list is gone the first time.
            if self.catalog.remove(user.owner, path) {
                self.changes.touch(path, &mut list.touched);
                list.changed.add(|| Notice::Unshared(user.username.clone(), path.clone()));
            }
        }
        let is_done = list.taken == list.paths.len();
        is_done.then(|| self.changed(now, &list.user, &mut list.changed, std::mem::take(&mut list.touched)))
    }

    /// A list is worked off: counts what is there now, and tells watchers.
    fn changed(&mut self, now: Instant, user: &User, changed: &mut Changed, touched: TouchedFolders) -> CommandOutcome {
        let path_bytes = self.catalog.path_bytes_of(user.owner);
        self.quotas.settle(user.owner, Taken { shares: self.catalog.shares_of(user.owner), path_bytes });
        if !matches!(changed, Changed::Nothing) && self.linked.is_some() {
            let totals = self.catalog.totals_of(user.owner);
            self.tell_mesh(|mesh, _| mesh.shares(now, &user.username, totals));
        }
        match std::mem::replace(changed, Changed::Nothing) {
            Changed::Nothing => {}
            Changed::One(event) => self.changes.shared(now, &user.username, event, touched),
            Changed::Many => self.changes.shared_many(now, &user.username, touched),
        }
        Ok(CommandReply::Done)
    }

    /// How much more may be taken by these shares, if it may be taken.
    fn check_quota(&self, user: &User, shares: &[Share]) -> Result<Taken, Refusal> {
        let path_bytes = shares.iter().map(|share| share.path.as_str().len()).sum();
        let most = Taken { shares: shares.len(), path_bytes };
        if self.quota_broken_by(user, most).is_none() {
            return Ok(most);
        }
        // Near the bound it matters which of them are new.
        let new = shares.iter().filter(|share| self.catalog.get(user.owner, &share.path).is_none());
        let new: BTreeSet<&SharePath> = new.map(|share| &share.path).collect();
        let more = Taken { shares: new.len(), path_bytes: new.iter().map(|path| path.as_str().len()).sum() };
        self.quota_broken_by(user, more).map_or(Ok(more), |text| Err(Refusal::new(Code::Limit, text)))
    }

    fn quota_broken_by(&self, user: &User, more: Taken) -> Option<String> {
        let (settings, catalog) = (&self.settings, &self.catalog);
        let own = catalog.shares_of(user.owner);
        if own + more.shares > settings.shares_per_user {
            let max = settings.shares_per_user;
            return Some(Sentence::FilesOfUser { max: max as u64, own: own as u64 }.to_string());
        }
        if catalog.path_bytes_of(user.owner) + more.path_bytes > settings.path_bytes_per_user {
            let max = settings.path_bytes_per_user;
            return Some(Sentence::PathsOfUser { max: max as u64 }.to_string());
        }
        let all_max = settings.shares_in_all;
        if catalog.len() + more.shares > all_max {
            return Some(Sentence::FilesInAll { max: all_max as u64 }.to_string());
        }
        let sentence = match self.quotas.broken_by(settings, user.owner, more)? {
            QuotaBroken::AddressShares(max) => Sentence::FilesOfAddress { max: max as u64 },
            QuotaBroken::AddressBytes(max) => Sentence::PathsOfAddress { max: max as u64 },
            QuotaBroken::SharesWithoutKey(max) => Sentence::FilesWithoutKey { max: max as u64 },
            QuotaBroken::AllBytes(max) => Sentence::PathsInAll { max: max as u64 },
        };
        Some(sentence.to_string())
    }
}

fn line(user: &User, share: Share) -> FileLine {
    FileLine { username: user.username.clone(), size: share.size, hash: share.hash, path: share.path }
}
