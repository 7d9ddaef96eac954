//! How fast bytes go through relays: so many a second in all, in equal shares for those who want more than theirs.
//!
//! Time is cut into slices. What a slice brings, and what was not used of earlier ones, is shared out anew at its beginning:
//! whoever had to wait gets as much as everybody else who had to, whoever took less than that gets what they take. So it is
//! fair by user, however many relays one has, and nothing is left lying while anybody waits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::key::PublicKey;

/// How often it is shared out anew: how long somebody waits at most who takes little.
pub const SLICE: Duration = Duration::from_millis(50);
/// What is not used is kept for so many slices.
const BURST_SLICES: u32 = 4;
/// The least that is kept for whoever takes nothing, so that a request need not wait for a slice.
const RESERVE_BYTES: u64 = 4 * 1024;
/// Pieces that one who waits gets at a time; small ones cost processor time. With little to share out they are smaller, so
/// that everybody has some twice a second.
const RELAY_PIECE_BYTES: u64 = 32 * 1024;
const PIECES_PER_SECOND: u64 = 2;

/// What is to be shared, and who shares it.
#[derive(Debug)]
pub struct RelayShares {
    bytes_per_second: u64,
    shared_at: Instant,
    /// What nobody has.
    pool: u64,
    users: BTreeMap<PublicKey, Share>,
}

/// What one user has.
#[derive(Debug, Default)]
struct Share {
    /// How many relays of theirs are open.
    relays: usize,
    /// What they may take now.
    has: u64,
    /// What they took in this slice.
    took: u64,
    /// They wanted more than they had.
    waits: bool,
}

/// What somebody who wants to pass bytes on may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// So many may pass, at least one.
    Bytes(usize),
    /// None may before this moment.
    Wait(Instant),
}

impl RelayShares {
    /// Nobody shares it yet.
    pub fn new(now: Instant, bytes_per_second: u64) -> Self {
        Self { bytes_per_second, shared_at: now, pool: 0, users: BTreeMap::new() }
    }

    /// Another limit for all of them together.
    pub fn set_rate(&mut self, bytes_per_second: u64) {
        self.bytes_per_second = bytes_per_second;
    }

    /// A relay of this user has begun.
    pub fn enter(&mut self, user: PublicKey) {
        self.users.entry(user).or_default().relays += 1;
    }

    /// A relay of this user has ended.
    pub fn leave(&mut self, user: PublicKey) {
        let Some(share) = self.users.get_mut(&user) else { return };
        share.relays = share.relays.saturating_sub(1);
        if share.relays == 0 {
            self.pool += share.has;
            self.users.remove(&user);
        }
    }

    /// A relay of this user has so many bytes that are to pass, at least one.
    pub fn take(&mut self, now: Instant, user: PublicKey, wanted: usize) -> Passing {
        if now >= self.shared_at + SLICE {
            self.share_out(now);
        }
        let piece = self.piece_bytes();
        let next = Passing::Wait(self.shared_at + SLICE);
        let Some(share) = self.users.get_mut(&user) else { return next };
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        let taken = wanted.min(share.has);
        if taken < wanted {
            share.waits = true;
            if taken < piece.min(wanted) {
                return next;
            }
        }
        share.has -= taken;
        share.took += taken;
        Passing::Bytes(usize::try_from(taken).unwrap_or(usize::MAX))
    }

    fn piece_bytes(&self) -> u64 {
        let users = u64::try_from(self.users.len()).unwrap_or(u64::MAX).max(1);
        (self.bytes_per_second / users / PIECES_PER_SECOND).clamp(1, RELAY_PIECE_BYTES)
    }

    fn share_out(&mut self, now: Instant) {
        let burst = bytes_in(self.bytes_per_second, SLICE * BURST_SLICES);
        let elapsed = now.saturating_duration_since(self.shared_at).min(SLICE * BURST_SLICES);
        self.shared_at = now;
        // Who waits is saving for a piece; the others get anew what they are likely to take.
        let others = self.users.values_mut().filter(|share| !share.waits);
        self.pool += others.map(|share| std::mem::take(&mut share.has)).sum::<u64>();
        self.pool = self.pool.saturating_add(bytes_in(self.bytes_per_second, elapsed)).min(burst.max(1));
        let mut wishes: Vec<(u64, PublicKey)> = self.users.iter().map(|(user, share)| (share.wish(), *user)).collect();
        // Modest wishes first: what they leave is for the others.
        wishes.sort_unstable();
        let mut left = u64::try_from(wishes.len()).unwrap_or(u64::MAX);
        for (wish, user) in wishes {
            let given = wish.min(self.pool.div_ceil(left));
            left -= 1;
            self.pool -= given;
            if let Some(share) = self.users.get_mut(&user) {
                share.has += given;
                (share.took, share.waits) = (0, false);
            }
        }
    }
}

impl Share {
    /// What they are likely to take in the next slice.
    fn wish(&self) -> u64 {
        if self.waits { u64::MAX } else { RESERVE_BYTES.max(self.took.saturating_mul(2)) }
    }
}

fn bytes_in(bytes_per_second: u64, time: Duration) -> u64 {
    let bytes = u128::from(bytes_per_second).saturating_mul(time.as_micros()) / 1_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One relay, in virtual time: what it has to pass on each millisecond, and what has passed.
    struct Flow {
        user: PublicKey,
        per_milli: u64,
        waiting: u64,
        until: Option<Instant>,
        passed: u64,
    }

    fn flow(user: u8, per_milli: u64) -> Flow {
        Flow { user: PublicKey::from_bytes([user; 32]), per_milli, waiting: 0, until: None, passed: 0 }
    }

    /// Runs flows for so many seconds under a limit.
    fn run(bytes_per_second: u64, flows: &mut [Flow], seconds: u64) {
        let start = Instant::now();
        let mut shares = RelayShares::new(start, bytes_per_second);
        flows.iter().for_each(|flow| shares.enter(flow.user));
        for milli in 0..seconds * 1000 {
            let now = start + Duration::from_millis(milli);
            for flow in flows.iter_mut() {
                // As the pump has: a buffer, and behind it one that does not read further.
                flow.waiting = (flow.waiting + flow.per_milli).min(64 * 1024);
                while flow.waiting > 0 && flow.until.is_none_or(|until| until <= now) {
                    match shares.take(now, flow.user, usize::try_from(flow.waiting).expect("small")) {
                        Passing::Bytes(bytes) => {
                            flow.waiting -= bytes as u64;
                            flow.passed += bytes as u64;
                            flow.until = None;
                        }
                        Passing::Wait(until) => flow.until = Some(until),
                    }
                }
            }
        }
    }

    fn assert_near(what: &str, is: u64, should: u64, percent: u64) {
        assert!(is.abs_diff(should) * 100 <= should * percent, "{what}: {is}, not {should} within {percent} %");
    }

    #[test]
    fn thirty_two_who_want_everything_get_the_same_and_together_the_limit() {
        for limit in [500_000, 2_000_000, 100_000_000] {
            let mut flows: Vec<Flow> = (0..32).map(|n| flow(n, 10_000)).collect();
            run(limit, &mut flows, 20);
            let all: u64 = flows.iter().map(|flow| flow.passed).sum();
            assert_near("the limit", all, limit * 20, 5);
            for flow in &flows {
                assert_near("fair", flow.passed, limit * 20 / 32, 10);
            }
        }
    }

    #[test]
    fn two_relays_of_one_user_have_the_share_of_one() {
        let mut flows = [flow(1, 10_000), flow(1, 10_000), flow(2, 10_000)];
        run(2_000_000, &mut flows, 20);
        assert_near("two of one", flows[0].passed + flows[1].passed, flows[2].passed, 10);
    }

    #[test]
    fn what_one_leaves_others_get_and_who_takes_little_never_waits_long() {
        let mut flows = [flow(1, 10), flow(2, 100), flow(3, 10_000), flow(4, 10_000)];
        run(2_000_000, &mut flows, 20);
        assert_near("little", flows[0].passed, 10 * 20_000, 2);
        assert_near("a little more", flows[1].passed, 100 * 20_000, 2);
        let left = (2_000_000 - 110_000) * 20 / 2;
        assert_near("the rest", flows[2].passed, left, 10);
        assert_near("the rest", flows[3].passed, left, 10);
    }

    #[test]
    fn a_pause_is_no_hoard() {
        let start = Instant::now();
        let user = PublicKey::from_bytes([1; 32]);
        let mut shares = RelayShares::new(start, 1_000_000);
        shares.enter(user);
        let later = start + Duration::from_secs(3600);
        let mut taken = 0;
        while let Passing::Bytes(bytes) = shares.take(later, user, 10_000_000) {
            taken += bytes;
        }
        assert!(taken <= 200_000, "{taken}");
        assert_eq!(shares.take(later, user, 10_000_000), Passing::Wait(later + SLICE));
        let small = shares.take(later + SLICE, user, 49);
        assert_eq!(small, Passing::Bytes(49), "a request need not wait for a whole piece");
        shares.leave(user);
        assert_eq!(shares.take(later, user, 1), Passing::Wait(later + SLICE * 2), "nobody has nothing");
    }
}
