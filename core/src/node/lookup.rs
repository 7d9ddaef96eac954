//! From what a person typed to the shares that are meant.

use crate::library::name::Candidate;
use crate::library::typed::RemotePath;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::node::failure::Failure;
use crate::node::tracker_session::{ask_failed, read_pages};
use crate::protocol::code::Code;
use crate::protocol::command::{Cursor, ListFiles, Page, Search};
use crate::protocol::reply::FileLine;
use crate::protocol::selection::Selection;
use crate::service::downloader::FILES_MAX;
use crate::service::tracker_client::{AskError, TrackerClient};

/// What was meant.
#[derive(Debug)]
pub(super) enum FoundShares {
    /// One file, as the tracker lists it.
    File(FileLine),
    /// A folder with everything below it, in order of the paths.
    Folder {
        /// The share path of the folder.
        path: SharePath,
        /// What is in it; never empty.
        files: Vec<FileLine>,
    },
}

impl FoundShares {
    /// Its owner, as the tracker writes the name.
    pub(super) fn owner(&self) -> &Username {
        match self {
            Self::File(file) => &file.username,
            // The folder is not empty.
            Self::Folder { files, .. } => &files[0].username,
        }
    }
}

/// Looks for the likeliest share of `user` that `typed` can mean.
pub(super) async fn find(client: &TrackerClient, user: &Username, typed: &RemotePath) -> Result<FoundShares, Failure> {
    for candidate in typed.candidates() {
        match candidate {
            Candidate::File(path) => {
                if let Some(file) = find_file(client, user, &path).await? {
                    return Ok(FoundShares::File(file));
                }
            }
            Candidate::Folder(path) => {
                let files = find_folder(client, user, &path).await?;
                if !files.is_empty() {
                    return Ok(FoundShares::Folder { path, files });
                }
            }
        }
    }
    Err(Failure::NotShared { user: user.to_string(), path: typed.to_string() })
}

/// What this user shares under this path.
pub(super) async fn find_file(
    client: &TrackerClient,
    user: &Username,
    path: &SharePath,
) -> Result<Option<FileLine>, Failure> {
    let page = Page { after: Some(just_before(path.as_str())), limit: Some(1) };
    let command = ListFiles { username: Some(user.clone()), page }.into();
    let answer = client.ask(command).await.map_err(|error| list_failed(client, user, error))?;
    let first = answer.lines.first().and_then(|line| FileLine::parse(line).ok());
    Ok(first.filter(|file| file.path == *path))
}

/// What everybody shares in a folder, in the order of the paths.
pub(super) async fn find_everybodys(client: &TrackerClient, folder: &SharePath) -> Result<Vec<FileLine>, Failure> {
    let mut files: Vec<FileLine> = Vec::new();
    let selection = Selection { folder: Some(folder.clone()), ..Selection::default() };
    let command = |page| Search { selection: selection.clone(), page }.into();
    let collect = |lines: Vec<String>| {
        files.extend(lines.iter().filter_map(|line| FileLine::parse(line).ok()));
        std::future::ready(files.len() < FILES_MAX)
    };
    read_pages(client, command, collect, None).await?;
    // Only what is asked for, whatever the tracker lists.
    files.retain(|file| file.path.below(folder.as_str()).is_some());
    files.truncate(FILES_MAX);
    Ok(files)
}

async fn find_folder(client: &TrackerClient, user: &Username, path: &SharePath) -> Result<Vec<FileLine>, Failure> {
    let mut files: Vec<FileLine> = Vec::new();
    let command = |page| ListFiles { username: Some(user.clone()), page }.into();
    let collect = |lines: Vec<String>| {
        let mut all_below = files.len() < FILES_MAX;
        for file in lines.iter().filter_map(|line| FileLine::parse(line).ok()) {
            if file.path.below(path.as_str()).is_none() {
                all_below = false;
                break;
            }
            files.push(file);
        }
        std::future::ready(all_below)
    };
    let from = just_before(&format!("{path}/"));
    match read_pages(client, command, collect, Some(from)).await {
        Err(Failure::Refused { code, .. }) if code == Code::NoSuchUser => {
            Err(Failure::NoSuchUser { user: user.to_string() })
        }
        Err(why) => Err(why),
        Ok(_) => Ok(files),
    }
}

/// The place in a list right before a path: no username is empty, so everybody's share of that path comes after it.
fn just_before(path: &str) -> Cursor {
    Cursor { path: path.to_owned(), username: String::new() }
}

fn list_failed(client: &TrackerClient, user: &Username, error: AskError) -> Failure {
    match error {
        AskError::Refused { code, .. } if code == Code::NoSuchUser => Failure::NoSuchUser { user: user.to_string() },
        error => ask_failed(client, error),
    }
}
