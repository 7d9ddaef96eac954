//! What the kernel says about a process: its memory, its processor time. Linux only.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

/// Ticks a second in `/proc`: the same on every Linux that there is.
const TICKS: f64 = 100.0;

/// Resident memory in KiB; 0 for a process that is not there.
pub fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Processor seconds of a process, all its threads.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may contain anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Processors that are used from now on: by the server, by this program, by anything else.
pub struct Usage {
    pid: u32,
    since: Instant,
    server: f64,
    own: f64,
    all: f64,
}

impl Usage {
    pub fn start(pid: u32) -> Self {
        let own = cpu_seconds(std::process::id());
        Self { pid, since: Instant::now(), server: cpu_seconds(pid), own, all: busy_seconds() }
    }

    /// In processors: 1.0 is one of them all the time.
    pub fn processors(&self) -> Value {
        let seconds = self.since.elapsed().as_secs_f64();
        let server = cpu_seconds(self.pid) - self.server;
        let own = cpu_seconds(std::process::id()) - self.own;
        let other = (busy_seconds() - self.all - server - own).max(0.0);
        let rounded = |part: f64| (part / seconds * 100.0).round() / 100.0;
        json!({ "server": rounded(server), "generator": rounded(own), "other": rounded(other) })
    }
}

/// Seconds that the processors of this machine have worked.
fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, (idle, iowait), irq, softirq
    [0, 1, 2, 5, 6].iter().filter_map(|at| ticks.get(*at)).sum::<f64>() / TICKS
}
