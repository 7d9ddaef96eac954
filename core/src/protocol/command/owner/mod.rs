//! What only a tracker's owners may say: `docs/protocol.md` has the list.

mod keeping_out;
mod letting_in;
mod network;

pub use keeping_out::{BadSpan, BanSubject, BanUser, KickUser, LiftBan, ListBanned, MinutesSpan};
pub use letting_in::{Approve, Deny, IssueInvite, ListInvites, ListWaiting, RevokeInvite};
pub use network::{Broadcast, ListStats, ListTrackers, ReleaseName, Reload, RenameNetwork, SetLimits, SetMessage};

use std::fmt;

use crate::model::ban_terms::{BadRemark, Remark};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Command;
use crate::protocol::command::arguments::{no_more, take};

macro_rules! owner_commands {
    ($($verb:ident,)+) => {
        /// One command that only an owner may give. It is written as the line that is sent.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum OwnerCommand {
            $(
                #[doc = concat!("What [`", stringify!($verb), "`] says.")]
                $verb($verb),
            )+
        }

        impl From<OwnerCommand> for Command {
            fn from(command: OwnerCommand) -> Self {
                match command {
                    $(OwnerCommand::$verb(verb) => verb.into(),)+
                }
            }
        }

        impl fmt::Display for OwnerCommand {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$verb(verb) => verb.fmt(f),)+
                }
            }
        }

        $(
            impl From<$verb> for OwnerCommand {
                fn from(verb: $verb) -> Self {
                    Self::$verb(verb)
                }
            }
        )+
    };
}

owner_commands! {
    KickUser,
    BanUser,
    LiftBan,
    ListBanned,
    ReleaseName,
    SetMessage,
    RenameNetwork,
    SetLimits,
    Broadcast,
    ListStats,
    ListTrackers,
    Reload,
    IssueInvite,
    ListInvites,
    RevokeInvite,
    ListWaiting,
    Approve,
    Deny,
}

/// Takes what is left of a line as one remark, in quotes or not; none if nothing is left.
fn take_remark(mut rest: &str, usage: fn() -> Refusal) -> Result<Option<Remark>, Refusal> {
    let text = rest.trim_matches(' ');
    if text.is_empty() {
        return Ok(None);
    }
    if !text.starts_with('"') {
        return remark(text).map(Some);
    }
    let quoted = take(&mut rest)?.map(|field| remark(&field.text)).transpose()?;
    no_more(rest, usage).map(|()| quoted)
}

/// Reads a remark.
fn remark(text: &str) -> Result<Remark, Refusal> {
    Remark::new(text).map_err(|why| {
        let code = if why == BadRemark::Length && !text.is_empty() { Code::TooLong } else { Code::Usage };
        Refusal::new(code, why)
    })
}
