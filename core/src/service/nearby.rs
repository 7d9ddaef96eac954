//! Who is in the local network: says that we are here, hears who else is, and keeps what it heard for others to look at.
//!
//! Where a network lets no multicast through (guests' Wi-Fi, some offices), nothing is heard and nothing else changes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::key::PublicKey;
use crate::model::port::PeerPort;
use crate::net::lan::OwnNetworks;
use crate::net::mdns::{Announcement, Responder, ServiceBrowse, ServiceHeard, ServiceHere};
use crate::protocol::nearby::{PERSON_SERVICE, PersonMark, TRACKER_SERVICE, TrackerNotice};
use crate::reach::nearby::{NearbyBook, NearbyNetwork};

/// How often the day, the load and our networks are looked at.
const NEARBY_LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long those who are there may take to answer; half of it is usual.
const NEARBY_ANSWERS_MAX: Duration = Duration::from_secs(2);
/// Records of others that are kept at most, some hundred bytes each. A network with more of them is being flooded.
const RECORDS_MAX: u64 = 8_000;
/// How long nothing is heard after a flood, or when the system gives us no socket.
const DEAF_PAUSE: Duration = Duration::from_secs(120);
const SECONDS_A_DAY: u64 = 24 * 3600;

/// What is wanted of it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NearbyWish {
    /// Anything at all is said and heard.
    pub is_on: bool,
    /// Whom others in our network are to find, if we are in one.
    pub person: Option<NearbyPerson>,
}

/// Who says that they are here, to those who know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearbyPerson {
    /// The tracker's key.
    pub tracker: PublicKey,
    /// The key that the person proves.
    pub key: PublicKey,
    /// Where their peer server listens.
    pub port: PeerPort,
}

/// What was heard.
#[derive(Debug)]
pub struct Nearby {
    heard: Mutex<Heard>,
    networks: watch::Sender<Vec<NearbyNetwork>>,
    /// Since when it is listened, if it is.
    since: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Heard {
    book: NearbyBook,
    own_networks: OwnNetworks,
}

impl Nearby {
    /// Starts with what is wanted at first. It ends when `cancel` is.
    pub fn start(wish: watch::Receiver<NearbyWish>, cancel: CancellationToken) -> (Arc<Self>, JoinHandle<()>) {
        let nearby = Arc::new(Self {
            heard: Mutex::default(),
            networks: watch::Sender::default(),
            since: watch::Sender::default(),
        });
        let task = run(Arc::clone(&nearby), wish, cancel);
        (nearby, tokio::spawn(task))
    }

    /// The networks that can be joined here, kept current.
    pub fn networks(&self) -> watch::Receiver<Vec<NearbyNetwork>> {
        self.networks.subscribe()
    }

    /// Waits until those who are there have had the time to answer. Where nothing can be heard it waits no longer.
    pub async fn settled(&self) {
        let mut since = self.since.subscribe();
        let answered = async {
            if let Ok(since) = since.wait_for(Option::is_some).await.map(|since| *since) {
                sleep_until(since.unwrap_or_else(Instant::now) + NEARBY_ANSWERS_MAX).await;
            }
        };
        let _heard_nothing = timeout(2 * NEARBY_ANSWERS_MAX, answered).await;
    }

    /// Where a member of a network is in ours, as far as they or somebody who has seen their mark say so.
    pub fn addresses(&self, tracker: &PublicKey, person: &PublicKey) -> Vec<SocketAddr> {
        let today = today();
        // Clocks differ, and a day ends while its mark is still heard.
        let marks = [today, today.saturating_sub(1), today + 1].map(|day| PersonMark::new(tracker, person, day));
        let heard = self.heard.lock();
        let mut addresses = heard.book.addresses(marks);
        addresses.retain(|address| is_at_home(&heard.own_networks, *address));
        addresses
    }

    fn hear(&self, heard: ServiceHeard) {
        let has_changed = match heard {
            ServiceHeard::Here(service) => self.see(&service),
            ServiceHeard::Gone(name) => self.heard.lock().book.forget(&name),
        };
        if has_changed {
            self.networks.send_replace(self.heard.lock().book.networks());
        }
    }

    fn see(&self, service: &ServiceHere) -> bool {
        let ServiceHere { name, addresses, port, texts } = service;
        let mut heard = self.heard.lock();
        let Heard { book, own_networks } = &mut *heard;
        if let Some(instance) = name.strip_suffix(PERSON_SERVICE).and_then(|name| name.strip_suffix('.')) {
            if let Some(mark) = PersonMark::read(instance) {
                book.see_person(name, mark, *port, addresses);
            }
            return false;
        }
        let text = |wanted: &str| texts.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_slice());
        let Some(notice) = TrackerNotice::read(text) else { return false };
        let here: Vec<IpAddr> = addresses.iter().copied().filter(|ip| own_networks.contains_ip(*ip)).collect();
        book.see_tracker(name, notice, *port, &here)
    }

    fn look_at_own_networks(&self, own_networks: OwnNetworks) {
        self.heard.lock().own_networks = own_networks;
    }

    fn forget_all(&self) {
        self.heard.lock().book = NearbyBook::default();
        self.networks.send_if_modified(|networks| !std::mem::take(networks).is_empty());
    }
}

/// No peer is at a port of the system, and none of those who say it here is elsewhere.
fn is_at_home(own_networks: &OwnNetworks, address: SocketAddr) -> bool {
    PeerPort::new(address.port()).is_ok() && own_networks.contains_ip(address.ip())
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / SECONDS_A_DAY)
}

async fn run(nearby: Arc<Nearby>, mut wish: watch::Receiver<NearbyWish>, cancel: CancellationToken) {
    loop {
        let on = wish.wait_for(|wish| wish.is_on);
        match cancel.run_until_cancelled(on).await {
            Some(Ok(_on)) => {}
            _ => return,
        }
        let listened = listen(&nearby, &mut wish, &cancel).await;
        nearby.since.send_replace(None);
        nearby.forget_all();
        if let Err(error) = listened {
            tracing::debug!(%error, "nothing is heard of the local network for a while");
            if cancel.run_until_cancelled(sleep(DEAF_PAUSE)).await.is_none() {
                return;
            }
        }
    }
}

/// Says and hears until it is turned off or stopped.
async fn listen(nearby: &Nearby, wish: &mut watch::Receiver<NearbyWish>, cancel: &CancellationToken) -> io::Result<()> {
    nearby.look_at_own_networks(own_networks().await?);
    let responder = Responder::start()?;
    let (trackers, people) = (responder.browse(TRACKER_SERVICE)?, responder.browse(PERSON_SERVICE)?);
    nearby.since.send_replace(Some(Instant::now()));
    let mut said = Said::default();
    let mut look = interval(NEARBY_LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = wish.borrow_and_update().clone();
        if !now.is_on {
            break;
        }
        said.say(&responder, now.person.as_ref().map(announcement)).await?;
        tokio::select! {
            () = cancel.cancelled() => break,
            changed = wish.changed() => if changed.is_err() { break },
            heard = next_of(&trackers, &people) => nearby.hear(heard?),
            _ = look.tick() => {
                nearby.look_at_own_networks(own_networks().await?);
                if responder.records().await.is_some_and(|records| records > RECORDS_MAX) {
                    return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the local network is being flooded"));
                }
            }
        }
    }
    said.say(&responder, None).await
}

async fn own_networks() -> io::Result<OwnNetworks> {
    tokio::task::spawn_blocking(OwnNetworks::read).await?
}

async fn next_of(trackers: &ServiceBrowse, people: &ServiceBrowse) -> io::Result<ServiceHeard> {
    let heard = tokio::select! {
        heard = trackers.next() => heard,
        heard = people.next() => heard,
    };
    heard.ok_or_else(|| io::Error::new(io::ErrorKind::QuotaExceeded, "more is said than can be heard"))
}

fn announcement(person: &NearbyPerson) -> Announcement {
    let mark = PersonMark::new(&person.tracker, &person.key, today());
    Announcement {
        kind: PERSON_SERVICE,
        instance: mark.to_string(),
        port: person.port.get(),
        address: None,
        texts: Vec::new(),
    }
}

/// What is said of us now.
#[derive(Debug, Default)]
struct Said {
    now: Option<(Announcement, String)>,
}

impl Said {
    /// Says this from now on, and takes back what was said before.
    async fn say(&mut self, responder: &Responder, what: Option<Announcement>) -> io::Result<()> {
        if self.now.as_ref().map(|(said, _)| said) == what.as_ref() {
            return Ok(());
        }
        if let Some((_, name)) = self.now.take() {
            responder.take_back(&name).await;
        }
        if let Some(what) = what {
            let name = responder.announce(&what)?;
            self.now = Some((what, name));
        }
        Ok(())
    }
}

/// What a tracker has said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerHere {
    /// What its owner calls the network.
    pub network: String,
    /// The key that it proves.
    pub key: PublicKey,
    /// Where it listens.
    pub at: SocketAddr,
}

/// Says that a tracker is here, as it is now, until `cancel` is. `None`: it is not to be found.
pub async fn announce_tracker(mut what: watch::Receiver<Option<TrackerHere>>, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        let announced = announce_while_wanted(&mut what, &cancel).await;
        match announced {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "the tracker cannot be found in the local network for a while"),
        }
        if cancel.run_until_cancelled(sleep(DEAF_PAUSE)).await.is_none() {
            return;
        }
    }
}

async fn announce_while_wanted(
    what: &mut watch::Receiver<Option<TrackerHere>>,
    cancel: &CancellationToken,
) -> io::Result<()> {
    loop {
        let wanted = what.wait_for(Option::is_some);
        match cancel.run_until_cancelled(wanted).await {
            Some(Ok(_wanted)) => {}
            _ => return Ok(()),
        }
        let responder = Responder::start()?;
        let mut said = Said::default();
        loop {
            let now = what.borrow_and_update().clone();
            let is_wanted = now.is_some();
            said.say(&responder, now.map(tracker_announcement)).await?;
            if !is_wanted {
                break;
            }
            match cancel.run_until_cancelled(what.changed()).await {
                Some(Ok(())) => {}
                _ => return said.say(&responder, None).await,
            }
        }
    }
}

/// Digits of a tracker's key in the name of its service: enough to be the only one.
const INSTANCE_DIGITS: usize = 16;

fn tracker_announcement(here: TrackerHere) -> Announcement {
    let TrackerHere { network, key, at } = here;
    let instance = key.to_string()[..INSTANCE_DIGITS].to_owned();
    let address = Some(at.ip().to_canonical()).filter(|ip| !ip.is_unspecified());
    let texts = TrackerNotice::new(&network, key).texts().into();
    Announcement { kind: TRACKER_SERVICE, instance, port: at.port(), address, texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever has seen a mark can show it too, at any address.
    #[test]
    fn nobody_nearby_sends_us_out_of_our_own_networks() {
        let (heard, networks, since) = (Mutex::default(), watch::Sender::default(), watch::Sender::default());
        let nearby = Nearby { heard, networks, since };
        let own = [("192.168.1.2", 24), ("fd00::2", 64), ("2001:db8::2", 64)];
        nearby.look_at_own_networks(OwnNetworks::of(&own));
        let (tracker, person) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        for (address, port, is_dialled) in [
            ("192.168.1.9", 4001, true),
            ("::ffff:192.168.1.9", 4001, true),
            ("fd00::9", 4001, true),
            ("2001:db8::9", 65_535, true),
            ("192.168.1.9", 0, false),
            ("192.168.1.9", 25, false),
            ("192.168.1.9", 53, false),
            ("192.168.1.9", 1023, false),
            ("192.168.2.9", 4001, false),
            ("9.9.9.9", 4001, false),
            ("127.0.0.1", 4001, false),
            ("::ffff:127.0.0.1", 4001, false),
            ("169.254.169.254", 4001, false),
            ("0.0.0.0", 4001, false),
            ("224.0.0.251", 4001, false),
            ("255.255.255.255", 4001, false),
            ("::", 4001, false),
            ("::1", 4001, false),
            ("fe80::9", 4001, false),
            ("ff02::fb", 4001, false),
            ("fd00:0:0:1::9", 4001, false),
            ("2001:db9::9", 4001, false),
            ("64:ff9b::192.168.1.9", 4001, false),
            ("2002:c0a8:109::1", 4001, false),
            ("2001:0:808:808:0:fbbe:3f57:fef6", 4001, false),
        ] {
            let name = format!("{}.{PERSON_SERVICE}", PersonMark::new(&tracker, &person, today()));
            let addresses = vec![address.parse().expect(address)];
            nearby.hear(ServiceHeard::Here(ServiceHere { name: name.clone(), addresses, port, texts: Vec::new() }));
            assert_eq!(nearby.addresses(&tracker, &person).len(), usize::from(is_dialled), "{address} {port}");
            nearby.hear(ServiceHeard::Gone(name));
        }
    }
}
