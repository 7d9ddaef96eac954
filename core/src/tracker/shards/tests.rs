//! A tracker of several shards answers as one with its catalog in one piece, in whatever order the shards do what they are
//! asked and their answers come.

mod together;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::model::key::PublicKey;
use crate::protocol::line::Line;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Input, SessionId, SessionOpened, SessionRequest};
use crate::tracker::machine::Tracker;
use crate::tracker::remembered::Remembered;
use crate::tracker::settings::TrackerSettings;
use crate::tracker::shards::ask::{ShardAnswer, ShardAsk};
use crate::tracker::shards::shard::Shard;

const NAMES: [&str; 5] = ["anna", "ivan", "maria", "boris", "petra"];
const HASHES: [u8; 3] = [1, 2, 3];

#[derive(Debug, Clone)]
enum Step {
    Open {
        client: usize,
        key: Option<u8>,
    },
    Lines {
        client: usize,
        lines: Vec<String>,
    },
    /// Opens a session and registers the client's own name.
    Come(usize, Option<u8>),
    Drop(usize),
    Wait(u64),
}

/// A tracker, its shards, and what stands in for the shell.
struct World {
    now: Instant,
    tracker: Tracker,
    shards: Vec<Shard>,
    asks: Vec<VecDeque<ShardAsk>>,
    answers: Vec<VecDeque<ShardAnswer>>,
    clients: BTreeMap<usize, SessionId>,
    open: BTreeMap<SessionId, Held>,
    last: u64,
    /// What each session has received.
    received: BTreeMap<SessionId, String>,
}

#[derive(Default)]
struct Held {
    is_ready: bool,
    requests: Vec<SessionRequest>,
    /// Lines that are brought and not answered.
    unanswered: usize,
}

impl World {
    fn new(start: Instant, settings: &TrackerSettings, shards: usize) -> Self {
        let mut tracker = Tracker::new(start, settings.clone(), 1_000_000_000, Remembered::default());
        if shards > 0 {
            tracker.part_catalog(shards, [7; 32]);
        }
        Self {
            now: start,
            tracker,
            shards: (0..shards).map(|_| Shard::new(start)).collect(),
            asks: (0..shards).map(|_| VecDeque::new()).collect(),
            answers: (0..shards).map(|_| VecDeque::new()).collect(),
            clients: BTreeMap::new(),
            open: BTreeMap::new(),
            last: 0,
            received: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Open { client, key } => {
                self.drop(*client);
                self.last += 1;
                let id = SessionId::new(self.last);
                self.clients.insert(*client, id);
                self.open.insert(id, Held { is_ready: true, ..Held::default() });
                let opened = SessionOpened {
                    peer: SocketAddr::from(([192, 0, 2, u8::try_from(*client % 2).expect("small")], 50_000)),
                    local: SocketAddr::from(([192, 0, 2, 100], 7686)),
                    key: key.map(|n| PublicKey::from_bytes([n; 32])),
                    accepted_at: self.now,
                    is_tracker: false,
                };
                self.apply(id, Input::Opened(opened));
            }
            Step::Lines { client, lines } => {
                let Some(id) = self.clients.get(client).copied() else { return };
                let Some(held) = self.open.get_mut(&id) else { return };
                held.requests.extend(lines.iter().map(|line| SessionRequest::read(Line::Text(line.clone()))));
                self.deliver(id);
            }
            Step::Come(client, key) => {
                self.take(&Step::Open { client: *client, key: *key });
                let lines = vec![format!("register-user {}", NAMES[*client])];
                self.take(&Step::Lines { client: *client, lines });
            }
            Step::Drop(client) => self.drop(*client),
            Step::Wait(millis) => self.now += Duration::from_millis(*millis),
        }
    }

    fn drop(&mut self, client: usize) {
        if let Some(id) = self.clients.remove(&client).filter(|id| self.open.remove(id).is_some()) {
            self.apply(id, Input::Closed);
        }
    }

    fn deliver(&mut self, id: SessionId) {
        let Some(held) = self.open.get_mut(&id).filter(|held| held.is_ready && !held.requests.is_empty()) else {
            return;
        };
        held.is_ready = false;
        let requests = std::mem::take(&mut held.requests);
        held.unanswered += requests.len();
        self.apply(id, Input::Requests(requests));
    }

    fn apply(&mut self, from: SessionId, input: Input) {
        let effects = self.tracker.apply(self.now, from, input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Send { to, bytes } => {
                    let held = self.open.get_mut(&to).expect("sent to who is there");
                    let text = std::str::from_utf8(&bytes).expect("text");
                    let heads = text.lines().filter(|line| line.starts_with("OK ") || line.starts_with("ERR ")).count();
                    held.unanswered = held.unanswered.checked_sub(heads).expect("an answer a line");
                    self.received.entry(to).or_default().push_str(text);
                }
                Effect::Notify { to, bytes } => {
                    for to in to.iter().filter(|to| self.open.contains_key(to)) {
                        let text = std::str::from_utf8(&bytes).expect("text");
                        self.received.entry(*to).or_default().push_str(text);
                    }
                }
                Effect::Ready(id) => {
                    let held = self.open.get_mut(&id).expect("ready and open");
                    assert_eq!(held.unanswered, 0, "ready before everything is answered");
                    held.is_ready = true;
                    self.deliver(id);
                }
                Effect::TellDrained(id) => self.apply(id, Input::Drained),
                Effect::Close(id) => {
                    self.open.remove(&id).expect("closed once");
                    self.received.entry(id).or_default().push_str("closed\n");
                }
                Effect::Save { ticket, .. } => self.apply(SessionId::NONE, Input::Stored { ticket, done: true }),
                Effect::AskShard { shard, ask } => self.asks[shard].push_back(ask),
                _ => {}
            }
        }
    }

    /// One thing of those that can happen now, as `choice` has it; `false` if there is none.
    fn happen(&mut self, choice: usize) -> bool {
        let is_due = self.tracker.next_deadline().is_some_and(|at| at <= self.now);
        let shards = self.shards.len();
        let mut can: Vec<(u8, usize)> = Vec::new();
        can.extend(is_due.then_some((0, 0)));
        can.extend((0..shards).filter(|at| !self.asks[*at].is_empty()).map(|at| (1, at)));
        let has_work = |at: &usize| {
            let shard = &self.shards[*at];
            shard.has_work() || shard.next_deadline().is_some_and(|due| due <= self.now)
        };
        can.extend((0..shards).filter(has_work).map(|at| (2, at)));
        can.extend((0..shards).filter(|at| !self.answers[*at].is_empty()).map(|at| (3, at)));
        let Some((what, at)) = can.get(choice % can.len().max(1)).copied() else { return false };
        let mut said = Vec::new();
        match what {
            0 => {
                let effects = self.tracker.tick(self.now);
                self.carry_out(effects);
            }
            1 => self.shards[at].take(self.asks[at].pop_front().expect("just seen"), &mut said),
            2 => self.shards[at].work(self.now, &mut said),
            _ => {
                let answer = self.answers[at].pop_front().expect("just seen");
                self.apply(SessionId::NONE, Input::ShardAnswered { shard: at, answer });
            }
        }
        if let Some(answers) = self.answers.get_mut(at) {
            answers.extend(said);
        }
        true
    }

    /// Until nothing happens any more.
    fn settle(&mut self, order: &[usize]) {
        let mut choices = order.iter().copied().cycle();
        while self.happen(choices.next().unwrap_or(0)) {}
    }

    /// Everything that a stranger sees in the end.
    fn everything(&mut self, order: &[usize]) -> String {
        self.take(&Step::Wait(1_000));
        self.settle(order);
        let lines =
            ["list-users", "list-files", "list-totals", "count-files", "list-folder", "list-folder a", "search b"];
        let lines = lines.map(str::to_owned).into();
        self.take(&Step::Open { client: 99, key: None });
        self.take(&Step::Lines { client: 99, lines });
        self.settle(order);
        let counts = self.tracker.counts();
        assert!(self.open.values().all(|held| held.is_ready && held.unanswered == 0), "everybody is answered");
        format!("{counts:?} {}", self.received[&self.clients[&99]])
    }
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![3 => "(a|b)(/[ab]){0,2}(x|\\.mp3)?", 1 => "[abc]{1,2}"]
}

fn item() -> impl Strategy<Value = String> {
    (path(), prop::option::of(0..20u32), prop::option::of(prop::sample::select(&HASHES))).prop_map(
        |(path, size, hash)| {
            let size = size.map_or(String::new(), |size| format!(" size={size}"));
            let hash = hash.map_or(String::new(), |hash| format!(" hash={}", PublicKey::from_bytes([hash; 32])));
            format!("\"{path}\"{size}{hash}")
        },
    )
}

fn change(name: &'static str) -> impl Strategy<Value = String> {
    let items = |most| prop::collection::vec(item(), 1..most).prop_map(|items| items.join(", "));
    prop_oneof![
        5 => items(6).prop_map(move |items| format!("register-files {name} {items}")),
        1 => items(300).prop_map(move |items| format!("register-files {name} {items}")),
        2 => prop::collection::vec(path(), 1..3)
            .prop_map(move |paths| format!("unregister-files {name} {}", paths.join(", "))),
    ]
}

fn page() -> impl Strategy<Value = String> {
    let after = prop::option::weighted(0.3, (path(), prop::sample::select(&NAMES)));
    (after, prop::option::weighted(0.7, 1..9usize)).prop_map(|(after, limit)| {
        let after = after.map_or(String::new(), |(path, name)| {
            let cursor = crate::protocol::page::Cursor { path, username: name.to_owned() };
            format!(" after={cursor}")
        });
        after + &limit.map_or(String::new(), |limit| format!(" limit={limit}"))
    })
}

fn selection() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["", " a", " b", " mp3", " a x"]),
        prop::option::weighted(0.2, prop::sample::select(&NAMES)),
        prop::option::weighted(0.2, prop::sample::select(vec!["audio", "other"])),
        prop::option::weighted(0.2, 0..20u32),
    )
        .prop_map(|(words, user, kind, size)| {
            let user = user.map_or(String::new(), |user| format!(" user={user}"));
            let kind = kind.map_or(String::new(), |kind| format!(" kind={kind}"));
            format!("{words}{user}{kind}{}", size.map_or(String::new(), |size| format!(" min-size={size}")))
        })
}

fn question() -> impl Strategy<Value = String> {
    let hash = || prop::sample::select(&HASHES).prop_map(|hash| PublicKey::from_bytes([hash; 32]).to_string());
    prop_oneof![
        1 => page().prop_map(|page| format!("list-files{page}")),
        1 => (prop::sample::select(&NAMES), page()).prop_map(|(name, page)| format!("list-files {name}{page}")),
        3 => (selection(), page()).prop_map(|(selection, page)| format!("search{selection}{page}")),
        3 => (prop::sample::select(vec!["", " a", " a/b", " b"]), selection(), page()).prop_map(
            |(folder, selection, page)| {
                let folder = if folder.is_empty() && !selection.is_empty() { " \"\"" } else { folder };
                format!("list-folder{folder}{selection}{page}")
            }
        ),
        2 => selection().prop_map(|selection| format!("count-files{selection}")),
        1 => (hash(), page()).prop_map(|(hash, page)| format!("sources {hash}{page}")),
        1 => (hash(), page()).prop_map(|(hash, page)| format!("list-sources {hash}{page}")),
        1 => Just("list-totals".to_owned()),
        1 => prop::sample::select(&NAMES).prop_map(|name| format!("list-totals {name} limit=1")),
        1 => prop::sample::select(vec!["list-users", "ping", "whoami", "nonsense", "quit"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["watch", "watch under=a", "watch under=a/b", "watch anna", "unwatch"])
            .prop_map(str::to_owned),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(&NAMES);
    prop_oneof![
        3 => name().prop_map(|name| format!("register-user {name}")),
        1 => name().prop_map(|name| format!("unregister-user {name}")),
        8 => name().prop_flat_map(change),
        8 => question(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..4usize;
    prop_oneof![
        2 => (client(), prop::option::of(1..3u8)).prop_map(|(client, key)| Step::Open { client, key }),
        12 => (client(), prop::collection::vec(line(), 1..6)).prop_map(|(client, lines)| Step::Lines { client, lines }),
        1 => client().prop_map(Step::Drop),
        2 => (0..600u64).prop_map(Step::Wait),
    ]
}

/// Each client has a name of its own, so that it makes no difference who is first.
fn step_of_one_name() -> impl Strategy<Value = Step> {
    (0..NAMES.len()).prop_flat_map(|client| {
        let name = NAMES[client];
        prop_oneof![
            4 => prop::bool::ANY.prop_map(move |has_key| Step::Come(client, has_key.then_some(1))),
            12 => prop::collection::vec(prop_oneof![3 => change(name).boxed(), 1 => question().boxed()], 1..6)
                .prop_map(move |lines| Step::Lines { client, lines }),
            1 => Just(Step::Drop(client)),
            1 => (0..300u64).prop_map(Step::Wait),
        ]
    })
}

fn small_limits() -> TrackerSettings {
    TrackerSettings {
        shares_per_user: 12,
        shares_in_all: 30,
        keyless_shares_per_address: 14,
        path_bytes_per_user: 60,
        path_bytes_in_all: 130,
        ..TrackerSettings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn shards_answer_as_one_catalog(
        steps in prop::collection::vec(step(), 1..40),
        order in prop::collection::vec(0..1000usize, 1..60),
        shards in 1..5usize,
        is_small in any::<bool>(),
    ) {
        let start = Instant::now();
        let settings = if is_small { small_limits() } else { TrackerSettings::default() };
        let mut one = World::new(start, &settings, 0);
        let mut several = World::new(start, &settings, shards);
        for step in &steps {
            for world in [&mut one, &mut several] {
                world.take(step);
                world.settle(&order);
            }
            prop_assert_eq!(&several.received, &one.received);
            prop_assert_eq!(several.tracker.counts(), one.tracker.counts());
        }
        prop_assert_eq!(several.everything(&order), one.everything(&order));
        let codes = |world: &World| world.tracker.tally().codes().collect::<Vec<_>>();
        prop_assert_eq!(codes(&several), codes(&one));
        let verbs = |world: &World| world.tracker.tally().verbs().collect::<Vec<_>>();
        prop_assert_eq!(verbs(&several), verbs(&one));
    }

    #[test]
    fn nothing_is_lost_of_what_is_under_way(
        steps in prop::collection::vec((step_of_one_name(), 0..6usize), 1..60),
        order in prop::collection::vec(0..1000usize, 1..60),
        shards in 1..5usize,
    ) {
        let start = Instant::now();
        let settings = TrackerSettings::default();
        let mut one = World::new(start, &settings, 0);
        let mut several = World::new(start, &settings, shards);
        let mut choices = order.iter().copied().cycle();
        for (step, happens) in &steps {
            one.take(step);
            one.settle(&order);
            several.take(step);
            // The shards are somewhere in the middle when the next thing comes.
            (0..*happens).for_each(|_| _ = several.happen(choices.next().expect("it never ends")));
        }
        prop_assert_eq!(several.everything(&order), one.everything(&order));
    }
}

/// The shard that a name is in.
fn shard_of(world: &mut World, client: usize) -> usize {
    world.take(&Step::Come(client, None));
    world.settle(&[0]);
    world.take(&Step::Lines { client, lines: vec![format!("register-files {} first", NAMES[client])] });
    let shard = (0..world.shards.len()).find(|at| !world.asks[*at].is_empty()).expect("one is asked");
    world.settle(&[0]);
    shard
}

fn said_to(world: &World, client: usize) -> &str {
    world.received.get(&world.clients[&client]).map_or("", String::as_str)
}

/// A shard that does nothing for a while holds up who asks it, and nobody else.
#[test]
fn a_slow_shard_holds_up_nobody_but_who_asks_it() {
    let mut world = World::new(Instant::now(), &TrackerSettings::default(), 4);
    let shards: Vec<usize> = (0..NAMES.len()).map(|client| shard_of(&mut world, client)).collect();
    let slow = shards[0];
    let other = (1..NAMES.len()).find(|client| shards[*client] != slow).expect("not all are in one");
    world.received.clear();
    let line = |client: usize, line: &str| Step::Lines { client, lines: vec![line.replace("{}", NAMES[client])] };
    world.take(&line(0, "register-files {} second"));
    // Everything but the slow one goes on.
    let go_on = |world: &mut World| {
        let stuck = std::mem::take(&mut world.asks[slow]);
        world.settle(&[0]);
        world.asks[slow] = stuck;
    };
    for text in
        ["ping", "list-users", "list-totals", "register-files {} second", "list-files {}", "unregister-files {} first"]
    {
        world.take(&line(other, text));
        go_on(&mut world);
    }
    let name = NAMES[other];
    let answered = said_to(&world, other);
    assert!(
        answered.starts_with("OK 0\nOK 5\n") && answered.contains(&format!("{name} - - second\nOK 0\n")),
        "{answered}"
    );
    // What everybody shares is known only with what is in the slow one.
    world.take(&line(other, "search second"));
    go_on(&mut world);
    assert_eq!((said_to(&world, 0), said_to(&world, other).matches("OK ").count()), ("", 6));
    world.settle(&[0]);
    assert_eq!(said_to(&world, 0), "OK 0\n");
    assert!(said_to(&world, other).ends_with(&format!("OK 2\nanna - - second\n{name} - - second\n")), "in order");
}

/// Whoever leaves with very much is forgotten in steps, also in a shard, and no list has half of it.
#[test]
fn who_leaves_with_very_much_is_forgotten_in_steps() {
    let settings = TrackerSettings { keyless_shares_per_address: 100_000, ..TrackerSettings::default() };
    let mut world = World::new(Instant::now(), &settings, 2);
    let shard = shard_of(&mut world, 0);
    for thousand in 0..20 {
        let names: Vec<String> = (0..1000).map(|n| format!("{thousand}/{n}")).collect();
        let lines = vec![format!("register-files anna {}", names.join(","))];
        world.take(&Step::Lines { client: 0, lines });
        world.settle(&[0]);
    }
    assert_eq!(world.tracker.counts().shares, 20_001);
    world.take(&Step::Drop(0));
    world.take(&Step::Open { client: 1, key: None });
    world.take(&Step::Lines { client: 1, lines: vec!["search 7 limit=5".into(), "count-files".into()] });
    let mut steps = 0;
    while world.tracker.counts().shares > 0 {
        let received = said_to(&world, 1).len();
        assert!(received < 50, "no list is begun meanwhile: {}", said_to(&world, 1));
        assert!(world.happen(0), "it is being forgotten");
        steps += usize::from(world.shards[shard].has_work());
    }
    assert!(steps > 2, "not all at once");
    world.settle(&[0]);
    assert!(said_to(&world, 1).ends_with("OK 0\nOK 1\n0 0\n"), "{}", said_to(&world, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// What a watcher's list does not have yet, they are told of when it comes.
    #[test]
    fn a_watcher_is_told_of_what_the_list_did_not_have(
        order in prop::collection::vec(0..1000usize, 1..80),
        before in 0..12usize,
        shards in 1..4usize,
    ) {
        let mut world = World::new(Instant::now(), &TrackerSettings::default(), shards);
        for client in [0, 1] {
            _ = shard_of(&mut world, client);
        }
        world.received.clear();
        let mut choices = order.iter().copied().cycle();
        let items: Vec<String> = (0..300).map(|n| format!("a/{n}")).collect();
        world.take(&Step::Lines { client: 0, lines: vec![format!("register-files anna {}", items.join(", "))] });
        (0..before).for_each(|_| _ = world.happen(choices.next().expect("it never ends")));
        world.take(&Step::Lines { client: 1, lines: vec!["watch under=a".into(), "count-files in=a".into()] });
        world.settle(&order);
        world.take(&Step::Wait(1_000));
        world.settle(&order);
        let told = said_to(&world, 1);
        let has_all = told.contains("\n300 0\n");
        prop_assert!(has_all || told.contains("* changed anna\n"), "{}", told);
        prop_assert!(said_to(&world, 0).ends_with("OK 0\n"));
    }
}
