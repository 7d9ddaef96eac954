//! The machine: it owns every table, gives each session its turn, and ends those that are dead, hostile or shut out.
//! What the commands do is in [`super::handlers`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::model::binding::{BanTarget, Binding, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Cursor};
use crate::protocol::event::Event;
use crate::protocol::line::Fault;
use crate::tracker::budget::{Allowance, Budgets};
use crate::tracker::catalog::list::List;
use crate::tracker::catalog::{Catalog, OwnerId};
use crate::tracker::changes::Changes;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::handlers::files::SLICE_ITEMS;
use crate::tracker::handlers::{Answer, Asker, Outcome};
use crate::tracker::input::{Input, Opened, Order, Request, SessionId, Ticket};
use crate::tracker::names::Names;
use crate::tracker::roster::{Online, Roster};
use crate::tracker::session::{Job, Session, Turn};
use crate::tracker::settings::{TrackerSettings, is_line};

/// A tracker.
#[derive(Debug)]
pub struct Tracker {
    pub(super) settings: TrackerSettings,
    greeting: Bytes,
    pub(super) sessions: BTreeMap<SessionId, Box<Session>>,
    pub(super) names: Names,
    pub(super) roster: Roster,
    pub(super) catalog: Catalog,
    pub(super) changes: Changes,
    bans: BTreeSet<BanTarget>,
    pub(super) answers: Budgets,
    pub(super) new_names: Budgets,
    /// Sessions that have work and wait for their turn.
    queue: VecDeque<SessionId>,
    /// One entry a session, at or before its deadline.
    timers: BTreeSet<(Instant, SessionId)>,
    /// Sessions without a name; the moment may be earlier than when they were last heard.
    idle: BTreeSet<(Instant, SessionId)>,
    /// Those who have left and whose shares are still being forgotten. No list is begun meanwhile.
    leaving: VecDeque<OwnerId>,
    saves: BTreeMap<Ticket, PendingName>,
    last_ticket: u64,
    now: Instant,
}

/// A name on its way to the disk, and the sessions that want it.
#[derive(Debug)]
struct PendingName {
    folded: String,
    waiting: Vec<SessionId>,
}

/// What a tracker knew when it was last stopped.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Whose each name is.
    pub bindings: Vec<Binding>,
    /// Who is shut out, besides those in the settings.
    pub bans: Vec<BanTarget>,
}

/// How many sessions and users there are, and how much is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Sessions that are open.
    pub sessions: usize,
    /// Sessions that have a name.
    pub users: usize,
    /// Files that are announced.
    pub shares: usize,
    /// Names that are owned.
    pub names: usize,
}

/// Work of one session in its turn. One command is 1, costly ones more.
const WORK_PER_TURN: u32 = 256;
/// Work that is done for a session as soon as it asks. What is more waits for a turn: others with a short question must
/// not wait behind many who announce long lists.
const WORK_AT_ONCE: u32 = 80;
const WORK_OF_A_LIST: u32 = 64;
/// Users of more shares than this are forgotten in steps of it.
const FORGOTTEN_AT_ONCE: usize = 8 * 1024;
/// Bytes of answers that a session is sent before it has taken them.
const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// Answers up to here are joined into one write.
const COPIED_BYTES_MAX: usize = 4 * 1024;
const NAME_LAPSE_UNIT_SECONDS: u64 = 24 * 3600;

impl Tracker {
    /// A tracker without sessions. The settings have been checked; `unix_seconds` is the clock on the wall.
    pub fn new(now: Instant, settings: TrackerSettings, unix_seconds: u64, remembered: Remembered) -> Self {
        let lapses_after_seconds = settings.name_lapses_after_days.saturating_mul(NAME_LAPSE_UNIT_SECONDS);
        let answers = Allowance {
            burst: settings.unregistered_answer_bytes,
            per_second: settings.unregistered_answer_bytes_per_second,
        };
        let new_names = Allowance { burst: settings.new_names_per_address, per_second: 1 };
        let window = Duration::from_millis(settings.notice_window_milliseconds);
        Self {
            greeting: greeting(&settings),
            sessions: BTreeMap::new(),
            names: Names::new(lapses_after_seconds, unix_seconds, remembered.bindings),
            roster: Roster::default(),
            catalog: Catalog::new(),
            changes: Changes::new(now, window),
            bans: settings.bans.iter().copied().chain(remembered.bans).collect(),
            answers: Budgets::new(answers),
            new_names: Budgets::new(new_names),
            queue: VecDeque::new(),
            timers: BTreeSet::new(),
            idle: BTreeSet::new(),
            leaving: VecDeque::new(),
            saves: BTreeMap::new(),
            last_ticket: 0,
            now,
            settings,
        }
    }

    /// Something happened. What follows from it is to be carried out before the next input.
    pub fn apply(&mut self, now: Instant, from: SessionId, input: Input) -> Effects {
        self.now = now;
        let mut effects = Effects::default();
        match input {
            Input::Opened(opened) => self.open(now, from, opened, &mut effects),
            Input::Requests(requests) => self.take_requests(now, from, requests, &mut effects),
            Input::Drained => {
                let Some(session) = self.sessions.get_mut(&from) else { return effects };
                session.unsent_bytes = 0;
                session.heard_at = now;
                self.go_on(now, from, Turn::Draining, &mut effects);
            }
            Input::Closed => self.forget(now, from),
            Input::Stored { ticket, done } => self.stored(now, ticket, done, &mut effects),
            Input::WallClock(unix_seconds) => self.set_clock(unix_seconds, &mut effects),
            Input::Owner(order) => self.obey(now, order, &mut effects),
            Input::Stopping => {
                let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
                for id in sessions {
                    self.close(now, id, Some("the tracker stops"), &mut effects);
                }
            }
        }
        effects
    }

    /// Time has passed: tells watchers, ends dead sessions, gives turns.
    pub fn tick(&mut self, now: Instant) -> Effects {
        self.now = now;
        let mut effects = Effects::default();
        self.changes.tell(now, &self.roster, &mut effects);
        self.end_silent_sessions(now, &mut effects);
        self.forget_some_shares();
        if let Some(session) = self.queue.pop_front() {
            self.go_on(now, session, Turn::Queued, &mut effects);
        }
        effects
    }

    /// When [`Self::tick`] must be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.queue.is_empty() || !self.leaving.is_empty() {
            return Some(self.now);
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        timer.into_iter().chain(self.changes.next_deadline()).min()
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        Counts {
            sessions: self.sessions.len(),
            users: self.roster.len(),
            shares: self.catalog.len(),
            names: self.names.len(),
        }
    }

    /// Everybody who is here.
    pub fn users(&self) -> impl Iterator<Item = &Online> {
        self.roster.iter()
    }

    fn open(&mut self, now: Instant, id: SessionId, opened: Opened, effects: &mut Effects) {
        effects.answer(id).extend_from_slice(&self.greeting);
        let session = Box::new(Session::new(opened, now, &self.settings));
        if self.is_banned(session.key, session.peer.ip()) {
            let refusal = Refusal::new(Code::Banned, "the owner of this tracker has shut you out");
            write_refusal(effects.answer(id), &refusal);
            effects.push(Effect::Close(id));
            return;
        }
        self.timers.insert((session.timer, id));
        self.sessions.insert(id, session);
        self.is_without_name(now, id);
        while self.idle.len() > self.settings.unregistered_sessions {
            self.close_longest_idle(now, effects);
        }
    }

    fn is_banned(&self, key: Option<PublicKey>, address: IpAddr) -> bool {
        let key_is_banned = key.is_some_and(|key| self.bans.contains(&BanTarget::Key(key)));
        key_is_banned || self.bans.contains(&BanTarget::Address(address))
    }

    fn take_requests(&mut self, now: Instant, id: SessionId, requests: Vec<Request>, effects: &mut Effects) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if requests.iter().any(|r| matches!(r, Request::Command(_) | Request::Refused { .. })) {
            session.heard_at = now;
            if session.first_command_by.take().is_some() {
                let deadline = session.deadline(&self.settings);
                let timer = std::mem::replace(&mut session.timer, deadline);
                self.timers.remove(&(timer, id));
                self.timers.insert((deadline, id));
            }
        }
        if session.waiting.is_empty() {
            session.waiting = requests.into();
        } else {
            session.waiting.extend(requests);
        }
        self.go_on(now, id, Turn::Idle, effects);
    }

    /// Works on a session's lines if what it waited for was `waited_for`.
    fn go_on(&mut self, now: Instant, id: SessionId, waited_for: Turn, effects: &mut Effects) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.turn == waited_for) {
            session.turn = Turn::Idle;
            self.work(now, id, if waited_for == Turn::Queued { WORK_PER_TURN } else { WORK_AT_ONCE }, effects);
        }
    }

    fn work(&mut self, now: Instant, id: SessionId, mut work_left: u32, effects: &mut Effects) {
        while let Some(session) = self.sessions.get_mut(&id).filter(|session| session.turn == Turn::Idle) {
            if session.unsent_bytes > UNSENT_BYTES_MAX {
                session.turn = Turn::Draining;
                effects.push(Effect::TellDrained(id));
                return;
            }
            let next = session.waiting.front();
            let work = match &session.job {
                Some(_) => WORK_OF_A_LIST,
                None => next.map_or(0, work_of),
            };
            let must_wait = session.job.is_none() && !self.leaving.is_empty() && next.is_some_and(is_list);
            if work > work_left || must_wait {
                session.turn = Turn::Queued;
                self.queue.push_back(id);
                return;
            }
            work_left -= work;
            if let Some(job) = session.job.take() {
                self.go_on_with(now, id, job, effects);
            } else if let Some(request) = session.waiting.pop_front() {
                self.handle(now, id, request, effects);
            } else {
                // An idle session keeps no room for lines.
                session.waiting = VecDeque::new();
                effects.push(Effect::Ready(id));
                return;
            }
        }
    }

    fn go_on_with(&mut self, now: Instant, id: SessionId, mut job: Box<Job>, effects: &mut Effects) {
        let Some(asker) = self.asker(now, id) else { return };
        let outcome = match &mut *job {
            Job::List { list, is_begun } => {
                self.send_piece(&asker, list, is_begun, effects).then_some(Ok(Answer::Sent))
            }
            Job::Announce(announcing) => self.announce_slice(now, announcing),
            Job::Withdraw(withdrawing) => self.withdraw_slice(now, withdrawing),
        };
        match (outcome, self.sessions.get_mut(&id)) {
            (Some(outcome), _) => self.answer(&asker, outcome, effects),
            (None, Some(session)) => session.job = Some(job),
            (None, None) => {}
        }
    }

    fn handle(&mut self, now: Instant, id: SessionId, request: Request, effects: &mut Effects) {
        let Some(asker) = self.asker(now, id) else { return };
        let outcome = match request {
            Request::End => return self.close(now, id, None, effects),
            Request::Fault(fault) => return self.handle_fault(now, id, fault, effects),
            Request::Refused { refusal, named } => {
                let named = named.map_or(Ok(()), |named| asker.own(&named).map(|_own| ()));
                Err(named.err().unwrap_or(refusal))
            }
            Request::Command(command) => self.carry_out(&asker, command, effects),
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.faulty_lines = 0;
        }
        self.answer(&asker, outcome, effects);
    }

    fn asker(&self, now: Instant, id: SessionId) -> Option<Asker> {
        let session = self.sessions.get(&id)?;
        Some(Asker {
            now,
            session: id,
            key: session.key,
            address: session.peer.ip(),
            view: session.view,
            user: session.user.clone(),
        })
    }

    fn answer(&mut self, asker: &Asker, outcome: Outcome, effects: &mut Effects) {
        let id = asker.session;
        match outcome {
            Err(refusal) => self.write(id, effects, |out| write_refusal(out, &refusal)),
            Ok(Answer::Done) => self.write(id, effects, |out| out.extend_from_slice(b"OK 0\n")),
            Ok(Answer::Bye) => {
                self.write(id, effects, |out| out.extend_from_slice(b"OK 0 bye\n"));
                self.close(asker.now, id, None, effects);
            }
            Ok(Answer::Lines { lines, bytes, more }) => {
                self.charge(asker, bytes.len());
                let is_copied = bytes.len() <= COPIED_BYTES_MAX;
                self.write(id, effects, |out| {
                    write_head(out, lines, more.as_ref());
                    out.extend_from_slice(if is_copied { &bytes } else { &[] });
                });
                if let Some(session) = self.sessions.get_mut(&id).filter(|_| !is_copied) {
                    session.unsent_bytes += bytes.len();
                    effects.send(id, bytes);
                }
            }
            Ok(Answer::Job(job)) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.job = Some(job);
                }
            }
            Ok(Answer::Later(ticket, command)) => self.wait_for(id, ticket, command),
            Ok(Answer::Sent) => {}
        }
    }

    /// Sends the next piece of a list; `true` at its end.
    fn send_piece(&mut self, asker: &Asker, list: &mut List, is_begun: &mut bool, effects: &mut Effects) -> bool {
        if !list.is_ready() && !self.catalog.gather(list) {
            return false;
        }
        let Some(session) = self.sessions.get_mut(&asker.session) else { return true };
        let out = effects.answer(asker.session);
        let before = out.len();
        if !std::mem::replace(is_begun, true) {
            write_head(out, usize::try_from(list.lines()).unwrap_or(usize::MAX), list.more());
        }
        let room = UNSENT_BYTES_MAX.saturating_sub(session.unsent_bytes);
        let is_done = self.catalog.write_lines(list, out, room);
        let written = out.len() - before;
        // One byte more than the bound: a list that is not at its end waits until this piece has left.
        session.unsent_bytes += if is_done { written } else { written.max(room + 1) };
        self.charge(asker, written);
        is_done
    }

    fn handle_fault(&mut self, now: Instant, id: SessionId, fault: Fault, effects: &mut Effects) {
        let code = match fault {
            Fault::Http => return self.close(now, id, None, effects),
            Fault::TooLong => Code::TooLong,
            Fault::NotUtf8 | Fault::Control => Code::Usage,
        };
        self.write(id, effects, |out| write_refusal(out, &Refusal::new(code, fault)));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.faulty_lines += 1;
        if fault == Fault::TooLong {
            self.close(now, id, None, effects);
        } else if session.faulty_lines >= self.settings.faulty_lines {
            self.close(now, id, Some("too many lines that are not text"), effects);
        }
    }

    /// Keeps a command until its record is on disk.
    fn wait_for(&mut self, id: SessionId, ticket: Ticket, command: Command) {
        if let (Some(session), Some(save)) = (self.sessions.get_mut(&id), self.saves.get_mut(&ticket)) {
            session.waiting.push_front(Request::Command(command));
            session.turn = Turn::Saving(ticket);
            save.waiting.push(id);
        }
    }

    fn stored(&mut self, now: Instant, ticket: Ticket, done: bool, effects: &mut Effects) {
        let Some(save) = self.saves.remove(&ticket) else { return };
        self.names.stored(&save.folded, ticket, done);
        for id in save.waiting {
            let waits = |session: &&mut Box<Session>| session.turn == Turn::Saving(ticket);
            let Some(session) = self.sessions.get_mut(&id).filter(waits) else { continue };
            if !done {
                session.waiting.pop_front();
                let refusal = Refusal::new(Code::Internal, "the tracker could not write the name down; try again");
                self.write(id, effects, |out| write_refusal(out, &refusal));
            }
            self.go_on(now, id, Turn::Saving(ticket), effects);
        }
    }

    /// Starts writing a new name down.
    pub(super) fn save_name(&mut self, name: &Username, key: PublicKey, effects: &mut Effects) -> Ticket {
        let ticket = self.next_ticket();
        let binding = self.names.bind(name, key, ticket);
        self.saves.insert(ticket, PendingName { folded: name.folded(), waiting: Vec::new() });
        effects.push(Effect::Save { ticket, record: Record::Bound(binding) });
        ticket
    }

    /// Writes something down that nobody waits for.
    pub(super) fn save(&mut self, record: Record, effects: &mut Effects) {
        let ticket = self.next_ticket();
        effects.push(Effect::Save { ticket, record });
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    fn set_clock(&mut self, unix_seconds: u64, effects: &mut Effects) {
        self.names.set_clock(unix_seconds);
        let used: Vec<Binding> = {
            let owners = self.roster.iter().filter(|online| online.key.is_some());
            owners.filter_map(|online| self.names.used(&online.username)).collect()
        };
        for binding in used {
            self.save(Record::Bound(binding), effects);
        }
    }

    fn obey(&mut self, now: Instant, order: Order, effects: &mut Effects) {
        match order {
            Order::Kick(username) => {
                if let Some(session) = self.roster.get(&username).map(|online| online.session) {
                    self.close(now, session, Some("the owner of this tracker has ended this session"), effects);
                }
            }
            Order::Ban(target) => {
                self.bans.insert(target);
                self.save(Record::Banned(target), effects);
                let banned = self.sessions.iter().filter(|(_, s)| self.is_banned(s.key, s.peer.ip()));
                let banned: Vec<SessionId> = banned.map(|(id, _)| *id).collect();
                for id in banned {
                    self.close(now, id, Some("the owner of this tracker has shut you out"), effects);
                }
            }
            Order::Unban(target) => {
                self.bans.remove(&target);
                self.save(Record::Unbanned(target), effects);
            }
            Order::Release(username) => {
                let folded = username.folded();
                if let Some(session) = self.roster.get(&username).filter(|online| online.key.is_some()) {
                    self.close(now, session.session, Some("the owner of this tracker has freed the name"), effects);
                }
                if self.names.release(&folded) {
                    self.save(Record::Released { folded }, effects);
                }
            }
            Order::SetMessageOfTheDay(lines) => {
                self.settings.message_of_the_day = lines.into_iter().filter(|line| is_line(line)).collect();
                self.greeting = greeting(&self.settings);
            }
        }
    }

    fn end_silent_sessions(&mut self, now: Instant, effects: &mut Effects) {
        while let Some((at, id)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, id));
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let deadline = session.deadline(&self.settings);
            if deadline > now {
                session.timer = deadline;
                self.timers.insert((deadline, id));
            } else {
                self.close(now, id, Some("nothing was heard for too long"), effects);
            }
        }
    }

    fn close_longest_idle(&mut self, now: Instant, effects: &mut Effects) {
        let Some((since, id)) = self.idle.pop_first() else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.heard_at > since {
            session.idle_since = Some(session.heard_at);
            self.idle.insert((session.heard_at, id));
        } else {
            self.close(now, id, Some("others need the room; register a name to stay"), effects);
        }
    }

    pub(super) fn is_without_name(&mut self, now: Instant, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.idle_since = Some(now);
            self.idle.insert((now, id));
        }
    }

    pub(super) fn has_name(&mut self, id: SessionId) {
        if let Some(since) = self.sessions.get_mut(&id).and_then(|session| session.idle_since.take()) {
            self.idle.remove(&(since, id));
        }
    }

    /// Says why, sends what is left, and forgets the session.
    pub(super) fn close(&mut self, now: Instant, id: SessionId, reason: Option<&str>, effects: &mut Effects) {
        if let Some(reason) = reason {
            self.notify(id, &Event::Closing(reason.to_owned()), effects);
        }
        self.forget(now, id);
        effects.push(Effect::Close(id));
    }

    fn forget(&mut self, now: Instant, id: SessionId) {
        self.remove_user(now, id, false);
        self.has_name(id);
        let Some(session) = self.sessions.remove(&id) else { return };
        self.timers.remove(&(session.timer, id));
        if session.is_watching {
            self.changes.unwatch(id, session.view);
        }
    }

    /// Takes a session's user and shares away; the session stays.
    pub(super) fn remove_user(&mut self, now: Instant, id: SessionId, is_taken_over: bool) {
        let Some(user) = self.sessions.get_mut(&id).and_then(|session| session.user.take()) else { return };
        let shares = self.catalog.shares_of(user.owner);
        if shares <= FORGOTTEN_AT_ONCE {
            self.catalog.remove_owner(user.owner);
        } else {
            self.leaving.push_back(user.owner);
        }
        if let Some(online) = self.roster.remove(&user.username) {
            self.changes.went(now, &online, shares, is_taken_over);
        }
        self.is_without_name(now, id);
    }

    fn forget_some_shares(&mut self) {
        let Some(owner) = self.leaving.front().copied() else { return };
        self.catalog.clear_owner(owner, FORGOTTEN_AT_ONCE);
        if self.catalog.shares_of(owner) == 0 {
            self.catalog.remove_owner(owner);
            self.leaving.pop_front();
        }
    }

    /// Tells one session something that is never left out.
    pub(super) fn notify(&mut self, id: SessionId, event: &Event, effects: &mut Effects) {
        self.write(id, effects, |out| {
            writeln!(out, "{event}").expect("a buffer in memory takes everything");
        });
    }

    fn write(&mut self, id: SessionId, effects: &mut Effects, write: impl FnOnce(&mut BytesMut)) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let out = effects.answer(id);
        let before = out.len();
        write(out);
        session.unsent_bytes += out.len() - before;
    }

    /// Takes the size of a list from the allowance of sessions without a name.
    fn charge(&mut self, asker: &Asker, bytes: usize) {
        if asker.user.is_none() {
            self.answers.charge(asker.now, asker.address, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

/// How much of a turn a request takes, or its first slice.
fn work_of(request: &Request) -> u32 {
    let items = match request {
        Request::Command(Command::RegisterFiles { shares, .. }) => shares.len(),
        Request::Command(Command::UnregisterFiles { paths, .. }) => paths.len(),
        Request::Command(Command::ListUsers { .. } | Command::RegisterUser { .. }) => 32,
        request if is_list(request) => return WORK_OF_A_LIST,
        _ => 0,
    };
    1 + u32::try_from(items.min(SLICE_ITEMS) / 2).unwrap_or(0)
}

fn is_list(request: &Request) -> bool {
    matches!(request, Request::Command(Command::ListFiles { .. } | Command::Sources { .. } | Command::Search { .. }))
}

fn write_head(out: &mut BytesMut, lines: usize, more: Option<&Cursor>) {
    let written = match more {
        None => writeln!(out, "OK {lines}"),
        Some(more) => writeln!(out, "OK {lines} more={more}"),
    };
    written.expect("a buffer in memory takes everything");
}

fn write_refusal(out: &mut BytesMut, refusal: &Refusal) {
    writeln!(out, "ERR {} {}", refusal.code, refusal.text).expect("a buffer in memory takes everything");
}

fn greeting(settings: &TrackerSettings) -> Bytes {
    let mut lines = BytesMut::new();
    let hello = Event::Greeting { version: PROTOCOL_VERSION, network: settings.network_name.clone() };
    let motd = settings.message_of_the_day.iter().cloned().map(Event::MessageOfTheDay);
    for event in std::iter::once(hello).chain(motd) {
        writeln!(lines, "{event}").expect("a buffer in memory takes everything");
    }
    lines.freeze()
}

/// The version of the protocol between a client and a tracker.
const PROTOCOL_VERSION: u32 = 1;
