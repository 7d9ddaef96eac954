//! Commands about who is there, and what they share.

use potok_core::node::intent::Intent;

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::commands::{alone, user, word};
use crate::command_line::{BadLine, LineRequest, Rest};

/// These commands, in the order of `help`.
pub(super) const LISTING_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "list-users",
        arguments: "",
        tracker: TrackerNeed::Needed,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListUsers),
        write: |intent| alone(intent, &Intent::ListUsers),
    },
    ConsoleCommand {
        name: "list-files",
        arguments: "[user]",
        tracker: TrackerNeed::Needed,
        completes: Completes::Fields(&[WordKind::User]),
        read: |rest| Ok(LineRequest::Ask(Intent::ListFiles { user: rest.words(0, 1)?.pop().map(user).transpose()? })),
        write: |intent| match intent {
            Intent::ListFiles { user } => Some(user.as_ref().map_or_else(String::new, |user| word(user.as_str()))),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "search",
        arguments: "words",
        tracker: TrackerNeed::Needed,
        completes: Completes::Nothing,
        read: read_search,
        write: |intent| match intent {
            Intent::Search { words } => Some(words.iter().map(|w| word(w)).collect::<Vec<_>>().join(" ")),
            _ => None,
        },
    },
];

/// Words of a search; a tracker takes no more.
const SEARCH_WORDS_MAX: usize = 32;

fn read_search(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let mut words = rest.words(1, SEARCH_WORDS_MAX)?;
    words.retain(|word| !word.trim().is_empty());
    if words.is_empty() { Err(rest.usage()) } else { Ok(LineRequest::Ask(Intent::Search { words })) }
}
