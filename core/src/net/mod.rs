//! Floor 3: everything that touches sockets. Used by services only.

pub mod admission;
pub mod descriptors;
pub mod dial;
pub mod identity;
pub mod lan;
pub mod local;
pub mod mdns;
pub mod outgoing;
pub mod port_mapping;
pub mod punch;
pub mod race;
pub mod relay;
pub mod router;
pub mod send_queue;
pub mod short_reply;
pub mod tls;
