//! `download` in the console: from the queue to the last file, with a bar for people and records for programs.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use potok_core::model::transfer::TransferError;
use potok_core::node::event::{Direction, NodeEvent, Outcome, Transfer, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{DownloadRequest, FolderOfAllRequest, Intent, TransferId, TransferSelection};
use potok_core::node::work::{FailedWork, WorkFault};
use rust_i18n::t;

use crate::console::session::{ConsoleSession, Stop};
use crate::render::tables;
use crate::signals::Interrupt;
use crate::texts;

/// What a download has come to so far.
#[derive(Debug)]
struct Followed {
    number: TransferId,
    /// Where the files are that were told: the engine tells of them again to whoever joins a transfer.
    downloaded: HashSet<PathBuf>,
    /// A failed file was told.
    has_failed_files: bool,
    /// How many files failed because something else is at their places.
    taken_places: u64,
    /// How it was told last.
    last: Option<Transfer>,
    /// What it waits for was told.
    told: Option<TransferState>,
    /// Facts may have passed us by: ask for the list.
    must_list: bool,
    /// The list says that it has ended. Facts on their way still count, until then.
    listed_end: Option<(End, Instant)>,
    end: Option<End>,
    /// Those that are followed next, and what was told of them meanwhile.
    others: Vec<TransferId>,
    of_others: Vec<NodeEvent>,
}

type End = Result<(), Failure>;

/// Facts kept of transfers that nobody follows yet; the engine sends few between asking for one and learning its number.
pub(super) const EARLY_FACTS_MAX: usize = 10_000;
/// How long the last facts of a download may take behind the list that shows its end.
const LAST_FACTS_MAX: Duration = Duration::from_millis(300);

impl ConsoleSession<'_> {
    /// Queues a download, or joins the one that is there, and follows it to its end.
    pub(super) fn download(&mut self, request: DownloadRequest) -> Result<(), Stop> {
        let mut heard = Vec::new();
        let (user, label) = (request.user.clone(), request.remote_path.as_str().trim_end_matches('/').to_owned());
        let asked = self.ask(Intent::Download(request), &mut |notice| keep(notice, &mut heard));
        let outcome = match asked {
            // What is at its place is being looked at.
            Err(Stop::Interrupted(Interrupt::CtrlC)) => {
                let is_it = |t: &&Transfer| t.user == user && t.label.trim_end_matches('/') == label;
                let told = heard.iter().rev().filter_map(|notice| match notice {
                    NodeEvent::Transfer(transfer) => Some(transfer),
                    _ => None,
                });
                let number = told.filter(|transfer| !transfer.state.is_final()).find(is_it).map(|t| t.number);
                let stopped = Err(Stop::Interrupted(Interrupt::CtrlC));
                return number
                    .map_or(Err(Stop::Interrupted(Interrupt::CtrlC)), |number| self.or_pause(number, stopped));
            }
            outcome => outcome?,
        };
        match outcome {
            Outcome::Queued(number) => self.follow_number(number, &[], &mut heard),
            Outcome::NothingToFetch => Ok(self.output.remark(&t!("console.nothing-to-fetch"))?),
            other => Err(unexpected(&other)),
        }
    }

    /// Queues what everybody shares in a folder, and follows each person's part to its end.
    pub(super) fn download_of_all(&mut self, request: FolderOfAllRequest) -> Result<(), Stop> {
        let mut heard = Vec::new();
        let outcome = self.ask(Intent::DownloadOfAll(request), &mut |notice| keep(notice, &mut heard))?;
        let numbers = match outcome {
            Outcome::QueuedAll(numbers) => numbers,
            Outcome::NothingToFetch => return Ok(self.output.remark(&t!("console.nothing-to-fetch"))?),
            other => return Err(unexpected(&other)),
        };
        let mut result = Ok(());
        for (at, number) in numbers.iter().enumerate() {
            match self.follow_number(*number, &numbers[at + 1..], &mut heard) {
                Err(stop @ (Stop::Failed(_) | Stop::FailedAndTold)) => result = result.and(Err(stop)),
                other => other?,
            }
        }
        result
    }

    /// Follows one to its end. What is heard of `others` meanwhile stays in `heard`.
    fn follow_number(
        &mut self,
        number: TransferId,
        others: &[TransferId],
        heard: &mut Vec<NodeEvent>,
    ) -> Result<(), Stop> {
        let mut heard_of_others = std::mem::take(heard);
        let mut heard_of_it: Vec<NodeEvent> = heard_of_others
            .extract_if(.., |notice| !number_of(notice).is_some_and(|of| others.contains(&of)))
            .collect();
        // One that goes on since the start of the program may have finished files before it was asked for.
        heard_of_it.splice(0..0, self.unfollowed.extract_if(.., |notice| number_of(notice) == Some(number)));
        let mut followed = Followed {
            number,
            downloaded: HashSet::new(),
            has_failed_files: false,
            taken_places: 0,
            last: None,
            told: None,
            must_list: true,
            listed_end: None,
            end: None,
            others: others.to_vec(),
            of_others: heard_of_others,
        };
        let followed_to_end = self.follow_to_end(&mut followed, heard_of_it);
        self.or_pause(number, followed_to_end)?;
        if let Some(last) = &followed.last {
            self.output.already_there(last)?;
        }
        if followed.taken_places > 0 {
            let count = crate::human::thousands(followed.taken_places);
            self.output.warning(&t!("console.say-what-becomes", count = count, number = number));
        }
        // What failed stays on the list: it can be tried again until the person takes it off.
        if matches!(followed.end, Some(Ok(()))) && !followed.has_failed_files {
            self.acknowledge(&mut followed)?;
        }
        *heard = std::mem::take(&mut followed.of_others);
        match followed.end {
            Some(Err(_)) | Some(Ok(())) if followed.has_failed_files => Err(Stop::FailedAndTold),
            Some(Err(failure)) => Err(Stop::Failed(failure)),
            _ => Ok(()),
        }
    }

    fn follow_to_end(&mut self, followed: &mut Followed, mut heard: Vec<NodeEvent>) -> Result<(), Stop> {
        loop {
            for notice in heard.drain(..) {
                self.follow(followed, notice)?;
            }
            if followed.end.is_some() {
                return Ok(());
            }
            if std::mem::take(&mut followed.must_list) {
                let outcome = self.ask(Intent::ListTransfers, &mut |notice| keep(notice, &mut heard))?;
                if let Outcome::Transfers(transfers) = outcome {
                    self.follow_list(followed, &transfers);
                }
                continue;
            }
            match self.next_notice_until(followed.listed_end.as_ref().map(|(_, until)| *until))? {
                Some(notice) => heard.push(notice),
                None => followed.end = followed.listed_end.take().map(|(end, _)| end),
            }
        }
    }

    /// It may have been there before us, ended even: then no fact about it need ever come.
    fn follow_list(&mut self, followed: &mut Followed, transfers: &[Transfer]) {
        let is_followed = |transfer: &&Transfer| transfer.number == followed.number;
        let listed = transfers.iter().find(is_followed);
        let end = match listed.map(|transfer| &transfer.state) {
            Some(TransferState::Finished) => Some(Ok(())),
            Some(TransferState::Failed(_)) => listed.and_then(end_of),
            Some(_) => None,
            None => Some(Err(Failure::Cancelled)),
        };
        followed.listed_end = end.map(|end| (end, Instant::now() + LAST_FACTS_MAX));
        followed.last = listed.cloned().or(followed.last.take());
        if let (Some(transfer), None) = (listed, &followed.listed_end) {
            self.follow_state(followed, transfer);
        }
    }

    /// Takes a fact about this download; others are news.
    fn follow(&mut self, followed: &mut Followed, notice: NodeEvent) -> Result<(), Stop> {
        if notice == NodeEvent::Lagged {
            followed.must_list = true;
        }
        if number_of(&notice).is_some_and(|number| followed.others.contains(&number)) {
            keep(&notice, &mut followed.of_others);
            return Ok(());
        }
        if number_of(&notice) != Some(followed.number) {
            self.news(notice);
            return Ok(());
        }
        match notice {
            NodeEvent::Transfer(transfer) => self.follow_state(followed, &transfer),
            NodeEvent::Downloaded { local_path, size, hash, .. } if followed.downloaded.insert(local_path.clone()) => {
                self.output.downloaded(&local_path, size, hash)?;
            }
            NodeEvent::Renamed { original, local_path, .. } => self.output.renamed(&original, &local_path)?,
            NodeEvent::FileFailed { number, remote_path, failure, more } => {
                followed.has_failed_files = true;
                let is_taken = matches!(&failure, Failure::NotComing { error: TransferError::Exists, .. });
                followed.taken_places += u64::from(is_taken);
                self.output.error(failure.code(), &texts::of_failed_file(number, &remote_path, &failure, more));
            }
            NodeEvent::TransferGone { .. } if followed.end.is_none() => followed.end = Some(Err(Failure::Cancelled)),
            _ => {}
        }
        Ok(())
    }

    fn follow_state(&mut self, followed: &mut Followed, transfer: &Transfer) {
        followed.listed_end = None;
        followed.last = Some(transfer.clone());
        match &transfer.state {
            TransferState::Finished => followed.end = Some(Ok(())),
            TransferState::Failed(_) => followed.end = end_of(transfer),
            state @ (TransferState::WaitingForUser
            | TransferState::WaitingForTracker
            | TransferState::KeptAway(_)
            | TransferState::Unreachable { .. }
            | TransferState::OtherKey
            | TransferState::Changing
            | TransferState::Declined
            | TransferState::DiskFull
            | TransferState::Paused
            | TransferState::Metered)
                if followed.told.as_ref() != Some(state) =>
            {
                followed.told = Some(state.clone());
                self.output.warning(&tables::state(transfer));
            }
            TransferState::Running => followed.told = None,
            _ => {}
        }
        if followed.end.is_none() {
            self.output.progress_of(transfer);
        }
    }

    /// At a prompt Ctrl-C pauses the download and returns.
    fn or_pause<T>(&mut self, number: TransferId, result: Result<T, Stop>) -> Result<T, Stop> {
        if matches!(result, Err(Stop::Interrupted(Interrupt::CtrlC))) {
            self.ask(Intent::Pause(TransferSelection::One(number)), &mut |_notice| false)?;
            self.output.remark(&t!("console.paused", number = number))?;
        }
        result
    }

    /// Takes it off the list. Facts that come until then still count.
    fn acknowledge(&mut self, followed: &mut Followed) -> Result<(), Stop> {
        let mut late = Vec::new();
        let number = followed.number;
        let outcome = self.ask(Intent::Acknowledge(number), &mut |notice| keep(notice, &mut late));
        for notice in late {
            self.follow(followed, notice)?;
        }
        match outcome {
            // Somebody else has taken it off.
            Ok(_) | Err(Stop::Failed(_)) => Ok(()),
            Err(stop) => Err(stop),
        }
    }
}

fn unexpected(outcome: &Outcome) -> Stop {
    let why = WorkFault::Told(format!("{outcome:?}"));
    Stop::Failed(Failure::Internal { what: FailedWork::CarryingOut, why })
}

/// How a transfer that is over ended.
fn end_of(transfer: &Transfer) -> Option<End> {
    match &transfer.state {
        TransferState::Finished => Some(Ok(())),
        TransferState::Failed(error) => {
            Some(Err(Failure::NotComing { path: transfer.label.clone(), error: error.clone() }))
        }
        _ => None,
    }
}

/// Keeps facts about transfers until it is known which of them are followed.
fn keep(notice: &NodeEvent, kept: &mut Vec<NodeEvent>) -> bool {
    let is_kept = (number_of(notice).is_some() || *notice == NodeEvent::Lagged) && kept.len() < EARLY_FACTS_MAX;
    if is_kept {
        kept.push(notice.clone());
    }
    is_kept
}

/// The transfer that a fact is about.
pub(super) fn number_of(notice: &NodeEvent) -> Option<TransferId> {
    match notice {
        NodeEvent::Transfer(Transfer { direction: Direction::Upload, .. }) => None,
        NodeEvent::Transfer(Transfer { number, .. })
        | NodeEvent::Downloaded { number, .. }
        | NodeEvent::Renamed { number, .. }
        | NodeEvent::FileFailed { number, .. }
        | NodeEvent::TransferGone { number, .. } => Some(*number),
        _ => None,
    }
}
