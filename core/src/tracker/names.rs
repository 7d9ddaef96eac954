//! Whose each name is: the part of the gate *Who* that outlives sessions. A name is a label on a key; the first key to
//! register it owns it, here and on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::model::binding::Binding;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::tracker::input::Ticket;
use crate::tracker::look_alikes::LookAlikes;

/// Names that look official. Nobody has them, nor anything that looks like them.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "moderator",
    "operator",
    "potok",
    "root",
    "sysop",
    "system",
    "tracker",
    "админ",
    "администратор",
    "модератор",
    "поток",
    "система",
    "тракер",
    "трекер",
];

/// Whether no tracker gives this name to anybody.
pub fn is_reserved(name: &Username) -> bool {
    reserved_names().others(name, "").next().is_some()
}

fn reserved_names() -> LookAlikes {
    let mut reserved = LookAlikes::default();
    for name in RESERVED.iter().filter_map(|name| Username::new(name).ok()) {
        reserved.add(&name);
    }
    reserved
}

/// Names with the keys that own them.
#[derive(Debug)]
pub struct Names {
    lapses_after_seconds: u64,
    by_folded: BTreeMap<String, Owned>,
    by_key: BTreeMap<PublicKey, BTreeSet<String>>,
    look_alikes: LookAlikes,
    reserved: LookAlikes,
    /// By when they were used last: those that lapse next come first.
    by_use: BTreeSet<(u64, String)>,
    /// Nobody's names that nobody gets yet.
    resting: BTreeMap<String, Username>,
    /// Other trackers have the same names: nothing here changes but by what is learned of all.
    are_shared: bool,
    run_seconds: u64,
}

#[derive(Debug)]
struct Owned {
    binding: Binding,
    /// Set until the first record of it is on disk: nobody is told of the name before.
    unsaved: Option<Ticket>,
}

/// Why a key, or nobody's key, may not have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFree {
    /// OwnerShares for the tracker itself.
    Reserved,
    /// Another key owns it.
    Taken,
    /// It looks like a name that is owned.
    Confusable,
}

/// Where a name stands for somebody who may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStanding {
    /// Nobody owns it.
    Free,
    /// It is the asker's own, and on disk.
    Own,
    /// It is the asker's own, and on its way to the disk.
    Unsaved(Ticket),
}

impl Names {
    /// The bindings as they were on disk. None of them was used later than now.
    pub fn new(lapses_after_seconds: u64, run_seconds: u64, bindings: impl IntoIterator<Item = Binding>) -> Self {
        let mut names = Self {
            lapses_after_seconds,
            by_folded: BTreeMap::new(),
            by_key: BTreeMap::new(),
            look_alikes: LookAlikes::default(),
            reserved: reserved_names(),
            by_use: BTreeSet::new(),
            resting: BTreeMap::new(),
            are_shared: false,
            run_seconds,
        };
        for binding in bindings {
            let used_at = binding.used_at.min(run_seconds);
            names.put(Binding { used_at, ..binding }, None);
        }
        names
    }

    /// Has names lapse after this long from now on.
    pub fn set_lapse(&mut self, lapses_after_seconds: u64) {
        self.lapses_after_seconds = lapses_after_seconds;
    }

    /// The names are those of several trackers from now on: a name that has lapsed is its owner's until all agree that it is
    /// not.
    pub fn share(&mut self) {
        self.are_shared = true;
    }

    /// A name is a key's, as all trackers agree.
    pub fn learn(&mut self, binding: Binding) {
        let used_at = binding.used_at.min(self.run_seconds);
        self.put(Binding { used_at, ..binding }, None);
    }

    /// A name is nobody's, and nobody gets it before it is released.
    pub fn rest(&mut self, username: Username) {
        let folded = username.folded();
        self.release(&folded);
        self.look_alikes.add(&username);
        self.resting.insert(folded, username);
    }

    /// Whether the owner of a name wrote it so when they used it last.
    pub fn is_spelled(&self, name: &Username) -> bool {
        self.by_folded.get(&name.folded()).is_some_and(|owned| owned.binding.username == *name)
    }

    /// The names behind `after` and up to `up_to` that are owned or rest, regardless of case.
    pub fn between(&self, after: Option<&str>, up_to: Option<&str>) -> Vec<String> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = up_to.map_or(Bound::Unbounded, Bound::Included);
        let owned = self.by_folded.range::<str, _>((from, to)).map(|(folded, _)| folded.clone());
        owned.chain(self.resting.range::<str, _>((from, to)).map(|(folded, _)| folded.clone())).collect()
    }

    /// Names that have lapsed and stay until all trackers agree, at most so many: regardless of case, and when they were used
    /// last.
    pub fn lapsed(&self, at_most: usize) -> Vec<(String, u64)> {
        let lapsed = self.by_use.iter().take_while(|(used_at, _)| self.has_lapsed(*used_at));
        lapsed.take(at_most).map(|(used_at, folded)| (folded.clone(), *used_at)).collect()
    }

    /// What the tracker's own clock says, see [`crate::tracker::input::Clock`]. It never goes back.
    pub fn set_clock(&mut self, run_seconds: u64) {
        self.run_seconds = run_seconds;
    }

    /// What the tracker's own clock said last.
    pub fn clock(&self) -> u64 {
        self.run_seconds
    }

    /// Forgets lapsed names, at most so many, so that others have their room. Gives them regardless of case.
    pub fn forget_lapsed(&mut self, at_most: usize) -> Vec<String> {
        let mut forgotten = Vec::new();
        while forgotten.len() < at_most
            && let Some((_, folded)) = self.by_use.first().cloned()
            && self.by_folded.get(&folded).is_some_and(|owned| self.is_lapsed(owned))
        {
            self.release(&folded);
            forgotten.push(folded);
        }
        forgotten
    }

    /// Whether somebody may have this name.
    pub fn standing(&self, name: &Username, key: Option<PublicKey>) -> Result<NameStanding, NotFree> {
        let folded = name.folded();
        let owned = self.by_folded.get(&folded).filter(|owned| !self.is_lapsed(owned));
        match owned {
            Some(owned) if key != Some(owned.binding.key) => Err(NotFree::Taken),
            None if self.resting.contains_key(&folded) => Err(NotFree::Taken),
            None if self.reserved.others(name, "").next().is_some() => Err(NotFree::Reserved),
            // Also an owner's new spelling may look like somebody else: `bIll` is not `blll`.
            _ if self.looks_like_an_owned_name(name, &folded) => Err(NotFree::Confusable),
            None => Ok(NameStanding::Free),
            Some(owned) => Ok(owned.unsaved.map_or(NameStanding::Own, NameStanding::Unsaved)),
        }
    }

    fn looks_like_an_owned_name(&self, name: &Username, folded: &str) -> bool {
        let is_owned = |other: &str| {
            self.resting.contains_key(other) || self.by_folded.get(other).is_some_and(|owned| !self.is_lapsed(owned))
        };
        self.look_alikes.others(name, folded).any(is_owned)
    }

    /// Gives a free name to a key. It is the key's from now on; [`Self::stored`] says when it is on disk. With it come
    /// the names, regardless of case, that looked like it and had lapsed: they are free, or a clock that is set back
    /// would make two alike.
    pub fn bind(&mut self, name: &Username, key: PublicKey, ticket: Ticket) -> (Binding, BTreeSet<String>) {
        let alike: BTreeSet<String> = self.look_alikes.others(name, &name.folded()).map(str::to_owned).collect();
        alike.iter().for_each(|folded| _ = self.release(folded));
        let binding = Binding { username: name.clone(), key, used_at: self.run_seconds };
        self.put(binding.clone(), Some(ticket));
        (binding, alike)
    }

    /// A record is on disk, or could not be written: then the name is as free as before.
    pub fn stored(&mut self, folded: &str, ticket: Ticket, done: bool) {
        let Some(owned) = self.by_folded.get_mut(folded).filter(|owned| owned.unsaved == Some(ticket)) else { return };
        if done {
            owned.unsaved = None;
        } else {
            self.release(folded);
        }
    }

    /// The owner uses the name. Once a day, or when it is spelled in a new way, this gives a record to be written.
    pub fn used(&mut self, name: &Username) -> Option<Binding> {
        const DAY: u64 = 24 * 3600;
        let owned = self.by_folded.get_mut(&name.folded())?;
        let fresh = self.run_seconds.saturating_sub(owned.binding.used_at) < DAY;
        if fresh && owned.binding.username == *name {
            return None;
        }
        self.by_use.remove(&(owned.binding.used_at, name.folded()));
        owned.binding.used_at = owned.binding.used_at.max(self.run_seconds);
        self.by_use.insert((owned.binding.used_at, name.folded()));
        self.look_alikes.remove(&owned.binding.username);
        self.look_alikes.add(name);
        owned.binding.username = name.clone();
        Some(owned.binding.clone())
    }

    /// Makes a name free; `false` if nobody owns it.
    pub fn release(&mut self, folded: &str) -> bool {
        if let Some(username) = self.resting.remove(folded) {
            self.look_alikes.remove(&username);
        }
        let Some(owned) = self.by_folded.remove(folded) else { return false };
        self.by_use.remove(&(owned.binding.used_at, folded.to_owned()));
        self.look_alikes.remove(&owned.binding.username);
        if let Some(names) = self.by_key.get_mut(&owned.binding.key) {
            names.remove(folded);
            if names.is_empty() {
                self.by_key.remove(&owned.binding.key);
            }
        }
        true
    }

    /// Whose a name is.
    pub fn owner(&self, name: &Username) -> Option<PublicKey> {
        let owned = self.by_folded.get(&name.folded()).filter(|owned| !self.is_lapsed(owned))?;
        Some(owned.binding.key)
    }

    /// The record of a name, also of one that has lapsed.
    pub fn binding(&self, folded: &str) -> Option<&Binding> {
        self.by_folded.get(folded).map(|owned| &owned.binding)
    }

    /// How many names a key owns.
    pub fn owned_by(&self, key: PublicKey) -> usize {
        let names = self.by_key.get(&key).into_iter().flatten();
        names.filter(|folded| self.by_folded.get(*folded).is_some_and(|owned| !self.is_lapsed(owned))).count()
    }

    /// How many names are owned, lapsed ones too.
    pub fn len(&self) -> usize {
        self.by_folded.len()
    }

    /// Whether no name is owned.
    pub fn is_empty(&self) -> bool {
        self.by_folded.is_empty()
    }

    fn put(&mut self, binding: Binding, unsaved: Option<Ticket>) {
        let folded = binding.username.folded();
        self.release(&folded);
        self.look_alikes.add(&binding.username);
        self.by_use.insert((binding.used_at, folded.clone()));
        self.by_key.entry(binding.key).or_default().insert(folded.clone());
        self.by_folded.insert(folded, Owned { binding, unsaved });
    }

    fn is_lapsed(&self, owned: &Owned) -> bool {
        !self.are_shared && owned.unsaved.is_none() && self.has_lapsed(owned.binding.used_at)
    }

    fn has_lapsed(&self, used_at: u64) -> bool {
        self.run_seconds.saturating_sub(used_at) > self.lapses_after_seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn name(text: &str) -> Username {
        Username::new(text).expect(text)
    }

    fn key(n: u8) -> Option<PublicKey> {
        Some(PublicKey::from_bytes([n; 32]))
    }

    fn names(now: u64, bindings: &[(&str, u8, u64)]) -> Names {
        Names::new(
            180 * DAY,
            now,
            bindings.iter().map(|(text, n, used_at)| Binding {
                username: name(text),
                key: PublicKey::from_bytes([*n; 32]),
                used_at: *used_at,
            }),
        )
    }

    #[test]
    fn a_name_is_its_owners() {
        let names = names(1000 * DAY, &[("anna", 1, 999 * DAY), ("modern", 2, 999 * DAY), ("Old", 3, 800 * DAY)]);
        use NameStanding::*;
        use NotFree::*;
        for (text, who, expected) in [
            ("anna", key(1), Ok(Own)),
            ("ANNA", key(1), Ok(Own)),
            ("anna", key(2), Err(Taken)),
            ("Anna", None, Err(Taken)),
            ("modem", key(1), Err(Confusable)),
            ("modem", key(2), Err(Confusable)),
            ("rnodern", None, Err(Confusable)),
            ("ivan", key(4), Ok(Free)),
            ("ivan", None, Ok(Free)),
            ("old", key(4), Ok(Free)),
            ("0ld", key(4), Ok(Free)),
            ("Tracker", key(4), Err(Reserved)),
            ("adrnin", key(4), Err(Reserved)),
            ("ROOT", None, Err(Reserved)),
        ] {
            assert_eq!(names.standing(&name(text), who), expected, "{text} for {who:?}");
        }
        assert_eq!(names.owned_by(PublicKey::from_bytes([3; 32])), 0, "lapsed names do not count");
    }

    #[test]
    fn a_name_that_is_not_on_disk_is_nobody_elses_either() {
        let mut names = names(0, &[]);
        let owner = PublicKey::from_bytes([1; 32]);
        names.bind(&name("anna"), owner, Ticket(7));
        assert_eq!(names.standing(&name("anna"), key(1)), Ok(NameStanding::Unsaved(Ticket(7))));
        assert_eq!(names.standing(&name("anna"), key(2)), Err(NotFree::Taken));
        names.stored("anna", Ticket(6), false);
        assert_eq!(names.standing(&name("anna"), key(1)), Ok(NameStanding::Unsaved(Ticket(7))));
        names.stored("anna", Ticket(7), false);
        assert_eq!(names.standing(&name("anna"), key(2)), Ok(NameStanding::Free));
        names.bind(&name("anna"), owner, Ticket(8));
        names.stored("anna", Ticket(8), true);
        assert_eq!(names.standing(&name("anna"), key(1)), Ok(NameStanding::Own));
        assert!(names.release("anna"));
        assert!(names.is_empty() && names.look_alikes.pairs.is_empty());
        assert!(names.by_key.is_empty() && names.by_use.is_empty());
    }

    #[test]
    fn a_lapsed_name_does_not_come_back_beside_one_that_looks_like_it() {
        let mut names = names(1000 * DAY, &[("modern", 1, 800 * DAY)]);
        let (_, alike) = names.bind(&name("modem"), PublicKey::from_bytes([2; 32]), Ticket(1));
        assert!(alike.iter().eq(["modern"]));
        names.stored("modem", Ticket(1), true);
        names.set_clock(0);
        assert_eq!(names.standing(&name("modem"), key(2)), Ok(NameStanding::Own));
        assert_eq!(names.standing(&name("modern"), key(1)), Err(NotFree::Confusable));
    }

    #[test]
    fn lapsed_names_give_their_room_back_oldest_first() {
        let mut names =
            names(1000 * DAY, &[("one", 1, 800 * DAY), ("two", 2, 700 * DAY), ("three", 3, 990 * DAY), ("four", 4, 0)]);
        assert_eq!(names.forget_lapsed(2), ["four", "two"]);
        assert_eq!(names.forget_lapsed(9), ["one"]);
        assert_eq!((names.forget_lapsed(9), names.len()), (Vec::new(), 1));
        // Who is here uses the name, and keeps it.
        names.set_clock(1100 * DAY);
        names.used(&name("three"));
        names.set_clock(1280 * DAY);
        assert_eq!(names.forget_lapsed(9), [""; 0]);
        names.set_clock(1281 * DAY);
        assert_eq!(names.forget_lapsed(9), ["three"]);
        assert!(names.is_empty() && names.by_use.is_empty());
    }

    #[test]
    fn a_record_from_the_future_is_as_good_as_one_of_now() {
        let mut names = names(1000 * DAY, &[("anna", 1, 5000 * DAY)]);
        names.set_clock(1180 * DAY);
        assert_eq!(names.standing(&name("anna"), key(2)), Err(NotFree::Taken));
        names.set_clock(1181 * DAY);
        assert_eq!(names.standing(&name("anna"), key(2)), Ok(NameStanding::Free));
    }

    #[test]
    fn use_is_written_down_once_a_day() {
        let mut names = names(1000 * DAY, &[("anna", 1, 1000 * DAY)]);
        assert_eq!(names.used(&name("anna")), None);
        let respelled = names.used(&name("Anna")).expect("a new spelling");
        assert_eq!(respelled.username, name("Anna"));
        names.set_clock(1001 * DAY);
        assert_eq!(names.used(&name("Anna")).expect("a day later").used_at, 1001 * DAY);
        assert_eq!(names.used(&name("Anna")), None);
        names.set_clock(0);
        assert_eq!(names.used(&name("Anna")), None, "a clock set back frees nothing");
        assert_eq!(names.standing(&name("anna"), key(2)), Err(NotFree::Taken));
    }

    #[test]
    fn a_shared_name_lapses_when_all_agree_and_rests_then() {
        let mut names = names(1000 * DAY, &[("modern", 1, 800 * DAY), ("anna", 2, 999 * DAY)]);
        names.share();
        assert_eq!(names.standing(&name("modern"), key(1)), Ok(NameStanding::Own));
        assert_eq!(names.standing(&name("modern"), key(3)), Err(NotFree::Taken));
        assert_eq!((names.lapsed(9), names.lapsed(0)), (vec![("modern".to_owned(), 800 * DAY)], Vec::new()));
        names.rest(name("Modern"));
        for (text, who, expected) in [
            ("modern", key(1), NotFree::Taken),
            ("MODERN", None, NotFree::Taken),
            ("modem", key(1), NotFree::Confusable),
        ] {
            assert_eq!(names.standing(&name(text), who), Err(expected), "{text}");
        }
        assert_eq!((names.owner(&name("modern")), names.lapsed(9)), (None, Vec::new()));
        assert_eq!(names.between(None, None), ["anna", "modern"]);
        assert_eq!(names.between(Some("anna"), None), ["modern"]);
        assert_eq!(names.between(None, Some("anna")), ["anna"]);
        names.release("modern");
        assert_eq!(names.standing(&name("modem"), key(3)), Ok(NameStanding::Free));
        names.learn(Binding { username: name("Anna"), key: PublicKey::from_bytes([2; 32]), used_at: u64::MAX });
        assert!(names.is_spelled(&name("Anna")) && !names.is_spelled(&name("anna")));
        names.release("anna");
        assert!(names.is_empty() && names.look_alikes.pairs.is_empty() && names.resting.is_empty());
    }

    #[test]
    fn a_respelled_name_leaves_no_look_alike_behind() {
        let mut names = names(0, &[("bill", 1, 0)]);
        assert_eq!(names.standing(&name("bIll"), key(1)), Ok(NameStanding::Own));
        names.used(&name("bIll"));
        assert_eq!(names.standing(&name("blll"), key(2)), Err(NotFree::Confusable));
        names.release("bill");
        assert!(names.look_alikes.pairs.is_empty(), "{:?}", names.look_alikes);
    }
}
