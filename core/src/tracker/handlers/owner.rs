//! What only owners may say: whom to keep out, what the tracker is called, and how it does.

use crate::model::ban_terms::{BanTerms, Remark};
use crate::model::binding::{Ban, BanTarget};
use crate::model::limits;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::owner::{
    BanSubject, BanUser, Broadcast, KickUser, LiftBan, ListBanned, ListStats, ListTrackers, ReleaseName, Reload,
    RenameNetwork, SetLimits, SetMessage,
};
use crate::protocol::notice::Notice;
use crate::protocol::owner_line::{BanLine, FigureLine};
use crate::protocol::page::{BadCursor, Cursor};
use crate::protocol::sentence::Sentence;
use crate::tracker::bans::BANS_MAX;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, Work, done_on_disk, lines, page_of};
use crate::tracker::input::SessionId;
use crate::tracker::machine::Tracker;
use crate::tracker::overrides::{LIMITS, Limit, MESSAGE_OF_THE_DAY, NETWORK_NAME};
use crate::tracker::pending_save::LastingChange;
use crate::tracker::settings::TrackerSettings;

/// How long somebody stays away who is sent away, unless the owner says.
const SENT_AWAY_MINUTES: u64 = 10;

/// A look at everybody who is here, by an owner who changes something.
macro_rules! orders {
    () => {
        fn rights(&self) -> Rights {
            Rights::OwnerOrders
        }

        fn work(&self) -> Work {
            Work::Users
        }
    };
}
pub(super) use orders;

/// A look at everything of one kind, by an owner who learns something.
macro_rules! reads {
    () => {
        fn rights(&self) -> Rights {
            Rights::OwnerReads
        }

        fn work(&self) -> Work {
            Work::Users
        }
    };
}
pub(super) use reads;

impl Handle for KickUser {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let command = self.clone().into();
        let Self { username, minutes, reason } = self;
        let terms = tracker.terms(asker, None, reason.clone());
        let bans = tracker.bans_of(asker, &username, &terms)?;
        let minutes = minutes.unwrap_or(SENT_AWAY_MINUTES);
        if minutes > 0 {
            tracker.send_away(asker.now, username, bans, minutes, effects);
        } else if tracker.known(&username).is_some_and(|known| known.address.is_some()) {
            tracker.end_session_of(asker.now, &username, reason.as_ref(), effects);
        } else {
            return Err(Refusal::new(Code::NoSuchUser, Sentence::NotHere));
        }
        tracker.forward(asker, command, effects);
        Ok(CommandReply::Done)
    }
}

impl Handle for BanUser {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let until = self.span.map(|span| tracker.unix_seconds(asker.now).saturating_add(60 * span.minutes()));
        let terms = tracker.terms(asker, until, self.reason);
        let bans = match self.subject {
            BanSubject::User(username) => tracker.bans_of(asker, &username, &terms)?,
            BanSubject::Target(target) => vec![tracker.ban_of(asker, target, terms)?],
        };
        if tracker.bans.len() + bans.len() > BANS_MAX {
            return Err(Refusal::new(Code::Limit, Sentence::BansFull { max: BANS_MAX as u64 }));
        }
        let told = lines(bans.iter().cloned().map(BanLine));
        let ticket = tracker.begin_change(LastingChange::Bans(bans), effects);
        Ok(CommandReply::OnDisk(ticket, Box::new(told)))
    }
}

impl Handle for LiftBan {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let meant = [tracker.bans.meant_by(&self.who), tracker.sent_away.meant_by(&self.who)].concat();
        if meant.is_empty() {
            return Err(Refusal::new(Code::NotBanned, Sentence::NotBanned));
        }
        Ok(tracker.lift(meant, effects).map_or(CommandReply::Done, done_on_disk))
    }
}

impl Handle for ListBanned {
    reads!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let now = tracker.unix_seconds(asker.now);
        let after = self.page.after.map(|after| after.path.parse::<BanTarget>());
        let after = after.transpose().map_err(|_no_target| Refusal::new(Code::Usage, BadCursor))?;
        let limit = self.page.limit.unwrap_or(limits::PAGE_LINES_MAX);
        // A configuration has room for as many as owners may order: together they are more than a page.
        let mut bans = tracker.bans.behind(after.as_ref()).filter(|ban| !ban.terms.is_over(now));
        let page: Vec<&Ban> = bans.by_ref().take(limit).collect();
        let last = page.last().filter(|_| bans.next().is_some());
        let goes_on = last.map(|last| Cursor::before(last.target.to_string()));
        Ok(page_of(page.into_iter().cloned().map(BanLine), goes_on))
    }
}

impl Handle for ReleaseName {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        if asker.user.as_ref().is_some_and(|user| user.username.folded() == self.username.folded()) {
            return Err(yourself());
        }
        let released = tracker.release(&self.username, effects).map(done_on_disk);
        released.ok_or_else(|| Refusal::new(Code::NoSuchUser, Sentence::NobodyOwns))
    }
}

impl Handle for SetMessage {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let text = self.lines.map(|lines| lines.iter().map(Remark::as_str).collect::<Vec<_>>().join("\n"));
        let (ticket, _) = tracker.order_settings(vec![(MESSAGE_OF_THE_DAY.to_owned(), text)], effects)?;
        Ok(done_on_disk(ticket))
    }
}

impl Handle for RenameNetwork {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let ordered = vec![(NETWORK_NAME.to_owned(), self.name.map(|name| name.to_string()))];
        let (ticket, _) = tracker.order_settings(ordered, effects)?;
        Ok(done_on_disk(ticket))
    }
}

impl Handle for SetLimits {
    fn rights(&self) -> Rights {
        if self.changes.is_empty() { Rights::OwnerReads } else { Rights::OwnerOrders }
    }

    fn carry_out(self, tracker: &mut Tracker, _asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let mut ordered = Vec::new();
        for (name, value) in self.changes {
            let limit = Limit::named(&name).ok_or_else(|| Refusal::new(Code::Usage, Sentence::NoSuchLimit))?;
            ordered.push((limit.name.to_owned(), value.map(|value| value.to_string())));
        }
        let told = |settings: &TrackerSettings| {
            let figure = |limit: &Limit| FigureLine { name: limit.name.to_owned(), value: limit.of(settings) };
            lines(LIMITS.iter().map(figure))
        };
        if ordered.is_empty() {
            return Ok(told(&tracker.settings));
        }
        let (ticket, settings) = tracker.order_settings(ordered, effects)?;
        Ok(CommandReply::OnDisk(ticket, Box::new(told(&settings))))
    }
}

impl Handle for Broadcast {
    orders!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        let here: Vec<SessionId> =
            tracker.roster.iter().filter(|online| online.elsewhere.is_none()).map(|online| online.session).collect();
        let by = asker.user.as_ref().map(|user| user.username.clone());
        tracker.forward(asker, self.clone().into(), effects);
        tracker.notify_all(here, &Notice::Broadcast(by, self.text), effects);
        Ok(CommandReply::Done)
    }
}

impl Handle for ListStats {
    fn rights(&self) -> Rights {
        Rights::OwnerReads
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let counts = tracker.counts();
        let (requests, refusals) = tracker.tally.totals();
        let figures = [
            ("connections", counts.sessions as u64),
            ("users", counts.users as u64),
            ("files", counts.shares as u64),
            ("names", counts.names as u64),
            ("bans", tracker.bans.len() as u64),
            ("requests", requests),
            ("refusals", refusals),
            ("uptime_seconds", tracker.uptime(asker.now).as_secs()),
        ];
        Ok(lines(figures.map(|(name, value)| FigureLine { name: name.to_owned(), value })))
    }
}

impl Handle for ListTrackers {
    reads!();

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        Ok(lines(tracker.cluster(asker.now)))
    }
}

impl Handle for Reload {
    fn rights(&self) -> Rights {
        Rights::OwnerOrders
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.ask_for_configuration(asker.session, effects);
        Ok(CommandReply::Sent)
    }
}

impl Tracker {
    fn terms(&self, asker: &Asker, until: Option<u64>, reason: Option<Remark>) -> BanTerms {
        BanTerms { reason, by: asker.user.as_ref().map(|user| user.username.clone()), until }
    }

    /// What somebody is known by who is to be kept out.
    fn bans_of(&self, asker: &Asker, username: &Username, terms: &BanTerms) -> Result<Vec<Ban>, Refusal> {
        let nobody = || Refusal::new(Code::NoSuchUser, Sentence::NobodyKnown);
        let known = self.known(username).ok_or_else(nobody)?;
        let targets = match known.key {
            Some(key) => vec![BanTarget::Key(key)],
            None => {
                // Who has no key is known by their name and address. From where the owner is others may be too.
                let address = known.address.filter(|address| !address.is_loopback() && *address != asker.address);
                [Some(BanTarget::Name(username.clone())), address.map(BanTarget::Address)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        };
        let ban = |target| self.ban_of(asker, target, terms.clone());
        let bans: Vec<Ban> = targets.into_iter().map(ban).collect::<Result<_, _>>()?;
        Ok(bans.into_iter().map(|ban| Ban { username: Some(username.clone()), ..ban }).collect())
    }

    /// A ban of this, unless it would be of an owner.
    fn ban_of(&self, asker: &Asker, target: BanTarget, terms: BanTerms) -> Result<Ban, Refusal> {
        let own_name = asker.user.as_ref().map(|user| &user.username);
        let is_owner = matches!(&target, BanTarget::Key(key) if self.settings.owners.contains(key));
        if is_owner || target.covers(asker.key, asker.address, own_name) {
            return Err(yourself());
        }
        Ok(Ban { target, username: None, terms })
    }
}

fn yourself() -> Refusal {
    Refusal::new(Code::Yourself, Sentence::Yourself)
}
