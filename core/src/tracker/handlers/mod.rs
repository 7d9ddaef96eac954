//! What each command does: one file a family. A handler judges and changes the tables; it writes no bytes but through
//! its [`Answer`].

pub(super) mod files;
mod lists;
mod talk;
mod user;
mod watch;

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Cursor};
use crate::tracker::effect::Effects;
use crate::tracker::input::{SessionId, Ticket};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::View;
use crate::tracker::session::{Job, User};

/// The session that asks: the only source of who it is.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) now: Instant,
    pub(super) session: SessionId,
    pub(super) key: Option<PublicKey>,
    pub(super) address: IpAddr,
    pub(super) view: View,
    pub(super) user: Option<User>,
}

/// What a command came to.
#[derive(Debug)]
pub(super) enum Answer {
    /// `OK 0`.
    Done,
    /// Lines that are there already.
    Lines {
        /// How many.
        lines: usize,
        /// Each with its LF.
        bytes: Bytes,
        /// Where the next page begins.
        more: Option<Cursor>,
    },
    /// Goes on when others have had their turn; a list of files is sent as the session takes it.
    Job(Box<Job>),
    /// Everything is sent already.
    Sent,
    /// `OK 0 bye`, and the end.
    Bye,
    /// The command is tried again when this record is on disk.
    Later(Ticket, Command),
}

pub(super) type Outcome = Result<Answer, Refusal>;

impl Tracker {
    /// Carries a command out, or says why not; then nothing has changed.
    pub(super) fn carry_out(&mut self, asker: &Asker, command: Command, effects: &mut Effects) -> Outcome {
        match command {
            Command::RegisterUser { username, port } => {
                let registered = self.register_user(asker, username, port, effects);
                registered.inspect_err(|refusal| self.note_refusal(asker.address, refusal))
            }
            Command::UnregisterUser { username } => self.unregister_user(asker, &username),
            Command::RegisterFiles { username, shares } => self.register_files(asker, &username, shares),
            Command::UnregisterFiles { username, paths } => self.unregister_files(asker, &username, paths),
            Command::ListUsers { page } => self.list_users(asker, page),
            Command::ListFiles { username, page } => self.list_files(asker, username.as_ref(), &page),
            Command::Search { words, page } => self.search(asker, &words, &page),
            Command::Sources { hash, page } => self.sources(asker, hash, &page),
            Command::Watch => self.watch(asker),
            Command::Unwatch => self.unwatch(asker),
            Command::WhoAmI => self.who_am_i(asker),
            Command::Ping => Ok(Answer::Done),
            Command::Help { verb } => talk::help(verb.as_deref()),
            Command::Quit => Ok(Answer::Bye),
        }
    }
}

impl Asker {
    /// The session's own user, if that is who it named.
    pub(super) fn own(&self, named: &Username) -> Result<&User, Refusal> {
        let Some(user) = &self.user else {
            return Err(Refusal::new(Code::NotRegistered, "first say who you are: register-user <username> [port]"));
        };
        if user.username != *named && user.username.folded() != named.folded() {
            return Err(Refusal::new(Code::NotYours, format!("you are {} and act for nobody else", user.username)));
        }
        Ok(user)
    }
}
