//! Three trackers beside one that has everybody: whoever asks any of the three is told what the one tells, however many
//! shards each of them has.

mod across;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::key::PublicKey;
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::head::Head;
use crate::protocol::line::Line;
use crate::protocol::owner_line::TrackerStanding;
use crate::tracker::effect::{Effect, Effects, WantedAnswer};
use crate::tracker::input::{AnsweredPage, Input, SessionId, SessionOpened, SessionRequest, Ticket};
use crate::tracker::links::MeshInput;
use crate::tracker::machine::Tracker;
use crate::tracker::merge::LinePage;
use crate::tracker::mesh::{LinkEffect, LinkId, ListedTracker};
use crate::tracker::remembered::Remembered;
use crate::tracker::settings::TrackerSettings;
use crate::tracker::shards::ask::{ShardAnswer, ShardAsk};
use crate::tracker::shards::shard::Shard;

const KEY: PublicKey = PublicKey::from_bytes([9; 32]);

fn at(n: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 200], 7000 + u16::try_from(n).expect("a few")))
}

/// What is on its way to a tracker.
enum Way {
    Mesh(usize, MeshInput),
    Answered(usize, Ticket, Vec<Option<AnsweredPage>>),
    /// To a shard of a tracker, and from it.
    Ask(usize, usize, ShardAsk),
    ShardAnswer(usize, usize, ShardAnswer),
}

struct Net {
    now: Instant,
    trackers: Vec<Tracker>,
    /// Of each tracker; none if it has its catalog in one piece.
    shards: Vec<Vec<Shard>>,
    /// Who does not answer questions.
    is_silent: Vec<bool>,
    /// What sessions were sent, by tracker and session.
    said: BTreeMap<(usize, SessionId), String>,
    ends: BTreeMap<LinkId, [usize; 2]>,
    ways: VecDeque<Way>,
    /// Questions that are not answered yet.
    asked: Vec<AskedOthers>,
    /// Relays that were begun, by tracker.
    relays: Vec<usize>,
    sessions: u64,
}

struct AskedOthers {
    by: usize,
    ticket: Ticket,
    /// The session of each who was asked, of whom an answer can come.
    others: Vec<Option<(usize, SessionId)>>,
    until: Instant,
}

impl Net {
    fn new(count: usize) -> Self {
        Self::with(count, &TrackerSettings::default())
    }

    fn with(count: usize, settings: &TrackerSettings) -> Self {
        Self::of_shards(count, settings, 0)
    }

    fn of_shards(count: usize, settings: &TrackerSettings, shards: usize) -> Self {
        let now = Instant::now();
        let mut net = Self {
            now,
            trackers: Vec::new(),
            shards: Vec::new(),
            is_silent: vec![false; count],
            said: BTreeMap::new(),
            ends: BTreeMap::new(),
            ways: VecDeque::new(),
            asked: Vec::new(),
            relays: Vec::new(),
            sessions: 0,
        };
        let listed: Vec<ListedTracker> = (0..count).map(|n| ListedTracker { at: at(n), key: KEY }).collect();
        for n in 0..count {
            let mut tracker = Tracker::new(now, settings.clone(), 0, Remembered::default());
            tracker.set_ticket_secret([u8::try_from(n).expect("a few"); 32]);
            if shards > 0 {
                tracker.part_catalog(shards, [u8::try_from(n).expect("a few"); 32]);
            }
            net.shards.push((0..shards).map(|_| Shard::new(now)).collect());
            if count > 1 {
                tracker.join_mesh(now, at(n), 1 + n as u64, 1000);
            }
            net.trackers.push(tracker);
            net.ways.push_back(Way::Mesh(n, MeshInput::Trackers(listed.clone())));
        }
        net.run(100);
        net
    }

    fn apply(&mut self, n: usize, from: SessionId, input: Input) {
        let effects = self.trackers[n].apply(self.now, from, input);
        self.carry_out(n, effects);
    }

    fn carry_out(&mut self, n: usize, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Send { to, bytes } => {
                    self.said.entry((n, to)).or_default().push_str(std::str::from_utf8(&bytes).expect("text"));
                }
                Effect::Notify { to, bytes } => {
                    for to in to.iter() {
                        self.said.entry((n, *to)).or_default().push_str(std::str::from_utf8(&bytes).expect("text"));
                    }
                }
                Effect::TellDrained(id) => self.apply(n, id, Input::Drained),
                Effect::AskShard { shard, ask } => self.ways.push_back(Way::Ask(n, shard, ask)),
                Effect::Save { ticket, .. } => self.apply(n, SessionId::NONE, Input::Stored { ticket, done: true }),
                Effect::Link(LinkEffect::Dial(to)) => {
                    let other = (0..self.trackers.len()).find(|other| at(*other) == to.at).expect("one of them");
                    let link = LinkId(self.ends.len() as u64 + 1);
                    self.ends.insert(link, [n, other]);
                    let peer = [192, 0, 2, 200].into();
                    self.ways.push_back(Way::Mesh(other, MeshInput::Connected { link, key: KEY, peer, to: None }));
                    self.ways.push_back(Way::Mesh(n, MeshInput::Connected { link, key: KEY, peer, to: Some(to.at) }));
                }
                Effect::Link(LinkEffect::Send { link, bytes }) => {
                    let lines = std::str::from_utf8(&bytes).expect("text").lines();
                    let lines = lines.map(|line| line.parse().expect(line)).collect();
                    let other = self.ends[&link].into_iter().find(|end| *end != n).expect("the other end");
                    self.ways.push_back(Way::Mesh(other, MeshInput::Heard { link, lines }));
                    self.ways.push_back(Way::Mesh(n, MeshInput::Passed { link, bytes: bytes.len() }));
                }
                Effect::Link(LinkEffect::Cut(_)) => panic!("a link is cut"),
                Effect::Ask { ticket, trackers, line, wants } => {
                    let others = trackers.iter().map(|to| self.ask_other(*to, &line)).collect();
                    let is_at_once = matches!(wants, WantedAnswer::Answer | WantedAnswer::Files);
                    let answer_max = if is_at_once { 1 } else { 12 };
                    let until = self.now + Duration::from_secs(answer_max);
                    self.asked.push(AskedOthers { by: n, ticket, others, until });
                }
                Effect::Relay(start) | Effect::RelayOn { start, .. } => {
                    self.relays.push(n);
                    for id in start.sessions.into_iter().filter(|id| *id != SessionId::NONE) {
                        self.said.entry((n, id)).or_default().push_str("OK 0\n");
                    }
                }
                _ => {}
            }
        }
    }

    /// One tracker asks another as its shell would; none if that one says nothing.
    fn ask_other(&mut self, to: SocketAddr, line: &str) -> Option<(usize, SessionId)> {
        let other = (0..self.trackers.len()).find(|other| at(*other) == to).expect("one of them");
        if self.is_silent[other] {
            return None;
        }
        let id = self.open(other, Some(KEY), true);
        self.say(other, id, line);
        Some((other, id))
    }

    /// Brings the answers that are whole to who asked.
    fn bring_answers(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            let is_answered = |at: &(usize, SessionId)| {
                self.said.get(at).is_some_and(|said| said.lines().any(|line| !line.starts_with('*')))
            };
            if self.now < asked.until && !asked.others.iter().flatten().all(is_answered) {
                self.asked.push(asked);
                continue;
            }
            let answers = asked.others.iter().map(|at| read_answer(&self.said.remove(&(*at)?)?)).collect();
            self.ways.push_back(Way::Answered(asked.by, asked.ticket, answers));
        }
    }

    fn open(&mut self, n: usize, key: Option<PublicKey>, is_tracker: bool) -> SessionId {
        self.open_from(n, key, is_tracker, 1)
    }

    fn open_from(&mut self, n: usize, key: Option<PublicKey>, is_tracker: bool, host: u8) -> SessionId {
        self.sessions += 1;
        let id = SessionId::new(self.sessions);
        let (peer, local) = (([192, 0, 2, host], 50_000).into(), ([192, 0, 2, 100], 7686).into());
        let opened = SessionOpened { peer, local, key, accepted_at: self.now, is_tracker };
        self.apply(n, id, Input::Opened(opened));
        id
    }

    fn say(&mut self, n: usize, id: SessionId, line: &str) {
        let request = SessionRequest::read(Line::Text(line.to_owned()));
        self.apply(n, id, Input::Requests(vec![request]));
        self.tick();
    }

    fn tick(&mut self) {
        for n in 0..self.trackers.len() {
            while self.trackers[n].next_deadline().is_some_and(|due| due <= self.now) {
                let effects = self.trackers[n].tick(self.now);
                self.carry_out(n, effects);
            }
        }
    }

    /// Everything that is on its way arrives, and time passes.
    fn run(&mut self, millis: u64) {
        for _ in 0..=millis / 10 {
            while let Some(way) = self.ways.pop_front() {
                match way {
                    Way::Mesh(n, input) => self.apply(n, SessionId::NONE, Input::Mesh(input)),
                    Way::Answered(n, ticket, answers) => {
                        self.apply(n, SessionId::NONE, Input::Answered { ticket, answers });
                    }
                    Way::Ask(n, shard, ask) => self.ask_shard(n, shard, ask),
                    Way::ShardAnswer(n, shard, answer) => {
                        self.apply(n, SessionId::NONE, Input::ShardAnswered { shard, answer });
                    }
                }
                self.tick();
            }
            self.now += Duration::from_millis(10);
            self.tick();
            self.bring_answers();
        }
    }

    /// A shard does all that it has to.
    fn ask_shard(&mut self, n: usize, shard: usize, ask: ShardAsk) {
        let mut answers = Vec::new();
        let asked = &mut self.shards[n][shard];
        asked.take(ask, &mut answers);
        while asked.has_work() {
            asked.work(self.now, &mut answers);
        }
        self.ways.extend(answers.into_iter().map(|answer| Way::ShardAnswer(n, shard, answer)));
    }

    fn take(&mut self, n: usize, id: SessionId) -> String {
        self.said.remove(&(n, id)).unwrap_or_default()
    }

    fn ask(&mut self, n: usize, id: SessionId, line: &str) -> String {
        self.take(n, id);
        self.say(n, id, line);
        self.run(20);
        self.take(n, id)
    }
}

fn read_answer(said: &str) -> Option<AnsweredPage> {
    let mut lines = said.lines().skip_while(|line| line.starts_with('*'));
    match Head::parse(lines.next()?) {
        Ok(Head::Ok { more, .. }) => {
            Some(AnsweredPage::Page(LinePage { lines: lines.map(str::to_owned).collect(), more }))
        }
        Ok(Head::Err { code, .. }) if code == Code::NoSuchUser => Some(AnsweredPage::Nobody),
        Ok(Head::Err { code: ReplyCode::Known(code), .. }) => Some(AnsweredPage::Refused(code)),
        other => panic!("{other:?}"),
    }
}

/// The same people with the same files, at one tracker and spread over three.
struct Both {
    one: Net,
    three: Net,
    /// Of each person: at which of the three, and their sessions in both.
    people: Vec<(usize, SessionId, SessionId)>,
}

impl Both {
    fn new() -> Self {
        Self::of_shards(0)
    }

    /// Each of the three has so many shards; the one has its catalog in one piece.
    fn of_shards(shards: usize) -> Self {
        let mut one = Net::new(1);
        let mut three = Net::of_shards(3, &TrackerSettings::default(), shards);
        let mut people = Vec::new();
        for (n, name) in ["anna", "boris", "carol", "ivan", "zoe", "мария"].into_iter().enumerate() {
            let key = Some(PublicKey::from_bytes([20 + u8::try_from(n).expect("a few"); 32]));
            let sessions = (one.open(0, key, false), three.open(n % 3, key, false));
            for line in [format!("register-user {name} {}", 4001 + n), files_of(name, n)] {
                assert!(one.ask(0, sessions.0, &line).ends_with("OK 0\n"), "{line}");
                assert!(three.ask(n % 3, sessions.1, &line).ends_with("OK 0\n"), "{line}");
            }
            people.push((n % 3, sessions.0, sessions.1));
        }
        one.run(500);
        three.run(500);
        Self { one, three, people }
    }

    /// What everybody is told by the one and by theirs of the three.
    fn same(&mut self, line: &str) -> String {
        let mut first = String::new();
        for (n, in_one, in_three) in self.people.clone() {
            let expected = self.one.ask(0, in_one, line);
            assert_eq!(self.three.ask(n, in_three, line), expected, "tracker {n}: {line}");
            first = expected;
        }
        first
    }
}

fn files_of(name: &str, n: usize) -> String {
    let file = |k: usize| {
        let hash = format!("{:064x}", (n + k) % 5);
        format!("\"{}/{}/song {k}.mp3\" size={} hash={hash}", ["Trip", "Музика", "a"][k % 3], ["x", "y"][n % 2], k * 10)
    };
    let files: Vec<String> = (0..20).map(file).collect();
    format!("register-files {name} {}, notes-{n}.txt", files.join(","))
}

#[test]
fn whoever_asks_one_of_three_is_told_what_one_would_tell() {
    for shards in [0, 2, 3] {
        same_answers(&mut Both::of_shards(shards));
    }
}

/// Also when people have taken files back, have left and have come again elsewhere.
#[test]
fn what_changes_at_trackers_of_shards_is_the_same_for_everybody() {
    for shards in [2, 3] {
        let mut both = Both::of_shards(shards);
        let (n, in_one, in_three) = both.people[3];
        for line in [
            "unregister-files ivan notes-3.txt, \"Trip/y/song 0.mp3\"",
            "unregister-files ivan nothing",
            "register-files ivan new",
        ] {
            let told = both.one.ask(0, in_one, line);
            assert_eq!(both.three.ask(n, in_three, line), told, "{line}");
        }
        // Zoe moves to another tracker, and boris leaves.
        let (n, in_one, in_three) = both.people.remove(4);
        both.one.ask(0, in_one, "quit");
        both.three.ask(n, in_three, "quit");
        let (n, in_one, in_three) = both.people.remove(1);
        both.one.ask(0, in_one, "quit");
        both.three.ask(n, in_three, "quit");
        for net in [&mut both.one, &mut both.three] {
            net.run(4_000);
        }
        let key = Some(PublicKey::from_bytes([24; 32]));
        let again = (both.one.open(0, key, false), both.three.open(2, key, false));
        for line in ["register-user zoe 4005".to_owned(), files_of("zoe", 1)] {
            assert!(both.one.ask(0, again.0, &line).ends_with("OK 0\n"), "{line}");
            assert!(both.three.ask(2, again.1, &line).ends_with("OK 0\n"), "{line}");
        }
        both.people.push((2, again.0, again.1));
        both.one.run(500);
        both.three.run(500);
        // Only what is told of changes differs: when which tracker heard.
        for (n, in_one, in_three) in both.people.clone() {
            both.one.take(0, in_one);
            both.three.take(n, in_three);
        }
        same_answers(&mut both);
    }
}

fn same_answers(both: &mut Both) {
    for line in [
        "list-users",
        "list-users limit=4",
        "list-totals",
        "list-totals ivan anna",
        "list-files limit=1000",
        "list-files limit=7",
        "list-files boris limit=1000",
        "list-files nobody",
        "search song limit=1000",
        "search song limit=9",
        "search song trip limit=5",
        "search user=zoe limit=50",
        "search kind=document limit=50",
        "search min-size=150 in=Trip limit=50",
        "search nothing-of-it limit=5",
        "count-files",
        "count-files trip",
        "count-files user=carol",
        "count-files in=Trip",
        "list-folder",
        "list-folder limit=2",
        "list-folder Trip",
        "list-folder Trip user=ivan",
        "list-folder a song",
        &format!("sources {:064x} limit=1000", 1),
        &format!("list-sources {:064x}", 1),
    ] {
        let told = both.same(line);
        // Page by page it is the same list.
        let mut more = more_of(&told);
        while let Some(after) = more.take() {
            more = more_of(&both.same(&format!("{line} after={after}")));
        }
    }
}

fn more_of(told: &str) -> Option<String> {
    Some(told.lines().next()?.split_once(" more=")?.1.to_owned())
}

#[test]
fn who_does_not_answer_is_missing_and_it_is_said_first() {
    let mut both = Both::new();
    let (n, _, session) = both.people[0];
    both.three.is_silent[1] = true;
    let told = both.three.ask(n, session, "count-files notes");
    assert_eq!(told, "* partial 1 3\nOK 1\n4 0\n");
    let [here, silent, other] = both.three.trackers[n].cluster(both.three.now).try_into().expect("three");
    assert_eq!((here.standing, here.users, here.partial_answers), (TrackerStanding::Here, 2, Some(1)));
    assert_eq!((silent.standing, silent.users, other.users), (TrackerStanding::Linked, 2, 2));
    // Whom a question is about decides who is asked.
    assert!(both.three.ask(n, session, "count-files user=carol").starts_with("OK 1\n21 "));
    assert_eq!(both.three.ask(n, session, "count-files user=boris"), "* partial 1 2\nOK 1\n0 0\n");
    assert!(both.three.ask(n, session, "search notes limit=1").starts_with("* partial 1 3\nOK 1 more="));
}

#[test]
fn watchers_hear_of_users_of_other_trackers() {
    for shards in [0, 2] {
        watchers_hear(Net::of_shards(3, &TrackerSettings::default(), shards));
    }
}

fn watchers_hear(mut net: Net) {
    let watcher = net.open(0, None, false);
    net.ask(0, watcher, "watch");
    let key = |n: u8| Some(PublicKey::from_bytes([n; 32]));
    let anna = net.open(1, key(20), false);
    net.ask(1, anna, "register-user anna 4001");
    net.run(500);
    let hex = "14".repeat(32);
    assert_eq!(net.take(0, watcher), format!("* joined anna 192.0.2.1:4001 {hex}\n"));
    net.ask(1, anna, "register-files anna a, b");
    net.run(500);
    assert_eq!(net.take(0, watcher), "* changed anna\n");
    // The same key at another tracker takes over; nobody sees them away.
    let again = net.open(2, key(20), false);
    assert!(net.ask(2, again, "register-user Anna 4001").ends_with("OK 0\n"));
    net.run(500);
    assert_eq!(net.take(1, anna), "* closing \"taken over by a new connection\"\n");
    let told = net.take(0, watcher);
    assert!(told.lines().all(|line| !line.starts_with("* left")) && told.contains("* joined Anna"), "{told}");
    // Another key does not get the name, at whichever tracker it asks.
    for n in 0..3 {
        let other = net.open(n, key(21), false);
        assert!(net.ask(n, other, "register-user anna").contains("ERR name-"), "{n}");
        let plain = net.open(n, None, false);
        assert!(net.ask(n, plain, "register-user anna").contains("ERR name-"), "{n}");
    }
    net.ask(2, again, "quit");
    net.run(500);
    assert_eq!(net.take(0, watcher), "* left Anna\n");
}

#[test]
fn a_tracker_that_claims_somebody_elses_user_is_not_believed() {
    let mut net = Net::new(2);
    let key = Some(PublicKey::from_bytes([20; 32]));
    let anna = net.open(0, key, false);
    net.ask(0, anna, "register-user anna 4001");
    let link = *net.ends.keys().next().expect("a link");
    let claim = |who: &str, key: &str| format!("here 1 {who} {key} 18446744073709551000 192.0.2.66 4001 0 0 0");
    for (line, is_believed) in [(claim("anna", &"42".repeat(32)), false), (claim("eve", &"42".repeat(32)), true)] {
        let line = line.replace("here 1", if is_believed { "here 2" } else { "here 1" });
        let lines = vec![line.parse().expect(&line)];
        net.apply(0, SessionId::NONE, Input::Mesh(MeshInput::Heard { link, lines }));
        net.run(10);
    }
    let told = net.ask(0, anna, "list-users");
    let own = "14".repeat(32);
    assert!(told.contains(&format!("anna 192.0.2.1:4001 {own}\n")) && told.contains("eve 192.0.2.66:4001"), "{told}");
    assert!(net.ask(0, anna, "whoami").contains("anna"), "the session lives on");
}
