//! `release`, `motd`, `rename-network`, `limits`, `broadcast`, `stats` and `reload`.

use std::fmt;

use crate::model::ban_terms::Remark;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::arguments::{WORDS_MAX, no_more, take, take_username};
use crate::protocol::command::owner::{remark, take_remark};
use crate::protocol::command::{Verb, bare_verb};
use crate::protocol::field::Quoted;
use crate::protocol::value;

/// Makes a name free that its owner has lost the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseName {
    /// Which name, in any case.
    pub username: Username,
}

impl Verb for ReleaseName {
    const NAME: &'static str = "release";
    const USAGE: &'static str = "release <username>: for owners: make a name free whose owner has lost the key";
    const EXAMPLES: &'static [&'static str] = &["release anna"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        no_more(rest, Self::usage).map(|()| Self { username })
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)
    }
}

/// Sets the message of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetMessage {
    /// Line by line; no line says nothing. None: what the configuration says.
    pub lines: Option<Vec<Remark>>,
}

impl Verb for SetMessage {
    const NAME: &'static str = "motd";
    const USAGE: &'static str = "motd [\"line\" ...]: for owners: what everybody is greeted with; \"\" for nothing, no line for \
                                 what the configuration says";
    const EXAMPLES: &'static [&'static str] = &["motd", "motd \"\"", "motd \"Welcome, all\" \"Be kind\""];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let mut lines = Vec::new();
        let mut is_said = false;
        while let Some(field) = take(&mut rest)? {
            if lines.len() == WORDS_MAX {
                return Err(Refusal::new(Code::Usage, format!("a message has at most {WORDS_MAX} lines")));
            }
            // An empty line is no line: alone it says that there is no message.
            is_said = true;
            if !field.text.trim().is_empty() {
                lines.push(remark(&field.text)?);
            }
        }
        Ok(Self { lines: is_said.then_some(lines) })
    }
}

impl fmt::Display for SetMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        let Some(lines) = &self.lines else { return Ok(()) };
        if lines.is_empty() {
            return f.write_str(" \"\"");
        }
        lines.iter().try_for_each(|line| write!(f, " {}", Quoted(line.as_str())))
    }
}

/// Gives the network another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameNetwork {
    /// The new name; none: what the configuration says.
    pub name: Option<Remark>,
}

impl Verb for RenameNetwork {
    const NAME: &'static str = "rename-network";
    const USAGE: &'static str = "rename-network [name]: for owners: what everybody sees as this network's name; without one what the configuration says";
    const EXAMPLES: &'static [&'static str] = &["rename-network", "rename-network \"Our house\""];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        Ok(Self { name: take_remark(rest, Self::usage)? })
    }
}

impl fmt::Display for RenameNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " {}", Quoted(name.as_str())))
    }
}

/// Lists the limits that can be changed while the tracker runs, or changes some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetLimits {
    /// The names of limits, each with its new value; none: what the configuration says.
    pub changes: Vec<(String, Option<u64>)>,
}

const CONFIGURED: &str = "default";

impl Verb for SetLimits {
    const NAME: &'static str = "limits";
    const USAGE: &'static str =
        "limits [name=number | name=default ...]: for owners: a line for each limit, after changing these";
    const EXAMPLES: &'static [&'static str] = &["limits", "limits shares_per_user=1000 names_per_key=default"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let mut changes = Vec::new();
        while let Some(field) = take(&mut rest)? {
            if changes.len() == WORDS_MAX {
                return Err(Refusal::new(Code::Usage, format!("a command takes at most {WORDS_MAX} words")));
            }
            let (name, new) = field.text.split_once('=').ok_or_else(Self::usage)?;
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if field.quoted || !is_name {
                return Err(Self::usage());
            }
            let new = if new == CONFIGURED { None } else { Some(value::number(new)?) };
            changes.push((name.to_owned(), new));
        }
        Ok(Self { changes })
    }
}

impl fmt::Display for SetLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.changes.iter().try_for_each(|(name, value)| match value {
            Some(value) => write!(f, " {name}={value}"),
            None => write!(f, " {name}={CONFIGURED}"),
        })
    }
}

/// Says a word to everybody who is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// What is said.
    pub text: Remark,
}

impl Verb for Broadcast {
    const NAME: &'static str = "broadcast";
    const USAGE: &'static str = "broadcast <text>: for owners: tell everybody who is here";
    const EXAMPLES: &'static [&'static str] = &["broadcast \"back in \\\"5\\\" minutes\""];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        take_remark(rest, Self::usage)?.map(|text| Self { text }).ok_or_else(Self::usage)
    }
}

impl fmt::Display for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, Quoted(self.text.as_str()))
    }
}

bare_verb!(
    /// Lists how much there is, and what was asked so far.
    ListStats,
    "stats",
    "for owners: a line for each figure of this tracker: <name> <number>"
);

bare_verb!(
    /// Lists the trackers of the network and how they are to each other.
    ListTrackers,
    "cluster",
    "for owners: a line for each tracker of this network: <ip:port of links> <here|linked|away> <users> <replica ms> <partial>"
);

bare_verb!(
    /// Has the tracker read its configuration anew.
    Reload,
    "reload",
    "for owners: read the configuration anew; a line for each setting that is another one: <name> <now|next-start|ordered>"
);
