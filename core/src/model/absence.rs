//! Why a tracker is not there for us.

use std::fmt;

use crate::model::proxy::ProxyFault;

/// Why a tracker cannot be asked anything now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbsenceReason {
    /// The first try is under way.
    NotYet,
    /// It was there a moment ago.
    JustLost,
    /// It is reached, and says nothing.
    Silent,
    /// It has ended the session.
    Ended,
    /// Our side of the session is over.
    Left,
    /// It sent a line that is none.
    FaultyLine,
    /// It sent a list that is none.
    FaultyList,
    /// Its list of users has no end.
    EndlessList,
    /// It sends more than was asked for.
    TooMuch,
    /// It answers what nobody asked.
    Unasked,
    /// There is no computer of that name.
    NoSuchHost,
    /// Something answers there that is no tracker.
    NotATracker,
    /// The connection was cut before it had proven who it is.
    CutOff,
    /// It speaks another version of the protocol.
    OtherVersion(u32),
    /// We go through a proxy, which cannot be reached itself.
    ProxyAway {
        /// Where it is to be.
        proxy: String,
        /// In the words of the system.
        why: String,
    },
    /// The proxy says that it cannot connect.
    ProxyRefused {
        /// Where it is.
        proxy: String,
        /// What it says of it.
        why: ProxyFault,
    },
    /// It has ended the session, for a reason in its own words: a stranger's text.
    Closed(String),
    /// In the words of the system or of the database.
    Told(String),
}

impl AbsenceReason {
    /// The key of its sentence in the translations, below `absence`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NotYet => "not-yet",
            Self::JustLost => "just-lost",
            Self::Silent => "silent",
            Self::Ended => "ended",
            Self::Left => "left",
            Self::FaultyLine => "faulty-line",
            Self::FaultyList => "faulty-list",
            Self::EndlessList => "endless-list",
            Self::TooMuch => "too-much",
            Self::Unasked => "unasked",
            Self::NoSuchHost => "no-such-host",
            Self::NotATracker => "not-a-tracker",
            Self::CutOff => "cut-off",
            Self::OtherVersion(_) => "other-version",
            Self::ProxyAway { .. } => "proxy-away",
            Self::ProxyRefused { .. } => "proxy-refused",
            Self::Closed(_) => "closed",
            Self::Told(_) => "told",
        }
    }
}

impl fmt::Display for AbsenceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => f.write_str("no answer yet"),
            Self::JustLost => f.write_str("the connection was just lost"),
            Self::Silent => f.write_str("the tracker does not answer"),
            Self::Ended => f.write_str("the tracker ended the session"),
            Self::Left => f.write_str("the session has ended"),
            Self::FaultyLine => f.write_str("the tracker sent a faulty line"),
            Self::FaultyList => f.write_str("the tracker sent a faulty list"),
            Self::EndlessList => f.write_str("the tracker's list of users does not end"),
            Self::TooMuch => f.write_str("the tracker sends more than was asked for"),
            Self::Unasked => f.write_str("the tracker answers a question that was not asked"),
            Self::NoSuchHost => f.write_str("there is no computer of that name"),
            Self::NotATracker => f.write_str("what answers there is no tracker"),
            Self::CutOff => f.write_str("the connection was cut before the tracker had proven who it is"),
            Self::OtherVersion(version) => {
                write!(f, "the tracker speaks version {version} of the protocol, we speak 1")
            }
            Self::ProxyAway { proxy, why } => write!(f, "the proxy {proxy} cannot be reached: {why}"),
            Self::ProxyRefused { proxy, why } => write!(f, "the proxy {proxy} does not connect: {why}"),
            Self::Closed(text) | Self::Told(text) => f.write_str(text),
        }
    }
}

impl From<&str> for AbsenceReason {
    fn from(text: &str) -> Self {
        Self::Told(text.to_owned())
    }
}

impl From<String> for AbsenceReason {
    fn from(text: String) -> Self {
        Self::Told(text)
    }
}
