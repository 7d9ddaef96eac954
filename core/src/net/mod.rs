//! Floor 3: everything that touches sockets. Used by services only.

pub mod admission;
mod ciphertext;
#[cfg(all(feature = "client", target_os = "linux"))]
mod default_route;
pub mod descriptors;
#[cfg(feature = "client")]
pub mod dial;
pub mod identity;
#[cfg(feature = "nearby")]
pub mod lan;
pub mod local;
#[cfg(feature = "nearby")]
pub mod mdns;
#[cfg(feature = "client")]
pub mod outgoing;
#[cfg(feature = "client")]
pub mod port_mapping;
#[cfg(feature = "client")]
pub mod punch;
#[cfg(feature = "client")]
pub mod race;
mod raw_key;
#[cfg(feature = "client")]
pub mod relay;
#[cfg(feature = "client")]
pub mod router;
pub mod send_queue;
#[cfg(feature = "client")]
pub mod short_reply;
pub mod tls;
