//! The network that runs here, and the wire to the tracker: what the pages of both show.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use potok_core::model::binding::Ban;
use potok_core::model::binding::BanQuery;
use potok_core::model::shown::Shown;
use potok_core::node::event::Hosted;
use potok_core::node::intent::Intent;
use potok_core::tracker::log::LogEntry;
use rust_i18n::t;

use crate::model::{Asked, AskedBy, Model, Remedy, Tone};
use crate::texts;

/// Lines of the tracker's log; the oldest go first.
const TRACKER_LOG_MAX: usize = 1_000;
/// How often the figures of the tracker are read while somebody looks at them.
const FIGURES_EVERY: Duration = Duration::from_secs(3);

impl Model {
    /// The tracker that runs in this program.
    pub fn hosted(&self) -> Option<&Hosted> {
        self.status.as_ref().and_then(|status| status.hosted.as_ref())
    }

    /// Asks for newer figures while somebody looks at them; when to come again.
    pub fn watch_figures(&mut self, now: Instant) -> (Option<Intent>, Option<Duration>) {
        if self.hosted().is_none() {
            return (None, None);
        }
        let age = self.figures_asked_at.map_or(FIGURES_EVERY, |at| now.duration_since(at));
        if age < FIGURES_EVERY {
            return (None, Some(FIGURES_EVERY - age));
        }
        self.figures_asked_at = Some(now);
        (Some(Intent::Status), Some(FIGURES_EVERY))
    }

    pub(super) fn apply_tracker_log(&mut self, at: SystemTime, entry: &LogEntry) {
        push(&mut self.tracker_log, (at, texts::of_log_entry(entry)));
        if matches!(entry, LogEntry::Banned { .. } | LogEntry::Unbanned { .. }) {
            self.wishes.push(Intent::ListBans);
        }
    }

    pub(super) fn apply_wire(&mut self, sent: bool, line: &str) {
        self.push_log(if sent { Tone::Sent } else { Tone::Received }, Shown(line).to_string());
    }

    /// The whole list if nobody clicked; after a click the new ones, which can be undone.
    pub(super) fn apply_bans(&mut self, now: Instant, asked: &Asked, bans: Vec<Ban>) {
        if asked.by == AskedBy::Background {
            self.bans = bans;
            return;
        }
        self.wishes.push(Intent::ListBans);
        let Some(first) = bans.first().filter(|_| asked.by == AskedBy::Mouse) else { return };
        let who = first.username.as_ref().map_or_else(|| first.target.to_string(), ToString::to_string);
        let text = t!("window.toast.banned", who = Shown(&who)).into_owned();
        let remedy = Remedy::Unban(bans.iter().map(|ban| BanQuery::from(&ban.target)).collect());
        self.toast_with(now, Tone::Good, text, Some(remedy));
    }
}

fn push<T>(lines: &mut VecDeque<T>, line: T) {
    lines.push_back(line);
    if lines.len() > TRACKER_LOG_MAX {
        lines.pop_front();
    }
}
