//! What came of a trial: the tracker has dialled somebody at their own request, and tells it by the notice `* reach`.

use std::fmt;
use std::net::SocketAddr;

use crate::protocol::address_line::Openness;
use crate::protocol::reply::BadReply;

/// `<ip:port> <open|refused|silent|stranger>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialNotice {
    /// The address that was dialled: the one that the tracker sees, with the port that was registered.
    pub address: SocketAddr,
    /// What came of it.
    pub result: TrialResult,
}

/// What came of dialling somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialResult {
    /// They answered, and proved their key.
    Open,
    /// The connection was refused: nobody listens there, or something on the way says so.
    Refused,
    /// Nothing came back.
    Silent,
    /// Something answered that did not prove their key.
    Stranger,
}

impl TrialResult {
    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "refused" => Some(Self::Refused),
            "silent" => Some(Self::Silent),
            "stranger" => Some(Self::Stranger),
            _ => None,
        }
    }

    /// What others are told of the address.
    pub fn openness(self) -> Openness {
        match self {
            Self::Open => Openness::Open,
            Self::Refused | Self::Silent | Self::Stranger => Openness::Closed,
        }
    }
}

impl fmt::Display for TrialResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Stranger => "stranger",
        })
    }
}

impl TrialNotice {
    /// Reads the words behind the name of the notice.
    pub(super) fn parse(words: &[&str]) -> Result<Self, BadReply> {
        let [address, result, ..] = words else { return Err(BadReply) };
        let address: SocketAddr = address.parse().map_err(|_no_address| BadReply)?;
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        Ok(Self { address, result: TrialResult::parse(result).ok_or(BadReply)? })
    }
}

impl fmt::Display for TrialNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.address, self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_only_an_answer_that_proved_the_key_is_open() {
        for (line, openness) in [
            ("192.0.2.1:4001 open", Openness::Open),
            ("192.0.2.1:4001 refused", Openness::Closed),
            ("[2001:db8::1]:4001 silent", Openness::Closed),
            ("[2001:db8::1]:4001 stranger", Openness::Closed),
        ] {
            let read = TrialNotice::parse(&line.split(' ').collect::<Vec<_>>()).expect(line);
            assert_eq!((read.to_string().as_str(), read.result.openness()), (line, openness));
        }
        let mapped = TrialNotice::parse(&["[::ffff:192.0.2.1]:4001", "open", "later=1"]).expect("an address");
        assert_eq!(mapped.to_string(), "192.0.2.1:4001 open");
        for bad in ["", "192.0.2.1:4001", "192.0.2.1 open", "192.0.2.1:4001 ajar"] {
            assert_eq!(TrialNotice::parse(&bad.split(' ').collect::<Vec<_>>()), Err(BadReply), "{bad}");
        }
    }
}
