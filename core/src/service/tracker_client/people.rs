//! Who is at the tracker, as far as it has told us: what a download needs to find its peer.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::net::dial;
use crate::protocol::reply::UserLine;

/// Most users that are remembered; a tracker that lists more is not believed.
pub(super) const USERS_MAX: usize = 1_000_000;

/// A picture of the users that is kept up to date by the session.
#[derive(Debug)]
pub struct People {
    /// By case-folded name.
    users: RwLock<BTreeMap<String, UserLine>>,
    tracker: RwLock<Option<IpAddr>>,
    version: watch::Sender<u64>,
}

impl Default for People {
    fn default() -> Self {
        Self { users: RwLock::default(), tracker: RwLock::default(), version: watch::Sender::new(0) }
    }
}

impl People {
    /// The user of this name, whatever its case.
    pub fn user(&self, name: &Username) -> Option<UserLine> {
        self.users.read().get(&name.folded()).cloned()
    }

    /// The names of all users, in order.
    pub fn names(&self) -> Vec<Username> {
        self.users.read().values().map(|user| user.username.clone()).collect()
    }

    /// Whether somebody with this key is here.
    pub fn has_key(&self, key: &PublicKey) -> bool {
        self.users.read().values().any(|user| user.key.as_ref() == Some(key))
    }

    /// Who has this key, if they are here.
    pub fn name_of(&self, key: &PublicKey) -> Option<Username> {
        self.users.read().values().find(|user| user.key.as_ref() == Some(key)).map(|user| user.username.clone())
    }

    /// Where a user can be reached and whom to expect there; `None` if they have no key, no address, or one that this
    /// tracker may not send us to.
    pub fn reachable(&self, name: &Username) -> Option<(Username, SocketAddr, PublicKey)> {
        let user = self.user(name)?;
        let tracker = (*self.tracker.read())?;
        let address = user.address.filter(|address| dial::may_dial(address.ip(), tracker))?;
        Some((user.username, address, user.key?))
    }

    /// Changes whenever users or shares have changed, or a session began.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    pub(super) fn replace(&self, tracker: IpAddr, users: Vec<UserLine>) {
        *self.tracker.write() = Some(tracker);
        *self.users.write() = users.into_iter().map(|user| (user.username.folded(), user)).collect();
        self.touch();
    }

    pub(super) fn joined(&self, user: UserLine) {
        let mut users = self.users.write();
        if users.len() < USERS_MAX {
            users.insert(user.username.folded(), user);
        }
        drop(users);
        self.touch();
    }

    pub(super) fn left(&self, name: &Username) {
        self.users.write().remove(&name.folded());
        self.touch();
    }

    pub(super) fn clear(&self) {
        self.users.write().clear();
        self.touch();
    }

    pub(super) fn touch(&self) {
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }
}
