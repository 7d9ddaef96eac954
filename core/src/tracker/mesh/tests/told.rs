//! When and how fast a tracker tells the others.

use super::*;

#[test]
fn what_is_shared_is_told_at_once_and_what_follows_together() {
    let mut now = Instant::now();
    let mut effects = Vec::new();
    let mut mesh = Mesh::new(now, name_of(0), 1, 0);
    mesh.set_trackers(now, listed(2), &mut effects);
    let link = LinkId(1);
    mesh.connected(now, link, KEY, [127, 0, 0, 1].into(), Some(name_of(1)), &mut effects);
    mesh.heard(now, link, "hello 1 192.0.2.100:7001 5 0 0".parse().expect("a line"), &mut effects);
    let anna = user("anna", 1);
    mesh.came(now, anna.clone(), &mut effects);
    for (after, files, told) in [(0, 1, Some(1)), (20, 2, None), (10, 3, None), (20, 4, Some(4)), (70, 5, Some(5))] {
        now += Duration::from_millis(after);
        mesh.shares(now, &anna.username, Totals { files, bytes: 0 });
        effects.clear();
        if mesh.next_deadline().is_some_and(|at| at <= now) {
            mesh.tick(now, &mut effects);
        }
        let here = effects.iter().find_map(|effect| match effect {
            MeshEffect::Link(LinkEffect::Send { bytes, .. }) => std::str::from_utf8(bytes)
                .expect("text")
                .lines()
                .find(|line| line.starts_with("here "))
                .map(str::to_owned),
            _ => None,
        });
        let expected = told.map(|files: u64| format!(" {files} 0 "));
        assert_eq!(here.is_some(), expected.is_some(), "{files}: {here:?}");
        assert!(here.zip(expected).is_none_or(|(here, expected)| here.contains(&expected)), "{files}");
    }
}

#[test]
fn a_slow_reader_is_told_no_faster_than_it_takes() {
    let now = Instant::now();
    let mut effects = Vec::new();
    let mut mesh = Mesh::new(now, name_of(0), 1, 0);
    mesh.set_trackers(now, listed(2), &mut effects);
    for n in 0..20_000 {
        mesh.came(now, user(&format!("u{n}"), 0), &mut effects);
    }
    let link = LinkId(1);
    mesh.connected(now, link, KEY, [127, 0, 0, 1].into(), Some(name_of(1)), &mut effects);
    effects.clear();
    mesh.heard(now, link, "hello 1 192.0.2.100:7001 5 0 0".parse().expect("a line"), &mut effects);
    let mut other = Mirror::default();
    let (mut passes, mut known) = (0, 0);
    while !effects.is_empty() {
        let sent: Vec<MeshEffect> = std::mem::take(&mut effects);
        for effect in sent {
            let MeshEffect::Link(LinkEffect::Send { bytes, .. }) = effect else { continue };
            assert!(bytes.len() < 300_000, "{}", bytes.len());
            for line in std::str::from_utf8(&bytes).expect("text").lines() {
                if let Heard::All { users, .. } = other.hear(line.parse().expect(line)) {
                    known = users.len();
                }
            }
            // Somebody comes and goes while everybody is told.
            mesh.left(&format!("u{passes}").parse().expect("a name"), &mut effects);
            mesh.came(now, user(&format!("v{passes}"), 0), &mut effects);
            mesh.passed(link, bytes.len(), &mut effects);
            passes += 1;
            if passes > 200 {
                effects.clear();
            }
        }
    }
    assert!(passes > 3 && known > 19_000, "{passes} {known}");
}
