//! What a click or a shortcut asks for. Pages return these; the window carries them out in one place.

use std::path::{Path, PathBuf};

use potok_core::model::invite::{Invite, TrackerAddress};
use potok_core::model::shown_path::usual_path;
use potok_core::model::username::Username;
use potok_core::node::intent::{Intent, ShareRequest, TransferId, TransferSelection};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::command_line::completion::Want;
use crate::gui::screen::Screen;
use crate::model::download_questions::DownloadAnswer;
use crate::model::share_questions::ShareAnswer;
use crate::model::wanted_download::WantedDownload;

/// One wish of a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Something of the engine.
    Ask(Intent),
    /// The same, only to know more: nobody is told what came of it.
    Refresh(Intent),
    /// Show a page.
    Go(Screen),
    /// Show one person's files.
    BrowsePerson(Username),
    /// Find out what is in a folder of somebody, for a typed command.
    OfferFiles(Want),
    /// Say what sharing these would be, and share them if the person says so.
    Share(Vec<ShareRequest>),
    /// The answer to what is read before something is shared.
    AnswerShare(ShareAnswer),
    /// Let the system's dialog choose.
    Pick(Pick),
    /// It is where it would be fetched to already: ask what is to be done.
    AskTaken(Box<WantedDownload>, PathBuf),
    /// The answer to what is asked before something is fetched.
    AnswerDownload(DownloadAnswer),
    /// Put on the clipboard.
    Copy(String),
    /// Open with its program.
    Open(PathBuf),
    /// Show in the file manager.
    Reveal(PathBuf),
    /// Say something in passing.
    Tell(String),
    /// Ask the person before it is done.
    Confirm(Confirm),
    /// Open one of these.
    Dialog(Dialog),
    /// Open the guide.
    OpenGuide,
    /// Use and save these.
    Apply(Box<Settings>),
    /// The same with what the network that runs here says; that it is kept is told.
    SaveGreeting(Box<Settings>),
    /// Start with the system from now on, or no longer.
    StartWithSystem(bool),
    /// Join a tracker, by address or invite.
    Join(TrackerAddress),
    /// Leave the network that we are in.
    Leave,
    /// A network that we were in is offered no longer.
    ForgetNetwork(Invite),
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
    Forget(Vec<TransferId>),
    /// End Potok, the engine too, unless a person would lose something by it: then they are asked.
    WantsQuit,
    /// End Potok, the engine too.
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
    SaveAs(Box<WantedDownload>),
    /// The folder into which several downloads go.
    SaveInto(Vec<WantedDownload>),
    /// The folder of all downloads.
    DownloadFolder,
}

/// How somebody is to be kept out, as far as it is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepOut {
    /// Whom it is about.
    pub user: Username,
    /// Shut out; else sent away.
    pub is_ban: bool,
    /// For how many minutes; none: for good.
    pub minutes: Option<u64>,
    /// What they read of why.
    pub reason: String,
}

/// A small window over the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Where downloads go, as a path to type.
    SaveAs {
        /// One goes to the path; several go into it.
        wanted: Vec<WantedDownload>,
        /// The local path as the person typed it.
        path: String,
        /// Replace what is there.
        overwrite: bool,
    },
    /// Another share path for a share.
    Rename {
        /// As it is shared now.
        from: String,
        /// The new share path as the person typed it.
        to: String,
    },
    /// The list of all shortcuts.
    Shortcuts,
    /// What the program is made of.
    Licences,
    /// Somebody is to be kept out of the network.
    KeepOut(KeepOut),
}

/// What is asked before it is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirm {
    /// The unfinished file goes.
    Cancel(Vec<TransferId>),
    /// Nobody can take it any more.
    Unshare(Stopping),
    /// So many transfers that came to their end are remembered no longer.
    ClearHistory(usize),
    /// Somebody with another key is taken for who had the name before.
    Trust(Username),
    /// Everybody here loses the tracker.
    StopTracker,
    /// Transfers stop until the next start.
    Quit,
}

/// What is to be shared no longer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stopping {
    /// Each by its share path, or by where it lies on this computer.
    pub paths: Vec<String>,
    /// What the first of them is called, safe to show.
    pub name: String,
    /// There are folders among them.
    pub has_folders: bool,
    /// There are files among them that lie in folders which stay shared.
    pub leaves_folders: bool,
}

impl Stopping {
    /// What it means.
    pub fn text(&self) -> String {
        let mut sentences = vec![t!("window.confirm.unshare-text")];
        if self.has_folders {
            sentences.push(t!("window.confirm.unshare-folder"));
        }
        if self.leaves_folders {
            sentences.push(t!("window.confirm.unshare-file"));
        }
        sentences.join(" ")
    }
}

impl Action {
    /// Start this download.
    pub fn start(wanted: WantedDownload) -> Self {
        Self::Ask(wanted.intent())
    }

    /// One intent a number.
    pub fn each(numbers: &[TransferId], intent: impl Fn(TransferSelection) -> Intent) -> Vec<Self> {
        numbers.iter().map(|number| Self::Ask(intent(TransferSelection::One(*number)))).collect()
    }
}

impl Dialog {
    /// A dialog for these downloads, with a path that would do filled in.
    pub fn save_as(wanted: Vec<WantedDownload>, folder: &Path) -> Self {
        let name = |one: &WantedDownload| {
            let path = one.path();
            path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
        };
        let path = match wanted.as_slice() {
            [one] => folder.join(name(one)),
            _ => folder.to_owned(),
        };
        Self::SaveAs { wanted, path: usual_path(&path).into_owned(), overwrite: false }
    }
}

impl Pick {
    /// The system's dialog for these: a name for one file, a folder for anything else.
    pub fn of_downloads(mut wanted: Vec<WantedDownload>) -> Self {
        let is_file = wanted.len() == 1 && wanted.iter().all(|one| !one.is_folder());
        match wanted.pop() {
            Some(one) if is_file => Self::SaveAs(Box::new(one)),
            last => {
                wanted.extend(last);
                Self::SaveInto(wanted)
            }
        }
    }
}
