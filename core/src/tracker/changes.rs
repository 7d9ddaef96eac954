//! What watchers are told. Changes of one user within a short window become one notice, so that a person who shares a
//! folder, or whose link flaps, is not N lines to everybody.
//!
//! The window opens at a user's first change and closes [`TrackerSettings::notice_window_milliseconds`] later, rounded
//! up to a common `STEP`: then the changes of many users leave in one write to each watcher.
//!
//! [`TrackerSettings::notice_window_milliseconds`]: crate::tracker::settings::TrackerSettings

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::username::Username;
use crate::protocol::notice::Notice;
use crate::protocol::reply::UserLine;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::SessionId;
use crate::tracker::roster::{Online, ReaderView, Roster};

/// Windows close at multiples of this.
const STEP: Duration = Duration::from_millis(50);

/// Open windows, and who is told when they close.
#[derive(Debug)]
pub struct Changes {
    epoch: Instant,
    window: Duration,
    /// By name regardless of case.
    open: BTreeMap<String, Change>,
    due: BTreeSet<(Instant, String)>,
    watchers: BTreeMap<ReaderView, BTreeMap<SessionId, Moment>>,
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

/// Orders changes and the beginnings of watching: a watcher is told of what changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(u64);

#[derive(Debug)]
struct Change {
    /// The spelling of the last change.
    username: Username,
    latest: Moment,
    presence: Option<Before>,
    shares: Shares,
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
        Self { epoch, window, open: BTreeMap::new(), due: BTreeSet::new(), watchers: BTreeMap::new(), now: Moment(0) }
    }

    /// A session is told of changes from now on.
    pub fn watch(&mut self, session: SessionId, view: ReaderView) {
        self.now.0 += 1;
        let now = self.now;
        self.watchers.entry(view).or_default().entry(session).or_insert(now);
    }

    /// A session is no longer told.
    pub fn unwatch(&mut self, session: SessionId, view: ReaderView) {
        if let Some(sessions) = self.watchers.get_mut(&view) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.watchers.remove(&view);
            }
        }
        if self.watchers.is_empty() {
            self.open.clear();
            self.due.clear();
        }
    }

    /// Notes that somebody came.
    pub fn joined(&mut self, now: Instant, username: &Username) {
        if let Some(change) = self.change(now, username) {
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
        }
    }

    /// One share of somebody came or went.
    pub fn shared(&mut self, now: Instant, username: &Username, event: Notice) {
        if let Some(change) = self.change(now, username) {
            change.shares = if change.shares == Shares::AsBefore { Shares::One(event) } else { Shares::Many };
        }
    }

    /// Several shares of somebody came or went.
    pub fn shared_many(&mut self, now: Instant, username: &Username) {
        if let Some(change) = self.change(now, username) {
            change.shares = Shares::Many;
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
        for (view, sessions) in &self.watchers {
            tell_view(*view, sessions, &closed, roster, reading, effects);
        }
    }

    /// The user's open window; none if nobody watches.
    fn change(&mut self, now: Instant, username: &Username) -> Option<&mut Change> {
        if self.watchers.is_empty() {
            return None;
        }
        self.now.0 += 1;
        let folded = username.folded();
        if !self.open.contains_key(&folded) {
            let due = self.round_up(now + self.window);
            self.due.insert((due, folded.clone()));
            let change =
                Change { username: username.clone(), latest: self.now, presence: None, shares: Shares::AsBefore };
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
            change.write(roster.get_folded(folded), view, &mut lines);
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

impl Change {
    fn write(&self, online: Option<&Online>, view: ReaderView, lines: &mut BytesMut) {
        let mut line = |event: Notice| {
            write!(lines, "{event}").expect("a buffer in memory takes everything");
            lines.put_u8(b'\n');
        };
        let Some(online) = online else {
            if self.presence.is_some() {
                line(Notice::Left(self.username.clone()));
            }
            return;
        };
        if let Some(before) = &self.presence {
            // Without a key, the same name in another session may be somebody else.
            let is_same =
                |here: &Here| here.session == online.session || (online.key.is_some() && here.line.key == online.key);
            if before.here.as_ref().is_some_and(|here| !is_same(here)) {
                line(Notice::Left(self.username.clone()));
            }
            let is_as_before = before.here.as_ref().is_some_and(|here| here.line == online.line(ReaderView::SameHost));
            if before.was_away || !is_as_before {
                line(Notice::Joined(online.line(view)));
            }
        }
        match &self.shares {
            Shares::AsBefore => {}
            Shares::One(event) => line(event.clone()),
            Shares::Many => line(Notice::Changed(online.username.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::PublicKey;
    use crate::tracker::catalog::Catalog;

    struct Fixture {
        start: Instant,
        changes: Changes,
        roster: Roster,
        catalog: Catalog,
        sessions: u64,
    }

    fn name(text: &str) -> Username {
        Username::new(text).expect(text)
    }

    impl Fixture {
        fn new() -> Self {
            let start = Instant::now();
            let mut changes = Changes::new(start, Duration::from_millis(250));
            changes.watch(SessionId::new(1), ReaderView::SameHost);
            Self { start, changes, roster: Roster::default(), catalog: Catalog::new(), sessions: 1 }
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn come(&mut self, millis: u64, who: &str, key: u8) {
            self.changes.joined(self.at(millis), &name(who));
            let owner = self.catalog.add_owner(name(who));
            self.sessions += 1;
            self.roster.add(Online {
                session: SessionId::new(self.sessions),
                username: name(who),
                key: (key > 0).then(|| PublicKey::from_bytes([key; 32])),
                seen: [192, 0, 2, 1].into(),
                is_on_this_host: false,
                port: None,
                second: None,
                lan: Vec::new(),
                openness: Vec::new(),
                owner,
            });
        }

        fn go(&mut self, millis: u64, who: &str, shares: usize, is_taken_over: bool) {
            let online = self.roster.remove(&name(who)).expect("online");
            self.changes.left(self.at(millis), &online, shares, is_taken_over);
        }

        fn share(&mut self, millis: u64, who: &str, path: &str) {
            let path = crate::model::share_path::SharePath::new(path).expect(path);
            self.changes.shared(self.at(millis), &name(who), Notice::Unshared(name(who), path));
        }

        /// What each audience is told at a time.
        fn told(&mut self, millis: u64) -> Vec<(usize, String)> {
            let mut effects = Effects::default();
            let now = self.start + Duration::from_millis(millis);
            self.changes.tell(now, &self.roster, &mut Readers::new(1000), &mut effects);
            let told = effects.into_iter().map(|effect| match effect {
                Effect::Notify { to, bytes } => (to.len(), String::from_utf8(bytes.to_vec()).expect("text")),
                other => panic!("{other:?}"),
            });
            told.collect()
        }

        fn line(&mut self, millis: u64) -> String {
            self.told(millis).into_iter().map(|(_, text)| text).collect()
        }
    }

    #[test]
    fn one_change_is_told_as_it_is_and_many_as_one() {
        let mut f = Fixture::new();
        f.come(0, "anna", 0);
        f.share(10, "anna", "a");
        assert_eq!(f.line(249), "");
        assert_eq!(f.line(250), "* joined anna - -\n* unshared anna a\n");
        f.share(300, "anna", "a");
        assert_eq!(f.line(550), "* unshared anna a\n");
        f.share(1000, "anna", "a");
        f.share(1240, "anna", "b");
        assert_eq!(f.line(1250), "* changed anna\n");
        assert_eq!(f.line(9999), "");
        f.share(10_001, "anna", "a");
        assert_eq!(f.changes.next_deadline(), Some(f.at(10_300)), "rounded up to a step");
    }

    #[test]
    fn coming_and_going_is_told_as_it_can_have_been_seen() {
        let key = "07".repeat(32);
        for (first, second, taken_over, shares, expected) in [
            (7, 7, true, 0, String::new()),
            (7, 7, true, 3, "* changed anna\n".to_owned()),
            (7, 7, false, 0, format!("* joined anna - {key}\n")),
            (0, 0, false, 0, "* left anna\n* joined anna - -\n".to_owned()),
            (0, 7, true, 0, format!("* left anna\n* joined anna - {key}\n")),
            (0, 7, false, 0, format!("* left anna\n* joined anna - {key}\n")),
        ] {
            let mut f = Fixture::new();
            f.come(0, "anna", first);
            f.line(250);
            f.go(300, "anna", shares, taken_over);
            f.come(300, "anna", second);
            assert_eq!(f.line(600), expected, "{first} {second} {taken_over} {shares}");
        }
        let mut f = Fixture::new();
        f.come(0, "anna", 7);
        f.go(10, "anna", 1, false);
        assert_eq!(f.line(250), "* left anna\n");
    }

    #[test]
    fn notices_wait_for_the_end_of_a_list() {
        let mut readers = Readers::new(10);
        let (reader, other) = (SessionId::new(1), SessionId::new(2));
        readers.begin(reader);
        let notice = |text: &'static str| move || Bytes::from_static(text.as_bytes());
        assert!(!readers.hold(other, notice("x")) && !readers.is_reading(other));
        for text in ["* 345678\n", "* 345678\n", "*\n"] {
            assert!(readers.hold(reader, notice(text)));
        }
        assert_eq!(readers.end(reader), ["* 345678\n", "* resync\n"]);
        assert!(readers.end(reader).is_empty() && !readers.hold(reader, notice("x")));
    }

    #[test]
    fn a_watcher_is_told_what_changed_since() {
        let mut f = Fixture::new();
        f.come(0, "anna", 0);
        f.come(1, "ivan", 0);
        f.changes.watch(SessionId::new(2), ReaderView::SameHost);
        f.share(2, "anna", "a");
        let (anna, ivan) = ("* joined anna - -\n* unshared anna a\n", "* joined ivan - -\n");
        assert_eq!(f.told(300), [(1, format!("{ivan}{anna}")), (1, anna.to_owned())]);
        f.share(400, "anna", "a");
        assert_eq!(f.told(700), [(2, "* unshared anna a\n".to_owned())]);
        f.changes.unwatch(SessionId::new(1), ReaderView::SameHost);
        f.changes.unwatch(SessionId::new(2), ReaderView::SameHost);
        f.share(800, "anna", "a");
        assert_eq!(f.changes.next_deadline(), None, "nobody watches");
    }
}
