//! `download` in the console: from the queue to the last file, with a bar for people and records for programs.

use potok_core::node::failure::Failure;
use potok_core::node::intent::{DownloadRequest, Intent, TransferNumber, Which};
use potok_core::node::notice::{Notice, Outcome, Transfer, TransferState};
use rust_i18n::t;

use crate::console::session::{Session, Stop, about_file};
use crate::console::tables;
use crate::signals::Interrupt;

/// What a download has come to so far.
#[derive(Debug)]
struct Followed {
    number: TransferNumber,
    /// A failed file was told.
    has_failed_files: bool,
    /// What it waits for was told.
    told: Option<TransferState>,
    end: Option<Result<(), Failure>>,
}

/// Facts about transfers between asking for one and learning its number; the engine sends few in that moment, and what
/// does not fit is made good by asking for the list.
const EARLY_FACTS_MAX: usize = 10_000;

impl Session<'_> {
    /// Queues a download, or joins the one that is there, and follows it to its end.
    pub(super) fn download(&mut self, request: DownloadRequest) -> Result<(), Stop> {
        let mut early = Vec::new();
        let mut keep = |notice: &Notice| {
            let is_kept = number_of(notice).is_some() && early.len() < EARLY_FACTS_MAX;
            if is_kept {
                early.push(notice.clone());
            }
            is_kept
        };
        let outcome = self.ask(Intent::Download(request), &mut keep)?;
        let Outcome::Queued(number) = outcome else {
            let (what, why) = ("download".to_owned(), format!("unexpected outcome {outcome:?}"));
            return Err(Stop::Failed(Failure::Internal { what, why }));
        };
        // It may have been there before us, finished even: then no fact about it need ever come.
        let listed = self.ask(Intent::ListTransfers, &mut keep);
        let mut followed = Followed { number, has_failed_files: false, told: None, end: None };
        for notice in early {
            self.follow(&mut followed, notice)?;
        }
        if let Outcome::Transfers(transfers) = self.or_pause(number, listed)? {
            let notice = match transfers.into_iter().find(|transfer| transfer.number == number) {
                Some(transfer) => Notice::Transfer(transfer),
                None => Notice::TransferGone(number),
            };
            self.follow(&mut followed, notice)?;
        }
        while followed.end.is_none() {
            let next = self.next_notice();
            let notice = self.or_pause(number, next)?;
            self.follow(&mut followed, notice)?;
        }
        self.acknowledge(&mut followed)?;
        match followed.end {
            Some(Err(_)) | Some(Ok(())) if followed.has_failed_files => Err(Stop::FailedAndTold),
            Some(Err(failure)) => Err(Stop::Failed(failure)),
            _ => Ok(()),
        }
    }

    /// Takes a fact about this download; others are news.
    fn follow(&mut self, followed: &mut Followed, notice: Notice) -> Result<(), Stop> {
        if number_of(&notice) != Some(followed.number) {
            self.news(notice);
            return Ok(());
        }
        match notice {
            Notice::Transfer(transfer) => self.follow_state(followed, &transfer),
            Notice::Downloaded { local_path, size, hash, .. } => self.output.downloaded(&local_path, size, hash)?,
            Notice::FileFailed { remote_path, failure, .. } => {
                followed.has_failed_files = true;
                self.output.error(failure.code(), &about_file(&remote_path, &failure));
            }
            Notice::TransferGone(_) if followed.end.is_none() => followed.end = Some(Err(Failure::Cancelled)),
            _ => {}
        }
        Ok(())
    }

    fn follow_state(&mut self, followed: &mut Followed, transfer: &Transfer) {
        match &transfer.state {
            TransferState::Finished => followed.end = Some(Ok(())),
            TransferState::Failed(failure) => followed.end = Some(Err(failure.clone())),
            state @ (TransferState::WaitingForUser | TransferState::DiskFull | TransferState::Paused)
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
    fn or_pause<T>(&mut self, number: TransferNumber, result: Result<T, Stop>) -> Result<T, Stop> {
        if matches!(result, Err(Stop::Interrupted(Interrupt::CtrlC))) {
            self.ask(Intent::Pause(Which::One(number)), &mut |_notice| false)?;
            self.output.remark(&t!("console.paused", number = number))?;
        }
        result
    }

    /// Takes it off the list. Facts that come until then still count.
    fn acknowledge(&mut self, followed: &mut Followed) -> Result<(), Stop> {
        let mut late = Vec::new();
        let number = followed.number;
        let outcome = self.ask(Intent::Acknowledge(number), &mut |notice| {
            let is_kept = number_of(notice) == Some(number) && late.len() < EARLY_FACTS_MAX;
            if is_kept {
                late.push(notice.clone());
            }
            is_kept
        });
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

/// The transfer that a fact is about.
fn number_of(notice: &Notice) -> Option<TransferNumber> {
    match notice {
        Notice::Transfer(transfer) => Some(transfer.number),
        Notice::Downloaded { number, .. } | Notice::FileFailed { number, .. } | Notice::TransferGone(number) => {
            Some(*number)
        }
        _ => None,
    }
}
