//! Claims of several trackers against one store in memory, in every order.

use super::*;

/// What etcd does with transactions.
#[derive(Default, Clone)]
struct Store {
    revision: i64,
    values: BTreeMap<String, Seen>,
}

impl Store {
    fn view(&self, keys: &[String]) -> View {
        let mut view = View::at(self.revision);
        for key in keys {
            view.put(key.clone(), self.values.get(key).cloned().unwrap_or_default());
        }
        view
    }

    /// Writes if everything still stands as it was seen.
    fn write(&mut self, view: &View, changes: Vec<Change>) -> bool {
        let is_unchanged =
            |(key, seen): (&String, &Seen)| self.values.get(key).map_or(0, |now| now.revision) == seen.revision;
        if !view.iter().all(is_unchanged) {
            return false;
        }
        self.revision += 1;
        for change in changes {
            match change {
                Change::Put(key, value) | Change::Lend(key, value) => {
                    self.values.insert(key, Seen { revision: self.revision, value: Some(value) });
                }
                Change::Delete(key) => _ = self.values.remove(&key),
            }
        }
        true
    }

    /// Claims alone, as if nobody else were there.
    fn settle(&mut self, wanted: &NameClaim) -> ClaimFate {
        let mut one = Claimer::new(wanted.clone());
        while one.fate.is_none() {
            one.step(self);
        }
        one.fate.expect("there is one")
    }

    /// No two names look alike, and everything says the same of each.
    fn check(&self) {
        let mut looks: BTreeMap<String, String> = BTreeMap::new();
        let mut owned: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, seen) in self.values.iter().filter(|(key, _)| key.starts_with(keys::NAMES)) {
            let (username, value) = NameValue::read(seen.value.as_deref().expect("a value")).expect("a name");
            assert_eq!(*key, keys::name(&username.folded()));
            for look in keys::looks(&username) {
                assert_eq!(looks.insert(look.clone(), username.folded()), None, "{look} twice");
                assert_eq!(self.values[&look].value.as_deref(), Some(username.folded().as_str()));
            }
            if let Some(owner) = value.key {
                owned.entry(keys::owner(owner)).or_default().push(username.folded());
            }
        }
        let is_look = |key: &&String| key.starts_with("potok/s/");
        assert_eq!(self.values.keys().filter(is_look).count(), looks.len(), "a look of nobody");
        for (owner, names) in &owned {
            let mut listed: Vec<String> =
                serde_json::from_str(self.values[owner].value.as_deref().expect("a list")).expect("a list");
            listed.sort();
            assert_eq!(listed, *names, "{owner}");
        }
    }
}

/// A claim under way: it sees, judges, and writes by what it has seen.
#[derive(Clone)]
struct Claimer {
    claim: NameClaim,
    keys: Vec<String>,
    view: View,
    fate: Option<ClaimFate>,
}

impl Claimer {
    fn new(claim: NameClaim) -> Self {
        let keys = keys_of_claim(&claim);
        Self { view: View::empty(keys.clone()), claim, keys, fate: None }
    }

    fn step(&mut self, store: &mut Store) {
        match claim(&self.claim, &self.view) {
            Step::Known(fate, _) => self.fate = Some(fate),
            Step::Write(changes) if store.write(&self.view, changes.clone()) => self.fate = Some(ClaimFate::Done),
            Step::Write(_) => self.view = store.view(&self.keys),
        }
    }
}

fn name(text: &str) -> Username {
    Username::new(text).expect(text)
}

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes([n; 32])
}

fn wanted(text: &str, n: u8) -> NameClaim {
    let binding = Binding { username: name(text), key: key(n), used_at: 5 };
    NameClaim { binding, names_max: 2, invite: None }
}

/// Goes on in every order from here; `end` looks at each end.
fn in_all_orders(store: &Store, claimers: &[Claimer], end: &mut impl FnMut(&Store, &[Claimer])) {
    let waiting: Vec<usize> = (0..claimers.len()).filter(|n| claimers[*n].fate.is_none()).collect();
    if waiting.is_empty() {
        return end(store, claimers);
    }
    for n in waiting {
        let (mut store, mut claimers) = (store.clone(), claimers.to_vec());
        claimers[n].step(&mut store);
        in_all_orders(&store, &claimers, end);
    }
}

fn winners(claimers: &[Claimer]) -> usize {
    claimers.iter().filter(|claimer| claimer.fate == Some(ClaimFate::Done)).count()
}

#[test]
fn of_the_same_or_alike_names_one_wins_in_every_order() {
    // `bIll` and `bill` are one name, and only one of them looks like `blll`.
    for names in [["anna", "ANNA", "anna"], ["modern", "modem", "rnodern"], ["bIll", "blll", "bill"]] {
        let claimers: Vec<Claimer> = (1..).zip(names).map(|(n, text)| Claimer::new(wanted(text, n))).collect();
        let mut ends = 0;
        in_all_orders(&Store::default(), &claimers, &mut |store, claimers| {
            ends += 1;
            store.check();
            let won = winners(claimers);
            let may_be_two = names.contains(&"blll");
            assert!(won == 1 || (may_be_two && won == 2), "{names:?}: {won} have won");
        });
        assert!(ends > 10, "{names:?}: only {ends} ends");
    }
}

#[test]
fn a_key_gets_no_more_names_than_it_may_and_the_same_claim_twice_is_one() {
    let claimers: Vec<Claimer> = ["a1", "b2", "c3"].map(|text| Claimer::new(wanted(text, 1))).into();
    let mut ends = 0;
    in_all_orders(&Store::default(), &claimers, &mut |store, claimers| {
        ends += 1;
        store.check();
        assert_eq!(winners(claimers), 2);
    });
    let twice = [Claimer::new(wanted("anna", 1)), Claimer::new(wanted("anna", 1))];
    in_all_orders(&Store::default(), &twice, &mut |store, claimers| {
        store.check();
        assert_eq!((winners(claimers), store.revision), (2, 1));
    });
    assert!(ends > 10, "only {ends} ends");
}

#[test]
fn an_invite_lets_in_as_many_as_it_says_in_every_order() {
    for (uses_left, won) in [(Some(1), 1), (Some(2), 2), (None, 3)] {
        let mut store = Store::default();
        let hash = potok_core::model::invite_token::TokenHash::from_bytes([3; 32]);
        let issued = potok_core::model::invite_token::IssuedInvite {
            number: 7,
            hash,
            uses_left,
            until: None,
            by: None,
            note: None,
        };
        let at = keys::invite(7);
        assert!(store.write(&View::default(), vec![Change::Put(at.clone(), keys::write_invite(&issued))]));
        let claimers: Vec<Claimer> = (1..)
            .zip(["anna", "boris", "vera"])
            .map(|(n, text)| {
                let mut one = Claimer::new(NameClaim { invite: Some(7), ..wanted(text, n) });
                one.view = store.view(&one.keys);
                one
            })
            .collect();
        in_all_orders(&store, &claimers, &mut |store, claimers| {
            store.check();
            assert_eq!(winners(claimers), won, "{uses_left:?}");
            assert_eq!(store.values.contains_key(&at), uses_left.is_none());
        });
    }
}

#[test]
fn an_owner_spells_their_name_anew_and_leaves_no_look_behind() {
    let mut store = Store::default();
    assert_eq!(store.settle(&wanted("bill", 1)), ClaimFate::Done);
    // Somebody wants what the new spelling looks like, at the same time.
    let mut claimers = [Claimer::new(wanted("bIll", 1)), Claimer::new(wanted("blll", 2))];
    for one in &mut claimers {
        one.view = store.view(&one.keys);
    }
    let (mut respelled, mut refused) = (0, 0);
    in_all_orders(&store, &claimers, &mut |store, claimers| {
        store.check();
        respelled += usize::from(claimers[0].fate == Some(ClaimFate::Done));
        refused += usize::from(claimers[0].fate == Some(ClaimFate::Lost));
        assert_eq!(winners(claimers), 1);
    });
    assert!(respelled > 0 && refused > 0, "{respelled} {refused}");
}

#[test]
fn a_name_that_is_given_up_rests_and_is_not_given_up_twice() {
    let mut store = Store::default();
    assert_eq!(store.settle(&wanted("modern", 1)), ClaimFate::Done);
    let keys = [vec![keys::name("modern"), keys::owner(key(1))], keys::looks(&name("modern"))].concat();
    let view = store.view(&keys);
    // It was used since it was thought to have lapsed.
    assert_eq!(release("modern", key(1), Some(4), &view), Step::Known(ClaimFate::Lost, 1));
    assert_eq!(release("modern", key(2), None, &view), Step::Known(ClaimFate::Done, 1), "somebody else's by now");
    let Step::Write(changes) = release("modern", key(1), Some(5), &view) else { panic!("it is to be written") };
    let lent: Vec<String> = changes
        .iter()
        .filter_map(|change| if let Change::Lend(key, _) = change { Some(key.clone()) } else { None })
        .collect();
    assert!(store.write(&view, changes.clone()) && !store.write(&view, changes), "by what was seen before");
    store.check();
    for (text, n) in [("modern", 1), ("modern", 2), ("modem", 2)] {
        assert_eq!(store.settle(&wanted(text, n)), ClaimFate::Lost, "{text} rests");
    }
    // The lease lets go of it.
    lent.iter().for_each(|key| _ = store.values.remove(key));
    store.check();
    assert!(store.values.is_empty(), "{:?}", store.values);
    assert_eq!(store.settle(&wanted("modem", 2)), ClaimFate::Done);
}

#[test]
fn a_use_is_written_down_only_of_who_owns_the_name_and_never_backwards() {
    let mut store = Store::default();
    assert_eq!(store.settle(&wanted("anna", 1)), ClaimFate::Done);
    let view = store.view(&[keys::name("anna")]);
    let used = |n: u8, used_at| Binding { username: name("ANNA"), key: key(n), used_at };
    assert!(matches!(use_name(&used(2, 9), &view), Step::Known(..)));
    assert!(matches!(use_name(&used(1, 5), &view), Step::Known(..)));
    let Step::Write(changes) = use_name(&used(1, 9), &view) else { panic!("it is to be written") };
    assert!(store.write(&view, changes));
    store.check();
    assert!(matches!(use_name(&used(1, 9), &View::empty([keys::name("anna")])), Step::Known(..)), "nobody's name");
}

#[test]
fn a_key_is_set_once_and_created_once() {
    let mut store = Store::default();
    let at = "potok/g/network_name".to_owned();
    let empty = store.view(std::slice::from_ref(&at));
    assert_eq!(set(&at, None, &empty), Step::Known(ClaimFate::Done, 0));
    let Step::Write(changes) = create(&at, "House", &empty) else { panic!("it is to be written") };
    assert!(store.write(&empty, changes.clone()) && !store.write(&empty, changes));
    let there = store.view(std::slice::from_ref(&at));
    assert_eq!(set(&at, Some("House"), &there), Step::Known(ClaimFate::Done, 1));
    assert_eq!(create(&at, "House", &there), Step::Known(ClaimFate::Done, 1));
    assert_eq!(create(&at, "Other", &there), Step::Known(ClaimFate::Lost, 1));
    assert_eq!(set(&at, None, &there), Step::Write(vec![Change::Delete(at)]));
}

#[test]
fn what_is_gone_was_so_at_the_latest_when_it_was_looked_at() {
    let mut store = Store::default();
    let at = keys::invite(7);
    assert!(store.write(&View::default(), vec![Change::Put(at.clone(), "x".into())]));
    assert!(store.write(&View::default(), vec![Change::Delete(at.clone())]));
    let claimed = NameClaim { invite: Some(7), ..wanted("anna", 1) };
    // Told before, the asker would still be shown the invite.
    let lost = Step::Known(ClaimFate::Lost, 2);
    assert_eq!(claim(&claimed, &store.view(&keys_of_claim(&claimed))), lost);
    assert_eq!(set(&at, None, &store.view(std::slice::from_ref(&at))), Step::Known(ClaimFate::Done, 2));
}

#[test]
fn no_number_of_an_invite_is_used_again_and_whoever_comes_in_waits_no_more() {
    let mut store = Store::default();
    let look = |store: &Store, number| store.view(&keys_of_invite(number));
    let Step::Write(changes) = issue(7, "x", &look(&store, 7)) else { panic!("nobody has it") };
    assert!(store.write(&look(&store, 7), changes));
    assert_eq!(issue(7, "x", &look(&store, 7)), Step::Known(ClaimFate::Done, 1), "the same once more");
    assert!(store.write(&View::default(), vec![Change::Delete(keys::invite(7))]));
    for number in [6, 7] {
        assert!(matches!(issue(number, "y", &look(&store, number)), Step::Known(ClaimFate::Lost, _)), "{number}");
    }
    assert!(matches!(issue(8, "y", &look(&store, 8)), Step::Write(_)));

    let waits = keys::waiting(key(1));
    assert!(store.write(&View::default(), vec![Change::Put(waits.clone(), "{}".into())]));
    assert_eq!(store.settle(&wanted("anna", 2)), ClaimFate::Done);
    assert!(store.values.contains_key(&waits), "somebody else has come");
    assert_eq!(store.settle(&wanted("boris", 1)), ClaimFate::Done);
    assert!(!store.values.contains_key(&waits));
}

#[test]
fn the_first_clock_is_one_and_it_never_goes_back() {
    let at = [keys::CLOCK.to_owned()];
    let stands = |store: &Store| store.values.get(keys::CLOCK).and_then(|seen| seen.value.clone());
    // Three trackers that all saw nothing there, one of them years ahead, in every order.
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let own = [1_800_000_000, 1_800_000_003, 2_400_000_000];
        let mut store = Store::default();
        for n in order {
            let view = View::empty(at.clone());
            let Step::Write(changes) = first_clock(own[n], &view) else { panic!("nothing stands there") };
            if !store.write(&view, changes) {
                assert!(matches!(first_clock(own[n], &store.view(&at)), Step::Known(ClaimFate::Done, 1)));
            }
        }
        assert_eq!(stands(&store), Some(own[order[0]].to_string()), "{order:?}");
    }
    let mut store = Store::default();
    for (seconds, after) in [(10, "10"), (9, "10"), (10, "10"), (12, "12")] {
        let view = store.view(&at);
        if let Step::Write(changes) = advance_clock(seconds, &view) {
            assert!(store.write(&view, changes));
        }
        assert_eq!(stands(&store).as_deref(), Some(after), "{seconds}");
    }
    // What nobody can read is set anew.
    store.values.insert(at[0].clone(), Seen { revision: 9, value: Some("x".to_owned()) });
    for step in [first_clock(5, &store.view(&at)), advance_clock(5, &store.view(&at))] {
        assert_eq!(step, Step::Write(vec![Change::Put(at[0].clone(), "5".to_owned())]));
    }
}

#[test]
fn a_ban_that_was_ordered_anew_does_not_end_with_the_one_before() {
    use potok_core::model::ban_terms::BanTerms;
    use potok_core::model::binding::Ban;
    let ban = |until: Option<u64>| Ban {
        terms: BanTerms { until, ..BanTerms::default() },
        ..Ban::new("@Eve".parse().expect("a name"), None)
    };
    let at = keys::ban(&ban(None).target);
    let standing = |until| {
        let mut view = View::at(9);
        view.put(at.clone(), Seen { revision: 7, value: Some(keys::write_ban(&ban(until))) });
        view
    };
    assert_eq!(end_ban(&at, 5, &standing(Some(5))), Step::Write(vec![Change::Delete(at.clone())]));
    for other in [standing(Some(6)), standing(None)] {
        assert_eq!(end_ban(&at, 5, &other), Step::Known(ClaimFate::Done, 7));
    }
    assert_eq!(end_ban(&at, 5, &View::at(9)), Step::Known(ClaimFate::Done, 9), "it is gone already");
}
