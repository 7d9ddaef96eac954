//! What a click or a shortcut asks for. Pages return these; the window carries them out in one place.

use std::path::PathBuf;

use potok_core::node::event::Direction;
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
    /// The same, only to know more: nobody is told what came of it.
    Refresh(Intent),
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
    /// Say something in passing.
    Tell(String),
    /// Ask first.
    Confirm(Confirm),
    /// Open one of these.
    Dialog(Dialog),
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
    /// A line for the tracker as it is.
    Send(String),
    /// The console page begins anew.
    ClearLog,
    /// A message is read.
    CloseToast(u64),
    /// Finished and failed transfers leave the list.
    ClearFinished,
    /// These leave the list; they are over.
    Forget(Vec<(Direction, TransferNumber)>),
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
    /// The folder into which several downloads go.
    SaveInto(Vec<DownloadRequest>),
    /// The folder of all downloads.
    DownloadFolder,
}

/// A small window over the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Where downloads go, as a path to type.
    SaveAs {
        /// One goes to the path; several go into it.
        requests: Vec<DownloadRequest>,
        /// As typed.
        path: String,
        /// Replace what is there.
        overwrite: bool,
    },
    /// Another share path for a share.
    Rename {
        /// As it is shared now.
        from: String,
        /// As typed.
        to: String,
    },
    /// All shortcuts.
    Shortcuts,
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
    /// Start this download.
    pub fn start(request: DownloadRequest) -> Self {
        Self::Ask(Intent::Download(request))
    }

    /// One intent a number.
    pub fn each(numbers: &[TransferNumber], intent: impl Fn(Which) -> Intent) -> Vec<Self> {
        numbers.iter().map(|number| Self::Ask(intent(Which::One(*number)))).collect()
    }
}

/// A request for one file or folder: to the download folder, waiting for whoever is away.
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
