//! Who is at the tracker, as far as it has told us: what a download needs to find its peer.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::username::Username;
use crate::net::dial;
use crate::protocol::reply::UserLine;
use crate::transfer::Contact;

/// How long somebody may take to come back to a tracker that was away.
const RETURN_MAX: Duration = Duration::from_secs(60);

/// A picture of the users that is kept up to date by the session. While the tracker is away it stays as it was:
/// transfers between peers go on without a tracker.
#[derive(Debug)]
pub struct People {
    known: RwLock<KnownUsers>,
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct KnownUsers {
    /// By case-folded name.
    users: BTreeMap<String, KnownUser>,
    /// From a proven key to the case-folded name; of several names the latest.
    names: HashMap<PublicKey, String>,
    tracker: Option<IpAddr>,
    /// When the tracker told who is here.
    since: Instant,
    /// Those who were here before and are not in that list.
    missing: HashSet<PublicKey>,
}

#[derive(Debug)]
struct KnownUser {
    line: UserLine,
    /// The version in which they came, or what they share changed last.
    changed_in: u64,
}

impl Default for KnownUsers {
    fn default() -> Self {
        let (users, names, missing) = Default::default();
        Self { users, names, tracker: None, since: Instant::now(), missing }
    }
}

impl Default for People {
    fn default() -> Self {
        Self { known: RwLock::default(), version: watch::Sender::new(0) }
    }
}

impl People {
    /// The user of this name, whatever its case.
    pub fn user(&self, name: &Username) -> Option<UserLine> {
        self.known.read().users.get(&name.folded()).map(|user| user.line.clone())
    }

    /// The names of all users, in order.
    pub fn names(&self) -> Vec<Username> {
        self.known.read().users.values().map(|user| user.line.username.clone()).collect()
    }

    /// Whether the tracker has said that nobody with this key is here. Before its first list it has said nothing, and
    /// whoever was here before a break is given [`RETURN_MAX`] to come back as we did.
    pub fn has_left(&self, key: &PublicKey) -> bool {
        let known = self.known.read();
        let may_return = known.since.elapsed() < RETURN_MAX && known.missing.contains(key);
        known.tracker.is_some() && !known.names.contains_key(key) && !may_return
    }

    /// Who has this key, if they are here.
    pub fn name_of(&self, key: &PublicKey) -> Option<Username> {
        let known = self.known.read();
        let name = known.names.get(key)?;
        known.users.get(name).map(|user| user.line.username.clone())
    }

    /// Whom to expect of a user who is here, and where they can be dialled: nowhere if they say no address (a proxy hides it),
    /// or one that this tracker may not send us to; they are asked to dial us then. `None` if they have no key.
    pub fn contact(&self, name: &Username) -> Option<Contact> {
        let known = self.known.read();
        let user = &known.users.get(&name.folded())?.line;
        let address = user.address.filter(|address| known.may_be_peer(*address));
        Some(Contact { username: user.username.clone(), address, key: user.key? })
    }

    /// Whether a tracker has said who is there.
    pub fn are_told(&self) -> bool {
        self.known.read().tracker.is_some()
    }

    /// Whether this tracker may send us to an address.
    pub fn may_be_peer(&self, address: SocketAddr) -> bool {
        self.known.read().may_be_peer(address)
    }

    /// Changes whenever users or shares have changed, or a session began.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// A number that is another one whenever this user has come, or what they share has changed; `None` while they are not
    /// here. Of whom there is no room for it is another one whenever anything has changed.
    pub fn version_of(&self, name: &Username) -> Option<u64> {
        let known = self.known.read();
        let is_full = known.users.len() >= limits::LISTED_USERS_MAX;
        let unlisted = || is_full.then(|| *self.version.borrow());
        known.users.get(&name.folded()).map(|user| user.changed_in).or_else(unlisted)
    }

    pub(super) fn replace(&self, tracker: IpAddr, users: Vec<UserLine>) {
        let mut now = KnownUsers { tracker: Some(tracker), ..KnownUsers::default() };
        let version = self.next_version();
        users.into_iter().for_each(|user| now.insert(user, version));
        let mut known = self.known.write();
        let before = known.names.keys().chain(&known.missing);
        now.missing = before.filter(|key| !now.names.contains_key(*key)).copied().collect();
        *known = now;
        drop(known);
        self.touch();
    }

    pub(super) fn joined(&self, user: UserLine) {
        let mut known = self.known.write();
        if known.users.len() < limits::LISTED_USERS_MAX {
            known.insert(user, self.next_version());
        }
        drop(known);
        self.touch();
    }

    pub(super) fn left(&self, name: &Username) {
        self.known.write().remove(&name.folded());
        self.touch();
    }

    /// What this user shares has changed.
    pub(super) fn shares_changed(&self, name: &Username) {
        if let Some(user) = self.known.write().users.get_mut(&name.folded()) {
            user.changed_in = self.next_version();
        }
        self.touch();
    }

    pub(super) fn touch(&self) {
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// What [`People::touch`] makes of the version.
    fn next_version(&self) -> u64 {
        self.version.borrow().wrapping_add(1)
    }
}

impl KnownUsers {
    /// A tracker could aim us at the services of any computer: no peer is at a port of the system, and none is nearer
    /// than the tracker itself.
    fn may_be_peer(&self, address: SocketAddr) -> bool {
        let may_dial = |tracker| dial::may_dial(address.ip(), tracker);
        address.port() >= limits::PEER_PORT_MIN && self.tracker.is_some_and(may_dial)
    }

    fn insert(&mut self, user: UserLine, version: u64) {
        let name = user.username.folded();
        self.remove(&name);
        if let Some(key) = user.key {
            self.missing.remove(&key);
            self.names.insert(key, name.clone());
        }
        self.users.insert(name, KnownUser { line: user, changed_in: version });
    }

    fn remove(&mut self, name: &str) {
        let key = self.users.remove(name).and_then(|user| user.line.key);
        if let Some(key) = key
            && self.names.get(&key).is_some_and(|of_key| of_key == name)
        {
            self.names.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, address: &str, key: u8) -> UserLine {
        UserLine {
            username: Username::new(name).expect(name),
            address: Some(address.parse().expect(address)),
            key: (key > 0).then(|| PublicKey::from_bytes([key; 32])),
        }
    }

    /// Where somebody who is here would be dialled.
    fn dialled(people: &People, name: &str) -> Option<SocketAddr> {
        people.contact(&Username::new(name).expect(name)).expect("is here").address
    }

    #[test]
    fn finds_people_by_name_and_key() {
        let people = People::default();
        assert!(!people.are_told());
        let local = "127.0.0.1".parse().expect("address");
        people.replace(local, vec![user("anna", "127.0.0.1:4001", 1), user("bob", "127.0.0.1:4002", 0)]);
        assert!(people.are_told());
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        assert!(!people.has_left(&key(1)) && people.has_left(&key(3)));
        assert!(!People::default().has_left(&key(1)), "nothing was said yet");
        people.replace(local, vec![user("bob", "127.0.0.1:4002", 0)]);
        assert!(!people.has_left(&key(1)), "the tracker was away, and she comes back as we did");
        people.joined(user("anna", "127.0.0.1:4001", 1));
        people.left(&Username::new("anna").expect("valid"));
        assert!(people.has_left(&key(1)), "that was said");
        people.replace(local, vec![user("anna", "127.0.0.1:4001", 1), user("bob", "127.0.0.1:4002", 0)]);
        let name = |n: &str| Username::new(n).expect(n);
        assert_eq!(people.contact(&name("Anna")).map(|anna| anna.username), Some(name("anna")));
        assert!(people.contact(&name("bob")).is_none(), "unverified");
        assert_eq!(people.name_of(&PublicKey::from_bytes([1; 32])), Some(name("anna")));

        people.joined(user("anna", "127.0.0.1:4009", 2));
        assert!(people.name_of(&PublicKey::from_bytes([1; 32])).is_none(), "the old key is nobody now");
        people.left(&name("anna"));
        assert!(people.name_of(&PublicKey::from_bytes([2; 32])).is_none());

        for port in [0, 22, 25, 53, 80, 443, 445, 1023] {
            people.joined(user("eve", &format!("127.0.0.1:{port}"), 3));
            assert_eq!(dialled(&people, "eve"), None, "a port of the system: {port}");
        }
        people.joined(user("eve", "127.0.0.1:1024", 3));
        assert_eq!(dialled(&people, "eve"), Some("127.0.0.1:1024".parse().expect("address")));
        people.replace("8.8.8.8".parse().expect("address"), vec![user("eve", "127.0.0.1:22222", 3)]);
        assert_eq!(dialled(&people, "eve"), None, "a far tracker aims us at ourselves");
        people.joined(UserLine { address: None, ..user("eve", "127.0.0.1:1024", 3) });
        assert_eq!(dialled(&people, "eve"), None, "behind a proxy, and here all the same");
    }

    #[test]
    fn news_of_one_are_not_news_of_another() {
        let people = People::default();
        let name = |n: &str| Username::new(n).expect(n);
        let local = "127.0.0.1".parse().expect("address");
        people.replace(local, vec![user("anna", "127.0.0.1:4001", 1)]);
        let anna = people.version_of(&name("Anna"));
        assert!(anna.is_some());
        assert_eq!(people.version_of(&name("bob")), None);
        people.joined(user("bob", "127.0.0.1:4002", 2));
        people.shares_changed(&name("bob"));
        people.shares_changed(&name("nobody"));
        assert_eq!(people.version_of(&name("anna")), anna, "only bob did anything");
        type Change = fn(&People);
        let changes: [Change; 3] = [
            |people| people.shares_changed(&Username::new("ANNA").expect("valid")),
            |people| people.joined(user("anna", "127.0.0.1:4001", 1)),
            |people| people.replace("127.0.0.1".parse().expect("address"), vec![user("anna", "127.0.0.1:4001", 1)]),
        ];
        let mut seen = anna;
        for change in changes {
            change(&people);
            let now = people.version_of(&name("anna"));
            assert!(now.is_some() && now != seen, "{now:?}");
            seen = now;
        }
        people.left(&name("anna"));
        assert_eq!(people.version_of(&name("anna")), None);

        let crowd = (0..limits::LISTED_USERS_MAX).map(|n| user(&format!("u{n}"), "127.0.0.1:4001", 0));
        people.replace(local, crowd.collect());
        let (one, unlisted) = (people.version_of(&name("u1")), people.version_of(&name("zoe")));
        people.joined(user("zoe", "127.0.0.1:4001", 1));
        assert_ne!(people.version_of(&name("zoe")), unlisted, "there is no room for her, and she is heard of");
        assert_eq!(people.version_of(&name("u1")), one);
    }
}
