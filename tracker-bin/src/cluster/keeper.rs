//! Writes into etcd what the tracker wants written, and tells what became of it when the replica shows it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use potok_core::model::binding::{ClaimFate, NameClaim, Record};
use potok_core::service::occasional::Occasional;
use potok_core::service::tracker_server::ledger::{LedgerAnswers, LedgerJob, LedgerWork};
use potok_core::tracker::input::Ticket;
use potok_core::tracker::ledger::NAME_RESTS;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::etcd::Etcd;
use super::gateway::CallError;
use super::judging::{self, View};
use super::keys;

/// When a claim or an order has failed at the latest: whoever waits is told within three seconds.
const FATE_MAX: Duration = Duration::from_millis(2500);
/// Claims that are under way at once. More would only wait for each other.
const CLAIMS_MAX: usize = 64;
/// Orders that wait for those before them. They fail after seconds, so more would only fail later.
const ORDERS_MAX: usize = 1024;
/// What nobody waits for, at once: it is to leave room for those who wait.
const BACKGROUND_MAX: usize = 4;

/// What writes into etcd for one tracker.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) etcd: Arc<Etcd>,
    pub(super) answers: LedgerAnswers,
    /// Up to which revision the tracker was told everything.
    pub(super) told: watch::Receiver<i64>,
    /// Claims that came to nothing.
    pub(super) late: Arc<Mutex<Occasional>>,
}

impl Keeper {
    /// Works until there are no more jobs, and waits for those under way.
    pub(super) async fn run(self, mut jobs: mpsc::Receiver<LedgerJob>) {
        let (claims, background) = (Arc::new(Semaphore::new(CLAIMS_MAX)), Arc::new(Semaphore::new(BACKGROUND_MAX)));
        let mut tasks = JoinSet::new();
        // Orders of owners in their order.
        let (orders, mut ordered) = mpsc::channel(ORDERS_MAX);
        let keeper = self.clone();
        tasks.spawn(async move {
            while let Some((ticket, records)) = ordered.recv().await {
                keeper.write(ticket, records).await;
            }
        });
        while let Some(LedgerJob { ticket, work }) = jobs.recv().await {
            while tasks.try_join_next().is_some() {}
            let keeper = self.clone();
            match work {
                LedgerWork::Claim(claim) => {
                    let (room, by) = (Arc::clone(&claims), Instant::now() + FATE_MAX);
                    tasks.spawn(async move {
                        let Ok(_room) = room.acquire().await else { return };
                        keeper.claim(ticket, claim, by).await;
                    });
                }
                LedgerWork::Write(records) if records.iter().all(nobody_waits) => {
                    let room = Arc::clone(&background);
                    tasks.spawn(async move {
                        let Ok(_room) = room.acquire().await else { return };
                        keeper.write(ticket, records).await;
                    });
                }
                LedgerWork::Write(records) => {
                    if orders.try_send((ticket, records)).is_err() {
                        let _stopped = self.answers.stored(ticket, false).await;
                    }
                }
            }
        }
        drop(orders);
        while tasks.join_next().await.is_some() {}
    }

    async fn claim(&self, ticket: Ticket, claim: NameClaim, by: Instant) {
        let fate = match self.judge_claim(&claim, by).await {
            Ok(told) => self.when_told(told, by).await,
            Err(why) => {
                // Anybody can ask for a name as often as they like.
                if let Some(count) = self.late.lock().note() {
                    tracing::warn!(count, %why, "names could not be claimed in time");
                }
                ClaimFate::Failed
            }
        };
        let _stopped = self.answers.claimed(ticket, fate).await;
    }

    async fn judge_claim(&self, claim: &NameClaim, by: Instant) -> Result<(ClaimFate, i64), CallError> {
        let keys = judging::keys_of_claim(claim);
        let view = if claim.invite.is_some() { self.etcd.look(&keys, by).await? } else { View::empty(keys) };
        self.etcd.agree(view, None, |view| judging::claim(claim, view), by).await
    }

    /// A fate, when the tracker was told what is behind it; in time, or it is not known.
    async fn when_told(&self, (fate, revision): (ClaimFate, i64), by: Instant) -> ClaimFate {
        let mut told = self.told.clone();
        match timeout_at(by, told.wait_for(|told| *told >= revision)).await {
            Ok(Ok(_)) => fate,
            _ => ClaimFate::Failed,
        }
    }

    async fn write(&self, ticket: Ticket, records: Vec<Record>) {
        let by = Instant::now() + FATE_MAX;
        let fate = match self.judge_all(records, by).await {
            Ok(told) => self.when_told(told, by).await,
            Err(why) => {
                tracing::warn!(%why, "a record could not be written in time");
                ClaimFate::Failed
            }
        };
        let _stopped = self.answers.stored(ticket, fate == ClaimFate::Done).await;
    }

    /// What only has to have a value is written by one transaction, all of it or nothing.
    async fn judge_all(&self, records: Vec<Record>, by: Instant) -> Result<(ClaimFate, i64), CallError> {
        let set: Option<Vec<(String, Option<String>)>> = records.iter().map(keys::value_of).collect();
        if let Some(set) = set.filter(|set| !set.is_empty()) {
            let keys: Vec<String> = set.iter().map(|(at, _)| at.clone()).collect();
            let view = self.etcd.look(&keys, by).await?;
            return self.etcd.agree(view, None, |view| judging::set_all(&set, view), by).await;
        }
        let mut known = (ClaimFate::Done, 0);
        for record in records {
            known = match self.judge(record, by).await? {
                (ClaimFate::Done, revision) => (ClaimFate::Done, revision.max(known.1)),
                other => return Ok(other),
            };
        }
        Ok(known)
    }

    async fn judge(&self, record: Record, by: Instant) -> Result<(ClaimFate, i64), CallError> {
        match record {
            Record::Used(binding) => {
                let view = self.etcd.look(&[keys::name(&binding.username.folded())], by).await?;
                self.etcd.agree(view, None, |view| judging::use_name(&binding, view), by).await
            }
            Record::Lapsed { folded, used_at } => self.release(&folded, Some(used_at), by).await,
            Record::Released { folded } => self.release(&folded, None, by).await,
            Record::Invited(invite) => {
                let (number, text) = (invite.number, keys::write_invite(&invite));
                let view = self.etcd.look(&judging::keys_of_invite(number), by).await?;
                self.etcd.agree(view, None, |view| judging::issue(number, &text, view), by).await
            }
            Record::BanOver { target, until } => {
                let at = keys::ban(&target);
                let view = self.etcd.look(std::slice::from_ref(&at), by).await?;
                self.etcd.agree(view, None, |view| judging::end_ban(&at, until, view), by).await
            }
            Record::Clock { run_seconds } => {
                let view = self.etcd.look(&[keys::CLOCK.to_owned()], by).await?;
                self.etcd.agree(view, None, |view| judging::advance_clock(run_seconds, view), by).await
            }
            // Names are claimed, and rest when they are given up.
            Record::Bound(_) | Record::Resting(_) => Ok((ClaimFate::Failed, 0)),
            // It is written with the invite.
            Record::LastInvite { .. } => Ok((ClaimFate::Done, 0)),
            other => {
                let Some((at, value)) = keys::value_of(&other) else { return Ok((ClaimFate::Done, 0)) };
                self.set(at, value, by).await
            }
        }
    }

    async fn set(&self, at: String, value: Option<String>, by: Instant) -> Result<(ClaimFate, i64), CallError> {
        let view = self.etcd.look(std::slice::from_ref(&at), by).await?;
        self.etcd.agree(view, None, |view| judging::set(&at, value.as_deref(), view), by).await
    }

    /// Gives up a name: it rests, under a lease that lets go of it.
    async fn release(&self, folded: &str, used_at: Option<u64>, by: Instant) -> Result<(ClaimFate, i64), CallError> {
        let at = keys::name(folded);
        let view = self.etcd.look(std::slice::from_ref(&at), by).await?;
        let Some((_, value)) = view.name(&at) else { return Ok((ClaimFate::Done, 0)) };
        let Some(key) = value.key else { return Ok((ClaimFate::Done, 0)) };
        let view = self.etcd.look(&[at, keys::owner(key)], by).await?;
        let lease = self.etcd.grant(NAME_RESTS, by).await?;
        self.etcd.agree(view, Some(lease), |view| judging::release(folded, key, used_at, view), by).await
    }
}

/// What is written for its own sake, and nobody's answer depends on.
fn nobody_waits(record: &Record) -> bool {
    matches!(record, Record::Used(_) | Record::Lapsed { .. } | Record::BanOver { .. } | Record::Clock { .. })
}

/// Writes what a tracker remembers by itself into a cluster that has nothing yet; gives how many names are somebody else's
/// there already.
pub(super) async fn take_over(etcd: &Arc<Etcd>, records: Vec<Record>) -> Result<usize, CallError> {
    const AT_ONCE: usize = 32;
    let mut refused = 0;
    let mut tasks: JoinSet<Result<(ClaimFate, i64), CallError>> = JoinSet::new();
    for record in records {
        while tasks.len() >= AT_ONCE {
            refused += lost(tasks.join_next().await)?;
        }
        let etcd = Arc::clone(etcd);
        tasks.spawn(async move {
            let by = Instant::now() + 4 * FATE_MAX;
            match record {
                Record::Bound(binding) => {
                    let claim = NameClaim { binding, names_max: usize::MAX, invite: None };
                    let view = View::empty(judging::keys_of_claim(&claim));
                    etcd.agree(view, None, |view| judging::claim(&claim, view), by).await
                }
                other => write_first(&etcd, other, by).await,
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        refused += lost(Some(done))?;
    }
    Ok(refused)
}

/// What came of a claim that was written by a task of its own: its fate, and the revision at which it was decided.
type Claimed = Result<Result<(ClaimFate, i64), CallError>, JoinError>;

/// How many of this one was somebody else's, or could not be written.
fn lost(done: Option<Claimed>) -> Result<usize, CallError> {
    match done {
        Some(Ok(written)) => Ok(usize::from(written?.0 != ClaimFate::Done)),
        Some(Err(_panic)) => Ok(1),
        None => Ok(0),
    }
}

/// A record that nobody has ordered yet.
async fn write_first(etcd: &Etcd, record: Record, by: Instant) -> Result<(ClaimFate, i64), CallError> {
    let first = match &record {
        Record::Invited(invite) => Some((keys::invite(invite.number), Some(keys::write_invite(invite)))),
        Record::LastInvite { number } => Some((keys::LAST_INVITE.to_owned(), Some(number.to_string()))),
        Record::Clock { run_seconds } => Some((keys::CLOCK.to_owned(), Some(run_seconds.to_string()))),
        other => keys::value_of(other),
    };
    let Some((at, Some(text))) = first else { return Ok((ClaimFate::Done, 0)) };
    etcd.agree(View::empty([at.clone()]), None, |view| judging::create(&at, &text, view), by).await
}
