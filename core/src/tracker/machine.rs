//! The machine: it owns every table, opens sessions, and ends those that are dead, hostile or shut out. How lines are
//! worked off is in `turns`, what the commands do in `handlers`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::model::invite::NetworkAddress;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::notice::{Notice, Role};
use crate::protocol::sentence::Sentence;
use crate::tracker::bans::Bans;
use crate::tracker::budget::Budgets;
use crate::tracker::catalog::scan_workers::ScanWorkers;
use crate::tracker::changes::{Changes, Readers};
use crate::tracker::derived::{away_text, ban_text, greeting, lapse_seconds, ping_every_seconds, settings_bans};
use crate::tracker::doors::Doors;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::encounters::Encounters;
use crate::tracker::forwarded::ForwardedEncounters;
use crate::tracker::input::{Input, SessionId, SessionOpened, Ticket};
use crate::tracker::links::Linked;
use crate::tracker::log::LogEntry;
use crate::tracker::names::Names;
use crate::tracker::output::{write_notice, write_refusal};
use crate::tracker::overrides::Overrides;
use crate::tracker::pending_save::PendingSave;
use crate::tracker::quotas::Quotas;
use crate::tracker::relays::Relays;
use crate::tracker::remembered::Remembered;
use crate::tracker::roster::{Online, Roster};
use crate::tracker::sent_away::SentAway;
use crate::tracker::session::{SessionState, Turn};
use crate::tracker::settings::TrackerSettings;
use crate::tracker::shards::parted::{PartedCatalog, ShardCounts};
use crate::tracker::shares::TrackerShares;
use crate::tracker::tally::Tally;
use crate::tracker::tended::TendedCatalog;
use crate::tracker::trials::Trials;

/// The tracker as a pure machine: inputs in, effects out.
#[derive(Debug)]
pub struct Tracker {
    /// What counts: the configuration with what owners have ordered over it.
    pub(super) settings: Arc<TrackerSettings>,
    pub(super) configured: TrackerSettings,
    pub(super) overrides: Overrides,
    pub(super) greeting: Bytes,
    pub(super) sessions: BTreeMap<SessionId, Box<SessionState>>,
    sessions_with_key: usize,
    pub(super) names: Names,
    pub(super) roster: Roster,
    pub(super) shares: TrackerShares,
    pub(super) changes: Changes,
    pub(super) readers: Readers,
    pub(super) bans: Bans,
    pub(super) doors: Doors,
    pub(super) encounters: Encounters,
    pub(super) forwarded: ForwardedEncounters,
    pub(super) trials: Trials,
    pub(super) relays: Relays,
    pub(super) sent_away: SentAway,
    pub(super) answers: Budgets,
    pub(super) new_names: Budgets,
    pub(super) quotas: Quotas,
    /// Sessions that have work and wait for their turn.
    pub(super) queue: VecDeque<SessionId>,
    /// One entry a session, at or before its deadline.
    pub(super) timers: BTreeSet<(Instant, SessionId)>,
    /// Sessions without a name; the moment may be earlier than when they were last heard.
    idle: BTreeSet<(Instant, SessionId)>,
    pub(super) saves: BTreeMap<Ticket, PendingSave>,
    /// The order of an owner's that is on its way to the disk: the next one is judged by what it leaves.
    pub(super) ordering: Option<Ticket>,
    /// Who waits for other trackers' answers.
    pub(super) gatherings: BTreeMap<Ticket, SessionId>,
    /// When what is remembered was last known to be as the shared ledger is, if there is one.
    pub(super) replica_at: Option<Instant>,
    /// Who waits for the configuration to be read.
    pub(super) reloads: BTreeMap<Ticket, SessionId>,
    pub(super) last_ticket: u64,
    pub(super) tally: Tally,
    /// If it is one of several trackers.
    pub(super) linked: Option<Box<Linked>>,
    /// Where the network is met, if it is one of several trackers.
    pub(super) addresses: Option<NetworkAddress>,
    /// What the clock on the wall said when it was looked at last, in seconds since 1970, and when that was.
    pub(super) wall_clock: (u64, Instant),
    /// When this start was.
    began: Instant,
    /// What happened since the last effects.
    pub(super) log: Vec<LogEntry>,
    now: Instant,
}

/// Who a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameHolder {
    /// The key that proved it, or owns it.
    pub key: Option<PublicKey>,
    /// Where they are, if they are here.
    pub address: Option<IpAddr>,
}

/// How many sessions and users there are, and how much is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackerCounts {
    /// Sessions that are open.
    pub sessions: usize,
    /// Sessions that have a name.
    pub users: usize,
    /// Files that are announced.
    pub shares: usize,
    /// Names that are owned.
    pub names: usize,
}

impl Tracker {
    /// A tracker without sessions. The settings have been checked; `unix_seconds` is the clock on the wall.
    pub fn new(now: Instant, settings: TrackerSettings, unix_seconds: u64, remembered: Remembered) -> Self {
        let run_seconds = remembered.run_seconds(unix_seconds);
        let (configured, overrides) = (settings, Overrides::new(remembered.ordered));
        let settings = overrides.in_force(&configured);
        let window = Duration::from_millis(settings.notice_window_milliseconds);
        Self {
            greeting: greeting(&settings),
            sessions: BTreeMap::new(),
            sessions_with_key: 0,
            names: Names::new(lapse_seconds(&settings), run_seconds, remembered.bindings),
            roster: Roster::default(),
            shares: TrackerShares::Here(TendedCatalog::new(now)),
            changes: Changes::new(now, window),
            readers: Readers::new(settings.send_queue_bytes),
            sent_away: SentAway::default(),
            bans: Bans::new(settings_bans(&settings).chain(remembered.bans)),
            doors: Doors::new(remembered.invites, remembered.waiting, remembered.last_invite),
            encounters: Encounters::default(),
            forwarded: ForwardedEncounters::default(),
            trials: Trials::default(),
            relays: Relays::new(settings.relay_limits()),
            answers: Budgets::new(settings.answer_allowance()),
            new_names: Budgets::new(settings.name_allowance()),
            quotas: Quotas::default(),
            queue: VecDeque::new(),
            timers: BTreeSet::new(),
            idle: BTreeSet::new(),
            saves: BTreeMap::new(),
            ordering: None,
            gatherings: BTreeMap::new(),
            replica_at: None,
            reloads: BTreeMap::new(),
            last_ticket: 0,
            tally: Tally::default(),
            linked: None,
            addresses: None,
            wall_clock: (unix_seconds, now),
            began: now,
            log: Vec::new(),
            now,
            settings: Arc::new(settings),
            configured,
            overrides,
        }
    }

    /// Has long scans of the catalog shared with these workers from now on. It changes how long they take, not what they
    /// find.
    pub fn set_scan_workers(&mut self, workers: Arc<dyn ScanWorkers>) {
        if let TrackerShares::Here(tended) = &mut self.shares {
            tended.catalog.set_workers(workers);
        }
    }

    /// Has the catalog kept by so many shards, at least one, before anybody is here: it is asked by
    /// [`Effect::AskShard`] from now on. In which of them a name is nobody can tell who does not know the key.
    pub fn part_catalog(&mut self, shards: usize, key: [u8; 32]) {
        debug_assert!(self.roster.is_empty(), "nobody's shares would be moved");
        self.shares = TrackerShares::Parted(PartedCatalog::new(shards.max(1), key));
    }

    /// Has users meet from now on (`connect`), and owners invite: tickets and tokens are made of these bytes, which nobody
    /// else may know.
    pub fn set_ticket_secret(&mut self, secret: [u8; 32]) {
        self.encounters.set_secret(secret);
        self.doors.set_secret(blake3::derive_key("potok invite tokens 1", &secret));
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
            Input::Claimed { ticket, fate } => self.settle(now, ticket, fate, &mut effects),
            Input::Learned(learned) => self.learn(now, learned, &mut effects),
            Input::Tried { trial, result } => self.end_trial(trial, result, &mut effects),
            Input::RelayPassed { relay, bytes } => self.relay_passed(now, relay, bytes, &mut effects),
            Input::RelayEnded(relay) => self.relays.ended(relay),
            Input::Clock(clock) => self.set_clock(now, clock, &mut effects),
            Input::Configured { ticket, read } => self.configure(now, ticket, read, &mut effects),
            Input::Owner(order) => self.obey(now, order, &mut effects),
            Input::Answered { ticket, answers } => self.take_answers(now, ticket, answers, &mut effects),
            Input::ShardAnswered { shard, answer } => self.take_shard_answer(now, shard, answer, &mut effects),
            Input::Addresses(addresses) => self.set_addresses(addresses, &mut effects),
            Input::Mesh(input) => self.hear_mesh(now, input),
            Input::Stopping => {
                let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
                for id in sessions {
                    self.close(now, id, Some(&Sentence::TrackerStops.to_string()), &mut effects);
                }
            }
        }
        self.follow_mesh(now, &mut effects);
        self.ask_shards(&mut effects);
        self.tell_owner(&mut effects);
        effects
    }

    /// Time has passed: tells watchers, ends dead sessions, gives turns.
    pub fn tick(&mut self, now: Instant) -> Effects {
        self.now = now;
        let mut effects = Effects::default();
        self.changes.tell(now, &self.roster, &mut self.readers, &mut effects);
        self.end_silent_sessions(now, &mut effects);
        self.end_waiting_probes(now, &mut effects);
        self.shares.tick(now);
        if let Some(session) = self.queue.pop_front() {
            self.go_on(now, session, Turn::Queued, &mut effects);
        }
        self.tick_mesh(now, &mut effects);
        self.ask_shards(&mut effects);
        self.tell_owner(&mut effects);
        effects
    }

    /// When [`Self::tick`] must be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.queue.is_empty() || self.shares.is_forgetting() {
            return Some(self.now);
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        let probes = self.encounters.next_deadline();
        let links = self.mesh().and_then(|mesh| mesh.next_deadline());
        timer
            .into_iter()
            .chain(links)
            .chain(probes)
            .chain(self.changes.next_deadline())
            .chain(self.shares.next_deadline())
            .min()
    }

    /// What the network is called, if programs in the local network are to find it by themselves.
    pub fn discoverable_name(&self) -> Option<&str> {
        self.settings.local_discovery.then_some(self.settings.network_name.as_str())
    }

    /// How much there is.
    pub fn counts(&self) -> TrackerCounts {
        TrackerCounts {
            sessions: self.sessions.len(),
            users: self.roster.len(),
            shares: self.shares.len(),
            names: self.names.len(),
        }
    }

    /// Sessions with a key, users with a key, and sessions that wait for their turn.
    pub fn by_kind(&self) -> (u64, u64, u64) {
        (self.sessions_with_key as u64, self.roster.with_key() as u64, self.queue.len() as u64)
    }

    /// What is in each shard, if the catalog is parted.
    pub fn shards(&self) -> &[ShardCounts] {
        match &self.shares {
            TrackerShares::Here(_) => &[],
            TrackerShares::Parted(parted) => parted.counts(),
        }
    }

    /// How long it has run since this start.
    pub(super) fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// What its own clock said last, in seconds.
    pub fn run_seconds(&self) -> u64 {
        self.names.clock()
    }

    /// Everybody who is shut out.
    pub fn bans(&self) -> &Bans {
        &self.bans
    }

    /// Whom a name stands for, if anybody.
    pub fn known(&self, username: &Username) -> Option<NameHolder> {
        match self.roster.get(username) {
            Some(online) => Some(NameHolder { key: online.key, address: Some(online.seen) }),
            None => self.names.owner(username).map(|key| NameHolder { key: Some(key), address: None }),
        }
    }

    /// Everybody who is here.
    pub fn users(&self) -> impl Iterator<Item = &Online> {
        self.roster.iter()
    }

    fn open(&mut self, now: Instant, id: SessionId, opened: SessionOpened, effects: &mut Effects) {
        effects.answer(id).extend_from_slice(&self.greeting);
        let session = Box::new(SessionState::new(opened, now, &self.settings));
        let address = session.peer.ip();
        if let Some(refusal) = self.shut_out(now, session.key, address) {
            write_refusal(effects.answer(id), &refusal);
            self.note_refusal(address, &refusal);
            effects.push(Effect::Close(id));
            return;
        }
        if session.is_owner {
            write_notice(effects.answer(id), &Notice::Role(Role::Owner));
        }
        if self.is_sharing() && session.key.is_some() && !session.is_tracker {
            let seconds = ping_every_seconds(self.sessions.len());
            write_notice(effects.answer(id), &Notice::Ping { seconds });
        }
        self.timers.insert((session.timer, id));
        self.sessions_with_key += usize::from(session.key.is_some());
        self.sessions.insert(id, session);
        self.start_idling(now, id);
        while self.idle.len() > self.settings.unregistered_sessions {
            self.close_longest_idle(now, effects);
        }
    }

    /// Why a connection is not let in, if it is not.
    fn shut_out(&self, now: Instant, key: Option<PublicKey>, address: IpAddr) -> Option<Refusal> {
        // Nobody keeps an owner out, by whatever prefix.
        if key.is_some_and(|key| self.settings.owners.contains(&key)) {
            return None;
        }
        let unix_seconds = self.unix_seconds(now);
        let banned = self.bans.connection(unix_seconds, key, address).map(|ban| ban_text(ban, unix_seconds));
        let away = || self.sent_away.connection(now, key, address).map(|away| away_text(now, away));
        banned.or_else(away).map(|told| Refusal::new(Code::Banned, told))
    }

    /// What the clock on the wall says now, in seconds since 1970, as far as it has run on evenly since it was looked at.
    pub(super) fn unix_seconds(&self, now: Instant) -> u64 {
        let (seconds, at) = self.wall_clock;
        seconds.saturating_add(now.saturating_duration_since(at).as_secs())
    }

    /// Invites, and who waits to be let in.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// What was asked and answered so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What owners have set by commands.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The settings that count now.
    pub fn settings(&self) -> &Arc<TrackerSettings> {
        &self.settings
    }

    /// Who was sent away for a while.
    pub fn sent_away(&self) -> &SentAway {
        &self.sent_away
    }

    pub(super) fn note_refusal(&mut self, address: IpAddr, refusal: &Refusal) {
        self.log.push(LogEntry::Refused { address, code: refusal.code, text: refusal.text.clone() });
    }

    fn tell_owner(&mut self, effects: &mut Effects) {
        self.log.drain(..).for_each(|entry| effects.push(Effect::Log(entry)));
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
                self.close(now, id, Some(&Sentence::SilentTooLong.to_string()), effects);
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
            self.close(now, id, Some(&Sentence::RoomNeeded.to_string()), effects);
        }
    }

    /// Counts a session among those without a name, which go first when others need the room.
    pub(super) fn start_idling(&mut self, now: Instant, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| !session.is_tracker) {
            session.idle_since = Some(now);
            self.idle.insert((now, id));
        }
    }

    /// Counts a session no longer among those without a name.
    pub(super) fn stop_idling(&mut self, id: SessionId) {
        if let Some(since) = self.sessions.get_mut(&id).and_then(|session| session.idle_since.take()) {
            self.idle.remove(&(since, id));
        }
    }

    /// Says why, sends what is left, and forgets the session.
    pub(super) fn close(&mut self, now: Instant, id: SessionId, reason: Option<&str>, effects: &mut Effects) {
        // In the middle of a list it would be taken for a line of it.
        if let Some(reason) = reason.filter(|_| !self.readers.is_reading(id)) {
            let event = Notice::Closing(reason.to_owned());
            self.write(id, effects, |out| write_notice(out, &event));
        }
        self.forget(now, id);
        effects.push(Effect::Close(id));
    }

    pub(super) fn forget(&mut self, now: Instant, id: SessionId) {
        self.remove_user(now, id, false);
        self.stop_idling(id);
        let Some(session) = self.sessions.remove(&id) else { return };
        self.stop_asking(session.job.as_deref());
        self.sessions_with_key -= usize::from(session.key.is_some());
        self.timers.remove(&(session.timer, id));
        self.readers.end(id);
        if session.is_watching {
            self.changes.unwatch(id, session.view);
        }
    }

    /// Takes a session's user and shares away; the session stays.
    pub(super) fn remove_user(&mut self, now: Instant, id: SessionId, is_taken_over: bool) {
        let Some(user) = self.sessions.get_mut(&id).and_then(|session| session.user.take()) else { return };
        let shares = self.shares.taken_by(user.owner).shares;
        self.quotas.leave(user.owner);
        self.shares.forget(user.owner);
        if let Some(online) = self.roster.remove(&user.username) {
            if !is_taken_over {
                self.log.push(LogEntry::Left { user: user.username.clone() });
            }
            self.changes.left(now, &online, shares, is_taken_over);
            self.tell_mesh(|mesh, wanted| mesh.left(&online.username, wanted));
        }
        self.stop_telling_strangers(Some(id));
        self.start_idling(now, id);
    }
}
