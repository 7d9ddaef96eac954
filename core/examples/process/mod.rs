//! What Linux says of a process, for programs that measure others and themselves.

use std::fs;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Ticks of the processor a second, as /proc counts.
const TICKS: f64 = 100.0;

/// User and system time of a process and its threads so far.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, Error> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: Vec<u64> = after_name.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<u64>() as f64 / TICKS)
}

/// How much memory a process has: `VmRSS` is what is resident now, `VmHWM` the most that was.
pub(crate) fn memory_bytes(pid: u32, what: &str) -> Result<u64, Error> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
