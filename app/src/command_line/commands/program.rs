//! Commands about the program itself.

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::{BadLine, LineRequest, Rest, commands};

/// These commands, in the order of `help`.
pub(super) const PROGRAM_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "help",
        arguments: "[command]",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Command]),
        read: read_help,
        write: |_| None,
    },
    ConsoleCommand {
        name: "quit",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.words(0, 0).map(|_none| LineRequest::Quit),
        write: |_| None,
    },
];

fn read_help(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    match rest.words(0, 1)?.pop() {
        None => Ok(LineRequest::Help(None)),
        Some(name) => {
            commands::find(&name).map(|command| LineRequest::Help(Some(command))).ok_or_else(|| BadLine::unknown(&name))
        }
    }
}
