//! Races for a name: of those who want it in the same moment, in any spelling, one has it, and it is theirs on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_core::model::binding::Record;
use potok_core::model::key::PublicKey;
use potok_core::model::username::Username;
use potok_core::net::identity::Identity;
use potok_core::protocol::line::Line;
use potok_core::tracker::effect::Effect;
use potok_core::tracker::input::{Input, SessionId, SessionOpened, SessionRequest, Ticket};
use potok_core::tracker::machine::Tracker;
use potok_core::tracker::remembered::Remembered;
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::lines::Lines;
use potok_tests::vectors;
use potok_tests::world::{TestTracker, noise, scaled};
use tokio::sync::Barrier;

/// Spellings of one name: the same in other letters, or alike to the eye. One tracker gives one of them away.
fn spellings() -> Vec<Vec<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in vectors::rows(&potok_tests::read("tests/vectors/username-pairs.tsv")) {
        if matches!(row.text(0), "same" | "alike") {
            all.entry(row.text(1).to_owned()).or_default().extend([row.text(1).to_owned(), row.text(2).to_owned()]);
        }
    }
    // Two that are alike to a third need not be alike to each other.
    let alike = |one: &Username, other: &Username| {
        one.folded() == other.folded() || one.skeletons().iter().any(|look| other.skeletons().contains(look))
    };
    let mut races = Vec::new();
    for names in all.into_values() {
        let names: Vec<Username> = names.iter().filter_map(|name| Username::new(name).ok()).collect();
        let Some(first) = names.first() else { continue };
        let mut race = vec![first.clone()];
        for name in &names[1..] {
            if race.iter().all(|there| alike(there, name)) {
                race.push(name.clone());
            }
        }
        if race.len() > 1 {
            races.push(race.iter().map(Username::to_string).collect());
        }
    }
    races
}

/// The machine alone, with its disk: records are written late, in another order, or not at all.
#[test]
fn a_race_in_the_machine_has_one_winner_whatever_the_disk_does() {
    let races = spellings();
    assert!(races.len() >= 10, "{}", races.len());
    let (mut failures, mut displaced) = (0, 0);
    for round in 0..scaled(1_000) {
        let names = &races[round % races.len()];
        let mut chance = noise(round as u64, 256).into_iter().cycle();
        let mut race = Race::new();
        for racer in 0..6_u8 {
            // One of six has no key: a name of theirs lasts until somebody comes who has one.
            race.come(racer, (racer > 0).then(|| PublicKey::from_bytes([racer; 32])));
        }
        let mut waiting: Vec<u8> = (0..6).collect();
        while !waiting.is_empty() || !race.to_store.is_empty() {
            let throw = chance.next().expect("it goes on for ever");
            if !throw.is_multiple_of(3) && !waiting.is_empty() {
                let racer = waiting.swap_remove(usize::from(throw) % waiting.len());
                let name = &names[usize::from(chance.next().expect("it goes on")) % names.len()];
                race.say(racer, &format!("register-user {name}"));
            } else if !race.to_store.is_empty() {
                let ticket = race.to_store.swap_remove(usize::from(throw) % race.to_store.len());
                let done = !throw.is_multiple_of(16);
                failures += u32::from(!done);
                race.apply(SessionId::NONE, Input::Stored { ticket, done });
            }
            let here: Vec<_> = names.iter().filter_map(|name| race.online(name)).collect();
            let keys: BTreeSet<_> = here.iter().collect();
            assert!(keys.len() <= 1, "round {round}: {here:?} have {names:?} at once");
        }
        let winners: Vec<&u8> = race.winners.iter().filter(|racer| **racer > 0).collect();
        assert!(winners.len() <= 1, "round {round}: {winners:?} were told OK for {names:?}");
        // Without a failure of the disk somebody has won; whoever had no key has made way.
        assert!(race.has_failed || !race.winners.is_empty(), "round {round}: nobody has {names:?}");
        displaced += u32::from(race.winners.len() == 2);
        assert!(race.bound.len() <= 1, "round {round}: {:?} are on the disk", race.bound);
        for winner in winners {
            assert_eq!(race.bound.values().next(), Some(&PublicKey::from_bytes([*winner; 32])), "round {round}");
        }
    }
    assert!(failures > 0 && displaced > 0, "{failures} failures of the disk, {displaced} made way");
}

/// A tracker and those who want one name of it.
struct Race {
    now: Instant,
    tracker: Tracker,
    to_store: Vec<Ticket>,
    records: BTreeMap<Ticket, Vec<Record>>,
    /// Who was told `OK`.
    winners: BTreeSet<u8>,
    /// What is on the disk.
    bound: BTreeMap<String, PublicKey>,
    has_failed: bool,
}

impl Race {
    fn new() -> Self {
        let now = Instant::now();
        let tracker = Tracker::new(now, TrackerSettings::default(), 1_800_000_000, Remembered::default());
        let (winners, bound) = (BTreeSet::new(), BTreeMap::new());
        Self { now, tracker, to_store: Vec::new(), records: BTreeMap::new(), winners, bound, has_failed: false }
    }

    fn come(&mut self, racer: u8, key: Option<PublicKey>) {
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, racer)), 40_000);
        let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 99)), 7686);
        let opened = SessionOpened { peer, local, key, accepted_at: self.now, is_tracker: false };
        self.apply(id_of(racer), Input::Opened(opened));
    }

    fn say(&mut self, racer: u8, line: &str) {
        self.apply(id_of(racer), Input::Requests(vec![SessionRequest::read(Line::Text(line.into()))]));
    }

    fn online(&self, name: &str) -> Option<(Option<PublicKey>, Option<IpAddr>)> {
        let known = self.tracker.known(&Username::new(name).expect("valid"))?;
        known.address.map(|address| (known.key, Some(address)))
    }

    fn apply(&mut self, from: SessionId, input: Input) {
        self.now += Duration::from_millis(1);
        if let Input::Stored { ticket, done } = input {
            let records = self.records.remove(&ticket).filter(|_| done);
            self.has_failed |= !done;
            for record in records.into_iter().flatten() {
                if let Record::Bound(binding) = record {
                    self.bound.insert(binding.username.folded(), binding.key);
                }
            }
        }
        for effect in self.tracker.apply(self.now, from, input) {
            match effect {
                Effect::Save { ticket, records } => {
                    self.to_store.push(ticket);
                    self.records.insert(ticket, records);
                }
                Effect::Send { to, bytes } if bytes.starts_with(b"OK 0\n") => {
                    let racer = (0..6).find(|racer| id_of(*racer) == to).expect("one of them");
                    assert!(self.winners.insert(racer), "one question, one answer");
                }
                _ => {}
            }
        }
    }
}

fn id_of(racer: u8) -> SessionId {
    SessionId::new(u64::from(racer) + 1)
}

/// The same over sockets, with a disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_races_for_a_name_have_one_winner_each() {
    const GROUPS: usize = 5;
    const RACERS: usize = 4;
    let rounds = scaled(1_000) / GROUPS;
    let settings =
        TrackerSettings { names_per_key: 1_000_000, new_names_per_address: 1_000_000, ..TrackerSettings::default() };
    let tracker = Arc::new(TestTracker::start(settings).await);
    let mut groups = Vec::new();
    for group in 0..GROUPS {
        let start = Arc::new(Barrier::new(RACERS));
        for racer in 0..RACERS {
            let (tracker, start) = (tracker.clone(), start.clone());
            groups.push(tokio::spawn(async move {
                let identity = Identity::generate();
                let mut session = Lines::tls(tracker.handle.address(), tracker.handle.key(), &identity).await;
                let mut won = Vec::new();
                for round in 0..rounds {
                    // Each spells it in a way of their own: the last one only looks the same.
                    let name = format!("race{group}x{round}l");
                    let name = match racer {
                        0 => name,
                        1 => name.to_uppercase(),
                        2 => name.replacen('r', "R", 1),
                        _ => name.replacen('l', "1", 1),
                    };
                    start.wait().await;
                    let answer = session.ask(&format!("register-user {name}")).await.expect("an answer");
                    if answer == "OK 0" {
                        won.push(look(&name));
                    } else {
                        let refusals = ["ERR name-taken ", "ERR name-confusable "];
                        assert!(refusals.iter().any(|start| answer.starts_with(start)), "{answer}");
                    }
                    start.wait().await;
                    if answer == "OK 0" {
                        session.expect(&format!("unregister-user {name}"), "OK 0").await;
                    }
                }
                (identity.public_key(), won)
            }));
        }
    }
    let mut winners: BTreeMap<String, PublicKey> = BTreeMap::new();
    for racer in groups {
        let (key, won) = racer.await.expect("no panic");
        for name in won {
            assert_eq!(winners.insert(name.clone(), key), None, "{name} has two winners");
        }
    }
    assert_eq!(winners.len(), rounds * GROUPS, "each race has a winner");
    let on_disk: BTreeMap<String, PublicKey> =
        tracker.bindings().into_iter().map(|(name, key)| (look(&name), key)).collect();
    assert!(on_disk == winners, "on the disk are others than were told that they won");
}

/// What the spellings of a race have in common.
fn look(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix('1').map_or(name.clone(), |rest| format!("{rest}l"))
}
