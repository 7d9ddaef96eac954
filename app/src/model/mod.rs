//! What a client knows, folded from [`NodeEvent`]s: what the window draws. No toolkit in it, no clock, no I/O.

mod asked;
pub mod browse;
pub mod busy;
pub mod download_questions;
pub mod looked_at;
pub mod made_up;
pub mod marks;
mod messages;
pub mod natural_order;
mod network;
pub mod newer_version;
pub mod offered;
mod outcome;
pub mod pace;
pub mod pages;
pub mod people_totals;
pub mod reach_advice;
pub mod recent_networks;
pub mod result;
pub mod row_order;
pub mod share_questions;
pub mod shares;
pub mod shown_rows;
pub mod transfers;
pub mod tree;
pub mod wanted_download;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use potok_core::model::binding::Ban;
use potok_core::model::invite::Invite;
use potok_core::model::metering::Metering;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::username::Username;
use potok_core::node::event::{Me, NodeEvent, Outcome, Status, TrackerConnection, Transfer};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId, TransferId};
use potok_core::node::warning::Warning;
use potok_core::protocol::notice::Role;
use potok_core::protocol::owner_line::{FigureLine, InviteLine, TrackerLine, WaitingLine};
use potok_core::protocol::reply::{FileLine, PartialAnswer, UserLine};
use potok_core::reach::nearby::NearbyNetwork;
use potok_core::reach::reachability::Reachability;
use rust_i18n::t;

pub use crate::model::asked::AskedBy;
use crate::model::asked::{Need, OpenQuestion};
use crate::model::browse::{Browse, Look};
use crate::model::download_questions::DownloadQuestions;
use crate::model::looked_at::{LookedAt, TransferLook};
use crate::model::marks::Marks;
pub use crate::model::messages::{LOG_LINES_MAX, LogLine, Remedy, Toast, Tone};
pub use crate::model::network::KeyStanding;
use crate::model::newer_version::NewerVersion;
use crate::model::offered::OfferedFiles;
use crate::model::pace::Pace;
use crate::model::pages::ShareChange;
use crate::model::people_totals::PeopleTotals;
use crate::model::recent_networks::RecentNetworks;
use crate::model::share_questions::ShareQuestions;
use crate::model::shares::Shares;
use crate::model::transfers::FailedFiles;
use crate::texts;

/// Records of one list that the console page prints.
pub const LIST_LINES_MAX: usize = 500;
/// Seconds of the speed graph.
pub const SPEEDS_MAX: usize = 120;

/// Someone on the tracker.
#[derive(Debug, Clone)]
pub struct Person {
    /// As the tracker lists them.
    pub line: UserLine,
    /// When they came; `None`: before we did.
    pub since: Option<SystemTime>,
}

/// Files being hashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashing {
    /// Bytes that are hashed so far.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// Files that are still to be hashed.
    pub files_left: u64,
}

/// Everything a window shows.
#[derive(Debug)]
pub struct Model {
    /// At a tracker or not.
    pub connection: TrackerConnection,
    /// Whether others can reach us.
    pub reach: Reachability,
    /// Whether the way to the Internet is metered.
    pub metering: Metering,
    /// Who I am.
    pub me: Option<Me>,
    /// Whether there is a newer version.
    pub newer_version: NewerVersion,
    /// Everybody on the tracker, by name.
    pub people: BTreeMap<Username, Person>,
    /// Those of them who prove another key than when we dealt with them.
    pub changed_keys: BTreeSet<Username>,
    /// What is looked at of all that is shared.
    pub browse: Browse,
    /// How much each of them shares, while that is looked at.
    pub totals: PeopleTotals,
    /// Files that are offered for a typed command.
    pub offered: OfferedFiles,
    /// Which of the files that are looked at are here, mine, or on their way.
    pub marks: Marks,
    /// What must be asked before something is fetched.
    pub questions: DownloadQuestions,
    /// What I share.
    pub shares: Shares,
    /// What is read before something is shared.
    pub sharing: ShareQuestions,
    /// All downloads and uploads, by number.
    pub transfers: BTreeMap<TransferId, Transfer>,
    /// Files of a transfer that failed while the others go on, or were refused before it began: a few of each.
    pub failed_files: FailedFiles,
    /// What is asked only while somebody looks at transfers.
    pub looked_at: LookedAt,
    /// Hashing, while it goes on.
    pub hashing: Option<Hashing>,
    /// Files in shared folders that are not shared, and why.
    pub skipped: VecDeque<String>,
    /// What a person should read about shared folders and the rest, newest last.
    pub warnings: VecDeque<String>,
    /// The link that lets others in.
    pub invite: Option<Invite>,
    /// The networks that we were in.
    pub recent: RecentNetworks,
    /// The networks that are in the local network.
    pub nearby: Vec<NearbyNetwork>,
    /// Why the network that was to be started here does not run, until the next try.
    pub host_failed: Option<Failure>,
    /// How things are.
    pub status: Option<Status>,
    /// Bytes a second, in and out, once a second.
    pub speeds: VecDeque<(u64, u64)>,
    /// Short messages that are shown over the window now.
    pub toasts: VecDeque<Toast>,
    /// The console page.
    pub log: VecDeque<LogLine>,
    /// What happened at the tracker that runs here.
    pub tracker_log: VecDeque<(SystemTime, String)>,
    /// Who is shut out of it.
    pub bans: Vec<Ban>,
    /// Whether we may give an owner's commands where we are.
    pub role: Role,
    /// The limits of the tracker that we own, once they were asked for.
    pub limits: Vec<FigureLine>,
    /// The trackers of the network that we own, once they were asked for.
    pub trackers: Vec<TrackerLine>,
    /// What is missing in what was listed last.
    pub partial: Option<PartialAnswer>,
    /// Its invites that are good, and who waits to be let in.
    pub invites: Vec<InviteLine>,
    /// Those who ask to be let in.
    pub waiting: Vec<WaitingLine>,
    /// The invite that was made last here: its token is told once.
    pub issued: Option<Invite>,
    /// The engine is gone.
    pub stopped: bool,
    join_failed: Option<Failure>,
    answers: Vec<Outcome>,
    asked: HashMap<IntentId, OpenQuestion>,
    wishes: Vec<Intent>,
    /// Lists of people that are under way.
    users_asked: usize,
    users_pace: Pace,
    is_older_told: bool,
    sampled_at: Option<Instant>,
    figures_asked_at: Option<Instant>,
    toasts_so_far: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            connection: TrackerConnection::None,
            reach: Reachability::default(),
            metering: Metering::default(),
            me: None,
            newer_version: NewerVersion::default(),
            people: BTreeMap::new(),
            changed_keys: BTreeSet::new(),
            browse: Browse::default(),
            totals: PeopleTotals::default(),
            offered: OfferedFiles::default(),
            marks: Marks::default(),
            questions: DownloadQuestions::default(),
            shares: Shares::default(),
            sharing: ShareQuestions::default(),
            transfers: BTreeMap::new(),
            failed_files: FailedFiles::default(),
            looked_at: LookedAt::default(),
            hashing: None,
            skipped: VecDeque::new(),
            warnings: VecDeque::new(),
            invite: None,
            nearby: Vec::new(),
            recent: RecentNetworks::default(),
            host_failed: None,
            status: None,
            speeds: VecDeque::new(),
            toasts: VecDeque::new(),
            log: VecDeque::new(),
            tracker_log: VecDeque::new(),
            bans: Vec::new(),
            role: Role::User,
            limits: Vec::new(),
            trackers: Vec::new(),
            partial: None,
            invites: Vec::new(),
            waiting: Vec::new(),
            issued: None,
            stopped: false,
            join_failed: None,
            answers: Vec::new(),
            asked: HashMap::new(),
            // What is known without a tracker.
            wishes: vec![Intent::ListTransfers, Intent::Status, Intent::Invite],
            users_asked: 0,
            users_pace: Pace::default(),
            is_older_told: false,
            sampled_at: None,
            figures_asked_at: None,
            toasts_so_far: 0,
        }
    }
}

impl Model {
    /// What the model wants to know now; when to ask again if nothing else happens.
    pub fn wishes(&mut self, now: Instant) -> (Vec<Intent>, Option<Duration>) {
        let mut wishes = std::mem::take(&mut self.wishes);
        let mut later = None;
        if self.users_pace.is_due(now) && self.is_online() {
            self.users_pace.asked(now);
            wishes.push(Intent::ListUsers);
        } else if let Some(due) = self.users_pace.due_at() {
            later = Some(due.saturating_duration_since(now));
        }
        (wishes, later)
    }

    /// What came of lines of the console page since the last call; whoever draws it puts it into words.
    pub fn take_answers(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.answers)
    }

    /// Whether we are registered at a tracker.
    pub fn is_online(&self) -> bool {
        matches!(self.connection, TrackerConnection::Online { .. })
    }

    /// Folds one notice in.
    pub fn apply(&mut self, now: Instant, notice: NodeEvent) {
        match notice {
            NodeEvent::Outcome { id, result } => self.apply_outcome(now, id, result),
            NodeEvent::Files { id, files } => self.apply_files(id, files),
            NodeEvent::Connection(connection) => self.apply_connection(now, connection),
            NodeEvent::Reachability(reach) => self.reach = *reach,
            NodeEvent::Nearby(networks) => self.nearby = networks,
            NodeEvent::Shared(file) => self.apply_change(now, &ShareChange::Shared(file)),
            NodeEvent::Unshared { user, path } => self.apply_change(now, &ShareChange::Unshared(user, path)),
            NodeEvent::UserChanged(user) => self.doubt_shares(now, Some(&user)),
            NodeEvent::Resync => {
                self.doubt_shares(now, None);
                self.users_pace.doubt(now);
            }
            NodeEvent::Joined { user: line, at } => {
                self.push_log(Tone::Info, t!("console.joined", user = Shown(line.username.as_str())).into_owned());
                self.people.insert(line.username.clone(), Person { line, since: Some(at) });
                self.doubt_users_under_way(now);
            }
            NodeEvent::Left(user) => {
                self.push_log(Tone::Info, t!("console.left", user = Shown(user.as_str())).into_owned());
                self.people.remove(&user);
                self.browse.left(now, &user);
                self.totals.left(&user);
                self.offered.doubt(Some(&user));
                self.doubt_users_under_way(now);
            }
            NodeEvent::Hashing { done_bytes, total_bytes, files_left } => {
                self.hashing = (files_left > 0).then_some(Hashing { done_bytes, total_bytes, files_left });
                self.shares.doubt(now);
            }
            NodeEvent::Skipped { path, why, more } => {
                self.skipped.push_back(texts::of_skipped(&path, &why, more));
                if self.skipped.len() > LIST_LINES_MAX {
                    self.skipped.pop_front();
                }
            }
            NodeEvent::SharesChanged { .. } => {
                self.marks.doubt(now);
                self.shares.doubt(now);
            }
            NodeEvent::Transfer(transfer) => self.apply_transfer(now, transfer),
            NodeEvent::Downloaded { local_path, hash, size, .. } => {
                self.marks.fetched(hash, local_path.clone());
                self.push_log(
                    Tone::Good,
                    t!("console.downloaded", path = ShownPath(&local_path), size = crate::human::size(size)).into(),
                );
            }
            NodeEvent::Renamed { original, local_path, .. } => {
                let (original, path) = (Shown(&original).to_string(), ShownPath(&local_path).to_string());
                self.push_log(Tone::Info, t!("console.renamed", original = original, path = path).into_owned());
            }
            NodeEvent::FileFailed { number, remote_path, failure, more } => {
                let text = texts::of_failed_file(number, &remote_path, &failure, more);
                self.push_log(Tone::Bad, text);
                self.failed_files.add(number, remote_path, failure);
            }
            NodeEvent::Metering(metering) => self.metering = metering,
            NodeEvent::TransferGone { number } => {
                self.marks.gone(number);
                self.transfers.remove(&number);
                self.failed_files.forget(number);
                self.looked_at.doubt_history();
            }
            NodeEvent::WaitingFor { user, .. } => {
                self.push_log(Tone::Info, t!("console.waiting-for", user = Shown(&user)).into_owned());
            }
            NodeEvent::PeerLied { user } => {
                self.toast(now, Tone::Bad, t!("console.peer-lied", user = Shown(user.as_str())).into_owned());
            }
            NodeEvent::Lagged => {
                self.wishes.extend([Intent::ListTransfers, Intent::Status, Intent::Invite]);
                self.shares.doubt(now);
                self.marks.doubt(now);
                self.doubt_shares(now, None);
                self.users_pace.doubt(now);
            }
            NodeEvent::Warning(warning) => {
                if let Warning::UserKeyChanged { user } = &warning {
                    self.changed_keys.insert(user.clone());
                }
                self.shares.doubt(now);
                self.apply_warning(now, texts::warning_in_window(&warning));
            }
            NodeEvent::Role(role) => self.apply_role(role),
            NodeEvent::InviteChanged => self.wishes.push(Intent::Invite),
            NodeEvent::Partial(partial) => self.partial = partial,
            NodeEvent::AsksToComeIn(user) => self.apply_asks_to_come_in(now, &user),
            NodeEvent::Broadcast { by, text } => self.toast(now, Tone::Info, texts::of_broadcast(by.as_ref(), &text)),
            NodeEvent::TrackerLog { at, entry } => self.apply_tracker_log(now, at, &entry),
            NodeEvent::Wire { sent, line } => self.apply_wire(sent, &line),
            NodeEvent::WireLeftOut { lines } => {
                self.push_log(Tone::Info, t!("window.console.left-out", count = lines).into_owned());
            }
            NodeEvent::Stopped => self.stopped = true,
        }
    }

    /// Asks the tracker for what is looked at, while we are there; when to come again if nothing else happens.
    pub fn look(&mut self, now: Instant, look: &Look<'_>, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
        let browsed = if self.is_online() { self.browse.turn(now, look, ask) } else { None };
        let marked = self.marks.turn(now, self.browse.contents(&look.view), ask);
        [browsed, marked].into_iter().flatten().min()
    }

    /// The same for how much everybody shares.
    pub fn look_at_people(&mut self, now: Instant, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
        if self.is_online() { self.totals.turn(now, ask) } else { None }
    }

    /// The same for what is behind transfers, which the engine knows.
    pub fn look_at_transfers(
        &mut self,
        now: Instant,
        look: &TransferLook,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        let chosen = look.chosen.and_then(|(number, _)| self.transfers.get(&number));
        self.looked_at.turn(now, look, chosen, ask)
    }

    fn apply_change(&mut self, now: Instant, change: &ShareChange) {
        let (ShareChange::Shared(FileLine { username, .. }) | ShareChange::Unshared(username, _)) = change;
        self.browse.change(now, change);
        self.totals.doubt(now, Some(username));
        self.offered.doubt(Some(username));
    }

    fn doubt_shares(&mut self, now: Instant, user: Option<&Username>) {
        self.browse.doubt(now, user);
        self.totals.doubt(now, user);
        self.offered.doubt(user);
    }

    /// A list of people that is under way may be older than what was just told.
    fn doubt_users_under_way(&mut self, now: Instant) {
        if self.users_asked > 0 {
            self.users_pace.doubt(now);
        }
    }
}

/// The last part of a label, safe to show.
pub fn short(label: &str) -> String {
    Shown(last_part(label)).to_string()
}

/// The last part of a label, as it was written.
pub fn last_part(label: &str) -> &str {
    label.trim_end_matches('/').rsplit('/').next().unwrap_or(label)
}

#[cfg(test)]
mod tests;
