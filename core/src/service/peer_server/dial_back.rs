//! Meeting those who ask us to, because they cannot dial us: afterwards they are served as if they had come.
//!
//! A tracker could have us knock at other people's doors. So we do it seldom, send nothing but the ticket, and serve
//! nobody who does not prove a key of our tracker.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::model::address_family::AddressFamily;
use crate::model::lan_address::LanAddress;
use crate::model::limits;
use crate::model::ticket::EncounterTicket;
use crate::model::way::Way;
use crate::net::lan::OwnNetworks;
use crate::net::outgoing::Outgoing;
use crate::service::arrivals;
use crate::service::meeting::{Meeting, RelayPlace};

/// Who asks to be met.
#[derive(Debug, Clone)]
pub struct DialBack {
    /// Where, and what they know us by; none if they cannot be dialled. That our tracker may send us there was checked.
    pub address: Option<(SocketAddr, EncounterTicket)>,
    /// Where they say they are in their home, and what they know us by. It is left alone unless it is ours too.
    pub at_home: Vec<(LanAddress, EncounterTicket)>,
    /// Where both may dial at once, if we do that.
    pub meeting: Option<Meeting>,
    /// Where the tracker carries the bytes of both, if it offers that and we use it.
    pub relay: Option<RelayPlace>,
}

/// Those that are dialled at once; one more comes back a second.
pub(super) const DIAL_BACKS_AT_ONCE: usize = 16;
const DIAL_BACK_EVERY: Duration = Duration::from_secs(1);

/// How long the better ways have for themselves. Who asked has begun some 300 ms earlier, and comes to the relay after 3 s.
const RELAY_AFTER_NOTICE: Duration = Duration::from_millis(2700);

/// How often we have dialled lately.
#[derive(Debug, Default)]
pub(super) struct DialBackBudget {
    /// The latest, at most [`DIAL_BACKS_AT_ONCE`].
    at: VecDeque<Instant>,
}

impl DialBackBudget {
    /// Whether one more is dialled; it is counted.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let all_back = DIAL_BACK_EVERY * u32::try_from(DIAL_BACKS_AT_ONCE).unwrap_or(u32::MAX);
        if self.at.len() >= DIAL_BACKS_AT_ONCE {
            match self.at.front() {
                Some(first) if now < *first + all_back => return false,
                _ => drop(self.at.pop_front()),
            }
        }
        self.at.push_back(now);
        true
    }
}

/// One way of meeting them.
#[derive(Debug)]
pub(super) enum MeetingWay {
    /// We dial, and show the ticket.
    Dial(SocketAddr, EncounterTicket),
    /// The same in our own network.
    DialAtHome(LanAddress, EncounterTicket),
    /// Both sides dial at the same moment.
    Punch(Meeting, AddressFamily),
    /// Both sides come to the tracker, which carries their bytes; later than all else, and only if that is not enough.
    Relay(RelayPlace),
}

impl DialBack {
    /// Every way that there is.
    pub(super) fn ways(self) -> impl Iterator<Item = MeetingWay> {
        let dial = self.address.map(|(address, ticket)| MeetingWay::Dial(address, ticket));
        let at_home = self.at_home.into_iter().map(|(address, ticket)| MeetingWay::DialAtHome(address, ticket));
        let punch = self
            .meeting
            .into_iter()
            .flat_map(|meeting| AddressFamily::ALL.map(|by| MeetingWay::Punch(meeting.clone(), by)));
        dial.into_iter().chain(at_home).chain(punch).chain(self.relay.map(MeetingWay::Relay))
    }
}

impl MeetingWay {
    /// What it is called.
    pub(super) fn way(&self) -> Way {
        match self {
            Self::Dial(..) | Self::DialAtHome(..) => Way::Reversed,
            Self::Punch(..) => Way::Punched,
            Self::Relay(_) => Way::Relayed,
        }
    }

    /// Connects, and says who we are to them. It ends by itself.
    pub(super) async fn connect(self, outgoing: &Outgoing) -> io::Result<TcpStream> {
        match self {
            Self::Dial(address, ticket) => dial_and_show(address, ticket, outgoing).await,
            // It is in no network of the proxy's.
            Self::DialAtHome(..) if outgoing.is_proxied() => Err(io::ErrorKind::Unsupported.into()),
            Self::DialAtHome(address, ticket) => {
                let networks = tokio::task::spawn_blocking(OwnNetworks::read).await??;
                if !networks.contains(address) {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is in no network of ours"));
                }
                dial_and_show(address.get(), ticket, outgoing).await
            }
            Self::Punch(meeting, by) => meeting.meet(by, outgoing).await,
            Self::Relay(place) => {
                sleep(RELAY_AFTER_NOTICE).await;
                place.enter(outgoing).await
            }
        }
    }
}

/// Whose turn it is when somebody is served, and how many they may be, goes by their address. The other end of a connection
/// through the relay or a proxy is the same for all; there it is where our tracker sees them, if it says so.
pub(super) fn comes_from(
    way: Way,
    outgoing: &Outgoing,
    seen_at: Option<SocketAddr>,
    other_end: SocketAddr,
) -> SocketAddr {
    let is_everybodys = way == Way::Relayed || outgoing.is_proxied();
    seen_at.filter(|_| is_everybodys).unwrap_or(other_end)
}

async fn dial_and_show(address: SocketAddr, ticket: EncounterTicket, outgoing: &Outgoing) -> io::Result<TcpStream> {
    let mut stream = outgoing.address(address, limits::PEER_CONNECT_MAX).await?;
    stream.write_all(&arrivals::first_bytes(ticket)).await?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_through_the_relay_or_a_proxy_is_not_one_with_all_who_do() {
        let at = |text: &str| text.parse::<SocketAddr>().expect(text);
        let (asker, other_end) = (at("192.0.2.7:4001"), at("198.51.100.1:7686"));
        let proxied = Outgoing::of(Some(&"127.0.0.1:9050".parse().expect("a proxy")));
        for (way, outgoing, seen_at, from) in [
            (Way::Relayed, Outgoing::Direct, Some(asker), asker),
            (Way::Relayed, Outgoing::Direct, None, other_end),
            (Way::Reversed, Outgoing::Direct, Some(asker), other_end),
            (Way::Punched, Outgoing::Direct, Some(asker), other_end),
            (Way::Reversed, proxied.clone(), Some(asker), asker),
            (Way::Relayed, proxied, None, other_end),
        ] {
            assert_eq!(comes_from(way, &outgoing, seen_at, other_end), from, "{way:?} {outgoing:?} {seen_at:?}");
        }
    }

    #[test]
    fn a_tracker_cannot_have_us_knock_everywhere() {
        let (mut budget, start) = (DialBackBudget::default(), Instant::now());
        let dialled = (0..100_000).filter(|n| budget.take(start + Duration::from_millis(*n))).count();
        assert_eq!(dialled, 16 * 7, "16 at once, then 16 in 16 seconds");
        assert!(budget.take(start + Duration::from_secs(200)));
    }
}
