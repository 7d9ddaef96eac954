//! Names that have lapsed, or were released: they rest before they are anybody's.

use potok_core::net::identity::Identity;
use potok_tests::cluster::{EtcdServers, TrackerFolders};

use super::{program, register, until};

const DAY: u64 = 24 * 3600;

/// The lease of the name that rests, as etcd writes it, which is to last ten minutes.
fn lease_of(etcd: &EtcdServers, name: &str) -> String {
    let key = format!("potok/n/{name}");
    for lease in etcd.etcdctl(&["lease", "list"]).lines().skip(1) {
        let said = etcd.etcdctl(&["lease", "timetolive", lease, "--keys"]);
        if said.split(['[', ']', ' ']).any(|word| word == key) {
            assert!(said.contains("granted with TTL(600s)"), "{said}");
            return lease.to_owned();
        }
    }
    panic!("{name} does not rest under a lease");
}

/// What stands at a name.
fn value(etcd: &EtcdServers, name: &str) -> String {
    etcd.etcdctl(&["get", "--print-value-only", &format!("potok/n/{name}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_lapsed_or_was_released_rests_for_ten_minutes_at_all_trackers() {
    let boss = Identity::generate();
    let etcd = EtcdServers::start(1);
    let settings = format!("owners = [\"{}\"]\nname_lapses_after_days = 30\n", boss.public_key());
    let folders = TrackerFolders::new(&etcd, &settings);
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let [anna, eve, vera] = [(); 3].map(|()| Identity::generate());
    let (said, session) = register(&one, &anna, "anna").await;
    assert_eq!(said, "OK 0");
    drop(session);
    let (said, mut vera) = register(&two, &vera, "vera").await;
    assert_eq!(said, "OK 0");
    let mut here = one.session(&eve).await;
    until(&mut here, "list-users", "vera ").await;
    // A month goes by in which vera is here and anna is not.
    let clock: u64 = etcd.etcdctl(&["get", "--print-value-only", "potok/c"]).trim().parse().expect("seconds");
    etcd.etcdctl(&["put", "potok/c", &(clock + 31 * DAY).to_string()]);
    // Who has heard of a later name has heard of that.
    until(&mut here, "register-user eve", "OK 0").await;
    // A tracker looks now and then, and when it ends.
    assert_eq!(one.running.terminate(), Some(0));
    assert!(!value(&etcd, "anna").contains("key"), "{}", value(&etcd, "anna"));
    assert!(value(&etcd, "vera").contains("key"), "it is in use: {}", value(&etcd, "vera"));
    let mut there = two.session(&eve).await;
    for name in ["anna", "ANNA"] {
        until(&mut there, &format!("register-user {name}"), "ERR name-taken").await;
    }
    let mut herself = two.session(&anna).await;
    herself.expect("register-user anna", "ERR name-taken").await;
    vera.expect("whoami", "OK 1").await;
    // The ten minutes are over.
    etcd.etcdctl(&["lease", "revoke", &lease_of(&etcd, "anna")]);
    until(&mut there, "register-user anna", "OK 0").await;
    herself.expect("register-user anna", "ERR name-taken").await;
    // An owner releases one; whoever was under it goes.
    let mut owner = two.session(&boss).await;
    owner.expect("release vera", "OK 0").await;
    assert!(vera.to_end().await.last().is_some_and(|line| line.starts_with("* closing")));
    there.expect("unregister-user anna", "OK 0").await;
    there.expect("register-user vera", "ERR name-taken").await;
    etcd.etcdctl(&["lease", "revoke", &lease_of(&etcd, "vera")]);
    until(&mut there, "register-user vera", "OK 0").await;
}
