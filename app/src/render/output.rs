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
use crate::command_line::table::{COMMANDS, Command};
use crate::render::progress::Progress;
use crate::render::{records, tables};
use crate::texts;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Records, codes, no colours, no bars.
    Programs,
    /// Tables and sentences.
    People,
}

/// Both ways out.
pub struct Output {
    readers: Readers,
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
        f.debug_struct("Output").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl Output {
    /// Writes to these two.
    pub fn new(readers: Readers, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let at_terminal = readers == Readers::People;
        Self {
            readers,
            out: BufWriter::with_capacity(OUT_BUFFER_BYTES, out),
            err,
            above_prompt: None,
            is_prompting: false,
            has_colours: at_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            progress: Progress::new(at_terminal),
        }
    }

    /// Writes to standard output and standard error.
    pub fn standard(readers: Readers) -> Self {
        Self::new(readers, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// News go through this sender while a line is edited.
    pub fn with_prompt(mut self, above_prompt: SyncSender<String>) -> Self {
        self.above_prompt = Some(above_prompt);
        self
    }

    /// Who reads.
    pub fn readers(&self) -> Readers {
        self.readers
    }

    /// Whether somebody edits a line now.
    pub fn set_prompting(&mut self, is_prompting: bool) {
        self.is_prompting = is_prompting;
    }

    /// The answer to a command.
    pub fn outcome(&mut self, outcome: &Outcome, is_list_of_mine: bool) -> io::Result<()> {
        self.progress.clear();
        let out = &mut self.out;
        match (self.readers, outcome) {
            (_, Outcome::Done | Outcome::Queued(_)) => Ok(()),
            (_, Outcome::Invite(invite)) => records::line(out, invite),
            (Readers::Programs, Outcome::Users(users)) => records::users(out, users),
            (Readers::Programs, Outcome::Shared(shares)) if is_list_of_mine => records::my_shares(out, shares),
            (Readers::Programs, Outcome::Shared(shares)) => records::shared(out, shares),
            (Readers::Programs, Outcome::Unshared(paths)) => records::unshared(out, paths),
            (Readers::Programs, Outcome::Transfers(transfers)) => records::transfers(out, transfers),
            (Readers::Programs, Outcome::Me(me)) => records::me(out, me),
            (Readers::Programs, Outcome::Status(status)) => records::status(out, status),
            (Readers::Programs, Outcome::Bans(bans)) => records::bans(out, bans),
            (Readers::People, outcome) if is_empty(outcome) => records::line(out, t!("console.nothing")),
            (Readers::People, Outcome::Users(users)) => tables::users(out, users),
            (Readers::People, Outcome::Shared(shares)) if is_list_of_mine => tables::my_shares(out, shares),
            (Readers::People, Outcome::Shared(shares)) => tables::shared(out, shares),
            (Readers::People, Outcome::Unshared(paths)) => tables::unshared(out, paths),
            (Readers::People, Outcome::Transfers(transfers)) => tables::transfers(out, transfers),
            (Readers::People, Outcome::Me(me)) => tables::me(out, me),
            (Readers::People, Outcome::Status(status)) => tables::status(out, status),
            (Readers::People, Outcome::Bans(bans)) => tables::bans(out, bans),
        }
    }

    /// A part of a list of files.
    pub fn files(&mut self, files: &[FileLine], is_first_part: bool) -> io::Result<()> {
        match self.readers {
            Readers::Programs => records::files(&mut self.out, files),
            Readers::People => tables::files(&mut self.out, files, is_first_part),
        }
    }

    /// A list of files had none.
    pub fn no_files(&mut self) -> io::Result<()> {
        match self.readers {
            Readers::Programs => Ok(()),
            Readers::People => records::line(&mut self.out, t!("console.nothing")),
        }
    }

    /// A file of a download that somebody waits for is finished. Written at once.
    pub fn downloaded(&mut self, local_path: &Path, size: u64, hash: ContentHash) -> io::Result<()> {
        let Self { readers, out, progress, .. } = self;
        progress.around(|| {
            match readers {
                Readers::Programs => records::downloaded(out, local_path, size, hash),
                Readers::People => tables::downloaded(out, local_path, size),
            }?;
            out.flush()
        })
    }

    /// The commands, or one.
    pub fn help(&mut self, command: Option<&Command>) -> io::Result<()> {
        let out = &mut self.out;
        match (self.readers, command) {
            (Readers::Programs, None) => records::help(out, COMMANDS),
            (Readers::Programs, Some(command)) => records::help(out, [command]),
            (Readers::People, None) => tables::help(out, COMMANDS),
            (Readers::People, Some(command)) => tables::help(out, [command]),
        }
    }

    /// A sentence for people; programs do not want it.
    pub fn remark(&mut self, text: &str) -> io::Result<()> {
        match self.readers {
            Readers::Programs => Ok(()),
            Readers::People => records::line(&mut self.out, text),
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
        let line = match self.readers {
            Readers::Programs => format!("error: {code}: {text}"),
            Readers::People => format!("{} {text}", self.paint(Color::Red.bold(), &t!("console.error"))),
        };
        self.news_line(line);
    }

    /// Something that a person should read.
    pub fn warning(&mut self, text: &str) {
        let line = match self.readers {
            Readers::Programs => format!("warning: {text}"),
            Readers::People => format!("{} {text}", self.paint(Color::Yellow.bold(), &t!("console.warning"))),
        };
        self.news_line(line);
    }

    /// Something that happened by itself; programs do not want it.
    pub fn news(&mut self, text: &str) {
        if self.readers == Readers::People {
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
pub fn who_reads() -> Readers {
    if io::stdin().is_terminal() && io::stdout().is_terminal() { Readers::People } else { Readers::Programs }
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
        Outcome::Transfers(transfers) => transfers.is_empty(),
        _ => false,
    }
}
