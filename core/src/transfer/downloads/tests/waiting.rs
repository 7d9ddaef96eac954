//! Users who are away, do not answer, or are somebody else now.

use std::time::SystemTime;

use super::*;
use crate::model::ban_terms::Remark;
use crate::model::keeping_away::KeptAway;

#[test]
fn a_user_who_is_away_is_waited_for() {
    let mut world = World::new(&[Manner::Honest], 1);
    world.absent.insert(name(0));
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 3_000_000)]));
    world.run(500);
    assert_eq!(world.machine.state(JOB).0, TransferState::WaitingForUser);
    world.absent.clear();
    world.machine.news(world.now);
    world.run(500);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
}

#[test]
fn nothing_is_asked_of_another_key() {
    let mut world = World::new(&[Manner::Honest], 1);
    world.absent.insert(name(0));
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    world.run(10);
    assert_eq!(world.machine.state(JOB).0, TransferState::WaitingForUser);
    world.impostors.insert(name(0));
    let _told = world.machine.take_changed();
    world.machine.news(world.now);
    world.run(10);
    assert_eq!(world.machine.state(JOB).0, TransferState::OtherKey);
    assert!(world.machine.take_changed().contains(&JOB) && world.peers.is_empty(), "is told, and nobody is dialled");
    // The person says that it is them.
    world.impostors.clear();
    world.absent.clear();
    world.machine.news(world.now);
    world.run(500);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
}

#[test]
fn who_is_kept_out_waits_and_says_why() {
    let mut world = World::new(&[Manner::Honest], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    let reason = Remark::new("loud").ok();
    let for_good = KeptAway { until: None, reason: reason.clone() };
    let for_a_while = KeptAway { until: Some(SystemTime::UNIX_EPOCH), reason };
    for why in [for_good, for_a_while] {
        world.kept_away = Some(why.clone());
        let _told = world.machine.take_changed();
        world.machine.news(world.now);
        world.run(10);
        assert_eq!(world.machine.state(JOB).0, TransferState::KeptAway(why));
        assert!(
            world.machine.take_changed().contains(&JOB) && world.peers.is_empty(),
            "is told, and nobody is dialled"
        );
    }
    world.kept_away = None;
    world.machine.news(world.now);
    world.run(500);
    assert_eq!(world.machine.state(JOB).0, TransferState::Finished);
}

#[test]
fn an_unreachable_user_is_tried_with_growing_pauses() {
    let mut world = World::new(&[Manner::Unreachable], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    let until = world.now + Duration::from_secs(60);
    let mut tries = 0;
    while world.now < until {
        for effect in world.machine.effects(world.now) {
            tries += usize::from(matches!(effect, DownloadEffect::Connect(..)));
            world.carry_out(effect);
        }
        world.now += Duration::from_millis(100);
        world.machine.tick(world.now);
    }
    assert!((4..=7).contains(&tries), "{tries}");
    let address = Some(([10, 0, 0, 1], 20_000).into());
    assert_eq!(
        world.machine.state(JOB).0,
        TransferState::Unreachable { address, no_relay: None },
        "is here, and does not answer"
    );
    world.absent.insert(name(0));
    world.machine.news(world.now);
    world.run(10);
    assert_eq!(world.machine.state(JOB).0, TransferState::WaitingForUser, "is away");
}

/// Saying that we are next costs nothing, nor does a byte now and then: nobody hides those behind them by it.
#[test]
fn whoever_sends_nothing_is_not_waited_for_alone() {
    for manner in [Manner::Queues, Manner::QueuesWhenAsked, Manner::Drips, Manner::Mute] {
        let sizes = [300, 3 * BLOCK_BYTES_MIN, 30_000_000];
        let cases = [1, 2, 3, SOURCES_MAX + 2].into_iter().flat_map(|useless| sizes.map(|size| (useless, size)));
        // And more than there are connections.
        for (useless, size) in cases.chain([(70, 300)]) {
            let mut manners = vec![manner; useless];
            manners.push(Manner::Honest);
            let mut world = World::new(&manners, 1);
            world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, size)]));
            let begun = world.now;
            world.run(12_000);
            assert_eq!(world.machine.state(JOB).0, TransferState::Finished, "{manner:?} {useless} {size}");
            // Whose connection is given up meanwhile makes room for one other only.
            let at_once = if manner == Manner::Mute { 2 } else { SOURCES_MAX };
            let rounds = u32::try_from(useless / at_once).expect("few") + 2;
            assert!(world.now - begun < STALLED_AFTER * rounds, "{manner:?} {useless} {size}: {:?}", world.now - begun);
        }
    }
    let mut world = World::new(&[Manner::Queues], 1);
    world.machine.add(JOB, DownloadJob::new(name(0), vec![content(1, 300)]));
    world.run(500);
    assert_eq!(
        world.machine.state(JOB).0,
        TransferState::WaitingForSlot { place: 1 },
        "without others it is waited for"
    );
}
