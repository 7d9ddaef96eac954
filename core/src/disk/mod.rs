//! Floor 3: everything that touches files. Nothing here knows of peers or of what is shared; whoever calls says so.
//! All calls block: call them on blocking threads.
//!
//! | module | its job |
//! |---|---|
//! | [`place`] | opens files, relative to a folder's handle, links not followed: shares to read, targets to write |
//! | [`private`] | what only its owner may read |
//! | [`save`] | writes our own small files so that a crash leaves the old or the new one |
//! | [`hash`] | content to block hashes, on all cores |
//! | [`walk`] | what lies in a shared folder |
//! | `secrets` | what is left out of it unless it is asked for |
//! | [`at`] | reading and writing at an offset |

#[cfg(feature = "client")]
pub mod at;
#[cfg(feature = "client")]
mod dir;
#[cfg(feature = "client")]
pub mod hash;
#[cfg(feature = "client")]
pub mod place;
pub mod private;
pub mod save;
#[cfg(feature = "client")]
mod secrets;
#[cfg(feature = "client")]
pub mod typed;
#[cfg(feature = "client")]
pub mod walk;
