//! A folder that several people share, downloaded whole: of each file one copy, from somebody who has it. A person's part of
//! it is a download of its own, and all of them go into one folder.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::model::key::PublicKey;
use crate::model::local_name::LocalName;
use crate::model::share_path::SharePath;
use crate::model::transfer::{TransferError, TransferId};
use crate::model::username::Username;
use crate::node::download_place::DownloadPlace;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::fetching::{New, TransferHandles, UNSAFE_NAMES_MAX, new_download, on_disk};
use crate::node::intent::{Existing, FolderOfAllRequest, UnsafeNames};
use crate::node::known_users;
use crate::node::lookup::{self, FoundShares};
use crate::node::naming::Naming;
use crate::node::placing;
use crate::protocol::reply::FileLine;
use crate::service::downloader::presence::NAME_NUMBERS_MAX;
use crate::store::downloads::TargetName;

impl TransferHandles {
    /// Queues what everybody but ourselves shares in a folder; one that names no place goes into `usual`.
    pub(super) async fn download_of_all(
        self,
        request: FolderOfAllRequest,
        usual: PathBuf,
        own: PublicKey,
    ) -> Result<Outcome, Failure> {
        let FolderOfAllRequest { folder, local_path, existing, unsafe_names } = request;
        let place = on_disk(move || DownloadPlace::find(local_path.as_ref(), usual)).await?;
        let client = self.session.client()?;
        let ours = client.people().name_of(&own);
        let mut files = lookup::find_everybodys(&client, &folder).await?;
        files.retain(|file| Some(&file.username) != ours.as_ref());
        let before = self.queued_of(&folder);
        let place = place.where_it_was(|path| before.iter().any(|(_, target)| target.as_deref() == Some(path)));
        let users: Vec<Username> = before.into_iter().map(|(user, _)| user).collect();
        let mut refused = Vec::new();
        let mut parts = Vec::new();
        for (user, files) in shared_out(files, &users) {
            match known_users::meet(&client, &user).await {
                Ok(()) => parts.push((user, files)),
                Err(why) => refused.push((format!("{folder}/"), why)),
            }
        }
        let rename = unsafe_names != UnsafeNames::LeaveOut;
        let keeps_both = existing == Existing::KeepBoth;
        let path = folder.clone();
        let gather = on_disk(move || {
            let top = Naming::new(place.folder(), rename).top(path.file_name())?;
            let place = if keeps_both { free_place(place, &top) } else { place };
            let mut taken = HashSet::new();
            let mut all = Vec::new();
            for (user, files) in parts {
                let naming = Naming::new(place.folder(), rename);
                let found = FoundShares::Folder { path: path.clone(), files };
                match new_download(user, place.clone(), naming, found, existing) {
                    Ok(mut new) => {
                        set_apart(&mut new, &mut taken, keeps_both || unsafe_names != UnsafeNames::LeaveOut);
                        all.push(new);
                    }
                    Err(why) => refused.push((format!("{path}/"), why)),
                }
            }
            Ok((place, all, refused))
        });
        let (place, all, refused) = gather.await?;
        if unsafe_names == UnsafeNames::Ask && all.iter().any(|new| !new.renamed.is_empty()) {
            let mut names: Vec<(String, PathBuf)> = all.into_iter().flat_map(|new| new.renamed).collect();
            let count = names.len();
            names.truncate(UNSAFE_NAMES_MAX);
            return Ok(Outcome::UnsafeNames { names, count });
        }
        on_disk(move || place.make()).await?;
        self.queue_all(&folder, all, refused).await
    }

    /// Whose parts of a folder are on the list, and where they go, in the order in which they were asked for.
    fn queued_of(&self, folder: &SharePath) -> Vec<(Username, Option<PathBuf>)> {
        let all = self.downloader.snapshot().into_iter();
        let same = all.filter(|transfer| transfer.label.strip_suffix('/') == Some(folder.as_str()));
        same.map(|transfer| (transfer.user, transfer.local_path)).collect()
    }

    async fn queue_all(
        &self,
        folder: &SharePath,
        all: Vec<New>,
        mut refused: Vec<(String, Failure)>,
    ) -> Result<Outcome, Failure> {
        let mut numbers: Vec<TransferId> = Vec::new();
        let (mut ask, mut of_other_names) = (None, Vec::new());
        for new in all {
            let New { download, refused: of_this, renamed } = new;
            refused.extend(of_this);
            if download.files.is_empty() {
                continue;
            }
            if placing::asks(&download) && ask.is_none() {
                ask = Some(placing::top_of(&download));
            }
            match self.downloader.add(download).await {
                Ok(number) => {
                    numbers.push(number);
                    of_other_names.extend(renamed.into_iter().map(|(original, local)| (number, original, local)));
                }
                Err(error) => refused.push((format!("{folder}/"), placing::add_failed(error))),
            }
        }
        let Some(number) = numbers.first().copied() else {
            let first = refused.into_iter().next().map(|(_, why)| why);
            return Err(first.unwrap_or(Failure::NoSuchFile { path: format!("{folder}/") }));
        };
        // What is there of all parts is one question.
        if let Some(folder) = ask {
            placing::settle(&self.downloader, numbers.clone(), &folder).await?;
        }
        for (number, original, local_path) in of_other_names {
            self.outbox.push(NodeEvent::Renamed { number, original, local_path });
        }
        for (remote_path, failure) in refused {
            self.outbox.push(NodeEvent::FileFailed { number, remote_path, failure, more: 0 });
        }
        Ok(Outcome::QueuedAll(numbers))
    }
}

/// Each file once, with somebody who has it: with those who are asked already, then with those who have most, so that few
/// are asked. What is another content under the same path stays with its owner.
fn shared_out(files: Vec<FileLine>, before: &[Username]) -> Vec<(Username, Vec<FileLine>)> {
    let mut by_user: BTreeMap<Username, Vec<FileLine>> = BTreeMap::new();
    for file in files {
        by_user.entry(file.username.clone()).or_default().push(file);
    }
    let mut users: Vec<(Username, Vec<FileLine>)> = by_user.into_iter().collect();
    let asked = |user: &Username| before.iter().position(|other| other == user).unwrap_or(usize::MAX);
    users.sort_by_key(|(user, files)| (asked(user), std::cmp::Reverse(files.len())));
    let mut here = HashSet::new();
    for (_, files) in &mut users {
        files.retain(|file| here.insert((file.path.clone(), file.hash, file.size)));
    }
    users.retain(|(_, files)| !files.is_empty());
    users
}

/// Of two files that would have one name the second gets a number, or is not fetched.
fn set_apart(new: &mut New, taken: &mut HashSet<TargetName>, with_number: bool) {
    let New { download, refused, renamed } = new;
    let into = download.into.clone();
    download.files.retain_mut(|file| {
        if taken.insert(file.name.clone()) {
            return true;
        }
        let path = file.remote.to_string();
        let free = || (2..NAME_NUMBERS_MAX).map(|number| file.name.numbered(number)).find(|name| !taken.contains(name));
        match with_number.then(free).flatten() {
            Some(name) => {
                renamed.push((path, name.path_below(&into)));
                taken.insert(name.clone());
                file.name = name;
                true
            }
            None => {
                refused.push((path.clone(), Failure::NotComing { path, error: TransferError::Exists }));
                false
            }
        }
    });
}

/// The place itself, or beside what is there under the folder's name. Blocks.
fn free_place(place: DownloadPlace, top: &LocalName) -> DownloadPlace {
    let (folder, name) = match &place {
        DownloadPlace::Into(folder) => (folder, top.clone()),
        DownloadPlace::IntoNew(_) => return place,
        DownloadPlace::As(folder, name) => match LocalName::new(&name.to_string_lossy()) {
            Ok(name) => (folder, name),
            Err(_) => return place,
        },
    };
    let there = |name: &LocalName| Path::new(folder).join(name.as_str()).symlink_metadata();
    // Into a folder that is there go all files that have room in it.
    if there(&name).map_or(true, |there| there.is_dir()) {
        return place;
    }
    let free = (2..NAME_NUMBERS_MAX).map(|number| name.numbered(number)).find(|name| there(name).is_err());
    free.map_or_else(|| place.clone(), |name| DownloadPlace::As(folder.clone(), name.as_str().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::ContentHash;

    fn line(user: &str, path: &str, seed: u8) -> FileLine {
        FileLine {
            username: user.parse().expect("a name"),
            size: Some(5),
            hash: Some(ContentHash::from_bytes([seed; 32])),
            path: SharePath::new(path).expect("a path"),
        }
    }

    #[test]
    fn each_file_comes_once_and_from_few() {
        let files = vec![
            line("anna", "T/a", 1),
            line("boris", "T/a", 1),
            line("boris", "T/b", 2),
            line("carol", "T/b", 9),
            line("boris", "T/c", 3),
            line("carol", "T/c", 3),
        ];
        let out = |before: &[&str]| {
            let before: Vec<Username> = before.iter().map(|user| user.parse().expect("a name")).collect();
            let short = |(user, files): (Username, Vec<FileLine>)| {
                let paths: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
                format!("{user}: {}", paths.join(" "))
            };
            shared_out(files.clone(), &before).into_iter().map(short).collect::<Vec<_>>()
        };
        assert_eq!(out(&[]), ["boris: T/a T/b T/c", "carol: T/b"]);
        assert_eq!(out(&["anna"]), ["anna: T/a", "boris: T/b T/c", "carol: T/b"]);
    }
}
