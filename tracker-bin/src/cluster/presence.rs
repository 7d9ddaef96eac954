//! Says in etcd that this tracker is there, under a lease that ends soon after it is not; and by what is written so, and
//! comes back by the watch, the tracker knows how old its replica is.

use std::sync::Arc;
use std::time::Duration;

use potok_core::model::cluster::ClusterTracker;
use potok_core::service::occasional::Occasional;
use potok_core::service::tracker_server::ledger::LedgerAnswers;
use potok_core::tracker::input::Learned;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::etcd::{Etcd, Lease};
use super::gateway::CallError;
use super::keys;

/// After so long others believe that a tracker is gone that says nothing.
const LEASE: Duration = Duration::from_secs(5);
/// How often it says that it is there.
const BEAT: Duration = Duration::from_millis(1500);
/// How long it may take to say that it goes.
const GOODBYE_MAX: Duration = Duration::from_millis(400);

/// What says that the tracker is there.
pub(super) struct Presence {
    pub(super) etcd: Arc<Etcd>,
    pub(super) answers: LedgerAnswers,
    pub(super) own: ClusterTracker,
    pub(super) told: watch::Receiver<i64>,
}

impl Presence {
    /// Runs until it is told to end.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<()>) {
        let (mut lease, mut failed) = (None, Occasional::default());
        loop {
            let next = Instant::now() + BEAT;
            match self.beat(&mut lease, next).await {
                Err(why) if why.is_full() => {
                    if failed.note().is_some() {
                        tracing::error!(
                            %why,
                            "etcd is full: nobody gets a new name and no owner's order is taken until it has room again"
                        );
                    }
                }
                Err(why) => {
                    if let Some(count) = failed.note() {
                        tracing::warn!(count, %why, "other trackers do not hear that this one is there");
                    }
                }
                Ok(()) => {}
            }
            tokio::select! {
                _ended = &mut end => break,
                () = sleep_until(next) => {}
            }
        }
        if let Some(lease) = lease {
            let _it_ends_by_itself = self.etcd.revoke(lease, Instant::now() + GOODBYE_MAX).await;
        }
    }

    async fn beat(&mut self, lease: &mut Option<Lease>, by: Instant) -> Result<(), CallError> {
        let (began, told_before) = (std::time::Instant::now(), *self.told.borrow());
        let lives = match *lease {
            Some(held) => self.etcd.keep_alive(held, by).await?.then_some(held),
            None => None,
        };
        let held = match lives {
            Some(held) => held,
            None => {
                *lease = None;
                self.etcd.grant(LEASE, by).await?
            }
        };
        *lease = Some(held);
        let written = self.etcd.lend(&keys::tracker(self.own.mesh), &keys::write_tracker(&self.own), held, by).await;
        let revision = match &written {
            Ok(revision) => *revision,
            // What stands there stays, as the lease lives on; and how old the replica is can be read as well.
            Err(why) if why.is_full() => self.etcd.revision(by).await?,
            Err(why) => {
                if matches!(why, CallError::Refused(_)) {
                    // It has ended in between: the next one is granted at the next beat.
                    *lease = None;
                }
                return written.map(|_revision| ());
            }
        };
        // Less than was told before is another past: the replica is about to read everything anew.
        let is_told = revision >= told_before
            && matches!(timeout_at(by, self.told.wait_for(|told| *told >= revision)).await, Ok(Ok(_)));
        if is_told {
            let _stopped = self.answers.learned(Learned::UpToDate(began)).await;
        }
        written.map(|_revision| ())
    }
}
