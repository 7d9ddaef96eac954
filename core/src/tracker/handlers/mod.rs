//! What each command does: a [`Handle`] for its verb, one file a family. A handler judges and changes the tables; it
//! writes no bytes but through its [`CommandReply`].

mod across;
mod addresses;
pub(super) mod files;
pub(super) mod gathering;
mod letting_in;
mod lists;
mod owner;
mod reach;
mod relay;
pub(super) mod sharded;
mod talk;
mod trial;
mod user;
mod watch;

use std::fmt::{Display, Write as _};
use std::net::IpAddr;
use std::time::Instant;

use crate::model::join_rule::JoinRule;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Cursor, Verb, each_verb};
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::file_changes::User;
use crate::tracker::input::{SessionId, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::names::NotFree;
use crate::tracker::roster::ReaderView;

/// The session that asks: the only source of who it is.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) now: Instant,
    pub(super) session: SessionId,
    pub(super) key: Option<PublicKey>,
    pub(super) address: IpAddr,
    pub(super) view: ReaderView,
    pub(super) user: Option<User>,
    /// Whether it has an owner's key.
    pub(super) is_owner: bool,
    /// Whether it is another tracker: it is told of the files of one's own users alone.
    pub(super) is_tracker: bool,
}

/// `OK 0` when it is on disk.
fn done_on_disk(ticket: Ticket) -> CommandReply {
    CommandReply::OnDisk(ticket, Box::new(CommandReply::Done))
}

/// An answer of lines, each a value.
fn lines<T: Display>(values: impl IntoIterator<Item = T>) -> CommandReply {
    page_of(values, None)
}

/// The same of a part of a list, and where the next part begins.
fn page_of<T: Display>(values: impl IntoIterator<Item = T>, more: Option<Cursor>) -> CommandReply {
    let (mut lines, mut text) = (0, String::new());
    for value in values {
        writeln!(text, "{value}").expect("a text in memory takes everything");
        lines += 1;
    }
    CommandReply::Lines { lines, bytes: text.into(), more }
}

/// What somebody reads who may not have a name.
fn refuse(why: NotFree) -> Refusal {
    match why {
        NotFree::Reserved => Refusal::new(Code::NameReserved, Sentence::NameReserved),
        NotFree::Taken => Refusal::new(Code::NameTaken, Sentence::NameTaken),
        NotFree::Confusable => Refusal::new(Code::NameConfusable, Sentence::NameConfusable),
    }
}

pub(super) type CommandOutcome = Result<CommandReply, Refusal>;

/// What a verb does here.
pub(super) trait Handle: Verb {
    /// How much of its session's turn it takes.
    fn work(&self) -> Work {
        Work::Little
    }

    /// Who may say it.
    fn rights(&self) -> Rights {
        Rights::Everybody
    }

    /// Carries it out, or says why not; then nothing has changed.
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome;
}

/// Who may say a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// Also who is not let in yet.
    Strangers,
    /// Whoever is let in.
    Everybody,
    /// Only an owner, who learns something by it.
    OwnerReads,
    /// Only an owner, who changes something by it: it is noted.
    OwnerOrders,
}

/// What a command costs. Those of one turn are added up, so that nobody holds up the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Next to nothing.
    Little,
    /// So many changes of the catalog.
    Changes(usize),
    /// A look at everybody who is here.
    Users,
    /// A list of shares. None is begun while shares of somebody who has left are being forgotten.
    Shares,
}

macro_rules! dispatch {
    ($($module:ident::$verb:ident),+ $(,)?) => {
        impl Tracker {
            /// Carries a command out, or says why not; then nothing has changed.
            pub(super) fn carry_out(&mut self, asker: &Asker, command: Command, effects: &mut Effects) -> CommandOutcome {
                if let (Rights::OwnerOrders, Some(before)) = (self.judge_rights(asker, &command)?, self.ordering) {
                    return Ok(CommandReply::InTurn(before, command));
                }
                self.note_order(asker, &command);
                match command {
                    $(Command::$verb(verb) => verb.carry_out(self, asker, effects),)+
                }
            }
        }

        fn rights_of(command: &Command) -> Rights {
            match command {
                $(Command::$verb(verb) => verb.rights(),)+
            }
        }

        /// How much of a turn a command takes.
        pub(super) fn work_of(command: &Command) -> Work {
            match command {
                $(Command::$verb(verb) => verb.work(),)+
            }
        }
    };
}
each_verb!(dispatch);

impl Tracker {
    /// The one place where owners are told from others.
    fn judge_rights(&self, asker: &Asker, command: &Command) -> Result<Rights, Refusal> {
        let rights = rights_of(command);
        let is_in = asker.is_owner || asker.is_tracker || asker.user.is_some() || self.settings.join == JoinRule::Open;
        match rights {
            Rights::Strangers => return Ok(rights),
            Rights::Everybody if is_in => return Ok(rights),
            Rights::Everybody => {
                return Err(Refusal::new(Code::NotInvited, Sentence::NetworkClosed));
            }
            Rights::OwnerReads | Rights::OwnerOrders => {}
        }
        let is_forwarded = asker.is_tracker && matches!(command, Command::KickUser(_) | Command::Broadcast(_));
        if !asker.is_owner && !is_forwarded {
            return Err(Refusal::new(Code::NotYours, Sentence::NotAnOwner));
        }
        Ok(rights)
    }

    fn note_order(&mut self, asker: &Asker, command: &Command) {
        if rights_of(command) == Rights::OwnerOrders {
            self.log.push(LogEntry::Ordered { by: asker.called(), command: command.to_string() });
        }
    }
}

impl Asker {
    /// Who it is, for the log.
    fn called(&self) -> String {
        let name = self.user.as_ref().map(|user| user.username.to_string());
        name.or_else(|| self.key.map(|key| key.to_string())).unwrap_or_default()
    }

    /// Whether the session is still registered as it was when it was this user.
    pub(super) fn is(&self, user: &User) -> bool {
        self.user.as_ref().is_some_and(|own| own.owner == user.owner)
    }

    /// The session's own user, if that is who it named.
    pub(super) fn own(&self, named: &Username) -> Result<&User, Refusal> {
        let Some(user) = &self.user else {
            return Err(Refusal::new(Code::NotRegistered, Sentence::NotRegistered));
        };
        if user.username != *named && user.username.folded() != named.folded() {
            return Err(Refusal::new(Code::NotYours, Sentence::OtherName));
        }
        Ok(user)
    }
}
