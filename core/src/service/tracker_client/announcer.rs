//! What the tracker knows of our shares, and the lines that tell it the rest.

use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use crate::model::limits;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::command::{Command, RegisterFiles, UnregisterFiles};
use crate::service::tracker_client::AskError;

/// Lines that may be under way: enough to fill the round trip, few enough to let questions in between.
const LINES_IN_FLIGHT_MAX: usize = 8;
/// Bytes of one announcing line: below the protocol's limit by more than the longest item.
const LINE_BYTES_GOAL: usize = limits::LINE_BYTES_MAX - 4096;
/// Size, hash, quotes and separators of one item.
const ITEM_OVERHEAD_BYTES: usize = 112;

type AnnouncedContent = (Option<u64>, Option<crate::model::hash::ContentHash>);
type AnnounceReply = oneshot::Sender<Result<(), AskError>>;

/// Turns changes into few lines, in order, and knows when each change has been taken.
#[derive(Debug)]
pub(super) struct Announcer {
    username: Username,
    /// What the tracker has been told, acknowledged or under way; what it refused is not.
    told: HashMap<SharePath, Told>,
    waiting: VecDeque<Command>,
    /// What each line under way announces.
    under_way: VecDeque<Vec<SharePath>>,
    /// Lines taken out of `waiting` so far, and how many of them are answered.
    sent: u64,
    answered: u64,
    tickets: VecDeque<AnnounceTicket>,
}

/// What the tracker has been told of one share.
#[derive(Debug, Clone, Copy)]
struct Told {
    content: AnnouncedContent,
    /// The first line of the change that told it.
    line: u64,
}

/// Somebody who waits until all lines up to a number are answered.
#[derive(Debug)]
struct AnnounceTicket {
    first_line: u64,
    last_line: u64,
    refused: Option<AskError>,
    done: AnnounceReply,
}

impl Announcer {
    pub(super) fn new(username: Username) -> Self {
        Self {
            username,
            told: HashMap::new(),
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            sent: 0,
            answered: 0,
            tickets: VecDeque::new(),
        }
    }

    /// Queues what differs from what the tracker has been told.
    pub(super) fn change(&mut self, added: Vec<Share>, removed: Vec<SharePath>, done: Option<AnnounceReply>) {
        let (queued, answered) = (self.queued(), self.answered);
        // Files that are under way already are waited for, and what is said of them is said here too.
        let mut first_line = queued;
        let removed = removed.into_iter().filter(|path| self.told.remove(path).is_some()).collect::<Vec<_>>();
        for paths in batches(removed, |path| path.as_str().len()) {
            self.waiting.push_back(UnregisterFiles { username: self.username.clone(), paths }.into());
        }
        let line = self.queued() + 1;
        let new = |share: &Share| {
            let content = (share.size, share.hash);
            match self.told.get(&share.path) {
                Some(told) if told.content == content => {
                    if told.line > answered {
                        first_line = first_line.min(told.line - 1);
                    }
                    false
                }
                _ => {
                    self.told.insert(share.path.clone(), Told { content, line });
                    true
                }
            }
        };
        let added = added.into_iter().filter(new).collect::<Vec<_>>();
        for shares in batches(added, |share| share.path.as_str().len()) {
            self.waiting.push_back(RegisterFiles { username: self.username.clone(), shares }.into());
        }
        if let Some(done) = done {
            // With nothing new it still waits for what is under way.
            self.tickets.push_back(AnnounceTicket { first_line, last_line: self.queued(), refused: None, done });
            self.settle();
        }
    }

    /// The next line to send, if the tracker has room for one more.
    pub(super) fn next_line(&mut self) -> Option<Command> {
        if self.sent - self.answered >= LINES_IN_FLIGHT_MAX as u64 {
            return None;
        }
        let line = self.waiting.pop_front()?;
        self.sent += 1;
        self.under_way.push_back(match &line {
            Command::RegisterFiles(files) => files.shares.iter().map(|share| share.path.clone()).collect(),
            _ => Vec::new(),
        });
        Some(line)
    }

    /// One line was answered; answers come in the order of the lines.
    pub(super) fn line_answered(&mut self, result: Result<(), AskError>) {
        self.answered += 1;
        let announced = self.under_way.pop_front().unwrap_or_default();
        if let Err(why) = result {
            // Asked again, it is told again.
            for path in &announced {
                self.told.remove(path);
            }
            let line = self.answered;
            for ticket in self.tickets.iter_mut().filter(|t| t.first_line < line && line <= t.last_line) {
                ticket.refused.get_or_insert_with(|| why.clone());
            }
        }
        self.settle();
    }

    fn queued(&self) -> u64 {
        self.sent + self.waiting.len() as u64
    }

    fn settle(&mut self) {
        while self.tickets.front().is_some_and(|ticket| ticket.last_line <= self.answered) {
            let Some(ticket) = self.tickets.pop_front() else { return };
            // Who asked may have gone.
            let _ = ticket.done.send(ticket.refused.map_or(Ok(()), Err));
        }
    }
}

/// Cuts a list so that each part fits into one line.
fn batches<T>(items: Vec<T>, path_bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut line_bytes = LINE_BYTES_GOAL;
    for item in items {
        // Every byte of a path may need an escape.
        let item_bytes = path_bytes(&item) * 2 + ITEM_OVERHEAD_BYTES;
        let full = batches.last().is_none_or(|batch| batch.len() >= limits::ITEMS_PER_LINE_MAX);
        if full || line_bytes + item_bytes > LINE_BYTES_GOAL {
            batches.push(Vec::new());
            line_bytes = 0;
        }
        line_bytes += item_bytes;
        batches.last_mut().expect("one was just pushed").push(item);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    fn share(path: &str, size: u64) -> Share {
        Share { path: SharePath::new(path).expect(path), size: Some(size), hash: None }
    }

    fn announcer() -> Announcer {
        Announcer::new(Username::new("anna").expect("valid"))
    }

    fn lines(announcer: &mut Announcer) -> Vec<String> {
        std::iter::from_fn(|| announcer.next_line()).map(|line| line.to_string()).collect()
    }

    #[test]
    fn tells_only_what_differs() {
        let mut a = announcer();
        a.change(vec![share("a", 1), share("b", 2)], vec![], None);
        assert_eq!(lines(&mut a), ["register-files anna \"a\" size=1, \"b\" size=2"]);
        a.change(vec![share("a", 1)], vec![SharePath::new("never told").expect("valid")], None);
        assert!(lines(&mut a).is_empty());
        a.change(vec![share("a", 7)], vec![SharePath::new("b").expect("valid")], None);
        assert_eq!(lines(&mut a), ["unregister-files anna \"b\"", "register-files anna \"a\" size=7"]);
    }

    #[test]
    fn a_change_is_done_when_its_lines_are_answered() {
        let mut a = announcer();
        let (done, mut answered) = oneshot::channel();
        a.change(vec![share("a", 1)], vec![], Some(done));
        let (again, mut answered_again) = oneshot::channel();
        a.change(vec![share("a", 1)], vec![], Some(again));
        assert_eq!(lines(&mut a).len(), 1);
        assert!(answered.try_recv().is_err() && answered_again.try_recv().is_err());
        let why = AskError::Refused { code: Code::Limit.into(), text: "enough".into() };
        a.line_answered(Err(why.clone()));
        assert_eq!(answered.try_recv(), Ok(Err(why.clone())));
        assert_eq!(answered_again.try_recv(), Ok(Err(why)), "of the same file the same is true");
    }

    #[test]
    fn what_was_refused_is_told_again_when_it_is_asked_for() {
        let mut a = announcer();
        a.change(vec![share("a", 1), share("b", 2)], vec![], None);
        assert_eq!(lines(&mut a).len(), 1);
        let why = AskError::Refused { code: Code::Limit.into(), text: "enough".into() };
        a.line_answered(Err(why.clone()));
        let (done, mut answered) = oneshot::channel();
        a.change(vec![share("a", 1)], vec![], Some(done));
        assert_eq!(lines(&mut a), ["register-files anna \"a\" size=1"]);
        a.line_answered(Err(why.clone()));
        assert_eq!(answered.try_recv(), Ok(Err(why)));
        a.change(vec![share("b", 2)], vec![], None);
        assert_eq!(lines(&mut a).len(), 1);
        a.line_answered(Ok(()));
        a.change(vec![share("b", 2)], vec![], None);
        assert!(lines(&mut a).is_empty());
    }

    #[test]
    fn many_shares_become_lines_that_fit() {
        let mut a = announcer();
        let long = "\"".repeat(255);
        let shares: Vec<_> = (0..20_000).map(|i| share(&format!("{long}/{long}/{long}/{i}"), i)).collect();
        a.change(shares, vec![], None);
        let mut count = 0;
        while let Some(line) = a.next_line() {
            let Command::RegisterFiles(RegisterFiles { shares, .. }) = &line else { panic!("{line}") };
            count += shares.len();
            assert!(line.to_string().len() <= limits::LINE_BYTES_MAX);
            a.line_answered(Ok(()));
        }
        assert_eq!(count, 20_000);
    }

    #[test]
    fn only_so_many_lines_are_under_way() {
        let mut a = announcer();
        for i in 0..100 {
            a.change(vec![share(&format!("{i}"), i)], vec![], None);
        }
        assert_eq!(lines(&mut a).len(), LINES_IN_FLIGHT_MAX);
        a.line_answered(Ok(()));
        assert_eq!(lines(&mut a).len(), 1);
    }
}
