//! Where somebody may be reached, as a tracker tells it: a data line of `list-addresses`.

use std::fmt;
use std::net::SocketAddr;

use crate::protocol::reply::BadReply;

/// One address: `<lan|direct> <ip:port> <open|closed|unknown>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressLine {
    /// Where it is worth dialling.
    pub scope: AddressScope,
    /// The address and port of their peer server.
    pub address: SocketAddr,
    /// Whether it can be dialled, as far as the tracker has tried.
    pub openness: Openness,
}

/// From where an address can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressScope {
    /// Only in the same local network: they said it of themselves.
    Lan,
    /// From anywhere, as far as their router lets it: the tracker has seen it.
    Direct,
}

/// What came of the tracker's dialling an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// They answered there.
    Open,
    /// Nobody answered there.
    Closed,
    /// It was not tried.
    Unknown,
}

impl AddressLine {
    /// Reads one data line. An address of IPv4 is read as such, however it is written.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let words: Vec<&str> = line.split(' ').collect();
        let [scope, address, openness] = words.as_slice() else { return Err(BadReply) };
        let scope = match *scope {
            "lan" => AddressScope::Lan,
            "direct" => AddressScope::Direct,
            _ => return Err(BadReply),
        };
        let openness = Openness::parse(openness).ok_or(BadReply)?;
        let address: SocketAddr = address.parse().map_err(|_no_address| BadReply)?;
        Ok(Self { scope, address: SocketAddr::new(address.ip().to_canonical(), address.port()), openness })
    }
}

impl fmt::Display for AddressLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            AddressScope::Lan => "lan",
            AddressScope::Direct => "direct",
        };
        write!(f, "{scope} {} {}", self.address, self.openness)
    }
}

impl Openness {
    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "closed" => Some(Self::Closed),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }
}

impl fmt::Display for Openness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_ipv4_is_ipv4() {
        for line in ["lan 192.168.1.2:4001 unknown", "direct [2001:db8::1]:4001 open", "direct 192.0.2.1:4001 closed"] {
            assert_eq!(AddressLine::parse(line).expect(line).to_string(), line);
        }
        let mapped = AddressLine::parse("direct [::ffff:192.0.2.1]:4001 open").expect("an address");
        assert_eq!(mapped.to_string(), "direct 192.0.2.1:4001 open");
        for bad in
            ["", "lan", "lan 192.0.2.1 open", "far 192.0.2.1:1 open", "lan 192.0.2.1:1 ajar", "lan 192.0.2.1:1 open x"]
        {
            assert_eq!(AddressLine::parse(bad), Err(BadReply), "{bad}");
        }
    }
}
