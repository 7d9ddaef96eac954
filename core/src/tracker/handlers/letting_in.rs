//! Who comes into a closed network, and what owners say about it. Whoever owns a name is in; so an invite is used up by the
//! first name of a key, and an owner who lets somebody in gives them the name that they asked for.

use crate::model::binding::Record;
use crate::model::invite_token::{InviteToken, IssuedInvite};
use crate::model::join_rule::JoinRule;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::model::waiting_user::WaitingUser;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::owner::{Approve, Deny, IssueInvite, ListInvites, ListWaiting, RevokeInvite};
use crate::protocol::notice::Notice;
use crate::protocol::owner_line::{InviteLine, TokenLine, WaitingLine};
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::doors::{Asked, INVITES_MAX, NobodyMeant};
use crate::tracker::effect::Effects;
use crate::tracker::handlers::owner::{orders, reads};
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, Work, done_on_disk, lines, refuse};
use crate::tracker::input::{SessionId, Ticket};
use crate::tracker::machine::Tracker;
use crate::tracker::names::NameStanding;
use crate::tracker::pending_save::LastingChange;

/// How a network stands to somebody who wants a name in it.
pub(super) enum Door {
    /// They come in: by this invite, if it takes one.
    Open(Option<u64>),
    /// Whether this key comes in is for an owner to say.
    Ask(PublicKey),
}

impl Tracker {
    /// Whether somebody may have a name here. It is judged before the name is, so that nobody outside learns who is inside.
    pub(super) fn door(&mut self, asker: &Asker, token: Option<InviteToken>) -> Result<Door, Refusal> {
        let owns_a_name = asker.key.is_some_and(|key| self.names.owned_by(key) > 0);
        let is_in = match &self.settings.join {
            JoinRule::Open => true,
            JoinRule::List(_) => asker.key.is_some_and(|key| self.settings.lists(key)),
            JoinRule::Invite | JoinRule::Approval => owns_a_name,
        };
        if is_in || asker.is_owner {
            return Ok(Door::Open(None));
        }
        let closed = |why: Sentence| Err(Refusal::new(Code::NotInvited, why));
        let Some(key) = asker.key else {
            return closed(Sentence::ClosedToKeyless);
        };
        if matches!(self.settings.join, JoinRule::List(_)) {
            return closed(Sentence::ClosedToOtherKeys);
        }
        if let Some(token) = token {
            self.may_try(asker)?;
            if let Some(invite) = self.doors.good(self.unix_seconds(asker.now), token) {
                return Ok(Door::Open(Some(invite)));
            }
            // Whoever guesses pays for each try.
            self.new_names.charge(asker.now, asker.address, 1);
        }
        if self.settings.join == JoinRule::Approval {
            return Ok(Door::Ask(key));
        }
        closed(match token {
            Some(_) => Sentence::InviteOver,
            None => Sentence::InviteNeeded,
        })
    }

    /// Asks the owners whether a key may come in under a name; gives what it is told. What is news to the owners, and to
    /// learn that a name is somebody's, costs as a new name does.
    pub(super) fn ask_owners(
        &mut self,
        asker: &Asker,
        key: PublicKey,
        username: &Username,
        effects: &mut Effects,
    ) -> Refusal {
        if let Err(too_often) = self.may_try(asker) {
            return too_often;
        }
        if let Err(why) = self.names.standing(username, Some(key)) {
            self.new_names.charge(asker.now, asker.address, 1);
            if self.doors.waits(key).is_some_and(|user| user.username.folded() == username.folded()) {
                if !self.is_sharing() {
                    self.doors.stop_waiting(key);
                }
                self.save(Record::WaitsNoMore { key }, effects);
            }
            return refuse(why);
        }
        let now = self.unix_seconds(asker.now);
        let user = WaitingUser { username: username.clone(), address: asker.address, since: now, asked_at: now };
        // Who waits at several trackers does so when all of them know, and then their owners hear.
        let is_sharing = self.is_sharing();
        let (asked, user) = if is_sharing { self.doors.judge_asking(key, user) } else { self.doors.wait(key, user) };
        let minutes = now.saturating_sub(user.since) / 60;
        match asked {
            Asked::TooMany => {
                return Refusal::new(Code::SlowDown, Sentence::TooManyWait);
            }
            Asked::News => {
                self.new_names.charge(asker.now, asker.address, 1);
                if !is_sharing {
                    self.notify_owners(&Notice::Waiting(username.clone()), effects);
                }
            }
            Asked::AfterLong | Asked::Again => {}
        }
        if matches!(asked, Asked::News | Asked::AfterLong) {
            self.save(Record::Waits { key, user }, effects);
        }
        let sentence = if minutes == 0 { Sentence::OwnerIsAsked } else { Sentence::OwnerWasAsked { minutes } };
        Refusal::new(Code::Waiting, sentence)
    }

    /// An invite with a number and a token of its own, and what its owner is answered; none if there are too many.
    pub(in crate::tracker) fn draft_invite(
        &mut self,
        with: impl FnOnce(u64, InviteToken) -> IssuedInvite,
    ) -> Option<(LastingChange, CommandReply)> {
        let (token, invite) =
            self.doors.draft(|number, token| IssuedInvite { number, hash: token.hash(), ..with(number, token) })?;
        let line =
            TokenLine { number: invite.number, token, uses: invite.uses_left.map(u64::from), until: invite.until };
        Some((LastingChange::Invite(invite), lines([line])))
    }

    fn may_try(&mut self, asker: &Asker) -> Result<(), Refusal> {
        if self.new_names.has_left(asker.now, asker.address) {
            return Ok(());
        }
        Err(Refusal::new(Code::SlowDown, Sentence::TooManyTries))
    }

    /// Somebody is answered, and waits no more.
    fn stop_waiting(&mut self, key: PublicKey, user: WaitingUser, effects: &mut Effects) -> Ticket {
        if !self.is_sharing() {
            self.doors.stop_waiting(key);
        }
        self.begin_change(LastingChange::StopWaiting(key, user), effects)
    }

    pub(in crate::tracker) fn notify_owners(&mut self, notice: &Notice, effects: &mut Effects) {
        let owners: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| session.is_owner).map(|(id, _)| *id).collect();
        self.notify_all(owners, notice, effects);
    }
}

impl Handle for IssueInvite {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let until = self.span.map(|span| tracker.unix_seconds(asker.now).saturating_add(60 * span.minutes()));
        let by = asker.user.as_ref().map(|user| user.username.clone());
        let issued = tracker.draft_invite(|number, token| IssuedInvite {
            number,
            hash: token.hash(),
            uses_left: self.uses,
            until,
            by,
            note: self.note,
        });
        let Some((change, reply)) = issued else {
            return Err(Refusal::new(Code::Limit, Sentence::InvitesFull { max: INVITES_MAX as u64 }));
        };
        let ticket = tracker.begin_change(change, effects);
        Ok(CommandReply::OnDisk(ticket, Box::new(reply)))
    }
}

impl Handle for ListInvites {
    reads!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let line = |invite: &IssuedInvite| InviteLine {
            number: invite.number,
            uses_left: invite.uses_left.map(u64::from),
            until: invite.until,
            by: invite.by.clone(),
            note: invite.note.clone(),
        };
        Ok(lines(tracker.doors.invites(tracker.unix_seconds(asker.now)).map(line)))
    }
}

impl Handle for RevokeInvite {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let revoked = match tracker.is_sharing() {
            true => tracker.doors.invite(self.number).cloned(),
            false => tracker.doors.revoke(self.number),
        };
        let Some(invite) = revoked else {
            return Err(Refusal::new(Code::Gone, Sentence::NoSuchInvite));
        };
        Ok(done_on_disk(tracker.begin_change(LastingChange::Revoke(invite), effects)))
    }
}

impl Handle for ListWaiting {
    reads!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        Ok(lines(tracker.doors.waiting().map(|(key, user)| WaitingLine {
            username: user.username.clone(),
            key: *key,
            address: user.address,
            since: user.since,
        })))
    }
}

impl Handle for Approve {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let (key, user) = tracker.doors.meant(&self.username, self.key).map_err(nobody_meant)?;
        match tracker.names.standing(&user.username, Some(key)) {
            Ok(NameStanding::Free) => Ok(done_on_disk(tracker.save_name(&user.username, key, None, effects))),
            Ok(NameStanding::Own) => Ok(done_on_disk(tracker.stop_waiting(key, user, effects))),
            Ok(NameStanding::Unsaved(ticket)) => Ok(CommandReply::InTurn(ticket, self.into())),
            Err(_why) => Err(Refusal::new(Code::NameTaken, Sentence::NameGone)),
        }
    }
}

impl Handle for Deny {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let (key, user) = tracker.doors.meant(&self.username, self.key).map_err(nobody_meant)?;
        Ok(done_on_disk(tracker.stop_waiting(key, user, effects)))
    }
}

fn nobody_meant(why: NobodyMeant) -> Refusal {
    match why {
        NobodyMeant::NobodyWaits => Refusal::new(Code::NoSuchUser, Sentence::NobodyWaits),
        NobodyMeant::SeveralWait(count) => Refusal::new(Code::Usage, Sentence::SeveralWait { count: count as u64 }),
    }
}
