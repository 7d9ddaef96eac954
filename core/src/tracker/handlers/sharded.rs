//! What is asked of the shards of a catalog, and what they answer. With a catalog of one piece it is answered at once.

use std::time::Instant;

use crate::model::share::Share;
use crate::protocol::command::{Command, RegisterFiles, UnregisterFiles, VerbKind};
use crate::tracker::catalog::question::CatalogQuestion;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::file_changes::User;
use crate::tracker::handlers::files::not_shared;
use crate::tracker::handlers::{Asker, CommandOutcome};
use crate::tracker::input::SessionRequest;
use crate::tracker::long_command::{Changing, Judging, LongCommand};
use crate::tracker::machine::Tracker;
use crate::tracker::own_list::OwnList;
use crate::tracker::quotas::Taken;
use crate::tracker::session::Turn;
use crate::tracker::shards::ask::{ChangeLine, ChangeOutcome, ShardAnswer};
use crate::tracker::shares::TrackerShares;

/// How far a list has come.
pub(in crate::tracker) enum ListProgress {
    /// Its lines are still looked for.
    NotYet,
    /// Shards have not answered yet.
    Waits,
    All,
}

impl Tracker {
    /// Starts the tracker's own answer to a question.
    pub(super) fn ask_shares(&mut self, asker: &Asker, question: CatalogQuestion) -> OwnList {
        let ticket = self.next_ticket();
        match &mut self.shares {
            TrackerShares::Here(tended) => OwnList::Of(tended.catalog.ask(&question)),
            TrackerShares::Parted(parted) => OwnList::Asked(parted.ask_list(ticket, asker.session, question)),
        }
    }

    /// Goes on with a list.
    pub(in crate::tracker) fn find(&mut self, list: &mut OwnList) -> ListProgress {
        match (list, &self.shares) {
            (OwnList::Asked(_), _) => ListProgress::Waits,
            (OwnList::Of(list), TrackerShares::Here(tended)) => match list.is_ready() || tended.catalog.scan(list) {
                true => ListProgress::All,
                false => ListProgress::NotYet,
            },
            (OwnList::Of(_) | OwnList::Merged(_), _) => ListProgress::All,
        }
    }

    /// Has a shard carry out a line, and with it those behind it that may be.
    pub(super) fn ask_to_change(&mut self, asker: &Asker, user: User, line: ChangeLine) -> CommandReply {
        let ticket = self.next_ticket();
        if let ChangeLine::Announce(shares) = line {
            let most = Taken::of(&shares);
            if self.quota_broken_by(&user, most).is_some() {
                // Near the bound it matters which of them are new.
                if let TrackerShares::Parted(parted) = &mut self.shares {
                    parted.ask_new(ticket, asker.session, &user, shares);
                }
                return CommandReply::LongCommand(Box::new(LongCommand::Judge(Judging {
                    ticket,
                    user,
                    answered: None,
                })));
            }
            return self.change_reserved(asker, user, ChangeLine::Announce(shares), most);
        }
        self.change_reserved(asker, user, line, Taken::default())
    }

    /// A shard has said how much of a line is new.
    pub(in crate::tracker) fn change_judged(
        &mut self,
        asker: &Asker,
        user: &User,
        (shares, new): (Vec<Share>, Taken),
    ) -> CommandOutcome {
        if let Err(refusal) = self.check_quota(user, new) {
            self.tally.refused(Some(VerbKind::RegisterFiles), refusal.code);
            return Err(refusal);
        }
        Ok(self.change_reserved(asker, user.clone(), ChangeLine::Announce(shares), new))
    }

    /// Has a shard carry out a line that takes so much at most, and with it those behind it that surely may be.
    fn change_reserved(&mut self, asker: &Asker, user: User, line: ChangeLine, most: Taken) -> CommandReply {
        self.reserve(&user, most);
        let mut lines = vec![line];
        while let Some(line) = self.next_sure_change(asker, &user) {
            lines.push(line);
        }
        let verbs = lines.iter().map(|line| match line {
            ChangeLine::Announce(_) => VerbKind::RegisterFiles,
            ChangeLine::Withdraw(_) => VerbKind::UnregisterFiles,
        });
        let (ticket, verbs) = (self.next_ticket(), verbs.collect());
        if let TrackerShares::Parted(parted) = &mut self.shares {
            parted.ask_change(ticket, asker.session, &user, lines);
        }
        CommandReply::LongCommand(Box::new(LongCommand::Change(Changing { ticket, user, verbs, outcomes: None })))
    }

    fn reserve(&mut self, user: &User, most: Taken) {
        self.quotas.reserve(user.owner, most);
        if let TrackerShares::Parted(parted) = &mut self.shares {
            parted.reserve(user.owner, most);
        }
    }

    /// Takes the next line of a session, if it is one that changes shares and that may be whatever came before it.
    fn next_sure_change(&mut self, asker: &Asker, user: &User) -> Option<ChangeLine> {
        let next = self.sessions.get(&asker.session)?.waiting.front()?;
        let most = match next {
            SessionRequest::Command(Command::RegisterFiles(RegisterFiles { username, shares })) => {
                let most = Taken::of(shares);
                (asker.own(username).is_ok() && self.quota_broken_by(user, most).is_none()).then_some(most)?
            }
            SessionRequest::Command(Command::UnregisterFiles(UnregisterFiles { username, .. })) => {
                asker.own(username).is_ok().then_some(Taken::default())?
            }
            _ => return None,
        };
        let next = self.sessions.get_mut(&asker.session)?.waiting.pop_front()?;
        let SessionRequest::Command(command) = next else { return None };
        self.reserve(user, most);
        match command {
            Command::RegisterFiles(line) => Some(ChangeLine::Announce(line.shares)),
            Command::UnregisterFiles(line) => Some(ChangeLine::Withdraw(line.paths)),
            _ => None,
        }
    }

    /// A shard has carried out lines of a session.
    pub(in crate::tracker) fn answer_changes(
        &mut self,
        asker: &Asker,
        changing: &Changing,
        outcomes: Vec<ChangeOutcome>,
        effects: &mut Effects,
    ) {
        for (verb, ChangeOutcome { mut changed, touched, missing }) in changing.verbs.iter().zip(outcomes) {
            let outcome = match missing {
                None => self.changed(asker.now, &changing.user, &mut changed, touched),
                Some(missing) => Err(not_shared(&missing)),
            };
            match &outcome {
                Ok(_) => self.tally.done(*verb),
                Err(refusal) => self.tally.refused(Some(*verb), refusal.code),
            }
            self.answer(asker, outcome, effects);
        }
    }

    /// What a shard has answered. The session that asked may have gone, or be somebody else's by now.
    pub(in crate::tracker) fn take_shard_answer(
        &mut self,
        now: Instant,
        shard: usize,
        answer: ShardAnswer,
        effects: &mut Effects,
    ) {
        let TrackerShares::Parted(parted) = &mut self.shares else { return };
        let ticket = match &answer {
            ShardAnswer::Forgotten(owner) => return parted.forgotten(*owner),
            ShardAnswer::Changed { ticket, owner, kept, .. } => {
                parted.settle(*owner, *kept);
                *ticket
            }
            ShardAnswer::Listed { ticket, .. }
            | ShardAnswer::CountedNew { ticket, .. }
            | ShardAnswer::Cancelled(ticket)
            | ShardAnswer::Failed(ticket) => *ticket,
        };
        let Some(id) = parted.answered(ticket) else { return };
        if let ShardAnswer::Failed(_) = answer {
            return self.close(now, id, None, effects);
        }
        let Some(job) = self.sessions.get_mut(&id).and_then(|session| session.job.as_deref_mut()) else { return };
        match (job, answer) {
            (LongCommand::List { list, .. }, ShardAnswer::Listed { list: part, .. }) => list.add(ticket, shard, part),
            (LongCommand::Gather(gathering), ShardAnswer::Listed { list: part, .. }) => {
                gathering.own.add(ticket, shard, part);
            }
            (LongCommand::Change(changing), ShardAnswer::Changed { outcomes, .. }) if changing.ticket == ticket => {
                changing.outcomes = Some(outcomes);
            }
            (LongCommand::Judge(judging), ShardAnswer::CountedNew { shares, new, .. }) if judging.ticket == ticket => {
                judging.answered = Some((shares, new));
            }
            // Who asked is no longer who they were, which they are told.
            (_, _) => {}
        }
        self.go_on(now, id, Turn::Gathering, effects);
    }

    /// A session is gone: what it waits for is not looked for any further.
    pub(in crate::tracker) fn stop_asking(&mut self, job: Option<&LongCommand>) {
        if let (Some(ticket), TrackerShares::Parted(parted)) =
            (job.and_then(LongCommand::list_ticket), &mut self.shares)
        {
            parted.cancel(ticket);
        }
    }

    /// Has the shards asked what has come up.
    pub(in crate::tracker) fn ask_shards(&mut self, effects: &mut Effects) {
        let folders = self.changes.take_folder_changes();
        let TrackerShares::Parted(parted) = &mut self.shares else { return };
        // Before what is asked in the same moment: of a watcher's lists a shard must know what they are watched for.
        let watched = folders.into_iter().flat_map(|(folder, is_watched)| parted.watch(folder, is_watched));
        let asks: Vec<_> = watched.collect();
        for (shard, ask) in asks.into_iter().chain(parted.take_asks()) {
            effects.push(Effect::AskShard { shard, ask });
        }
    }
}
