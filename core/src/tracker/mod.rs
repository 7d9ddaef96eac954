//! The tracker as a pure machine: inputs and the time in, effects out. No socket, no file, no clock, no randomness; the
//! same inputs give the same effects.
//!
//! ```text
//! bytes -> protocol::line -> SessionRequest -> Input \                          / Effect::Send, Notify -> sockets
//!                                              machine::Tracker::apply -> Effect::Save            -> database
//!                       the passing of time -> machine::Tracker::tick   \ Effect::Close, Ready    -> sessions
//! ```
//!
//! [`machine`] owns the state; `turns` work off each session's lines; `handlers` hold what each command does;
//! `lasting` is what outlives sessions, [`ledger`] what of it is shared with other trackers; `keeping_out` ends those of who is
//! not wanted. The others are the tables: [`catalog`] of shares, [`names`] and their owners,
//! [`roster`] of who is here, [`doors`] of a closed network, [`changes`] that watchers are told, who is [`watching`] what,
//! the [`mesh`] of several trackers, [`bans`], who is [`sent_away`], [`budget`] of answers, [`quotas`] of shares,
//! [`encounters`], [`trials`], [`relays`], [`overrides`] of the configuration. [`merge`] makes one page of the answers of
//! several catalogs. `shares` are here, or in [`shards`] on threads of their own. [`log`] is for the owner to read, [`tally`] for who watches over it.

pub mod bans;
pub mod budget;
pub mod catalog;
pub mod changes;
mod command_reply;
mod configuring;
mod derived;
pub mod doors;
pub mod effect;
pub mod encounters;
mod file_changes;
pub mod forwarded;
mod handlers;
pub mod input;
mod keeping_out;
mod lasting;
pub mod ledger;
pub mod line_key;
mod linking;
pub mod links;
pub mod log;
mod long_command;
pub mod look_alikes;
pub mod machine;
mod meeting_place;
pub mod merge;
pub mod mesh;
pub mod names;
mod output;
pub mod overrides;
mod own_list;
mod pending_save;
pub mod quotas;
pub mod relay_shares;
pub mod relays;
pub mod remembered;
pub mod roster;
pub mod sent_away;
mod session;
pub mod setting_fault;
pub mod settings;
mod settings_check;
pub mod shards;
mod shares;
pub mod tally;
mod tended;
pub mod ticket;
pub mod trials;
mod turns;
pub mod watched_folders;
pub mod watching;

#[cfg(test)]
mod tests;
