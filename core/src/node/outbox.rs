//! What waits to be told to the app. The engine never waits for whoever listens: facts keep their order, progress is
//! latest-wins, and a listener that has fallen too far behind is told to ask anew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Sender, TrySendError};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use crate::model::transfer::{Transfer, TransferId};
use crate::node::Wake;
use crate::node::event::NodeEvent;
use crate::node::intent::IntentId;
use crate::protocol::reply::FileLine;
use crate::tracker::log::LogEntry;

/// Notices in the channel to the app.
pub(super) const CHANNEL_MAX: usize = 1024;
/// Facts that wait for a slow listener; beyond it all but outcomes are replaced by [`NodeEvent::Lagged`].
const WAITING_FACTS_MAX: usize = 100_000;
/// Lines of the wire and of the tracker's log that wait for a slow listener; beyond it the latest are left out.
const WAITING_LINES_MAX: usize = 2_000;
/// Changes of what others share that wait for a slow listener; beyond it they become one [`NodeEvent::Resync`]. A page of
/// a list says more than so many.
const WAITING_CHANGES_MAX: usize = 1_000;
/// Progress is told ten times a second: nobody reads numbers faster, and a computer without a graphics card paints each
/// with the processor that the transfer wants.
const PROGRESS_TOLD_EVERY: Duration = Duration::from_millis(100);
/// How soon a full channel is tried again.
const FULL_RETRY: Duration = Duration::from_millis(5);
/// Pages of lists on their way to the app; who reads further pages waits for the app to take these.
const WAITING_PAGES_MAX: usize = 4;

/// Takes notices from anywhere in the engine.
#[derive(Clone)]
pub(super) struct Outbox {
    shared: Arc<OutboxQueue>,
}

struct OutboxQueue {
    waiting: Mutex<Waiting>,
    changed: Notify,
    pages: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    facts: VecDeque<NodeEvent>,
    transfers: BTreeMap<TransferId, Transfer>,
    hashing: Option<NodeEvent>,
    /// How many of the facts are changes of what others share.
    changes: usize,
    /// How many of the facts are lines, and how many of each kind were left out since.
    lines: usize,
    wire_left_out: u64,
    log_left_out: u64,
}

impl Outbox {
    pub(super) fn new() -> Self {
        let shared = OutboxQueue {
            waiting: Mutex::default(),
            changed: Notify::new(),
            pages: Arc::new(Semaphore::new(WAITING_PAGES_MAX)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds what is to be told. It never waits for whoever listens.
    pub(super) fn push(&self, notice: NodeEvent) {
        self.shared.waiting.lock().push(notice);
        self.shared.changed.notify_one();
    }

    /// Waits while the app has pages of lists to read.
    pub(super) async fn push_files(&self, id: IntentId, files: Vec<FileLine>) {
        let permit = self.shared.pages.acquire().await.expect("the semaphore is never closed");
        permit.forget();
        self.push(NodeEvent::Files { id, files });
    }

    /// Moves notices into the channel until the app has gone.
    pub(super) async fn pump(self, to_app: Sender<NodeEvent>, wake: Wake) {
        let mut progress_at = tokio::time::Instant::now();
        loop {
            let full = match self.move_facts(&to_app) {
                Moved::Gone => return,
                Moved::All { some } => {
                    if some {
                        wake();
                    }
                    false
                }
                Moved::Full => {
                    wake();
                    true
                }
            };
            let now = tokio::time::Instant::now();
            if !full && now >= progress_at && self.move_progress(&to_app) {
                progress_at = now + PROGRESS_TOLD_EVERY;
                wake();
            }
            if full {
                tokio::time::sleep(FULL_RETRY).await;
            } else if self.has_progress() {
                tokio::select! {
                    () = tokio::time::sleep_until(progress_at) => {}
                    () = self.shared.changed.notified() => {}
                }
            } else {
                self.shared.changed.notified().await;
            }
        }
    }

    /// Waits until everything was moved.
    pub(super) async fn emptied(&self) {
        while !self.shared.waiting.lock().facts.is_empty() {
            tokio::time::sleep(FULL_RETRY).await;
        }
    }

    fn move_facts(&self, to_app: &Sender<NodeEvent>) -> Moved {
        let mut waiting = self.shared.waiting.lock();
        let mut some = false;
        while let Some(notice) = waiting.facts.pop_front() {
            let is_line = is_line(&notice);
            let is_change = is_change(&notice);
            let is_page = matches!(notice, NodeEvent::Files { .. });
            match to_app.try_send(notice) {
                Ok(()) if is_page => self.shared.pages.add_permits(1),
                Ok(()) => {}
                Err(TrySendError::Full(notice)) => {
                    waiting.facts.push_front(notice);
                    return Moved::Full;
                }
                Err(TrySendError::Disconnected(_)) => return Moved::Gone,
            }
            waiting.lines -= usize::from(is_line);
            waiting.changes -= usize::from(is_change);
            some = true;
        }
        Moved::All { some }
    }

    fn move_progress(&self, to_app: &Sender<NodeEvent>) -> bool {
        let mut waiting = self.shared.waiting.lock();
        let mut some = false;
        if let Some(hashing) = waiting.hashing.take() {
            // What does not fit is overtaken by the next one.
            some |= to_app.try_send(hashing).is_ok();
        }
        while let Some((number, transfer)) = waiting.transfers.pop_first() {
            if let Err(TrySendError::Full(NodeEvent::Transfer(transfer))) =
                to_app.try_send(NodeEvent::Transfer(transfer))
            {
                waiting.transfers.insert(number, transfer);
                break;
            }
            some = true;
        }
        some
    }

    fn has_progress(&self) -> bool {
        let waiting = self.shared.waiting.lock();
        waiting.hashing.is_some() || !waiting.transfers.is_empty()
    }
}

impl Waiting {
    fn push(&mut self, notice: NodeEvent) {
        match notice {
            // The end of a transfer is a fact: it must not overtake the files that were told before it.
            NodeEvent::Transfer(transfer) if transfer.state.is_final() => {
                self.transfers.remove(&transfer.number);
                self.facts.push_back(NodeEvent::Transfer(transfer));
            }
            NodeEvent::Transfer(transfer) => {
                drop(self.transfers.insert(transfer.number, transfer));
            }
            NodeEvent::Hashing { .. } => self.hashing = Some(notice),
            NodeEvent::TransferGone { number } => {
                self.transfers.remove(&number);
                self.facts.push_back(notice);
            }
            line if is_line(&line) => self.push_line(line),
            change if is_change(&change) => self.push_change(change),
            fact => self.facts.push_back(fact),
        }
        if self.facts.len() > WAITING_FACTS_MAX {
            self.facts.retain(|fact| {
                matches!(fact, NodeEvent::Outcome { .. } | NodeEvent::Files { .. } | NodeEvent::Stopped)
            });
            self.facts.push_back(NodeEvent::Lagged);
            self.lines = 0;
            self.changes = 0;
        }
    }

    /// A stranger may change what they share as often as they like: what nobody has read yet stays bounded.
    fn push_change(&mut self, change: NodeEvent) {
        if self.changes < WAITING_CHANGES_MAX {
            self.facts.push_back(change);
            self.changes += 1;
            return;
        }
        self.facts.retain(|fact| !is_change(fact));
        self.facts.push_back(NodeEvent::Resync);
        self.changes = 1;
    }

    /// How many were left out stands where they would have been.
    fn push_line(&mut self, line: NodeEvent) {
        let is_wire = matches!(line, NodeEvent::Wire { .. });
        let left_out = if is_wire { &mut self.wire_left_out } else { &mut self.log_left_out };
        if self.lines >= WAITING_LINES_MAX {
            *left_out += 1;
            return;
        }
        let left_out = std::mem::take(left_out);
        if left_out > 0 {
            self.facts.push_back(match is_wire {
                true => NodeEvent::WireLeftOut { lines: left_out },
                false => NodeEvent::TrackerLog { at: SystemTime::now(), entry: LogEntry::LeftOut { count: left_out } },
            });
            self.lines += 1;
        }
        self.facts.push_back(line);
        self.lines += 1;
    }
}

/// Whether it is one of many lines that somebody reads along, and not a fact that must arrive.
fn is_line(notice: &NodeEvent) -> bool {
    matches!(notice, NodeEvent::Wire { .. } | NodeEvent::WireLeftOut { .. } | NodeEvent::TrackerLog { .. })
}

/// Whether it says that others share something else now; [`NodeEvent::Resync`] says the same of everything.
fn is_change(notice: &NodeEvent) -> bool {
    matches!(notice, NodeEvent::Shared(_) | NodeEvent::Unshared { .. } | NodeEvent::UserChanged(_) | NodeEvent::Resync)
}

enum Moved {
    All { some: bool },
    Full,
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::transfer::{AlreadyThere, Direction, TransferState};
    use crate::model::username::Username;

    fn transfer(number: u64, done_bytes: u64, state: TransferState) -> NodeEvent {
        NodeEvent::Transfer(Transfer {
            number: TransferId(number),
            direction: Direction::Download,
            position: number,
            user: Username::new("anna").expect("valid"),
            label: "x".into(),
            local_path: None,
            files: 1,
            files_done: 0,
            total_bytes: 100,
            done_bytes,
            bytes_per_second: 0,
            sources: 0,
            there: AlreadyThere::default(),
            way: None,
            state,
        })
    }

    fn drain(outbox: &Outbox) -> Vec<NodeEvent> {
        let (to_app, from_core) = crossbeam_channel::bounded(CHANNEL_MAX);
        assert!(matches!(outbox.move_facts(&to_app), Moved::All { .. }));
        outbox.move_progress(&to_app);
        from_core.try_iter().collect()
    }

    #[test]
    fn the_latest_progress_wins_and_the_end_is_a_fact() {
        let outbox = Outbox::new();
        outbox.push(transfer(1, 10, TransferState::Running));
        outbox.push(transfer(1, 20, TransferState::Running));
        outbox.push(NodeEvent::Resync);
        assert_eq!(drain(&outbox), [NodeEvent::Resync, transfer(1, 20, TransferState::Running)]);

        outbox.push(transfer(1, 30, TransferState::Running));
        outbox.push(NodeEvent::Resync);
        outbox.push(transfer(1, 100, TransferState::Finished));
        assert_eq!(drain(&outbox), [NodeEvent::Resync, transfer(1, 100, TransferState::Finished)]);
    }

    #[test]
    fn a_listener_that_never_reads_costs_bounded_memory_and_no_outcome() {
        let outbox = Outbox::new();
        outbox.push(NodeEvent::Outcome { id: IntentId(7), result: Ok(crate::node::event::Outcome::Done) });
        for _ in 0..3 * WAITING_FACTS_MAX {
            outbox.push(NodeEvent::Left(Username::new("eve").expect("valid")));
        }
        let waiting = outbox.shared.waiting.lock();
        assert!(waiting.facts.len() <= WAITING_FACTS_MAX + 1);
        assert!(matches!(waiting.facts[0], NodeEvent::Outcome { id: IntentId(7), .. }));
        assert!(waiting.facts.contains(&NodeEvent::Lagged));
    }

    #[test]
    fn changes_beyond_the_bound_become_one() {
        let outbox = Outbox::new();
        let path = |n: usize| crate::model::share_path::SharePath::new(&n.to_string()).expect("valid");
        let change = |n: usize| NodeEvent::Unshared { user: Username::new("eve").expect("valid"), path: path(n) };
        let outcome = NodeEvent::Outcome { id: IntentId(7), result: Ok(crate::node::event::Outcome::Done) };
        outbox.push(change(0));
        outbox.push(outcome.clone());
        for n in 1..=WAITING_CHANGES_MAX {
            outbox.push(change(n));
        }
        outbox.push(change(7));
        assert_eq!(drain(&outbox), [outcome, NodeEvent::Resync, change(7)]);
        assert_eq!(outbox.shared.waiting.lock().changes, 0);
    }

    #[test]
    fn lines_beyond_the_bound_are_counted_instead() {
        let outbox = Outbox::new();
        let line = |n: usize| NodeEvent::Wire { sent: true, line: n.to_string() };
        for n in 0..WAITING_LINES_MAX + 7 {
            outbox.push(line(n));
        }
        outbox.push(NodeEvent::Resync);
        let (to_app, from_core) = crossbeam_channel::bounded(2 * WAITING_LINES_MAX);
        outbox.move_facts(&to_app);
        assert_eq!(from_core.try_iter().count(), WAITING_LINES_MAX + 1);
        outbox.push(line(1));
        outbox.move_facts(&to_app);
        assert_eq!(from_core.try_iter().collect::<Vec<_>>(), [NodeEvent::WireLeftOut { lines: 7 }, line(1)]);
        assert_eq!(outbox.shared.waiting.lock().lines, 0);
    }

    #[tokio::test]
    async fn everything_arrives_in_order_through_a_full_channel() {
        let outbox = Outbox::new();
        let (to_app, from_core) = crossbeam_channel::bounded(2);
        let pump = tokio::spawn(outbox.clone().pump(to_app, Arc::new(|| {})));
        for n in 0..100 {
            outbox.push(NodeEvent::TransferGone { number: TransferId(n) });
        }
        let reader = tokio::task::spawn_blocking(move || from_core.iter().take(100).collect::<Vec<_>>());
        let read = reader.await.expect("read");
        assert_eq!(
            read,
            (0..100).map(|number| NodeEvent::TransferGone { number: TransferId(number) }).collect::<Vec<_>>()
        );
        pump.abort();
    }
}
