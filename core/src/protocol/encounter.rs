//! What the two sides of an encounter are told: the notice `* connect`, and the reply to the command of this name.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::model::key::PublicKey;
use crate::model::lan_address::{LAN_ADDRESSES_MAX, LanAddress};
use crate::model::relaying::RelayOffer;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::address_line::{AddressLine, Openness};
use crate::protocol::reply::{BadReply, OrDash};

/// Somebody asks to be met: `<ticket> <username> <key> <ip:port or -> <open|closed|unknown> [name=value …]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectNotice {
    /// The ticket of who is told.
    pub ticket: EncounterTicket,
    /// The name of the user who asks.
    pub username: Username,
    /// The key that they must prove.
    pub key: PublicKey,
    /// Where their peer server is.
    pub address: Option<SocketAddr>,
    /// Whether it can be dialled, as far as the tracker has tried.
    pub openness: Openness,
    /// `back=`: the ticket of who asks, to be shown by whoever dials them.
    pub back: Option<EncounterTicket>,
    /// `lan=`, for each: where they are in the home in which the tracker sees both, as they say.
    pub lan: Vec<LanAddress>,
    /// `relay=`: whether it is worth coming to the relay.
    pub relay: RelayOffer,
}

impl ConnectNotice {
    /// Reads the words behind the name of the notice. Options of later versions are passed over.
    pub(super) fn parse(words: &[&str]) -> Result<Self, BadReply> {
        let [ticket, username, key, address, openness, options @ ..] = words else { return Err(BadReply) };
        let address: Option<SocketAddr> = match *address {
            "-" => None,
            address => Some(address.parse().map_err(|_no_address| BadReply)?),
        };
        let option = |name: &str| options.iter().find_map(|option| option.strip_prefix(name));
        let back = option("back=");
        let lan = options.iter().filter_map(|option| option.strip_prefix("lan=")).take(LAN_ADDRESSES_MAX);
        Ok(Self {
            ticket: ticket.parse().map_err(|_no_ticket| BadReply)?,
            username: Username::new(username).map_err(|_bad_name| BadReply)?,
            key: key.parse().map_err(|_no_key| BadReply)?,
            address: address.map(|at| SocketAddr::new(at.ip().to_canonical(), at.port())),
            openness: Openness::parse(openness).ok_or(BadReply)?,
            back: back.map(|back| back.parse().map_err(|_no_ticket| BadReply)).transpose()?,
            lan: lan.map(|at| at.parse().map_err(|_elsewhere| BadReply)).collect::<Result<_, _>>()?,
            relay: option("relay=").map_or(RelayOffer::Off, RelayOffer::parse),
        })
    }
}

impl fmt::Display for ConnectNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ticket, username, key, address, openness, back, lan, relay } = self;
        write!(f, "{ticket} {username} {key} {} {openness}", OrDash(*address))?;
        back.map_or(Ok(()), |back| write!(f, " back={back}"))?;
        lan.iter().try_for_each(|at| write!(f, " lan={at}"))?;
        relay.word().map_or(Ok(()), |word| write!(f, " relay={word}"))
    }
}

/// The same, on its way to the user's tracker, which tells it: `<ip:port of links> <their key> <addresses or -> <notice>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedConnect {
    /// The tracker that arranges the encounter, as others link to it: whoever is told comes to it by their own.
    pub tracker: SocketAddr,
    /// The key of the user who is to be told, and of nobody else who has the name by then.
    pub target: PublicKey,
    /// Where the tracker sees who asks: whoever is seen there too is in their home.
    pub homes: Vec<IpAddr>,
    /// What is told. Its addresses at home are for whoever is in that home.
    pub notice: ConnectNotice,
}

/// Most addresses at which one is seen: one of each family.
const HOMES_MAX: usize = 2;

impl ForwardedConnect {
    /// Reads the words behind the name of the user.
    pub(super) fn parse(words: &[&str]) -> Result<Self, BadReply> {
        let [tracker, target, homes, notice @ ..] = words else { return Err(BadReply) };
        Ok(Self {
            tracker: tracker.parse().map_err(|_no_address| BadReply)?,
            target: target.parse().map_err(|_no_key| BadReply)?,
            homes: if *homes == "-" { Vec::new() } else { parse_homes(homes)? },
            notice: ConnectNotice::parse(notice)?,
        })
    }
}

impl fmt::Display for ForwardedConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tracker, target, homes, notice } = self;
        let homes = (!homes.is_empty()).then(|| write_homes(homes));
        write!(f, "{tracker} {target} {} {notice}", OrDash(homes))
    }
}

/// Reads where somebody is seen: at least one address.
pub(super) fn parse_homes(text: &str) -> Result<Vec<IpAddr>, BadReply> {
    let homes: Vec<IpAddr> =
        text.split('+').map(|home| home.parse().map_err(|_no_address| BadReply)).collect::<Result<_, _>>()?;
    if homes.len() > HOMES_MAX { Err(BadReply) } else { Ok(homes) }
}

/// Writes where somebody is seen.
pub(super) fn write_homes(homes: &[IpAddr]) -> String {
    homes.iter().map(IpAddr::to_string).collect::<Vec<_>>().join("+")
}

/// With which the lines about addresses begin.
const ADDRESS_WORDS: [&str; 2] = ["lan ", "direct "];

/// The reply to `connect`: what we show to be known, and where the other side may be dialled meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectReply {
    /// The ticket of who asked.
    pub ticket: EncounterTicket,
    /// The other side's addresses.
    pub addresses: Vec<AddressLine>,
    /// The line `relay <word>`, if there is one.
    pub relay: RelayOffer,
}

impl ConnectReply {
    /// Reads the data lines. Those of later versions, which are not about addresses, are passed over.
    pub fn parse<L: AsRef<str>>(lines: &[L]) -> Result<Self, BadReply> {
        let (first, rest) = lines.split_first().ok_or(BadReply)?;
        let ticket = first.as_ref().strip_prefix("ticket ").ok_or(BadReply)?;
        let rest = rest.iter().map(AsRef::as_ref);
        let relay =
            rest.clone().find_map(|line| line.strip_prefix("relay ")).map_or(RelayOffer::Off, RelayOffer::parse);
        let addresses = rest.filter(|line| ADDRESS_WORDS.iter().any(|word| line.starts_with(word)));
        let addresses = addresses.map(AddressLine::parse).collect::<Result<_, _>>()?;
        Ok(Self { ticket: ticket.parse().map_err(|_no_ticket| BadReply)?, addresses, relay })
    }

    /// The data lines, each with its LF.
    pub fn lines(&self) -> (usize, String) {
        let addresses = self.addresses.iter().map(|line| format!("{line}\n")).collect::<String>();
        let relay = self.relay.word().map_or(String::new(), |word| format!("relay {word}\n"));
        let lines = 1 + self.addresses.len() + usize::from(!relay.is_empty());
        (lines, format!("ticket {}\n{addresses}{relay}", self.ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let (ticket, back, key) = ("A".repeat(22), "AAAAAAAAAAAAAAAAAAAAAQ", "ab".repeat(32));
        for line in [
            format!("{ticket} anna {key} 192.0.2.1:4001 unknown back={back}"),
            format!("{ticket} anna {key} 192.0.2.1:4001 unknown back={back} lan=192.168.1.2:4001 lan=[fd00::2]:4001"),
            format!("{ticket} anna {key} - closed"),
            format!("{ticket} anna {key} - closed relay=open"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(ConnectNotice::parse(&words).expect(&line).to_string(), line);
        }
        let later = format!("{ticket} anna {key} [::ffff:192.0.2.1]:4001 open lan=192.168.1.2:4001 more=1");
        let read = ConnectNotice::parse(&later.split(' ').collect::<Vec<_>>()).expect("options are passed over");
        assert_eq!(read.address.map(|at| at.to_string()).as_deref(), Some("192.0.2.1:4001"));
        for bad in [
            format!("{ticket} anna {key} - open lan=192.168.1.1:80"),
            format!("{ticket} anna {key} - open lan=192.0.2.1:4001"),
            format!("{ticket} anna {key} -"),
            format!("x anna {key} - open"),
            format!("{ticket} anna - - open"),
        ] {
            assert!(ConnectNotice::parse(&bad.split(' ').collect::<Vec<_>>()).is_err(), "{bad}");
        }

        for homes in ["-", "192.0.2.1", "192.0.2.1+2001:db8::1"] {
            let line = format!("192.0.2.9:7688 {key} {homes} {ticket} anna {key} - closed relay=open");
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(ForwardedConnect::parse(&words).expect(&line).to_string(), line);
        }
        for bad in [
            format!("192.0.2.9:7688 {key} 192.0.2.1+192.0.2.2+192.0.2.3 {ticket} anna {key} - open"),
            format!("192.0.2.9:7688 {key} home {ticket} anna {key} - open"),
            format!("192.0.2.9 {key} - {ticket} anna {key} - open"),
            format!("192.0.2.9:7688 {key} -"),
        ] {
            assert!(ForwardedConnect::parse(&bad.split(' ').collect::<Vec<_>>()).is_err(), "{bad}");
        }

        let lines = [format!("ticket {ticket}"), "direct 192.0.2.1:4001 unknown".to_owned()];
        let reply = ConnectReply::parse(&lines).expect("a reply");
        assert_eq!(reply.lines(), (2, format!("{}\n{}\n", lines[0], lines[1])));
        let with_relay = [&lines[..], &["relay used-up".to_owned(), "weather sunny".to_owned()]].concat();
        let read = ConnectReply::parse(&with_relay).expect("lines of later versions are passed over");
        assert_eq!((read.relay, read.addresses.len()), (RelayOffer::UsedUp, 1));
        assert_eq!(read.lines(), (3, format!("{}\n{}\nrelay used-up\n", lines[0], lines[1])));
        assert!(ConnectReply::parse(&["ticket x", "direct nowhere"]).is_err());
        assert!(ConnectReply::parse(&lines[1..]).is_err() && ConnectReply::parse::<&str>(&[]).is_err());
    }
}
