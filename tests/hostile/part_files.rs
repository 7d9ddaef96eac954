//! What lies where an unfinished file of ours would be: bytes that somebody else wrote, or something that is no file.
//! The finished file is right or there is none, and what does not belong to the download stays as it was.

#[cfg(unix)]
use std::{path::Path, time::Duration};

use potok_core::tracker::settings::TrackerSettings;
use potok_tests::program::PATIENCE;
use potok_tests::world::{Person, TestTracker, noise, scaled};
use tokio::runtime::Runtime;

const BLOCK: usize = 256 * 1024;

/// Changes of bytes that were right.
fn changed(data: &[u8], chance: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    for throw in chance.chunks_exact(8) {
        let at = usize::from(u16::from_le_bytes([throw[1], throw[2]])) * 16 % bytes.len().max(1);
        match throw[0] % 8 {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(&noise(u64::from(throw[3]), at)),
            2 => _ = bytes.get_mut(at).map(|byte| *byte ^= 1 << (throw[3] % 8)),
            3 => bytes.iter_mut().skip(at).take(BLOCK).for_each(|byte| *byte = 0),
            4 => bytes.rotate_left(at),
            5 if bytes.len() >= 2 * BLOCK => {
                let (one, other) = bytes.split_at_mut(BLOCK);
                one.swap_with_slice(&mut other[..BLOCK]);
            }
            6 => bytes.clear(),
            _ => {}
        }
    }
    bytes
}

#[test]
fn whatever_lies_in_a_part_file_the_finished_file_is_right() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let (anna, bob) = (Person::new("anna"), Person::new("bob"));
    anna.join(&tracker.address());
    bob.join(&tracker.address());
    // One block, its edges, and some more.
    let sizes = [1, 5_000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7];
    let files: Vec<Vec<u8>> = (0..).zip(sizes).map(|(n, size)| noise(900 + n, size)).collect();
    for (n, data) in files.iter().enumerate() {
        anna.share(&anna.write(&format!("{n}.bin"), data)).expect("shared");
    }
    let mut differed = 0;
    for round in 0..scaled(60) {
        let n = round % files.len();
        let lies_there = changed(&files[n], &noise(round as u64, 8 * (round % 5)));
        differed += usize::from(lies_there != files[n]);
        let name = format!("got-{round}.bin");
        bob.write(&format!("{name}.potok-part"), &lies_there);
        let number = bob.download("anna", &format!("{n}.bin"), &name).expect("begins");
        assert_eq!(bob.over(number, PATIENCE), Some(None), "round {round}");
        assert!(std::fs::read(bob.path(&name)).expect("read") == files[n], "round {round}: other bytes");
        assert!(!bob.path(&format!("{name}.potok-part")).exists(), "round {round}");
    }
    assert!(differed >= scaled(30), "{differed}");
}

#[cfg(unix)]
type Lay = fn(part: &Path, canary: &Path) -> std::io::Result<()>;

/// What is no unfinished file of ours.
#[cfg(unix)]
const IN_THE_WAY: &[(&str, Lay)] = &[
    ("a link to somebody's file", |part, canary| std::os::unix::fs::symlink(canary, part)),
    ("a link to nowhere", |part, _| std::os::unix::fs::symlink("nowhere", part)),
    ("another name of somebody's file", |part, canary| std::fs::hard_link(canary, part)),
    ("a folder", |part, _| std::fs::create_dir(part)),
    ("a link to a folder", |part, canary| std::os::unix::fs::symlink(canary.parent().unwrap_or(canary), part)),
    ("a socket", |part, _| std::os::unix::net::UnixListener::bind(part).map(drop)),
    ("a pipe", |part, _| {
        let made = std::process::Command::new("mkfifo").arg(part).status()?;
        made.success().then_some(()).ok_or_else(|| std::io::Error::other("mkfifo"))
    }),
    ("a device", |part, _| std::os::unix::fs::symlink("/dev/zero", part)),
];

#[cfg(unix)]
#[test]
fn what_is_no_part_file_of_ours_is_not_written_to() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let (anna, bob) = (Person::new("anna"), Person::new("bob"));
    anna.join(&tracker.address());
    bob.join(&tracker.address());
    for (name, size) in [("small.bin", 5_000), ("large.bin", 2 * BLOCK)] {
        anna.share(&anna.write(name, &noise(1, size))).expect("shared");
        for (n, (what, lay)) in IN_THE_WAY.iter().enumerate() {
            let canary = bob.write(&format!("canary-{n}-{name}"), b"what nobody may touch");
            let local = format!("got-{n}-{name}");
            lay(&bob.path(&format!("{local}.potok-part")), &canary).unwrap_or_else(|why| panic!("{what}: {why}"));
            let number = bob.download("anna", name, &local).expect("begins");
            let over = bob.over(number, Duration::from_secs(20));
            assert!(matches!(over, Some(Some(_))), "{what}, {name}: {over:?}");
            assert_eq!(std::fs::read(&canary).expect("read"), b"what nobody may touch", "{what}");
            assert!(!bob.path(&local).exists(), "{what}: a file was finished");
        }
    }
}
