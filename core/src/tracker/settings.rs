//! What a tracker's owner may change. Each field says what it is for; the same sentences stand in the commented
//! configuration file.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::binding::BanTarget;
use crate::model::cluster::EtcdUrl;
use crate::model::invite::{HostPort, NetworkAddress};
use crate::model::join_rule::JoinRule;
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::listen;
use crate::model::or_empty::OrEmpty;
use crate::tracker::budget::Allowance;
use crate::tracker::relays::RelayLimits;
use crate::tracker::setting_fault::SettingFault;

/// Defines the settings with their defaults, and a table of what each is for. A setting that had another name once is read by
/// both.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident$(, once $before:literal)?: $type:ty = $default:expr,)+) => {
        /// The settings of one tracker. Unknown fields are refused, missing ones have their defaults.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct TrackerSettings {
            $($(#[doc = $doc])+ $(#[serde(alias = $before)])? pub $name: $type,)+
        }

        impl Default for TrackerSettings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl TrackerSettings {
            /// The names of the settings in which another one differs.
            pub fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut names = Vec::new();
                $(if self.$name != other.$name {
                    names.push(stringify!($name));
                })+
                names
            }

            /// Takes the setting of this name over from another one.
            pub fn take_over(&mut self, setting: &str, from: &Self) {
                match setting {
                    $(stringify!($name) => self.$name = from.$name.clone(),)+
                    _ => {}
                }
            }

            /// Each field's name and what it is for, in order.
            pub const DESCRIPTIONS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];

            /// The name of a setting that goes by this one, or went by it once.
            pub fn name_of(key: &str) -> Option<&'static str> {
                match key {
                    $(stringify!($name) $(| $before)? => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

settings! {
    /// Where the tracker listens; `[::]` is every address, of IPv6 and of IPv4. Port 0 takes any free port.
    listen: SocketAddr = listen::everywhere(limits::TRACKER_PORT),
    /// Where others reach the tracker, HOST or HOST:PORT, if that is not the address of this computer: it stands in invites. Several trackers of one network: HOST:PORT,HOST:PORT.
    public_address: OrEmpty<NetworkAddress> = OrEmpty(None),
    /// Where it tells over HTTP how it does: /healthz, /metrics for Prometheus, /status. For example 127.0.0.1:7687; empty: nowhere.
    observe: OrEmpty<SocketAddr> = OrEmpty(None),
    /// Who shows this word (Authorization: Bearer ...) may read figures there from another computer; empty: nobody may.
    observe_token: String = String::new(),
    /// Whether the invite is a page there, for anybody: the network's name, greeting and link, and nothing of what is shared.
    invite_page: bool = false,
    /// How the log is written: "text", or "json", one object a line.
    log_format: LogFormat = LogFormat::Text,
    /// What everybody sees as the name of this network.
    network_name: String = "Potok".to_owned(),
    /// Lines that everybody is greeted with.
    message_of_the_day: Vec<String> = Vec::new(),
    /// Programs in the same local network find this tracker by itself (multicast DNS).
    local_discovery: bool = true,
    /// Keys of those who may give an owner's commands over their sessions, as `whoami` shows them in Potok's console.
    owners: Vec<PublicKey> = Vec::new(),
    /// Who may register a name for the first time: "open" (anybody), "invite" (who shows the token of an invite), "approval" (the
    /// same, and whom an owner lets in), or "list" (the keys of join_keys alone; a list of keys in place of the word does the same).
    join: JoinRule = JoinRule::Open,
    /// The keys that join = "list" lets in, as `whoami` shows them in Potok's console; owners come in besides.
    join_keys: Vec<PublicKey> = Vec::new(),
    /// Who is shut out: keys of 64 hexadecimal digits, IP addresses, prefixes such as 192.0.2.0/24, or names written as @name.
    bans: Vec<BanTarget> = Vec::new(),

    /// Servers of etcd, as http://IP:PORT or https://IP:PORT, where several trackers that are one network keep names, bans and
    /// settings; empty: this tracker is alone.
    cluster: Vec<EtcdUrl> = Vec::new(),
    /// The file with the certificates (PEM) by which those servers are known; https needs it.
    cluster_ca: String = String::new(),
    /// The file with the certificate (PEM) that this tracker shows them, if they ask for one.
    cluster_certificate: String = String::new(),
    /// The file with the key (PEM) of that certificate.
    cluster_key: String = String::new(),
    /// Where the other trackers of the cluster link to this one, for example 10.0.0.1:7688: an address that they all reach.
    mesh: OrEmpty<SocketAddr> = OrEmpty(None),
    /// Where people reach this tracker of a cluster, HOST:PORT: it stands in invites beside the others; empty: public_address.
    advertise: OrEmpty<HostPort> = OrEmpty(None),

    /// Shards of the catalog of files, each on a thread of its own; 0: one for two processors and two at least, 1: none but the
    /// tracker's own thread.
    shards: usize = 0,
    /// Most files that one user may announce, so that one person cannot fill the memory.
    shares_per_user: usize = limits::SHARES_PER_USER_MAX,
    /// Most bytes of paths that one user may announce.
    path_bytes_per_user: usize = limits::PATH_BYTES_PER_USER_MAX,
    /// Most files that all users together may announce; one file takes about 200 bytes of memory.
    shares_in_all: usize = 20_000_000,

    /// Most files that the users of one address may announce together. An IPv6 /56 is one address.
    shares_per_address: usize = 2_000_000,
    /// Most bytes of their paths.
    path_bytes_per_address: usize = 256 * 1024 * 1024,
    /// Most files that the users of one address may announce who have no key: nobody can tell who they are.
    keyless_shares_per_address: usize = 1_000_000,
    /// Most bytes of their paths.
    keyless_path_bytes_per_address: usize = 64 * 1024 * 1024,
    /// Most files that all users without a key may announce together.
    keyless_shares_in_all: usize = 2_000_000,
    /// Most bytes of the paths of all files that are announced.
    path_bytes_in_all: usize = 1024 * 1024 * 1024,

    /// Most names that one key may own, so that nobody collects them.
    names_per_key: usize = 8,
    /// A name that its owner has not used while the tracker ran for so many days may be taken by somebody else.
    name_lapses_after_days: u64 = limits::BINDING_LIFETIME.as_secs() / (24 * 3600),
    /// Most names that are remembered in all.
    names_in_all: usize = 1_000_000,
    /// New names that may come from one address at once: a school may come on one day. An IPv6 /56 is one address.
    new_names_per_address: u64 = 1_000,
    /// New names that may come from one address in an hour beyond that.
    new_names_per_address_per_hour: u64 = 60,

    /// Most open connections from one address. Raise it where many people share one address.
    connections_per_address: usize = limits::CONNECTIONS_PER_ADDRESS_MAX,
    /// Most connections in all; each needs a file descriptor of the system.
    connections: usize = 100_000,
    /// Most connections from one address that have proven nothing yet; the oldest of them gives way to the next.
    handshakes_per_address: usize = 128,
    /// Most connections in all that have proven nothing yet; of the address with most of them the oldest gives way.
    handshakes: usize = 4096,
    /// Most sessions without a name; the one that has been silent longest makes room.
    unregistered_sessions: usize = limits::UNREGISTERED_SESSIONS_MAX,
    /// Seconds in which a TLS connection must have finished its handshake and sent its first command.
    tls_first_command_seconds: u64 = limits::TLS_FIRST_COMMAND_MAX.as_secs(),
    /// Seconds in which a plain connection must have sent its first command: a person types.
    plain_first_command_seconds: u64 = limits::PLAIN_FIRST_COMMAND_MAX.as_secs(),
    /// Seconds of silence after which a TLS session is dead. Clients say something every 30 seconds.
    tls_silence_seconds: u64 = limits::TLS_SILENCE_MAX.as_secs(),
    /// Seconds of silence after which a plain session is dead: a person reads.
    plain_silence_seconds: u64 = limits::PLAIN_SILENCE_MAX.as_secs(),
    /// Seconds after which a session that takes none of the bytes waiting for it is dead.
    send_stall_seconds: u64 = 60,
    /// Lines in a row that are not even text, after which a session is closed.
    faulty_lines: u32 = 8,

    /// Whether bytes of two who cannot reach each other are carried through the tracker, which cannot read them.
    relay: bool = false,
    /// Bytes a second of all relays together, both directions, in equal shares for those who use them.
    relay_bytes_per_second: u64 = limits::RELAY_BYTES_PER_SECOND,
    /// Bytes that relays carry for one user in 24 hours, and four times as much for those of one address.
    relay_bytes_per_user_per_day, once "relay_bytes_per_user_day": u64 = limits::RELAY_BYTES_PER_USER_DAY,
    /// Most relays at one time.
    relays: usize = 32,
    /// Of them, most of one user, and four times as many of one address.
    relays_per_user: usize = 2,
    /// Seconds after which a relay that carries nothing ends.
    relay_idle_seconds: u64 = 60,

    /// Most lines of one list for a session without a name: a stranger must not turn a short question into megabytes.
    unregistered_lines: usize = limits::UNREGISTERED_LINES_MAX,
    /// Bytes of lists that sessions without a name at one address may ask for at once.
    unregistered_answer_bytes: u64 = 4 * 1024 * 1024,
    /// Bytes a second by which that allowance comes back.
    unregistered_answer_bytes_per_second: u64 = 256 * 1024,
    /// Bytes of notices that wait for a slow reader. Beyond it the reader is told to ask for the lists again.
    send_queue_bytes: usize = limits::SEND_QUEUE_BYTES_MAX,
    /// Milliseconds in which changes of one user become one notice.
    notice_window_milliseconds: u64 = duration_millis(limits::NOTICE_MERGE_WINDOW),
}

const fn duration_millis(duration: Duration) -> u64 {
    duration.as_secs() * 1000 + duration.subsec_millis() as u64
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {what}")]
pub struct BadSetting {
    /// The name of the setting.
    pub setting: &'static str,
    /// What would be right.
    pub what: SettingFault,
}

/// Settings that are looked at only when a tracker starts.
pub const AT_START: &[&str] = &[
    "listen",
    "observe",
    "log_format",
    "cluster",
    "cluster_ca",
    "cluster_certificate",
    "cluster_key",
    "mesh",
    "advertise",
    "shards",
    "connections_per_address",
    "connections",
    "handshakes_per_address",
    "handshakes",
    "tls_first_command_seconds",
    "send_stall_seconds",
    "send_queue_bytes",
    "notice_window_milliseconds",
];

/// Most shards of a catalog: a question goes to all of them.
pub const SHARDS_MAX: usize = 64;
/// Most keys that may give an owner's commands.
pub const OWNERS_MAX: usize = 100;

impl TrackerSettings {
    /// What sessions without a name may ask for.
    pub(super) fn answer_allowance(&self) -> Allowance {
        Allowance {
            burst: self.unregistered_answer_bytes,
            per_hour: self.unregistered_answer_bytes_per_second.saturating_mul(3600),
        }
    }

    /// How many new names may come from one address.
    pub(super) fn name_allowance(&self) -> Allowance {
        Allowance { burst: self.new_names_per_address, per_hour: self.new_names_per_address_per_hour }
    }

    /// Whether a key is among those that `join = "list"` lets in.
    pub(super) fn lists(&self, key: PublicKey) -> bool {
        matches!(&self.join, JoinRule::List(keys) if keys.contains(&key) || self.join_keys.contains(&key))
    }

    /// What of the relay is offered.
    pub fn relay_limits(&self) -> RelayLimits {
        RelayLimits {
            is_on: self.relay,
            bytes_per_second: self.relay_bytes_per_second,
            bytes_per_user_day: self.relay_bytes_per_user_per_day,
            in_all: self.relays,
            per_user: self.relays_per_user,
            idle_max: Duration::from_secs(self.relay_idle_seconds),
        }
    }

    /// Offers this of the relay.
    pub(crate) fn set_relay_limits(&mut self, limits: RelayLimits) {
        let RelayLimits { is_on, bytes_per_second, bytes_per_user_day, in_all, per_user, idle_max } = limits;
        (self.relay, self.relays, self.relays_per_user) = (is_on, in_all, per_user);
        self.relay_bytes_per_second = bytes_per_second;
        self.relay_bytes_per_user_per_day = bytes_per_user_day;
        self.relay_idle_seconds = idle_max.as_secs();
    }

    pub(crate) fn first_command_max(&self, tls: bool) -> Duration {
        let seconds = if tls { self.tls_first_command_seconds } else { self.plain_first_command_seconds };
        Duration::from_secs(seconds)
    }

    pub(crate) fn silence_max(&self, tls: bool) -> Duration {
        Duration::from_secs(if tls { self.tls_silence_seconds } else { self.plain_silence_seconds })
    }
}

/// Text that stays one line on every screen.
pub(crate) fn is_line(text: &str) -> bool {
    text.len() <= limits::GREETING_LINE_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_every_field_is_described() {
        assert_eq!(TrackerSettings::default().check(), Ok(()));
        assert_eq!(TrackerSettings::default().notice_window_milliseconds, 250);
        for (name, description) in TrackerSettings::DESCRIPTIONS {
            assert!(description.trim().ends_with('.'), "{name}: {description}");
        }
    }
}
