//! How it stands with the tracker: what of it is told, and which commands wait for it.

use potok_core::model::shown::Shown;
use potok_core::node::event::{NodeEvent, TrackerConnection};
use potok_core::node::failure::Failure;
use rust_i18n::t;

use crate::command_line::command::TrackerNeed;
use crate::console::session::{ConsoleSession, Stop};
use crate::texts;

impl ConsoleSession<'_> {
    /// Gives the first connection a moment. With a tracker that refuses us, what needs it fails with its reason.
    pub(super) fn await_tracker(&mut self, need: TrackerNeed) -> Result<(), Stop> {
        if need == TrackerNeed::No {
            return Ok(());
        }
        while !self.connection.as_ref().is_some_and(is_decided) {
            match self.next_notice_until(Some(self.tracker_wait_ends))? {
                None => break,
                Some(NodeEvent::Connection(TrackerConnection::Refused { tracker, why })) => {
                    self.untold_refusal = Some(why.clone());
                    self.connection = Some(TrackerConnection::Refused { tracker, why });
                }
                // The command that cannot do without says it.
                Some(NodeEvent::Connection(connection))
                    if connection.awaits_approval() && need == TrackerNeed::Needed =>
                {
                    self.has_told_trouble = true;
                    self.connection = Some(connection);
                }
                Some(notice) => self.news(notice),
            }
        }
        match &self.connection {
            Some(TrackerConnection::Refused { why, .. }) if need == TrackerNeed::Needed => {
                Err(Stop::Failed(why.clone()))
            }
            Some(TrackerConnection::Connecting { why: Some(why @ Failure::AwaitsApproval { .. }), .. })
                if need == TrackerNeed::Needed =>
            {
                Err(Stop::Failed(why.clone()))
            }
            _ => Ok(()),
        }
    }

    fn awaited_approval(&self) -> bool {
        self.connection.as_ref().is_some_and(TrackerConnection::awaits_approval)
    }

    pub(super) fn connection_news(&mut self, connection: TrackerConnection) {
        match &connection {
            TrackerConnection::Online { tracker, network, message_of_the_day } => {
                let was_online = matches!(self.connection, Some(TrackerConnection::Online { .. }));
                if !was_online {
                    let (network, tracker) = (Shown(network).to_string(), Shown(tracker).to_string());
                    self.output.news(&t!("console.online", network = network, tracker = tracker));
                    message_of_the_day.iter().for_each(|line| self.output.news(&Shown(line).to_string()));
                }
                self.has_told_trouble = false;
            }
            TrackerConnection::Connecting { why: Some(why), .. }
                if !self.has_told_trouble || (connection.awaits_approval() && !self.awaited_approval()) =>
            {
                self.has_told_trouble = true;
                self.output.warning(&texts::of_failure(why));
            }
            TrackerConnection::Refused { why, .. } if self.connection.as_ref() != Some(&connection) => {
                self.output.failure(why);
            }
            TrackerConnection::None | TrackerConnection::Connecting { .. } | TrackerConnection::Refused { .. } => {}
        }
        self.connection = Some(connection);
    }
}

/// Whether waiting for the tracker a little longer would change nothing.
fn is_decided(connection: &TrackerConnection) -> bool {
    let is_decided = matches!(connection, TrackerConnection::Online { .. } | TrackerConnection::Refused { .. });
    is_decided || connection.awaits_approval()
}
