//! What the two sides of an encounter are told: the notice `* connect`, and the reply to the command of this name.

use std::fmt;
use std::net::SocketAddr;

use crate::model::key::PublicKey;
use crate::model::lan_address::{LAN_ADDRESSES_MAX, LanAddress};
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
}

impl ConnectNotice {
    /// Reads the words behind the name of the notice. Options of later versions are passed over.
    pub(super) fn parse(words: &[&str]) -> Result<Self, BadReply> {
        let [ticket, username, key, address, openness, options @ ..] = words else { return Err(BadReply) };
        let address: Option<SocketAddr> = match *address {
            "-" => None,
            address => Some(address.parse().map_err(|_no_address| BadReply)?),
        };
        let back = options.iter().find_map(|option| option.strip_prefix("back="));
        let lan = options.iter().filter_map(|option| option.strip_prefix("lan=")).take(LAN_ADDRESSES_MAX);
        Ok(Self {
            ticket: ticket.parse().map_err(|_no_ticket| BadReply)?,
            username: Username::new(username).map_err(|_bad_name| BadReply)?,
            key: key.parse().map_err(|_no_key| BadReply)?,
            address: address.map(|at| SocketAddr::new(at.ip().to_canonical(), at.port())),
            openness: Openness::parse(openness).ok_or(BadReply)?,
            back: back.map(|back| back.parse().map_err(|_no_ticket| BadReply)).transpose()?,
            lan: lan.map(|at| at.parse().map_err(|_elsewhere| BadReply)).collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for ConnectNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ticket, username, key, address, openness, back, lan } = self;
        write!(f, "{ticket} {username} {key} {} {openness}", OrDash(*address))?;
        back.map_or(Ok(()), |back| write!(f, " back={back}"))?;
        lan.iter().try_for_each(|at| write!(f, " lan={at}"))
    }
}

/// The reply to `connect`: what we show to be known, and where the other side may be dialled meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectReply {
    /// The ticket of who asked.
    pub ticket: EncounterTicket,
    /// The other side's addresses.
    pub addresses: Vec<AddressLine>,
}

impl ConnectReply {
    /// Reads the data lines.
    pub fn parse<L: AsRef<str>>(lines: &[L]) -> Result<Self, BadReply> {
        let (first, rest) = lines.split_first().ok_or(BadReply)?;
        let ticket = first.as_ref().strip_prefix("ticket ").ok_or(BadReply)?;
        let addresses = rest.iter().map(|line| AddressLine::parse(line.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { ticket: ticket.parse().map_err(|_no_ticket| BadReply)?, addresses })
    }

    /// The data lines, each with its LF.
    pub fn lines(&self) -> (usize, String) {
        let addresses = self.addresses.iter().map(|line| format!("{line}\n")).collect::<String>();
        (1 + self.addresses.len(), format!("ticket {}\n{addresses}", self.ticket))
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

        let lines = [format!("ticket {ticket}"), "direct 192.0.2.1:4001 unknown".to_owned()];
        let reply = ConnectReply::parse(&lines).expect("a reply");
        assert_eq!(reply.lines(), (2, format!("{}\n{}\n", lines[0], lines[1])));
        assert!(ConnectReply::parse(&lines[1..]).is_err() && ConnectReply::parse::<&str>(&[]).is_err());
    }
}
