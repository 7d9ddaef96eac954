//! The catalog on several processors: parted by owner into shards, each of which is a machine of its own that a thread may
//! drive. Everybody's shares are in one shard, which their name says.
//!
//! The tracker asks ([`ask::ShardAsk`], an effect) and is answered ([`ask::ShardAnswer`], an input); it never waits, and what
//! others want goes on meanwhile. A question about everybody goes to all shards and
//! [`MergedList`](crate::tracker::catalog::merged::MergedList) makes one list of theirs. What must be known of an owner at
//! once - how much they share - the tracker keeps itself, in `parted`.
//!
//! A shard takes what it is asked in order, and nobody is asked a second thing for a session that waits: so who was told `OK`
//! is found by whoever asks later. Two owners of one name, of whom one is on the way out, are in the same shard: no list has
//! both.

pub mod ask;
pub mod parted;
pub mod shard;

#[cfg(test)]
mod tests;
