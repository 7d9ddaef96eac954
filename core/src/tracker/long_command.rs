//! Commands that take more than one turn: how far each of them has come.

use crate::model::relaying::RelayOffer;
use crate::model::share::Share;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::command::VerbKind;
use crate::tracker::file_changes::{Announcing, User, Withdrawing};
use crate::tracker::forwarded::Forwarded;
use crate::tracker::input::AnsweredPage;
use crate::tracker::own_list::OwnList;
use crate::tracker::quotas::Taken;
use crate::tracker::shards::ask::ChangeOutcome;
use crate::tracker::ticket::Ticket;

/// A command that takes more than one turn.
#[derive(Debug)]
pub(super) enum LongCommand {
    /// Files on their way out.
    List {
        list: OwnList,
        /// Its first line is sent, with the number of lines.
        is_begun: bool,
    },
    Announce(Announcing),
    Withdraw(Withdrawing),
    /// Files of this tracker and of the others.
    Gather(Gathering),
    /// What another tracker knows.
    Ask(AskingElsewhere),
    /// A shard is asked how much of a line is new.
    Judge(Judging),
    /// A shard changes what somebody shares.
    Change(Changing),
}

impl LongCommand {
    /// Whose files it changes.
    pub(super) fn user(&self) -> Option<&User> {
        match self {
            Self::Announce(announcing) => Some(&announcing.user),
            Self::Withdraw(withdrawing) => Some(&withdrawing.user),
            Self::Judge(judging) => Some(&judging.user),
            Self::Change(changing) => Some(&changing.user),
            Self::List { .. } | Self::Gather(_) | Self::Ask(_) => None,
        }
    }

    /// How many lines it is the answer of.
    pub(super) fn lines(&self) -> usize {
        if let Self::Change(changing) = self { changing.verbs.len() } else { 1 }
    }

    /// The lines of it that are counted when it is known what comes of them, not when they are begun.
    pub(super) fn verbs_to_count(&self) -> &[VerbKind] {
        match self {
            Self::Judge(_) => &[VerbKind::RegisterFiles],
            Self::Change(changing) => &changing.verbs,
            Self::List { .. } | Self::Announce(_) | Self::Withdraw(_) | Self::Gather(_) | Self::Ask(_) => &[],
        }
    }

    /// The ticket by which shards were asked for a list that has not come.
    pub(super) fn list_ticket(&self) -> Option<Ticket> {
        match self {
            Self::List { list, .. } | Self::Gather(Gathering { own: list, .. }) => list.ticket(),
            Self::Announce(_) | Self::Withdraw(_) | Self::Ask(_) | Self::Judge(_) | Self::Change(_) => None,
        }
    }

    /// Whether other trackers have their part of the answer.
    pub(super) fn asks_others(&self) -> bool {
        matches!(self, Self::Gather(_))
    }

    /// Whether its turn is no work here: it waits, or others have done it.
    pub(super) fn is_light(&self) -> bool {
        matches!(self, Self::Ask(_) | Self::Judge(_) | Self::Change(_) | Self::List { list: OwnList::Asked(_), .. })
    }
}

/// A line of which a shard says how much is new.
#[derive(Debug)]
pub(super) struct Judging {
    pub(super) ticket: Ticket,
    pub(super) user: User,
    /// The line, and what of it is new, once that is known.
    pub(super) answered: Option<(Vec<Share>, Taken)>,
}

/// Lines that a shard carries out.
#[derive(Debug)]
pub(super) struct Changing {
    pub(super) ticket: Ticket,
    pub(super) user: User,
    /// What each of them is.
    pub(super) verbs: Vec<VerbKind>,
    /// What came of each, once that is known.
    pub(super) outcomes: Option<Vec<ChangeOutcome>>,
}

/// A question that other trackers are asked too.
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) ticket: Ticket,
    pub(super) form: ListForm,
    pub(super) limit: usize,
    /// One's own part.
    pub(super) own: OwnList,
    /// Trackers that could not be asked.
    pub(super) unasked: usize,
    /// What came of those who were asked, once that is known.
    pub(super) answers: Option<Vec<Option<AnsweredPage>>>,
}

/// A question that another tracker answers.
#[derive(Debug)]
pub(super) struct AskingElsewhere {
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
