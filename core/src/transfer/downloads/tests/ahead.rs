//! What is done before it is known to be needed, counted in flights: what is asked without an answer in between.

use super::*;

/// The asks of the one peer there is that have no answer.
fn open(world: &World) -> Vec<What> {
    world.peers.values().flat_map(|peer| &peer.open).map(|(ask, _)| ask.what).collect()
}

/// The first peer answers the first request that it has not answered.
fn answer_first(world: &mut World, outcome: AskOutcome) {
    let (id, peer) = world.peers.iter_mut().next().expect("connected");
    let (ask, _) = peer.open.remove(0);
    world.machine.answered(*id, ask.id, outcome, world.now);
    world.settle();
}

fn world(blocks: u64) -> World {
    let mut world = World::new(&[Manner::Honest], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, blocks * BLOCK_BYTES_MIN)]));
    world
}

#[test]
fn the_first_blocks_of_a_new_file_are_asked_for_with_its_list() {
    let ahead = [What::List, What::Block(0), What::Block(1), What::Block(2), What::Block(3)];
    for (blocks, asked) in [(2, 3), (4, 5), (100, 5)] {
        let mut world = world(blocks);
        world.settle();
        assert_eq!(open(&world), ahead[..asked], "{blocks} blocks, in one flight");
        answer_first(&mut world, AskOutcome::Begun);
        let asked_for = open(&world).into_iter().collect::<Vec<_>>();
        assert_eq!(asked_for[..asked - 1], ahead[1..asked], "nothing is asked for twice");
        world.open.insert(FileId { job: JOB, index: 0 });
        world.run(1000);
        assert!(world.over.contains(&JOB));
        assert_eq!(world.asked_bytes, (blocks * BLOCK_BYTES_MIN) + blocks * 32, "{blocks} blocks");
    }
}

#[test]
fn what_is_here_is_looked_at_before_blocks_are_asked_for() {
    let size = 100 * BLOCK_BYTES_MIN;
    let mut job = DownloadJob::new(name(0), vec![content(1, size)]);
    job.restore(0, FileState::Pending, 3 * BLOCK_BYTES_MIN);
    let mut world = World::new(&[Manner::Honest], 1);
    world.written.insert(FileId { job: JOB, index: 0 }, BTreeSet::from([0, 1, 2]));
    world.machine.add(JOB, job);
    world.settle();
    assert_eq!(open(&world), [What::List]);
    world.run(1000);
    assert!(world.over.contains(&JOB));
}

/// A part file lies there that nobody knew of.
#[test]
fn blocks_that_came_too_early_are_asked_for_again() {
    let mut world = world(100);
    world.settle();
    world.written.insert(FileId { job: JOB, index: 0 }, BTreeSet::from([7]));
    let list = list_of(content(1, 100 * BLOCK_BYTES_MIN));
    // They come before the list does.
    world.peers.values_mut().next().expect("connected").open.rotate_left(1);
    answer_first(&mut world, AskOutcome::Unwanted);
    answer_first(&mut world, AskOutcome::Unwanted);
    assert_eq!(open(&world), [What::Block(2), What::Block(3), What::List], "as long as nothing can be written");
    world.peers.values_mut().next().expect("connected").open.rotate_right(1);
    answer_first(&mut world, AskOutcome::List(list));
    let asked: BTreeSet<_> = open(&world).into_iter().map(|what| format!("{what:?}")).collect();
    assert!(asked.contains("Block(0)") && asked.contains("Block(1)") && !asked.contains("Block(7)"), "{asked:?}");
    assert_eq!(asked.len(), open(&world).len(), "each once");
    world.run(1000);
    assert!(world.over.contains(&JOB));
}

#[test]
fn a_list_of_what_the_file_was_before_does_not_count() {
    let (before, now) = (content(1, 100 * BLOCK_BYTES_MIN), content(2, 100 * BLOCK_BYTES_MIN));
    for outcome in [AskOutcome::Begun, AskOutcome::List(list_of(before))] {
        let mut world = world(100);
        world.settle();
        world.machine.grow(JOB, &[(0, now)], Vec::new());
        world.settle();
        answer_first(&mut world, outcome);
        for _ in 0..4 {
            answer_first(&mut world, AskOutcome::Refused(PeerRefusal::Cancelled));
        }
        let asked = world.peers.values().flat_map(|peer| &peer.open).map(|(ask, _)| *ask).collect::<Vec<_>>();
        let of_now = asked.iter().filter(|ask| ask.content == now).map(|ask| ask.what).collect::<Vec<_>>();
        assert_eq!(of_now.first(), Some(&What::List), "it waits for the list of what it is now: {asked:?}");
        world.run(1000);
        assert!(world.over.contains(&JOB));
    }
}

#[test]
fn who_is_expected_is_reached_before_anything_is_wanted() {
    let mut world = World::new(&[Manner::Honest], 1);
    let contact = world.by_name[&name(0)].clone();
    world.machine.expect(&contact, world.now);
    world.settle();
    assert_eq!(world.peers.len(), 1, "connected");
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 10)]));
    world.settle();
    assert_eq!(open(&world), [What::Block(0)], "over the connection that is there");
    world.run(100);
    assert!(world.over.contains(&JOB));

    // Nothing was wanted after all.
    let mut world = World::new(&[Manner::Honest, Manner::Unreachable], 1);
    for user in 0..2 {
        let contact = world.by_name[&name(user)].clone();
        world.machine.expect(&contact, world.now);
    }
    let pass = |world: &mut World, tenths: usize| {
        for _ in 0..tenths {
            world.now += Duration::from_millis(100);
            world.machine.tick(world.now);
            world.settle();
        }
        world.peers.values().filter(|peer| peer.is_connected).count()
    };
    assert_eq!(pass(&mut world, 49), 1);
    let contact = world.by_name[&name(0)].clone();
    world.machine.expect(&contact, world.now);
    assert_eq!(pass(&mut world, 49), 1, "as long as if it were new");
    assert_eq!(pass(&mut world, 10), 0, "the connection has ended");
    assert!(world.machine.is_at_rest(), "and is not made again");
}
