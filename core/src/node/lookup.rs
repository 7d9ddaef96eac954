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
    let mut found = FolderFiles::new(folder, FILES_MAX);
    let selection = Selection { folder: Some(folder.clone()), ..Selection::default() };
    let command = |page| Search { selection: selection.clone(), page }.into();
    let collect = |lines: Vec<String>| {
        found.add(&lines);
        std::future::ready(!found.is_too_large())
    };
    read_pages(client, command, collect, None).await?;
    found.finish()
}

async fn find_folder(client: &TrackerClient, user: &Username, path: &SharePath) -> Result<Vec<FileLine>, Failure> {
    let mut found = FolderFiles::new(path, FILES_MAX);
    let command = |page| ListFiles { username: Some(user.clone()), page }.into();
    let collect = |lines: Vec<String>| {
        // What lies behind it in the list is not in it.
        let is_in_it = found.add(&lines);
        std::future::ready(is_in_it && !found.is_too_large())
    };
    let from = just_before(&format!("{path}/"));
    match read_pages(client, command, collect, Some(from)).await {
        Err(Failure::Refused { code, .. }) if code == Code::NoSuchUser => {
            Err(Failure::NoSuchUser { user: user.to_string() })
        }
        Err(why) => Err(why),
        Ok(_) => found.finish(),
    }
}

/// The files of a folder, while they come.
struct FolderFiles<'a> {
    folder: &'a SharePath,
    max: usize,
    files: Vec<FileLine>,
}

impl<'a> FolderFiles<'a> {
    fn new(folder: &'a SharePath, max: usize) -> Self {
        Self { folder, max, files: Vec::new() }
    }

    /// Takes what lies in the folder, whatever the tracker lists; whether all of it does.
    fn add(&mut self, lines: &[String]) -> bool {
        let mut is_in_it = true;
        for file in lines.iter().filter_map(|line| FileLine::parse(line).ok()) {
            if file.path.below(self.folder.as_str()).is_some() {
                self.files.push(file);
            } else {
                is_in_it = false;
            }
        }
        is_in_it
    }

    fn is_too_large(&self) -> bool {
        self.files.len() > self.max
    }

    /// Nobody gets a part of a folder and takes it for the whole.
    fn finish(self) -> Result<Vec<FileLine>, Failure> {
        if self.is_too_large() {
            return Err(Failure::FolderTooLarge { path: self.folder.to_string(), max: self.max });
        }
        Ok(self.files)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_whole_or_not_at_all() {
        let folder = SharePath::new("F").expect("valid");
        let line = |path: &str| format!("anna 1 - {path}");
        for (paths, max, is_all_in_it, expected) in [
            (&["F/a", "F/b"][..], 2, true, Ok(2)),
            (&["F/a", "F/b", "G/c"], 2, false, Ok(2)),
            (&["F/a", "F/b", "F/c"], 2, true, Err(())),
            (&[], 2, true, Ok(0)),
        ] {
            let mut found = FolderFiles::new(&folder, max);
            let lines: Vec<String> = paths.iter().map(|path| line(path)).collect();
            assert_eq!(found.add(&lines), is_all_in_it, "{paths:?}");
            let files = found.finish().map(|files| files.len()).map_err(|why| {
                assert_eq!(why, Failure::FolderTooLarge { path: "F".into(), max });
            });
            assert_eq!(files, expected, "{paths:?}");
        }
    }
}
