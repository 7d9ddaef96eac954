//! What reaches the machine.

use std::net::SocketAddr;
use std::time::Instant;

use crate::model::binding::{Ban, BanTarget, ClaimFate, Record};
use crate::model::invite::NetworkAddress;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{self, Command};
use crate::protocol::line::{Fault, Line};
use crate::protocol::trial::TrialResult;
use crate::tracker::links::MeshInput;
use crate::tracker::merge::LinePage;
use crate::tracker::relays::{RelayId, RelayLimits};
use crate::tracker::settings::TrackerSettings;
use crate::tracker::shards::ask::ShardAnswer;
pub use crate::tracker::ticket::Ticket;

/// One connection. Numbers are never used again, and grow with the time of opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

impl SessionId {
    /// What comes from no session: the clock, the database, the tracker's owner.
    pub const NONE: Self = Self(0);

    /// The n-th connection, counted from 1.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// What stands for a session at another tracker, by the stamp of its registration. Nothing is ever sent to it.
    pub const fn elsewhere(stamp: u64) -> Self {
        Self(stamp | 1 << 63)
    }
}

/// Somebody who is dialled at their own wish. Numbers are never used again, and grow with the time of beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrialId(u64);

impl TrialId {
    /// The n-th trial, counted from 1.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// Everything that can happen to a tracker.
#[derive(Debug)]
pub enum Input {
    /// A connection is ready: TLS after its handshake, plain at its first byte or when it is greeted unasked.
    Opened(SessionOpened),
    /// Lines have come, in this order. The next ones are sent after [`super::effect::Effect::Ready`].
    Requests(Vec<SessionRequest>),
    /// All that was sent to the session has left; asked for by [`super::effect::Effect::TellDrained`].
    Drained,
    /// The connection is gone. Nothing more can be sent on it.
    Closed,
    /// The records of a ticket are on disk for good, or none of them is.
    Stored {
        /// The ticket of the save that has ended.
        ticket: Ticket,
        /// Whether it is on disk.
        done: bool,
    },
    /// A claim has its fate; asked for by [`super::effect::Effect::Claim`].
    Claimed {
        /// The ticket of the claim.
        ticket: Ticket,
        /// What became of it.
        fate: ClaimFate,
    },
    /// What the ledger says that is shared with other trackers.
    Learned(Learned),
    /// What came of dialling somebody; asked for by [`super::effect::Effect::Try`].
    Tried {
        /// The trial that has ended.
        trial: TrialId,
        /// What came of it.
        result: TrialResult,
    },
    /// So many bytes have gone through a relay, both directions, since the last word about it.
    RelayPassed {
        /// The relay that they went through.
        relay: RelayId,
        /// Bytes since the last word about it.
        bytes: u64,
    },
    /// A relay has ended; what went through it was told.
    RelayEnded(RelayId),
    /// What time it is: at least once an hour.
    Clock(Clock),
    /// The configuration was read anew, because a session asked for it or because the system said so.
    Configured {
        /// That of [`super::effect::Effect::Reload`].
        ticket: Option<Ticket>,
        /// What it says, or one sentence about why it cannot be used.
        read: Result<Box<TrackerSettings>, String>,
    },
    /// The tracker's owner wants something.
    Owner(OwnerOrder),
    /// Where the network is met: this tracker first, then the others that are there.
    Addresses(NetworkAddress),
    /// Something about the network's other trackers.
    Mesh(MeshInput),
    /// What other trackers have answered, each in the order in which they were named; none: it did not answer in time.
    Answered {
        /// That of [`super::effect::Effect::Ask`].
        ticket: Ticket,
        /// Of each of them.
        answers: Vec<Option<AnsweredPage>>,
    },
    /// A shard of the catalog has answered; asked by [`super::effect::Effect::AskShard`]. What one answers stays in order.
    ShardAnswered {
        /// Its number, from zero.
        shard: usize,
        /// What came of something that it was asked.
        answer: ShardAnswer,
    },
    /// The tracker ends: everybody is told.
    Stopping,
}

/// What another tracker has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredPage {
    /// These lines of its own users.
    Page(LinePage<String>),
    /// That whom the question is about is not there.
    Nobody,
    /// That it will not, for this reason.
    Refused(Code),
}

/// What others have written into the shared ledger, or this tracker itself, in the order in which it was written.
#[derive(Debug)]
pub enum Learned {
    /// Records that were written or taken away.
    Changes(Vec<Record>),
    /// These and no others are the names behind `after` and up to `up_to`, in the order of their folded forms.
    Names {
        /// None: from the first one on.
        after: Option<String>,
        /// None: to the last one.
        up_to: Option<String>,
        /// Bound, or resting.
        names: Vec<Record>,
    },
    /// These and no others are the bans, the invites and the settings that owners have ordered.
    Rules(Vec<Record>),
    /// The replica was as the ledger is, at this moment.
    UpToDate(Instant),
}

/// What time it is for a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The tracker's own clock: it begins with what the clock on the wall says at the first start, counts the seconds that
    /// the tracker runs, and stands while it does not. Names lapse by it: a clock on the wall that jumps, or a long pause,
    /// takes nobody's name away.
    pub run_seconds: u64,
    /// What the clock on the wall says, in seconds since 1970.
    pub unix_seconds: u64,
}

/// A connection that is ready.
#[derive(Debug, Clone, Copy)]
pub struct SessionOpened {
    /// The other end, as the socket sees it.
    pub peer: SocketAddr,
    /// This end of the same connection.
    pub local: SocketAddr,
    /// The key proven by TLS; a plain session has none.
    pub key: Option<PublicKey>,
    /// When the connection was accepted: deadlines count from then.
    pub accepted_at: Instant,
    /// Whether it is another tracker of the network that asks.
    pub is_tracker: bool,
}

/// One line of a session, or the end of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionRequest {
    /// A line that was understood.
    Command(Command),
    /// So many times `ping`, answered where they came in, before the lines that come with this. Of a connection that is
    /// lost the last ones are not told.
    Pinged(u64),
    /// A line that is no command.
    Refused {
        /// The reason, as it is answered.
        refusal: Refusal,
        /// Whose files it was about.
        named: Option<Username>,
    },
    /// A line that is not even text.
    Fault(Fault),
    /// The session has sent its last line; it still gets its answers.
    End,
}

impl SessionRequest {
    /// Gives a line its meaning.
    pub fn read(line: Line) -> Self {
        match line {
            Line::Faulty(fault) => Self::Fault(fault),
            Line::Text(line) => match Command::parse(&line) {
                Ok(command) => Self::Command(command),
                Err(refusal) => Self::Refused { refusal, named: command::named_user(&line) },
            },
        }
    }
}

/// What only the tracker's owner may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerOrder {
    /// End a user's session.
    Kick(Username),
    /// End a user's session, and keep them away for a while.
    SendAway {
        /// The name of the user.
        username: Username,
        /// What they are known by.
        bans: Vec<Ban>,
        /// Whole minutes until they may come back.
        minutes: u64,
    },
    /// Shut somebody out, also after a restart.
    Ban(Ban),
    /// Let them in again.
    Unban(BanTarget),
    /// Give a name back that its owner has lost the key of.
    Release(Username),
    /// What sessions are greeted with; those who watch are greeted again.
    SetGreeting {
        /// What everybody sees as the name of this network.
        network_name: String,
        /// Line by line.
        message_of_the_day: Vec<String>,
    },
    /// Most files that one user may announce from now on.
    SetSharesPerUser(usize),
    /// Whether programs in the same local network find the tracker by themselves.
    SetLocalDiscovery(bool),
    /// What of the relay is offered from now on.
    SetRelay(RelayLimits),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::line::{Flavor, LineDecoder};
    use crate::vectors;

    /// What a session is or has decides the rest.
    const OF_THE_LINE: [&str; 6] =
        ["ERR unknown-command", "ERR usage", "ERR bad-name", "ERR bad-path", "ERR too-long", "closed"];

    #[test]
    fn every_line_of_the_vectors_is_read_as_it_stands_there() {
        let mut wrong = Vec::new();
        for row in vectors::rows(include_str!("../../../tests/vectors/lines.tsv")) {
            let mut decoder = LineDecoder::new(Flavor::Telnet);
            decoder.feed(row.bytes(1));
            decoder.feed(b"\n");
            let request = decoder.next_line().map(SessionRequest::read);
            let expected = row.text(0);
            let found = match &request {
                Some(SessionRequest::Fault(Fault::Http)) => "closed".to_owned(),
                Some(SessionRequest::Fault(Fault::TooLong)) => "ERR too-long".to_owned(),
                Some(SessionRequest::Fault(_)) => "ERR usage".to_owned(),
                // Whether it is the asker's own comes first.
                Some(SessionRequest::Refused { named: Some(name), .. }) if name.folded() != "tester" => {
                    expected.to_owned()
                }
                Some(SessionRequest::Refused { refusal, .. }) => format!("ERR {}", refusal.code),
                Some(SessionRequest::Command(_)) if !OF_THE_LINE.contains(&expected) => expected.to_owned(),
                other => format!("{other:?}"),
            };
            if found != expected {
                wrong.push(format!("{found}, not {expected}: {:?}", String::from_utf8_lossy(row.bytes(1))));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
