//! A tracker among others: names, bans, invites and what owners order are in etcd, where all trackers of the cluster agree
//! on them by transactions. Locks and leases decide nothing about who somebody is.
//!
//! | task | does |
//! |---|---|
//! | `keeper` | claims names and writes records, and says what became of them |
//! | `replica` | tells the tracker what anybody has written, in order |
//! | `presence` | says that this tracker is there, and how old the replica is |
//!
//! `judging` decides what a transaction writes; `keys` is what stands in etcd; `gateway` asks etcd over HTTP.

mod etcd;
mod gateway;
mod judging;
mod keeper;
mod keys;
mod presence;
mod replica;
mod tls;
mod wire;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use potok_core::model::binding::{ClaimFate, Record};
use potok_core::model::cluster::ClusterTracker;
use potok_core::model::invite::HostPort;
use potok_core::model::key::PublicKey;
use potok_core::service::tracker_server::ledger::{Keeping, LedgerAnswers, SharedLedger};
use potok_core::store::Store;
use potok_core::tracker::input::Learned;
use potok_core::tracker::settings::TrackerSettings;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

use self::etcd::Etcd;
use self::gateway::{CallError, Gateway};
use self::judging::View;
use self::keeper::Keeper;
use self::presence::Presence;
use self::replica::{Replica, Whole};
pub(crate) use self::tls::BadCertificate;

/// How long one try to join may take.
const TRY_MAX: Duration = Duration::from_secs(5);
/// How long is waited before the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a tracker cannot be one of the cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    #[error(
        "the trackers of this cluster prove the key {0}, and this one another: put their identity.key into its data folder"
    )]
    OtherIdentity(String),
    #[error("the tracker's own records cannot be read: {0}")]
    Records(#[from] redb::Error),
}

/// Whether the files that the settings name can be used.
pub(crate) fn check_files(settings: &TrackerSettings) -> Result<(), BadCertificate> {
    tls::read(settings).map(|_connector| ())
}

/// Joins the cluster that the settings name: waits until its etcd answers, proves to be of it, and reads what it knows. The
/// first tracker of a cluster brings what it knew by itself.
pub(crate) async fn join(
    settings: &TrackerSettings,
    key: PublicKey,
    host: HostPort,
    store: &Store,
) -> Result<SharedLedger, JoinError> {
    let etcd = Arc::new(Etcd::new(Gateway::new(&settings.cluster, tls::read(settings)?)));
    let mut is_told = false;
    let (epoch, whole) = loop {
        match enter(&etcd, key, store).await? {
            Ok(entered) => break entered,
            Err(why) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::error!(%why, "this tracker starts when etcd answers, which it does not yet");
                }
                sleep(PAUSE).await;
            }
        }
    };
    let mesh = settings.mesh.0.expect("the settings were checked");
    let own = ClusterTracker { mesh, host, key, epoch };
    let Whole { remembered, resting, trackers, revision } = whole;
    let (list, listed) = watch::channel(trackers.list());
    let (told, told_now) = watch::channel(revision);
    let present = own.clone();
    let keep = move |jobs, answers: LedgerAnswers| -> Keeping {
        let presence =
            Presence { etcd: Arc::clone(&etcd), answers: answers.clone(), own: present, told: told_now.clone() };
        let (keeper_etcd, late) = (Arc::clone(&etcd), Arc::default());
        let keeper = Keeper { etcd: keeper_etcd, answers: answers.clone(), told: told_now, late };
        let replica = Replica::new(etcd, answers.clone(), told, trackers, list);
        Box::pin(async move {
            // Names that rest are no bindings, so they are not among what is remembered.
            let _stopped = answers.learned(Learned::Changes(resting)).await;
            let following = tokio::spawn(replica.follow());
            let (end, ends) = oneshot::channel();
            let present = tokio::spawn(presence.run(ends));
            keeper.run(jobs).await;
            let _gone = end.send(());
            let _said = present.await;
            following.abort();
        })
    };
    Ok(SharedLedger { remembered, own, trackers: listed, keep: Box::new(keep) })
}

type Entered = Result<(u64, Whole), CallError>;

/// One try to join; the inner error may pass.
async fn enter(etcd: &Arc<Etcd>, key: PublicKey, store: &Store) -> Result<Entered, JoinError> {
    let by = Instant::now() + TRY_MAX;
    let at = keys::IDENTITY.to_owned();
    let view = match etcd.look(std::slice::from_ref(&at), by).await {
        Ok(view) => view,
        Err(why) => return Ok(Err(why)),
    };
    if view.iter().all(|(_, seen)| seen.value.is_none()) {
        let records = own_records(store)?;
        let count = records.len();
        match keeper::take_over(etcd, records).await {
            Ok(0) => tracing::info!(count, "this is the first tracker of its cluster; what it knew is in etcd now"),
            Ok(refused) => tracing::warn!(refused, "some names are another key's in the cluster and stay so"),
            Err(why) => return Ok(Err(why)),
        }
    }
    let text = key.to_string();
    let known = etcd.agree(view, None, |view: &View| judging::create(&at, &text, view), by).await;
    match known {
        Ok((ClaimFate::Done, _)) => {}
        Ok(_) => {
            let view = etcd.look(std::slice::from_ref(&at), by).await;
            let other = view.ok().and_then(|view| view.iter().find_map(|(_, seen)| seen.value.clone()));
            return Err(JoinError::OtherIdentity(other.unwrap_or_default()));
        }
        Err(why) => return Ok(Err(why)),
    }
    Ok(read_whole(etcd, by).await)
}

/// Everything that stands in etcd, with a clock that all trackers agree on: names lapse by it, so the first one is not each
/// tracker's own.
async fn read_whole(etcd: &Etcd, by: Instant) -> Entered {
    let mut whole = replica::read(etcd).await?;
    if whole.remembered.run_seconds.is_none() {
        let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let own = whole.remembered.run_seconds(unix_time.as_secs());
        let view = View::empty([keys::CLOCK.to_owned()]);
        let _agreed = etcd.agree(view, None, |view| judging::first_clock(own, view), by).await?;
        whole = replica::read(etcd).await?;
    }
    // Whenever it starts it has written since it started last.
    Ok((u64::try_from(whole.revision).unwrap_or(0), whole))
}

/// What a tracker remembers that was alone.
fn own_records(store: &Store) -> Result<Vec<Record>, redb::Error> {
    let bindings = store.bindings()?.into_iter().map(Record::Bound);
    let bans = store.bans()?.into_iter().map(Record::Banned);
    let invites = store.invites()?.into_iter().map(Record::Invited);
    let ordered = store.ordered_settings()?.into_iter();
    let ordered = ordered.map(|(setting, value)| Record::Ordered { setting, value: Some(value) });
    let clock = store.run_seconds()?.map(|run_seconds| Record::Clock { run_seconds });
    let waiting = store.waiting_users()?.into_iter().map(|(key, user)| Record::Waits { key, user });
    let last_invite = Some(store.last_invite()?).filter(|number| *number > 0);
    let invites = invites.chain(last_invite.map(|number| Record::LastInvite { number })).chain(waiting);
    Ok(bindings.chain(bans).chain(invites).chain(ordered).chain(clock).collect())
}
