//! The data lines that only owners read.

use std::fmt;

use crate::model::ban_terms::{BanTerms, Remark};
use crate::model::binding::{Ban, BanTarget};
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
