//! The console's one loop: a line at a time, its intent to the engine, what comes of it to the output.
//!
//! A command ends before the next begins; facts that belong to no command are told in between. Waiting is always for
//! three things at once: the engine, a signal, and the end of patience.

mod connection;
mod download;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, select};
use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::node::event::{NodeEvent, Outcome, TrackerConnection, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::node::warning::Warning;
use rust_i18n::t;

use crate::client::Client;
use crate::command_line::completion::Completions;
use crate::command_line::{self, LineRequest};
use crate::console::input::{ConsoleInput, InputLine};
use crate::render::output::{Audience, Output};
use crate::signals::Interrupt;
use crate::texts;

/// How long the first command that needs the tracker waits for the connection.
pub const TRACKER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Most commands to stop sharing that are carried out together: what one commit costs is little for each of so many.
const UNSHARED_TOGETHER_MAX: usize = 1000;

/// What a session is started with.
#[derive(Debug)]
pub struct Options {
    /// What relative paths are relative to.
    pub cwd: PathBuf,
    /// How long to wait for the tracker; zero when none was chosen.
    pub tracker_wait: Duration,
    /// Serve on after the last line.
    pub keep_sharing: bool,
}

/// One run of the console.
pub struct ConsoleSession<'a> {
    pub(super) engine: &'a dyn Client,
    pub(super) output: Output,
    interrupts: Receiver<Interrupt>,
    completions: Completions,
    options: Options,
    tracker_wait_ends: Instant,
    connection: Option<TrackerConnection>,
    has_told_trouble: bool,
    /// The shared folder of which it was said last that new files in it are shared all the same: once is enough for
    /// whoever stops a thousand files in it by as many commands.
    told_open: Option<SharePath>,
    /// The tracker refused us while a command waited for it; the command may tell it itself.
    untold_refusal: Option<Failure>,
    has_failed: bool,
    /// Lines that are there and whose turn has not come.
    ahead: VecDeque<InputLine>,
    /// Finished files of transfers that nobody follows: queued before, by another program on this data folder perhaps.
    pub(super) unfollowed: Vec<NodeEvent>,
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It failed, which is still to be told.
    Failed(Failure),
    /// It failed, and that was told.
    FailedAndTold,
    /// Somebody does not want to wait any longer.
    Interrupted(Interrupt),
    /// The answer cannot be written.
    Output(io::Error),
    /// The engine has stopped.
    EngineGone,
    /// `quit`.
    Quit,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Why there is no next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All are read, or nobody reads the answers.
    OfInput,
    /// Somebody wanted it, or nothing can be done any more.
    OfProgram,
}

impl std::fmt::Debug for ConsoleSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleSession").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> ConsoleSession<'a> {
    /// Joins an engine with an output.
    pub fn new(
        engine: &'a dyn Client,
        output: Output,
        interrupts: Receiver<Interrupt>,
        completions: Completions,
        options: Options,
    ) -> Self {
        Self {
            engine,
            output,
            interrupts,
            completions,
            tracker_wait_ends: Instant::now() + options.tracker_wait,
            options,
            connection: None,
            has_told_trouble: false,
            told_open: None,
            untold_refusal: None,
            has_failed: false,
            ahead: VecDeque::new(),
            unfollowed: Vec::new(),
        }
    }

    /// Runs every line; whether each succeeded.
    pub fn run(mut self, input: &ConsoleInput) -> bool {
        let end = loop {
            let next = self.next_line(input).and_then(|line| self.run_line(line));
            if let Err(end) = next {
                break end;
            }
        };
        if end == End::OfInput && self.options.keep_sharing {
            self.serve();
        }
        !self.has_failed
    }

    fn next_line(&mut self, input: &ConsoleInput) -> Result<InputLine, End> {
        if !self.ahead.is_empty() {
            self.hear_what_waits()?;
        }
        while self.ahead.is_empty() {
            let lines = self.next_lines(input)?;
            self.ahead.extend(lines);
        }
        self.ahead.pop_front().ok_or(End::OfInput)
    }

    /// What was told and wanted while the last line was carried out.
    fn hear_what_waits(&mut self) -> Result<(), End> {
        if self.interrupts.try_recv().is_ok() {
            return Err(End::OfProgram);
        }
        for _ in 0..self.engine.notices().len() {
            match self.engine.notices().try_recv() {
                Ok(NodeEvent::Stopped) | Err(TryRecvError::Disconnected) => return Err(self.engine_gone()),
                Ok(notice) => self.news(notice),
                Err(TryRecvError::Empty) => break,
            }
        }
        Ok(())
    }

    fn next_lines(&mut self, input: &ConsoleInput) -> Result<Vec<InputLine>, End> {
        self.output.set_prompting(input.ready.is_some());
        input.ask_for_line();
        let lines = loop {
            select! {
                recv(input.lines) -> lines => break lines.map_err(|_closed| End::OfInput),
                recv(self.engine.notices()) -> notice => match notice {
                    Ok(NodeEvent::Stopped) | Err(_) => break Err(self.engine_gone()),
                    Ok(notice) => self.news(notice),
                },
                // At a prompt Ctrl-C is a key; as a signal it was meant for a command that has just ended.
                recv(self.interrupts) -> interrupt => match interrupt {
                    Ok(Interrupt::CtrlC) if input.ready.is_some() => {}
                    _ => break Err(End::OfProgram),
                },
                recv(input.wants) -> want => if let Ok(want) = want { self.completions.ask(self.engine, want) },
            }
        };
        self.output.set_prompting(false);
        lines
    }

    fn run_line(&mut self, line: InputLine) -> Result<(), End> {
        let parsed = line.and_then(|line| command_line::parse(&line, &self.options.cwd));
        let line = match parsed {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(bad) => {
                self.has_failed = true;
                self.output.bad_line(&bad);
                return Ok(());
            }
        };
        let carried_out = self.carry_out(line);
        let flushed = self.output.flush().map_err(Stop::Output);
        let untold_refusal = self.untold_refusal.take();
        let Err(stop) = carried_out.and(flushed) else {
            untold_refusal.iter().for_each(|why| self.output.failure(why));
            return Ok(());
        };
        match stop {
            Stop::Quit => return Err(End::OfProgram),
            Stop::Output(why) if why.kind() == io::ErrorKind::BrokenPipe => return Err(End::OfInput),
            // Only with a prompt: there it means "back to the prompt".
            Stop::Interrupted(Interrupt::CtrlC) => return Ok(()),
            _ => self.has_failed = true,
        }
        match stop {
            Stop::Failed(failure) => self.output.failure(&failure),
            Stop::Interrupted(_) => {
                self.output.error("interrupted", &t!("console.interrupted"));
                return Err(End::OfProgram);
            }
            Stop::Output(why) => {
                self.output.error("internal", &t!("console.output-failed", why = texts::of_io(&why)));
                return Err(End::OfInput);
            }
            Stop::EngineGone => return Err(self.engine_gone()),
            Stop::FailedAndTold | Stop::Quit => {}
        }
        Ok(())
    }

    fn carry_out(&mut self, line: command_line::TypedLine) -> Result<(), Stop> {
        let intent = match line.request {
            LineRequest::Quit => return Err(Stop::Quit),
            LineRequest::Help(command) => return Ok(self.output.help(command)?),
            LineRequest::Ask(intent) => intent,
        };
        self.await_tracker(line.command.tracker)?;
        match intent {
            Intent::Download(request) => self.download(request),
            Intent::DownloadOfAll(request) => self.download_of_all(request),
            Intent::Unshare { paths } => self.unshare(paths),
            intent => self.answer(intent),
        }
    }

    /// Stops sharing, together with what the next lines want to be stopped if they are there already. What came of each is
    /// told as if they had been carried out one by one; but the disk is waited for once.
    fn unshare(&mut self, paths: Vec<ShareOrLocalPath>) -> Result<(), Stop> {
        let mut commands = vec![paths];
        while commands.len() < UNSHARED_TOGETHER_MAX
            && let Some(Ok(line)) = self.ahead.front()
            && let Ok(Some(next)) = command_line::parse(line, &self.options.cwd)
            && let LineRequest::Ask(Intent::Unshare { paths }) = next.request
        {
            self.ahead.pop_front();
            commands.push(paths);
        }
        if let [_] = commands.as_slice() {
            return self.answer(Intent::Unshare { paths: commands.swap_remove(0) });
        }
        let Outcome::UnsharedEach(each) = self.ask(Intent::UnshareEach { commands }, &mut |_notice| false)? else {
            return Ok(());
        };
        for result in each {
            match result {
                Ok(paths) => self.output.outcome(&Outcome::Unshared(paths), false)?,
                Err(failure) => {
                    self.has_failed = true;
                    self.output.flush()?;
                    self.output.failure(&failure);
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, intent: Intent) -> Result<(), Stop> {
        let is_list_of_mine = intent == Intent::ListShares;
        let lists_files = matches!(intent, Intent::ListFiles { .. } | Intent::Search { .. });
        if let Intent::Share(requests) | Intent::ShareWhatFits(requests) = &intent
            && self.output.audience() == Audience::People
        {
            // People read what it will be before it is; what is wrong with it is told when it is asked for.
            if let Ok(preview) = self.ask(Intent::PreviewShare(requests.clone()), &mut |_notice| false) {
                self.output.outcome(&preview, false)?;
                self.output.flush()?;
            }
        }
        let mut intent = intent;
        loop {
            let outcome = self.ask(intent, &mut |_notice| false)?;
            if outcome == Outcome::Done && !lists_files {
                self.output.remark(&t!("console.done"))?;
            }
            self.output.outcome(&outcome, is_list_of_mine)?;
            if let Outcome::Partial(partial) = &outcome {
                self.output.warning(&texts::of_partial(partial));
            }
            match next_page(outcome) {
                Some(next) => intent = next,
                None => return Ok(()),
            }
        }
    }

    /// Sends a wish and waits for what comes of it; its files are written as they come. `takes` is offered every other
    /// fact first, and says whether it took it.
    pub(super) fn ask(&mut self, intent: Intent, takes: &mut dyn FnMut(&NodeEvent) -> bool) -> Result<Outcome, Stop> {
        let shares = matches!(intent, Intent::Share(_) | Intent::ShareWhatFits(_) | Intent::ShareAgain { .. });
        let changes_shares = shares || matches!(intent, Intent::Unshare { .. } | Intent::UnshareEach { .. });
        let lists_files = matches!(intent, Intent::ListFiles { .. } | Intent::Search { .. });
        let downloads = matches!(intent, Intent::Download(_) | Intent::DownloadOfAll(_));
        let mut has_files = false;
        let asked = self.engine.ask(intent);
        loop {
            match self.next_notice()? {
                NodeEvent::Outcome { id, result } if id == asked => {
                    let outcome = result.map_err(Stop::Failed)?;
                    if lists_files && !has_files {
                        self.output.no_files()?;
                    }
                    return Ok(outcome);
                }
                NodeEvent::Files { id, files } if id == asked => {
                    if !files.is_empty() {
                        self.output.files(&files, !has_files)?;
                        has_files = true;
                    }
                }
                NodeEvent::Hashing { done_bytes, total_bytes, files_left } if shares => {
                    self.output.progress_of_hashing(done_bytes, total_bytes, files_left);
                }
                NodeEvent::WaitingFor { id, user } if id == asked => {
                    self.output.news(&t!("console.waiting-for", user = Shown(&user)));
                }
                // Its outcome says the same.
                NodeEvent::SharesChanged { .. } if changes_shares => self.completions.forget(),
                NodeEvent::Transfer(transfer) if downloads && transfer.state == TransferState::Checking => {
                    self.output.progress_of(&transfer);
                    let _is_it = takes(&NodeEvent::Transfer(transfer));
                }
                notice if takes(&notice) => {}
                notice => self.news(notice),
            }
        }
    }

    /// The next fact.
    fn next_notice(&self) -> Result<NodeEvent, Stop> {
        // Without an end of patience there is always one.
        self.next_notice_until(None)?.ok_or(Stop::EngineGone)
    }

    /// The next fact, or none at the end of patience.
    pub(super) fn next_notice_until(&self, until: Option<Instant>) -> Result<Option<NodeEvent>, Stop> {
        let too_late = until.map_or_else(crossbeam_channel::never, crossbeam_channel::at);
        select! {
            recv(self.engine.notices()) -> notice => match notice {
                Ok(NodeEvent::Stopped) | Err(_) => Err(Stop::EngineGone),
                Ok(notice) => Ok(Some(notice)),
            },
            recv(self.interrupts) -> interrupt => Err(Stop::Interrupted(interrupt.unwrap_or(Interrupt::Terminate))),
            recv(too_late) -> _ => Ok(None),
        }
    }

    /// Serves until a signal comes.
    fn serve(&mut self) {
        // Nobody may be reading any more, and that is no reason to stop.
        let _ = self.output.remark(&t!("console.still-sharing")).and_then(|()| self.output.flush());
        loop {
            match self.next_notice() {
                Ok(notice) => self.news(notice),
                Err(Stop::EngineGone) => {
                    self.engine_gone();
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn engine_gone(&mut self) -> End {
        self.has_failed = true;
        self.output.error("internal", &t!("console.engine-gone"));
        End::OfProgram
    }

    fn warn(&mut self, warning: &Warning) {
        if let Warning::FolderStillShared { folder, .. } = warning {
            self.told_open = Some(folder.clone());
        }
        self.output.warning(&texts::of_warning(warning));
    }

    /// A fact that no command waits for.
    pub(super) fn news(&mut self, notice: NodeEvent) {
        let shown = |text: &str| Shown(text).to_string();
        if self.completions.take(&notice) {
            return;
        }
        self.keep_unfollowed(&notice);
        match notice {
            NodeEvent::Connection(connection) => self.connection_news(connection),
            NodeEvent::Joined { user, .. } => {
                self.output.news(&t!("console.joined", user = shown(user.username.as_str())));
            }
            NodeEvent::Left(user) => self.output.news(&t!("console.left", user = shown(user.as_str()))),
            NodeEvent::SharesChanged { added, removed } => {
                self.output.news(&t!("console.shares-changed", added = added.len(), removed = removed.len()));
            }
            NodeEvent::Skipped { path, why, more } => {
                self.output.warning(&texts::of_skipped(&path, &why, more));
            }
            NodeEvent::PeerLied { user } => self.output.warning(&t!("console.peer-lied", user = shown(user.as_str()))),
            NodeEvent::Warning(Warning::FolderStillShared { folder, more: 0 })
                if self.told_open.as_ref() == Some(&folder) => {}
            NodeEvent::Warning(warning) => self.warn(&warning),
            NodeEvent::Downloaded { local_path, size, .. } => {
                let (path, size) = (ShownPath(&local_path), crate::human::size(size));
                self.output.news(&t!("console.downloaded", path = path, size = size));
            }
            NodeEvent::FileFailed { number, remote_path, failure, more } => {
                self.output.warning(&texts::of_failed_file(number, &remote_path, &failure, more));
            }
            NodeEvent::Renamed { original, local_path, .. } => {
                let (original, path) = (shown(&original), ShownPath(&local_path));
                self.output.news(&t!("console.renamed", original = original, path = path));
            }
            NodeEvent::AsksToComeIn(user) => {
                self.output.news(&t!("window.owner.asks", user = shown(user.as_str())));
            }
            NodeEvent::Broadcast { by, text } => self.output.news(&texts::of_broadcast(by.as_ref(), &text)),
            // The outcome of a wish that nobody waits for any more; progress of what nobody follows.
            NodeEvent::Outcome { .. }
            | NodeEvent::Files { .. }
            | NodeEvent::WaitingFor { .. }
            | NodeEvent::Shared(_)
            | NodeEvent::Unshared { .. }
            | NodeEvent::UserChanged(_)
            | NodeEvent::Resync
            | NodeEvent::Role(_)
            | NodeEvent::InviteChanged
            | NodeEvent::Partial(_)
            | NodeEvent::Lagged
            | NodeEvent::TrackerLog { .. }
            | NodeEvent::Metering(_)
            | NodeEvent::Wire { .. }
            | NodeEvent::WireLeftOut { .. }
            | NodeEvent::Hashing { .. }
            | NodeEvent::Transfer(_)
            | NodeEvent::Reachability(_)
            | NodeEvent::TransferGone { .. }
            | NodeEvent::Nearby(_)
            | NodeEvent::Stopped => {}
        }
    }

    /// Whoever asks for such a download later joins it, and is told of all its files.
    fn keep_unfollowed(&mut self, notice: &NodeEvent) {
        match notice {
            NodeEvent::Downloaded { .. } if self.unfollowed.len() < download::EARLY_FACTS_MAX => {
                self.unfollowed.push(notice.clone());
            }
            NodeEvent::TransferGone { .. } => {
                self.unfollowed.retain(|kept| download::number_of(kept) != download::number_of(notice));
            }
            _ => {}
        }
    }
}

/// What asks for the rest of a list, if there is more of it.
fn next_page(outcome: Outcome) -> Option<Intent> {
    match outcome {
        Outcome::Roots(page) => Some(Intent::ListRoots { after: Some(page.more?) }),
        Outcome::Stopped { more, .. } => Some(Intent::ListStopped { root: None, after: Some(more?) }),
        _ => None,
    }
}
