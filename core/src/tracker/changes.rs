//! What watchers are told. Changes of one user within a short window become one notice, so that a person who shares a
//! folder, or whose link flaps, is not N lines to everybody.
//!
//! The window opens at a user's first change and closes [`TrackerSettings::notice_window_milliseconds`] later, rounded
//! up to a common `STEP`: then the changes of many users leave in one write to each watcher. Who comes is told at the next
//! step already: nobody serves them before. Whose link flaps goes first, so that is within the window of their going.
//!
//! [`TrackerSettings::notice_window_milliseconds`]: crate::tracker::settings::TrackerSettings

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::notice::Notice;
use crate::protocol::reply::UserLine;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::SessionId;
use crate::tracker::roster::{Online, ReaderView, Roster};
use crate::tracker::watched_folders::{TouchedFolders, WatchedFolders};
use crate::tracker::watching::{Moment, PartWatcher, WatchFilter, Watchers};

/// Windows close at multiples of this.
const STEP: Duration = Duration::from_millis(50);
/// How long there is no step after somebody came: it is the next one, never one that is now.
const COMING: Duration = Duration::from_millis(1);

/// Open windows, and who is told when they close.
#[derive(Debug)]
pub struct Changes {
    epoch: Instant,
    window: Duration,
    /// By name regardless of case.
    open: BTreeMap<String, Change>,
    due: BTreeSet<(Instant, String)>,
    watchers: Watchers,
    now: Moment,
}

/// Sessions in the middle of a list, and the notices that wait for its end: a notice never stands among data lines.
#[derive(Debug)]
pub struct Readers {
    bytes_max: usize,
    held: BTreeMap<SessionId, Held>,
}

#[derive(Debug, Default)]
struct Held {
    notices: Vec<Bytes>,
    bytes: usize,
    is_behind: bool,
}

impl Readers {
    /// Nobody reads. A reader is held at most so many bytes of notices; what is more becomes one `* resync`.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held: BTreeMap::new() }
    }

    /// A list begins that is not sent at once.
    pub fn begin(&mut self, session: SessionId) {
        self.held.entry(session).or_default();
    }

    /// Keeps a notice for a session that is in the middle of a list; `false` if it is not.
    pub fn hold(&mut self, session: SessionId, notice: impl FnOnce() -> Bytes) -> bool {
        let Some(held) = self.held.get_mut(&session) else { return false };
        let notice = notice();
        held.is_behind |= held.bytes + notice.len() > self.bytes_max;
        if !held.is_behind {
            held.bytes += notice.len();
            held.notices.push(notice);
        }
        true
    }

    /// The list is at its end, or its session is: gives what was held.
    pub fn end(&mut self, session: SessionId) -> Vec<Bytes> {
        let Some(mut held) = self.held.remove(&session) else { return Vec::new() };
        if held.is_behind {
            held.notices.push(Bytes::from(format!("{}\n", Notice::Resync)));
        }
        held.notices
    }

    /// Whether a session is in the middle of a list.
    pub fn is_reading(&self, session: SessionId) -> bool {
        self.held.contains_key(&session)
    }
}

#[derive(Debug)]
struct Change {
    /// The spelling of the last change.
    username: Username,
    latest: Moment,
    presence: Option<Before>,
    shares: Shares,
    touched: TouchedFolders,
}

/// How a user's presence was when the window opened.
#[derive(Debug)]
struct Before {
    here: Option<Here>,
    /// They were away in between, and a reader may have seen it.
    was_away: bool,
}

#[derive(Debug)]
struct Here {
    session: SessionId,
    line: UserLine,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Shares {
    #[default]
    AsBefore,
    One(Notice),
    Many,
}

impl Changes {
    /// Nobody watches. `epoch` is any moment: the steps are counted from it.
    pub fn new(epoch: Instant, window: Duration) -> Self {
        Self {
            epoch,
            window,
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            watchers: Watchers::default(),
            now: Moment(0),
        }
    }

    /// A session is told of changes from now on, as far as it asks for them.
    pub fn watch(&mut self, session: SessionId, view: ReaderView, filter: WatchFilter) {
        self.now.0 += 1;
        self.watchers.begin(session, view, filter, self.now);
    }

    /// A session is no longer told.
    pub fn unwatch(&mut self, session: SessionId, view: ReaderView) {
        self.watchers.end(session, view);
        if self.watchers.is_empty() {
            self.open.clear();
            self.due.clear();
        }
    }

    /// Notes that somebody came.
    pub fn joined(&mut self, now: Instant, username: &Username) {
        if let Some(change) = self.change_within(now, COMING.min(self.window), username) {
            change.presence.get_or_insert(Before { here: None, was_away: true });
        }
    }

    /// Somebody's address changed.
    pub fn moved(&mut self, now: Instant, before: &Online) {
        if let Some(change) = self.change(now, &before.username) {
            change.presence.get_or_insert_with(|| Before::here(before));
        }
    }

    /// Somebody went, with so many shares. If another session of theirs takes over in the same moment, nobody can have
    /// seen them away.
    pub fn left(&mut self, now: Instant, before: &Online, shares: usize, is_taken_over: bool) {
        let Some(change) = self.change(now, &before.username) else { return };
        change.presence.get_or_insert_with(|| Before::here(before)).was_away |= !is_taken_over;
        if shares > 0 {
            change.shares = Shares::Many;
            change.touched.add(TouchedFolders::anywhere());
        }
    }

    /// The folders that are watched: what changes below them is noted for [`Self::shared`] and [`Self::shared_many`].
    pub fn folders(&self) -> &WatchedFolders {
        self.watchers.folders()
    }

    /// The folders that are watched now and were not, and the other way round, since this was called last.
    pub fn take_folder_changes(&mut self) -> Vec<(SharePath, bool)> {
        self.watchers.take_folder_changes()
    }

    /// One share of somebody came or went.
    pub fn shared(&mut self, now: Instant, username: &Username, event: Notice, touched: TouchedFolders) {
        if let Some(change) = self.change(now, username) {
            change.shares = if change.shares == Shares::AsBefore { Shares::One(event) } else { Shares::Many };
            change.touched.add(touched);
        }
    }

    /// Several shares of somebody came or went.
    pub fn shared_many(&mut self, now: Instant, username: &Username, touched: TouchedFolders) {
        if let Some(change) = self.change(now, username) {
            change.shares = Shares::Many;
            change.touched.add(touched);
        }
    }

    /// When the next window closes.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Tells the watchers of every window that is closed.
    pub fn tell(&mut self, now: Instant, roster: &Roster, reading: &mut Readers, effects: &mut Effects) {
        let mut closed = Vec::new();
        while let Some((due, folded)) = self.due.pop_first() {
            if due > now {
                self.due.insert((due, folded));
                break;
            }
            closed.extend(self.open.remove(&folded).map(|change| (change, folded)));
        }
        if closed.is_empty() {
            return;
        }
        // In this order a watcher who began in between is told of the end of the list.
        closed.sort_by_key(|(change, _)| change.latest);
        for (view, sessions) in &self.watchers.of_all {
            tell_view(*view, sessions, &closed, roster, reading, effects);
        }
        self.tell_parts(&closed, roster, reading, effects);
    }

    /// Tells those who asked for a part.
    fn tell_parts(&self, closed: &[(Change, String)], roster: &Roster, reading: &mut Readers, effects: &mut Effects) {
        let mut told: BTreeMap<SessionId, BytesMut> = BTreeMap::new();
        for (change, folded) in closed {
            let online = roster.get_folded(folded);
            for (session, watcher) in self.watchers.of_part(folded, &change.touched) {
                if change.latest >= watcher.since {
                    change.write(online, watcher.view, Part::of(watcher, change), told.entry(session).or_default());
                }
            }
        }
        for (session, lines) in told {
            let lines = lines.freeze();
            if !lines.is_empty() && !reading.hold(session, || lines.clone()) {
                effects.push(Effect::Notify { to: [session].into(), bytes: lines });
            }
        }
    }

    /// The user's open window; none if nobody watches.
    fn change(&mut self, now: Instant, username: &Username) -> Option<&mut Change> {
        self.change_within(now, self.window, username)
    }

    /// The user's open window, or one that closes at the first step after this time.
    fn change_within(&mut self, now: Instant, window: Duration, username: &Username) -> Option<&mut Change> {
        if self.watchers.is_empty() {
            return None;
        }
        self.now.0 += 1;
        let folded = username.folded();
        if !self.open.contains_key(&folded) {
            let due = self.round_up(now + window);
            self.due.insert((due, folded.clone()));
            let change = Change {
                username: username.clone(),
                latest: self.now,
                presence: None,
                shares: Shares::AsBefore,
                touched: TouchedFolders::default(),
            };
            self.open.insert(folded.clone(), change);
        }
        let change = self.open.get_mut(&folded)?;
        change.latest = self.now;
        change.username = username.clone();
        Some(change)
    }

    fn round_up(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.epoch).as_millis();
        let over = since % STEP.as_millis();
        let missing = if over == 0 { 0 } else { STEP.as_millis() - over };
        at + Duration::from_millis(u64::try_from(missing).unwrap_or(0))
    }
}

impl Before {
    fn here(online: &Online) -> Self {
        Self { here: Some(Here { session: online.session, line: online.line(ReaderView::SameHost) }), was_away: false }
    }
}

fn tell_view(
    view: ReaderView,
    sessions: &BTreeMap<SessionId, Moment>,
    closed: &[(Change, String)],
    roster: &Roster,
    reading: &mut Readers,
    effects: &mut Effects,
) {
    let mut lines = BytesMut::new();
    let starts: Vec<(Moment, usize)> = closed
        .iter()
        .map(|(change, folded)| {
            let start = lines.len();
            change.write(roster.get_folded(folded), view, Part::ALL, &mut lines);
            (change.latest, start)
        })
        .collect();
    let lines = lines.freeze();
    let mut audiences: BTreeMap<usize, Vec<SessionId>> = BTreeMap::new();
    for (session, since) in sessions {
        let first = starts.partition_point(|(latest, _)| latest < since);
        let Some((_, start)) = starts.get(first).filter(|(_, start)| *start < lines.len()) else { continue };
        if !reading.hold(*session, || lines.slice(start..)) {
            audiences.entry(*start).or_default().push(*session);
        }
    }
    for (start, to) in audiences {
        effects.push(Effect::Notify { to: Arc::from(to), bytes: lines.slice(start..) });
    }
}

/// Which lines of a change somebody is told.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// That they came.
    joined: bool,
    /// That they went.
    left: bool,
    /// What they share.
    shares: bool,
}

impl Part {
    const ALL: Self = Self { joined: true, left: true, shares: true };

    /// Who asked for a folder alone wants to know who came only when they share something there; with who goes all of
    /// theirs goes.
    fn of(watcher: &PartWatcher, change: &Change) -> Self {
        let is_of_users = watcher.filter.is_of_users();
        let is_there = watcher.filter.folder().is_none_or(|folder| change.touched.is_below(folder));
        Self { joined: is_of_users, left: is_of_users || is_there, shares: is_there }
    }
}

impl Change {
    fn write(&self, online: Option<&Online>, view: ReaderView, part: Part, lines: &mut BytesMut) {
        let mut line = |event: Notice| {
            write!(lines, "{event}").expect("a buffer in memory takes everything");
            lines.put_u8(b'\n');
        };
        let Some(online) = online else {
            if self.presence.is_some() && part.left {
                line(Notice::Left(self.username.clone()));
            }
            return;
        };
        if let Some(before) = &self.presence {
            // Without a key, the same name in another session may be somebody else.
            let is_same =
                |here: &Here| here.session == online.session || (online.key.is_some() && here.line.key == online.key);
            if part.left && before.here.as_ref().is_some_and(|here| !is_same(here)) {
                line(Notice::Left(self.username.clone()));
            }
            let is_as_before = before.here.as_ref().is_some_and(|here| here.line == online.line(ReaderView::SameHost));
            if part.joined && (before.was_away || !is_as_before) {
                line(Notice::Joined(online.line(view)));
            }
        }
        match &self.shares {
            Shares::AsBefore => {}
            _ if !part.shares => {}
            Shares::One(event) => line(event.clone()),
            Shares::Many => line(Notice::Changed(online.username.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
