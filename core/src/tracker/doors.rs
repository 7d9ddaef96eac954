//! Who comes into a closed network: invites that are issued, and those who wait for an owner's word. Times are seconds
//! since 1970.

use std::collections::BTreeMap;

use crate::model::household::household;
use crate::model::invite_token::{InviteToken, IssuedInvite};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::model::waiting_user::WaitingUser;

/// Most invites that are good at once.
pub const INVITES_MAX: usize = 10_000;
/// Most who wait at once; whoever comes then is told to come back.
pub const WAITING_USERS_MAX: usize = 1_000;
/// Most of them from one address, so that nobody fills the list.
pub const WAITING_PER_ADDRESS_MAX: usize = 8;

/// How long somebody waits who does not ask again: an owner may be away for a while, and a list that only grows is filled
/// once and for all.
const WAITING_LASTS_SECONDS: u64 = DAY_SECONDS * 30;
/// How often it is written down that somebody still asks: a program asks every few minutes.
const ASKED_IS_SAVED_EVERY: u64 = DAY_SECONDS;
const DAY_SECONDS: u64 = 24 * 3600;

/// Invites, and who waits.
#[derive(Debug, Default)]
pub struct Doors {
    invites: BTreeMap<u64, IssuedInvite>,
    waiting: BTreeMap<PublicKey, WaitingUser>,
    secret: Option<[u8; 32]>,
    last_number: u64,
    /// The largest number that all trackers agree to be somebody's.
    last_learned: u64,
}

/// What somebody's asking to be let in comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is news for the owners, of them or of that name, and to be written down.
    News,
    /// They have not asked for long: it is to be written down.
    AfterLong,
    /// Nothing is new.
    Again,
    /// Too many wait already.
    TooMany,
}

/// Why nobody is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NobodyMeant {
    /// Nobody asks for this name, or nobody with this key does.
    NobodyWaits,
    /// So many ask for it, each with another key.
    SeveralWait(usize),
}

impl Doors {
    /// Invites and who waits as they were on disk, and the largest number that an invite ever had.
    pub fn new(
        invites: impl IntoIterator<Item = IssuedInvite>,
        waiting: impl IntoIterator<Item = (PublicKey, WaitingUser)>,
        last_number: u64,
    ) -> Self {
        let invites: BTreeMap<u64, IssuedInvite> = invites.into_iter().map(|invite| (invite.number, invite)).collect();
        let last_number = last_number.max(invites.keys().last().copied().unwrap_or(0));
        Self { last_number, last_learned: 0, invites, waiting: waiting.into_iter().collect(), secret: None }
    }

    /// Tokens are made of these bytes, which nobody else may know. Without them none is issued.
    pub fn set_secret(&mut self, secret: [u8; 32]) {
        self.secret = Some(secret);
    }

    /// An invite that is to be issued; its number and hash are made here. It is good when it is [added](Self::add). None if
    /// there are too many, or no secret to make tokens of.
    pub fn draft(
        &mut self,
        with: impl FnOnce(u64, InviteToken) -> IssuedInvite,
    ) -> Option<(InviteToken, IssuedInvite)> {
        if self.invites.len() >= INVITES_MAX {
            return None;
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.secret?);
        self.last_number += 1;
        hasher.update(b"invite").update(&self.last_number.to_le_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        let token = InviteToken::from_bytes(bytes);
        Some((token, with(self.last_number, token)))
    }

    /// An invite is good from now on.
    pub fn add(&mut self, invite: IssuedInvite) {
        self.invites.insert(invite.number, invite);
    }

    /// The invite of this token, if it is good.
    pub fn good(&self, unix_seconds: u64, token: InviteToken) -> Option<u64> {
        let hash = token.hash();
        let found = self.invites.values().rfind(|invite| invite.hash == hash)?;
        (!found.is_over(unix_seconds)).then_some(found.number)
    }

    /// An invite is as all trackers agree.
    pub fn learn(&mut self, invite: IssuedInvite) {
        self.learn_last(invite.number);
        self.invites.insert(invite.number, invite);
    }

    /// Whether the number of an invite that was to be issued is another one's, as all trackers agree.
    pub fn is_number_of_others(&self, invite: &IssuedInvite) -> bool {
        match self.invites.get(&invite.number) {
            Some(issued) => issued.hash != invite.hash,
            // It is used up already, or revoked.
            None => self.last_learned >= invite.number,
        }
    }

    /// No invite gets this number, or a smaller one, again.
    pub fn learn_last(&mut self, number: u64) {
        self.last_learned = self.last_learned.max(number);
        self.last_number = self.last_number.max(number);
    }

    /// Somebody waits, as all trackers agree; whether that is news.
    pub fn learn_waiting(&mut self, key: PublicKey, user: WaitingUser) -> bool {
        let before = self.waiting.insert(key, user.clone());
        before.is_none_or(|before| before.username != user.username)
    }

    /// The numbers of all invites.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.invites.keys().copied()
    }

    /// Somebody comes in by an invite. Gives it as it is now. One that is used up stays until that is
    /// [on disk](Self::forget_used_up).
    pub fn use_one(&mut self, number: u64) -> Option<IssuedInvite> {
        let invite = self.invites.get_mut(&number)?;
        if let Some(left) = &mut invite.uses_left {
            *left = left.saturating_sub(1);
        }
        Some(invite.clone())
    }

    /// They have not come in after all. Gives the invite as it is now; none if it is gone.
    pub fn give_back(&mut self, number: u64) -> Option<IssuedInvite> {
        let invite = self.invites.get_mut(&number)?;
        if let Some(left) = &mut invite.uses_left {
            *left = left.saturating_add(1);
        }
        Some(invite.clone())
    }

    /// Forgets an invite if it is used up.
    pub fn forget_used_up(&mut self, number: u64) {
        if self.invites.get(&number).is_some_and(|invite| invite.uses_left == Some(0)) {
            self.invites.remove(&number);
        }
    }

    /// The invite of this number.
    pub fn invite(&self, number: u64) -> Option<&IssuedInvite> {
        self.invites.get(&number)
    }

    /// Makes an invite useless and gives it, if there is one of this number.
    pub fn revoke(&mut self, number: u64) -> Option<IssuedInvite> {
        self.invites.remove(&number)
    }

    /// Forgets invites whose time is over, and who has not asked for long; gives their numbers and keys.
    pub fn forget_past(&mut self, unix_seconds: u64) -> (Vec<u64>, Vec<PublicKey>) {
        let is_past = |user: &WaitingUser| unix_seconds >= user.asked_at.saturating_add(WAITING_LASTS_SECONDS);
        let left: Vec<PublicKey> = self.waiting.iter().filter(|(_, user)| is_past(user)).map(|(key, _)| *key).collect();
        left.iter().for_each(|key| _ = self.waiting.remove(key));
        let is_over = |invite: &&IssuedInvite| invite.until.is_some_and(|until| until <= unix_seconds);
        let over: Vec<u64> = self.invites.values().filter(is_over).map(|invite| invite.number).collect();
        over.iter().for_each(|number| _ = self.invites.remove(number));
        (over, left)
    }

    /// How many invites there are, of which some may be over by now, and how many wait.
    pub fn counts(&self) -> (usize, usize) {
        (self.invites.len(), self.waiting.len())
    }

    /// The invites that are good.
    pub fn invites(&self, unix_seconds: u64) -> impl Iterator<Item = &IssuedInvite> {
        self.invites.values().filter(move |invite| !invite.is_over(unix_seconds))
    }

    /// Somebody asks to be let in. Who asks for the same name again has asked for it all the time. Gives what they are known
    /// by then.
    pub fn wait(&mut self, key: PublicKey, user: WaitingUser) -> (Asked, WaitingUser) {
        let (asked, user) = self.judge_asking(key, user);
        match asked {
            Asked::News | Asked::AfterLong => _ = self.waiting.insert(key, user.clone()),
            Asked::Again => {
                if let Some(before) = self.waiting.get_mut(&key) {
                    before.address = user.address;
                }
            }
            Asked::TooMany => {}
        }
        (asked, user)
    }

    /// What it would come to if somebody asked, and what they would be known by then.
    pub fn judge_asking(&self, key: PublicKey, user: WaitingUser) -> (Asked, WaitingUser) {
        if let Some(before) = self.waiting.get(&key) {
            if before.username != user.username {
                return (Asked::News, user);
            }
            // What is on disk is from when they were written down last.
            let is_again = user.asked_at < before.asked_at.saturating_add(ASKED_IS_SAVED_EVERY);
            return (
                if is_again { Asked::Again } else { Asked::AfterLong },
                WaitingUser { since: before.since, ..user },
            );
        }
        let home = household(user.address);
        let from_there = self.waiting.values().filter(|other| household(other.address) == home).count();
        let is_full = self.waiting.len() >= WAITING_USERS_MAX || from_there >= WAITING_PER_ADDRESS_MAX;
        (if is_full { Asked::TooMany } else { Asked::News }, user)
    }

    /// Those who wait.
    pub fn waiting(&self) -> impl Iterator<Item = (&PublicKey, &WaitingUser)> {
        self.waiting.iter()
    }

    /// What this key asks for.
    pub fn waits(&self, key: PublicKey) -> Option<&WaitingUser> {
        self.waiting.get(&key)
    }

    /// Whoever waits for this name and is meant: the one with this key, or else the only one. Of several nobody is taken
    /// for the other.
    pub fn meant(&self, username: &Username, key: Option<PublicKey>) -> Result<(PublicKey, WaitingUser), NobodyMeant> {
        let folded = username.folded();
        let is_meant = |other: &PublicKey, user: &WaitingUser| {
            user.username.folded() == folded && key.is_none_or(|key| key == *other)
        };
        let mut meant = self.waiting.iter().filter(|(key, user)| is_meant(key, user));
        let (key, user) = meant.next().ok_or(NobodyMeant::NobodyWaits)?;
        match meant.count() {
            0 => Ok((*key, user.clone())),
            others => Err(NobodyMeant::SeveralWait(others + 1)),
        }
    }

    /// Somebody is in, or has another answer: they wait no more.
    pub fn stop_waiting(&mut self, key: PublicKey) -> Option<WaitingUser> {
        self.waiting.remove(&key)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn doors() -> Doors {
        let mut doors = Doors::default();
        doors.set_secret([7; 32]);
        doors
    }

    fn issue(doors: &mut Doors, uses_left: Option<u32>, until: Option<u64>) -> InviteToken {
        let issued = doors.draft(|number, token| {
            let hash = token.hash();
            IssuedInvite { number, hash, uses_left, until, by: None, note: None }
        });
        let (token, invite) = issued.expect("room");
        assert_eq!(doors.good(0, token), None, "it is good when it is on disk");
        doors.add(invite);
        token
    }

    #[test]
    fn an_invite_is_good_as_often_and_as_long_as_it_says() {
        let mut doors = doors();
        let once = issue(&mut doors, Some(1), None);
        let twice = issue(&mut doors, Some(2), Some(100));
        let always = issue(&mut doors, None, None);
        assert!(once != twice && twice != always);
        assert_eq!((doors.good(0, once), doors.good(99, twice), doors.good(100, twice)), (Some(1), Some(2), None));
        assert_eq!(doors.use_one(1).and_then(|invite| invite.uses_left), Some(0));
        assert_eq!((doors.good(0, once), doors.forget_past(0)), (None, (vec![], vec![])));
        // Whose name was not written down has not used it.
        assert_eq!(doors.give_back(1).and_then(|invite| invite.uses_left), Some(1));
        doors.forget_used_up(1);
        assert_eq!(doors.good(0, once), Some(1));
        doors.use_one(1);
        doors.forget_used_up(1);
        assert_eq!((doors.good(0, once), doors.give_back(1)), (None, None));
        assert_eq!(doors.use_one(2).and_then(|invite| invite.uses_left), Some(1));
        assert!(doors.use_one(3).is_some() && doors.use_one(3).is_some());
        assert_eq!(doors.good(0, InviteToken::from_bytes([1; 16])), None);
        assert_eq!(doors.forget_past(100), (vec![2], vec![]));
        assert!(doors.revoke(3).is_some() && doors.revoke(3).is_none() && doors.good(0, always).is_none());
        // What was issued before is known after a restart by its hash, and numbers go on.
        let before =
            IssuedInvite { number: 9, hash: once.hash(), uses_left: Some(1), until: None, by: None, note: None };
        let mut doors = Doors::new([before], [], 12);
        assert_eq!(doors.good(0, once), Some(9));
        assert!(doors.draft(|_, _| unreachable!("there is no secret")).is_none());
        doors.set_secret([8; 32]);
        let again = issue(&mut doors, Some(1), None);
        assert_eq!(doors.good(0, again), Some(13), "also of those that are gone no number is used again");
    }

    #[test]
    fn who_waits_is_bounded_for_each_household() {
        let mut doors = doors();
        let user = |name: &str, host: u8, since| WaitingUser {
            username: Username::new(name).expect(name),
            address: IpAddr::from([192, 0, 2, host]),
            since,
            asked_at: since,
        };
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        assert_eq!(doors.wait(key(1), user("anna", 1, 5)).0, Asked::News);
        assert_eq!(doors.wait(key(1), user("anna", 1, 6)).0, Asked::Again);
        assert_eq!(doors.wait(key(1), user("Ana", 1, 6)).0, Asked::News, "another name is news");
        for n in 2..=u8::try_from(WAITING_PER_ADDRESS_MAX).expect("few") {
            assert_eq!(doors.wait(key(n), user("anna", 1, u64::from(n))).0, Asked::News);
        }
        assert_eq!(doors.wait(key(100), user("eve", 1, 7)).0, Asked::TooMany);
        assert_eq!(doors.wait(key(101), user("eve", 2, 7)).0, Asked::News);
        assert!(doors.stop_waiting(key(101)).is_some());
        let eve = Username::new("eve").expect("a name");
        assert_eq!(doors.meant(&eve, None).map(|(found, _)| found), Err(NobodyMeant::NobodyWaits));
    }

    #[test]
    fn of_several_who_ask_for_a_name_nobody_is_taken_for_the_other() {
        let mut doors = doors();
        let name = |text: &str| Username::new(text).expect(text);
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        for (n, asked) in [(1, "anna"), (2, "ANNA"), (3, "boris")] {
            let address = IpAddr::from([192, 0, 2, n]);
            let user = WaitingUser { username: name(asked), address, since: 5, asked_at: 5 };
            assert_eq!(doors.wait(key(n), user).0, Asked::News);
        }
        let mut answer = |asked: &str, n: Option<u8>| {
            let meant = doors.meant(&name(asked), n.map(key))?;
            doors.stop_waiting(meant.0);
            Ok((meant.0, meant.1.username.to_string()))
        };
        assert_eq!(answer("Anna", None), Err(NobodyMeant::SeveralWait(2)));
        assert_eq!(answer("anna", Some(3)), Err(NobodyMeant::NobodyWaits), "who asks for another name now");
        assert_eq!(answer("boris", None), Ok((key(3), "boris".to_owned())));
        assert_eq!(answer("anna", Some(2)), Ok((key(2), "ANNA".to_owned())));
        assert_eq!(answer("anna", None), Ok((key(1), "anna".to_owned())), "the only one now");
    }

    #[test]
    fn who_asks_again_has_waited_since_the_first_time_and_who_does_not_is_forgotten() {
        let mut doors = doors();
        let (anna, eve) = (PublicKey::from_bytes([2; 32]), PublicKey::from_bytes([1; 32]));
        let ask = |doors: &mut Doors, key, at| {
            let username = Username::new("anna").expect("a name");
            let user = WaitingUser { username, address: IpAddr::from([192, 0, 2, 1]), since: at, asked_at: at };
            doors.wait(key, user).0
        };
        let waits = |doors: &Doors| doors.waiting().map(|(key, user)| (*key, user.since)).collect::<Vec<_>>();
        let later = 5 + ASKED_IS_SAVED_EVERY;
        assert_eq!((ask(&mut doors, anna, 5), ask(&mut doors, eve, 6)), (Asked::News, Asked::News));
        assert_eq!((ask(&mut doors, anna, later - 1), ask(&mut doors, anna, later)), (Asked::Again, Asked::AfterLong));
        assert_eq!(waits(&doors), [(eve, 6), (anna, 5)]);
        assert_eq!(doors.forget_past(6 + WAITING_LASTS_SECONDS), (vec![], vec![eve]));
        assert_eq!(waits(&doors), [(anna, 5)]);
        assert_eq!(doors.forget_past(later + WAITING_LASTS_SECONDS), (vec![], vec![anna]));
        assert_eq!(waits(&doors), []);
    }
}
