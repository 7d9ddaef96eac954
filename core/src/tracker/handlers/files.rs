//! `register-files` and `unregister-files`: only one's own, all items or none. A long list is worked off in slices, so
//! that others have their turn in between.

use std::time::Instant;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, RegisterFiles, UnregisterFiles};
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::file_changes::{Announcing, Changed, SLICE_ITEMS, User, Withdrawing};
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Work};
use crate::tracker::input::{SessionId, SessionRequest};
use crate::tracker::long_command::LongCommand;
use crate::tracker::machine::Tracker;
use crate::tracker::quotas::{QuotaBroken, Taken};
use crate::tracker::shards::ask::ChangeLine;
use crate::tracker::shards::shard::new_of;
use crate::tracker::shares::TrackerShares;
use crate::tracker::tended::TendedCatalog;
use crate::tracker::watched_folders::TouchedFolders;

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
        let TrackerShares::Here(TendedCatalog { catalog, .. }) = &self.shares else {
            return Ok(self.ask_to_change(asker, user, ChangeLine::Announce(shares)));
        };
        let most = Taken::of(&shares);
        let more = match self.quota_broken_by(&user, most) {
            None => most,
            // Near the bound it matters which of them are new.
            Some(_) => {
                let more = new_of(catalog, Some(user.owner), &shares);
                self.check_quota(&user, more)?;
                more
            }
        };
        self.quotas.reserve(user.owner, more);
        let mut announcing = Announcing::new(user, shares);
        self.announce_slice(asker.now, &mut announcing)
            .unwrap_or_else(|| Ok(CommandReply::LongCommand(Box::new(LongCommand::Announce(announcing)))))
    }

    fn unregister_files(&mut self, asker: &Asker, username: &Username, paths: Vec<SharePath>) -> CommandOutcome {
        let user = asker.own(username)?.clone();
        if let TrackerShares::Parted(_) = &self.shares {
            return Ok(self.ask_to_change(asker, user, ChangeLine::Withdraw(paths)));
        }
        let mut withdrawing = Withdrawing::new(user, paths);
        self.withdraw_slice(asker.now, &mut withdrawing)
            .unwrap_or_else(|| Ok(CommandReply::LongCommand(Box::new(LongCommand::Withdraw(withdrawing)))))
    }

    /// Puts to a line that announces little those behind it that do so too and that surely may be: what is looked up, counted
    /// and told is so once for all of them. Gives how many they were. Each takes its part of what may be worked on in this
    /// turn.
    pub(in crate::tracker) fn join_lines(
        &mut self,
        id: SessionId,
        request: &mut SessionRequest,
        work_left: &mut u32,
    ) -> usize {
        let SessionRequest::Command(Command::RegisterFiles(RegisterFiles { username, shares })) = request else {
            return 0;
        };
        let Some(session) = self.sessions.get(&id) else { return 0 };
        let Some(user) = session.user.as_ref().filter(|user| user.username == *username) else { return 0 };
        let (mut lines, mut items, mut most) = (0, shares.len(), Taken::of(shares));
        for next in &session.waiting {
            let SessionRequest::Command(Command::RegisterFiles(next)) = next else { break };
            let with_next = most.plus(Taken::of(&next.shares));
            let work = 1 + u32::try_from(next.shares.len()).unwrap_or(u32::MAX - 1);
            items += next.shares.len();
            if next.username != *username || items > SLICE_ITEMS || work > *work_left {
                break;
            }
            if self.quota_broken_by(user, with_next).is_some() {
                break;
            }
            *work_left -= work;
            most = with_next;
            lines += 1;
        }
        let Some(session) = self.sessions.get_mut(&id).filter(|_| lines > 0) else { return 0 };
        for next in session.waiting.drain(..lines) {
            if let SessionRequest::Command(Command::RegisterFiles(next)) = next {
                shares.extend(next.shares);
            }
        }
        lines
    }

    /// Goes on; gives the outcome at the end of the list.
    pub(in crate::tracker) fn announce_slice(&mut self, now: Instant, list: &mut Announcing) -> Option<CommandOutcome> {
        let TrackerShares::Here(TendedCatalog { catalog, .. }) = &mut self.shares else { return None };
        let is_done = list.go_on(catalog, self.changes.folders());
        is_done.then(|| self.changed(now, &list.user, &mut list.changed, std::mem::take(&mut list.touched)))
    }

    /// Goes on; gives the outcome at the end of the list, or at the first path that is not shared.
    pub(in crate::tracker) fn withdraw_slice(
        &mut self,
        now: Instant,
        list: &mut Withdrawing,
    ) -> Option<CommandOutcome> {
        let TrackerShares::Here(TendedCatalog { catalog, .. }) = &mut self.shares else { return None };
        Some(match list.go_on(catalog, self.changes.folders())? {
            Ok(()) => self.changed(now, &list.user, &mut list.changed, std::mem::take(&mut list.touched)),
            Err(missing) => Err(not_shared(&missing)),
        })
    }

    /// A list is worked off: counts what is there now, and tells watchers.
    pub(super) fn changed(
        &mut self,
        now: Instant,
        user: &User,
        changed: &mut Changed,
        touched: TouchedFolders,
    ) -> CommandOutcome {
        let kept = self.shares.kept_of(user.owner);
        self.quotas.settle(user.owner, kept.taken());
        if !matches!(changed, Changed::Nothing) && self.linked.is_some() {
            self.tell_mesh(|mesh, _| mesh.shares(now, &user.username, kept.totals));
        }
        match std::mem::replace(changed, Changed::Nothing) {
            Changed::Nothing => {}
            Changed::One(event) => self.changes.shared(now, &user.username, event, touched),
            Changed::Many => self.changes.shared_many(now, &user.username, touched),
        }
        Ok(CommandReply::Done)
    }

    /// Whether so much more may be taken.
    pub(super) fn check_quota(&self, user: &User, more: Taken) -> Result<(), Refusal> {
        self.quota_broken_by(user, more).map_or(Ok(()), |text| Err(Refusal::new(Code::Limit, text)))
    }

    /// What more of this user's would break, if anything.
    pub(super) fn quota_broken_by(&self, user: &User, more: Taken) -> Option<String> {
        let (settings, taken) = (&self.settings, self.shares.taken_by(user.owner));
        let own = taken.shares;
        if own + more.shares > settings.shares_per_user {
            let max = settings.shares_per_user;
            return Some(Sentence::FilesOfUser { max: max as u64, own: own as u64 }.to_string());
        }
        if taken.path_bytes + more.path_bytes > settings.path_bytes_per_user {
            let max = settings.path_bytes_per_user;
            return Some(Sentence::PathsOfUser { max: max as u64 }.to_string());
        }
        let all_max = settings.shares_in_all;
        if self.shares.len() + more.shares > all_max {
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

/// What somebody reads who takes back what they do not share.
pub(in crate::tracker) fn not_shared(path: &SharePath) -> Refusal {
    let text = format!("you do not share \"{}\"; nothing was changed", Shown(path.as_str()));
    Refusal::new(Code::NotShared, text)
}
