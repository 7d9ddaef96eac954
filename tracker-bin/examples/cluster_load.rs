//! Load on the trackers of a cluster, for `tests/cluster/faults.py` and `tests/cluster/figures.py`: people who stay and come
//! back, names that are claimed, watchers, searches, announcements. It runs until its standard input ends, and then says in
//! one line of JSON what it has seen. Times are milliseconds.

#![allow(clippy::print_stdout, reason = "a program that measures")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its numbers are small")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use parking_lot::Mutex;
use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Handshakes at once: this program is on the processors that the trackers are on.
const HANDSHAKES_AT_ONCE: usize = 64;
/// A tracker that is cut off does not answer at all.
const CONNECT_MAX: Duration = Duration::from_secs(2);
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// How long is waited after every tracker has been tried in vain.
const ROUND_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug, Parser)]
#[command(about = "Load on the trackers of a cluster")]
struct Args {
    #[command(subcommand)]
    what: What,
    /// The trackers.
    #[arg(long, value_delimiter = ',', global = true)]
    at: Vec<SocketAddr>,
    /// The key that they prove.
    #[arg(long, global = true)]
    key: Option<PublicKey>,
    /// How many do it.
    #[arg(long, default_value_t = 1, global = true)]
    count: usize,
    /// With what their names begin.
    #[arg(long, default_value = "u", global = true)]
    prefix: String,
    /// Files of each.
    #[arg(long, default_value_t = 0, global = true)]
    files: usize,
    /// Between two of what is done again and again.
    #[arg(long, default_value_t = 50, global = true)]
    every_milliseconds: u64,
    /// How often who stays asks whether the tracker is there; that a connection ends is heard at once.
    #[arg(long, default_value_t = 1000, global = true)]
    ping_every_milliseconds: u64,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum What {
    /// People who stay, and are back at another tracker when theirs is lost.
    Users,
    /// New names, each registered and left; the acknowledged ones are told with their keys.
    Claims,
    /// Somebody at each tracker who watches, and counts what is told of whom.
    Watch,
    /// Searches, at each of the trackers in turn.
    Search,
    /// Files that are announced at the first tracker, and when the second one tells of them.
    Announce,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    times: Vec<f64>,
    /// The same, for each of the trackers.
    times_at: BTreeMap<usize, Vec<f64>>,
    /// Since when no name was acknowledged, to anybody of these.
    last_name: Option<Instant>,
    longest_silence: f64,
    refused: BTreeMap<String, u64>,
    told: BTreeMap<String, u64>,
    names: BTreeMap<String, String>,
    here: usize,
}

struct Load {
    args: Args,
    key: PublicKey,
    seen: Mutex<Seen>,
    room: Semaphore,
    stop: CancellationToken,
}

/// A session whose lines are read.
struct Session<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await {
            Ok(bytes) if bytes > 0 => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    async fn say(&mut self, line: &str) -> Option<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).await.ok()?;
        self.0.get_mut().flush().await.ok()
    }

    /// The first line of the answer; the others are read.
    async fn ask(&mut self, line: &str) -> Option<String> {
        timeout(ANSWER_MAX, async {
            self.say(line).await?;
            loop {
                let head = self.line().await?;
                if head.starts_with("* ") {
                    continue;
                }
                let lines = head.strip_prefix("OK ").and_then(|rest| rest.split(' ').next()?.parse().ok());
                for _ in 0..lines.unwrap_or(0) {
                    self.line().await?;
                }
                return Some(head);
            }
        })
        .await
        .ok()?
    }
}

impl Load {
    async fn plain(&self, at: SocketAddr) -> Option<Session<TcpStream>> {
        let stream = timeout(CONNECT_MAX, TcpStream::connect(at)).await.ok()?.ok()?;
        Some(Session(BufReader::new(stream)))
    }

    async fn proven(
        &self,
        at: SocketAddr,
        identity: &Identity,
    ) -> Option<Session<impl AsyncRead + AsyncWrite + Unpin + use<>>> {
        let _room = self.room.acquire().await.ok()?;
        let connecting = async {
            let stream = TcpStream::connect(at).await?;
            stream.set_nodelay(true)?;
            TlsClient::new(identity, Purpose::Tracker).connect(stream, Some(self.key)).await
        };
        let (stream, _key) = timeout(CONNECT_MAX, connecting).await.ok()?.ok()?;
        Some(Session(BufReader::new(stream)))
    }

    fn note_refused(&self, head: &str) {
        let code = head.split(' ').nth(1).unwrap_or(head).to_owned();
        *self.seen.lock().refused.entry(code).or_default() += 1;
    }

    /// Who begins at the n-th tracker, and goes to the others in an order of their own.
    async fn user(self: Arc<Self>, n: usize) {
        let (identity, name) = (Identity::generate(), format!("{}{n}", self.args.prefix));
        let files: Vec<String> =
            (0..self.args.files).map(|file| format!("folder {}/file {n} {file}.txt", file % 10)).collect();
        let (mut next, mut lost_at, mut tried) = (n, None::<Instant>, 0);
        while !self.stop.is_cancelled() {
            let at = self.args.at[next % self.args.at.len()];
            let is_in = async {
                let mut session = self.proven(at, &identity).await?;
                let head = session.ask(&format!("register-user {name} 4001")).await?;
                if head != "OK 0" {
                    self.note_refused(&head);
                    return None;
                }
                for line in files.chunks(1000) {
                    session.ask(&format!("register-files {name} {}", line.join(","))).await?;
                }
                Some(session)
            };
            let Some(mut session) = is_in.await else {
                (next, tried) = (next + 1, tried + 1);
                if tried % self.args.at.len() == 0 {
                    sleep(ROUND_EVERY).await;
                }
                continue;
            };
            tried = 0;
            {
                let mut seen = self.seen.lock();
                seen.here += 1;
                seen.times.extend(lost_at.take().map(|at| at.elapsed().as_secs_f64() * 1000.0));
            }
            loop {
                let asked_at = tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = sleep(Duration::from_millis(self.args.ping_every_milliseconds)) => Instant::now(),
                    // It tells nothing to who has not asked, but that it ends.
                    line = session.line() => {
                        if line.is_none() {
                            lost_at = Some(Instant::now());
                            break;
                        }
                        continue;
                    }
                };
                if session.ask("ping").await.is_none() {
                    // It was lost when it did not answer, not when that was given up.
                    lost_at = Some(asked_at);
                    break;
                }
            }
            self.seen.lock().here -= 1;
            next += 1 + n / self.args.at.len() % (self.args.at.len().max(2) - 1);
        }
    }

    async fn claimer(self: Arc<Self>, n: usize) {
        let identity = Identity::generate();
        let (mut count, mut next) = (0, n);
        'sessions: while !self.stop.is_cancelled() {
            next += 1;
            let Some(mut session) = self.proven(self.args.at[next % self.args.at.len()], &identity).await else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            while !self.stop.is_cancelled() {
                let (name, began) = (format!("{}{n}x{count}", self.args.prefix), Instant::now());
                let Some(head) = session.ask(&format!("register-user {name}")).await else { continue 'sessions };
                if head != "OK 0" {
                    self.note_refused(&head);
                    // Somebody else has it, or what looks like it; anything else passes.
                    count += usize::from(head.starts_with("ERR name-"));
                    continue 'sessions;
                }
                {
                    let mut seen = self.seen.lock();
                    seen.times.push(began.elapsed().as_secs_f64() * 1000.0);
                    let silence = seen.last_name.replace(Instant::now()).map_or(0.0, |at| at.elapsed().as_secs_f64());
                    seen.longest_silence = seen.longest_silence.max(silence * 1000.0);
                    seen.names.insert(name.clone(), identity.public_key().to_string());
                }
                count += 1;
                if session.ask(&format!("unregister-user {name}")).await.is_none() {
                    continue 'sessions;
                }
                sleep(Duration::from_millis(self.args.every_milliseconds)).await;
            }
        }
    }

    async fn watcher(self: Arc<Self>, n: usize) {
        while !self.stop.is_cancelled() {
            let watching = async {
                let mut session = self.plain(self.args.at[n]).await?;
                session.say("watch").await?;
                while let Some(line) = session.line().await {
                    let mut words = line.strip_prefix("* ").unwrap_or_default().split(' ');
                    let (Some(kind), Some(who)) = (words.next(), words.next()) else { continue };
                    if who.starts_with(&self.args.prefix) || kind == "resync" {
                        *self.seen.lock().told.entry(format!("{n} {kind}")).or_default() += 1;
                    }
                }
                Some(())
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                _lost = watching => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn searcher(self: Arc<Self>, n: usize) {
        let (identity, mut count) = (Identity::generate(), n);
        let mut sessions = Vec::new();
        for (at, address) in self.args.at.iter().enumerate() {
            let Some(mut session) = self.proven(*address, &identity).await else { return };
            // Trackers of one network would take it for one person who has moved.
            session.ask(&format!("register-user searcher-{}{n}-{at}", self.args.prefix)).await;
            sessions.push(session);
        }
        while !self.stop.is_cancelled() {
            count += 1;
            for (at, session) in sessions.iter_mut().enumerate() {
                let began = Instant::now();
                match session.ask(&format!("search file {} limit=100", count % 1000)).await {
                    Some(head) if head.starts_with("OK ") => {
                        let took = began.elapsed().as_secs_f64() * 1000.0;
                        let mut seen = self.seen.lock();
                        seen.times.push(took);
                        seen.times_at.entry(at).or_default().push(took);
                    }
                    Some(head) => self.note_refused(&head),
                    None => return,
                }
                sleep(Duration::from_millis(self.args.every_milliseconds)).await;
            }
        }
    }

    async fn announcer(self: Arc<Self>, n: usize) {
        let (identity, name) = (Identity::generate(), format!("announcer-{}{n}", self.args.prefix));
        let (Some(mut here), Some(mut there)) =
            (self.proven(self.args.at[0], &identity).await, self.plain(self.args.at[1]).await)
        else {
            return;
        };
        here.ask(&format!("register-user {name} 4001")).await;
        there.ask("ping").await;
        let mut count = 0;
        while !self.stop.is_cancelled() {
            let began = Instant::now();
            here.ask(&format!("register-files {name} announced-{count}.txt")).await;
            // Until the other tracker knows of it by itself.
            loop {
                let Some(told) = totals_of(&mut there, &name).await else { return };
                if told > count {
                    break;
                }
                if began.elapsed() > ANSWER_MAX {
                    self.note_refused("ERR late");
                    break;
                }
                sleep(Duration::from_millis(1)).await;
            }
            self.seen.lock().times.push(began.elapsed().as_secs_f64() * 1000.0);
            count += 1;
            sleep(Duration::from_millis(self.args.every_milliseconds)).await;
        }
    }

    fn say_what_was_seen(&self) -> Value {
        let mut seen = self.seen.lock();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let each: Vec<Value> = seen.times_at.values_mut().map(|times| brief(times)).collect();
        let mut said = brief(&mut seen.times);
        let more = json!({
            "at": now, "each": each, "here": seen.here, "longest_silence": seen.longest_silence, "refused": seen.refused,
            "told": seen.told, "names": seen.names,
        });
        if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
            said.extend(more);
        }
        said
    }
}

fn brief(times: &mut [f64]) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1)));
    json!({ "count": times.len(), "p50": at(0.5), "p99": at(0.99), "max": times.last() })
}

/// How many files a tracker knows that somebody has.
async fn totals_of<S: AsyncRead + AsyncWrite + Unpin>(session: &mut Session<S>, name: &str) -> Option<usize> {
    session.say(&format!("list-totals {name}")).await?;
    loop {
        let line = session.line().await?;
        if let Some(rest) = line.strip_prefix(&format!("{name} ")) {
            return rest.split(' ').next()?.parse().ok();
        }
        if line == "OK 0" || line.starts_with("ERR") {
            return Some(0);
        }
    }
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let key = args.key.unwrap_or_else(|| PublicKey::from_bytes([0; 32]));
    let (what, count, at) = (args.what, args.count, args.at.len());
    let room = Semaphore::new(HANDSHAKES_AT_ONCE);
    let load = Arc::new(Load { args, key, seen: Mutex::default(), room, stop: CancellationToken::new() });
    let mut tasks = JoinSet::new();
    let count = if matches!(what, What::Watch) { at } else { count };
    for n in 0..count {
        let load = Arc::clone(&load);
        match what {
            What::Users => tasks.spawn(load.user(n)),
            What::Claims => tasks.spawn(load.claimer(n)),
            What::Watch => tasks.spawn(load.watcher(n)),
            What::Search => tasks.spawn(load.searcher(n)),
            What::Announce => tasks.spawn(load.announcer(n)),
        };
    }
    // A line asks for what was seen so far; the end of the input ends it all.
    let (lines, mut asked) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        let mut byte = [0];
        while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) && lines.blocking_send(()).is_ok() {}
    });
    while asked.recv().await.is_some() {
        println!("{}", load.say_what_was_seen());
    }
    load.stop.cancel();
    let _rest = timeout(Duration::from_secs(2), async { while tasks.join_next().await.is_some() {} }).await;
    println!("{}", load.say_what_was_seen());
    // What still waits for a tracker that was cut off is left.
    std::process::exit(0);
}
