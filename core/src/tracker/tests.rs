//! Any order of inputs leaves the tables in agreement, answers every line once, and repeats exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::model::binding::Ban;
use crate::model::key::PublicKey;
use crate::protocol::line::{Fault, Line};
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Clock, Input, OwnerOrder, SessionId, SessionOpened, SessionRequest, Ticket};
use crate::tracker::machine::Tracker;
use crate::tracker::names::NameStanding;
use crate::tracker::remembered::Remembered;
use crate::tracker::settings::TrackerSettings;

#[derive(Debug, Clone)]
enum Step {
    Open { session: u64, key: Option<u8> },
    Lines { session: u64, lines: Vec<&'static str> },
    Fault(u64),
    End(u64),
    Drop(u64),
    Drain(u64),
    Store(bool),
    Wait(u64),
    Kick(&'static str),
    Ban(&'static str),
    Unban(&'static str),
    Greet(&'static str),
    Clock(u64),
}

const NAMES: [&str; 5] = ["anna", "Anna", "ivan", "modern", "modem"];
/// A key, an address and a name.
const BANS: [&str; 3] = ["0202020202020202020202020202020202020202020202020202020202020202", "192.0.2.1", "@aNNa"];
const LINES: [&str; 22] = [
    "register-user anna 4001",
    "register-user Anna",
    "register-user ivan",
    "register-user modern",
    "register-user modem 4002",
    "register-user tracker",
    "unregister-user anna",
    "unregister-user ivan",
    "register-files anna a, b, c",
    "register-files ivan a, \"b\" size=1",
    "register-files modern x",
    "register-files anna ../x",
    "unregister-files anna a",
    "unregister-files ivan a, zzz",
    "list-users limit=1",
    "list-files",
    "search a limit=2",
    "watch",
    "unwatch",
    "whoami",
    "nonsense",
    "quit",
];

fn step() -> impl Strategy<Value = Step> {
    let session = 1..6u64;
    prop_oneof![
        3 => (session.clone(), proptest::option::of(1..4u8)).prop_map(|(session, key)| Step::Open { session, key }),
        12 => (session.clone(), proptest::collection::vec(proptest::sample::select(&LINES), 1..4))
            .prop_map(|(session, lines)| Step::Lines { session, lines }),
        1 => session.clone().prop_map(Step::Fault),
        1 => session.clone().prop_map(Step::End),
        1 => session.clone().prop_map(Step::Drop),
        1 => session.prop_map(Step::Drain),
        4 => any::<bool>().prop_map(Step::Store),
        2 => (0..4000u64).prop_map(Step::Wait),
        1 => proptest::sample::select(&NAMES).prop_map(Step::Kick),
        1 => proptest::sample::select(&BANS).prop_map(Step::Ban),
        3 => proptest::sample::select(&BANS).prop_map(Step::Unban),
        1 => proptest::sample::select(&NAMES).prop_map(Step::Greet),
        1 => (0..400u64).prop_map(Step::Clock),
    ]
}

/// What a shell would know.
struct Shell {
    now: Instant,
    tracker: Tracker,
    /// The current connection of each client, and which connections are open.
    connections: BTreeMap<u64, SessionId>,
    open: BTreeMap<SessionId, Open>,
    last: u64,
    saves: Vec<Ticket>,
    log: String,
}

#[derive(Default)]
struct Open {
    unanswered: usize,
    held: Vec<SessionRequest>,
    is_ready: bool,
}

impl Shell {
    fn new(start: Instant) -> Self {
        Self {
            now: start,
            tracker: Tracker::new(start, TrackerSettings::default(), 1_000_000_000, Remembered::default()),
            connections: BTreeMap::new(),
            open: BTreeMap::new(),
            last: 0,
            saves: Vec::new(),
            log: String::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Open { session, key } => self.connect(*session, *key),
            Step::Lines { session, lines } => {
                let requests = lines.iter().map(|line| SessionRequest::read(Line::Text((*line).to_owned()))).collect();
                self.bring(*session, requests);
            }
            Step::Fault(session) => self.bring(*session, vec![SessionRequest::Fault(Fault::Control)]),
            Step::End(session) => self.bring(*session, vec![SessionRequest::End]),
            Step::Drop(session) => {
                if let Some(id) = self.connections.remove(session).filter(|id| self.open.remove(id).is_some()) {
                    self.apply(id, Input::Closed);
                }
            }
            Step::Drain(session) => {
                if let Some(id) = self.connections.get(session).copied() {
                    self.apply(id, Input::Drained);
                }
            }
            Step::Store(done) => {
                if !self.saves.is_empty() {
                    let ticket = self.saves.remove(0);
                    self.apply(SessionId::NONE, Input::Stored { ticket, done: *done });
                }
            }
            Step::Wait(millis) => self.now += Duration::from_millis(*millis),
            Step::Kick(name) => self.order(OwnerOrder::Kick(name.parse().expect("a name"))),
            Step::Ban(target) => {
                self.order(OwnerOrder::Ban(Ban::new(target.parse().expect("a target"), None)));
            }
            Step::Unban(target) => self.order(OwnerOrder::Unban(target.parse().expect("a target"))),
            Step::Greet(network) => {
                self.order(OwnerOrder::SetGreeting { network_name: (*network).into(), message_of_the_day: Vec::new() });
            }
            Step::Clock(days) => {
                let seconds = 1_000_000_000 + days * 86_400;
                self.apply(SessionId::NONE, Input::Clock(Clock { run_seconds: seconds, unix_seconds: seconds }));
            }
        }
        while self.tracker.next_deadline().is_some_and(|at| at <= self.now) {
            let effects = self.tracker.tick(self.now);
            self.carry_out(effects);
        }
    }

    fn order(&mut self, order: OwnerOrder) {
        self.apply(SessionId::NONE, Input::Owner(order));
    }

    fn connect(&mut self, client: u64, key: Option<u8>) {
        self.last += 1;
        let id = SessionId::new(self.last);
        if let Some(old) = self.connections.insert(client, id).filter(|old| self.open.remove(old).is_some()) {
            self.apply(old, Input::Closed);
        }
        self.open.insert(id, Open { is_ready: true, ..Open::default() });
        let opened = SessionOpened {
            peer: SocketAddr::from(([192, 0, 2, 1], 50_000)),
            local: SocketAddr::from(([192, 0, 2, 100], 7686)),
            key: key.map(|n| PublicKey::from_bytes([n; 32])),
            accepted_at: self.now,
            is_tracker: false,
        };
        self.apply(id, Input::Opened(opened));
    }

    fn bring(&mut self, client: u64, requests: Vec<SessionRequest>) {
        let Some(id) = self.connections.get(&client).copied() else { return };
        let Some(open) = self.open.get_mut(&id) else { return };
        open.held.extend(requests);
        self.deliver(id);
    }

    fn deliver(&mut self, id: SessionId) {
        let Some(open) = self.open.get_mut(&id).filter(|open| open.is_ready && !open.held.is_empty()) else { return };
        open.is_ready = false;
        let requests = std::mem::take(&mut open.held);
        open.unanswered += requests.iter().filter(|request| **request != SessionRequest::End).count();
        self.apply(id, Input::Requests(requests));
    }

    fn apply(&mut self, from: SessionId, input: Input) {
        let effects = self.tracker.apply(self.now, from, input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            self.log.push_str(&format!("{effect:?}\n"));
            match effect {
                Effect::Send { to, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).expect("text");
                    assert!(text.ends_with('\n'));
                    let open = self.open.get_mut(&to).expect("sent to an open session");
                    // Who is shut out is told so unasked.
                    let is_answer =
                        |l: &&str| l.starts_with("OK ") || (l.starts_with("ERR ") && !l.ends_with("shut you out"));
                    let heads = text.lines().filter(is_answer).count();
                    assert!(heads <= open.unanswered, "{heads} answers to {} lines: {text}", open.unanswered);
                    open.unanswered -= heads;
                }
                Effect::Notify { to, bytes } => {
                    assert!(bytes.starts_with(b"* ") && !to.is_empty());
                    assert!(to.iter().all(|to| self.open.contains_key(to)), "a notice to a closed session");
                }
                Effect::Ready(id) => {
                    let open = self.open.get_mut(&id).expect("ready and open");
                    assert!(!open.is_ready && open.unanswered == 0, "ready before everything is answered");
                    open.is_ready = true;
                    self.deliver(id);
                }
                Effect::TellDrained(id) => self.apply(id, Input::Drained),
                Effect::Close(id) => assert!(self.open.remove(&id).is_some(), "closed twice"),
                Effect::Save { ticket, .. } => self.saves.push(ticket),
                Effect::Relay(start) => {
                    start.sessions.iter().for_each(|id| assert!(self.open.remove(id).is_some(), "one that is open"));
                }
                Effect::EndRelay(_)
                | Effect::SetRelayRate(_)
                | Effect::Log(_)
                | Effect::Reload(_)
                | Effect::Link(_)
                | Effect::Ask { .. }
                | Effect::RelayOn { .. }
                | Effect::Claim { .. }
                | Effect::AskShard { .. }
                | Effect::Try { .. } => {}
            }
        }
    }

    fn check(&self) {
        let tracker = &self.tracker;
        assert_eq!(tracker.sessions.keys().collect::<Vec<_>>(), self.open.keys().collect::<Vec<_>>());
        let online: Vec<_> = tracker.roster.iter().collect();
        let folded: BTreeSet<String> = online.iter().map(|o| o.username.folded()).collect();
        assert_eq!(folded.len(), online.len(), "one session a name");
        let with_key = tracker.sessions.values().filter(|session| session.key.is_some()).count();
        let users_with_key = online.iter().filter(|online| online.key.is_some()).count();
        assert_eq!(tracker.by_kind(), (with_key as u64, users_with_key as u64, tracker.queue.len() as u64));
        let users = tracker.sessions.values().filter(|session| session.user.is_some()).count();
        assert_eq!(users, online.len());
        let mut shares = 0;
        for user in &online {
            let session = &tracker.sessions[&user.session];
            assert_eq!(session.user.as_ref().map(|u| &u.username), Some(&user.username));
            assert_eq!(session.key, user.key);
            let now = tracker.unix_seconds(self.now);
            assert!(tracker.bans.connection(now, user.key, user.seen).is_none());
            assert!(tracker.bans.name(now, &user.username).is_none());
            if user.key.is_some() {
                assert_eq!(tracker.names.standing(&user.username, user.key), Ok(NameStanding::Own));
            }
            shares += tracker.shares.taken_by(user.owner).shares;
            let alike = online.iter().filter(|other| {
                let own = user.username.skeletons();
                other.username.skeletons().iter().any(|key| own.contains(key))
            });
            assert_eq!(alike.count(), 1, "nobody looks like somebody else");
        }
        assert_eq!(tracker.shares.len(), shares, "shares belong to somebody who is here");
    }
}

fn play(start: Instant, steps: &[Step]) -> String {
    let mut shell = Shell::new(start);
    for step in steps {
        shell.take(step);
        shell.check();
    }
    shell.log
}

proptest! {
    #[test]
    fn any_order_of_inputs(steps in proptest::collection::vec(step(), 1..60)) {
        let start = Instant::now();
        let first = play(start, &steps);
        prop_assert_eq!(play(start, &steps), first, "the same inputs give the same effects");
    }
}

/// One client that says a line and is given all its turns.
fn ask(tracker: &mut Tracker, now: Instant, id: SessionId, line: &str) -> String {
    let request = SessionRequest::read(Line::Text(line.to_owned()));
    let mut text = said(tracker.apply(now, id, Input::Requests(vec![request])));
    while tracker.next_deadline().is_some_and(|at| at <= now) {
        text.push_str(&said(tracker.tick(now)));
    }
    text
}

fn said(effects: Effects) -> String {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { bytes, .. } => Some(String::from_utf8(bytes.to_vec()).expect("text")),
        _ => None,
    });
    sent.collect()
}

fn opened(tracker: &mut Tracker, now: Instant, number: u64) -> SessionId {
    opened_with(tracker, now, number, None)
}

fn opened_with(tracker: &mut Tracker, now: Instant, number: u64, key: Option<PublicKey>) -> SessionId {
    let id = SessionId::new(number);
    let peer = SocketAddr::from(([192, 0, 2, 1], 50_000));
    tracker.apply(
        now,
        id,
        Input::Opened(SessionOpened { peer, local: peer, key, accepted_at: now, is_tracker: false }),
    );
    id
}

#[test]
fn a_long_line_is_all_or_nothing_and_others_have_their_turn() {
    let now = Instant::now();
    let settings = TrackerSettings { shares_per_user: 30_000, ..TrackerSettings::default() };
    let mut tracker = Tracker::new(now, settings, 0, Remembered::default());
    let (anna, other) = (opened(&mut tracker, now, 1), opened(&mut tracker, now, 2));
    ask(&mut tracker, now, anna, "register-user anna");
    let names: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).collect();
    let line = Line::Text(format!("register-files anna {}", names.join(",")));
    assert_eq!(
        said(tracker.apply(now, anna, Input::Requests(vec![SessionRequest::read(line)]))),
        "",
        "not all at once"
    );
    let request = SessionRequest::read(Line::Text("ping".into()));
    assert_eq!(said(tracker.apply(now, other, Input::Requests(vec![request]))), "OK 0\n");
    let mut answer = String::new();
    while answer.is_empty() {
        answer = said(tracker.tick(now));
    }
    assert_eq!((answer.as_str(), tracker.counts().shares), ("OK 0\n", 10_000));

    let missing = format!("unregister-files anna {}, missing", names[..9_000].join(","));
    assert!(ask(&mut tracker, now, anna, &missing).starts_with("ERR not-shared "));
    assert_eq!(tracker.counts().shares, 10_000, "nothing was changed");
    let there = format!("unregister-files anna {}", names[..9_999].join(","));
    assert_eq!(ask(&mut tracker, now, anna, &there), "OK 0\n");
    assert_eq!(ask(&mut tracker, now, other, "list-files"), "OK 1\nanna - - 9999\n");
}

/// Somebody without a key announces at length under a name that its owner takes meanwhile: nothing of it becomes theirs.
#[test]
fn what_somebody_goes_on_announcing_is_not_that_of_who_took_the_name() {
    let now = Instant::now();
    let mut tracker = Tracker::new(now, TrackerSettings::default(), 0, Remembered::default());
    let squatter = opened(&mut tracker, now, 1);
    let anna = opened_with(&mut tracker, now, 2, Some(PublicKey::from_bytes([2; 32])));
    ask(&mut tracker, now, squatter, "register-user anna");
    let names: Vec<String> = (0..5_000).map(|n| format!("{n:04}")).collect();
    let line = Line::Text(format!("register-files anna {}", names.join(",")));
    tracker.apply(now, squatter, Input::Requests(vec![SessionRequest::read(line)]));
    let register = SessionRequest::read(Line::Text("register-user anna".into()));
    let saves = tracker.apply(now, anna, Input::Requests(vec![register])).into_iter();
    let tickets: Vec<Ticket> =
        saves.filter_map(|effect| if let Effect::Save { ticket, .. } = effect { Some(ticket) } else { None }).collect();
    assert_eq!(tickets.len(), 1, "a new name is written down first");
    let mut told = said(tracker.apply(now, SessionId::NONE, Input::Stored { ticket: tickets[0], done: true }));
    while tracker.next_deadline().is_some_and(|at| at <= now) {
        told.push_str(&said(tracker.tick(now)));
    }
    assert!(told.contains("ERR not-registered "), "{told}");
    assert_eq!(ask(&mut tracker, now, anna, "list-files anna"), "OK 0\n");
    assert_eq!(tracker.counts().shares, 0);
}

#[test]
fn a_list_never_shows_who_has_left_however_much_they_shared() {
    let now = Instant::now();
    let mut tracker = Tracker::new(now, TrackerSettings::default(), 0, Remembered::default());
    let (anna, other) = (opened(&mut tracker, now, 1), opened(&mut tracker, now, 2));
    ask(&mut tracker, now, anna, "register-user anna");
    for thousand in 0..20 {
        let names: Vec<String> = (0..1000).map(|n| format!("{thousand}/{n}")).collect();
        ask(&mut tracker, now, anna, &format!("register-files anna {}", names.join(",")));
    }
    tracker.apply(now, anna, Input::Closed);
    assert!(tracker.counts().shares > 0, "they are forgotten in steps");
    let list = SessionRequest::read(Line::Text("search 7".into()));
    assert_eq!(said(tracker.apply(now, other, Input::Requests(vec![list]))), "", "the list waits");
    let mut answer = String::new();
    while tracker.next_deadline().is_some_and(|at| at <= now) {
        answer.push_str(&said(tracker.tick(now)));
    }
    assert_eq!((answer.as_str(), tracker.counts().shares), ("OK 0\n", 0));
}
