//! Requests and replies: so many connections, so many commands in flight on each; how many a second, and how long each
//! took.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use crate::client::{Client, Event};
use crate::reply::Replies;
use crate::template::{Filler, Language, Template};
use crate::usage::{Usage, resident_kib};

/// Connections that are being opened at a time.
const WINDOW: usize = 128;
/// After so long without any reply the server is taken for dead.
const STALLED: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server, on this computer
    server: SocketAddr,
    #[arg(long, value_enum, default_value = "lines")]
    language: Language,
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Connections that share a source address; 0: all
    #[arg(long, default_value_t = 0)]
    per_source: usize,
    /// Commands of a connection that wait for replies
    #[arg(long, default_value_t = 1)]
    in_flight: u64,
    /// Commands in all
    #[arg(long, default_value_t = u64::MAX)]
    commands: u64,
    /// No more commands after so long
    #[arg(long, default_value_t = 120.0)]
    seconds: f64,
    /// Commands a second in all; 0: each as soon as the one before is answered
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Said first on every connection
    #[arg(long)]
    login: Vec<Template>,
    /// What is said; with several, in turn, each with the numbers from 0
    #[arg(long, required = true)]
    command: Vec<Template>,
    /// Number of the first command
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Added to the number of a connection in templates
    #[arg(long, default_value_t = 0)]
    first_user: u64,
    /// Things that one command carries
    #[arg(long, default_value_t = 1)]
    items: u64,
    /// Words to search for, one a line
    #[arg(long)]
    needles: Option<PathBuf>,
    /// The server's process, to be measured
    #[arg(long, default_value_t = 0)]
    pid: u32,
    /// Stay connected until standard input ends
    #[arg(long)]
    stay: bool,
}

/// A connection from here.
#[derive(Default)]
struct Session {
    login_left: usize,
    replies: Replies,
    /// When each command without a reply was due.
    sent: VecDeque<Instant>,
}

pub fn run(args: &Args) -> io::Result<()> {
    let mut load = Load::new(args)?;
    load.sign_on();
    load.work();
    println!("{}", load.report());
    if args.stay {
        load.stay();
    }
    Ok(())
}

struct Load<'a> {
    args: &'a Args,
    client: Client,
    filler: Filler,
    sessions: Vec<Session>,
    times: Histogram<u64>,
    next: u64,
    done: u64,
    errors: u64,
    first_error: Option<String>,
    sign_on_seconds: f64,
    work_seconds: f64,
    resident_before_kib: u64,
    usage: Usage,
}

impl<'a> Load<'a> {
    fn new(args: &'a Args) -> io::Result<Self> {
        let needles = args.needles.as_ref().map(fs::read).transpose()?.unwrap_or_default();
        let needles = needles.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(Self {
            args,
            client: Client::new(args.server, args.per_source)?,
            filler: Filler::new(args.language, needles.map(<[u8]>::to_vec).collect()),
            sessions: Vec::new(),
            times: crate::nanoseconds(),
            next: args.first,
            done: 0,
            errors: 0,
            first_error: None,
            sign_on_seconds: 0.0,
            work_seconds: 0.0,
            resident_before_kib: 0,
            usage: Usage::start(args.pid),
        })
    }

    fn sign_on(&mut self) {
        let since = Instant::now();
        let mut up = 0;
        while up + self.client.closed() < self.args.connections && since.elapsed().as_secs_f64() < self.args.seconds {
            while self.client.opened() < self.args.connections
                && self.client.opened() - up - self.client.closed() < WINDOW
            {
                let id = self.client.connect();
                for command in &self.args.login {
                    let user = id as u64 + self.args.first_user;
                    self.filler.push(command, user, user, self.client.out(id));
                }
                self.sessions.push(Session { login_left: self.args.login.len(), ..Session::default() });
            }
            let Self { client, sessions, errors, first_error, args, .. } = self;
            client.pump(Duration::from_millis(50), |_, id, event| {
                let session = &mut sessions[id];
                match event {
                    Event::Connected if session.login_left == 0 => up += 1,
                    Event::Line(line) if session.login_left > 0 => {
                        let Some(end) = session.replies.take(args.language, line) else { return };
                        note(end, line, errors, first_error);
                        session.login_left -= 1;
                        up += usize::from(session.login_left == 0);
                    }
                    _ => {}
                }
            });
        }
        self.sign_on_seconds = since.elapsed().as_secs_f64();
    }

    fn work(&mut self) {
        self.resident_before_kib = resident_kib(self.args.pid);
        self.usage = Usage::start(self.args.pid);
        let start = Instant::now();
        if self.args.rate == 0.0 {
            for id in 0..self.sessions.len() {
                self.say(id, self.args.in_flight, start);
            }
        }
        let mut in_flight = self.next - self.args.first;
        let mut last_reply = start;
        loop {
            let over =
                self.next - self.args.first >= self.args.commands || start.elapsed().as_secs_f64() > self.args.seconds;
            if in_flight == 0 && (over || self.args.rate == 0.0) {
                break;
            }
            let mut wait = Duration::from_millis(100);
            if self.args.rate > 0.0 && !over {
                let due = start + Duration::from_secs_f64((self.next - self.args.first) as f64 / self.args.rate);
                wait = due.saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    let id = self.next as usize % self.sessions.len();
                    self.say(id, 1, due);
                    in_flight += 1;
                }
            }
            let replies = self.pump(wait.min(Duration::from_millis(100)), over);
            in_flight = in_flight + replies.said - replies.done;
            if replies.done > 0 || in_flight == 0 {
                last_reply = Instant::now();
            } else if last_reply.elapsed() > STALLED || self.client.closed() >= self.args.connections {
                self.errors += in_flight;
                self.first_error.get_or_insert("no more replies".into());
                break;
            }
        }
        self.work_seconds = start.elapsed().as_secs_f64();
    }

    /// Queues so many commands.
    fn say(&mut self, id: usize, count: u64, due: Instant) {
        let left = self.args.commands.saturating_sub(self.next - self.args.first);
        if self.client.is_open(id) {
            for _ in 0..count.min(left) {
                let out = self.client.out(id);
                push(&mut self.filler, self.args, id, self.next, out);
                self.next += 1;
                self.sessions[id].sent.push_back(due);
            }
        }
        self.client.flush();
    }

    fn pump(&mut self, wait: Duration, over: bool) -> Pumped {
        let mut pumped = Pumped { said: 0, done: 0 };
        let Self { client, sessions, times, next, filler, args, errors, first_error, .. } = self;
        client.pump(wait, |connection, id, event| {
            let Event::Line(line) = event else { return };
            let session = &mut sessions[id];
            let Some(end) = session.replies.take(args.language, line) else { return };
            note(end, line, errors, first_error);
            let Some(due) = session.sent.pop_front() else { return };
            let now = Instant::now();
            times.saturating_record(now.duration_since(due).as_nanos() as u64);
            pumped.done += 1;
            // A whole batch is answered: the next one (as redis-benchmark does).
            if session.sent.is_empty() && args.rate == 0.0 && !over {
                let left = args.commands.saturating_sub(*next - args.first);
                for _ in 0..args.in_flight.min(left) {
                    push(filler, args, id, *next, &mut connection.out);
                    *next += 1;
                    pumped.said += 1;
                    session.sent.push_back(now);
                }
            }
        });
        self.done += pumped.done;
        pumped
    }

    fn report(&self) -> serde_json::Value {
        let items = self.done * self.args.items;
        let resident_kib = resident_kib(self.args.pid);
        let added = (resident_kib as f64 - self.resident_before_kib as f64) * 1024.0;
        json!({
            "commands": self.done,
            "seconds": self.work_seconds,
            "commands_per_second": self.done as f64 / self.work_seconds,
            "items_per_second": items as f64 / self.work_seconds,
            "milliseconds": crate::quantiles(&self.times),
            "errors": self.errors,
            "lost": self.client.closed(),
            "first_error": self.first_error.as_deref().or(self.client.first_error()),
            "sign_on_seconds": self.sign_on_seconds,
            "processors": self.usage.processors(),
            "resident_before_kib": self.resident_before_kib,
            "resident_kib": resident_kib,
            "resident_bytes_per_item": added / items.max(1) as f64,
        })
    }

    fn stay(&mut self) {
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        std::thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            told.store(true, Ordering::Relaxed);
        });
        while !over.load(Ordering::Relaxed) {
            self.client.pump(Duration::from_millis(50), |_, _, _| {});
        }
    }
}

struct Pumped {
    said: u64,
    done: u64,
}

fn push(filler: &mut Filler, args: &Args, id: usize, number: u64, out: &mut Vec<u8>) {
    let kinds = args.command.len() as u64;
    let since_first = number - args.first;
    let template = &args.command[(since_first % kinds) as usize];
    filler.push(template, id as u64 + args.first_user, args.first + since_first / kinds, out);
}

fn note(end: Result<(), ()>, line: &[u8], errors: &mut u64, first_error: &mut Option<String>) {
    if end.is_err() {
        *errors += 1;
        first_error.get_or_insert_with(|| String::from_utf8_lossy(line).into_owned());
    }
}
