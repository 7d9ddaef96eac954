//! What waits to be sent to one session. Whoever fills it never waits; whoever empties it writes all of it at once.
//!
//! Answers are never left out: the session's own lines are not read while they wait, so they are bounded by what one
//! turn gives out. Notices come whenever others do something: beyond a bound they are left out, and the session is told
//! `* resync` once when it has taken what was there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use bytes::Bytes;
use parking_lot::Mutex;

const RESYNC: &[u8] = b"* resync\n";

/// The queue between the tracker and one session.
#[derive(Debug)]
pub struct SendQueue {
    state: Mutex<QueueState>,
    is_stopped: AtomicBool,
    notice_bytes_max: usize,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<Bytes>,
    /// Bytes of notices that wait, or were taken last and may not have left.
    notice_bytes: usize,
    taken_notice_bytes: usize,
    is_behind: bool,
    /// The driver goes on when all has left, perhaps in the middle of an answer.
    goes_on: bool,
    signs: Signs,
    waker: Option<Waker>,
}

/// What the session is to do besides sending.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// The session may bring its next lines.
    pub is_ready: bool,
    /// It is to say when everything has left.
    pub tell_drained: bool,
    /// It is to send what is left and end.
    pub is_closing: bool,
    /// Notices were left out: it is told `* resync` now.
    pub is_resynced: bool,
}

impl SendQueue {
    /// An empty queue that holds at most so many bytes of notices.
    pub fn new(notice_bytes_max: usize) -> Self {
        Self { state: Mutex::default(), is_stopped: AtomicBool::new(false), notice_bytes_max }
    }

    /// Adds answers that belong together, and signs that must be there with them.
    pub fn send(&self, answers: impl IntoIterator<Item = Bytes>, with: Signs) {
        self.change(|state| {
            state.waiting.extend(answers);
            state.goes_on = with.tell_drained;
            state.signs.is_ready |= with.is_ready;
            state.signs.tell_drained |= with.tell_drained;
            state.signs.is_closing |= with.is_closing;
        });
    }

    /// Adds notices of others' doings; beyond the bound they are left out, and `* resync` follows.
    pub fn notify(&self, bytes: Bytes) {
        self.change(|state| {
            state.is_behind |= state.notice_bytes + bytes.len() > self.notice_bytes_max;
            if !state.is_behind {
                state.notice_bytes += bytes.len();
                state.waiting.push_back(bytes);
            }
        });
    }

    /// Lets the session bring its next lines: its last ones are answered.
    pub fn ready(&self) {
        self.change(|state| {
            state.goes_on = false;
            state.signs.is_ready = true;
        });
    }

    /// The session is to say when everything has left.
    pub fn tell_drained(&self) {
        self.change(|state| {
            state.goes_on = true;
            state.signs.tell_drained = true;
        });
    }

    /// The session is to send what is left and end.
    pub fn close(&self) {
        self.change(|state| state.signs.is_closing = true);
    }

    /// The session is to end at once, whatever it is doing.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.change(|_state| {});
    }

    /// Whether the session is to end at once.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Takes everything. To be called when all that was taken before has left; wakes `waker` when there is more.
    /// Signs are given once; closing stays.
    pub fn take(&self, waker: &Waker, into: &mut VecDeque<Bytes>) -> Signs {
        let mut state = self.state.lock();
        if state.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        state.notice_bytes -= state.taken_notice_bytes;
        state.taken_notice_bytes = state.notice_bytes;
        into.append(&mut state.waiting);
        if into.is_empty() {
            // Nothing of this queue's room is kept for an idle session.
            state.waiting = VecDeque::new();
            state.signs.is_resynced = state.is_behind && !state.goes_on;
            if state.is_behind && !state.goes_on {
                state.is_behind = false;
                into.push_back(Bytes::from_static(RESYNC));
            }
        }
        let signs = state.signs;
        state.signs.is_ready = false;
        state.signs.is_resynced = false;
        // Only when there is nothing to send has everything left.
        state.signs.tell_drained &= !into.is_empty();
        Signs { tell_drained: signs.tell_drained && into.is_empty(), ..signs }
    }

    fn change(&self, change: impl FnOnce(&mut QueueState)) {
        let waker = {
            let mut state = self.state.lock();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(queue: &SendQueue) -> (String, Signs) {
        let mut taken = VecDeque::new();
        let signs = queue.take(Waker::noop(), &mut taken);
        let text = taken.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        (text, signs)
    }

    #[test]
    fn answers_and_notices_keep_their_order() {
        let queue = SendQueue::new(100);
        queue.send([Bytes::from_static(b"OK 0\n")], Signs::default());
        queue.notify(Bytes::from_static(b"* left anna\n"));
        queue.send([Bytes::from_static(b"OK 1\n")], Signs { is_ready: true, ..Signs::default() });
        let (text, signs) = take(&queue);
        assert_eq!(text, "OK 0\n* left anna\nOK 1\n");
        assert!(signs.is_ready);
        assert_eq!(take(&queue), (String::new(), Signs::default()));
    }

    #[test]
    fn a_session_that_falls_behind_is_told_once_when_it_has_drained() {
        let queue = SendQueue::new(10);
        queue.notify(Bytes::from_static(b"12345678\n"));
        queue.notify(Bytes::from_static(b"87654321\n"));
        queue.send([Bytes::from_static(b"OK 0\n")], Signs::default());
        queue.notify(Bytes::from_static(b"x\n"));
        assert_eq!(take(&queue).0, "12345678\nOK 0\n");
        queue.notify(Bytes::from_static(b"y\n"));
        assert_eq!(take(&queue).0, "* resync\n");
        queue.notify(Bytes::from_static(b"12345678\n"));
        assert_eq!(take(&queue).0, "12345678\n", "the room is there again");
        assert_eq!(take(&queue).0, "");
    }

    #[test]
    fn nothing_is_told_in_the_middle_of_an_answer() {
        let queue = SendQueue::new(1);
        queue.notify(Bytes::from_static(b"too long\n"));
        queue.send([Bytes::from_static(b"OK 2\na\n")], Signs { tell_drained: true, ..Signs::default() });
        assert_eq!(take(&queue).0, "OK 2\na\n");
        assert_eq!(take(&queue), (String::new(), Signs { tell_drained: true, ..Signs::default() }));
        assert_eq!(take(&queue).0, "", "the rest of the answer is on its way");
        queue.send([Bytes::from_static(b"b\n")], Signs::default());
        assert_eq!(take(&queue).0, "b\n");
        assert_eq!(take(&queue).0, "* resync\n");
    }

    #[test]
    fn what_was_taken_still_takes_room() {
        let queue = SendQueue::new(10);
        queue.notify(Bytes::from_static(b"12345678\n"));
        assert_eq!(take(&queue).0, "12345678\n");
        queue.notify(Bytes::from_static(b"87654321\n"));
        assert_eq!(take(&queue).0, "* resync\n", "the first may not have left when the second came");
    }

    #[test]
    fn drained_is_told_when_there_is_nothing_left() {
        let queue = SendQueue::new(10);
        queue.send([Bytes::from_static(b"a")], Signs { tell_drained: true, ..Signs::default() });
        assert!(!take(&queue).1.tell_drained);
        assert!(take(&queue).1.tell_drained);
        assert!(!take(&queue).1.tell_drained);
        queue.close();
        assert!(take(&queue).1.is_closing && take(&queue).1.is_closing);
    }
}
