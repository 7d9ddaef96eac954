//! What a session at a tracker tells.

use crate::model::address_family::AddressFamily;
use crate::model::ban_terms::Remark;
use crate::model::invite::NetworkAddress;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::encounter::ConnectNotice;
use crate::protocol::notice::Role;
use crate::protocol::reply::{FileLine, PartialAnswer, UserLine};
use crate::reach::reachability::TrialEvent;
use crate::service::tracker_client::reasons::AwayReason;

/// What a session tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientEvent {
    /// On the way; the last try failed like this.
    Connecting(Option<AwayReason>),
    /// Registered, or greeted anew since.
    Online {
        /// What the owner calls the network.
        network: String,
        /// Line by line.
        message_of_the_day: Vec<String>,
    },
    /// We are not let in: no further try without a person, or only after a time (the client's `kept_away`).
    Refused(AwayReason),
    /// Somebody came, or came back at another address.
    Joined(UserLine),
    /// The user with this name is gone from the tracker.
    Left(Username),
    /// Somebody shares this from now on, or shares it otherwise than before.
    Shared(FileLine),
    /// Somebody no longer shares this.
    Unshared(Username, SharePath),
    /// Several shares of somebody came or went at once.
    Changed(Username),
    /// Somebody asks us to dial them, because they cannot dial us.
    AskedToDial(Box<ConnectNotice>),
    /// What is known of whether others can dial us.
    Trial {
        /// By this family of addresses.
        by: AddressFamily,
        /// What has become known.
        event: TrialEvent,
    },
    /// Whether we may give an owner's commands; told when we are online, and when it changes.
    Role(Role),
    /// Where the network is met, as it stands in an invite; told when we are online, and when it changes.
    Trackers(NetworkAddress),
    /// Somebody asks to be let into the network that we own.
    Waiting(Username),
    /// What was listed last lacks what some trackers of the network have; none: it does so no more.
    Partial(Option<PartialAnswer>),
    /// An owner of the tracker has a word for everybody.
    Broadcast(Option<Username>, Remark),
    /// Something was left out of what we were told; the picture of the users has been read anew since.
    Resync,
}
