//! Somebody who asks to be let into a closed network, and waits for the word of an owner.

use std::net::IpAddr;

use crate::model::username::Username;

/// What is known of them, besides their key. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingUser {
    /// The name that they ask for.
    pub username: Username,
    /// From where they came.
    pub address: IpAddr,
    /// Since when they ask for it.
    pub since: u64,
    /// When they asked last.
    pub asked_at: u64,
}
