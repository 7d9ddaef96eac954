//! What a click or a shortcut asks for. Pages return these; the window carries them out in one place.

use std::path::PathBuf;

use potok_core::node::intent::{DownloadRequest, Intent, TransferNumber, Which};
use potok_core::node::settings::Settings;

/// The pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    /// The first start, or no tracker.
    Welcome,
    /// Everything that is shared.
    Browse,
    /// Downloads and uploads.
    Transfers,
    /// What I share.
    Shared,
    /// Who is here.
    People,
    /// The tracker of this network.
    Tracker,
    /// Commands.
    Console,
    /// Settings.
    Settings,
}

/// One wish of a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Something of the engine.
    Ask(Intent),
    /// Show a page.
    Go(Page),
    /// Show one person's files.
    BrowsePerson(String),
    /// Let the system's dialog choose.
    Pick(Pick),
    /// Put on the clipboard.
    Copy(String),
    /// Open with its program.
    Open(PathBuf),
    /// Show in the file manager.
    Reveal(PathBuf),
    /// Ask first.
    Confirm(Confirm),
    /// Use and save these.
    Apply(Box<Settings>),
    /// Start with the system from now on, or no longer.
    StartWithSystem(bool),
    /// Join a tracker, by address or invite as typed.
    Join(String),
    /// Start or stop hosting; the text is `IP:PORT`.
    Host(Option<String>),
    /// A demo friend on this computer.
    TryAlone,
    /// A line of the console page.
    Run(String),
    /// A message is read.
    CloseToast(u64),
    /// Finished and failed transfers leave the list.
    ClearFinished,
    /// The end.
    Quit,
}

/// What the system's dialog chooses.
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// Files to share.
    ShareFiles,
    /// A folder to share.
    ShareFolder,
    /// Where a download goes.
    SaveAs(Box<DownloadRequest>),
    /// The folder of all downloads.
    DownloadFolder,
}

/// What is asked before it is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirm {
    /// The unfinished file goes.
    Cancel(Vec<TransferNumber>),
    /// Nobody can take it any more.
    Unshare(Vec<String>),
    /// Everybody here loses the tracker.
    StopTracker,
    /// Transfers stop until the next start.
    Quit,
}

impl Action {
    /// Download to the download folder, waiting for whoever is away.
    pub fn download(user: &str, remote_path: String) -> Self {
        Self::Ask(Intent::Download(download_request(user, remote_path)))
    }

    /// One intent a number.
    pub fn each(numbers: &[TransferNumber], intent: impl Fn(Which) -> Intent) -> Vec<Self> {
        numbers.iter().map(|number| Self::Ask(intent(Which::One(*number)))).collect()
    }
}

/// A request for one file or folder.
pub fn download_request(user: &str, remote_path: String) -> DownloadRequest {
    DownloadRequest {
        user: user.to_owned(),
        remote_path,
        local_path: None,
        cwd: PathBuf::new(),
        overwrite: false,
        wait: true,
    }
}
