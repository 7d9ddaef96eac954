//! A way to the Internet that is metered, and people in the same local network.

use super::*;

impl World {
    /// Somebody is reached, if they are there; within the local network only unless they may be far.
    pub(super) fn connect(&mut self, id: SourceId, contact: &Contact, may_be_far: bool) {
        let (manner, now) = (self.manners[&contact.username], self.now);
        let is_nearby = self.nearby.contains(&contact.username);
        let is_there = manner != Manner::Unreachable && !self.absent.contains(&contact.username);
        if !is_there || !(is_nearby || may_be_far) {
            return self.machine.disconnected(id, now);
        }
        let peer = Peer { manner, is_connected: true, open: Vec::new(), cancelled: BTreeSet::new(), answers: 0 };
        let before = self.peers.insert(id, peer);
        assert!(before.is_none_or(|peer| !peer.is_connected), "connected once");
        let way = if is_nearby { Way::Nearby } else { Way::Direct };
        self.ways.insert(id, way);
        self.machine.connected(id, way, now);
        if manner == Manner::Queues {
            self.machine.queued(id, 1, now);
        }
    }
}

/// A file of many blocks.
const FILE_BYTES: u64 = 12_000_000;

fn world(owner: Manner) -> World {
    let mut world = World::new(&[owner, Manner::Honest], 7);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, FILE_BYTES), content(2, 300)]));
    world
}

fn state(world: &World) -> TransferState {
    world.machine.state(JOB).0
}

#[test]
fn nothing_is_asked_over_the_internet_until_it_is_free_or_a_person_says_so() {
    for is_said in [false, true] {
        let mut world = world(Manner::Honest);
        world.run(20);
        assert!(world.asked_bytes > 0 && state(&world) == TransferState::Running);
        world.machine.set_metered(true);
        world.run(5);
        assert_eq!(state(&world), TransferState::Metered);
        let asked = world.asked_bytes;
        world.run(400);
        assert_eq!((state(&world), world.asked_bytes), (TransferState::Metered, asked));
        assert!(world.peers.values().all(|peer| !peer.is_connected), "what nobody may use is not kept open");
        if is_said {
            world.machine.resume(JOB);
        } else {
            world.machine.set_metered(false);
        }
        world.run(1000);
        assert_eq!(state(&world), TransferState::Finished);
    }
}

#[test]
fn who_is_nearby_is_asked_all_the_same() {
    let mut world = world(Manner::Honest);
    world.nearby.insert(name(0));
    world.machine.set_metered(true);
    world.run(20);
    assert_eq!(state(&world), TransferState::Running);
    world.run(1000);
    assert_eq!(state(&world), TransferState::Finished);
}

#[test]
fn another_who_has_it_and_is_nearby_is_enough() {
    for owner in [Manner::Honest, Manner::Unreachable] {
        let mut world = world(owner);
        world.nearby.insert(name(1));
        world.machine.set_metered(true);
        world.run(2000);
        assert_eq!(state(&world), TransferState::Finished, "{owner:?}");
        assert_eq!(world.ways.values().copied().collect::<Vec<_>>(), [Way::Nearby], "{owner:?}");
    }
}

#[test]
fn a_connection_that_leaves_the_local_network_is_not_used_any_more() {
    let mut world = world(Manner::Honest);
    world.nearby.insert(name(0));
    world.machine.set_metered(true);
    world.run(20);
    let id = *world.ways.keys().next().expect("connected");
    world.ways.insert(id, Way::Relayed);
    world.machine.goes_another_way(id, Way::Relayed);
    world.settle();
    let asked = world.asked_bytes;
    assert_eq!(state(&world), TransferState::Metered);
    world.ways.insert(id, Way::Nearby);
    world.machine.goes_another_way(id, Way::Nearby);
    world.run(1000);
    assert!(world.asked_bytes > asked);
    assert_eq!(state(&world), TransferState::Finished);
}

#[test]
fn what_a_person_lets_go_on_does_not_take_others_with_it() {
    let other = TransferId(2);
    let mut world = world(Manner::Honest);
    world.machine.add(other, DownloadJob::new(name(0), vec![content(3, FILE_BYTES)]));
    world.machine.set_metered(true);
    world.run(50);
    assert_eq!(world.machine.state(other).0, TransferState::Metered);
    world.machine.resume(JOB);
    // Every step shows that nothing is asked for the other one.
    world.run(1000);
    assert_eq!((state(&world), world.machine.state(other).0), (TransferState::Finished, TransferState::Metered));
}

#[test]
fn room_on_the_disk_lets_nothing_go_on_that_costs_something() {
    let mut world = world(Manner::Honest);
    world.disk_full_at = Some(5);
    world.machine.set_metered(true);
    world.machine.resume(JOB);
    world.run(200);
    assert_eq!(state(&world), TransferState::Metered);
}

proptest! {
    #[test]
    fn whenever_it_is_metered_it_comes_in_the_end(
        noise: u64,
        nearby in proptest::collection::btree_set(0usize..4, 0..4),
        changes in proptest::collection::vec(1usize..60, 1..8),
    ) {
        let mut world = World::new(&[Manner::Slow, Manner::Honest, Manner::Drops(9), Manner::Honest], noise);
        world.nearby.extend(nearby.iter().map(|n| name(*n)));
        world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, FILE_BYTES), content(2, 300), content(3, 9_000_000)]));
        for (at, steps) in changes.into_iter().enumerate() {
            world.machine.set_metered(at.is_multiple_of(2));
            world.run(steps);
        }
        world.machine.set_metered(false);
        world.run(20_000);
        prop_assert_eq!(state(&world), TransferState::Finished);
    }
}
