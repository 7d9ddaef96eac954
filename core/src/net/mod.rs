//! Floor 3: everything that touches sockets. Used by services only.

pub mod dial;
pub mod identity;
pub mod local;
pub mod tls;
