//! `kick`, `ban`, `unban` and `bans`.

use std::fmt;
use std::str::FromStr;

use crate::model::ban_terms::Remark;
use crate::model::binding::{BadBanTarget, BanQuery, BanTarget};
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::arguments::{no_more, read_page, take, take_username};
use crate::protocol::command::owner::take_remark;
use crate::protocol::command::{Page, Verb};
use crate::protocol::field::Quoted;
use crate::protocol::value;

/// Longest time for which somebody is kept out: ten years. Longer is for good.
const SPAN_MINUTES_MAX: u64 = 10 * 365 * 24 * 60;

/// How long somebody is kept out, in whole minutes, from one to ten years. It is written `30m`, `12h`, `7d` or `4w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinutesSpan(u64);

const UNITS: [(u64, char); 4] = [(7 * 24 * 60, 'w'), (24 * 60, 'd'), (60, 'h'), (1, 'm')];

impl MinutesSpan {
    /// So many minutes.
    pub fn new(minutes: u64) -> Option<Self> {
        (1..=SPAN_MINUTES_MAX).contains(&minutes).then_some(Self(minutes))
    }

    /// How many minutes it is.
    pub fn minutes(self) -> u64 {
        self.0
    }
}

/// A text that is no time for which somebody can be kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written 30m, 12h, 7d or 4w, and is at most ten years")]
pub struct BadSpan;

impl FromStr for MinutesSpan {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let unit = UNITS.into_iter().find(|(_, letter)| text.ends_with(*letter));
        let (minutes, letter) = unit.ok_or(BadSpan)?;
        let digits = text.strip_suffix(letter).ok_or(BadSpan)?;
        let count = value::number(digits).map_err(|_no_number| BadSpan)?;
        count.checked_mul(minutes).and_then(Self::new).ok_or(BadSpan)
    }
}

impl fmt::Display for MinutesSpan {
    /// In the largest unit that it is whole in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, letter) = UNITS.into_iter().find(|(unit, _)| self.0.is_multiple_of(*unit)).unwrap_or((1, 'm'));
        write!(f, "{}{letter}", self.0 / minutes)
    }
}

/// Whether a word looks like a time, right or wrong: then it is no beginning of a reason.
pub(super) fn is_like_a_span(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.len() + 1 == word.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Reads a time.
pub(super) fn read_span(word: &str) -> Result<MinutesSpan, Refusal> {
    word.parse().map_err(|why: BadSpan| Refusal::new(Code::Usage, why))
}

/// Ends a user's session, and keeps them away for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KickUser {
    /// The name of somebody who is here.
    pub username: Username,
    /// Whole minutes until they may come back; 0: at once.
    pub minutes: Option<u64>,
    /// What they read of why.
    pub reason: Option<Remark>,
}

impl KickUser {
    /// For as long as is usual, without a word.
    pub fn of(username: Username) -> Self {
        Self { username, minutes: None, reason: None }
    }
}

impl Verb for KickUser {
    const NAME: &'static str = "kick";
    const USAGE: &'static str =
        "kick <username> [minutes] [reason]: for owners: send this user away, for 10 minutes unless said";
    const EXAMPLES: &'static [&'static str] =
        &["kick anna", "kick anna 30", "kick anna \"30 times is enough\"", "kick anna 0 \"a, b\""];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let (word, behind) = split_word(rest);
        let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        let minutes = is_number.then(|| value::number(word)).transpose()?;
        if minutes.is_some_and(|minutes| minutes > SPAN_MINUTES_MAX) {
            return Err(Refusal::new(Code::Usage, BadSpan));
        }
        let reason = take_remark(if is_number { behind } else { rest }, Self::usage)?;
        Ok(Self { username, minutes, reason })
    }
}

impl fmt::Display for KickUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        self.minutes.map_or(Ok(()), |minutes| write!(f, " {minutes}"))?;
        write_reason(f, self.reason.as_ref())
    }
}

/// Who is to be shut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BanSubject {
    /// A user, by what they are known by: their key, or else name and address.
    User(Username),
    /// A key, an address, a prefix or a name, whoever it is.
    Target(BanTarget),
}

impl FromStr for BanSubject {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.parse() {
            Ok(target) => Ok(Self::Target(target)),
            Err(why @ BadBanTarget::Prefix(_)) => Err(Refusal::new(Code::Usage, why)),
            Err(BadBanTarget::Form) => value::username(text).map(Self::User),
        }
    }
}

impl fmt::Display for BanSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(username) => username.fmt(f),
            Self::Target(target) => target.fmt(f),
        }
    }
}

/// Shuts somebody out, also after a restart of the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanUser {
    /// Whom it is of.
    pub subject: BanSubject,
    /// For how long; none: until it is taken back.
    pub span: Option<MinutesSpan>,
    /// What they read of why.
    pub reason: Option<Remark>,
}

impl BanUser {
    /// For good, without a word.
    pub fn of(username: Username) -> Self {
        Self { subject: BanSubject::User(username), span: None, reason: None }
    }
}

impl Verb for BanUser {
    const NAME: &'static str = "ban";
    const USAGE: &'static str = "ban <username|@name|key|address|prefix> [30m|12h|7d|4w] [reason]: for owners: shut somebody out; the list of what is new";
    const EXAMPLES: &'static [&'static str] = &[
        "ban anna",
        "ban @anna 1d",
        "ban 192.0.2.0/24 90m \"a, b\"",
        "ban 192.0.2.7 \"7d is not enough\"",
        "ban 0101010101010101010101010101010101010101010101010101010101010101 3w",
    ];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let subject = take(&mut rest)?.ok_or_else(Self::usage)?.text.parse()?;
        let (word, behind) = split_word(rest);
        let has_span = is_like_a_span(word);
        let span = has_span.then(|| read_span(word)).transpose()?;
        let reason = take_remark(if has_span { behind } else { rest }, Self::usage)?;
        Ok(Self { subject, span, reason })
    }
}

impl fmt::Display for BanUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.subject)?;
        self.span.map_or(Ok(()), |span| write!(f, " {span}"))?;
        write_reason(f, self.reason.as_ref())
    }
}

/// Lets somebody in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftBan {
    /// Whom, as `bans` shows them or by a name.
    pub who: BanQuery,
}

impl Verb for LiftBan {
    const NAME: &'static str = "unban";
    const USAGE: &'static str = "unban <username|@name|key|address|prefix>: for owners: let somebody in again";
    const EXAMPLES: &'static [&'static str] = &["unban anna", "unban @anna", "unban 192.0.2.0/24", "unban 192.0.2.7"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let word = take(&mut rest)?.ok_or_else(Self::usage)?;
        let who = word.text.parse().map_err(|why| Refusal::new(Code::Usage, why))?;
        no_more(rest, Self::usage).map(|()| Self { who })
    }
}

impl fmt::Display for LiftBan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.who.as_str())
    }
}

/// Lists everybody who is shut out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListBanned {
    /// Which part of the list; the path of its cursor is a target.
    pub page: Page,
}

impl Verb for ListBanned {
    const NAME: &'static str = "bans";
    const USAGE: &'static str = "bans [after=<cursor>] [limit=<n>]: for owners: a line for everybody who is shut out: <target> <username or -> <by or -> <until or -> <reason>";
    const EXAMPLES: &'static [&'static str] = &["bans", "bans after=MTkyLjAuMi43AA limit=7"];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (words, page) = read_page(rest, Self::usage)?;
        if words.is_empty() { Ok(Self { page }) } else { Err(Self::usage()) }
    }
}

impl fmt::Display for ListBanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::NAME, self.page)
    }
}

/// The first word of the rest of a line, and what stands behind it.
pub(super) fn split_word(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start_matches(' ');
    rest.split_at(rest.find(' ').unwrap_or(rest.len()))
}

fn write_reason(f: &mut fmt::Formatter<'_>, reason: Option<&Remark>) -> fmt::Result {
    reason.map_or(Ok(()), |reason| write!(f, " {}", Quoted(reason.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_whole_minutes() {
        for (text, minutes, written) in
            [("1m", 1, "1m"), ("90m", 90, "90m"), ("120m", 120, "2h"), ("24h", 1440, "1d"), ("14d", 20_160, "2w")]
        {
            let span: MinutesSpan = text.parse().expect(text);
            assert_eq!((span.minutes(), span.to_string().as_str()), (minutes, written));
        }
        for bad in ["", "m", "0m", "-1d", "1", "1y", "1 d", "01d", "600w", "99999999999999999999d"] {
            assert_eq!(bad.parse::<MinutesSpan>(), Err(BadSpan), "{bad}");
        }
    }

    #[test]
    fn a_reason_needs_no_quotes() {
        let reason = |line: &str| BanUser::parse(line).expect(line).reason.map(|reason| reason.to_string());
        for (line, expected) in [
            ("anna", None),
            ("anna  7d  ", None),
            ("anna 7d rude, and \"loud\"", Some("rude, and \"loud\"")),
            ("anna rude", Some("rude")),
            ("anna 1d \"7d\"", Some("7d")),
            ("anna \"a \\\"b\\\"\"", Some("a \"b\"")),
        ] {
            assert_eq!(reason(line).as_deref(), expected, "{line}");
        }
        let long = format!("anna {}", "x".repeat(60_000));
        for (line, code) in [
            ("anna \"a\" b", Code::Usage),
            ("anna \"\"", Code::Usage),
            ("anna \"a", Code::Usage),
            ("anna 0d", Code::Usage),
            ("anna 99999999d", Code::Usage),
            ("anna 1y spam", Code::Usage),
            ("0.0.0.0/0", Code::Usage),
            ("::/1 1d", Code::Usage),
            ("_ 1d", Code::BadName),
            (&*long, Code::TooLong),
        ] {
            assert_eq!(BanUser::parse(line).map_err(|refusal| refusal.code), Err(code), "{line:.40}");
        }
        assert_eq!(KickUser::parse("anna 99999999999 x").map_err(|refusal| refusal.code), Err(Code::Usage));
        assert_eq!(KickUser::parse("_ 1").map_err(|refusal| refusal.code), Err(Code::BadName));
    }
}
