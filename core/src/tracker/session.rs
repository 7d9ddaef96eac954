//! What the tracker knows of one connection.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::tracker::file_changes::User;
use crate::tracker::input::{SessionOpened, SessionRequest, Ticket};
use crate::tracker::long_command::LongCommand;
use crate::tracker::roster::ReaderView;
use crate::tracker::settings::TrackerSettings;

#[derive(Debug)]
pub(super) struct SessionState {
    pub(super) peer: SocketAddr,
    pub(super) view: ReaderView,
    /// Proven by TLS. A session without a key is a plain one.
    pub(super) key: Option<PublicKey>,
    /// As whom it is registered.
    pub(super) user: Option<User>,
    /// Whose second address it has shown.
    pub(super) shown: Option<Username>,
    pub(super) is_watching: bool,
    /// Whether its key is an owner's.
    pub(super) is_owner: bool,
    /// Whether it is another tracker of the network, which asks for its own users.
    pub(super) is_tracker: bool,

    /// Lines that are not answered yet, in order.
    pub(super) waiting: VecDeque<SessionRequest>,
    pub(super) turn: Turn,
    /// What its first line asked for and is not done.
    pub(super) job: Option<Box<LongCommand>>,
    /// What its first line claims was claimed already.
    pub(super) has_claimed: bool,
    /// Bytes of answers since the session was last known to have taken all.
    pub(super) unsent_bytes: usize,

    /// When it last sent a whole line or took what was sent.
    pub(super) heard_at: Instant,
    /// Until its first command, when it must have come.
    pub(super) first_command_by: Option<Instant>,
    /// Its place in the machine's table of timers.
    pub(super) timer: Instant,
    /// Its place among the sessions without a name.
    pub(super) idle_since: Option<Instant>,
    pub(super) faulty_lines: u32,
}

/// Whether a session's lines can be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing of this session waits for anything.
    Idle,
    /// It stands in the line of sessions that have work.
    Queued,
    /// A record must be on disk first.
    Saving(Ticket),
    /// The answers so far must have left first.
    Draining,
    /// Other trackers, or shards of the catalog, must have answered first.
    Gathering,
}

impl SessionState {
    pub(super) fn new(opened: SessionOpened, now: Instant, settings: &TrackerSettings) -> Self {
        let first_command_by = opened.accepted_at + settings.first_command_max(opened.key.is_some());
        Self {
            peer: SocketAddr::new(opened.peer.ip().to_canonical(), opened.peer.port()),
            view: ReaderView::of(opened.peer, opened.local),
            key: opened.key,
            user: None,
            shown: None,
            is_watching: false,
            is_owner: opened.key.is_some_and(|key| settings.owners.contains(&key)),
            is_tracker: opened.is_tracker,
            waiting: VecDeque::new(),
            turn: Turn::Idle,
            job: None,
            has_claimed: false,
            unsent_bytes: 0,
            heard_at: now,
            first_command_by: Some(first_command_by),
            timer: first_command_by,
            idle_since: None,
            faulty_lines: 0,
        }
    }

    /// The name that it is registered by.
    pub(super) fn username(&self) -> Option<&Username> {
        self.user.as_ref().map(|user| &user.username)
    }

    /// When it is dead if nothing is heard of it.
    pub(super) fn deadline(&self, settings: &TrackerSettings) -> Instant {
        self.first_command_by.unwrap_or_else(|| self.heard_at + settings.silence_max(self.key.is_some()))
    }
}
