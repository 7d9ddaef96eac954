//! Sources that refuse, fail or are many: what is asked again, of whom, and what is said about it.

use super::*;

/// Whatever a peer answers without sending anything, it is not asked for ever, nor in a hurry.
#[test]
fn what_is_answered_for_free_costs_the_turn_and_the_source_in_the_end() {
    let user = name(0);
    for (why, expected) in [
        (PeerRefusal::Cancelled, TransferError::NotSent { user: user.clone() }),
        (PeerRefusal::Busy, TransferError::NotSent { user: user.clone() }),
        (PeerRefusal::NotShared, TransferError::NotShared),
        (PeerRefusal::BadRequest, TransferError::NotShared),
        (PeerRefusal::Changed, TransferError::Changed),
        (PeerRefusal::Internal, TransferError::Unreadable),
    ] {
        let mut world = World::new(&[Manner::Refuses(why)], 7);
        let files: Vec<Content> = (0..50).map(|n| content(n, 1000)).chain([content(99, 9 * BLOCK_BYTES_MIN)]).collect();
        world.machine.add(JOB, DownloadJob::new(user.clone(), files.clone()));
        let begun = world.now;
        world.run(200_000);
        assert!(world.over.contains(&JOB), "{why:?}: it is over");
        assert!(world.failed.len() == files.len() && world.failed.values().all(|error| *error == expected), "{why:?}");
        assert!(world.asks <= 10 * files.len() + 100, "{why:?}: asked {} times", world.asks);
        assert!(world.now - begun >= Duration::from_secs(5), "{why:?}: with pauses");
        assert!(world.liars.is_empty(), "{why:?}: nobody is wronged");

        // It can be tried again.
        assert_eq!(world.machine.retry(JOB).len(), files.len(), "{why:?}");
        world.over.clear();
        world.manners.insert(user.clone(), Manner::Honest);
        world.peers.values_mut().for_each(|peer| peer.manner = Manner::Honest);
        world.run(200_000);
        assert!(world.finished.len() == files.len(), "{why:?}");
    }
}

/// A log that grows is what it is by the time that it can be sent; a file that was changed once is fetched as it is now.
#[test]
fn what_its_owner_changes_is_tried_again_as_what_it_is_then() {
    let now_it_is = content(8, 700_000);
    let mut world = World::new(&[Manner::Has(now_it_is)], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    let file = FileId { job: JOB, index: 0 };
    // Listed as what it was, then as something that is gone as well, then not known, then as what it is.
    for announced in [Announced::Content(content(1, 300)), Announced::Content(content(2, 400)), Announced::Unknown] {
        world.announced.insert(0, announced);
        let until = world.now + Duration::from_secs(40);
        while world.now < until {
            world.step();
        }
        assert_eq!(world.machine.state(JOB).0, TransferState::Changing, "{announced:?}");
    }
    assert_eq!(world.renewed.get(&file), Some(&content(2, 400)));
    assert!(world.asks < 30, "with pauses: {}", world.asks);
    world.announced.insert(0, Announced::Content(now_it_is));
    world.run(200_000);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
    assert_eq!(world.renewed.get(&file), Some(&now_it_is));
    let job = world.machine.job(JOB).expect("known");
    assert_eq!((job.total_bytes(), job.done_bytes()), (700_000, 700_000));
}

#[test]
fn what_is_listed_and_refused_is_not_said_to_be_unshared() {
    for (announced, expected) in [
        (Announced::Nothing, TransferError::NotShared),
        (Announced::Content(content(1, 300)), TransferError::NotSent { user: name(0) }),
    ] {
        let mut world = World::new(&[Manner::Refuses(PeerRefusal::NotShared)], 1);
        world.announced.insert(0, announced);
        world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
        world.run(100_000);
        assert_eq!(world.failed.values().collect::<Vec<_>>(), [&expected]);
    }
}

/// However many are listed before them who do not answer or have nothing: somebody who has it is asked.
#[test]
fn others_are_asked_when_sources_fail() {
    for bad in [Manner::Unreachable, Manner::Refuses(PeerRefusal::NotShared), Manner::Refuses(PeerRefusal::Busy)] {
        let mut manners = vec![bad; 60];
        manners.push(Manner::Honest);
        let mut world = World::new(&manners, 3);
        world.absent.insert(name(0));
        world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300), content(2, 9 * BLOCK_BYTES_MIN)]));
        let begun = world.now;
        world.run(200_000);
        assert_eq!(world.machine.state(JOB).0, TransferState::Finished, "{bad:?}");
        assert!(world.now - begun < Duration::from_secs(120), "{bad:?}: {:?}", world.now - begun);
    }
}

#[test]
fn who_has_delivered_is_asked_first() {
    let mut manners = vec![Manner::Mute; 30];
    manners[0] = Manner::Refuses(PeerRefusal::NotShared);
    manners.push(Manner::Honest);
    let mut world = World::new(&manners, 3);
    world.machine.add(TransferId(2), DownloadJob::new(name(30), vec![content(3, 10)]));
    world.run(100);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 9 * BLOCK_BYTES_MIN)]));
    let until = world.now + Duration::from_secs(4);
    while world.now < until {
        world.step();
    }
    let file = FileId { job: JOB, index: 0 };
    assert!(!world.written[&file].is_empty(), "not only those who say nothing are asked");
    world.run(200_000);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
}

#[test]
fn what_nobody_shares_fails_only_after_several_tries() {
    let mut world = World::new(&[Manner::Refuses(PeerRefusal::NotShared), Manner::Refuses(PeerRefusal::Changed)], 1);
    let begun = world.now;
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 10), content(2, 10_000_000)]));
    world.run(10_000);
    assert!(world.over.contains(&JOB));
    assert_eq!(world.failed.len(), 2);
    assert!(world.failed.values().all(|error| *error == TransferError::NotShared));
    assert!(world.now - begun >= Duration::from_secs(8), "its owner may just be starting");
    assert_eq!(world.machine.state(JOB).0, TransferState::Failed(TransferError::NotShared));

    world.manners.insert(name(0), Manner::Honest);
    world.over.clear();
    world.peers.values_mut().for_each(|peer| peer.manner = Manner::Honest);
    assert_eq!(world.machine.retry(JOB).len(), 2);
    world.run(10_000);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
}

#[test]
fn a_liar_is_named_once_and_its_files_fail_if_nobody_else_has_them() {
    let mut world = World::new(&[Manner::Liar(1)], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), (0..3000).map(|n| content(n, 10)).collect()));
    world.run(10_000);
    assert_eq!(world.liars, BTreeSet::from([name(0)]));
    assert_eq!(world.failed.len(), 3000);
    assert_eq!(world.machine.state(JOB).0, TransferState::Failed(TransferError::Lied { user: name(0) }));
}
