//! Everything the console writes: answers to standard output, errors and news to standard error.
//!
//! The one place that knows whether people or programs read. Answers are buffered and flushed once a command.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::SyncSender;

use nu_ansi_term::{Color, Style as Ansi};
use potok_core::model::hash::ContentHash;
use potok_core::node::event::{Outcome, Transfer};
use potok_core::node::failure::Failure;
use potok_core::protocol::reply::FileLine;
use rust_i18n::t;

use crate::command_line::BadLine;
use crate::command_line::command::ConsoleCommand;
use crate::command_line::commands;
use crate::render::progress::Progress;
use crate::render::{reach, records, tables};
use crate::texts;

/// Who reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Records, codes, no colours, no bars.
    Programs,
    /// Tables and sentences.
    People,
}

/// Both ways out.
pub struct Output {
    audience: Audience,
    out: BufWriter<Box<dyn Write + Send>>,
    err: Box<dyn Write + Send>,
    /// While a line is edited, news go above it.
    above_prompt: Option<SyncSender<String>>,
    is_prompting: bool,
    has_colours: bool,
    progress: Progress,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("audience", &self.audience).finish_non_exhaustive()
    }
}

impl Output {
    /// Writes to these two.
    pub fn new(audience: Audience, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let at_terminal = audience == Audience::People;
        Self {
            audience,
            out: BufWriter::with_capacity(OUT_BUFFER_BYTES, out),
            err,
            above_prompt: None,
            is_prompting: false,
            has_colours: at_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            progress: Progress::new(at_terminal),
        }
    }

    /// Writes to standard output and standard error.
    pub fn standard(audience: Audience) -> Self {
        Self::new(audience, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// News go through this sender while a line is edited.
    pub fn with_prompt(mut self, above_prompt: SyncSender<String>) -> Self {
        self.above_prompt = Some(above_prompt);
        self
    }

    /// Who reads what is written.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// Whether somebody edits a line now.
    pub fn set_prompting(&mut self, is_prompting: bool) {
        self.is_prompting = is_prompting;
    }

    /// The answer to a command.
    pub fn outcome(&mut self, outcome: &Outcome, is_list_of_mine: bool) -> io::Result<()> {
        self.progress.clear();
        let out = &mut self.out;
        match (self.audience, outcome) {
            (_, Outcome::Done | Outcome::Queued(_) | Outcome::QueuedAll(_) | Outcome::NothingToFetch) => Ok(()),
            // The window asks for these, page by page.
            (_, Outcome::FilePage { .. } | Outcome::FolderPage { .. } | Outcome::Totals(_)) => Ok(()),
            (_, Outcome::UserTotals(_) | Outcome::Sources(_) | Outcome::Level(_)) => Ok(()),
            (_, Outcome::FoundShares { .. }) => Ok(()),
            // It goes before an answer, for people only.
            (Audience::Programs, Outcome::SharePreview(_)) => Ok(()),
            (Audience::People, Outcome::SharePreview(preview)) => tables::share_preview(out, preview),
            // Nobody on a console asks to be asked; of several commands each is answered.
            (_, Outcome::UnsafeNames { .. } | Outcome::Here(_) | Outcome::UnsharedEach(_)) => Ok(()),
            (_, Outcome::FreeSpace(_)) => Ok(()),
            // It is said beside the answer.
            (_, Outcome::Partial(_)) => Ok(()),
            (Audience::Programs, Outcome::TransferDetails(details)) => records::transfer_details(out, details),
            (Audience::People, Outcome::TransferDetails(details)) => tables::transfer_details(out, details),
            (_, Outcome::Invite(invite)) => records::line(out, invite),
            (Audience::Programs, Outcome::Users(users)) => records::users(out, users),
            (Audience::Programs, Outcome::Shared(shares)) if is_list_of_mine => records::my_shares(out, shares),
            (Audience::Programs, Outcome::Shared(shares)) => records::shared(out, shares),
            (Audience::Programs, Outcome::Unshared(paths)) => records::unshared(out, paths),
            (Audience::Programs, Outcome::Roots(page)) => records::roots(out, &page.roots),
            (Audience::Programs, Outcome::Stopped { places, .. }) => records::stopped(out, places),
            (Audience::Programs, Outcome::Transfers(transfers)) => records::transfers(out, transfers),
            (Audience::Programs, Outcome::History(past)) => records::history(out, past),
            (Audience::Programs, Outcome::Me(me)) => records::me(out, me),
            (Audience::Programs, Outcome::TrackerVersion(tracker)) => records::version(out, *tracker),
            (Audience::Programs, Outcome::Status(status)) => records::status(out, status),
            (Audience::Programs, Outcome::Bans(bans)) => records::bans(out, bans),
            (Audience::Programs, Outcome::Reachability(known)) => reach::records(out, known),
            (Audience::Programs, Outcome::Nearby { networks, .. }) => records::nearby(out, networks),
            (Audience::Programs, Outcome::Limits(figures) | Outcome::Figures(figures)) => {
                records::figures(out, figures)
            }
            (Audience::Programs, Outcome::Trackers(trackers)) => records::trackers(out, trackers),
            (Audience::Programs, Outcome::Invites(invites)) => records::invites(out, invites),
            (Audience::Programs, Outcome::WaitingUsers(users)) => records::waiting(out, users),
            (Audience::Programs, Outcome::Reloaded(settings)) => records::reloaded(out, settings),
            (Audience::People, outcome) if is_empty(outcome) => records::line(out, t!("console.nothing")),
            (Audience::People, Outcome::Users(users)) => tables::users(out, users),
            (Audience::People, Outcome::Shared(shares)) if is_list_of_mine => tables::my_shares(out, shares),
            (Audience::People, Outcome::Shared(shares)) => tables::shared(out, shares),
            (Audience::People, Outcome::Unshared(paths)) => tables::unshared(out, paths),
            (Audience::People, Outcome::Roots(page)) => tables::roots(out, &page.roots),
            (Audience::People, Outcome::Stopped { places, .. }) => tables::stopped(out, places),
            (Audience::People, Outcome::Transfers(transfers)) => tables::transfers(out, transfers),
            (Audience::People, Outcome::History(past)) => tables::history(out, past),
            (Audience::People, Outcome::Me(me)) => tables::me(out, me),
            (Audience::People, Outcome::TrackerVersion(tracker)) => tables::version(out, *tracker),
            (Audience::People, Outcome::Status(status)) => tables::status(out, status),
            (Audience::People, Outcome::Bans(bans)) => tables::bans(out, bans),
            (Audience::People, Outcome::Reachability(known)) => reach::sentences(out, known),
            (Audience::People, Outcome::Nearby { networks, is_on }) => tables::nearby(out, networks, *is_on),
            (Audience::People, Outcome::Limits(figures) | Outcome::Figures(figures)) => tables::figures(out, figures),
            (Audience::People, Outcome::Trackers(trackers)) => tables::trackers(out, trackers),
            (Audience::People, Outcome::Invites(invites)) => tables::invites(out, invites),
            (Audience::People, Outcome::WaitingUsers(users)) => tables::waiting(out, users),
            (Audience::People, Outcome::Reloaded(settings)) => tables::reloaded(out, settings),
        }
    }

    /// A part of a list of files.
    pub fn files(&mut self, files: &[FileLine], is_first_part: bool) -> io::Result<()> {
        match self.audience {
            Audience::Programs => records::files(&mut self.out, files),
            Audience::People => tables::files(&mut self.out, files, is_first_part),
        }
    }

    /// A list of files had none.
    pub fn no_files(&mut self) -> io::Result<()> {
        match self.audience {
            Audience::Programs => Ok(()),
            Audience::People => records::line(&mut self.out, t!("console.nothing")),
        }
    }

    /// A file of a download that somebody waits for is finished. Written at once.
    pub fn downloaded(&mut self, local_path: &Path, size: u64, hash: ContentHash) -> io::Result<()> {
        let Self { audience, out, progress, .. } = self;
        progress.around(|| {
            match audience {
                Audience::Programs => records::downloaded(out, local_path, size, hash),
                Audience::People => tables::downloaded(out, local_path, size),
            }?;
            out.flush()
        })
    }

    /// A file of a download that somebody waits for is written under another name than its owner's.
    pub fn renamed(&mut self, original: &str, local_path: &Path) -> io::Result<()> {
        let Self { audience, out, progress, .. } = self;
        progress.around(|| match audience {
            Audience::Programs => records::renamed(out, original, local_path),
            Audience::People => tables::renamed(out, original, local_path),
        })
    }

    /// A download that somebody waits for came to its end, and some of it lay at its places already.
    pub fn already_there(&mut self, transfer: &Transfer) -> io::Result<()> {
        let Self { audience, out, progress, .. } = self;
        let there = transfer.there;
        progress.around(|| match audience {
            // What is the same is told as what came is.
            Audience::Programs if there.left_out > 0 => records::left_out(out, there.left_out, &transfer.label),
            Audience::Programs => Ok(()),
            Audience::People => tables::already_there(there).map_or(Ok(()), |text| records::line(out, text)),
        })
    }

    /// The commands, or one.
    pub fn help(&mut self, command: Option<&ConsoleCommand>) -> io::Result<()> {
        let out = &mut self.out;
        match (self.audience, command) {
            (Audience::Programs, None) => records::help(out, commands::all()),
            (Audience::Programs, Some(command)) => records::help(out, [command]),
            (Audience::People, None) => tables::help(out, commands::all()),
            (Audience::People, Some(command)) => tables::help(out, [command]),
        }
    }

    /// A sentence for people; programs do not want it.
    pub fn remark(&mut self, text: &str) -> io::Result<()> {
        match self.audience {
            Audience::Programs => Ok(()),
            Audience::People => records::line(&mut self.out, text),
        }
    }

    /// Sends what was written on its way.
    pub fn flush(&mut self) -> io::Result<()> {
        self.progress.clear();
        self.out.flush()
    }

    /// A command failed.
    pub fn failure(&mut self, failure: &Failure) {
        self.error(failure.code(), &texts::of_failure(failure));
    }

    /// A line was not understood.
    pub fn bad_line(&mut self, bad: &BadLine) {
        self.error(bad.code(), &bad.sentence());
    }

    /// `error: <code>: <text>`; people get the text alone.
    pub fn error(&mut self, code: &str, text: &str) {
        let line = match self.audience {
            Audience::Programs => format!("error: {code}: {text}"),
            Audience::People => format!("{} {text}", self.paint(Color::Red.bold(), &t!("console.error"))),
        };
        self.news_line(line);
    }

    /// Something that a person should read.
    pub fn warning(&mut self, text: &str) {
        let line = match self.audience {
            Audience::Programs => format!("warning: {text}"),
            Audience::People => format!("{} {text}", self.paint(Color::Yellow.bold(), &t!("console.warning"))),
        };
        self.news_line(line);
    }

    /// Something that happened by itself; programs do not want it.
    pub fn news(&mut self, text: &str) {
        if self.audience == Audience::People {
            let line = self.paint(Ansi::new().dimmed(), text);
            self.news_line(line);
        }
    }

    /// How far a download is.
    pub fn progress_of(&mut self, transfer: &Transfer) {
        self.progress.transfer(transfer);
    }

    /// How far hashing is.
    pub fn progress_of_hashing(&mut self, done_bytes: u64, total_bytes: u64, files_left: u64) {
        if !self.is_prompting {
            self.progress.hashing(done_bytes, total_bytes, files_left);
        }
    }

    fn news_line(&mut self, line: String) {
        if let Some(above_prompt) = self.above_prompt.as_ref().filter(|_| self.is_prompting) {
            // Full: the terminal is slower than the news, and news can be missed.
            let _ = above_prompt.try_send(line);
            return;
        }
        let Self { out, err, progress, .. } = self;
        progress.around(|| {
            // What was answered before stands before; a closed standard output shows at the next answer.
            let _ = out.flush();
            // Nobody reads standard error any more: nothing can be told, and nothing else depends on it.
            let _ = writeln!(err, "{line}");
        });
    }

    fn paint(&self, style: Ansi, text: &str) -> String {
        if self.has_colours { style.paint(text).to_string() } else { text.to_owned() }
    }
}

/// People sit at both ends, or programs read.
pub fn who_reads() -> Audience {
    if io::stdin().is_terminal() && io::stdout().is_terminal() { Audience::People } else { Audience::Programs }
}

/// What `potok` alone says until it has a window.
pub fn no_window() -> ExitCode {
    fail("no-window", &t!("start.no-window"))
}

/// Tells why a program ends before it began.
pub fn fail(code: &str, text: &str) -> ExitCode {
    Output::standard(who_reads()).error(code, text);
    ExitCode::FAILURE
}

/// Says one sentence to a person at a terminal; answers go to nobody else.
pub fn say(text: &str) {
    Output::standard(who_reads()).news(text);
}

/// Answers are written in pieces of this size, in bytes.
const OUT_BUFFER_BYTES: usize = 64 * 1024;

fn is_empty(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Users(users) => users.is_empty(),
        Outcome::Shared(shares) => shares.is_empty(),
        Outcome::Unshared(paths) => paths.is_empty(),
        Outcome::Roots(page) => page.roots.is_empty(),
        Outcome::Stopped { places, .. } => places.is_empty(),
        Outcome::Transfers(transfers) => transfers.is_empty(),
        Outcome::History(past) => past.is_empty(),
        Outcome::Bans(bans) => bans.is_empty(),
        Outcome::Invites(invites) => invites.is_empty(),
        Outcome::Trackers(trackers) => trackers.is_empty(),
        Outcome::WaitingUsers(users) => users.is_empty(),
        Outcome::Reloaded(settings) => settings.is_empty(),
        _ => false,
    }
}
