//! What a command is: name, arguments, what it needs of the tracker, how it is completed, read and written.

use potok_core::node::intent::Intent;

use crate::command_line::{BadLine, LineRequest, Rest};
use crate::texts;

/// One command of the console: its verb, its words, and what it needs.
#[derive(Debug)]
pub struct ConsoleCommand {
    /// Its verb. The sentence that explains it is `command.<name>` in the translations.
    pub name: &'static str,
    /// What stands behind the verb, as `help` shows it.
    pub arguments: &'static str,
    /// What it needs of the tracker.
    pub tracker: TrackerNeed,
    /// What its arguments are, for completion.
    pub completes: Completes,
    pub(super) read: fn(Rest<'_>) -> Result<LineRequest, BadLine>,
    /// What stands behind the verb when this is what an intent asks for; none: it is another command's, or would be a
    /// secret or noise.
    pub(super) write: fn(&Intent) -> Option<String>,
}

/// What a command needs of the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerNeed {
    /// It works without a tracker.
    No,
    /// It is better off when connected, and the engine knows what to do when not.
    Better,
    /// Without a tracker it fails.
    Needed,
}

/// What arguments are completed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing can be completed.
    Nothing,
    /// Fields, each of its own kind.
    Fields(&'static [WordKind]),
    /// A list of the same kind.
    List(WordKind),
}

/// What a word can be completed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// The verbs of the commands.
    Command,
    /// Users who are connected.
    User,
    /// What the user in the field before shares.
    RemotePath,
    /// Files and folders of this computer.
    LocalPath,
    /// What I share.
    MyShare,
    /// What I stopped sharing.
    Stopped,
    /// Numbers of transfers, and `all`.
    Transfer,
}

impl ConsoleCommand {
    /// How the command is written: its verb and its arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    /// What the command does, in the person's language.
    pub fn explanation(&self) -> String {
        texts::text("command", self.name, &[])
    }
}

impl PartialEq for ConsoleCommand {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
