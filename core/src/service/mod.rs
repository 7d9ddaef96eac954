//! Floor 4: tasks that own sockets, timers and files. Each has one owner that stops it and waits for it.
//!
//! | task | owned by | ends when |
//! |---|---|---|
//! | [`tracker_client`]: our session at a tracker | the node | the node stops, or another tracker is joined |
//! | [`downloader`]: everything that is fetched | the node | the node stops |
//! | [`peer_server`]: sends what is shared | the node | the node stops |

pub mod downloader;
pub mod librarian;
pub mod limiter;
pub mod peer_server;
#[cfg(test)]
mod testing;
pub mod tracker_client;
