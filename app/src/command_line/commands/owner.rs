//! Commands of a tracker's owner: of the one that runs here, or of one far away whose configuration names my key. What
//! stands behind a verb is read as the tracker reads it.

use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::protocol::code::Code;
use potok_core::protocol::command::Verb;
use potok_core::protocol::command::owner::{
    Approve, BanUser, Broadcast, Deny, KickUser, LiftBan, ListBanned, ListInvites, ListStats, ListTrackers,
    ListWaiting, OwnerCommand, ReleaseName, Reload, RenameNetwork, RevokeInvite, SetLimits, SetMessage,
};
use potok_core::protocol::field;

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::{BadLine, LineRequest, Rest};

/// A command whose words are the tracker's own.
macro_rules! order {
    ($verb:ident, $arguments:literal, $completes:expr) => {
        ConsoleCommand {
            name: $verb::NAME,
            arguments: $arguments,
            tracker: TrackerNeed::Better,
            completes: $completes,
            read: read::<$verb>,
            write: write::<$verb>,
        }
    };
}

const A_USER: Completes = Completes::Fields(&[WordKind::User]);

/// These commands, in the order of `help`.
pub(super) const OWNER_COMMANDS: &[ConsoleCommand] = &[
    order!(KickUser, "user [minutes] [reason]", A_USER),
    order!(BanUser, "user | @name | key | address | prefix [30m | 12h | 7d | 4w] [reason]", A_USER),
    order!(LiftBan, "user | @name | key | address | prefix", Completes::Nothing),
    order!(ListBanned, "", Completes::Nothing),
    order!(ReleaseName, "user", A_USER),
    order!(SetMessage, "[\"line\" ...]", Completes::Nothing),
    order!(RenameNetwork, "[name]", Completes::Nothing),
    order!(SetLimits, "[name=number | name=default ...]", Completes::Nothing),
    order!(Broadcast, "text", Completes::Nothing),
    order!(ListStats, "", Completes::Nothing),
    order!(ListTrackers, "", Completes::Nothing),
    order!(Reload, "", Completes::Nothing),
    order!(ListInvites, "", Completes::Nothing),
    order!(RevokeInvite, "number", Completes::Nothing),
    order!(ListWaiting, "", Completes::Nothing),
    order!(Approve, "user [key]", Completes::Nothing),
    order!(Deny, "user [key]", Completes::Nothing),
];

pub(super) fn read<V: Verb + Into<OwnerCommand>>(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let verb = V::parse(rest.text).map_err(|refusal| {
        if refusal == V::usage() {
            return rest.usage();
        }
        let mut words = rest.text;
        let first =
            field::take_field(&mut words).ok().flatten().map(|field| field.text.into_owned()).unwrap_or_default();
        BadLine::Meaningless(match refusal.code {
            Code::BadName => Failure::NotAtYours { user: first },
            _ if V::NAME == LiftBan::NAME => Failure::NotBanned { who: first },
            code => Failure::Refused { code: code.into(), text: refusal.text },
        })
    })?;
    Ok(LineRequest::Ask(Intent::Order(verb.into())))
}

/// What stands behind the verb, if it is this one.
pub(super) fn write<V: Verb>(intent: &Intent) -> Option<String> {
    let Intent::Order(command) = intent else { return None };
    let line = command.to_string();
    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
    (verb == V::NAME).then(|| rest.to_owned())
}
