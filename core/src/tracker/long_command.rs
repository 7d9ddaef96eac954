//! Commands that take more than one turn: how far each of them has come.

use crate::model::relaying::RelayOffer;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::notice::Notice;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::list::ShareList;
use crate::tracker::forwarded::Forwarded;
use crate::tracker::input::{AnsweredPage, Ticket};
use crate::tracker::watching::TouchedFolders;

/// A command that takes more than one turn.
#[derive(Debug)]
pub(super) enum LongCommand {
    /// Files on their way out.
    List {
        list: ShareList,
        /// Its first line is sent, with the number of lines.
        is_begun: bool,
    },
    Announce(Announcing),
    Withdraw(Withdrawing),
    /// Files of this tracker and of the others.
    Gather(Gathering),
    /// What another tracker knows.
    Ask(Asking),
}

impl LongCommand {
    /// Whose files it changes.
    pub(super) fn user(&self) -> Option<&User> {
        match self {
            Self::Announce(announcing) => Some(&announcing.user),
            Self::Withdraw(withdrawing) => Some(&withdrawing.user),
            Self::List { .. } | Self::Gather(_) => None,
        }
    }
}

/// As whom a session is registered.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) username: Username,
    pub(super) owner: OwnerId,
}

/// A list of files that is being announced. It was judged as a whole before it was begun.
#[derive(Debug)]
pub(super) struct Announcing {
    pub(super) user: User,
    pub(super) shares: std::vec::IntoIter<Share>,
    pub(super) changed: Changed,
    pub(super) touched: TouchedFolders,
}

/// A list of files that is being taken back: first all of them are looked for, then they are taken.
#[derive(Debug)]
pub(super) struct Withdrawing {
    pub(super) user: User,
    pub(super) paths: Vec<SharePath>,
    pub(super) found: usize,
    pub(super) taken: usize,
    pub(super) changed: Changed,
    pub(super) touched: TouchedFolders,
}

/// What watchers will be told.
#[derive(Debug)]
pub(super) enum Changed {
    Nothing,
    One(Notice),
    Many,
}

impl Changed {
    pub(super) fn add(&mut self, event: impl FnOnce() -> Notice) {
        *self = match self {
            Self::Nothing => Self::One(event()),
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

/// A question that other trackers are asked too.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) ticket: Ticket,
    pub(super) form: ListForm,
    pub(super) limit: usize,
    /// One's own part.
    pub(super) own: ShareList,
    /// Trackers that could not be asked.
    pub(super) unasked: usize,
    /// What came of those who were asked, once that is known.
    pub(super) answers: Option<Vec<Option<AnsweredPage>>>,
}

/// A question that another tracker answers.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) ticket: Ticket,
    pub(super) about: AskedAbout,
    /// What came of it, once that is known.
    pub(super) answer: Option<Option<AnsweredPage>>,
}

/// What another tracker is asked about.
#[derive(Debug)]
pub(super) enum AskedAbout {
    /// Where a user of its own is.
    Addresses(Username),
    /// That a user of its own is to meet who asks here: the ticket of who asks, and what of the relay is offered here.
    Meeting(EncounterTicket, RelayOffer),
    /// The other side of an encounter that it has arranged.
    Probe,
    /// The same, at its relay.
    Relay(Forwarded),
}

/// Of what the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListForm {
    Files,
    Level,
    Count,
}
