//! Figures as Prometheus reads them. The tracker counts in plain numbers; they become metrics only when somebody asks.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use potok_core::protocol::owner_line::TrackerStanding;
use potok_core::service::tracker_server::{Figures, LATENCY_BOUNDS, ShardFigures, TrackerHandle};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::timeout;

/// A text form of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What Prometheus asks for.
    OpenMetrics,
    /// What everything else reads, `promtool check metrics` too.
    Classic,
}

impl Form {
    /// The one that a program asks for.
    pub(super) fn wanted_by(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Classic }
    }

    /// Its name in HTTP.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// How long the tracker may take to say them.
const FIGURES_MAX: Duration = Duration::from_secs(5);

/// All metrics; none if the tracker does not answer.
pub(super) async fn text(tracker: &TrackerHandle, form: Form) -> Option<String> {
    let figures = timeout(FIGURES_MAX, tracker.figures()).await.ok()??;
    let mut registry = Registry::with_prefix("potok");
    registry.register_collector(Box::new(Snapshot {
        figures,
        since: seconds_since_1970(tracker),
        memory: memory_bytes(),
    }));
    let mut text = String::new();
    encode(&mut text, &registry).ok()?;
    Some(if form == Form::Classic { classic(&text) } else { text })
}

/// The same in the classic form: there a counter is called as its samples are, and there is no unit and no end.
fn classic(text: &str) -> String {
    let of_counter = |line: &str| Some(line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?.to_owned());
    let counters: BTreeSet<String> = text.lines().filter_map(of_counter).collect();
    let mut lines = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let described = ["# HELP ", "# TYPE "].into_iter().find_map(|kind| Some((kind, line.strip_prefix(kind)?)));
        match described.and_then(|(kind, rest)| Some((kind, rest.split_once(' ')?))) {
            Some((kind, (name, rest))) if counters.contains(name) => {
                writeln!(lines, "{kind}{name}_total {rest}").expect("a string takes everything");
            }
            _ => writeln!(lines, "{line}").expect("a string takes everything"),
        }
    }
    lines
}

/// What was looked up at once.
#[derive(Debug)]
struct Snapshot {
    figures: Figures,
    since: u64,
    memory: Option<u64>,
}

type Encoded = Result<(), std::fmt::Error>;

impl Collector for Snapshot {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Encoded {
        let Figures { counts, tally, .. } = &self.figures;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        family(&mut to, "build", "Which program this is", &[(&version[..], 1)], gauge)?;
        family(
            &mut to,
            "start_time_seconds",
            "When it was started, in seconds since 1970",
            &[(&[], self.since)],
            gauge,
        )?;
        if let Some(memory) = self.memory {
            family(&mut to, "resident_memory_bytes", "Memory that the program takes", &[(&[], memory)], gauge)?;
        }
        let plain = (counts.sessions as u64).saturating_sub(self.figures.tls_sessions);
        let kinds = [(&[("kind", "tls")][..], self.figures.tls_sessions), (&[("kind", "plain")][..], plain)];
        family(&mut to, "sessions", "Connections that are open", &kinds, gauge)?;
        let of_keyless = (counts.users as u64).saturating_sub(self.figures.users_with_key);
        let kinds = [(&[("kind", "key")][..], self.figures.users_with_key), (&[("kind", "no_key")][..], of_keyless)];
        family(&mut to, "users", "Sessions that have a name", &kinds, gauge)?;
        for (name, help, value) in [
            ("shares", "Files that are announced", counts.shares as u64),
            ("names", "Names that are owned", counts.names as u64),
            ("bans", "Keys, addresses, prefixes and names that are shut out", self.figures.bans),
            ("invites", "Invites with a token that are good", self.figures.invites),
            ("waiting_users", "Users who wait for an owner to let them in", self.figures.waiting_users),
            ("inbox_messages", "Inputs that wait for the tracker", self.figures.inbox_messages),
            ("queued_sessions", "Sessions that wait for their turn", self.figures.queued_sessions),
        ] {
            family(&mut to, name, help, &[(&[], value)], gauge)?;
        }
        self.shards(&mut to)?;
        self.cluster(&mut to)?;
        let bytes = [
            (&[("direction", "in")][..], self.figures.bytes_in),
            (&[("direction", "out")][..], self.figures.bytes_out),
        ];
        family(&mut to, "bytes", "Bytes of lines, before TLS", &bytes, counter)?;
        family(&mut to, "notices", "Notices that were sent", &[(&[], self.figures.notices)], counter)?;
        family(
            &mut to,
            "resyncs",
            "Sessions that read too slowly and were told so",
            &[(&[], self.figures.resyncs)],
            counter,
        )?;
        let not_understood = [(&[][..], tally.not_understood())];
        family(&mut to, "lines_not_understood", "Lines that were no command", &not_understood, counter)?;

        let verbs: Vec<_> = tally.verbs().filter(|(_, answered)| answered.done + answered.refused > 0).collect();
        let mut rows = Vec::new();
        let labels: Vec<[[(&str, &str); 2]; 2]> = verbs
            .iter()
            .map(|(verb, _)| [[("verb", *verb), ("outcome", "done")], [("verb", *verb), ("outcome", "refused")]])
            .collect();
        for ((_, answered), [done, refused]) in verbs.iter().zip(&labels) {
            rows.push((&done[..], answered.done));
            rows.push((&refused[..], answered.refused));
        }
        family(&mut to, "requests", "Commands, by what became of them", &rows, counter)?;
        // Also those that never were: a rule that looks for an increase sees the first one only after a zero.
        let codes: Vec<_> = tally.codes().collect();
        let labels: Vec<[(&str, &str); 1]> = codes.iter().map(|(code, _)| [("code", code.as_str())]).collect();
        let rows: Vec<_> = codes.iter().zip(&labels).map(|((_, count), label)| (&label[..], *count)).collect();
        family(&mut to, "refusals", "Refusals, by their code", &rows, counter)?;
        self.latencies(&mut to)
    }
}

impl Snapshot {
    fn shards(&self, to: &mut DescriptorEncoder<'_>) -> Encoded {
        let shards = &self.figures.shards;
        let numbers: Vec<String> = (0..shards.len()).map(|number| number.to_string()).collect();
        let labels: Vec<[(&str, &str); 1]> = numbers.iter().map(|number| [("shard", number.as_str())]).collect();
        for (name, help, value) in [
            ("shard_users", "Users whose files are in a shard", (|shard| shard.users) as fn(&ShardFigures) -> u64),
            ("shard_shares", "Files that are announced, by shard", |shard| shard.shares),
            ("shard_unanswered", "What a shard was asked and has not answered", |shard| shard.unanswered),
        ] {
            let rows: Vec<_> = labels.iter().zip(shards).map(|(label, shard)| (&label[..], value(shard))).collect();
            if !rows.is_empty() {
                family(to, name, help, &rows, gauge)?;
            }
        }
        Ok(())
    }

    /// What a tracker tells that is alone, too: rules and panels are the same for all.
    fn cluster(&self, to: &mut DescriptorEncoder<'_>) -> Encoded {
        let cluster = &self.figures.cluster;
        let count = |standing| match (cluster.is_empty(), standing) {
            (true, TrackerStanding::Here) => 1,
            _ => cluster.iter().filter(|tracker| tracker.standing == standing).count() as u64,
        };
        let labels = TrackerStanding::ALL.map(|standing| [("standing", standing.as_str())]);
        let rows: Vec<_> =
            labels.iter().zip(TrackerStanding::ALL).map(|(label, standing)| (&label[..], count(standing))).collect();
        family(to, "trackers", "Trackers of the network, by how they are to this one", &rows, gauge)?;
        let own = cluster.first();
        let age = own.and_then(|own| own.replica_milliseconds).unwrap_or(0) / 1000;
        family(to, "replica_age_seconds", "Age of its copy of what all trackers agree on", &[(&[], age)], gauge)?;
        let partial = own.and_then(|own| own.partial_answers).unwrap_or(0);
        let help = "Answers that lacked the part of another tracker";
        family(to, "partial_answers", help, &[(&[], partial)], counter)
    }

    fn latencies(&self, to: &mut DescriptorEncoder<'_>) -> Encoded {
        let help = "From when lines came until they were all answered, by the verb of the first";
        let mut metric = to.encode_descriptor(
            "request_duration",
            help,
            Some(&Unit::Seconds),
            prometheus_client::metrics::MetricType::Histogram,
        )?;
        for (verb, latency) in self.figures.latencies.iter().filter(|(_, latency)| latency.count() > 0) {
            let bounds = LATENCY_BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(latency.buckets().iter().copied()).collect();
            let labels = [("verb", *verb)];
            let mut of_verb = metric.encode_family(&labels)?;
            of_verb.encode_histogram::<[(&str, &str); 1]>(
                latency.sum().as_secs_f64(),
                latency.count(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

fn counter(value: u64) -> ConstCounter<u64> {
    ConstCounter::new(value)
}

/// One metric with a row for each set of labels.
fn family<M: EncodeMetric>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    rows: &[(&[(&str, &str)], u64)],
    metric: impl Fn(u64) -> M,
) -> Encoded {
    let mut encoder = to.encode_descriptor(name, help, None, metric(0).metric_type())?;
    for (labels, value) in rows {
        if labels.is_empty() {
            // Without labels there is one row.
            return metric(*value).encode(encoder);
        }
        metric(*value).encode(encoder.encode_family(labels)?)?;
    }
    Ok(())
}

fn seconds_since_1970(tracker: &TrackerHandle) -> u64 {
    tracker.since().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// What the system says that this program takes of the memory.
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
