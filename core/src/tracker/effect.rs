//! What the machine wants done, in the order in which it must reach the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::model::binding::{NameClaim, Record};
use crate::model::key::PublicKey;
use crate::tracker::input::{SessionId, Ticket, TrialId};
use crate::tracker::log::LogEntry;
use crate::tracker::mesh::LinkEffect;
use crate::tracker::relays::RelayId;
use crate::tracker::shards::ask::ShardAsk;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send answers. They are never left out.
    Send {
        /// The session that it goes to.
        to: SessionId,
        /// Whole lines, each with its LF.
        bytes: Bytes,
    },
    /// Send notices. A session whose send queue is full gets one `* resync` instead when it has drained.
    Notify {
        /// To whom: everybody for whom the bytes are the same.
        to: Arc<[SessionId]>,
        /// Whole lines, each with its LF.
        bytes: Bytes,
    },
    /// The session's lines are worked off: it may bring further ones.
    Ready(SessionId),
    /// Say [`super::input::Input::Drained`] when everything sent so far has left.
    TellDrained(SessionId),
    /// Send what is left, then close the connection. The machine has forgotten the session.
    Close(SessionId),
    /// Say `OK 0` to both and make one connection of theirs. The machine has forgotten the two sessions, and is told
    /// [`super::input::Input::RelayPassed`] and [`super::input::Input::RelayEnded`].
    Relay(RelayStart),
    /// End a relay at once.
    EndRelay(RelayId),
    /// All relays together may pass so many bytes a second from now on.
    SetRelayRate(u64),
    /// Tell the owner what happened.
    Log(LogEntry),
    /// Read the configuration anew and say [`super::input::Input::Configured`] with this ticket.
    Reload(Ticket),
    /// Write records, all of them or none, and say [`super::input::Input::Stored`] when they are on disk for good.
    Save {
        /// Repeated in the answer.
        ticket: Ticket,
        /// What to write, in this order.
        records: Vec<Record>,
    },
    /// Something about links to the network's other trackers.
    Link(LinkEffect),
    /// Ask other trackers, and say [`super::input::Input::Answered`] when all have answered or their time is over.
    Ask {
        /// Repeated in the answer.
        ticket: Ticket,
        /// Who are asked.
        trackers: Vec<SocketAddr>,
        /// The command, without its LF.
        line: String,
        /// What is expected of the answer.
        wants: WantedAnswer,
    },
    /// Say `OK 0` to a session and make one connection of it and of the one that was kept for this ticket.
    RelayOn {
        /// As for [`Effect::Relay`]; one of its sessions is none.
        start: RelayStart,
        /// That of [`Effect::Ask`]. If there is no connection any more the session is closed, and the relay has ended.
        ticket: Ticket,
    },
    /// Ask a shard of the catalog, and say [`super::input::Input::ShardAnswered`] with each thing that it answers. What one
    /// is asked stays in this order.
    AskShard {
        /// Its number, from zero.
        shard: usize,
        /// What it is to do.
        ask: ShardAsk,
    },
    /// Claim a name in the ledger that is shared with other trackers, and say [`super::input::Input::Claimed`] when the
    /// replica shows what became of it.
    Claim {
        /// Repeated in the answer.
        ticket: Ticket,
        /// What is claimed.
        claim: NameClaim,
    },
    /// Dial somebody, see whether they prove their key, and say [`super::input::Input::Tried`].
    Try {
        /// Repeated in the answer.
        trial: TrialId,
        /// The address by which they are here, and the port that they registered.
        address: SocketAddr,
        /// The key that whoever answers must prove.
        key: PublicKey,
    },
}

/// What is expected of other trackers' answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedAnswer {
    /// It comes at once: who has not answered within a second is missing.
    Answer,
    /// The same, and it is lines of files. One that is none is left out alone: who asked takes a tracker that says such a line
    /// for a faulty one.
    Files,
    /// It comes when the other side of an encounter has.
    Encounter,
    /// The same, and the connection is what is wanted: it is kept until the answer was told.
    Connection,
}

/// Two sessions that become one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayStart {
    /// By which it is known from now on.
    pub relay: RelayId,
    /// The plain sessions of who asked and of who was asked.
    pub sessions: [SessionId; 2],
    /// For whom it is counted: who asked.
    pub user: PublicKey,
    /// It ends when it has carried nothing for so long.
    pub idle_max: Duration,
}

/// Effects in order. Answers to one session in a row become one [`Effect::Send`], so that they leave in one write.
#[derive(Debug, Default)]
pub struct Effects {
    done: Vec<Effect>,
    open: Option<(SessionId, BytesMut)>,
}

impl Effects {
    /// The buffer for further answers to a session.
    pub(crate) fn answer(&mut self, to: SessionId) -> &mut BytesMut {
        if self.open.as_ref().is_some_and(|(open, _)| *open != to) {
            self.seal();
        }
        &mut self.open.get_or_insert_with(|| (to, BytesMut::new())).1
    }

    /// Answers that are bytes already; large ones are not copied.
    pub(crate) fn send(&mut self, to: SessionId, bytes: Bytes) {
        self.push(Effect::Send { to, bytes });
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.seal();
        self.done.push(effect);
    }

    fn seal(&mut self) {
        if let Some((to, bytes)) = self.open.take().filter(|(_, bytes)| !bytes.is_empty()) {
            self.done.push(Effect::Send { to, bytes: bytes.freeze() });
        }
    }
}

impl IntoIterator for Effects {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.seal();
        self.done.into_iter()
    }
}
