//! What the machine is told of the network's other trackers, and what it holds of them.

use std::net::{IpAddr, SocketAddr};

use crate::model::key::PublicKey;
use crate::protocol::mesh_line::MeshLine;
use crate::tracker::mesh::{LinkId, ListedTracker, Mesh, MeshEffect};

/// What reaches the machine about other trackers.
#[derive(Debug)]
pub enum MeshInput {
    /// The list of the network's trackers is this now.
    Trackers(Vec<ListedTracker>),
    /// A link is there.
    Connected {
        /// The number of the link.
        link: LinkId,
        /// The key that the other end has proven.
        key: PublicKey,
        /// The address of the other end.
        peer: IpAddr,
        /// Who was dialled, if it was.
        to: Option<SocketAddr>,
    },
    /// A tracker could not be reached.
    NotReached(SocketAddr),
    /// A link is gone.
    Cut(LinkId),
    /// So many bytes have left on a link.
    Passed {
        /// The link that they went by.
        link: LinkId,
        /// How many bytes.
        bytes: usize,
    },
    /// Lines have come by a link.
    Heard {
        /// The link that they came by.
        link: LinkId,
        /// In this order.
        lines: Vec<MeshLine>,
    },
}

/// The trackers of the network, and what is to be done about them.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) mesh: Mesh,
    pub(super) wanted: Vec<MeshEffect>,
    /// Answers that lacked the part of another tracker.
    pub(super) partial_answers: u64,
}
