//! Floor 1: the wire as values. Bytes in, values out, and back; no I/O. `docs/protocol.md` is the same in prose.
//!
//! Between a client and a tracker (text lines):
//! [`mod@line`] cuts bytes into lines, [`field`] cuts lines into fields and lists, [`command`] gives them meaning,
//! [`selection`] says which shares a question is about, [`page`] which part of a list is meant, [`head`], [`reply`] and
//! [`notice`] are what comes back, [`code`] the names of refusals, [`sentence`] what a tracker says to people,
//! [`owner_line`] what owners are told, [`shut_out`] what those read whom they keep out. In a local network, by DNS-SD:
//! [`nearby`]. Between the trackers of one network: [`mesh_line`].
//!
//! Between two peers (binary frames): [`peer`], and [`about`] what an owner tells of files besides.

pub mod about;
pub mod address_line;
pub mod code;
pub mod command;
pub mod encounter;
pub mod field;
pub mod head;
pub mod line;
pub mod mesh_line;
pub mod nearby;
pub mod notice;
pub mod owner_line;
pub mod page;
pub mod peer;
pub mod reached;
pub mod reply;
pub mod selection;
pub mod sentence;
pub mod shut_out;
pub mod trial;
pub mod value;
