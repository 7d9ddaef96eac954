//! Plays one script.

mod shell;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use potok_core::protocol::line::{Flavor, LineDecoder};
use potok_core::protocol::trial::TrialResult;
use potok_core::tracker::input::{Clock, Input, SessionId, SessionOpened, SessionRequest, TrialId};
use potok_core::tracker::machine::Tracker;
use potok_core::tracker::relays::RelayId;
use potok_core::tracker::settings::TrackerSettings;
use potok_core::tracker::shards::ask::ShardAsk;
use potok_core::tracker::shards::shard::Shard;

use crate::disk::Disk;
use crate::orders::order;
use crate::settings::set;
use crate::words::{fits, key_of, take_key, unescape};

const DAY_SECONDS: u64 = 24 * 3600;

/// Plays it with the catalog in so many shards; none: in one piece.
pub(crate) fn play(script: &Path, shards: usize) -> Result<(), String> {
    let text = std::fs::read_to_string(script).map_err(|e| format!("{}: {e}", script.display()))?;
    let mut player = Player::new(shards);
    for (number, line) in (1..).zip(text.lines()) {
        let step = line.trim_end();
        if step.is_empty() || step.starts_with('#') {
            continue;
        }
        player.step(step).map_err(|why| format!("{}:{number}: {step}\n    {why}", script.display()))?;
    }
    player.nothing_is_left_over().map_err(|why| format!("{}: at the end: {why}", script.display()))
}

struct Player {
    start: Instant,
    now: Instant,
    unix_seconds: u64,
    settings: TrackerSettings,
    tracker: Option<Tracker>,
    shards: Vec<Shard>,
    /// What they are asked and have not taken.
    asked: VecDeque<(usize, ShardAsk)>,
    sessions: BTreeMap<SessionId, Session>,
    by_name: BTreeMap<String, SessionId>,
    disk: Disk,
    words: BTreeMap<String, String>,
    /// Whom the tracker dials.
    trials: VecDeque<(SocketAddr, TrialId)>,
    /// The relay that was begun last.
    relay: Option<RelayId>,
    /// What the owner was told and has not read.
    log: VecDeque<String>,
    /// What reading the configuration anew comes to.
    configuration: Option<Result<TrackerSettings, String>>,
}

struct Session {
    name: String,
    decoder: LineDecoder,
    received: VecDeque<String>,
    is_ready: bool,
    to_send: VecDeque<Vec<SessionRequest>>,
    is_stalled: bool,
    owes_drained: bool,
    is_closed: bool,
}

impl Player {
    fn new(shards: usize) -> Self {
        let start = Instant::now();
        Self {
            shards: (0..shards).map(|_| Shard::new(start)).collect(),
            asked: VecDeque::new(),
            start,
            now: start,
            unix_seconds: 1_800_000_000,
            settings: TrackerSettings::default(),
            tracker: None,
            sessions: BTreeMap::new(),
            by_name: BTreeMap::new(),
            disk: Disk::default(),
            words: BTreeMap::new(),
            trials: VecDeque::new(),
            relay: None,
            log: VecDeque::new(),
            configuration: None,
        }
    }

    fn step(&mut self, step: &str) -> Result<(), String> {
        let (first, rest) = step.split_once(' ').unwrap_or((step, ""));
        if let Some(name) = first.strip_suffix('<') {
            return self.expect(name, rest);
        }
        if let Some(count) = rest.strip_prefix("skips ") {
            return self.skip(first, count);
        }
        self.nothing_is_left_over()?;
        if let Some(count) = rest.strip_prefix("announces ") {
            return self.announce(first, count.parse().map_err(|_bad| "a number")?);
        }
        if let Some(name) = first.strip_suffix(">>") {
            return self.send(name, &unescape(&self.fill_in(rest)));
        }
        if let Some(name) = first.strip_suffix('>') {
            let line = self.fill_in(rest);
            return self.send(name, format!("{line}\n").as_bytes());
        }
        match (first, rest) {
            ("connect", rest) => self.connect(rest),
            ("wait", rest) => self.wait(rest),
            ("clock", rest) => self.jump(rest.strip_prefix("jumps ").ok_or("clock jumps DAYSd")?),
            ("configuration", rest) => {
                self.configuration = Some(match rest.strip_prefix("fails ") {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(self.configured(rest)?),
                });
                Ok(())
            }
            ("signal", "hup") => {
                let read = self.read_configuration();
                self.apply(SessionId::NONE, Input::Configured { ticket: None, read });
                Ok(())
            }
            ("disk", "waits") => {
                self.disk.waits = true;
                Ok(())
            }
            ("disk", "writes") => self.disk_answers(true),
            ("disk", "fails") => self.disk_answers(false),
            ("owner", rest) if rest.starts_with("reads ") => self.read_log(&rest["reads ".len()..]),
            ("owner", order) => self.order(order),
            ("restart", "") => {
                self.sessions.clear();
                self.by_name.clear();
                self.tracker = None;
                self.shards.iter_mut().for_each(|shard| *shard = Shard::new(self.now));
                self.asked.clear();
                Ok(())
            }
            ("trial", rest) => self.end_trial(rest),
            ("set", rest) => set(&mut self.settings, rest),
            ("relay", what) => self.relay(what),
            (name, what) => self.happen(name, what),
        }
    }

    /// The settings as they are configured now but for these: `owners=anna,eve`, `network_name=x`, `names_per_key=3`.
    fn configured(&self, changes: &str) -> Result<TrackerSettings, String> {
        let mut settings = self.settings.clone();
        for change in changes.split(' ') {
            set(&mut settings, &change.replacen('=', " ", 1))?;
        }
        Ok(settings)
    }

    fn read_configuration(&self) -> Result<Box<TrackerSettings>, String> {
        self.configuration.clone().unwrap_or_else(|| Ok(self.settings.clone())).map(Box::new)
    }

    fn connect(&mut self, rest: &str) -> Result<(), String> {
        let mut words = rest.split(' ');
        let name = words.next().ok_or("whom?")?.to_owned();
        let number = self.sessions.keys().last().map_or(1, |_| self.sessions.len() as u64 + 1);
        let id = SessionId::new(number);
        let (mut key, mut from, mut at) = (None, "192.0.2.1", "192.0.2.100");
        for word in words {
            match word.split_once('=') {
                None if word == "plain" => {}
                Some(("key", owner)) => key = Some(key_of(owner)),
                Some(("from", ip)) => from = ip,
                Some(("at", ip)) => at = ip,
                _ => return Err(format!("what is {word}?")),
            }
        }
        let ip = |text: &str| text.parse::<IpAddr>().map_err(|e| e.to_string());
        let opened = SessionOpened {
            peer: SocketAddr::new(ip(from)?, 50_000),
            local: SocketAddr::new(ip(at)?, 7686),
            key,
            accepted_at: self.now,
            is_tracker: false,
        };
        let flavor = if key.is_some() { Flavor::Clean } else { Flavor::Telnet };
        let session = Session {
            name: name.clone(),
            decoder: LineDecoder::new(flavor),
            received: VecDeque::new(),
            is_ready: true,
            to_send: VecDeque::new(),
            is_stalled: false,
            owes_drained: false,
            is_closed: false,
        };
        self.sessions.insert(id, session);
        self.by_name.insert(name, id);
        self.apply(id, Input::Opened(opened));
        Ok(())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let id = self.id(name)?;
        let session = self.sessions.get_mut(&id).ok_or("no such session")?;
        session.decoder.feed(bytes);
        let requests: Vec<SessionRequest> =
            std::iter::from_fn(|| session.decoder.next_line()).map(SessionRequest::read).collect();
        if !requests.is_empty() {
            session.to_send.push_back(requests);
        }
        self.deliver(id);
        Ok(())
    }

    fn happen(&mut self, name: &str, what: &str) -> Result<(), String> {
        let id = self.id(name)?;
        let session = self.sessions.get_mut(&id).ok_or("no such session")?;
        match what {
            "ends" => {
                session.to_send.push_back(vec![SessionRequest::End]);
                self.deliver(id);
            }
            "drops" => {
                session.is_closed = true;
                self.apply(id, Input::Closed);
            }
            "stalls" => session.is_stalled = true,
            "drains" => {
                session.is_stalled = false;
                if std::mem::take(&mut session.owes_drained) {
                    self.apply(id, Input::Drained);
                }
            }
            "closed" if session.is_closed => {}
            "closed" => return Err("it is open".into()),
            _ => return Err("what is that?".into()),
        }
        Ok(())
    }

    /// What the shell tells of the relay that was begun last.
    fn relay(&mut self, what: &str) -> Result<(), String> {
        let relay = self.relay.ok_or("no relay was begun")?;
        let input = match what.split_once(' ') {
            None if what == "ends" => Input::RelayEnded(relay),
            Some(("passes", bytes)) => {
                Input::RelayPassed { relay, bytes: bytes.parse().map_err(|_bad| "a number of bytes")? }
            }
            _ => return Err("relay ends, or relay passes BYTES".into()),
        };
        self.apply(SessionId::NONE, input);
        Ok(())
    }

    fn announce(&mut self, name: &str, count: usize) -> Result<(), String> {
        for from in (0..count).step_by(100) {
            let files: Vec<String> = (from..count.min(from + 100)).map(|n| format!("folder/file {n:06}.txt")).collect();
            self.send(name, format!("register-files {name} {}\n", files.join(", ")).as_bytes())?;
            self.expect(name, "OK 0")?;
        }
        Ok(())
    }

    fn skip(&mut self, name: &str, count: &str) -> Result<(), String> {
        let id = self.id(name)?;
        let received = &mut self.sessions.get_mut(&id).ok_or("no such session")?.received;
        let count = if count == "all" { received.len() } else { count.parse().map_err(|_bad| "a number")? };
        if received.len() < count {
            return Err(format!("only {} lines were received", received.len()));
        }
        received.drain(..count);
        Ok(())
    }

    fn order(&mut self, text: &str) -> Result<(), String> {
        let text = self.fill_in(text);
        if let Some(whether) = text.strip_prefix("relays ") {
            self.settings.relay = whether == "on";
        }
        self.apply(SessionId::NONE, Input::Owner(order(&text, &self.settings)?));
        Ok(())
    }

    fn read_log(&mut self, pattern: &str) -> Result<(), String> {
        let mut passed = Vec::new();
        while let Some(line) = self.log.pop_front() {
            if fits(pattern, &line, &mut self.words) {
                return Ok(());
            }
            passed.push(line);
        }
        Err(format!("the log says: {passed:?}"))
    }

    fn wait(&mut self, text: &str) -> Result<(), String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or("a time has a unit")?;
        let amount: u64 = text[..split].parse().map_err(|_bad| "a number and a unit")?;
        let passed = match &text[split..] {
            "ms" => Duration::from_millis(amount),
            "s" => Duration::from_secs(amount),
            "d" => {
                self.unix_seconds += amount * DAY_SECONDS;
                self.tell_time(amount * DAY_SECONDS);
                return Ok(());
            }
            _ => return Err("ms, s or d".into()),
        };
        let until = self.now + passed;
        while let Some(at) = self.tracker().next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.tick();
        }
        self.now = until;
        Ok(())
    }

    /// The clock on the wall is set forward or back; no time passes.
    fn jump(&mut self, days: &str) -> Result<(), String> {
        let days: i64 = days.strip_suffix('d').and_then(|days| days.parse().ok()).ok_or("clock jumps DAYSd")?;
        self.unix_seconds = self.unix_seconds.saturating_add_signed(days * DAY_SECONDS.cast_signed());
        self.tell_time(0);
        Ok(())
    }

    fn tell_time(&mut self, passed_seconds: u64) {
        let run_seconds = self.tracker().run_seconds() + passed_seconds;
        let clock = Clock { run_seconds, unix_seconds: self.unix_seconds };
        self.apply(SessionId::NONE, Input::Clock(clock));
    }

    /// The first address that the tracker dials is this one, and this comes of it.
    fn end_trial(&mut self, rest: &str) -> Result<(), String> {
        let (expected, result) = rest.split_once(' ').ok_or("trial ADDRESS RESULT")?;
        let result = TrialResult::parse(result).ok_or("a result of dialling")?;
        let (address, trial) = self.trials.pop_front().ok_or("nobody is dialled")?;
        if address.to_string() != expected {
            return Err(format!("{address} is dialled"));
        }
        self.apply(SessionId::NONE, Input::Tried { trial, result });
        Ok(())
    }

    fn disk_answers(&mut self, done: bool) -> Result<(), String> {
        self.disk.waits = false;
        for (ticket, records) in std::mem::take(&mut self.disk.under_way) {
            if done {
                records.into_iter().for_each(|record| self.disk.write(record));
            }
            self.apply(SessionId::NONE, Input::Stored { ticket, done });
        }
        Ok(())
    }

    fn expect(&mut self, name: &str, pattern: &str) -> Result<(), String> {
        let id = self.id(name)?;
        let session = self.sessions.get_mut(&id).ok_or("no such session")?;
        let line = session.received.pop_front().ok_or("nothing was received")?;
        let fits = fits(pattern, &line, &mut self.words);
        if fits { Ok(()) } else { Err(format!("received: {line}")) }
    }

    fn nothing_is_left_over(&self) -> Result<(), String> {
        match self.sessions.values().find(|session| !session.received.is_empty()) {
            None => Ok(()),
            Some(session) => Err(format!("before this, {} received {:?}", session.name, session.received)),
        }
    }

    fn id(&self, name: &str) -> Result<SessionId, String> {
        self.by_name.get(name).copied().ok_or(format!("who is {name}?"))
    }

    /// Puts keys and remembered words in.
    fn fill_in(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, word) in &self.words {
            filled = filled.replace(&format!("{{{name}}}"), word);
        }
        while let Some((before, owner, after)) = take_key(&filled) {
            filled = format!("{before}{}{after}", key_of(owner));
        }
        filled
    }
}
