//! Commands about which network I am in, and the one that runs here.

use potok_core::model::invite::{Invite, TrackerAddress};
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::IssueInvite;

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::commands::{alone, owner, user, word};
use crate::command_line::{BadLine, LineRequest, Rest};

/// These commands, in the order of `help`.
pub(super) const NETWORK_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "whoami",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::WhoAmI),
        write: |intent| alone(intent, &Intent::WhoAmI),
    },
    ConsoleCommand {
        name: "version",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::TrackerVersion),
        write: |intent| alone(intent, &Intent::TrackerVersion),
    },
    ConsoleCommand {
        name: "invite",
        arguments: "[number | any] [30m | 12h | 7d | 4w | always] [note]",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        // With words it is an owner's, and makes a link with a token.
        read: |rest| match rest.text.is_empty() {
            true => rest.ask_alone(Intent::Invite),
            false => owner::read::<IssueInvite>(rest),
        },
        write: |intent| alone(intent, &Intent::Invite).or_else(|| owner::write::<IssueInvite>(intent)),
    },
    ConsoleCommand {
        name: "status",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::Status),
        write: |intent| alone(intent, &Intent::Status),
    },
    ConsoleCommand {
        name: "reach",
        arguments: "",
        tracker: TrackerNeed::Needed,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::Reach),
        write: |intent| alone(intent, &Intent::Reach),
    },
    ConsoleCommand {
        name: "nearby",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListNearby),
        write: |intent| alone(intent, &Intent::ListNearby),
    },
    ConsoleCommand {
        name: "join",
        arguments: "host:port | invite",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: read_join,
        write: |intent| match intent {
            Intent::Join(tracker) => Some(address(tracker)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "leave",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::Leave),
        write: |intent| alone(intent, &Intent::Leave),
    },
    ConsoleCommand {
        name: "host",
        arguments: "ip:port",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: read_host,
        write: |intent| match intent {
            Intent::HostTracker(at) => Some(at.to_string()),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "stop-hosting",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::StopTracker),
        write: |intent| alone(intent, &Intent::StopTracker),
    },
    ConsoleCommand {
        name: "trust",
        arguments: "user",
        tracker: TrackerNeed::Needed,
        completes: Completes::Fields(&[WordKind::User]),
        read: |rest| Ok(LineRequest::Ask(Intent::Trust { user: user(rest.one_word()?)? })),
        write: |intent| match intent {
            Intent::Trust { user } => Some(word(user.as_str())),
            _ => None,
        },
    },
];

fn read_join(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let tracker = rest.one_word()?.parse().map_err(|_no_address| rest.usage())?;
    Ok(LineRequest::Ask(Intent::Join(tracker)))
}

/// An invite says the key too.
fn address(tracker: &TrackerAddress) -> String {
    match tracker.key {
        Some(key) => Invite { address: tracker.address.clone(), key, token: tracker.token }.to_string(),
        None => tracker.address.to_string(),
    }
}

fn read_host(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let at = rest.one_word()?.parse().map_err(|_no_address| rest.usage())?;
    Ok(LineRequest::Ask(Intent::HostTracker(at)))
}
