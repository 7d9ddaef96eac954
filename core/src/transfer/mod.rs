//! Floor 2: downloads and uploads as pure machines. What happened goes in with the time it happened at, what is to be
//! done comes out; no clock, no socket, no file.
//!
//! | machine | decides |
//! |---|---|
//! | [`downloads::Downloads`] | which request goes to which peer, when a job waits, runs, fails, is finished |
//! | [`plan::Plan`] | which blocks of one file are missing, asked for, done |
//! | [`window::Window`] | how much is asked of one peer ahead of its answers |
//! | [`slots::Slots`] | who is served now, and who waits at which place |
//! | [`uploads::Uploads`] | what a person is shown of what others take: which file, how much of it they have |
//! | [`rate::Bucket`] | when the next bytes may move under a speed limit |
//! | [`backoff::Backoff`], [`speed::Speed`] | when to try again; how fast it goes |

pub mod backoff;
pub mod downloads;
pub mod event;
pub mod job;
pub mod plan;
pub mod rate;
mod slot_queue;
pub mod slots;
pub mod source;
pub mod speed;
pub mod uploads;
pub mod window;

use std::net::SocketAddr;

use crate::model::key::PublicKey;
use crate::model::username::Username;

/// One peer that we may fetch from, for as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// Somebody to fetch from, as the tracker tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The name of the user.
    pub username: Username,
    /// Where their peer server can be dialled, if anywhere; otherwise they are asked to dial us, or met at the relay.
    pub address: Option<SocketAddr>,
    /// The key that they must prove.
    pub key: PublicKey,
}
