//! What a command comes to, between the handler that carried it out and what is written.

use bytes::Bytes;

use crate::protocol::command::{Command, Cursor};
use crate::tracker::input::Ticket;
use crate::tracker::long_command::LongCommand;
use crate::tracker::own_list::OwnList;

/// What a command came to.
#[derive(Debug)]
pub(super) enum CommandReply {
    /// `OK 0`.
    Done,
    /// Lines that are there already.
    Lines {
        /// How many data lines there are.
        lines: usize,
        /// Each with its LF.
        bytes: Bytes,
        /// Where the next page begins.
        more: Option<Cursor>,
    },
    /// Goes on when others have had their turn; a list of files is sent as the session takes it.
    LongCommand(Box<LongCommand>),
    /// Everything is sent already.
    Sent,
    /// `OK 0 bye`, and the end.
    Bye,
    /// The command is tried again when the name that it is for is on disk.
    WhenSaved(Ticket, Command),
    /// The command is tried again when the order before it is on disk, or is not.
    InTurn(Ticket, Command),
    /// This, when it is on disk.
    OnDisk(Ticket, Box<Self>),
}

impl CommandReply {
    /// A list of files that is sent as the session takes it.
    pub(super) fn list(list: OwnList) -> Self {
        Self::LongCommand(Box::new(LongCommand::List { list, is_begun: false }))
    }
}
