//! Load on servers that speak lines, and the limits of a machine to compare them with. Everything stays on this computer.
//! Figures go to standard output as a line of JSON. `benches/servers.py` runs it.

mod client;
mod hold;
mod limit;
mod load;
mod names;
mod needles;
mod reply;
mod source;
mod template;
mod tls;
mod usage;

use std::io;

use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

#[derive(Debug, Parser)]
#[command(about = "Load on servers that speak lines, and the limits of a machine to compare them with")]
enum Command {
    /// Requests and replies
    Load(load::Args),
    /// Users who stay, and what they are told
    Hold(hold::Args),
    /// Users who stay on TLS
    Tls(tls::Args),
    /// A server that does nothing but TLS
    TlsServer(tls::ServerArgs),
    /// A server of one thread without a tracker's rules
    Limit(limit::Args),
    /// A peer that is slow, or whose blocks are not what it announced
    Source(source::Args),
    /// Words to search for in the names
    Needles(needles::Args),
    /// The names of the first files, one a line
    Names { count: u64 },
}

fn main() -> io::Result<()> {
    match Command::parse() {
        Command::Load(args) => load::run(&args),
        Command::Hold(args) => hold::run(&args),
        Command::Tls(args) => tls::run(&args),
        Command::TlsServer(args) => tls::serve(&args),
        Command::Limit(args) => limit::run(&args),
        Command::Source(args) => source::run(&args),
        Command::Needles(args) => needles::run(&args),
        Command::Names { count } => needles::print_names(count),
    }
}

/// Times in nanoseconds, up to ten minutes.
fn nanoseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("the bounds are in order")
}

/// What is read from them, in milliseconds.
fn quantiles(times: &Histogram<u64>) -> Value {
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1e6;
    json!({ "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": times.max() as f64 / 1e6 })
}
