//! A machine and what a shared ledger tells it, in every order.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::*;
use crate::model::binding::ClaimFate;
use crate::model::join_rule::JoinRule;
use crate::protocol::line::Line;
use crate::tracker::input::{Input, SessionId, SessionOpened, SessionRequest};
use crate::tracker::remembered::Remembered;
use crate::tracker::settings::TrackerSettings;

struct World {
    now: Instant,
    tracker: Tracker,
    claims: Vec<(Ticket, NameClaim)>,
    saves: Vec<(Ticket, Vec<Record>)>,
    /// What each session has read.
    read: BTreeMap<SessionId, String>,
}

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes([n; 32])
}

fn name(text: &str) -> Username {
    Username::new(text).expect(text)
}

fn bound(text: &str, n: u8) -> Record {
    Record::Bound(Binding { username: name(text), key: key(n), used_at: 0 })
}

impl World {
    fn new(remembered: Vec<Record>) -> Self {
        Self::with(TrackerSettings { owners: vec![key(9)], ..TrackerSettings::default() }, remembered)
    }

    fn with(settings: TrackerSettings, remembered: Vec<Record>) -> Self {
        let now = Instant::now();
        let mut tracker = Tracker::new(now, settings, 1_800_000_000, Remembered::default());
        tracker.set_ticket_secret([7; 32]);
        tracker.share_ledger(now);
        let (claims, saves) = (Vec::new(), Vec::new());
        let mut world = Self { now, tracker, claims, saves, read: BTreeMap::new() };
        world.learn(Learned::Changes(remembered));
        world
    }

    fn apply(&mut self, from: SessionId, input: Input) {
        for effect in self.tracker.apply(self.now, from, input) {
            match effect {
                Effect::Send { to, bytes } => {
                    let text = std::str::from_utf8(&bytes).expect("text");
                    self.read.entry(to).or_default().push_str(text);
                }
                Effect::Notify { to, bytes } => {
                    let text = std::str::from_utf8(&bytes).expect("text");
                    to.iter().for_each(|to| self.read.entry(*to).or_default().push_str(text));
                }
                Effect::Claim { ticket, claim } => self.claims.push((ticket, claim)),
                Effect::Save { ticket, records } => self.saves.push((ticket, records)),
                _ => {}
            }
        }
    }

    fn learn(&mut self, learned: Learned) {
        self.apply(SessionId::NONE, Input::Learned(learned));
    }

    fn change(&mut self, record: Record) {
        self.learn(Learned::Changes(vec![record]));
    }

    fn come(&mut self, n: u64, key: Option<PublicKey>) {
        let id = SessionId::new(n);
        let peer = SocketAddr::from(([10, 0, 0, u8::try_from(n).expect("few")], 40_000));
        let local = SocketAddr::from(([10, 0, 0, 99], 7686));
        self.apply(id, Input::Opened(SessionOpened { peer, local, key, accepted_at: self.now, is_tracker: false }));
        self.read.remove(&id);
    }

    fn say(&mut self, n: u64, line: &str) {
        self.apply(SessionId::new(n), Input::Requests(vec![SessionRequest::read(Line::Text(line.to_owned()))]));
    }

    /// What a session has read since it was asked last, its notices left out.
    fn said(&mut self, n: u64) -> String {
        let read = self.read.remove(&SessionId::new(n)).unwrap_or_default();
        let replies: Vec<&str> = read.lines().filter(|line| !line.starts_with('*')).collect();
        replies.join("|")
    }

    fn fate(&mut self, fate: ClaimFate) {
        let (ticket, _) = self.claims.remove(0);
        self.apply(SessionId::NONE, Input::Claimed { ticket, fate });
    }

    fn is_here(&self, text: &str) -> bool {
        self.tracker.known(&name(text)).is_some_and(|known| known.address.is_some())
    }
}

#[test]
fn a_claim_ends_as_the_replica_shows_when_it_has_its_fate() {
    let taken = "ERR name-taken";
    for (learned, fate, said, is_in) in [
        (Some(bound("anna", 1)), ClaimFate::Done, "OK 0", true),
        (Some(bound("ANNA", 2)), ClaimFate::Lost, taken, false),
        (Some(bound("boris", 2)), ClaimFate::Lost, "ERR unavailable", false),
        (Some(Record::Resting(name("anna"))), ClaimFate::Lost, taken, false),
        (None, ClaimFate::Failed, "ERR unavailable", false),
        // It may be done, and nobody has heard of it: it is not said to be.
        (None, ClaimFate::Done, "ERR unavailable", false),
        (None, ClaimFate::Lost, "ERR unavailable", false),
        // It was done, and this is only known too late: nobody is in, and the next try finds it so.
        (Some(bound("anna", 1)), ClaimFate::Failed, "ERR unavailable", false),
    ] {
        let mut world = World::new(Vec::new());
        world.come(1, Some(key(1)));
        world.say(1, "register-user anna 4001");
        assert_eq!((world.said(1).as_str(), world.claims.len(), world.is_here("anna")), ("", 1, false));
        learned.clone().into_iter().for_each(|record| world.change(record));
        world.fate(fate);
        let answer = world.said(1);
        assert!(answer.starts_with(said), "{learned:?} {fate:?}: {answer}");
        assert_eq!(world.is_here("anna"), is_in, "{learned:?} {fate:?}");
        assert!(world.claims.is_empty(), "one command claims once");
    }
}

#[test]
fn what_looks_like_it_and_what_is_too_much_come_by_the_usual_way() {
    let settings = TrackerSettings { names_per_key: 1, ..TrackerSettings::default() };
    let mut world = World::with(settings, Vec::new());
    world.come(1, Some(key(1)));
    world.say(1, "register-user modem 4001");
    world.change(bound("modern", 2));
    world.fate(ClaimFate::Lost);
    assert!(world.said(1).starts_with("ERR name-confusable"));
    // At another tracker the same key has used up what it may have.
    world.say(1, "register-user anna 4001");
    world.change(bound("other", 1));
    world.fate(ClaimFate::Lost);
    assert!(world.said(1).starts_with("ERR limit"));
}

/// Everything that can happen to a claim and to whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happening {
    Mine,
    Theirs,
    Released,
    Fate(ClaimFate),
    Dropped,
}

#[test]
fn in_every_order_nobody_is_in_under_a_name_that_the_replica_does_not_give_them() {
    use Happening::*;
    let mut orders = 0;
    for fate in [ClaimFate::Done, ClaimFate::Lost, ClaimFate::Failed] {
        for order in permutations(&[Mine, Theirs, Released, Fate(fate), Dropped]) {
            orders += 1;
            let mut world = World::new(Vec::new());
            world.come(1, Some(key(1)));
            world.come(2, None);
            world.say(2, "watch");
            world.say(1, "register-user anna 4001");
            let mut owner = None;
            for happening in &order {
                match happening {
                    Mine | Theirs => {
                        let n = if *happening == Mine { 1 } else { 2 };
                        owner = Some(key(n));
                        world.change(bound("anna", n));
                    }
                    Released => {
                        owner = None;
                        world.change(Record::Resting(name("anna")));
                    }
                    Fate(fate) => world.fate(*fate),
                    Dropped => world.apply(SessionId::new(1), Input::Closed),
                }
                assert_eq!(world.tracker.names.owner(&name("anna")), owner, "{order:?}");
                assert!(!world.is_here("anna") || owner == Some(key(1)), "{order:?}");
                let said = world.said(1);
                assert!(said != "OK 0" || owner == Some(key(1)), "{order:?}: {said}");
            }
            assert!(world.claims.is_empty() && world.tracker.saves.is_empty() && !world.is_here("anna"), "{order:?}");
        }
    }
    assert_eq!(orders, 3 * 120);
}

fn permutations<T: Copy>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for n in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(n);
        all.extend(permutations(&rest).into_iter().map(|order| [vec![first], order].concat()));
    }
    all
}

#[test]
fn owners_come_in_by_a_replica_that_is_not_too_old() {
    let mut world = World::new(vec![bound("anna", 1)]);
    world.come(1, Some(key(1)));
    world.say(1, "register-user anna 4001");
    assert_eq!(world.said(1), "OK 0");
    world.apply(SessionId::new(1), Input::Closed);
    world.now += REPLICA_AGE_MAX;
    world.come(2, Some(key(1)));
    world.say(2, "register-user anna 4001");
    assert_eq!(world.said(2), "OK 0");
    world.apply(SessionId::new(2), Input::Closed);
    world.now += Duration::from_secs(1);
    world.come(3, Some(key(1)));
    world.say(3, "register-user anna 4001");
    assert!(world.said(3).starts_with("ERR unavailable"));
    world.say(3, "list-users");
    assert_eq!(world.said(3), "OK 0", "it may read");
    world.learn(Learned::UpToDate(world.now));
    world.say(3, "register-user anna 4001");
    assert_eq!(world.said(3), "OK 0");
}

#[test]
fn who_is_here_goes_when_their_name_is_somebody_elses() {
    for (record, is_closed) in
        [(bound("anna", 1), false), (bound("anna", 2), true), (Record::Resting(name("anna")), true)]
    {
        let mut world = World::new(vec![bound("anna", 1)]);
        world.come(1, Some(key(1)));
        world.say(1, "register-user anna 4001");
        world.change(record.clone());
        assert_eq!(world.is_here("anna"), !is_closed, "{record:?}");
    }
    // Who has no key makes way, and stays.
    let mut world = World::new(Vec::new());
    world.come(1, None);
    world.say(1, "register-user anna 4001");
    assert_eq!(world.said(1), "OK 0");
    world.change(bound("anna", 2));
    assert!(!world.is_here("anna"));
    world.say(1, "ping");
    assert_eq!(world.said(1), "OK 0");
}

#[test]
fn a_new_spelling_is_claimed_before_it_is_used() {
    let mut world = World::new(vec![bound("bill", 1)]);
    world.come(1, Some(key(1)));
    world.say(1, "register-user bIll 4001");
    assert_eq!((world.said(1).as_str(), world.claims.len()), ("", 1));
    world.change(bound("blll", 2));
    world.fate(ClaimFate::Lost);
    assert!(world.said(1).starts_with("ERR name-confusable"));
    world.say(1, "register-user Bill 4001");
    world.change(bound("Bill", 1));
    world.fate(ClaimFate::Done);
    assert_eq!(world.said(1), "OK 0");
}

#[test]
fn an_order_is_answered_when_all_trackers_can_read_it() {
    let mut world = World::new(vec![bound("eve", 2)]);
    world.come(1, Some(key(9)));
    for (order, records, done, said) in [
        ("ban eve 1d spam", 1, true, "OK 1|"),
        ("unban eve", 1, false, "ERR unavailable"),
        ("rename-network House", 1, true, "OK 0"),
        ("limits names_per_key=2 faulty_lines=9", 2, true, "OK "),
        ("release eve", 1, true, "OK 0"),
    ] {
        world.say(1, order);
        let written: Vec<usize> = world.saves.iter().map(|(_, records)| records.len()).collect();
        assert_eq!((world.said(1).as_str(), written), ("", vec![records]), "{order}");
        let (ticket, records) = world.saves.remove(0);
        if done && !order.starts_with("release") {
            world.learn(Learned::Changes(records));
        }
        world.apply(SessionId::NONE, Input::Stored { ticket, done });
        let answer = world.said(1);
        assert!(answer.starts_with(said), "{order}: {answer}");
    }
    assert_eq!(world.tracker.names.owner(&name("eve")), Some(key(2)), "until the ledger says that it is not");
    world.say(1, "limits");
    assert!(world.said(1).starts_with("OK "), "to read needs nobody else");
    assert!(world.tracker.saves.is_empty());
}

#[test]
fn two_trackers_that_lift_different_bans_at_once_lift_both() {
    let bans = ["@anna", "192.0.2.0/24"].map(|text| text.parse().expect(text)).to_vec();
    let settings = TrackerSettings { owners: vec![key(9)], bans, ..TrackerSettings::default() };
    let mut worlds = [0, 1].map(|_| World::with(settings.clone(), Vec::new()));
    let mut written = Vec::new();
    for (world, order) in worlds.iter_mut().zip(["unban @Anna", "unban 192.0.2.0/24"]) {
        world.come(1, Some(key(9)));
        world.say(1, order);
        written.push(world.saves.remove(0));
    }
    // The ledger keeps the last value of a key, and tells all trackers the same.
    for world in &mut worlds {
        written.iter().for_each(|(_, records)| world.learn(Learned::Changes(records.clone())));
    }
    for (world, (ticket, _)) in worlds.iter_mut().zip(&written) {
        world.apply(SessionId::NONE, Input::Stored { ticket: *ticket, done: true });
        assert_eq!(world.said(1), "OK 0");
        assert_eq!((world.tracker.bans().len(), world.tracker.settings().bans.len()), (0, 0));
    }
    // Read anew, the same; and without them the configuration counts again.
    let records: Vec<Record> = written.into_iter().flat_map(|(_, records)| records).collect();
    let [world, _] = &mut worlds;
    world.learn(Learned::Rules(records.into_iter().filter(|it| matches!(it, Record::Ordered { .. })).collect()));
    assert_eq!(world.tracker.bans().len(), 0);
    world.learn(Learned::Rules(Vec::new()));
    assert_eq!(world.tracker.bans().len(), 2);
    // What others lift of their own orders lifts nothing of the configuration, however it writes the name.
    world.change(Record::Unbanned("@ANNA".parse().expect("a name")));
    assert_eq!(world.tracker.bans().len(), 2);
}

#[test]
fn what_is_read_anew_is_applied_as_a_difference() {
    let mut world = World::new(vec![bound("anna", 1), bound("boris", 2), bound("vera", 3)]);
    world.change(Record::Ordered { setting: "network_name".into(), value: Some("Old".into()) });
    world.change(Record::Banned(crate::model::binding::Ban::new("@eve".parse().expect("a name"), None)));
    for (n, who) in [(1, "anna"), (2, "boris")] {
        world.come(n, Some(key(u8::try_from(n).expect("few"))));
        world.say(n, &format!("register-user {who} 4001"));
        assert_eq!(world.said(n), "OK 0");
    }
    world.come(3, None);
    world.say(3, "watch");
    world.said(3);
    let page = |after: Option<&str>, up_to: Option<&str>, names: Vec<Record>| Learned::Names {
        after: after.map(str::to_owned),
        up_to: up_to.map(str::to_owned),
        names,
    };
    world.learn(page(None, Some("anna"), vec![bound("anna", 1)]));
    world.learn(page(Some("anna"), Some("carl"), vec![bound("carl", 4)]));
    world.learn(page(Some("carl"), None, vec![Record::Resting(name("vera"))]));
    world.learn(Learned::Rules(Vec::new()));
    assert!(world.is_here("anna") && !world.is_here("boris"));
    let owner = |world: &World, text: &str| world.tracker.names.owner(&name(text));
    assert_eq!(
        ["anna", "boris", "carl", "vera"].map(|text| owner(&world, text)),
        [Some(key(1)), None, Some(key(4)), None]
    );
    assert_eq!(world.tracker.names.between(None, None), ["anna", "carl", "vera"]);
    assert_eq!(world.tracker.settings().network_name, "Potok");
    assert_eq!(world.tracker.bans().len(), 0);
    // Who is still who they were hears nothing, and nobody hears of them.
    assert_eq!(world.said(1), "");
    world.say(1, "whoami");
    assert!(world.said(1).starts_with("OK 1"), "still here");
}

#[test]
fn who_waits_does_so_at_all_trackers_and_goes_by_what_is_learned() {
    let settings = TrackerSettings { owners: vec![key(9)], join: JoinRule::Approval, ..TrackerSettings::default() };
    let mut world = World::with(settings, Vec::new());
    world.come(1, Some(key(9)));
    world.come(2, Some(key(2)));
    let waits = |world: &mut World| {
        world.say(1, "waiting");
        world.said(1)
    };
    world.say(2, "register-user eve 4001");
    assert!(world.said(2).starts_with("ERR waiting "));
    let (_, records) = world.saves.remove(0);
    assert_eq!(waits(&mut world), "OK 0", "it is not known to all yet");
    world.read.clear();
    world.learn(Learned::Changes(records.clone()));
    assert_eq!(world.read[&SessionId::new(1)], "* waiting eve\n");
    world.learn(Learned::Changes(records));
    assert_eq!(world.read[&SessionId::new(1)], "* waiting eve\n", "that is nothing new");
    assert!(waits(&mut world).contains("eve"));
    // Who is denied waits until all know that they do not.
    world.said(1);
    world.say(1, "deny eve");
    let (ticket, records) = world.saves.remove(0);
    assert_eq!(records, [Record::WaitsNoMore { key: key(2) }]);
    world.apply(SessionId::NONE, Input::Stored { ticket, done: false });
    assert!(world.said(1).starts_with("ERR unavailable "));
    assert!(waits(&mut world).contains("eve"), "it may not have been done");
    world.change(Record::WaitsNoMore { key: key(2) });
    assert_eq!(waits(&mut world), "OK 0");
    world.change(Record::Waits {
        key: key(3),
        user: crate::model::waiting_user::WaitingUser {
            username: name("vera"),
            address: [10, 0, 0, 3].into(),
            since: 5,
            asked_at: 5,
        },
    });
    world.learn(Learned::Rules(Vec::new()));
    assert_eq!(waits(&mut world), "OK 0");
}

#[test]
fn what_was_agreed_and_changed_again_is_as_it_was_changed() {
    let mut world = World::new(vec![bound("eve", 2)]);
    world.come(1, Some(key(9)));
    world.say(1, "invite uses=5");
    let (ticket, records) = world.saves.remove(0);
    let [Record::Invited(invite)] = records.as_slice() else { panic!("{records:?}") };
    // Others have used it, and it was revoked, before its own answer comes.
    world.learn(Learned::Changes(records.clone()));
    world.change(Record::Invited(crate::model::invite_token::IssuedInvite { uses_left: Some(1), ..invite.clone() }));
    world.apply(SessionId::NONE, Input::Stored { ticket, done: true });
    assert_eq!(world.tracker.doors.invite(invite.number).and_then(|invite| invite.uses_left), Some(1));
    world.said(1);
    world.say(1, &format!("revoke {}", invite.number));
    let (ticket, _) = world.saves.remove(0);
    world.change(Record::Revoked { number: invite.number });
    world.apply(SessionId::NONE, Input::Stored { ticket, done: false });
    assert!(world.tracker.doors.invite(invite.number).is_none(), "whatever became of the answer");
    world.change(Record::LastInvite { number: 40 });
    world.said(1);
    world.say(1, "invite");
    assert!(matches!(world.saves.remove(0).1.as_slice(), [Record::Invited(invite)] if invite.number == 41));
}

#[test]
fn an_invite_whose_number_was_taken_meanwhile_gets_another_one() {
    let mut world = World::new(Vec::new());
    world.come(1, Some(key(9)));
    world.come(2, Some(key(9)));
    world.say(1, "invite 5 1w choir");
    world.say(2, "invite");
    let (ticket, records) = world.saves.remove(0);
    let [Record::Invited(invite)] = records.as_slice() else { panic!("{records:?}") };
    assert!(invite.number == 1 && world.saves.is_empty(), "owners' orders come one after the other");
    let hash = crate::model::invite_token::TokenHash::from_bytes([8; 32]);
    let others = crate::model::invite_token::IssuedInvite { hash, uses_left: Some(1), ..invite.clone() };
    world.learn(Learned::Changes(vec![Record::Invited(others), Record::LastInvite { number: 1 }]));
    world.apply(SessionId::NONE, Input::Stored { ticket, done: false });
    assert_eq!((world.said(1), world.said(2)), (String::new(), String::new()), "both wait");
    let (ticket, records) = world.saves.remove(0);
    let [Record::Invited(again)] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((again.number, again.uses_left, again.note.as_ref()), (2, Some(5), invite.note.as_ref()));
    assert_ne!(again.hash, invite.hash, "a token of its own");
    world.learn(Learned::Changes(vec![Record::Invited(again.clone()), Record::LastInvite { number: 2 }]));
    world.apply(SessionId::NONE, Input::Stored { ticket, done: true });
    assert!(world.said(1).starts_with("OK 1|2 "));
    assert_eq!(world.tracker.doors.numbers().collect::<Vec<_>>(), [1, 2]);
    // The other order, which waited; without an answer of the ledger it is no other's number.
    let (ticket, records) = world.saves.remove(0);
    assert!(matches!(records.as_slice(), [Record::Invited(invite)] if invite.number == 3));
    world.apply(SessionId::NONE, Input::Stored { ticket, done: false });
    assert!(world.said(2).starts_with("ERR unavailable ") && world.saves.is_empty());
}
