//! The link that lets people in, and the address behind it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::model::invite_token::InviteToken;
use crate::model::key::PublicKey;
use crate::model::limits;

/// A host name or address and a port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    host: String,
    port: u16,
}

/// Where a network is met: the address of its tracker, or those of all its trackers, any of which will do. There is at
/// least one and at most [`limits::NETWORK_ADDRESSES_MAX`], each once.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkAddress(Vec<HostPort>);

/// `potok://HOST:PORT[,HOST:PORT…]/?key=<64 hex>[&invite=<22 letters>]`: where a network's trackers are, which key they
/// prove, and what lets its reader in if the network is closed.
///
/// ```
/// use potok_core::model::invite::{BadInvite, Invite};
///
/// let text = format!("potok://tracker.example.org:7686/?key={}", "0a".repeat(32));
/// let invite: Invite = text.parse()?;
/// assert_eq!((invite.address.first().host(), invite.address.first().port()), ("tracker.example.org", 7686));
/// assert_eq!(invite.to_string(), text);
/// assert_eq!("potok://tracker.example.org".parse::<Invite>(), Err(BadInvite::Link));
/// # Ok::<(), BadInvite>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Invite {
    /// Where its trackers listen.
    pub address: NetworkAddress,
    /// The trackers' identity. Somebody else at these addresses is refused.
    pub key: PublicKey,
    /// What lets its reader into a closed network.
    pub token: Option<InviteToken>,
}

/// Why a text is neither an address nor an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadInvite {
    /// The host is missing, or neither an IP address nor a host name in ASCII.
    #[error("expected HOST:PORT, where HOST is a name such as tracker.example.org or an IP address")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("expected HOST:PORT, where PORT is a number from 1 to 65535")]
    Port,
    /// It begins with `potok:` but does not go on as an invite does.
    #[error("expected potok://HOST:PORT/?key=<64 hexadecimal digits>")]
    Link,
    /// It names more trackers than a network has.
    #[error("an invite has at most {} addresses", limits::NETWORK_ADDRESSES_MAX)]
    TooMany,
}

impl HostPort {
    /// Checks host and port. An IPv6 address is given without brackets.
    pub fn new(host: &str, port: u16) -> Result<Self, BadInvite> {
        if port == 0 {
            return Err(BadInvite::Port);
        }
        if host.parse::<Ipv6Addr>().is_err() && !is_host_name(host) {
            return Err(BadInvite::Host);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host name in lower case or the IP address; an IPv6 address is without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, which is never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Letters, digits, `-` and `.` of ASCII: an international name is written in its punycode form, so that a look-alike
/// cannot hide.
fn is_host_name(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

impl FromStr for HostPort {
    type Err = BadInvite;

    /// Reads `host:port`, `1.2.3.4:port`, `[::1]:port`; without a port the tracker's usual one is meant.
    fn from_str(text: &str) -> Result<Self, BadInvite> {
        if text.len() > limits::INVITE_BYTES_MAX {
            return Err(BadInvite::Host);
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']').ok_or(BadInvite::Host)?;
            host.parse::<Ipv6Addr>().map_err(|_not_an_address| BadInvite::Host)?;
            match after {
                "" => (host, None),
                _ => (host, Some(after.strip_prefix(':').ok_or(BadInvite::Port)?)),
            }
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        let port = match port {
            None => limits::TRACKER_PORT,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_overflow| BadInvite::Port)?
            }
            Some(_) => return Err(BadInvite::Port),
        };
        Self::new(host, port)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl HostPort {
    /// Whether it means this computer, wherever it is read.
    pub fn is_this_computer(&self) -> bool {
        let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse().is_ok_and(is_loopback)
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostPort({self})")
    }
}

/// Bytes of all addresses of an invite together: the key and a token fit beside them.
const INVITED_ADDRESS_BYTES_MAX: usize = limits::INVITE_BYTES_MAX - 256;

impl NetworkAddress {
    /// That of a network of several trackers. An address that is there twice counts once.
    pub fn new(all: impl IntoIterator<Item = HostPort>) -> Result<Self, BadInvite> {
        let mut each = Vec::new();
        for address in all {
            if !each.contains(&address) {
                each.push(address);
            }
            if each.len() > limits::NETWORK_ADDRESSES_MAX {
                return Err(BadInvite::TooMany);
            }
        }
        if each.is_empty() { Err(BadInvite::Host) } else { Ok(Self(each)) }
    }

    /// These and the ones that the network itself names, for an invite. One that leads to this computer only is left out, if
    /// there are others; so are the last ones, if there would be too many.
    pub fn with_those_of_network(&self, named: &Self) -> Self {
        let all = || self.0.iter().chain(&named.0);
        let lead_elsewhere = |address: &&HostPort| !address.is_this_computer();
        let has_others = all().any(|address| lead_elsewhere(&address));
        let mut each: Vec<HostPort> = Vec::new();
        let mut bytes = 0;
        for address in all().filter(|address| !has_others || lead_elsewhere(address)) {
            if each.contains(address) {
                continue;
            }
            bytes += address.to_string().len() + 1;
            let fits = bytes <= INVITED_ADDRESS_BYTES_MAX && each.len() < limits::NETWORK_ADDRESSES_MAX;
            if fits || each.is_empty() {
                each.push(address.clone());
            }
        }
        Self(each)
    }

    /// The one that was named first.
    pub fn first(&self) -> &HostPort {
        &self.0[0]
    }

    /// All of them, in the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = &HostPort> {
        self.0.iter()
    }
}

impl From<HostPort> for NetworkAddress {
    fn from(only: HostPort) -> Self {
        Self(vec![only])
    }
}

impl FromStr for NetworkAddress {
    type Err = BadInvite;

    /// Reads `host:port,host:port`.
    fn from_str(text: &str) -> Result<Self, BadInvite> {
        if text.len() > limits::INVITE_BYTES_MAX {
            return Err(BadInvite::Host);
        }
        Self::new(text.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?)
    }
}

impl fmt::Display for NetworkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, others) = self.0.split_first().ok_or(fmt::Error)?;
        first.fmt(f)?;
        others.iter().try_for_each(|other| write!(f, ",{other}"))
    }
}

impl fmt::Debug for NetworkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkAddress({self})")
    }
}

impl FromStr for Invite {
    type Err = BadInvite;

    fn from_str(text: &str) -> Result<Self, BadInvite> {
        if text.len() > limits::INVITE_BYTES_MAX {
            return Err(BadInvite::Link);
        }
        let rest = text.strip_prefix("potok://").ok_or(BadInvite::Link)?;
        let (address, query) = rest.split_once("/?").ok_or(BadInvite::Link)?;
        let query = query.strip_prefix("key=").ok_or(BadInvite::Link)?;
        let (key, token) = match query.split_once("&invite=") {
            Some((key, token)) => (key, Some(token.parse().map_err(|_bad_token| BadInvite::Link)?)),
            None => (query, None),
        };
        let key = key.parse().map_err(|_bad_hex| BadInvite::Link)?;
        Ok(Self { address: address.parse()?, key, token })
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "potok://{}/?key={}", self.address, self.key)?;
        self.token.map_or(Ok(()), |token| write!(f, "&invite={token}"))
    }
}

/// What a person gives to join: an address, or an invite that also says whom to expect there.
///
/// ```
/// use potok_core::model::invite::{BadInvite, TrackerAddress};
///
/// let tracker: TrackerAddress = "[::1]".parse()?;
/// assert_eq!((tracker.address.to_string().as_str(), tracker.key), ("[::1]:7686", None));
/// # Ok::<(), BadInvite>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrackerAddress {
    /// Where its trackers listen; only an invite has more than one address.
    pub address: NetworkAddress,
    /// The key it must prove; without one, the key seen at the first joining is remembered.
    pub key: Option<PublicKey>,
    /// What lets us in if the network is closed; only an invite has one.
    pub token: Option<InviteToken>,
}

impl From<Invite> for TrackerAddress {
    fn from(Invite { address, key, token }: Invite) -> Self {
        Self { address, key: Some(key), token }
    }
}

impl fmt::Display for TrackerAddress {
    /// With a key it is an invite.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Some(key) => Invite { address: self.address.clone(), key, token: self.token }.fmt(f),
            None => self.address.fmt(f),
        }
    }
}

impl FromStr for TrackerAddress {
    type Err = BadInvite;

    fn from_str(text: &str) -> Result<Self, BadInvite> {
        let text = text.trim();
        // `potok:7686` is a computer of that name.
        let is_port = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        if text.strip_prefix("potok:").is_some_and(|rest| !is_port(rest)) {
            return text.parse::<Invite>().map(Self::from);
        }
        Ok(Self { address: text.parse::<HostPort>()?.into(), key: None, token: None })
    }
}

#[cfg(test)]
mod tests;
