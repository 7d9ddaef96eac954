//! What stands in etcd, below `potok/`:
//!
//! | key | value |
//! |---|---|
//! | `n/<name>` | JSON: the name as it is written, its owner's key and when it was used last; or that it rests, under a lease that lets it go |
//! | `s/<look>` | the name, regardless of case, that looks like this; a name has two looks |
//! | `k/<key>` | JSON: the names that the key owns |
//! | `b/<target>` | JSON: who is shut out, on what terms |
//! | `g/<setting>` | the text of a setting that an owner has ordered; `g/bans/<target>`: that a ban of the configuration is lifted |
//! | `i/<number>` | JSON: an invite |
//! | `l` | the largest number that an invite ever had |
//! | `w/<key>` | JSON: who asks to be let in, and waits for an owner's word |
//! | `c` | where the clock of the cluster stands, in seconds: names lapse by it |
//! | `t/<address>` | JSON: a tracker that is there, under its lease |
//! | `id` | the key that all trackers of the cluster prove |
//!
//! What cannot be read is left out, and left alone: a later version may have written it.

use std::net::{IpAddr, SocketAddr};

use potok_core::model::ban_terms::{BanTerms, Remark};
use potok_core::model::binding::{Ban, BanTarget, Binding, Record};
use potok_core::model::cluster::ClusterTracker;
use potok_core::model::invite::HostPort;
use potok_core::model::invite_token::{IssuedInvite, TokenHash};
use potok_core::model::key::PublicKey;
use potok_core::model::username::Username;
use potok_core::model::waiting_user::WaitingUser;
use serde::{Deserialize, Serialize};

pub(super) const ALL: &str = "potok/";
pub(super) const ALL_END: &str = "potok0";
pub(super) const NAMES: &str = "potok/n/";
pub(super) const NAMES_END: &str = "potok/n0";
const LOOKS: &str = "potok/s/";
const OWNERS: &str = "potok/k/";
pub(super) const BANS: &str = "potok/b/";
pub(super) const BANS_END: &str = "potok/b0";
pub(super) const SETTINGS: &str = "potok/g/";
pub(super) const SETTINGS_END: &str = "potok/g0";
pub(super) const INVITES: &str = "potok/i/";
pub(super) const INVITES_END: &str = "potok/i0";
pub(super) const LAST_INVITE: &str = "potok/l";
pub(super) const LAST_INVITE_END: &str = "potok/l0";
pub(super) const WAITING: &str = "potok/w/";
pub(super) const WAITING_END: &str = "potok/w0";
pub(super) const CLOCK: &str = "potok/c";
pub(super) const CLOCK_END: &str = "potok/c0";
pub(super) const TRACKERS: &str = "potok/t/";
pub(super) const TRACKERS_END: &str = "potok/t0";
pub(super) const IDENTITY: &str = "potok/id";

pub(super) fn name(folded: &str) -> String {
    format!("{NAMES}{folded}")
}

/// The keys of both looks of a name, each once.
pub(super) fn looks(username: &Username) -> Vec<String> {
    let [written, regardless] = username.skeletons();
    let mut looks = vec![format!("{LOOKS}{written}")];
    if regardless != written {
        looks.push(format!("{LOOKS}{regardless}"));
    }
    looks
}

pub(super) fn owner(key: PublicKey) -> String {
    format!("{OWNERS}{key}")
}

pub(super) fn invite(number: u64) -> String {
    format!("{INVITES}{number:020}")
}

pub(super) fn waiting(key: PublicKey) -> String {
    format!("{WAITING}{key}")
}

pub(super) fn tracker(mesh: SocketAddr) -> String {
    format!("{TRACKERS}{mesh}")
}

/// Whose a name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NameValue {
    pub(super) name: String,
    /// None: nobody's, and it rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<PublicKey>,
    #[serde(default)]
    pub(super) used_at: u64,
}

impl NameValue {
    pub(super) fn read(text: &str) -> Option<(Username, Self)> {
        let value: Self = serde_json::from_str(text).ok()?;
        Some((Username::new(&value.name).ok()?, value))
    }

    pub(super) fn of(binding: &Binding) -> Self {
        Self { name: binding.username.to_string(), key: Some(binding.key), used_at: binding.used_at }
    }

    pub(super) fn resting(username: &Username) -> Self {
        Self { name: username.to_string(), key: None, used_at: 0 }
    }
}

#[derive(Serialize, Deserialize)]
struct BanValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct InviteValue {
    /// 32 bytes as a key writes them.
    hash: PublicKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WaitingValue {
    name: String,
    address: IpAddr,
    since: u64,
    asked_at: u64,
}

#[derive(Serialize, Deserialize)]
struct TrackerValue {
    mesh: SocketAddr,
    host: String,
    key: PublicKey,
    epoch: u64,
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

pub(super) fn write_tracker(tracker: &ClusterTracker) -> String {
    let ClusterTracker { mesh, host, key, epoch } = tracker;
    json(&TrackerValue { mesh: *mesh, host: host.to_string(), key: *key, epoch: *epoch })
}

pub(super) fn read_tracker(text: &str) -> Option<ClusterTracker> {
    let TrackerValue { mesh, host, key, epoch } = serde_json::from_str(text).ok()?;
    let host: HostPort = host.parse().ok()?;
    Some(ClusterTracker { mesh, host, key, epoch })
}

/// The key of a ban: a name is banned once, whatever its case.
pub(super) fn ban(target: &BanTarget) -> String {
    match target {
        BanTarget::Name(name) => format!("{BANS}@{}", name.folded()),
        other => format!("{BANS}{other}"),
    }
}

pub(super) fn write_ban(ban: &Ban) -> String {
    let text = |name: &Option<Username>| name.as_ref().map(Username::to_string);
    let username = match &ban.target {
        // As it is written: the key has it regardless of case.
        BanTarget::Name(name) => Some(name.to_string()),
        _ => text(&ban.username),
    };
    let reason = ban.terms.reason.as_ref().map(Remark::to_string);
    json(&BanValue { username, by: text(&ban.terms.by), until: ban.terms.until, reason })
}

pub(super) fn write_invite(invite: &IssuedInvite) -> String {
    json(&InviteValue {
        hash: PublicKey::from_bytes(*invite.hash.as_bytes()),
        uses_left: invite.uses_left,
        until: invite.until,
        by: invite.by.as_ref().map(Username::to_string),
        note: invite.note.as_ref().map(Remark::to_string),
    })
}

fn read_name(text: Option<String>) -> Option<Username> {
    text.and_then(|text| Username::new(&text).ok())
}

fn read_remark(text: Option<String>) -> Option<Remark> {
    text.and_then(|text| Remark::new(&text).ok())
}

pub(super) fn read_invite(number: u64, text: &str) -> Option<IssuedInvite> {
    let value: InviteValue = serde_json::from_str(text).ok()?;
    Some(IssuedInvite {
        number,
        hash: TokenHash::from_bytes(*value.hash.as_bytes()),
        uses_left: value.uses_left,
        until: value.until,
        by: read_name(value.by),
        note: read_remark(value.note),
    })
}

fn write_waiting(user: &WaitingUser) -> String {
    let WaitingUser { username, address, since, asked_at } = user;
    json(&WaitingValue { name: username.to_string(), address: *address, since: *since, asked_at: *asked_at })
}

fn read_waiting(text: &str) -> Option<WaitingUser> {
    let WaitingValue { name, address, since, asked_at } = serde_json::from_str(text).ok()?;
    Some(WaitingUser { username: Username::new(&name).ok()?, address, since, asked_at })
}

/// The key of a record that only has to stand there, and its value, if it is to have one. Invites that are issued are
/// created, names claimed and given up, and the clock only goes on: they have none here.
pub(super) fn value_of(record: &Record) -> Option<(String, Option<String>)> {
    Some(match record {
        Record::Banned(banned) => (ban(&banned.target), Some(write_ban(banned))),
        Record::Unbanned(target) => (ban(target), None),
        Record::Ordered { setting, value } => (format!("{SETTINGS}{setting}"), value.clone()),
        Record::Revoked { number } => (invite(*number), None),
        Record::Waits { key, user } => (waiting(*key), Some(write_waiting(user))),
        Record::WaitsNoMore { key } => (waiting(*key), None),
        _ => return None,
    })
}

/// What a key means that has this value now, or is gone. None: nothing that a tracker remembers.
pub(super) fn record(key: &str, value: Option<&str>) -> Option<Record> {
    if let Some(folded) = key.strip_prefix(NAMES) {
        let Some(text) = value else { return Some(Record::Released { folded: folded.to_owned() }) };
        let (username, value) = NameValue::read(text)?;
        // Under another name it would come and never go.
        if username.folded() != folded {
            return None;
        }
        return Some(match value.key {
            Some(key) => Record::Bound(Binding { username, key, used_at: value.used_at }),
            None => Record::Resting(username),
        });
    }
    if let Some(target) = key.strip_prefix(BANS) {
        let target: BanTarget = target.parse().ok()?;
        let Some(text) = value else { return Some(Record::Unbanned(target)) };
        let value: BanValue = serde_json::from_str(text).ok()?;
        let username = read_name(value.username);
        let (target, username) = match (target, username) {
            (BanTarget::Name(_), Some(written)) => (BanTarget::Name(written), None),
            other => other,
        };
        let terms = BanTerms { reason: read_remark(value.reason), by: read_name(value.by), until: value.until };
        return Some(Record::Banned(Ban { target, username, terms }));
    }
    if let Some(setting) = key.strip_prefix(SETTINGS) {
        return Some(Record::Ordered { setting: setting.to_owned(), value: value.map(str::to_owned) });
    }
    if let Some(number) = key.strip_prefix(INVITES) {
        let number = number.parse().ok()?;
        return match value {
            Some(text) => read_invite(number, text).map(Record::Invited),
            None => Some(Record::Revoked { number }),
        };
    }
    if let Some(waits) = key.strip_prefix(WAITING) {
        let key = waits.parse().ok()?;
        return match value {
            Some(text) => read_waiting(text).map(|user| Record::Waits { key, user }),
            None => Some(Record::WaitsNoMore { key }),
        };
    }
    match value {
        Some(number) if key == LAST_INVITE => Some(Record::LastInvite { number: number.parse().ok()? }),
        Some(seconds) if key == CLOCK => Some(Record::Clock { run_seconds: seconds.parse().ok()? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let name = |text: &str| Username::new(text).expect(text);
        let key = PublicKey::from_bytes([7; 32]);
        let binding = Binding { username: name("Мария"), key, used_at: 9 };
        let terms = BanTerms { reason: Remark::new("a \"b\"").ok(), by: Some(name("anna")), until: Some(9) };
        let banned = Ban { target: "192.0.2.0/24".parse().expect("a prefix"), username: Some(name("eve")), terms };
        let by_name = Ban::new("@Guest".parse().expect("a name"), None);
        let invite = IssuedInvite {
            number: 7,
            hash: TokenHash::from_bytes([3; 32]),
            uses_left: Some(2),
            until: None,
            by: None,
            note: Remark::new("класът").ok(),
        };
        let user =
            WaitingUser { username: name("Вера"), address: IpAddr::from([192, 0, 2, 7]), since: 5, asked_at: 9 };
        for (at, text, read) in [
            (waiting(key), write_waiting(&user), Record::Waits { key, user }),
            (LAST_INVITE.to_owned(), "7".to_owned(), Record::LastInvite { number: 7 }),
            (self::name("мария"), json(&NameValue::of(&binding)), Record::Bound(binding)),
            (self::name("anna"), json(&NameValue::resting(&name("Anna"))), Record::Resting(name("Anna"))),
            (ban(&banned.target), write_ban(&banned), Record::Banned(banned)),
            (ban(&by_name.target), write_ban(&by_name), Record::Banned(by_name)),
            (self::invite(7), write_invite(&invite), Record::Invited(invite)),
            (CLOCK.to_owned(), "12".to_owned(), Record::Clock { run_seconds: 12 }),
            (
                "potok/g/motd".to_owned(),
                "x".to_owned(),
                Record::Ordered { setting: "motd".into(), value: Some("x".into()) },
            ),
        ] {
            assert_eq!(record(&at, Some(&text)), Some(read), "{at}: {text}");
        }
        assert_eq!(ban(&"@Guest".parse().expect("a name")), ban(&"@GUEST".parse().expect("a name")));
        let tracker = ClusterTracker {
            mesh: "10.0.0.1:7688".parse().expect("an address"),
            host: "t1.example.org:7686".parse().expect("a host"),
            key,
            epoch: 5,
        };
        assert_eq!(read_tracker(&write_tracker(&tracker)), Some(tracker));
    }

    #[test]
    fn what_is_gone_says_what_it_was_and_what_is_foreign_says_nothing() {
        let gone = |key: &str| record(key, None);
        assert_eq!(gone("potok/n/anna"), Some(Record::Released { folded: "anna".into() }));
        assert_eq!(gone("potok/i/00000000000000000007"), Some(Record::Revoked { number: 7 }));
        assert!(matches!(gone("potok/b/192.0.2.7"), Some(Record::Unbanned(_))));
        assert!(matches!(gone(&format!("potok/w/{}", "ab".repeat(32))), Some(Record::WaitsNoMore { .. })));
        for foreign in
            ["potok/c", "potok/l", "potok/w/x", "potok/s/x", "potok/k/x", "potok/b/nobody", "potok/i/x", "other"]
        {
            assert_eq!(gone(foreign), None, "{foreign}");
        }
        for (key, value) in
            [("potok/n/anna", "x"), ("potok/n/anna", r#"{"name":"eve"}"#), ("potok/i/7", "{}"), ("potok/c", "x")]
        {
            assert_eq!(record(key, Some(value)), None, "{key} {value}");
        }
    }
}
