//! What is told: messages in passing, warnings that are kept, lines of the console page.

use std::path::PathBuf;
use std::time::Instant;

use potok_core::model::binding::BanQuery;
use potok_core::node::intent::TransferId;

use crate::model::Model;

/// Lines of the console page; the oldest go first.
pub const LOG_LINES_MAX: usize = 2_000;
/// Messages that wait to be read; the oldest go first.
pub(super) const TOASTS_MAX: usize = 5;
/// Warnings that the pages keep; the oldest go first.
const WARNINGS_MAX: usize = 50;
/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something went well.
    Good,
    /// Something to know.
    Info,
    /// Something needs a person.
    Bad,
    /// A command, as typed or as it would be typed.
    Command,
    /// A line that went to the tracker.
    Sent,
    /// A line that came from the tracker.
    Received,
}

/// A short message over the window.
#[derive(Debug, Clone)]
pub struct Toast {
    /// The number that names it while it is shown.
    pub number: u64,
    /// How it is meant.
    pub tone: Tone,
    /// What it says, in one sentence.
    pub text: String,
    /// When it came.
    pub since: Instant,
    /// What can be done about it.
    pub remedy: Option<Remedy>,
}

/// What a message offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Show this in its folder.
    Show(PathBuf),
    /// Try this download again.
    Retry(TransferId),
    /// See who asks to be let in.
    SeeWaiting,
    /// Let them in again.
    Unban(Vec<BanQuery>),
}

/// A line of the console page.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// How it is meant.
    pub tone: Tone,
    /// Safe to show.
    pub text: String,
}

impl Model {
    /// Tells something in passing.
    pub fn toast(&mut self, now: Instant, tone: Tone, text: String) {
        self.toast_with(now, tone, text, None);
    }

    /// The same, with what can be done about it.
    pub fn toast_with(&mut self, now: Instant, tone: Tone, text: String, remedy: Option<Remedy>) {
        self.push_log(tone, text.clone());
        // The same sentence twice is one sentence.
        self.toasts.retain(|toast| toast.text != text);
        self.toasts_so_far += 1;
        self.toasts.push_back(Toast { number: self.toasts_so_far, tone, text, since: now, remedy });
        if self.toasts.len() > TOASTS_MAX {
            self.toasts.pop_front();
        }
    }

    pub(super) fn apply_warning(&mut self, now: Instant, text: String) {
        self.warnings.retain(|old| *old != text);
        self.warnings.push_back(text.clone());
        if self.warnings.len() > WARNINGS_MAX {
            self.warnings.pop_front();
        }
        self.toast(now, Tone::Bad, text);
    }

    /// Adds a line to the console page.
    pub fn push_log(&mut self, tone: Tone, text: String) {
        self.log.push_back(LogLine { tone, text });
        if self.log.len() > LOG_LINES_MAX {
            self.log.pop_front();
        }
    }
}
