//! Operating a tracker: what it tells over HTTP and over its socket, another configuration while it runs, and backups.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use potok_core::net::identity::Identity;
use potok_tests::lines::Lines;
use potok_tests::program::{Running, run};

const TRACKER: &str = env!("CARGO_BIN_EXE_potok-tracker");

/// A free port: a program takes it at once.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

struct Tracker {
    running: Running,
    address: String,
    key: potok_core::model::key::PublicKey,
    observed: String,
    data: String,
    dir: tempfile::TempDir,
}

impl Tracker {
    fn start(settings: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let data = dir.path().join("data").to_str().expect("text").to_owned();
        std::fs::create_dir(&data).expect("made");
        let observed = format!("127.0.0.1:{}", free_port());
        let settings =
            format!("listen = \"127.0.0.1:0\"\nlocal_discovery = false\nobserve = \"{observed}\"\n{settings}");
        std::fs::write(Path::new(&data).join("config.toml"), settings).expect("written");
        Self::run(dir, data, observed)
    }

    fn run(dir: tempfile::TempDir, data: String, observed: String) -> Self {
        let running = Running::start(TRACKER, &["--data-dir", &data]);
        let first = running.line();
        let address = first.strip_prefix("listening on ").expect(&first).to_owned();
        let invite: potok_core::model::invite::Invite = running.line().parse().expect("an invite");
        Self { running, address, key: invite.key, observed, data, dir }
    }

    /// Killed, as by a power cut, and started again.
    fn killed(self) -> Self {
        let Self { running, observed, data, dir, .. } = self;
        running.kill();
        Self::run(dir, data, observed)
    }

    /// Status and body of one request.
    fn get(&self, head: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.observed).expect("connected");
        stream.write_all(head.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.to_owned(), body.to_owned())
    }

    fn path(&self, path: &str) -> (String, String) {
        self.get(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.observed))
    }

    /// A tracker's own task, on this data folder.
    fn task(&self, task: &[&str]) -> (Option<i32>, String, String) {
        let output = run(TRACKER, &[task, &["--data-dir", &self.data]].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// Says lines by plain text, and reads the answers.
    fn say(&self, lines: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.write_all(format!("{lines}quit\n").as_bytes()).expect("written");
        BufReader::new(stream).lines().map_while(Result::ok).filter(|line| !line.starts_with('*')).collect()
    }
}

/// The names of metrics in a text, without the endings that a kind of metric adds.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let named = words.filter(|word| word.starts_with("potok_"));
    named.map(|word| word.trim_end_matches("_bucket").trim_end_matches("_total").to_owned()).collect()
}

#[test]
fn what_is_told_over_http_is_what_dashboard_and_alerts_ask_for() {
    let tracker = Tracker::start("shards = 2\n");
    assert_eq!(tracker.say("register-user anna 4001\nlist-users\nnonsense\nregister-files anna a\n")[0], "OK 0");
    let (head, body) = tracker.path("/healthz");
    assert!(head.starts_with("HTTP/1.1 200") && body == "ok\n", "{head} {body}");
    let (head, classic) = tracker.path("/metrics");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    for line in ["# TYPE potok_requests_total counter", "# HELP potok_requests_total ", "# TYPE potok_shares gauge"] {
        assert!(classic.contains(line) && !classic.contains("# EOF") && !classic.contains("# UNIT"), "{classic}");
    }
    let wanted = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let (head, text) = tracker.get(&format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{wanted}\r\n\r\n"));
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("openmetrics-text"), "{head}");
    for line in [
        "potok_requests_total{verb=\"register-user\",outcome=\"done\"} 1",
        "potok_requests_total{verb=\"list-users\",outcome=\"done\"} 1",
        "potok_refusals_total{code=\"unknown-command\"} 1",
        "potok_refusals_total{code=\"internal\"} 0",
        "potok_lines_not_understood_total 1",
        "potok_request_duration_seconds_count{verb=\"register-user\"} 1",
        "potok_request_duration_seconds_bucket{le=\"+Inf\",verb=\"register-user\"} 1",
        "potok_sessions{kind=\"tls\"} 0",
        "potok_shard_users{shard=\"0\"} ",
        "potok_trackers{standing=\"here\"} 1",
        "potok_trackers{standing=\"away\"} 0",
        "potok_replica_age_seconds 0",
        "potok_shard_users{shard=\"1\"} ",
        "potok_build{version=\"",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let told = metrics_in(&text);
    let monitoring = potok_tests::root().join("packaging/monitoring");
    let read = |name: &str| std::fs::read_to_string(monitoring.join(name)).expect(name);
    let dashboard = read("grafana-dashboard.json");
    for (name, asked) in [("the dashboard", metrics_in(&dashboard)), ("the alerts", metrics_in(&read("alerts.yml")))] {
        assert!(asked.len() > 4, "{name}: {asked:?}");
        let missing: Vec<_> = asked.difference(&told).collect();
        assert!(missing.is_empty(), "{name} asks for {missing:?}, told are {told:?}");
    }
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(dashboard["panels"].as_array().expect("panels").len() > 8);
    // Nothing else is there, and nothing can be changed.
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("GET /export HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405"),
        ("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let (head, _) = tracker.get(request);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {head}");
    }
}

#[test]
fn a_hostile_http_client_costs_nothing() {
    let tracker = Tracker::start("");
    // Heads without end are refused, not collected.
    let long = format!("X: {}\r\n", "y".repeat(64 * 1024));
    for (headers, is_taken) in [("X: y\r\n", true), (&long, false), (&"X: y\r\n".repeat(1_000), false)] {
        let mut stream = TcpStream::connect(&tracker.observed).expect("connected");
        let _cut = stream.write_all(format!("GET /healthz HTTP/1.1\r\n{headers}\r\n").as_bytes());
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        let is_answered = answer.starts_with(b"HTTP/1.1 200");
        assert_eq!(is_answered, is_taken, "{} bytes of headers", headers.len());
    }
    // More connections than there may be, all of them silent: whoever asks is answered all the same.
    let silent: Vec<TcpStream> = (0..200).map_while(|_| TcpStream::connect(&tracker.observed).ok()).collect();
    assert!(silent.len() > 100);
    let (head, _) = tracker.path("/healthz");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(tracker.say("ping\n")[0], "OK 0");
}

#[test]
fn the_page_of_the_invite_is_there_when_it_is_switched_on() {
    let tracker = Tracker::start(
        "invite_page = true\nnetwork_name = \"<script>alert(1)</script>\"\npublic_address = \"tracker.example.org\"\n\
         join = \"invite\"\n",
    );
    let (head, page) = tracker.path("/");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-security-policy: default-src 'none'; style-src 'self'"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff") && !head.contains("set-cookie"));
    let link = format!("potok://tracker.example.org:7686/?key={}", tracker.key);
    assert!(page.contains(&link) && page.contains("<svg") && page.contains("network is closed"), "{page}");
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    let (head, style) = tracker.path("/style.css");
    assert!(head.contains("text/css") && style.contains(".join"));
    let bulgarian = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Language: bg\r\n\r\n";
    assert!(tracker.get(bulgarian).1.contains("Инсталирай Potok"));
}

#[tokio::test]
async fn a_configuration_is_read_anew_and_nobody_is_dropped() {
    let boss = Identity::generate();
    let owners = format!("owners = [\"{}\"]\n", boss.public_key());
    let tracker = Tracker::start(&owners);
    let address = tracker.address.parse().expect("an address");
    let mut owner = Lines::tls(address, tracker.key, &boss).await;
    owner.expect("register-user chief", "OK 0").await;
    let config = Path::new(&tracker.data).join("config.toml");
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, format!("{text}network_name = \"House\"\nsend_stall_seconds = 70\n")).expect("written");
    let (_, lines) = owner.list("reload").await.expect("a list");
    assert_eq!(lines, ["network_name now", "send_stall_seconds next-start"]);
    owner.expect("ping", "OK 0").await;
    std::fs::write(&config, format!("{text}nonsense = 1\n")).expect("written");
    let refused = owner.ask("reload").await.expect("an answer");
    assert!(refused.starts_with("ERR bad-configuration") && refused.contains("nonsense"), "{refused}");
    let (code, _, said) = tracker.task(&["check"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("config.toml:") && said.contains("nonsense"), "{said}");
    std::fs::write(&config, format!("{text}motd = 1\nnetwork_name = \"\"\n")).expect("written");
    assert_eq!(tracker.task(&["check"]).2.lines().count(), 2);
    std::fs::write(&config, format!("{text}network_name = \"Garden\"\n")).expect("written");
    assert_eq!(tracker.task(&["check"]).0, Some(0));
    tracker.running.signal("HUP");
    // A signal is not answered: it is done when the greeting says so.
    let is_done = || {
        TcpStream::connect(&tracker.address).is_ok_and(|stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
            let mut line = String::new();
            let mut reader = BufReader::new(stream);
            reader.get_mut().write_all(b"ping\n").expect("written");
            reader.read_line(&mut line).is_ok_and(|_| line.contains("Garden"))
        })
    };
    assert!((0..1_000).any(|_| is_done()), "the signal is heard");
    owner.expect("ping", "OK 0").await;
    let (code, status, said) = tracker.task(&["status"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        status.contains("Garden") && status.contains("users") && status.contains(&tracker.key.to_string()),
        "{status}"
    );
}

#[tokio::test]
async fn what_an_owner_was_told_outlives_a_kill() {
    let boss = Identity::generate();
    let mut tracker = Tracker::start(&format!("owners = [\"{}\"]\nbans = [\"192.0.2.7\"]\n", boss.public_key()));
    let session = async |tracker: &Tracker| {
        let address = tracker.address.parse().expect("an address");
        Lines::tls(address, tracker.key, &boss).await
    };
    // Each order is answered, and the tracker is killed at that moment.
    for order in [
        "register-user chief",
        "ban 198.51.100.0/24 2d spam",
        "unban 192.0.2.7",
        "rename-network House",
        "limits names_per_key=2",
        "invite 3 1d",
        "revoke 1",
        "invite 2 1d",
    ] {
        session(&tracker).await.expect(order, "OK ").await;
        tracker = tracker.killed();
    }
    let mut owner = session(&tracker).await;
    assert_eq!(owner.line().await.as_deref(), Some("* potok 1 \"House\""));
    let (_, bans) = owner.list("bans").await.expect("a list");
    assert!(bans.len() == 1 && bans[0].starts_with("198.51.100.0/24 - - "), "{bans:?}");
    let (_, invites) = owner.list("invites").await.expect("a list");
    assert!(invites.len() == 1 && invites[0].starts_with("2 2 "), "{invites:?}");
    let (_, limits) = owner.list("limits").await.expect("a list");
    assert!(limits.contains(&"names_per_key 2".to_owned()), "{limits:?}");
    let mut other = Lines::tls(tracker.address.parse().expect("an address"), tracker.key, &Identity::generate()).await;
    other.expect("register-user chief", "ERR name-taken").await;
}

#[tokio::test]
async fn a_backup_is_made_while_it_runs_and_taken_when_it_does_not() {
    let boss = Identity::generate();
    let tracker = Tracker::start(&format!("owners = [\"{}\"]\n", boss.public_key()));
    let address = tracker.address.parse().expect("an address");
    let mut owner = Lines::tls(address, tracker.key, &boss).await;
    owner.expect("register-user chief", "OK 0").await;
    owner.list("ban 192.0.2.0/24 2d spam").await.expect("a list");
    owner.list("invite 3 1d").await.expect("a list");
    owner.expect("rename-network House", "OK 0").await;
    let mut guest = Lines::tls(address, tracker.key, &Identity::generate()).await;
    guest.expect("register-user guest", "OK 0").await;
    let file = tracker.dir.path().join("backup.toml");
    let path = file.to_str().expect("text");
    let (code, _, said) = tracker.task(&["export", path]);
    assert_eq!(code, Some(0), "{said}");
    let text = std::fs::read_to_string(&file).expect("written");
    for part in ["format = 1", "chief", "guest", "192.0.2.0/24", "spam", "uses_left = 3", "House"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, _, said) = tracker.task(&["export", path]);
    assert!(code == Some(1) && said.contains("is there already"), "an older backup is not overwritten: {said}");
    let (code, _, said) = tracker.task(&["import", path]);
    assert!(code == Some(1) && said.contains("another potok-tracker uses"), "{said}");
    assert_eq!(tracker.running.terminate(), Some(0));
    let other = tracker.dir.path().join("other");
    let output = run(TRACKER, &["import", path, "--data-dir", other.to_str().expect("text")]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("2 names, 1 bans, 1 invites"), "{said}");
    let again = tracker.dir.path().join("again.toml");
    let output = run(TRACKER, &["export", again.to_str().expect("text"), "--data-dir", other.to_str().expect("text")]);
    assert!(output.status.success());
    let lasting = |text: &str| {
        text.lines().filter(|line| !line.starts_with("run_seconds")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lasting(&std::fs::read_to_string(&again).expect("written")), lasting(&text));
    let nobody = run(TRACKER, &["status", "--data-dir", other.to_str().expect("text")]);
    assert_eq!(nobody.status.code(), Some(1));
}

#[tokio::test]
async fn a_name_that_lapses_or_is_released_is_anybodys() {
    let (boss, anna, eve) = (Identity::generate(), Identity::generate(), Identity::generate());
    let settings = format!("owners = [\"{}\"]\nname_lapses_after_days = 30\n", boss.public_key());
    let tracker = Tracker::start(&settings);
    let session = async |tracker: &Tracker, identity: &Identity| {
        Lines::tls(tracker.address.parse().expect("an address"), tracker.key, identity).await
    };
    for name in ["anna", "vera"] {
        session(&tracker, &anna).await.expect(&format!("register-user {name}"), "OK 0").await;
    }
    let mut other = session(&tracker, &eve).await;
    for name in ["anna", "vera"] {
        other.expect(&format!("register-user {name}"), "ERR name-taken").await;
    }
    session(&tracker, &boss).await.expect("release vera", "OK 0").await;
    other.expect("register-user vera", "OK 0").await;
    // The tracker's own clock goes on by days in which anna does not come, as a backup says of another tracker.
    let days_later = |days: u64, from: &str, to: &str| {
        let text = std::fs::read_to_string(from).expect("read");
        let clock = text.lines().find_map(|line| line.strip_prefix("run_seconds = ")).expect("the clock");
        let later = clock.parse::<u64>().expect("seconds") + days * 24 * 3600;
        let (before, after) = (format!("run_seconds = {clock}"), format!("run_seconds = {later}"));
        std::fs::write(to, text.replace(&before, &after)).expect("written");
    };
    let file = |name: &str| tracker.dir.path().join(name).to_str().expect("text").to_owned();
    let backup = file("backup.toml");
    // The clock is written down now and then, and when it ends.
    assert_eq!(tracker.running.terminate(), Some(0));
    assert!(run(TRACKER, &["export", &backup, "--data-dir", &tracker.data]).status.success());
    for (days, said) in [(29, "ERR name-taken"), (31, "OK 0")] {
        let (later, dir) = (file(&format!("{days}.toml")), tempfile::tempdir().expect("folder"));
        days_later(days, &backup, &later);
        let data = dir.path().join("data").to_str().expect("text").to_owned();
        let output = run(TRACKER, &["import", &later, "--data-dir", &data]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let observed = format!("127.0.0.1:{}", free_port());
        let settings = format!("listen = \"127.0.0.1:0\"\nlocal_discovery = false\n{settings}");
        std::fs::write(Path::new(&data).join("config.toml"), settings).expect("written");
        let again = Tracker::run(dir, data, observed);
        session(&again, &eve).await.expect("register-user anna", said).await;
    }
}
