//! Reads everything once, and then whatever is written: the tracker hears it in that order. A watch that is cut goes on
//! behind the last revision; where etcd has forgotten that, everything is read again, and told as what it is now.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use potok_core::model::binding::Record;
use potok_core::model::cluster::ClusterTracker;
use potok_core::model::shown::Shown;
use potok_core::service::occasional::Occasional;
use potok_core::service::tracker_server::ledger::{HasStopped, LedgerAnswers};
use potok_core::tracker::input::Learned;
use potok_core::tracker::remembered::Remembered;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::etcd::Etcd;
use super::gateway::{CallError, Stream};
use super::keys;
use super::wire::{Event, EventKind, KeyValue, WatchAnswer};

/// A watch is silent for so long only if its server is cut off: every tracker writes more often that it is there.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// How long is waited before a watch is begun again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long it may take to ask for what was told last.
const PAST_MAX: Duration = Duration::from_secs(1);
/// How long one page may take.
const PAGE_MAX: Duration = Duration::from_secs(5);

/// The trackers that are there.
#[derive(Debug, Default)]
pub(super) struct Trackers(BTreeMap<SocketAddr, ClusterTracker>);

impl Trackers {
    fn learn(&mut self, key: &str, value: Option<&str>) {
        let Some(mesh) = key.strip_prefix(keys::TRACKERS).and_then(|mesh| mesh.parse().ok()) else { return };
        match value.and_then(keys::read_tracker) {
            Some(tracker) => _ = self.0.insert(mesh, tracker),
            None => _ = self.0.remove(&mesh),
        }
    }

    pub(super) fn list(&self) -> Arc<[ClusterTracker]> {
        self.0.values().cloned().collect()
    }
}

/// Everything, as it was at one revision.
pub(super) struct Whole {
    pub(super) remembered: Remembered,
    pub(super) resting: Vec<Record>,
    pub(super) trackers: Trackers,
    pub(super) revision: i64,
}

/// Reads everything that stands in etcd.
pub(super) async fn read(etcd: &Etcd) -> Result<Whole, CallError> {
    let mut reading = Reading { etcd, revision: 0 };
    let mut whole =
        Whole { remembered: Remembered::default(), resting: Vec::new(), trackers: Trackers::default(), revision: 0 };
    for record in reading.records(keys::CLOCK, keys::CLOCK_END).await? {
        if let Record::Clock { run_seconds } = record {
            whole.remembered.run_seconds = Some(run_seconds);
        }
    }
    for (from, to) in RULES {
        for record in reading.records(from, to).await? {
            match record {
                Record::Banned(ban) => whole.remembered.bans.push(ban),
                Record::Invited(invite) => whole.remembered.invites.push(invite),
                Record::LastInvite { number } => whole.remembered.last_invite = number,
                Record::Waits { key, user } => whole.remembered.waiting.push((key, user)),
                Record::Ordered { setting, value: Some(value) } => whole.remembered.ordered.push((setting, value)),
                _ => {}
            }
        }
    }
    for record in reading.records(keys::NAMES, keys::NAMES_END).await? {
        match record {
            Record::Bound(binding) => whole.remembered.bindings.push(binding),
            resting => whole.resting.push(resting),
        }
    }
    whole.trackers = reading.trackers().await?;
    whole.revision = reading.revision;
    Ok(whole)
}

const RULES: [(&str, &str); 5] = [
    (keys::BANS, keys::BANS_END),
    (keys::SETTINGS, keys::SETTINGS_END),
    (keys::INVITES, keys::INVITES_END),
    (keys::LAST_INVITE, keys::LAST_INVITE_END),
    (keys::WAITING, keys::WAITING_END),
];

/// Reads pages, all as of the revision of the first one.
struct Reading<'a> {
    etcd: &'a Etcd,
    revision: i64,
}

impl Reading<'_> {
    async fn page(&mut self, from: &str, to: &str) -> Result<(Vec<KeyValue>, bool), CallError> {
        let (page, more, revision) = self.etcd.page(from, to, self.revision, Instant::now() + PAGE_MAX).await?;
        self.revision = revision;
        Ok((page, more))
    }

    async fn all(&mut self, from: &str, to: &str) -> Result<Vec<KeyValue>, CallError> {
        let (mut all, mut from) = (Vec::new(), from.to_owned());
        loop {
            let (page, more) = self.page(&from, to).await?;
            from = page.last().map_or_else(String::new, |last| behind(&last.key.text()));
            all.extend(page);
            if !more {
                return Ok(all);
            }
        }
    }

    async fn records(&mut self, from: &str, to: &str) -> Result<Vec<Record>, CallError> {
        Ok(records_of(&self.all(from, to).await?))
    }

    async fn trackers(&mut self) -> Result<Trackers, CallError> {
        let mut trackers = Trackers::default();
        for kv in self.all(keys::TRACKERS, keys::TRACKERS_END).await? {
            trackers.learn(&kv.key.text(), Some(&kv.value.text()));
        }
        Ok(trackers)
    }
}

/// The key behind this one.
fn behind(key: &str) -> String {
    format!("{key}\0")
}

/// What stands at these keys. What cannot be read is told: a later version has written it, or somebody by hand.
fn records_of(all: &[KeyValue]) -> Vec<Record> {
    let mut unreadable = all.iter().filter(|kv| record_of(kv).is_none());
    if let Some(first) = unreadable.next() {
        let count = 1 + unreadable.count();
        tracing::warn!(count, first = %Shown(&first.key.text()), "what stands in etcd cannot all be read, and is left alone");
    }
    all.iter().filter_map(record_of).collect()
}

fn record_of(kv: &KeyValue) -> Option<Record> {
    keys::record(&kv.key.text(), Some(&kv.value.text()))
}

/// Tells the tracker what is written.
pub(super) struct Replica {
    etcd: Arc<Etcd>,
    answers: LedgerAnswers,
    /// Up to which revision the tracker was told everything.
    told: watch::Sender<i64>,
    trackers: Trackers,
    list: watch::Sender<Arc<[ClusterTracker]>>,
    /// What was told last, if anything was since everything was read.
    last: Option<Event>,
    /// What goes wrong again and again is told now and then.
    trouble: Occasional,
}

/// Why a watch has ended.
enum Ended {
    /// Another server may have more to say, behind what was told.
    Cut,
    /// Everything is to be read anew.
    Forgotten,
    Stopped,
}

impl From<HasStopped> for Ended {
    fn from(_: HasStopped) -> Self {
        Self::Stopped
    }
}

impl Replica {
    /// Everything was told up to the revision that `told` has.
    pub(super) fn new(
        etcd: Arc<Etcd>,
        answers: LedgerAnswers,
        told: watch::Sender<i64>,
        trackers: Trackers,
        list: watch::Sender<Arc<[ClusterTracker]>>,
    ) -> Self {
        Self { etcd, answers, told, trackers, list, last: None, trouble: Occasional::default() }
    }

    /// Runs until the tracker stops.
    pub(super) async fn follow(mut self) {
        loop {
            match self.watch().await {
                Ended::Stopped => return,
                Ended::Cut => {
                    self.etcd.watch_was_cut();
                    sleep(PAUSE).await;
                }
                Ended::Forgotten => loop {
                    match self.read_anew().await {
                        Ok(()) => break,
                        Err(Ended::Stopped) => return,
                        Err(_failed) => sleep(PAUSE).await,
                    }
                },
            }
        }
    }

    /// Whether etcd still has what was told last. It has not if that was compacted, or if etcd was restored from a backup: then
    /// other things were written since, at the same revisions, and to go on behind the last one would miss them.
    async fn is_same_past(&self) -> Result<bool, CallError> {
        let told = *self.told.borrow();
        let key = self.last.as_ref().map_or_else(|| keys::CLOCK.to_owned(), |last| last.kv.key.text());
        let now = match self.etcd.page(&key, &behind(&key), told, Instant::now() + PAST_MAX).await {
            Ok((now, ..)) => now,
            Err(why) if why.is_out_of_range() => return Ok(false),
            Err(why) => return Err(why),
        };
        Ok(self.last.as_ref().is_none_or(|last| match last.kind {
            EventKind::Put => now.first() == Some(&last.kv),
            EventKind::Delete => now.is_empty(),
        }))
    }

    /// A watch behind what was told.
    async fn begin_watch(&self) -> Result<Option<Stream>, CallError> {
        if !self.is_same_past().await? {
            return Ok(None);
        }
        let from = *self.told.borrow() + 1;
        self.etcd.watch(keys::ALL, keys::ALL_END, from).await.map(Some)
    }

    async fn watch(&mut self) -> Ended {
        let mut stream = match self.begin_watch().await {
            Ok(Some(stream)) => stream,
            Ok(None) => {
                tracing::warn!("etcd has not what it had: it was compacted, or restored from a backup");
                return Ended::Forgotten;
            }
            Err(why) => {
                if let Some(count) = self.trouble.note() {
                    tracing::warn!(count, %why, "what other trackers write cannot be heard");
                }
                return Ended::Cut;
            }
        };
        loop {
            let answer = match timeout(SILENCE_MAX, stream.next::<WatchAnswer>()).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(why)) => {
                    tracing::info!(%why, "the watch of etcd was cut");
                    return Ended::Cut;
                }
                Err(_silent) => return Ended::Cut,
            };
            if answer.canceled {
                let is_forgotten = answer.compact_revision.0 > 0;
                return if is_forgotten { Ended::Forgotten } else { Ended::Cut };
            }
            if let Err(ended) = self.tell(answer).await {
                return ended;
            }
        }
    }

    async fn tell(&mut self, answer: WatchAnswer) -> Result<(), Ended> {
        // What only says that the watch has begun says nothing about what was written.
        let Some(last) = answer.events.iter().max_by_key(|event| event.kv.mod_revision).cloned() else { return Ok(()) };
        let revision = last.kv.mod_revision.0;
        let mut records = Vec::new();
        for event in answer.events {
            let (key, value) = (event.kv.key.text(), event.kv.value.text());
            let value = (event.kind == EventKind::Put).then_some(value);
            self.trackers.learn(&key, value.as_deref());
            records.extend(keys::record(&key, value.as_deref()));
        }
        if !records.is_empty() {
            self.answers.learned(Learned::Changes(records)).await?;
        }
        self.list_trackers();
        self.last = Some(last);
        self.told.send_if_modified(|told| {
            let before = *told;
            *told = before.max(revision);
            before < revision
        });
        Ok(())
    }

    /// Most of what trackers write only says that they are still there.
    fn list_trackers(&self) {
        let list = self.trackers.list();
        self.list.send_if_modified(|before| {
            let is_other = **before != *list;
            *before = list;
            is_other
        });
    }

    async fn read_anew(&mut self) -> Result<(), Ended> {
        tracing::info!("everything is read from etcd anew");
        let etcd = Arc::clone(&self.etcd);
        let trouble = &mut self.trouble;
        let mut failed = |why: CallError| {
            if let Some(count) = trouble.note() {
                tracing::warn!(count, %why, "etcd cannot be read");
            }
            Ended::Cut
        };
        let mut reading = Reading { etcd: &etcd, revision: 0 };
        let clock = reading.records(keys::CLOCK, keys::CLOCK_END).await.map_err(&mut failed)?;
        self.answers.learned(Learned::Changes(clock)).await?;
        let mut rules = Vec::new();
        for (from, to) in RULES {
            rules.extend(reading.records(from, to).await.map_err(&mut failed)?);
        }
        self.answers.learned(Learned::Rules(rules)).await?;
        let (mut from, mut after) = (keys::NAMES.to_owned(), None);
        loop {
            let (page, more) = reading.page(&from, keys::NAMES_END).await.map_err(&mut failed)?;
            let last = page.last().map(|last| last.key.text());
            let names = records_of(&page);
            let last_name = last.as_deref().and_then(|key| key.strip_prefix(keys::NAMES)).map(str::to_owned);
            let up_to = if more { last_name.clone() } else { None };
            self.answers.learned(Learned::Names { after, up_to, names }).await?;
            if !more {
                break;
            }
            (from, after) = (last.as_deref().map_or_else(String::new, behind), last_name);
        }
        self.trackers = reading.trackers().await.map_err(&mut failed)?;
        self.list_trackers();
        self.last = None;
        self.told.send_replace(reading.revision);
        Ok(())
    }
}
