//! The port of a peer server.

use crate::model::limits;

/// A TCP port that a user may announce: at least [`limits::PEER_PORT_MIN`], so that nobody can point others at a
/// system service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerPort(u16);

/// A number below [`limits::PEER_PORT_MIN`] or above 65535, or a text that is no plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a port is a number from {min} to 65535", min = limits::PEER_PORT_MIN)]
pub struct BadPort;

impl PeerPort {
    /// Takes a port that is high enough.
    pub const fn new(port: u16) -> Result<Self, BadPort> {
        if port < limits::PEER_PORT_MIN { Err(BadPort) } else { Ok(Self(port)) }
    }

    /// The port as a number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl std::str::FromStr for PeerPort {
    type Err = BadPort;

    fn from_str(text: &str) -> Result<Self, BadPort> {
        // `u16::from_str` takes a leading `+`, and people's scripts write `04001`: one spelling a number.
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        if !plain {
            return Err(BadPort);
        }
        Self::new(text.parse().map_err(|_overflow| BadPort)?)
    }
}

impl std::fmt::Display for PeerPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_spelling_of_an_allowed_number() {
        for good in ["1024", "4001", "65535"] {
            assert_eq!(good.parse::<PeerPort>().expect(good).to_string(), good);
        }
        for bad in ["", "0", "22", "1023", "65536", "+4001", "04001", "0x1000", "-1", "4 001", "99999999999999999999"] {
            assert_eq!(bad.parse::<PeerPort>(), Err(BadPort), "{bad:?}");
        }
    }
}
