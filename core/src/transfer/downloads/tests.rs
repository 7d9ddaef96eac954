//! The machine among simulated peers, with virtual time and any order of events.

mod ahead;
mod metered;
mod refusals;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::model::geometry::BLOCK_BYTES_MIN;
use crate::model::key::PublicKey;
use crate::model::transfer::TransferState;
use crate::model::way::Way;
use crate::protocol::peer::FILE_BYTES_MAX;
use crate::transfer::source::{STALLED_AFTER, What};

/// How a simulated peer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Answers one request in so many ticks.
    Slow,
    /// Every nth block is wrong.
    Liar(u32),
    Refuses(PeerRefusal),
    /// Refuses everything but this content.
    Has(Content),
    /// Takes requests and is silent until its connection is given up.
    Mute,
    /// Sends a byte now and then, so that its connection is never given up, and no answer.
    Drips,
    /// The connection ends after so many answers.
    Drops(u32),
    Unreachable,
    /// Has us wait for ever.
    Queues,
    /// The same, but only once it was asked for something.
    QueuesWhenAsked,
}

impl Manner {
    fn answers(self) -> bool {
        !matches!(self, Self::Mute | Self::Drips | Self::Queues | Self::QueuesWhenAsked)
    }
}

struct Peer {
    manner: Manner,
    is_connected: bool,
    /// Requests without an answer, with the time they came.
    open: Vec<(Ask, Instant)>,
    cancelled: BTreeSet<u32>,
    answers: u32,
}

/// Everything around the machine.
struct World {
    machine: Downloads,
    now: Instant,
    peers: BTreeMap<SourceId, Peer>,
    by_name: BTreeMap<Username, Contact>,
    manners: BTreeMap<Username, Manner>,
    written: BTreeMap<FileId, BTreeSet<u32>>,
    /// Files that blocks can be written to.
    open: BTreeSet<FileId>,
    finished: BTreeSet<FileId>,
    failed: BTreeMap<FileId, TransferError>,
    over: BTreeSet<TransferId>,
    liars: BTreeSet<Username>,
    asked_bytes: u64,
    asks: usize,
    /// Noise that is the same in every run.
    noise: u64,
    disk_full_at: Option<u32>,
    absent: BTreeSet<Username>,
    /// Who is in the same local network.
    nearby: BTreeSet<Username>,
    ways: BTreeMap<SourceId, Way>,
    /// Names under which somebody with another key is here.
    impostors: BTreeSet<Username>,
    kept_away: Option<KeptAway>,
    /// What the owner shares under the path of a file, once they have refused it; nothing if it is not here.
    announced: BTreeMap<u32, Announced>,
    renewed: BTreeMap<FileId, Content>,
}

const JOB: TransferId = TransferId(1);

fn name(n: usize) -> Username {
    Username::new(&format!("user{n:03}")).expect("valid")
}

fn content(n: u32, size: u64) -> Content {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    Content { hash: ContentHash::from_bytes(hash), size }
}

/// A list that fits the geometry; in this world nobody computes hashes.
fn list_of(content: Content) -> BlockList {
    let blocks = vec![[7; 32]; content.geometry().blocks() as usize];
    BlockList::computed(content.geometry(), blocks).expect("one entry a block")
}

impl World {
    fn new(manners: &[Manner], noise: u64) -> Self {
        let contact = |n: usize| Contact {
            username: name(n),
            address: Some(([10, 0, 0, 1], 20_000).into()),
            key: PublicKey::from_bytes([u8::try_from(n).expect("few"); 32]),
        };
        Self {
            machine: Downloads::new(4),
            now: Instant::now(),
            peers: BTreeMap::new(),
            by_name: (0..manners.len()).map(|n| (name(n), contact(n))).collect(),
            manners: manners.iter().enumerate().map(|(n, manner)| (name(n), *manner)).collect(),
            written: BTreeMap::new(),
            open: BTreeSet::new(),
            finished: BTreeSet::new(),
            failed: BTreeMap::new(),
            over: BTreeSet::new(),
            liars: BTreeSet::new(),
            asked_bytes: 0,
            asks: 0,
            noise,
            disk_full_at: None,
            absent: BTreeSet::new(),
            nearby: BTreeSet::new(),
            ways: BTreeMap::new(),
            impostors: BTreeSet::new(),
            kept_away: None,
            announced: BTreeMap::new(),
            renewed: BTreeMap::new(),
        }
    }

    fn random(&mut self, below: usize) -> usize {
        self.noise = self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.noise >> 33).expect("31 bits") % below.max(1)
    }

    /// Carries out what the machine wants, until it wants nothing more now.
    fn settle(&mut self) {
        loop {
            let effects = self.machine.effects(self.now);
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: DownloadEffect) {
        let now = self.now;
        match effect {
            DownloadEffect::FindUser(user) => {
                let contact = self.by_name.get(&user).filter(|_| !self.absent.contains(&user)).cloned();
                let found = match contact {
                    _ if self.kept_away.is_some() => FoundUser::KeptAway(self.kept_away.clone().unwrap_or_default()),
                    _ if self.impostors.contains(&user) => FoundUser::OtherKey,
                    Some(contact) => FoundUser::Here(contact),
                    None => FoundUser::Away,
                };
                self.machine.user_found(&user, &found, now);
            }
            DownloadEffect::FindSources(file, _) => {
                let is_here = |c: &&Contact| self.kept_away.is_none() && !self.absent.contains(&c.username);
                let all: Vec<Contact> = self.by_name.values().filter(is_here).cloned().collect();
                self.machine.sources_found(file, &all, now);
            }
            DownloadEffect::FindShare(file) => {
                let announced = self.announced.get(&file.index).copied().unwrap_or(Announced::Nothing);
                self.machine.announced(file, announced, now);
            }
            DownloadEffect::Renewed(file, content) => _ = self.renewed.insert(file, content),
            DownloadEffect::Connect(id, contact) => self.connect(id, &contact, true),
            DownloadEffect::ConnectNearby(id, contact) => self.connect(id, &contact, false),
            DownloadEffect::Disconnect(id) => {
                let peer = self.peers.get_mut(&id).expect("connected before");
                assert!(peer.is_connected);
                peer.is_connected = false;
            }
            DownloadEffect::Ask(id, asks) => self.asked(id, asks),
            DownloadEffect::Cancel(id, ids) => {
                let peer = self.peers.get_mut(&id).expect("connected before");
                peer.cancelled.extend(ids);
            }
            DownloadEffect::Check(file, list) => {
                let mut blocks = Blocks::none(list.geometry());
                for block in self.written.entry(file).or_default().iter() {
                    blocks.insert(*block);
                }
                self.open.insert(file);
                self.machine.checked(file, Checked::Part(blocks));
            }
            DownloadEffect::Finish(file) => {
                let blocks = self.machine.job(file.job).expect("known").files[file.index as usize].geometry().blocks();
                assert_eq!(self.written.get(&file).map_or(0, BTreeSet::len), blocks as usize, "every block is written");
                assert!(self.finished.insert(file), "finished once");
                self.machine.finished(file, Ok(()));
            }
            DownloadEffect::Close(file) => _ = self.open.remove(&file),
            DownloadEffect::Look(file) => self.machine.release(file, FileState::Failed),
            DownloadEffect::AwaitRoom(job, needed) => {
                assert!(needed > 0);
                assert_eq!(self.machine.state(job).0, TransferState::DiskFull);
                self.disk_full_at = None;
                self.machine.room(job);
            }
            DownloadEffect::FileFailed(file, error) => {
                self.failed.insert(file, error);
            }
            DownloadEffect::Over(job) => assert!(self.over.insert(job), "over once"),
            DownloadEffect::Lied(user) => {
                assert!(matches!(self.manners[&user], Manner::Liar(_)), "nobody is wronged");
                self.liars.insert(user);
            }
        }
    }

    fn asked(&mut self, id: SourceId, asks: Vec<Ask>) {
        for ask in asks {
            self.asked_bytes += ask.bytes();
            let control = self.machine.job(ask.file.job).map(|job| job.control);
            assert!(control != Some(Control::Metered) || self.ways[&id] == Way::Nearby, "{ask:?} costs something");
            self.asks += 1;
            if let What::Block(block) = ask.what {
                assert!(!self.written.get(&ask.file).is_some_and(|done| done.contains(&block)), "{ask:?} is here");
                let is_awaited = |peer: &Peer, open: &Ask| {
                    open.file == ask.file && open.what == ask.what && !peer.cancelled.contains(&open.id)
                };
                let connected = self.peers.values().filter(|peer| peer.is_connected);
                let open = connected.flat_map(|peer| peer.open.iter().filter(move |(open, _)| is_awaited(peer, open)));
                let (new, stalled): (Vec<Duration>, Vec<Duration>) =
                    open.map(|(_, at)| self.now - *at).partition(|age| *age < STALLED_AFTER);
                assert!(new.len() <= stalled.len().max(1), "{ask:?} is asked of {} already", new.len());
            }
            let now = self.now;
            let peer = self.peers.get_mut(&id).expect("connected before");
            assert!(peer.is_connected, "{ask:?} to nobody");
            assert!(peer.open.iter().all(|(open, _)| open.id != ask.id), "the id is open");
            peer.open.push((ask, now));
            assert!(peer.open.len() <= crate::protocol::peer::OPEN_REQUESTS_MAX);
            if peer.manner == Manner::QueuesWhenAsked {
                self.machine.queued(id, 1, now);
            }
        }
    }

    /// One peer answers one request, or time passes.
    fn step(&mut self) {
        let able: Vec<SourceId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_connected && !peer.open.is_empty() && peer.manner.answers())
            .map(|(id, _)| *id)
            .collect();
        let choice = self.random(able.len() * 4 + 1);
        match able.get(choice / 4) {
            Some(id) => self.answer(*id),
            None => {
                self.now += Duration::from_millis(100);
                self.machine.tick(self.now);
                self.give_up_the_silent();
            }
        }
        self.settle();
    }

    fn answer(&mut self, id: SourceId) {
        let position = self.random(8);
        let lucky = self.random(20);
        let now = self.now;
        let peer = self.peers.get_mut(&id).expect("connected");
        if peer.manner == Manner::Slow && lucky > 0 {
            return;
        }
        peer.answers += 1;
        if let Manner::Drops(after) = peer.manner
            && peer.answers.is_multiple_of(after)
        {
            peer.is_connected = false;
            return self.machine.disconnected(id, now);
        }
        let (ask, _) = peer.open.remove(position % peer.open.len());
        let outcome = match (peer.manner, ask.what) {
            _ if peer.cancelled.remove(&ask.id) => AskOutcome::Refused(PeerRefusal::Cancelled),
            (Manner::Refuses(why), _) => AskOutcome::Refused(why),
            (Manner::Has(content), _) if ask.content != content => AskOutcome::Refused(PeerRefusal::Changed),
            (Manner::Liar(nth), _) if peer.answers.is_multiple_of(nth) => AskOutcome::Wrong,
            (_, What::List) if !self.open.contains(&ask.file) && !self.written.contains_key(&ask.file) => {
                self.open.insert(ask.file);
                AskOutcome::Begun
            }
            (_, What::List) => AskOutcome::List(list_of(ask.content)),
            (_, What::Block(_)) if ask.content.geometry().blocks() > 1 && !self.open.contains(&ask.file) => {
                AskOutcome::Unwanted
            }
            (_, What::Block(_)) if self.disk_full_at.is_some_and(|at| peer.answers >= at) => {
                AskOutcome::NotWritten(WriteFault::Full)
            }
            (_, What::Block(block)) => {
                self.written.entry(ask.file).or_default().insert(block);
                AskOutcome::Written
            }
        };
        self.machine.answered(id, ask.id, outcome, now);
    }

    fn give_up_the_silent(&mut self) {
        let now = self.now;
        let is_silent = |peer: &Peer| peer.open.iter().any(|(_, at)| now - *at > Duration::from_secs(20));
        let silent: Vec<SourceId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_connected && peer.manner == Manner::Mute && is_silent(peer))
            .map(|(id, _)| *id)
            .collect();
        for id in silent {
            self.peers.get_mut(&id).expect("known").is_connected = false;
            self.machine.disconnected(id, now);
        }
    }

    fn run(&mut self, steps: usize) {
        self.settle();
        for _ in 0..steps {
            if self.over.contains(&JOB) {
                return;
            }
            self.step();
        }
    }
}

fn any_manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        Just(Manner::Honest),
        Just(Manner::Slow),
        (1..5u32).prop_map(Manner::Liar),
        Just(Manner::Refuses(PeerRefusal::NotShared)),
        Just(Manner::Refuses(PeerRefusal::Changed)),
        Just(Manner::Refuses(PeerRefusal::Busy)),
        Just(Manner::Mute),
        Just(Manner::Drips),
        Just(Manner::Queues),
        Just(Manner::QueuesWhenAsked),
        (1..30u32).prop_map(Manner::Drops),
        Just(Manner::Unreachable),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whoever else is there and whatever they do: one honest source is enough, and nothing is finished twice or
    /// before every block is here.
    #[test]
    fn one_honest_source_is_enough(
        others in proptest::collection::vec(any_manner(), 0..5),
        honest_at in 0..6usize,
        blocks in proptest::collection::vec(0..40u64, 1..6),
        smalls in 0..60u32,
        disk_full_at in proptest::option::of(1..50u32),
        noise in any::<u64>(),
    ) {
        let mut manners = others;
        manners.insert(honest_at.min(manners.len()), Manner::Honest);
        let mut world = World::new(&manners, noise);
        world.disk_full_at = disk_full_at;
        let large = blocks.iter().map(|blocks| blocks * BLOCK_BYTES_MIN + 17);
        let files: Vec<Content> =
            large.chain((0..smalls).map(u64::from)).zip(0..).map(|(size, n)| content(n, size)).collect();
        let count = files.len();
        let total: u64 = files.iter().map(|file| file.size).sum();
        world.machine.add(JOB, DownloadJob::new(name(0), files));
        world.run(200_000);
        prop_assert!(world.over.contains(&JOB), "{:?} {:?}", world.machine.state(JOB), manners);
        prop_assert!(world.failed.is_empty(), "{:?}", world.failed);
        prop_assert_eq!(world.finished.len(), count);
        prop_assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
        let job = world.machine.job(JOB).expect("known");
        prop_assert_eq!((job.done_bytes(), job.total_bytes()), (total, total));
    }

    /// Pausing, resuming and sources that come and go at any moment lose nothing and break nothing.
    #[test]
    fn interruptions_lose_nothing(
        manners in proptest::collection::vec(prop_oneof![Just(Manner::Honest), (5..30u32).prop_map(Manner::Drops)], 1..4),
        interruptions in proptest::collection::vec((1..200usize, 0..4u8), 0..20),
        noise in any::<u64>(),
    ) {
        let mut world = World::new(&manners, noise);
        let files: Vec<Content> = (0..30).map(|n| content(n, u64::from(n % 5) * 2 * BLOCK_BYTES_MIN + 1)).collect();
        let count = files.len();
        world.machine.add(JOB, DownloadJob::new(name(0), files));
        for (steps, what) in interruptions {
            world.run(steps);
            match what {
                0 => world.machine.pause(JOB),
                1 => world.machine.resume(JOB),
                2 => {
                    world.absent.insert(name(0));
                    world.machine.news(world.now);
                }
                _ => {
                    world.absent.clear();
                    world.machine.news(world.now);
                }
            }
        }
        world.machine.resume(JOB);
        world.absent.clear();
        world.machine.news(world.now);
        world.run(200_000);
        prop_assert!(world.over.contains(&JOB), "{:?}", world.machine.state(JOB));
        prop_assert_eq!(world.finished.len(), count);
    }
}

/// A slow line has room for a block or two at a time, and each time is a turn of nobody's own.
#[test]
fn files_take_turns_on_a_slow_line_too() {
    let small = TransferId(2);
    let mut world = World::new(&[Manner::Slow], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 400 * BLOCK_BYTES_MIN)]));
    // Slow enough for the least window.
    world.run(2_000);
    world.machine.add(small, DownloadJob::new(name(0), vec![content(2, 300)]));
    let before = world.machine.job(JOB).expect("known").done_bytes();
    while !world.over.contains(&small) {
        assert!(!world.over.contains(&JOB), "it waits for the whole of the other");
        world.step();
    }
    let meanwhile = world.machine.job(JOB).expect("known").done_bytes() - before;
    assert!(meanwhile <= 8 * BLOCK_BYTES_MIN, "{meanwhile}");
}

#[test]
fn the_place_in_the_queue_is_told() {
    let mut world = World::new(&[Manner::Mute], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    world.settle();
    let id = *world.peers.keys().next().expect("connected");
    world.machine.queued(id, 3, world.now);
    assert_eq!(world.machine.state(JOB).0, TransferState::WaitingForSlot { place: 3 });
    world.machine.granted(id);
    assert_eq!(world.machine.state(JOB).0, TransferState::Running);
}

#[test]
fn the_end_of_a_slow_source_is_taken_over() {
    let mut world = World::new(&[Manner::Mute, Manner::Honest], 3);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 100 * BLOCK_BYTES_MIN)]));
    let begun = world.now;
    world.run(10_000);
    assert!(world.over.contains(&JOB));
    assert!(world.now - begun < Duration::from_secs(10), "it did not wait until the mute one was given up");
    assert!(world.asked_bytes < 130 * BLOCK_BYTES_MIN, "only what was late was asked for twice");
}

#[test]
fn a_file_that_is_too_large_fails_at_once() {
    let mut world = World::new(&[Manner::Honest], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, FILE_BYTES_MAX + 1), content(2, 5)]));
    world.run(100);
    assert_eq!(world.failed.values().collect::<Vec<_>>(), [&TransferError::TooLarge]);
    assert_eq!(world.finished.len(), 1, "the other one is here");
}
