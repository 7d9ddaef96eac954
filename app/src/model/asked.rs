//! What was asked, by whom, and what its outcome is needed for.

use potok_core::model::shown::Shown;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::owner::OwnerCommand;

use crate::command_line::commands;
use crate::model::wanted_download::WantedDownload;
use crate::model::{Model, Tone};

/// Intents whose outcome is not there yet; more are answered, but not remembered.
const ASKED_MAX: usize = 10_000;

/// Who asked, and therefore who is told what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedBy {
    /// Nobody: a list is kept up to date.
    Background,
    /// A click or a shortcut in the window.
    Mouse,
    /// A line on the console page.
    Console,
}

/// A question that is under way.
#[derive(Debug)]
pub(super) struct OpenQuestion {
    pub(super) by: AskedBy,
    pub(super) what: Need,
    /// Lines that were printed of its answer.
    pub(super) lines: usize,
    /// What was to be fetched, while a question may come of it.
    pub(super) wanted: Option<Box<WantedDownload>>,
}

/// What an outcome is needed for, beyond its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Users,
    Invite,
    Rename,
    Join,
    Host,
    /// What comes of it is told as lines of the wire.
    Wire,
    /// The tracker says when it keeps it.
    Greeting,
    Other,
}

impl Model {
    /// Remembers who asked; call it with every intent that is sent.
    pub fn asked(&mut self, id: IntentId, intent: &Intent, by: AskedBy) {
        if by == AskedBy::Mouse
            && let Some(line) = commands::line_of(intent)
        {
            self.push_log(Tone::Command, Shown(&line).to_string());
        }
        let what = match intent {
            Intent::ListUsers => {
                self.users_asked += 1;
                Need::Users
            }
            Intent::Invite if by == AskedBy::Background => Need::Invite,
            Intent::RenameShare { .. } => Need::Rename,
            Intent::Join(_) => Need::Join,
            Intent::HostTracker(_) => Need::Host,
            Intent::SendLine(_) => Need::Wire,
            Intent::Order(OwnerCommand::RenameNetwork(_) | OwnerCommand::SetMessage(_)) => Need::Greeting,
            Intent::Trust { user } => {
                // If that fails it is told again.
                self.changed_keys.remove(user);
                Need::Other
            }
            _ => Need::Other,
        };
        let wanted = WantedDownload::asked_by(intent).filter(|_| by == AskedBy::Mouse).map(Box::new);
        if matches!(what, Need::Join | Need::Host) {
            (self.join_failed, self.host_failed) = (None, None);
        }
        if self.asked.len() < ASKED_MAX {
            self.asked.insert(id, OpenQuestion { by, what, lines: 0, wanted });
        }
    }
}
