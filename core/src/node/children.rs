//! The node's child tasks: long questions that work on what they were given by value, and report back once.

use std::collections::HashMap;

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::moves::Arrival;
use crate::node::work::{FailedWork, WorkFault};

/// What a child task has come to.
#[derive(Debug)]
pub(super) enum ChildReport {
    /// A question is answered.
    Answered(IntentId, Result<Outcome, Failure>),
    /// The tracker has what the library announced.
    Announced,
    /// One step to another tracker, or to none, is done.
    Moved(Result<Arrival, Failure>),
}

/// What a child task is for. It outlives a task that panicked.
#[derive(Debug, Clone, Copy)]
enum Errand {
    Question(IntentId),
    Announcement,
    Move,
}

/// The running child tasks. Each is reported exactly once, whatever becomes of it.
#[derive(Debug, Default)]
pub(super) struct Children {
    tasks: JoinSet<ChildReport>,
    errands: HashMap<Id, (Errand, AbortHandle)>,
}

impl Children {
    /// Finds out what came of an intent.
    pub(super) fn ask(
        &mut self,
        id: IntentId,
        question: impl Future<Output = Result<Outcome, Failure>> + Send + 'static,
    ) {
        self.spawn(Errand::Question(id), async move { ChildReport::Answered(id, question.await) });
    }

    /// Announces; the node waits with the library's next word until this is done.
    pub(super) fn announce(&mut self, announcing: impl Future<Output = ()> + Send + 'static) {
        self.spawn(Errand::Announcement, async move {
            announcing.await;
            ChildReport::Announced
        });
    }

    /// Takes one step to another tracker; there is one at a time.
    pub(super) fn go(&mut self, step: impl Future<Output = Result<Arrival, Failure>> + Send + 'static) {
        self.spawn(Errand::Move, async move { ChildReport::Moved(step.await) });
    }

    fn spawn(&mut self, errand: Errand, task: impl Future<Output = ChildReport> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.errands.insert(handle.id(), (errand, handle));
    }

    /// Ends what nobody waits for any more. A step to another tracker goes on to its end: what it opened must be closed.
    pub(super) fn cancel(&mut self) {
        for (errand, handle) in self.errands.values() {
            if !matches!(errand, Errand::Move) {
                handle.abort();
            }
        }
    }

    /// The next report; `None` while no child runs.
    pub(super) async fn next(&mut self) -> Option<ChildReport> {
        match self.tasks.join_next_with_id().await? {
            Ok((id, report)) => {
                self.errands.remove(&id);
                Some(report)
            }
            Err(error) => {
                let (errand, _) = self.errands.remove(&error.id()).expect("every child has an errand");
                let why = if error.is_cancelled() { Failure::Cancelled } else { panicked() };
                Some(match errand {
                    Errand::Question(id) => ChildReport::Answered(id, Err(why)),
                    Errand::Announcement => ChildReport::Announced,
                    Errand::Move => ChildReport::Moved(Err(why)),
                })
            }
        }
    }
}

fn panicked() -> Failure {
    Failure::Internal { what: FailedWork::CarryingOut, why: WorkFault::Panic }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_child_is_reported_once_whatever_becomes_of_it() {
        let mut children = Children::default();
        assert!(children.next().await.is_none());
        children.ask(IntentId(1), async { Ok(Outcome::Done) });
        assert!(matches!(children.next().await, Some(ChildReport::Answered(IntentId(1), Ok(Outcome::Done)))));
        children.ask(IntentId(2), async { panic!("on purpose") });
        let report = children.next().await;
        assert!(
            matches!(report, Some(ChildReport::Answered(IntentId(2), Err(Failure::Internal { .. })))),
            "{report:?}"
        );
        children.ask(IntentId(3), std::future::pending());
        children.announce(std::future::pending());
        children.go(async {
            tokio::task::yield_now().await;
            Ok(Arrival::Left)
        });
        children.cancel();
        let mut reports = Vec::new();
        while let Some(report) = children.next().await {
            reports.push(match report {
                ChildReport::Answered(IntentId(3), Err(Failure::Cancelled)) => "answered",
                ChildReport::Announced => "announced",
                ChildReport::Moved(Ok(Arrival::Left)) => "moved",
                other => panic!("{other:?}"),
            });
        }
        reports.sort_unstable();
        assert_eq!(reports, ["announced", "answered", "moved"]);
    }
}
