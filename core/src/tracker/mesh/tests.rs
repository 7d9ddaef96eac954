//! Several trackers in virtual time, over links that drop, repeat, delay and swap lines and are cut, with trackers that end
//! and are started anew: in the end all know the same.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use super::mirror::Heard;
use super::*;

/// Small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("it is small")
    }
}

/// One tracker with what a shell would know of it.
struct Node {
    mesh: Mesh,
    /// Who has a session here.
    own: BTreeMap<String, OwnUser>,
    /// Who is shown of the others.
    shown: BTreeMap<String, Arc<MeshUser>>,
    is_running: bool,
    /// How often somebody was told to be gone.
    gone: usize,
}

/// A connection, and what is on its way to each of its ends.
struct Wire {
    ends: [usize; 2],
    under_way: Vec<(Instant, usize, String)>,
}

struct World {
    now: Instant,
    begun: Instant,
    dice: Dice,
    nodes: Vec<Node>,
    wires: BTreeMap<u64, Wire>,
    last_link: u64,
    epochs: u64,
    is_bad: bool,
    severed: BTreeSet<[usize; 2]>,
}

const KEY: PublicKey = PublicKey::from_bytes([9; 32]);
const STEP: Duration = Duration::from_millis(10);

fn name_of(node: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 100], 7000 + u16::try_from(node).expect("a few")))
}

fn listed(nodes: usize) -> Vec<ListedTracker> {
    let tracker = |n| ListedTracker { at: name_of(n), key: KEY };
    (0..nodes).map(tracker).collect()
}

fn user(name: &str, key: u8) -> OwnUser {
    let key = (key > 0).then(|| PublicKey::from_bytes([key; 32]));
    OwnUser { username: name.parse().expect(name), key, seen: Some([192, 0, 2, 1].into()), port: None }
}

impl World {
    fn new(seed: u64, nodes: usize) -> Self {
        let now = Instant::now();
        let mut world = Self {
            now,
            begun: now,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            nodes: Vec::new(),
            wires: BTreeMap::new(),
            last_link: 0,
            epochs: 0,
            is_bad: false,
            severed: BTreeSet::new(),
        };
        for n in 0..nodes {
            let mesh = world.mesh(n);
            world.nodes.push(Node { mesh, own: BTreeMap::new(), shown: BTreeMap::new(), is_running: true, gone: 0 });
        }
        for n in 0..nodes {
            world.list(n);
        }
        world
    }

    fn mesh(&mut self, n: usize) -> Mesh {
        self.epochs += 1;
        // Clocks are not quite the same.
        let millis = u64::try_from((self.now - self.begun).as_millis()).expect("a short time");
        let millis = 1_000_000 + millis + n as u64 * 30;
        Mesh::new(self.now, name_of(n), self.epochs, millis)
    }

    fn list(&mut self, n: usize) {
        let all = listed(self.nodes.len());
        self.act(n, |mesh, now, effects| mesh.set_trackers(now, all, effects));
    }

    fn act(&mut self, n: usize, what: impl FnOnce(&mut Mesh, Instant, &mut Vec<MeshEffect>)) {
        let mut effects = Vec::new();
        what(&mut self.nodes[n].mesh, self.now, &mut effects);
        for effect in effects {
            self.carry_out(n, effect);
        }
    }

    fn carry_out(&mut self, n: usize, effect: MeshEffect) {
        match effect {
            MeshEffect::Link(LinkEffect::Admit(_)) => {}
            MeshEffect::Link(LinkEffect::Dial(to)) => {
                let other = (0..self.nodes.len()).find(|other| name_of(*other) == to.at).expect("one of them");
                let is_cut = self.severed.contains(&[n.min(other), n.max(other)]);
                let is_listening = self.nodes[other].is_running && self.nodes[other].mesh.may_speak(KEY);
                if is_cut || !is_listening || (self.is_bad && self.dice.below(4) == 0) {
                    return self.act(n, |mesh, now, _| mesh.not_reached(now, to.at));
                }
                self.last_link += 1;
                let link = LinkId(self.last_link);
                self.wires.insert(link.0, Wire { ends: [n, other], under_way: Vec::new() });
                let at = [127, 0, 0, 1].into();
                self.act(other, |mesh, now, effects| mesh.connected(now, link, KEY, at, None, effects));
                self.act(n, |mesh, now, effects| mesh.connected(now, link, KEY, at, Some(to.at), effects));
            }
            MeshEffect::Link(LinkEffect::Send { link, bytes }) => {
                let text = std::str::from_utf8(&bytes).expect("text");
                for line in text.lines() {
                    let mut times = 1;
                    let mut after = STEP * 2;
                    if self.is_bad {
                        times = [0, 1, 1, 1, 1, 1, 1, 1, 1, 2][self.dice.below(10)];
                        after = Duration::from_millis(10 * self.dice.below(12) as u64);
                    }
                    let Some(wire) = self.wires.get_mut(&link.0) else { break };
                    let to = wire.ends.iter().position(|end| *end != n).expect("the other end");
                    for _ in 0..times {
                        wire.under_way.push((self.now + after, to, line.to_owned()));
                    }
                }
                self.act(n, |mesh, _, effects| mesh.passed(link, bytes.len(), effects));
            }
            MeshEffect::Link(LinkEffect::Cut(link)) => self.cut(link.0, Some(n)),
            MeshEffect::Here { tracker, user, .. } => {
                assert_ne!(tracker, self.nodes[n].mesh.at());
                self.nodes[n].shown.insert(user.username.folded(), user);
            }
            MeshEffect::Gone(username) => {
                self.nodes[n].gone += 1;
                assert!(self.nodes[n].shown.remove(&username.folded()).is_some(), "gone twice");
            }
            MeshEffect::Displaced { username, .. } => {
                if self.nodes[n].own.remove(&username.folded()).is_some() {
                    self.act(n, |mesh, _, effects| mesh.left(&username, effects));
                }
            }
        }
    }

    /// A connection is gone; whoever did not do it is told.
    fn cut(&mut self, link: u64, by: Option<usize>) {
        let Some(wire) = self.wires.remove(&link) else { return };
        for end in wire.ends {
            if Some(end) != by && self.nodes[end].is_running {
                self.act(end, |mesh, now, _| mesh.cut(now, LinkId(link)));
            }
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let links: Vec<u64> = self.wires.keys().copied().collect();
        for link in links {
            loop {
                let now = self.now;
                let Some(wire) = self.wires.get_mut(&link) else { break };
                let Some(at) = wire.under_way.iter().position(|(at, ..)| *at <= now) else { break };
                let (_, to, line) = wire.under_way.remove(at);
                let to = wire.ends[to];
                let line = line.parse().expect(&line);
                self.act(to, |mesh, now, effects| mesh.heard(now, LinkId(link), line, effects));
            }
        }
        for n in 0..self.nodes.len() {
            while self.nodes[n].is_running && self.nodes[n].mesh.next_deadline().is_some_and(|at| at <= self.now) {
                self.act(n, |mesh, now, effects| mesh.tick(now, effects));
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.step();
        }
    }

    fn come(&mut self, n: usize, user: OwnUser) {
        let folded = user.username.folded();
        // As a tracker judges it: a key takes over from a stale session of its own, and from nobody else.
        let holder = self.nodes[n].shown.get(&folded).map(|holder| holder.key);
        let own = self.nodes[n].own.get(&folded).map(|holder| holder.key);
        let is_free = |holder: Option<Option<PublicKey>>| match holder {
            None => true,
            Some(key) => user.key.is_some() && (key.is_none() || key == user.key),
        };
        if is_free(holder) && is_free(own) {
            if own.is_some() {
                self.act(n, |mesh, _, effects| mesh.left(&user.username, effects));
            }
            self.nodes[n].own.insert(folded, user.clone());
            self.act(n, |mesh, now, effects| mesh.came(now, user, effects));
        }
    }

    fn go(&mut self, n: usize, name: &str) {
        if let Some(user) = self.nodes[n].own.remove(name) {
            self.act(n, |mesh, _, effects| mesh.left(&user.username, effects));
        }
    }

    /// Ends a tracker with all its sessions.
    fn kill(&mut self, n: usize) {
        self.nodes[n].is_running = false;
        let own: Vec<u64> =
            self.wires.iter().filter(|(_, wire)| wire.ends.contains(&n)).map(|(link, _)| *link).collect();
        own.into_iter().for_each(|link| self.cut(link, None));
        self.nodes[n].own.clear();
        self.nodes[n].shown.clear();
    }

    fn start(&mut self, n: usize) {
        self.nodes[n].mesh = self.mesh(n);
        self.nodes[n].is_running = true;
        self.list(n);
    }

    fn everybody(&self, n: usize) -> Vec<(String, MeshUser)> {
        let all = self.nodes[n].mesh.everybody();
        all.map(|(tracker, user)| (tracker.to_string(), user.clone())).collect()
    }

    /// What was told of others is what is known of them.
    fn check_told(&self, n: usize) {
        let node = &self.nodes[n];
        if !node.is_running {
            return;
        }
        let known = node.mesh.everybody().filter(|(tracker, _)| *tracker != node.mesh.at());
        let known: BTreeMap<String, MeshUser> = known.map(|(_, user)| (user.username.folded(), user.clone())).collect();
        let told = node.shown.iter().map(|(name, user)| (name.clone(), MeshUser::clone(user))).collect();
        assert_eq!(known, told, "{n}");
    }

    /// All trackers know the same, which is who has a session.
    fn check_all(&self, seed: u64) {
        let first = self.everybody(0);
        for n in 0..self.nodes.len() {
            assert_eq!(self.everybody(n), first, "seed {seed}, tracker {n}");
            self.check_told(n);
        }
        let sessions = self.nodes.iter().flat_map(|node| node.own.keys().cloned());
        let mut sessions: Vec<String> = sessions.collect();
        sessions.sort();
        let names: Vec<String> = first.iter().map(|(_, user)| user.username.folded()).collect();
        assert_eq!(names, sessions, "seed {seed}: each name once, as one tracker would have it");
    }

    fn something_happens(&mut self) {
        let n = self.dice.below(self.nodes.len());
        let who = self.dice.below(8);
        let name = format!("user{who}");
        match self.dice.below(40) {
            0..=11 if self.nodes[n].is_running => self.come(n, user(&name, u8::try_from(who).expect("a few"))),
            12..=15 => self.go(n, &name),
            16..=25 => {
                let totals = Totals { files: self.dice.below(9) as u64, bytes: self.dice.below(9) as u64 };
                if let Some(user) = self.nodes[n].own.get(&name).cloned() {
                    self.act(n, |mesh, now, _| mesh.shares(now, &user.username, totals));
                }
            }
            26 if self.nodes[n].is_running => self.kill(n),
            27..=30 if !self.nodes[n].is_running => self.start(n),
            31 => {
                let links: Vec<u64> = self.wires.keys().copied().collect();
                if !links.is_empty() {
                    let link = links[self.dice.below(links.len())];
                    self.cut(link, None);
                }
            }
            32 => {
                let other = self.dice.below(self.nodes.len());
                self.severed.insert([n.min(other), n.max(other)]);
            }
            33..=35 => self.severed.clear(),
            _ => {}
        }
    }
}

#[test]
fn whatever_happens_to_links_and_trackers_all_know_the_same_in_the_end() {
    let mut seen = 0;
    for seed in 1..=500 {
        let mut world = World::new(seed, if seed % 2 == 0 { 2 } else { 3 + usize::from(seed % 3 == 0) });
        world.is_bad = true;
        for _ in 0..60 {
            world.something_happens();
            for _ in 0..1 + world.dice.below(20) {
                world.step();
            }
            for n in 0..world.nodes.len() {
                world.check_told(n);
            }
        }
        world.is_bad = false;
        world.severed.clear();
        for n in 0..world.nodes.len() {
            if !world.nodes[n].is_running {
                world.start(n);
            }
        }
        world.run(Duration::from_secs(8));
        world.check_all(seed);
        seen += world.everybody(0).len();
    }
    assert!(seen > 500, "nobody was there: {seen}");
}

#[test]
fn who_stays_is_not_seen_to_go_by_a_short_cut() {
    let mut world = World::new(7, 3);
    (1..5).for_each(|n| world.come(0, user(&format!("user{n}"), n)));
    world.run(Duration::from_secs(1));
    world.check_all(7);
    for _ in 0..10 {
        let links: Vec<u64> = world.wires.keys().copied().collect();
        links.into_iter().for_each(|link| world.cut(link, None));
        world.run(Duration::from_millis(100));
        // What happens meanwhile is told afterwards.
        world.come(0, user("anna", 9));
        world.run(Duration::from_secs(1));
        world.check_all(7);
        world.go(0, "anna");
        world.run(Duration::from_millis(100));
    }
    assert_eq!(world.nodes[1].gone, 10, "anna alone, each time");
    // A cut that is noticed by silence alone.
    world.severed.extend([[0, 1], [0, 2], [1, 2]]);
    world.wires.clear();
    world.run(Duration::from_millis(1900));
    assert_eq!(world.nodes[1].shown.len(), 4);
    world.severed.clear();
    world.run(Duration::from_secs(2));
    assert_eq!((world.nodes[1].shown.len(), world.nodes[1].gone), (4, 10));
    world.check_all(7);
}

#[test]
fn users_of_a_tracker_that_died_are_shown_for_three_seconds() {
    let mut world = World::new(7, 3);
    world.come(0, user("anna", 1));
    world.come(0, user("boris", 2));
    world.run(Duration::from_secs(1));
    world.kill(0);
    world.run(Duration::from_millis(500));
    assert_eq!(world.nodes[1].shown.len(), 2, "they may come back at another one");
    world.come(1, user("anna", 1));
    world.run(Duration::from_secs(1));
    assert_eq!((world.nodes[1].gone, world.nodes[2].gone), (1, 0), "here she is one's own, there she is elsewhere");
    world.run(Duration::from_millis(1400));
    assert_eq!(world.nodes[2].shown.len(), 2);
    world.run(Duration::from_millis(200));
    let shown: Vec<&String> = world.nodes[2].shown.keys().collect();
    assert_eq!(shown, ["anna"], "boris did not come back");
}

#[test]
fn a_tracker_that_was_started_anew_is_another_one() {
    let mut world = World::new(7, 2);
    world.come(0, user("anna", 1));
    world.come(0, user("boris", 2));
    world.run(Duration::from_secs(1));
    world.kill(0);
    world.start(0);
    world.run(Duration::from_secs(1));
    world.come(0, user("anna", 1));
    world.run(Duration::from_secs(1));
    assert_eq!((world.nodes[1].shown.len(), world.nodes[1].gone), (2, 0));
    world.run(Duration::from_secs(2));
    assert_eq!((world.nodes[1].shown.len(), world.nodes[1].gone), (1, 1), "boris did not come back");
    world.check_all(7);
}

#[test]
fn the_newest_session_of_a_key_has_the_name_wherever_it_is() {
    let mut world = World::new(7, 3);
    world.come(0, user("anna", 1));
    world.run(Duration::from_secs(1));
    world.come(2, user("Anna", 1));
    world.run(Duration::from_secs(1));
    assert!(world.nodes[0].own.is_empty() && world.nodes[2].own.len() == 1);
    world.check_all(7);
    world.come(1, user("anna", 0));
    world.come(1, user("anna", 2));
    assert!(world.nodes[1].own.is_empty(), "nobody else has it");
    // Two at once without a key, on either side of a cut: one of them has it.
    world.severed.extend([[0, 1], [0, 2], [1, 2]]);
    let links: Vec<u64> = world.wires.keys().copied().collect();
    links.into_iter().for_each(|link| world.cut(link, None));
    world.come(0, user("guest", 0));
    world.run(Duration::from_millis(50));
    world.come(1, user("guest", 0));
    world.come(2, user("guest", 3));
    world.severed.clear();
    world.run(Duration::from_secs(2));
    world.check_all(7);
    assert_eq!(world.nodes.iter().map(|node| node.own.contains_key("guest")).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn strangers_and_unlisted_trackers_are_cut() {
    let mut world = World::new(7, 2);
    world.run(Duration::from_secs(1));
    let stranger = PublicKey::from_bytes([8; 32]);
    assert!(!world.nodes[0].mesh.may_speak(stranger));
    let hello =
        |node: usize, version| format!("hello {version} {} 5 0 0", name_of(node)).parse::<MeshLine>().expect("a line");
    for (line, is_cut) in [
        (hello(7, 1), true),
        (hello(0, 1), true),
        (hello(1, 2), true),
        ("hello 1 192.0.2.100:7001 0 0 0".parse().expect("a line"), true),
        ("here 1 anna - 1 - - 0 0 0".parse().expect("a line"), false),
        (hello(1, 1), false),
    ] {
        let mut effects = Vec::new();
        let (now, link) = (world.now, LinkId(1000));
        let mesh = &mut world.nodes[0].mesh;
        mesh.connected(now, link, KEY, [127, 0, 0, 1].into(), None, &mut effects);
        mesh.heard(now, link, line.clone(), &mut effects);
        assert_eq!(effects.contains(&MeshEffect::Link(LinkEffect::Cut(link))), is_cut, "{line}");
        assert!(!effects.iter().any(|effect| matches!(effect, MeshEffect::Here { .. })), "{line}");
        mesh.cut(now, link);
    }
}
