//! Floor 4: tasks that own sockets, timers and files. Each has one owner that stops it and waits for it.
//!
//! | task | owned by | ends when |
//! |---|---|---|
//! | [`share_indexer`]: keeps what I share in step with the disk | the node | the node stops |
//! | [`downloader`]: everything that is fetched | the node | the node stops |
//! | [`peer_server`]: sends what is shared | the node | the node stops |
//! | [`port_mapper`]: has the router let others in | the node | the node stops |
//! | [`surroundings`]: notices that this computer is in another network | the node | the node stops |
//! | [`tracker_client`]: our session at a tracker | the node | the node stops, or another tracker is joined |
//! | [`nearby`]: who is in the local network | the node, or a tracker | it is stopped |
//! | [`mesh`]: links to the other trackers of the network | a tracker | it is stopped |
//! | [`tracker_server`]: a tracker | the node, or the program `potok-tracker` | it is stopped |

#[cfg(feature = "client")]
pub mod arrivals;
#[cfg(feature = "client")]
pub mod downloader;
#[cfg(feature = "client")]
pub mod limiter;
#[cfg(feature = "client")]
pub mod meeting;
pub mod mesh;
#[cfg(feature = "nearby")]
pub mod nearby;
pub mod occasional;
#[cfg(feature = "client")]
mod own_thread;
#[cfg(feature = "client")]
pub mod peer_server;
#[cfg(feature = "client")]
pub mod port_mapper;
#[cfg(feature = "client")]
pub mod share_indexer;
#[cfg(feature = "client")]
pub mod surroundings;
#[cfg(all(test, feature = "client"))]
mod testing;
#[cfg(feature = "client")]
pub mod tracker_client;
pub mod tracker_server;
#[cfg(feature = "client")]
pub mod transfer_numbers;
