//! Potok's engine: everything but the window and the console.
//!
//! The modules are floors; a module imports only from floors above it in this file. Floors 0 to 2 are pure: no clock,
//! no socket, no file, no randomness. They build without the `io` feature, so the compiler proves it. With it a tracker
//! runs; a client needs `client` as well.
//! `tests/tidy` refuses an import that goes the wrong way.

// floor 0: values that cannot be wrong
pub mod model;

// floor 1: bytes <-> values
pub mod protocol;

// floor 2: pure machines, siblings that do not know each other
pub mod library;
pub mod reach;
pub mod tracker;
pub mod transfer;

// floor 3: I/O primitives
#[cfg(feature = "io")]
pub mod disk;
#[cfg(feature = "io")]
pub mod net;
#[cfg(feature = "io")]
pub mod store;

// floor 4: tasks that own sockets, timers and files
#[cfg(feature = "io")]
pub mod service;

// floor 5: the whole, started and stopped as one
#[cfg(feature = "client")]
pub mod node;

/// The data of `tests/vectors`, for the tests of the modules that own it.
#[cfg(test)]
#[path = "../../tests/support/vectors.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is a public module of the other tests")]
mod vectors;
