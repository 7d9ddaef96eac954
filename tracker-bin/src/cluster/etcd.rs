//! What is done in etcd: ranges, leases, and transactions that are judged anew until they hold.

use std::collections::BTreeMap;
use std::time::Duration;

use potok_core::model::binding::ClaimFate;
use tokio::time::Instant;

use super::gateway::{CallError, Gateway, Stream};
use super::judging::{Change, Seen, Step, View};
use super::keys;
use super::wire::{
    Base64, Compare, GrantRequest, KeyValue, LeaseAnswer, LeaseRequest, Number, Op, RangeAnswer, RangeRequest,
    TxnAnswer, TxnRequest, WatchCreation, WatchRequest,
};

/// Keys of one page of a range.
const PAGE: i64 = 1000;

/// etcd, as this program uses it.
pub(super) struct Etcd {
    gateway: Gateway,
}

/// A lease of etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease(Number);

impl Etcd {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    /// What stands at these keys, as all servers agree.
    pub(super) async fn look(&self, keys: &[String], by: Instant) -> Result<View, CallError> {
        let look = TxnRequest { compare: Vec::new(), success: ranges(keys.iter()), failure: Vec::new() };
        let answer: TxnAnswer = self.gateway.call("/v3/kv/txn", &look, by).await?;
        Ok(view_of(keys.iter(), answer))
    }

    /// Writes what `judge` says, by what stands there when it is written; gives what became of it and the revision at which
    /// that is to be seen. What is lent is lent by the lease.
    pub(super) async fn agree(
        &self,
        mut view: View,
        lease: Option<Lease>,
        judge: impl Fn(&View) -> Step,
        by: Instant,
    ) -> Result<(ClaimFate, i64), CallError> {
        loop {
            let changes = match judge(&view) {
                Step::Known(fate, revision) => return Ok((fate, revision)),
                Step::Write(changes) => changes,
            };
            let txn = TxnRequest {
                compare: view.iter().map(|(key, seen)| Compare::unchanged(key, seen.revision)).collect(),
                success: changes.into_iter().map(|change| op_of(change, lease)).collect(),
                failure: ranges(view.iter().map(|(key, _)| key)),
            };
            let answer: TxnAnswer = self.gateway.call("/v3/kv/txn", &txn, by).await?;
            if answer.succeeded {
                return Ok((ClaimFate::Done, answer.header.revision.0));
            }
            let keys: Vec<String> = view.iter().map(|(key, _)| key.clone()).collect();
            view = view_of(keys.iter(), answer);
            if Instant::now() >= by {
                return Ok((ClaimFate::Failed, 0));
            }
        }
    }

    /// A page of the keys from `from` to before `to`, as they were at a revision (0: as they are), and whether there are
    /// more; with the revision of what was read.
    pub(super) async fn page(
        &self,
        from: &str,
        to: &str,
        revision: i64,
        by: Instant,
    ) -> Result<(Vec<KeyValue>, bool, i64), CallError> {
        let request = RangeRequest {
            key: Base64::of(from),
            range_end: Base64::of(to),
            limit: Number(PAGE),
            revision: Number(revision),
        };
        let answer: RangeAnswer = self.gateway.call("/v3/kv/range", &request, by).await?;
        let revision = if revision == 0 { answer.header.revision.0 } else { revision };
        Ok((answer.kvs, answer.more, revision))
    }

    /// Which revision all servers agree on now.
    pub(super) async fn revision(&self, by: Instant) -> Result<i64, CallError> {
        Ok(self.look(&[keys::CLOCK.to_owned()], by).await?.read_at())
    }

    /// Everything that is written below these keys from a revision on.
    pub(super) async fn watch(&self, from: &str, to: &str, revision: i64) -> Result<Stream, CallError> {
        let creation =
            WatchCreation { key: Base64::of(from), range_end: Base64::of(to), start_revision: Number(revision) };
        self.gateway.stream("/v3/watch", &WatchRequest { create_request: creation }).await
    }

    /// The watch is better had from another server.
    pub(super) fn watch_was_cut(&self) {
        self.gateway.was_cut();
    }

    pub(super) async fn grant(&self, lasts: Duration, by: Instant) -> Result<Lease, CallError> {
        let seconds = Number(i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX));
        let answer: LeaseAnswer = self.gateway.call("/v3/lease/grant", &GrantRequest { seconds }, by).await?;
        Ok(Lease(answer.lease))
    }

    /// Whether the lease lives on.
    pub(super) async fn keep_alive(&self, lease: Lease, by: Instant) -> Result<bool, CallError> {
        let answer: StreamedLease =
            self.gateway.call("/v3/lease/keepalive", &LeaseRequest { lease: lease.0 }, by).await?;
        Ok(answer.result.is_some_and(|result| result.seconds.0 > 0))
    }

    pub(super) async fn revoke(&self, lease: Lease, by: Instant) -> Result<(), CallError> {
        let _done: serde_json::Value =
            self.gateway.call("/v3/lease/revoke", &LeaseRequest { lease: lease.0 }, by).await?;
        Ok(())
    }

    /// Writes a key under a lease; gives the revision.
    pub(super) async fn lend(&self, key: &str, value: &str, lease: Lease, by: Instant) -> Result<i64, CallError> {
        let put = op_of(Change::Lend(key.to_owned(), value.to_owned()), Some(lease));
        let txn = TxnRequest { compare: Vec::new(), success: vec![put], failure: Vec::new() };
        let answer: TxnAnswer = self.gateway.call("/v3/kv/txn", &txn, by).await?;
        Ok(answer.header.revision.0)
    }
}

/// The one line of a stream that has one.
#[derive(serde::Deserialize)]
struct StreamedLease {
    result: Option<LeaseAnswer>,
}

fn ranges<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<Op> {
    keys.map(|key| Op::Range { key: Base64::of(key) }).collect()
}

fn op_of(change: Change, lease: Option<Lease>) -> Op {
    let put = |key: String, value: String, lease: Number| Op::Put {
        key: Base64(key.into_bytes()),
        value: Base64(value.into_bytes()),
        lease,
    };
    match change {
        Change::Put(key, value) => put(key, value, Number(0)),
        Change::Lend(key, value) => put(key, value, lease.map_or(Number(0), |lease| lease.0)),
        Change::Delete(key) => Op::DeleteRange { key: Base64(key.into_bytes()) },
    }
}

/// What a transaction has read, a range a key.
fn view_of<'a>(keys: impl Iterator<Item = &'a String>, answer: TxnAnswer) -> View {
    let read_at = answer.header.revision.0;
    let read = answer.responses.into_iter().filter_map(|one| one.response_range).flat_map(|range| range.kvs);
    let mut found: BTreeMap<String, Seen> =
        read.map(|kv| (kv.key.text(), Seen { revision: kv.mod_revision.0, value: Some(kv.value.text()) })).collect();
    let mut view = View::at(read_at);
    for key in keys {
        view.put(key.clone(), found.remove(key).unwrap_or_default());
    }
    view
}
