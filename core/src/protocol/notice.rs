//! What a tracker says without being asked. `docs/protocol.md` calls these notices.
//!
//! ```text
//! notice = "*" SP name *( SP field ) LF
//! ```

use std::fmt;

use crate::model::ban_terms::Remark;
use crate::model::invite::{HostPort, NetworkAddress};
use crate::model::limits;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::encounter::ConnectNotice;
use crate::protocol::field::{self, AsField, Quoted};
use crate::protocol::reply::{BadReply, FileLine, OrDash, UserLine};
use crate::protocol::trial::TrialNotice;

/// What a session may do on its tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// What everybody may; a session that is told nothing is one of these.
    #[default]
    User,
    /// What the tracker's owners may, too.
    Owner,
}

impl Role {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Owner => "owner",
        }
    }
}

/// One notice: what the tracker says unasked, behind a `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `potok <version> "<network name>"`: the greeting.
    Greeting {
        /// The version of the protocol that the tracker speaks.
        version: u32,
        /// What the tracker's owner calls the network.
        network: String,
    },
    /// `motd "<line>"`: one line of the message of the day.
    MessageOfTheDay(String),
    /// `joined <username> <ip:port or -> <key or ->`
    Joined(UserLine),
    /// `left <username>`
    Left(Username),
    /// `shared <username> <size or -> <hash or -> <path>`
    Shared(FileLine),
    /// `unshared <username> <path>`
    Unshared(Username, SharePath),
    /// `changed <username>`: several shares of this user came or went at once; ask for the list.
    Changed(Username),
    /// `resync`: notices were left out; ask for the lists.
    Resync,
    /// `displaced <username>`: the key that owns this name has come; the session, which had none, is without a name.
    Displaced(Username),
    /// `connect <ticket> <username> <key> <ip:port or -> <open|closed|unknown> [name=value …]`: somebody asks to be met.
    Connect(Box<ConnectNotice>),
    /// `reach <ip:port> <open|refused|silent|stranger>`: what came of dialling who asked for it.
    Reach(TrialNotice),
    /// `broadcast <username or -> "<text>"`: an owner has a word for everybody.
    Broadcast(Option<Username>, Remark),
    /// `waiting <username>`: for owners: somebody asks to be let in; ask for the list.
    Waiting(Username),
    /// `role <owner|user>`: whether this session may give an owner's commands.
    Role(Role),
    /// `trackers <host:port> …`: where the network is met, as it stands in an invite.
    Trackers(NetworkAddress),
    /// `ping <seconds>`: who has heard nothing for so long should ask `ping`; there are other trackers to go to.
    Ping {
        /// For how long.
        seconds: u16,
    },
    /// `partial <missing> <of>`: of so many trackers so many are missing in the answer that follows.
    Partial {
        /// How many did not answer in time.
        missing: usize,
        /// How many have a part of it.
        of: usize,
    },
    /// `closing "<reason>"`: the tracker ends this session, and why.
    Closing(String),
    /// A notice of a later version. Ignored.
    Unknown,
}

impl Notice {
    /// Reads a notice without its `* `.
    pub fn parse(text: &str) -> Result<Self, BadReply> {
        let fields = field::fields(text).map_err(|_grammar| BadReply)?;
        let words: Vec<&str> = fields.iter().map(|f| f.text.as_ref()).collect();
        let name = |text: &str| Username::new(text).map_err(|_bad_name| BadReply);
        let path = |text: &str| SharePath::new(text).map_err(|_bad_path| BadReply);
        match words.as_slice() {
            ["potok", _, line, ..] | ["motd", line] if line.len() > limits::GREETING_LINE_BYTES_MAX => Err(BadReply),
            ["potok", version, network, ..] => Ok(Self::Greeting {
                version: version.parse().map_err(|_not_a_number| BadReply)?,
                network: (*network).to_owned(),
            }),
            ["motd", line] => Ok(Self::MessageOfTheDay((*line).to_owned())),
            ["joined", rest @ ..] => UserLine::parse(&rest.join(" ")).map(Self::Joined),
            ["left", username] => Ok(Self::Left(name(username)?)),
            ["shared", username, size, hash, share_path] => {
                FileLine::parse(&format!("{username} {size} {hash} {share_path}")).map(Self::Shared)
            }
            ["unshared", username, share_path] => Ok(Self::Unshared(name(username)?, path(share_path)?)),
            ["changed", username] => Ok(Self::Changed(name(username)?)),
            ["displaced", username] => Ok(Self::Displaced(name(username)?)),
            ["connect", rest @ ..] => ConnectNotice::parse(rest).map(Box::new).map(Self::Connect),
            ["reach", rest @ ..] => TrialNotice::parse(rest).map(Self::Reach),
            ["resync"] => Ok(Self::Resync),
            ["broadcast", by, text] => {
                let by = (*by != "-").then(|| name(by)).transpose()?;
                Ok(Self::Broadcast(by, Remark::new(text).map_err(|_no_remark| BadReply)?))
            }
            ["waiting", username, ..] => Ok(Self::Waiting(name(username)?)),
            ["role", "owner", ..] => Ok(Self::Role(Role::Owner)),
            ["role", ..] => Ok(Self::Role(Role::User)),
            ["trackers", addresses @ ..] => {
                let addresses: Result<Vec<HostPort>, _> = addresses.iter().map(|address| address.parse()).collect();
                addresses.and_then(NetworkAddress::new).map(Self::Trackers).map_err(|_no_address| BadReply)
            }
            ["ping", seconds, ..] => Ok(Self::Ping { seconds: seconds.parse().map_err(|_not_a_number| BadReply)? }),
            ["partial", missing, of, ..] => Ok(Self::Partial {
                missing: missing.parse().map_err(|_not_a_number| BadReply)?,
                of: of.parse().map_err(|_not_a_number| BadReply)?,
            }),
            ["closing", reason] => Ok(Self::Closing((*reason).to_owned())),
            [] => Err(BadReply),
            _ => Ok(Self::Unknown),
        }
    }
}

impl fmt::Display for Notice {
    /// The whole line without its LF, `* ` included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting { version, network } => write!(f, "* potok {version} {}", Quoted(network)),
            Self::MessageOfTheDay(line) => write!(f, "* motd {}", Quoted(line)),
            Self::Joined(user) => write!(f, "* joined {user}"),
            Self::Left(username) => write!(f, "* left {username}"),
            Self::Shared(file) => write!(
                f,
                "* shared {} {} {} {}",
                file.username,
                OrDash(file.size),
                OrDash(file.hash),
                AsField(file.path.as_str())
            ),
            Self::Unshared(username, path) => write!(f, "* unshared {username} {}", AsField(path.as_str())),
            Self::Changed(username) => write!(f, "* changed {username}"),
            Self::Connect(notice) => write!(f, "* connect {notice}"),
            Self::Reach(notice) => write!(f, "* reach {notice}"),
            Self::Resync => f.write_str("* resync"),
            Self::Displaced(username) => write!(f, "* displaced {username}"),
            Self::Broadcast(by, text) => write!(f, "* broadcast {} {}", OrDash(by.as_ref()), Quoted(text.as_str())),
            Self::Waiting(username) => write!(f, "* waiting {username}"),
            Self::Role(role) => write!(f, "* role {}", role.as_str()),
            Self::Trackers(addresses) => {
                f.write_str("* trackers")?;
                addresses.iter().try_for_each(|address| write!(f, " {address}"))
            }
            Self::Ping { seconds } => write!(f, "* ping {seconds}"),
            Self::Partial { missing, of } => write!(f, "* partial {missing} {of}"),
            Self::Closing(reason) => write!(f, "* closing {}", Quoted(reason)),
            Self::Unknown => f.write_str("* unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::head::Head;

    #[test]
    fn events_round_trip() {
        let key = "ab".repeat(32);
        for line in [
            "* potok 1 \"Friends of \\\"Potok\\\"\"",
            "* motd \"welcome, all\"",
            "* joined anna 127.0.0.1:4001 -",
            &format!("* joined anna - {key}"),
            "* left anna",
            &format!("* shared anna 12 {key} \"Trip/day 1.jpg\""),
            "* shared anna - - x",
            "* unshared anna \"a b\"",
            "* changed anna",
            &format!("* connect {} anna {key} 192.0.2.1:4001 unknown back={}", "A".repeat(22), "B".repeat(21) + "A"),
            "* reach 192.0.2.1:4001 silent",
            "* resync",
            "* displaced anna",
            "* broadcast anna \"back at \\\"8\\\"\"",
            "* broadcast - \"good night\"",
            "* waiting anna",
            "* role owner",
            "* role user",
            "* trackers a.example.org:7686 [2001:db8::1]:7686",
            "* ping 3",
            "* partial 1 3",
            "* closing \"taken over\"",
        ] {
            let Head::Notice(event) = Head::parse(line).expect(line) else { panic!("{line}") };
            assert_eq!(event.to_string(), line);
        }
        for line in ["* potok 1 ", "* motd "] {
            let of = |bytes: usize| Head::parse(&format!("{line}\"{}\"", "x".repeat(bytes)));
            assert!(of(limits::GREETING_LINE_BYTES_MAX).is_ok() && of(limits::GREETING_LINE_BYTES_MAX + 1).is_err());
        }
        assert!(Head::parse("* trackers").is_err() && Head::parse("* trackers a:b").is_err());
        assert_eq!(Head::parse("* weather sunny 7"), Ok(Head::Notice(Notice::Unknown)));
    }
}
