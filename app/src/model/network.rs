//! The network that runs here, and the wire to the tracker: what the pages of both show.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use potok_core::model::binding::Ban;
use potok_core::model::binding::BanQuery;
use potok_core::model::shown::Shown;
use potok_core::model::username::Username;
use potok_core::node::event::{Hosted, TrackerConnection};
use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::{ListBanned, ListInvites, ListTrackers, ListWaiting, SetLimits};
use potok_core::protocol::notice::Role;
use potok_core::tracker::log::LogEntry;
use rust_i18n::t;

use crate::model::pace::Pace;
use crate::model::{AskedBy, Model, Need, OpenQuestion, Person, Remedy, Tone};
use crate::texts;

/// Lines of the tracker's log; the oldest go first.
const TRACKER_LOG_MAX: usize = 1_000;
/// How often the figures of the tracker are read while somebody looks at them.
const FIGURES_EVERY: Duration = Duration::from_secs(3);

/// Whether somebody is who they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyStanding {
    /// They proved another key than before, which nobody has accepted yet.
    Changed,
    /// There is no key, so nobody can tell who it is.
    None,
    /// They proved it.
    Proven,
}

impl Model {
    /// The tracker that runs in this program.
    pub fn hosted(&self) -> Option<&Hosted> {
        self.status.as_ref().and_then(|status| status.hosted.as_ref())
    }

    /// Whether this person is this client itself.
    pub fn is_me(&self, person: &Person) -> bool {
        self.me.as_ref().is_some_and(|me| me.username == person.line.username)
    }

    /// The name of a person as it is shown; mine says that it is mine.
    pub fn name_of(&self, person: &Person) -> String {
        let name = Shown(person.line.username.as_str()).to_string();
        if self.is_me(person) { format!("{name} ({})", t!("window.people.you")) } else { name }
    }

    /// What is known of the key behind the name of a person.
    pub fn key_standing(&self, person: &Person) -> KeyStanding {
        if self.changed_keys.contains(&person.line.username) {
            KeyStanding::Changed
        } else if person.line.key.is_some() {
            KeyStanding::Proven
        } else {
            KeyStanding::None
        }
    }

    /// Everybody who is here but this client itself.
    pub fn others(&self) -> impl Iterator<Item = &Person> {
        self.people.values().filter(|person| !self.is_me(person))
    }

    /// The address of the tracker that we are at, or on the way to.
    pub fn tracker(&self) -> Option<&str> {
        tracker_of(&self.connection)
    }

    /// What the network that we are in, or on the way to, is called; its address if that is not known.
    pub fn network_name(&self) -> Option<String> {
        match &self.connection {
            TrackerConnection::None => None,
            TrackerConnection::Online { network, .. } => Some(Shown(network).to_string()),
            TrackerConnection::Connecting { tracker, .. } | TrackerConnection::Refused { tracker, .. } => {
                let name = self.recent.at(tracker).map_or(tracker.as_str(), |network| network.name.as_str());
                Some(Shown(name).to_string())
            }
        }
    }

    /// Why we are not in the network that a person chose, as long as it is so.
    pub fn join_failure(&self) -> Option<&Failure> {
        match &self.connection {
            TrackerConnection::Online { .. } => None,
            TrackerConnection::Refused { why, .. } | TrackerConnection::Connecting { why: Some(why), .. } => Some(why),
            TrackerConnection::None | TrackerConnection::Connecting { why: None, .. } => self.join_failed.as_ref(),
        }
    }

    /// A network was not reached, or could not be started. The page on which it was wished says so, and no message does.
    pub(super) fn apply_not_there(&mut self, is_host: bool, why: Failure, text: String) {
        self.push_log(Tone::Bad, text);
        // A newer wish has overtaken it.
        if why != Failure::Cancelled {
            *(if is_host { &mut self.host_failed } else { &mut self.join_failed }) = Some(why);
        }
    }

    /// Asks for newer figures while somebody looks at them; when to come again.
    pub fn watch_figures(&mut self, now: Instant) -> (Option<Intent>, Option<Duration>) {
        if self.hosted().is_none() {
            return (None, None);
        }
        let age = self.figures_asked_at.map_or(FIGURES_EVERY, |at| now.duration_since(at));
        if age < FIGURES_EVERY {
            return (None, Some(FIGURES_EVERY - age));
        }
        self.figures_asked_at = Some(now);
        (Some(Intent::Status), Some(FIGURES_EVERY))
    }

    /// Whether we may give an owner's commands where we are: of the tracker that runs here, or of one far away.
    pub fn can_order(&self) -> bool {
        self.hosted().is_some() || (self.is_online() && self.role == Role::Owner)
    }

    /// Somebody goes to a page. What other owners have done since is read anew on that of the network.
    pub fn look_at_page(&mut self, is_of_the_network: bool) {
        if is_of_the_network && self.is_online() && self.role == Role::Owner {
            self.wishes.extend(owner_lists());
        }
    }

    /// Whether the tracker has yet to say that it keeps a new greeting.
    pub fn is_saving_greeting(&self) -> bool {
        self.asked.values().any(|asked| asked.what == Need::Greeting)
    }

    pub(super) fn apply_role(&mut self, role: Role) {
        self.role = role;
        self.limits.clear();
        if role == Role::Owner {
            self.wishes.extend(owner_lists());
            self.wishes.push(Intent::Order(SetLimits::default().into()));
        }
    }

    pub(super) fn apply_asks_to_come_in(&mut self, now: Instant, user: &Username) {
        let text = t!("window.owner.asks", user = Shown(user.as_str())).into_owned();
        self.toast_with(now, Tone::Info, text, Some(Remedy::SeeWaiting));
        self.wishes.push(Intent::Order(ListWaiting.into()));
    }

    pub(super) fn apply_tracker_log(&mut self, now: Instant, at: SystemTime, entry: &LogEntry) {
        if matches!(entry, LogEntry::Kicked { .. }) {
            self.toast(now, Tone::Good, texts::of_log_entry(entry));
        }
        push(&mut self.tracker_log, (at, texts::of_log_entry(entry)));
        if matches!(entry, LogEntry::Banned { .. } | LogEntry::Unbanned { .. }) {
            self.wishes.push(Intent::Order(ListBanned::default().into()));
        }
    }

    pub(super) fn apply_wire(&mut self, sent: bool, line: &str) {
        self.push_log(if sent { Tone::Sent } else { Tone::Received }, Shown(line).to_string());
    }

    /// The whole list if nobody clicked; after a click the new ones, which can be undone.
    pub(super) fn apply_bans(&mut self, now: Instant, asked: &OpenQuestion, bans: Vec<Ban>) {
        if asked.by == AskedBy::Background {
            self.bans = bans;
            return;
        }
        self.wishes.push(Intent::Order(ListBanned::default().into()));
        let Some(first) = bans.first().filter(|_| asked.by == AskedBy::Mouse) else { return };
        let who = first.username.as_ref().map_or_else(|| first.target.to_string(), ToString::to_string);
        let text = t!("window.toast.banned", who = Shown(&who)).into_owned();
        let remedy = Remedy::Unban(bans.iter().map(|ban| BanQuery::from(&ban.target)).collect());
        self.toast_with(now, Tone::Good, text, Some(remedy));
    }

    /// We are at a tracker, on the way to one, or not any more: what was known of another is forgotten.
    pub(super) fn apply_connection(&mut self, now: Instant, connection: TrackerConnection) {
        if matches!(connection, TrackerConnection::Online { .. }) && !self.is_online() {
            self.wishes.extend([Intent::WhoAmI, Intent::ListUsers]);
            self.wishes.extend(self.newer_version.is_wanted().then_some(Intent::TrackerVersion));
            self.browse.came_back(now);
            self.totals.begin_anew();
            self.offered.doubt(None);
            self.is_older_told = false;
            (self.join_failed, self.host_failed) = (None, None);
        }
        if let TrackerConnection::Refused { why, .. } = &connection
            && self.connection != connection
        {
            // The pages show it as long as it is so.
            self.push_log(Tone::Bad, texts::of_failure(why));
        }
        let is_elsewhere = tracker_of(&self.connection) != tracker_of(&connection);
        if is_elsewhere {
            self.people.clear();
            self.changed_keys.clear();
            self.browse.forget();
            self.totals.begin_anew();
            self.offered.doubt(None);
            self.users_pace = Pace::default();
            self.invite = None;
            (self.role, self.issued) = (Role::User, None);
            self.limits.clear();
            self.trackers.clear();
            self.invites.clear();
            self.waiting.clear();
        }
        self.connection = connection;
        // Each session tells of it anew.
        self.partial = None;
        self.wishes.extend([Intent::Status, Intent::Invite]);
    }
}

/// What an owner looks at, read anew.
pub(super) fn owner_lists() -> [Intent; 4] {
    [ListBanned::default().into(), ListInvites.into(), ListWaiting.into(), ListTrackers.into()].map(Intent::Order)
}

fn tracker_of(connection: &TrackerConnection) -> Option<&str> {
    match connection {
        TrackerConnection::None => None,
        TrackerConnection::Connecting { tracker, .. }
        | TrackerConnection::Online { tracker, .. }
        | TrackerConnection::Refused { tracker, .. } => Some(tracker),
    }
}

fn push<T>(lines: &mut VecDeque<T>, line: T) {
    lines.push_back(line);
    if lines.len() > TRACKER_LOG_MAX {
        lines.pop_front();
    }
}
