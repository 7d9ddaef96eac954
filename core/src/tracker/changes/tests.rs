//! Tests of what watchers are told.

use super::*;
use crate::model::key::PublicKey;
use crate::tracker::catalog::Catalog;

struct Fixture {
    start: Instant,
    changes: Changes,
    roster: Roster,
    catalog: Catalog,
    sessions: u64,
}

fn name(text: &str) -> Username {
    Username::new(text).expect(text)
}

impl Fixture {
    fn new() -> Self {
        let start = Instant::now();
        let mut changes = Changes::new(start, Duration::from_millis(250));
        changes.watch(SessionId::new(1), ReaderView::SameHost, WatchFilter::default());
        Self { start, changes, roster: Roster::default(), catalog: Catalog::new(), sessions: 1 }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn come(&mut self, millis: u64, who: &str, key: u8) {
        self.changes.joined(self.at(millis), &name(who));
        let owner = self.catalog.add_owner(name(who));
        self.sessions += 1;
        self.roster.add(Online {
            session: SessionId::new(self.sessions),
            username: name(who),
            key: (key > 0).then(|| PublicKey::from_bytes([key; 32])),
            seen: [192, 0, 2, 1].into(),
            is_on_this_host: false,
            port: None,
            second: None,
            lan: Vec::new(),
            openness: Vec::new(),
            owner,
            elsewhere: None,
        });
    }

    fn go(&mut self, millis: u64, who: &str, shares: usize, is_taken_over: bool) {
        let online = self.roster.remove(&name(who)).expect("online");
        self.changes.left(self.at(millis), &online, shares, is_taken_over);
    }

    fn share(&mut self, millis: u64, who: &str, path: &str) {
        let path = crate::model::share_path::SharePath::new(path).expect(path);
        let mut touched = TouchedFolders::default();
        self.changes.folders().touch(&path, &mut touched);
        self.changes.shared(self.at(millis), &name(who), Notice::Unshared(name(who), path), touched);
    }

    /// What each audience is told at a time.
    fn told(&mut self, millis: u64) -> Vec<(usize, String)> {
        let mut effects = Effects::default();
        let now = self.start + Duration::from_millis(millis);
        self.changes.tell(now, &self.roster, &mut Readers::new(1000), &mut effects);
        let told = effects.into_iter().map(|effect| match effect {
            Effect::Notify { to, bytes } => (to.len(), String::from_utf8(bytes.to_vec()).expect("text")),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    fn line(&mut self, millis: u64) -> String {
        self.told(millis).into_iter().map(|(_, text)| text).collect()
    }
}

#[test]
fn one_change_is_told_as_it_is_and_many_as_one() {
    let mut f = Fixture::new();
    f.come(1, "anna", 0);
    f.share(10, "anna", "a");
    assert_eq!(f.line(49), "");
    assert_eq!(f.line(50), "* joined anna - -\n* unshared anna a\n", "who comes is told at the next step");
    f.share(300, "anna", "a");
    assert_eq!(f.line(550), "* unshared anna a\n");
    f.share(1000, "anna", "a");
    f.share(1240, "anna", "b");
    assert_eq!(f.line(1250), "* changed anna\n");
    assert_eq!(f.line(9999), "");
    f.share(10_001, "anna", "a");
    assert_eq!(f.changes.next_deadline(), Some(f.at(10_300)), "rounded up to a step");
}

#[test]
fn coming_and_going_is_told_as_it_can_have_been_seen() {
    let key = "07".repeat(32);
    for (first, second, taken_over, shares, expected) in [
        (7, 7, true, 0, String::new()),
        (7, 7, true, 3, "* changed anna\n".to_owned()),
        (7, 7, false, 0, format!("* joined anna - {key}\n")),
        (0, 0, false, 0, "* left anna\n* joined anna - -\n".to_owned()),
        (0, 7, true, 0, format!("* left anna\n* joined anna - {key}\n")),
        (0, 7, false, 0, format!("* left anna\n* joined anna - {key}\n")),
    ] {
        let mut f = Fixture::new();
        f.come(0, "anna", first);
        f.line(250);
        f.go(300, "anna", shares, taken_over);
        f.come(300, "anna", second);
        assert_eq!(f.line(600), expected, "{first} {second} {taken_over} {shares}");
    }
    let mut f = Fixture::new();
    f.come(1, "anna", 7);
    f.go(10, "anna", 1, false);
    assert_eq!(f.line(50), "* left anna\n");
}

#[test]
fn whose_link_flaps_is_told_no_more_often_than_others_changes() {
    let mut f = Fixture::new();
    let mut told = 0;
    for millis in (0..10_000).step_by(10) {
        match millis % 20 {
            0 => f.come(millis, "anna", 7),
            _ => f.go(millis, "anna", 0, false),
        }
        told += f.line(millis).lines().count();
    }
    assert!((30..=70).contains(&told), "{told}: one or two in 300 ms");
}

#[test]
fn notices_wait_for_the_end_of_a_list() {
    let mut readers = Readers::new(10);
    let (reader, other) = (SessionId::new(1), SessionId::new(2));
    readers.begin(reader);
    let notice = |text: &'static str| move || Bytes::from_static(text.as_bytes());
    assert!(!readers.hold(other, notice("x")) && !readers.is_reading(other));
    for text in ["* 345678\n", "* 345678\n", "*\n"] {
        assert!(readers.hold(reader, notice(text)));
    }
    assert_eq!(readers.end(reader), ["* 345678\n", "* resync\n"]);
    assert!(readers.end(reader).is_empty() && !readers.hold(reader, notice("x")));
}

#[test]
fn a_watcher_is_told_what_changed_since() {
    let mut f = Fixture::new();
    f.come(0, "anna", 0);
    f.come(1, "ivan", 0);
    f.changes.watch(SessionId::new(2), ReaderView::SameHost, WatchFilter::default());
    f.share(2, "anna", "a");
    let (anna, ivan) = ("* joined anna - -\n* unshared anna a\n", "* joined ivan - -\n");
    assert_eq!(f.told(300), [(1, format!("{ivan}{anna}")), (1, anna.to_owned())]);
    f.share(400, "anna", "a");
    assert_eq!(f.told(700), [(2, "* unshared anna a\n".to_owned())]);
    f.changes.unwatch(SessionId::new(1), ReaderView::SameHost);
    f.changes.unwatch(SessionId::new(2), ReaderView::SameHost);
    f.share(800, "anna", "a");
    assert_eq!(f.changes.next_deadline(), None, "nobody watches");
}
