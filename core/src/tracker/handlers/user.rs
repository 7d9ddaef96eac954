//! `register-user` and `unregister-user`: the part of the gate *Who* that gives a session its name.

use std::time::Instant;

use crate::model::binding::Record;
use crate::model::key::PublicKey;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{RegisterUser, UnregisterUser};
use crate::protocol::notice::Notice;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::derived::{away_text, ban_text};
use crate::tracker::effect::Effects;
use crate::tracker::file_changes::User;
use crate::tracker::handlers::letting_in::Door;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, Work, refuse};
use crate::tracker::input::Ticket;
use crate::tracker::lasting::{LAPSED_AT_ONCE, not_agreed};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::names::{NameStanding, NotFree};
use crate::tracker::roster::{Online, ReaderView};

impl Handle for RegisterUser {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn work(&self) -> Work {
        Work::Users
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let registered = tracker.register_user(asker, self, effects);
        registered.inspect_err(|refusal| tracker.note_refusal(asker.address, refusal))
    }
}

impl Handle for UnregisterUser {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.unregister_user(asker, &self.username)
    }
}

impl Tracker {
    fn register_user(
        &mut self,
        asker: &Asker,
        RegisterUser { username, port, token }: RegisterUser,
        effects: &mut Effects,
    ) -> CommandOutcome {
        if let Some(user) = &asker.user {
            return self.register_again(asker, user, &username, port);
        }
        let session = self.sessions.get_mut(&asker.session);
        let has_claimed = session.is_some_and(|session| std::mem::take(&mut session.has_claimed));
        let door = self.door(asker, token)?;
        if !asker.is_owner {
            self.refuse_banned_name(asker.now, &username)?;
        }
        let invite = match door {
            Door::Open(invite) => invite,
            Door::Ask(key) => return Err(self.ask_owners(asker, key, &username, effects)),
        };
        let standing = self.names.standing(&username, asker.key).map_err(refuse)?;
        if self.roster.has_look_alike(&username) {
            return Err(refuse(NotFree::Confusable));
        }
        // A proven key comes before a name without one, and before an older session of its own.
        let holder = self.roster.get(&username).cloned();
        let gives_way = |holder: &Online| asker.key.is_some() && (holder.key.is_none() || holder.key == asker.key);
        if holder.as_ref().is_some_and(|holder| !gives_way(holder)) {
            return Err(refuse(NotFree::Taken));
        }
        let unsaved = match (standing, asker.key) {
            (NameStanding::Unsaved(ticket), _) => Some(ticket),
            (NameStanding::Free, Some(key)) => {
                if has_claimed {
                    // The ledger has said no, and this may be why.
                    self.judge_room(key, effects)?;
                    return Err(not_agreed());
                }
                Some(self.bind(asker, &username, key, invite, effects)?)
            }
            (NameStanding::Own, Some(key)) if self.is_sharing() => {
                self.judge_replica(asker.now)?;
                match self.names.is_spelled(&username) {
                    true => None,
                    false if has_claimed => return Err(not_agreed()),
                    // Also a new spelling may look like a name that somebody claims just now.
                    false => Some(self.claim_name(&username, key, None, effects)),
                }
            }
            (NameStanding::Free, None) | (NameStanding::Own, _) => None,
        };
        if let Some(ticket) = unsaved {
            return Ok(CommandReply::WhenSaved(ticket, RegisterUser { username, port, token }.into()));
        }
        if let Some(holder) = holder {
            self.displace(asker, &holder, effects);
        }
        self.come(asker, &username, port);
        if asker.key.is_some() {
            self.tell_addresses_to(asker.session, effects);
        }
        if asker.key.is_some()
            && let Some(binding) = self.names.used(&username)
        {
            self.save(Record::Used(binding), effects);
        }
        Ok(CommandReply::Done)
    }

    fn refuse_banned_name(&self, now: Instant, username: &Username) -> Result<(), Refusal> {
        if let Some(ban) = self.bans.name(self.unix_seconds(now), username) {
            let text = match ban.terms.until.is_some() || ban.terms.reason.is_some() {
                true => ban_text(ban, self.unix_seconds(now)).to_string(),
                false => Sentence::NameShutOut.to_string(),
            };
            return Err(Refusal::new(Code::Banned, text));
        }
        match self.sent_away.name(now, username) {
            Some(away) => Err(Refusal::new(Code::Banned, away_text(now, away))),
            None => Ok(()),
        }
    }

    fn unregister_user(&mut self, asker: &Asker, username: &Username) -> CommandOutcome {
        asker.own(username)?;
        self.remove_user(asker.now, asker.session, false);
        Ok(CommandReply::Done)
    }

    /// A session that has its name says where its peer server is now.
    fn register_again(
        &mut self,
        asker: &Asker,
        user: &User,
        username: &Username,
        port: Option<PeerPort>,
    ) -> CommandOutcome {
        if user.username.folded() != username.folded() {
            return Err(Refusal::new(Code::AlreadyRegistered, Sentence::RenameFirst));
        }
        if let Some(before) = self.roster.get(&user.username).filter(|online| online.port != port) {
            self.changes.moved(asker.now, before);
            self.roster.set_port(&user.username, port);
            self.tell_mesh(|mesh, wanted| mesh.moved(&user.username, port, wanted));
        }
        Ok(CommandReply::Done)
    }

    /// Gives a free name to a key, if it may have another one.
    fn bind(
        &mut self,
        asker: &Asker,
        username: &Username,
        key: PublicKey,
        invite: Option<u64>,
        effects: &mut Effects,
    ) -> Result<Ticket, Refusal> {
        self.judge_room(key, effects)?;
        if !self.new_names.has_left(asker.now, asker.address) {
            return Err(Refusal::new(Code::SlowDown, Sentence::TooManyNewNames));
        }
        self.new_names.charge(asker.now, asker.address, 1);
        Ok(self.save_name(username, key, invite, effects))
    }

    /// Whether a key may own one more name, and there is room for it.
    fn judge_room(&mut self, key: PublicKey, effects: &mut Effects) -> Result<(), Refusal> {
        let (own_max, all_max) = (self.settings.names_per_key, self.settings.names_in_all);
        if self.names.owned_by(key) >= own_max {
            return Err(Refusal::new(Code::Limit, Sentence::NamesOwned { max: own_max as u64 }));
        }
        if self.names.len() >= all_max {
            self.forget_lapsed_names(LAPSED_AT_ONCE, effects);
        }
        if self.names.len() >= all_max {
            return Err(Refusal::new(Code::Limit, Sentence::NamesFull { max: all_max as u64 }));
        }
        Ok(())
    }

    /// Takes a name from the session that has it.
    fn displace(&mut self, asker: &Asker, holder: &Online, effects: &mut Effects) {
        if holder.elsewhere.is_some() {
            // Its own tracker ends that session when it hears of this one.
            return self.theirs_gone(asker.now, &holder.username, true);
        }
        self.remove_user(asker.now, holder.session, true);
        if holder.key == asker.key {
            self.close(asker.now, holder.session, Some(&Sentence::TakenOver.to_string()), effects);
        } else {
            self.notify(holder.session, &Notice::Displaced(holder.username.clone()), effects);
        }
    }

    fn come(&mut self, asker: &Asker, username: &Username, port: Option<PeerPort>) {
        let owner = self.shares.add_owner(username);
        self.quotas.enter(owner, asker.address, asker.key.is_some());
        self.changes.joined(asker.now, username);
        let online = Online {
            session: asker.session,
            username: username.clone(),
            key: asker.key,
            seen: asker.address,
            is_on_this_host: asker.view == ReaderView::SameHost,
            port,
            second: None,
            lan: Vec::new(),
            openness: Vec::new(),
            owner,
            elsewhere: None,
        };
        self.tell_mesh_came(asker.now, &online);
        self.roster.add(online);
        if let Some(session) = self.sessions.get_mut(&asker.session) {
            session.user = Some(User { username: username.clone(), owner });
        }
        self.stop_idling(asker.session);
        self.log.push(LogEntry::Joined { user: username.clone(), address: asker.address });
    }
}
