//! What a person wants to have: a file or folder of one person, or all that others share in a folder. Pure.

use potok_core::library::typed::{LocalPath, RemotePath};
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::intent::{DownloadRequest, Existing, FolderOfAllRequest, Intent, UnsafeNames};

/// One thing to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedDownload {
    /// Something of one person.
    Of(DownloadRequest),
    /// A folder, from everybody who shares files in it.
    OfAll(FolderOfAllRequest),
}

impl WantedDownload {
    /// A file or folder of somebody, into the download folder; whoever is away is waited for.
    pub fn of(user: Username, remote_path: RemotePath) -> Self {
        Self::Of(DownloadRequest {
            user,
            remote_path,
            local_path: None,
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::Ask,
            wait: true,
        })
    }

    /// A folder of several people, into the download folder.
    pub fn of_all(folder: SharePath) -> Self {
        Self::OfAll(FolderOfAllRequest {
            folder,
            local_path: None,
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::Ask,
        })
    }

    /// What was asked of the engine, if it was this.
    pub fn asked_by(intent: &Intent) -> Option<Self> {
        match intent {
            Intent::Download(request) => Some(Self::Of(request.clone())),
            Intent::DownloadOfAll(request) => Some(Self::OfAll(request.clone())),
            _ => None,
        }
    }

    /// The share path; that of a folder ends in a slash.
    pub fn path(&self) -> String {
        match self {
            Self::Of(request) => request.remote_path.as_str().to_owned(),
            Self::OfAll(request) => format!("{}/", request.folder),
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        match self {
            Self::Of(request) => request.remote_path.is_folder(),
            Self::OfAll(_) => true,
        }
    }

    /// Where it is to go, if the person said so.
    pub fn local_path(&self) -> Option<&LocalPath> {
        match self {
            Self::Of(request) => request.local_path.as_ref(),
            Self::OfAll(request) => request.local_path.as_ref(),
        }
    }

    /// The same, to this place.
    pub fn to(mut self, place: LocalPath) -> Self {
        match &mut self {
            Self::Of(request) => request.local_path = Some(place),
            Self::OfAll(request) => request.local_path = Some(place),
        }
        self
    }

    /// The same, with what is done if its place is taken.
    pub fn if_taken(mut self, what: Existing) -> Self {
        match &mut self {
            Self::Of(request) => request.existing = what,
            Self::OfAll(request) => request.existing = what,
        }
        self
    }

    /// The same, with what is done about names that may not be written here.
    pub fn if_unsafe(mut self, what: UnsafeNames) -> Self {
        match &mut self {
            Self::Of(request) => request.unsafe_names = what,
            Self::OfAll(request) => request.unsafe_names = what,
        }
        self
    }

    /// What the engine is asked.
    pub fn intent(self) -> Intent {
        match self {
            Self::Of(request) => Intent::Download(request),
            Self::OfAll(request) => Intent::DownloadOfAll(request),
        }
    }
}
