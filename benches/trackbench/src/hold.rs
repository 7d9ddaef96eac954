//! Users who stay: how long so many need to sign on, what they cost at rest, and how fast a change of one is told to all.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiger::{Digest, Tiger};

use crate::client::{Client, Connection, Event};
use crate::names::mix;
use crate::reply::{self, Line};
use crate::template::{Filler, Language, Template};
use crate::usage::{Usage, resident_kib};

/// A round of notices ends when nothing has come for so long.
const LOST: Duration = Duration::from_secs(3);
/// Everything queued has arrived when nothing has come for so long.
const QUIET: Duration = Duration::from_secs(1);
const QUIET_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server, on this computer
    server: SocketAddr,
    #[arg(long, value_enum, default_value = "lines")]
    language: Language,
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Connections that share a source address; 0: all
    #[arg(long, default_value_t = 0)]
    per_source: usize,
    /// Users who are signing on at a time
    #[arg(long, default_value_t = 64)]
    window: usize,
    /// Give up signing on after so long
    #[arg(long, default_value_t = 240.0)]
    seconds: f64,
    /// Said first on every connection
    #[arg(long)]
    login: Vec<Template>,
    /// What a user says, of which all are told
    #[arg(long)]
    change: Option<Template>,
    /// How the notice begins
    #[arg(long, default_value = "* ")]
    notice: String,
    /// How often that is measured
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Changes at once, each of another user
    #[arg(long, default_value_t = 1)]
    at_once: u64,
    /// The changes come from a connection that hears nothing itself (Redis)
    #[arg(long)]
    own_speaker: bool,
    /// The server's process, to be measured
    #[arg(long, default_value_t = 0)]
    pid: u32,
}

/// A connection from here.
struct User {
    since: Instant,
    replies: usize,
    ready: bool,
    /// What a Direct Connect hub calls it.
    session: [u8; 4],
}

pub fn run(args: &Args) -> io::Result<()> {
    let mut hall = Hall {
        args,
        client: Client::new(args.server, args.per_source)?,
        filler: Filler::new(args.language, Vec::new()),
        users: Vec::new(),
    };
    let held = hall.fill();
    let told = args.change.as_ref().map(|change| hall.tell(change));
    println!("{}", json!({ "held": held, "told": told }));
    Ok(())
}

struct Hall<'a> {
    args: &'a Args,
    client: Client,
    filler: Filler,
    users: Vec<User>,
}

impl Hall<'_> {
    fn fill(&mut self) -> Value {
        let args = self.args;
        let resident_before_kib = resident_kib(args.pid);
        let usage = Usage::start(args.pid);
        let mut times = crate::nanoseconds();
        let mut first_error = None;
        let mut up = 0;
        let start = Instant::now();
        while up + self.client.closed() < args.connections && start.elapsed().as_secs_f64() < args.seconds {
            while self.client.opened() < args.connections
                && self.client.opened() - up - self.client.closed() < args.window
            {
                self.enter();
            }
            let users = &mut self.users;
            self.client.pump(Duration::from_millis(50), |connection, id, event| {
                let user = &mut users[id];
                if user.ready {
                    return;
                }
                user.ready = match event {
                    Event::Closed => false,
                    Event::Connected => args.login.is_empty() && args.language != Language::Adc,
                    Event::Line(line) if args.language == Language::Adc => hub_admits(user, id, connection, line),
                    Event::Line(line) => {
                        let kind = reply::read(args.language, line);
                        if kind == Line::Error {
                            first_error.get_or_insert_with(|| String::from_utf8_lossy(line).into_owned());
                        }
                        user.replies += usize::from(kind != Line::Other);
                        user.replies == args.login.len()
                    }
                };
                if user.ready {
                    up += 1;
                    times.saturating_record(user.since.elapsed().as_nanos() as u64);
                }
            });
        }
        let seconds = start.elapsed().as_secs_f64();
        let processors = usage.processors();
        let settled = self.settle().duration_since(start);
        let open = self.open();
        let added = resident_kib(args.pid).saturating_sub(resident_before_kib) as f64 * 1024.0;
        json!({
            "asked": args.connections,
            "up": up,
            "open": open,
            "seconds": seconds,
            "settled_seconds": settled.as_secs_f64().max(seconds),
            "milliseconds": crate::quantiles(&times),
            "first_error": first_error.as_deref().or(self.client.first_error()),
            "processors": processors,
            "resident_bytes_per_user": added / open.max(1) as f64,
        })
    }

    fn enter(&mut self) {
        let id = self.client.connect();
        for command in &self.args.login {
            self.filler.push(command, id as u64, id as u64, self.client.out(id));
        }
        if self.args.language == Language::Adc {
            self.client.out(id).extend_from_slice(b"HSUP ADBASE ADTIGR\n");
        }
        self.users.push(User { since: Instant::now(), replies: 0, ready: false, session: [0; 4] });
    }

    /// Lets everything that is queued arrive; returns when the last of it came.
    fn settle(&mut self) -> Instant {
        let start = Instant::now();
        let mut last = start;
        while last.elapsed() < QUIET && start.elapsed() < QUIET_MAX {
            self.client.pump(Duration::from_millis(20), |_, _, event| {
                if matches!(event, Event::Line(_)) {
                    last = Instant::now();
                }
            });
        }
        last
    }

    fn tell(&mut self, change: &Template) -> Value {
        let args = self.args;
        let listeners = self.open();
        let speaker = args.own_speaker.then(|| {
            let id = self.client.connect();
            self.client.pump(Duration::from_millis(100), |_, _, _| {});
            id
        });
        let expected = listeners as u64 * args.at_once;
        // A server may wait for more before it tells; what telling takes is from the first who hears to the last.
        let (mut last_ones, mut spreads) = (crate::nanoseconds(), crate::nanoseconds());
        let usage = Usage::start(args.pid);
        let (mut delivered, mut busy) = (0, Duration::ZERO);
        for round in 0..args.rounds {
            for number in round * args.at_once..(round + 1) * args.at_once {
                // Users far from each other, in turn.
                let who = speaker.unwrap_or(number as usize * 7919 % self.users.len());
                let out = self.client.out(who);
                if args.language == Language::Adc {
                    let session = String::from_utf8_lossy(&self.users[who].session);
                    out.extend_from_slice(format!("BINF {session} SS{}\n", 5_000_000 + number).as_bytes());
                } else {
                    self.filler.push(change, who as u64, number, out);
                }
            }
            let start = Instant::now();
            let (mut heard, mut first, mut last) = (0, None, start);
            while heard < expected && last.elapsed() < LOST {
                self.client.pump(Duration::from_millis(20), |_, _, event| {
                    if matches!(event, Event::Line(line) if line.starts_with(args.notice.as_bytes())) {
                        heard += 1;
                        last = Instant::now();
                        first.get_or_insert(last);
                    }
                });
            }
            let spread = last.duration_since(first.unwrap_or(start));
            busy += spread;
            delivered += heard;
            last_ones.saturating_record(last.duration_since(start).as_nanos() as u64);
            spreads.saturating_record(spread.as_nanos() as u64);
        }
        json!({
            "listeners": listeners,
            "expected": expected * args.rounds,
            "delivered": delivered,
            "deliveries_per_second": delivered as f64 / busy.as_secs_f64(),
            "last_milliseconds": crate::quantiles(&last_ones),
            "spread_milliseconds": crate::quantiles(&spreads),
            "processors": usage.processors(),
            "open": self.open(),
        })
    }

    fn open(&self) -> usize {
        (0..self.client.opened()).filter(|id| self.client.is_open(*id)).count()
    }
}

/// What a Direct Connect hub says until it has let somebody in; whether it has.
fn hub_admits(user: &mut User, id: usize, connection: &mut Connection, line: &[u8]) -> bool {
    if let Some(session) = line.strip_prefix(b"ISID ").and_then(|rest| rest.first_chunk()) {
        user.session = *session;
        connection.out.extend_from_slice(&introduction(user.session, id as u64));
    }
    line.strip_prefix(b"BINF ").is_some_and(|rest| rest.starts_with(&user.session))
}

fn introduction(session: [u8; 4], id: u64) -> Vec<u8> {
    let mut secret = [0; 24];
    secret[..8].copy_from_slice(&id.to_le_bytes());
    secret[8..16].copy_from_slice(&mix(id).to_le_bytes());
    let base32 = |bytes: &[u8]| data_encoding::BASE32_NOPAD.encode(bytes);
    format!(
        "BINF {} ID{} PD{} NIuser{id} SL3 SS{} SF{} HN1 HR0 HO0 VEbench I4127.0.0.1 SUTCP4\n",
        String::from_utf8_lossy(&session),
        base32(&Tiger::digest(secret)),
        base32(&secret),
        1000 + id,
        10 + id % 90
    )
    .into_bytes()
}
