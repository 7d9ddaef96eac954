//! The requests of one connection that have no answer yet: put in by the half that reads them, taken out by the half
//! that answers.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::protocol::peer::{OPEN_REQUESTS_MAX, Request};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// Whoever wants to put more in waits here.
    answered: Notify,
    /// Whoever takes them out waits here.
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Request>,
    /// Those in `waiting`, and those that were taken out and are not sent yet.
    open: usize,
}

impl Inbox {
    /// Waits until there is room for more.
    pub(super) async fn room(&self) {
        loop {
            let answered = self.answered.notified();
            if self.state.lock().open < OPEN_REQUESTS_MAX {
                return;
            }
            answered.await;
        }
    }

    /// Puts requests in; says whether there were none before.
    pub(super) fn put(&self, requests: impl Iterator<Item = Request>) -> bool {
        let mut state = self.state.lock();
        let was_empty = state.open == 0;
        let before = state.waiting.len();
        state.waiting.extend(requests);
        let added = state.waiting.len() - before;
        state.open += added;
        drop(state);
        self.news.notify_one();
        was_empty && added > 0
    }

    /// Takes a request out again, unless its answer is begun.
    pub(super) fn cancel(&self, id: u32) -> Option<Request> {
        let mut state = self.state.lock();
        let at = state.waiting.iter().position(|request| request.id() == id)?;
        let request = state.waiting.remove(at)?;
        state.open -= 1;
        drop(state);
        self.answered.notify_one();
        Some(request)
    }

    /// Waits until requests were put in.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// So many answers are sent; says whether none is owed now.
    pub(super) fn sent(&self, answers: usize) -> bool {
        let mut state = self.state.lock();
        state.open = state.open.saturating_sub(answers);
        let is_idle = state.open == 0;
        drop(state);
        self.answered.notify_one();
        is_idle
    }

    /// Whether no answer is owed.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().open == 0
    }

    /// Whether there is a request that nobody has begun to answer.
    pub(super) fn has_waiting(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// The next request that nobody has begun to answer.
    pub(super) fn next(&self) -> Option<Request> {
        self.state.lock().waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancel(id: u32) -> Request {
        Request::Cancel { id }
    }

    #[test]
    fn requests_are_owed_until_they_are_answered() {
        let inbox = Inbox::default();
        assert!(inbox.is_idle());
        assert!(inbox.put([cancel(1), cancel(2), cancel(3)].into_iter()));
        assert!(!inbox.put([cancel(4)].into_iter()), "there were some");
        assert_eq!(inbox.next(), Some(cancel(1)));
        assert_eq!(inbox.cancel(3), Some(cancel(3)));
        assert_eq!(inbox.cancel(1), None, "begun");
        assert_eq!(inbox.next(), Some(cancel(2)));
        assert!(!inbox.sent(2));
        assert_eq!(inbox.next(), Some(cancel(4)));
        assert_eq!(inbox.next(), None);
        assert!(inbox.sent(1) && inbox.is_idle());
    }

    #[tokio::test]
    async fn no_more_than_so_many_are_open() {
        let inbox = Inbox::default();
        inbox.room().await;
        inbox.put((0..).map(cancel).take(OPEN_REQUESTS_MAX));
        let full = tokio::time::timeout(std::time::Duration::from_millis(20), inbox.room()).await;
        assert!(full.is_err());
        inbox.sent(1);
        inbox.room().await;
    }
}
