//! What a running tracker tells over HTTP: to those who watch over it, and, if its owner wants so, how to come in.
//!
//! | path | who may read it | what |
//! |---|---|---|
//! | `/healthz` | anybody | `ok` while the tracker answers |
//! | `/metrics` | this computer, or who shows the token | figures as Prometheus reads them |
//! | `/status` | the same | figures as people read them |
//! | `/`, `/style.css` | anybody, with `invite_page` | the page of the invite; nothing of what is shared |
//! | `/export` | the owner of the data folder | names, bans, invites and settings |
//!
//! Nothing is ever changed by a request. A client that is slow, silent or one of too many loses its connection.

mod answering;
mod invite_page;
mod metrics;
mod owner_place;
mod places;

pub(crate) use answering::Site;
pub(crate) use places::{ask_owner, serve_address, serve_owner};
