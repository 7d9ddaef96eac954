//! The data lines that only owners read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::model::ban_terms::{BanTerms, Remark};
use crate::model::binding::{Ban, BanTarget};
use crate::model::invite_token::InviteToken;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::field::{self, Quoted};
use crate::protocol::reply::{BadReply, OrDash, decimal};

/// One line of `bans`: `<target> <username or -> <by or -> <until or -> "<reason>"`, the end in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanLine(pub Ban);

impl BanLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let fields = field::fields(line).map_err(|_grammar| BadReply)?;
        let words: Vec<&str> = fields.iter().map(|field| field.text.as_ref()).collect();
        let [target, username, by, until, reason, ..] = words.as_slice() else { return Err(BadReply) };
        let target: BanTarget = target.parse().map_err(|_no_target| BadReply)?;
        let reason = (!reason.is_empty()).then(|| Remark::new(reason)).transpose().map_err(|_no_remark| BadReply)?;
        let terms = BanTerms { reason, by: name(by)?, until: number(until)? };
        Ok(Self(Ban { target, username: name(username)?, terms }))
    }
}

impl fmt::Display for BanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ban { target, username, terms } = &self.0;
        let reason = terms.reason.as_ref().map_or("", Remark::as_str);
        let (username, by) = (OrDash(username.as_ref()), OrDash(terms.by.as_ref()));
        write!(f, "{target} {username} {by} {} {}", OrDash(terms.until), Quoted(reason))
    }
}

/// One line of `invites`: `<number> <uses left or -> <until or -> <by or -> "<note>"`, the end in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteLine {
    /// Its number, by which it is revoked.
    pub number: u64,
    /// How many may still come in by it; none: any number.
    pub uses_left: Option<u64>,
    /// When it ends; none: never.
    pub until: Option<u64>,
    /// Which owner issued it.
    pub by: Option<Username>,
    /// What the owner noted.
    pub note: Option<Remark>,
}

impl InviteLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let fields = field::fields(line).map_err(|_grammar| BadReply)?;
        let words: Vec<&str> = fields.iter().map(|field| field.text.as_ref()).collect();
        let [issued, uses_left, until, by, note, ..] = words.as_slice() else { return Err(BadReply) };
        let note = (!note.is_empty()).then(|| Remark::new(note)).transpose().map_err(|_no_remark| BadReply)?;
        let issued = decimal(issued).ok_or(BadReply)?;
        Ok(Self { number: issued, uses_left: number(uses_left)?, until: number(until)?, by: name(by)?, note })
    }
}

impl fmt::Display for InviteLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (uses_left, until, by) = (OrDash(self.uses_left), OrDash(self.until), OrDash(self.by.as_ref()));
        let note = self.note.as_ref().map_or("", Remark::as_str);
        write!(f, "{} {uses_left} {until} {by} {}", self.number, Quoted(note))
    }
}

/// The line of `invite`: `<number> <token> <uses or -> <until or ->`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLine {
    /// The number of the invite.
    pub number: u64,
    /// What lets people in. It is told once: the tracker keeps its hash.
    pub token: InviteToken,
    /// How many may come in by it; none: any number.
    pub uses: Option<u64>,
    /// When it ends; none: never.
    pub until: Option<u64>,
}

impl TokenLine {
    /// Reads the data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let words: Vec<&str> = line.split(' ').collect();
        let [issued, token, uses, until, ..] = words.as_slice() else { return Err(BadReply) };
        let token = token.parse().map_err(|_bad_token| BadReply)?;
        Ok(Self { number: decimal(issued).ok_or(BadReply)?, token, uses: number(uses)?, until: number(until)? })
    }
}

impl fmt::Display for TokenLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.number, self.token, OrDash(self.uses), OrDash(self.until))
    }
}

/// One line of `waiting`: `<username> <key> <ip> <since>`, the time in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLine {
    /// The name that they ask for.
    pub username: Username,
    /// The key that they proved.
    pub key: PublicKey,
    /// From where they came.
    pub address: IpAddr,
    /// Since when they ask.
    pub since: u64,
}

impl WaitingLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let words: Vec<&str> = line.split(' ').collect();
        let [username, key, address, since, ..] = words.as_slice() else { return Err(BadReply) };
        Ok(Self {
            username: Username::new(username).map_err(|_bad_name| BadReply)?,
            key: key.parse().map_err(|_bad_key| BadReply)?,
            address: address.parse().map_err(|_bad_address| BadReply)?,
            since: decimal(since).ok_or(BadReply)?,
        })
    }
}

impl fmt::Display for WaitingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.username, self.key, self.address, self.since)
    }
}

/// One line of `limits` and `stats`: `<name> <number>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureLine {
    /// Which limit or figure it is.
    pub name: String,
    /// Its value, in the unit that its name says.
    pub value: u64,
}

impl FigureLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let (name, value) = line.split_once(' ').ok_or(BadReply)?;
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_name {
            return Err(BadReply);
        }
        // A later tracker may say more of it.
        let value = value.split(' ').next().and_then(decimal).ok_or(BadReply)?;
        Ok(Self { name: name.to_owned(), value })
    }
}

impl fmt::Display for FigureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.value)
    }
}

/// How a tracker is to the one that tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerStanding {
    /// It is that one itself.
    Here,
    /// There is a link to it.
    Linked,
    /// There is none, now.
    Away,
}

impl TrackerStanding {
    /// Every word that there is.
    pub const ALL: [Self; 3] = [Self::Here, Self::Linked, Self::Away];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Linked => "linked",
            Self::Away => "away",
        }
    }
}

/// One line of `cluster`: `<ip:port> <here|linked|away> <users> <milliseconds or -> <number or ->`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerLine {
    /// Where other trackers link to it, which is what they call it.
    pub at: SocketAddr,
    /// How it is to who tells this.
    pub standing: TrackerStanding,
    /// How many users it has, as far as that is known.
    pub users: u64,
    /// Of who tells this: how old its copy is of what all trackers agree on.
    pub replica_milliseconds: Option<u64>,
    /// Of who tells this: how many of its answers lacked the part of another one, since it was started.
    pub partial_answers: Option<u64>,
}

impl TrackerLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let words: Vec<&str> = line.split(' ').collect();
        let [at, standing, users, replica, partial, ..] = words.as_slice() else { return Err(BadReply) };
        let or_dash = |word: &str| if word == "-" { Ok(None) } else { decimal(word).map(Some).ok_or(BadReply) };
        Ok(Self {
            at: at.parse().map_err(|_no_address| BadReply)?,
            standing: TrackerStanding::ALL.into_iter().find(|one| one.as_str() == *standing).ok_or(BadReply)?,
            users: decimal(users).ok_or(BadReply)?,
            replica_milliseconds: or_dash(replica)?,
            partial_answers: or_dash(partial)?,
        })
    }
}

impl fmt::Display for TrackerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, standing, users, replica_milliseconds, partial_answers } = self;
        write!(f, "{at} {} {users} {} {}", standing.as_str(), OrDash(*replica_milliseconds), OrDash(*partial_answers))
    }
}

/// One line of `reload`: a setting that is another one in the configuration, and from when on it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadedSetting {
    /// Which setting it is.
    pub name: String,
    /// From when on it counts.
    pub counts: CountsFrom,
}

/// From when on a setting counts that was read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsFrom {
    /// It counts now.
    Now,
    /// Only a start of the tracker takes it.
    NextStart,
    /// What an owner has set by a command goes before it.
    Ordered,
}

impl CountsFrom {
    /// Every word that there is.
    pub const ALL: [Self; 3] = [Self::Now, Self::NextStart, Self::Ordered];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::NextStart => "next-start",
            Self::Ordered => "ordered",
        }
    }
}

impl ReloadedSetting {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let (name, word) = line.split_once(' ').ok_or(BadReply)?;
        let counts = CountsFrom::ALL.into_iter().find(|counts| counts.as_str() == word).ok_or(BadReply)?;
        Ok(Self { name: name.to_owned(), counts })
    }
}

impl fmt::Display for ReloadedSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.counts.as_str())
    }
}

fn name(word: &str) -> Result<Option<Username>, BadReply> {
    if word == "-" { Ok(None) } else { Username::new(word).map(Some).map_err(|_bad_name| BadReply) }
}

fn number(word: &str) -> Result<Option<u64>, BadReply> {
    if word == "-" { Ok(None) } else { decimal(word).map(Some).ok_or(BadReply) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_is_read_as_it_is_written() {
        for line in ["10.0.0.1:7688 here 12 800 3", "10.0.0.2:7688 linked 4 - -", "[fd00::3]:7688 away 0 - -"] {
            assert_eq!(TrackerLine::parse(line).expect(line).to_string(), line);
        }
        assert!(
            TrackerLine::parse("10.0.0.1:7688 here 12 800 3 more").is_ok(),
            "what a later version says is passed over"
        );
        for bad in
            ["", "10.0.0.1 here 1 - -", "10.0.0.1:1 there 1 - -", "10.0.0.1:1 here -1 - -", "10.0.0.1:1 here 1 x -"]
        {
            assert_eq!(TrackerLine::parse(bad), Err(BadReply), "{bad}");
        }
    }

    #[test]
    fn lines_round_trip() {
        let key = "ab".repeat(32);
        for line in [
            &*format!("{key} anna - - \"\""),
            "192.0.2.0/24 - Мария 1800000000 \"again \\\"and\\\" again\"",
            "@guest guest anna - \"rude\"",
        ] {
            assert_eq!(BanLine::parse(line).expect(line).to_string(), line);
        }
        for bad in ["", "anna - - - \"\"", "@a - - - ", "@a - - x \"\"", "@a - - - \"", "@a b c d \"\" "] {
            assert!(BanLine::parse(bad).is_err(), "{bad}");
        }
        for line in ["7 - - - \"\"", "8 1 1800000000 anna \"for the class\""] {
            assert_eq!(InviteLine::parse(line).expect(line).to_string(), line);
        }
        for line in ["7 -_v7-_v7-_v7-_v7-_v7-w - -", "8 -_v7-_v7-_v7-_v7-_v7-w 1 1800000000"] {
            assert_eq!(TokenLine::parse(line).expect(line).to_string(), line);
        }
        let line = format!("anna {key} 192.0.2.7 1800000000");
        assert_eq!(WaitingLine::parse(&line).expect("a line").to_string(), line);
        for bad in ["", "7", "x - - - \"\"", "7 - - - \"", "anna 7"] {
            assert!(
                InviteLine::parse(bad).is_err() && TokenLine::parse(bad).is_err() && WaitingLine::parse(bad).is_err()
            );
        }
        for counts in CountsFrom::ALL {
            let setting = ReloadedSetting { name: "listen".into(), counts };
            assert_eq!(ReloadedSetting::parse(&setting.to_string()), Ok(setting));
        }
        assert!(ReloadedSetting::parse("listen later").is_err() && ReloadedSetting::parse("listen").is_err());
        assert_eq!(FigureLine::parse("users 7").expect("a figure").to_string(), "users 7");
        assert_eq!(FigureLine::parse("users 7 of 9").expect("a figure").value, 7);
        for bad in ["", "users", "users x", "Users 7", " 7", "users -1"] {
            assert!(FigureLine::parse(bad).is_err(), "{bad}");
        }
    }
}
