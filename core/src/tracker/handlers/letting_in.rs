//! Who comes into a closed network, and what owners say about it. Whoever owns a name is in; so an invite is used up by the
//! first name of a key, and an owner who lets somebody in gives them the name that they asked for.

use crate::model::binding::Record;
use crate::model::invite_token::{InviteToken, IssuedInvite};
use crate::model::join_rule::JoinRule;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::owner::{Approve, Deny, IssueInvite, ListInvites, ListWaiting, RevokeInvite};
use crate::protocol::notice::Notice;
use crate::protocol::owner_line::{InviteLine, TokenLine, WaitingLine};
use crate::tracker::doors::{INVITES_MAX, NobodyMeant, WaitingUser};
use crate::tracker::effect::Effects;
use crate::tracker::handlers::owner::{orders, reads};
use crate::tracker::handlers::{Asker, CommandOutcome, CommandReply, Handle, Rights, Work, lines, refuse};
use crate::tracker::input::SessionId;
use crate::tracker::machine::Tracker;
use crate::tracker::names::NameStanding;

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
        let is_listed = match &self.settings.join {
            JoinRule::Open => true,
            JoinRule::Keys(keys) => asker.key.is_some_and(|key| keys.contains(&key)),
            JoinRule::Invite | JoinRule::Approval => owns_a_name,
        };
        if is_listed || asker.is_owner {
            return Ok(Door::Open(None));
        }
        let closed = |text| Err(Refusal::new(Code::NotInvited, text));
        let Some(key) = asker.key else {
            return closed(
                "this network is closed: only programs that prove a key are let in; use Potok and an invite",
            );
        };
        if matches!(self.settings.join, JoinRule::Keys(_)) {
            return closed("this network is closed: only keys that its owner has listed are let in");
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
            Some(_) => "this invite is used up, over or revoked; ask the owner of this network for another one",
            None => "this network is closed: ask its owner for an invite, which is a link of its own",
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
            return refuse(why);
        }
        let now = self.unix_seconds(asker.now);
        let user = WaitingUser { username: username.clone(), address: asker.address, since: now, asked_at: now };
        match self.doors.wait(key, user) {
            None => return Refusal::new(Code::SlowDown, "too many wait to be let in already; try again later"),
            Some(true) => {
                self.new_names.charge(asker.now, asker.address, 1);
                self.notify_owners(&Notice::Waiting(username.clone()), effects);
            }
            Some(false) => {}
        }
        Refusal::new(Code::Waiting, "an owner of this network is asked to let you in; Potok tries again by itself")
    }

    fn may_try(&mut self, asker: &Asker) -> Result<(), Refusal> {
        if self.new_names.has_left(asker.now, asker.address) {
            return Ok(());
        }
        Err(Refusal::new(Code::SlowDown, "too many tries come from your address; try again later"))
    }

    /// Somebody has come in by this invite.
    pub(super) fn use_invite(&mut self, number: u64, effects: &mut Effects) {
        let record = self.doors.use_one(number).map_or(Record::Revoked { number }, Record::Invited);
        self.save(record, effects);
    }

    fn notify_owners(&mut self, notice: &Notice, effects: &mut Effects) {
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
        let issued = tracker.doors.issue(|number, token| IssuedInvite {
            number,
            hash: token.hash(),
            uses_left: self.uses,
            until,
            by,
            note: self.note,
        });
        let Some((token, invite)) = issued else {
            return Err(Refusal::new(Code::Limit, format!("there are {INVITES_MAX} invites already; revoke some")));
        };
        let line =
            TokenLine { number: invite.number, token, uses: invite.uses_left.map(u64::from), until: invite.until };
        tracker.save(Record::Invited(invite), effects);
        Ok(lines([line]))
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
        if !tracker.doors.revoke(self.number) {
            return Err(Refusal::new(Code::Gone, "there is no such invite, or nobody can come in by it any more"));
        }
        tracker.save(Record::Revoked { number: self.number }, effects);
        Ok(CommandReply::Done)
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
        let (key, user) =
            tracker.doors.answer(&self.username, self.key).map_err(|why| nobody_meant(why, &self.username))?;
        match tracker.names.standing(&user.username, Some(key)) {
            Ok(NameStanding::Free) => _ = tracker.save_name(&user.username, key, effects),
            Ok(NameStanding::Own | NameStanding::Unsaved(_)) => {}
            Err(_why) => {
                let text = format!("{} is no longer free; they must ask for another name", user.username);
                return Err(Refusal::new(Code::NameTaken, text));
            }
        }
        Ok(CommandReply::Done)
    }
}

impl Handle for Deny {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.doors.answer(&self.username, self.key).map_err(|why| nobody_meant(why, &self.username))?;
        Ok(CommandReply::Done)
    }
}

fn nobody_meant(why: NobodyMeant, username: &Username) -> Refusal {
    match why {
        NobodyMeant::NobodyWaits => {
            Refusal::new(Code::NoSuchUser, "nobody who waits has asked for that name; 'waiting' lists who does")
        }
        NobodyMeant::SeveralWait(count) => {
            let text = format!("{count} ask for the name {username}: say the key too, as 'waiting' lists it");
            Refusal::new(Code::Usage, text)
        }
    }
}
