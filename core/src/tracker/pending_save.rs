//! What is on its way to the disk, and who waits for it.

use crate::model::binding::{Ban, BanTarget, Binding};
use crate::model::invite_token::IssuedInvite;
use crate::model::key::PublicKey;
use crate::model::waiting_user::WaitingUser;
use crate::protocol::command::VerbKind;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::input::SessionId;
use crate::tracker::overrides::Ordered;

/// A change on its way to the disk, and what follows from it there.
#[derive(Debug)]
pub(super) enum LastingChange {
    /// A name is somebody's already, for nobody else to take; they are told of it then.
    Name {
        /// The name regardless of case.
        folded: String,
        /// Whoever comes in by an invite has used it already, so that nobody else does meanwhile.
        invite: Option<u64>,
        /// They wait to be let in no more.
        waits: Option<PublicKey>,
    },
    /// These are shut out.
    Bans(Vec<Ban>),
    /// These are let in again; of those that the configuration shuts out the settings say so.
    Lift { targets: Vec<BanTarget>, ordered: Vec<Ordered> },
    /// A name is nobody's.
    Release(Binding),
    /// Settings that go before the configuration, or no longer do.
    Settings(Vec<Ordered>),
    /// An invite is good.
    Invite(IssuedInvite),
    /// An invite is good no more; it is of no use already.
    Revoke(IssuedInvite),
    /// Somebody waits no more; they are not on the list already.
    StopWaiting(PublicKey, WaitingUser),
}

/// A change on its way to the disk, and who waits for it.
#[derive(Debug)]
pub(super) struct PendingSave {
    pub(super) change: LastingChange,
    /// Sessions that want the name.
    pub(super) for_the_name: Vec<SessionId>,
    /// Sessions of owners whose orders come after this one.
    pub(super) for_their_turn: Vec<SessionId>,
    /// Whose order it is, and what they are answered.
    pub(super) answer: Option<(SessionId, VerbKind, CommandReply)>,
}
