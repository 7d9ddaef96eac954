//! From a download to the queue, past what is at its place already: a folder that is there in part is one question, and
//! what is kept beside something gets the first number that is free.

use std::future::Future;
use std::path::{Path, PathBuf};

use crate::model::existing::Existing;
use crate::model::local_name;
use crate::model::shown_path::usual_path;
use crate::model::transfer::{TransferError, TransferId};
use crate::node::download_place::place_failed;
use crate::node::failure::Failure;
use crate::node::partly_there::PartlyThere;
use crate::node::work::{FailedWork, WorkFault};
use crate::service::downloader::{AddError, DifferingFiles, Downloader, NewDownload};
use crate::store::downloads::TargetName;

/// Numbers that are tried.
const NUMBERS_MAX: usize = 1_000;

/// Queues a download; `None` if it is one file that is left out. One that is to be kept beside what is there gets the first
/// name that nothing has on the disk or in the queue; a folder goes into one that is there, and only its files get numbers.
/// What is renamed follows it into `renamed`. `make` makes the folder that it goes into, once it is known that it goes.
pub(super) async fn add(
    downloader: &Downloader,
    download: NewDownload,
    renamed: &mut [(String, PathBuf)],
    make: impl Future<Output = Result<(), Failure>>,
) -> Result<Option<TransferId>, Failure> {
    let mut make = Some(make);
    let keeps_both = download.existing == Existing::KeepBoth;
    let mut why = AddError::Exists { path: top_of(&download) };
    for number in 1..=if keeps_both { NUMBERS_MAX } else { 1 } {
        let new = if number == 1 { download.clone() } else { numbered(&download, number) };
        let top = top_of(&new);
        if keeps_both && is_in_the_way(top.clone(), number == 1 && new.is_folder).await {
            continue;
        }
        if let Some(make) = make.take() {
            make.await?;
        }
        let asks = asks(&new);
        match downloader.add(new).await {
            Err(error @ (AddError::Exists { .. } | AddError::Taken { .. })) if keeps_both => why = error,
            Err(AddError::Exists { .. }) if download.existing == Existing::LeaveOut => return Ok(None),
            Err(error) => return Err(add_failed(error)),
            Ok(number) => {
                move_all(renamed, &top_of(&download), &top);
                if asks {
                    settle(downloader, vec![number], &top).await?;
                }
                return Ok(Some(number));
            }
        }
    }
    Err(add_failed(why))
}

/// Whether a person is asked about what lies at the places of its files.
pub(super) fn asks(download: &NewDownload) -> bool {
    download.is_folder && download.existing == Existing::Refuse
}

/// Waits until it is known what lies at the places of downloads that were asked for together. If something else does, all
/// of it is one question.
pub(super) async fn settle(downloader: &Downloader, ids: Vec<TransferId>, folder: &Path) -> Result<(), Failure> {
    match downloader.settle(ids).await {
        Err(AddError::Differing(all)) => {
            let DifferingFiles { files, same, differing, places } = *all;
            let path = folder.display().to_string();
            Err(Failure::ExistsInPart(Box::new(PartlyThere { path, files, same, differing, places })))
        }
        settled => settled.map_err(add_failed),
    }
}

async fn is_in_the_way(path: PathBuf, may_be_folder: bool) -> bool {
    let is_other = move |there: std::fs::Metadata| !(may_be_folder && there.is_dir());
    let look = tokio::task::spawn_blocking(move || path.symlink_metadata().is_ok_and(is_other));
    // A name about which nothing can be learned is not taken.
    look.await.unwrap_or(true)
}

/// The file, or the folder that all of it goes into.
pub(super) fn top_of(download: &NewDownload) -> PathBuf {
    download.files.first().map_or_else(|| download.into.clone(), |file| file.name.top_below(&download.into))
}

fn numbered(download: &NewDownload, number: usize) -> NewDownload {
    let mut new = download.clone();
    for file in &mut new.files {
        match &mut file.name {
            TargetName::Typed(name) => *name = local_name::numbered(&name.to_string_lossy(), number).into(),
            TargetName::Below(names) => {
                if let Some(top) = names.first_mut() {
                    *top = top.numbered(number);
                }
            }
        }
    }
    new
}

fn move_all(renamed: &mut [(String, PathBuf)], from: &Path, to: &Path) {
    for (_, path) in renamed {
        if let Ok(below) = path.strip_prefix(from) {
            *path = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        }
    }
}

pub(super) fn add_failed(error: AddError) -> Failure {
    let failed = |why| Failure::Internal { what: FailedWork::QueueingDownload, why };
    match error {
        AddError::Exists { path } => Failure::Exists { path: usual_path(&path).into_owned() },
        AddError::Taken { path } => {
            Failure::NotComing { path: usual_path(&path).into_owned(), error: TransferError::InUse }
        }
        AddError::Folder { path, why } => place_failed(why, &path),
        AddError::Save(redb::Error::Io(error)) => place_failed(error.into(), Path::new("potok.redb")),
        AddError::Save(error) => failed(error.to_string().into()),
        AddError::Count => failed(WorkFault::FileCount),
        AddError::Stopped => failed(WorkFault::Ending),
        AddError::Cancelled => Failure::Cancelled,
        // Whoever asks is asked.
        AddError::Differing(all) => {
            Failure::Exists { path: all.places.first().map(|path| usual_path(path).into_owned()).unwrap_or_default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::ContentHash;
    use crate::model::local_name::LocalName;
    use crate::model::share_path::SharePath;
    use crate::protocol::peer::Content;
    use crate::store::downloads::WantedFile;

    fn download(names: Vec<TargetName>) -> NewDownload {
        let file = |name| WantedFile {
            remote: SharePath::new("x").expect("a path"),
            content: Content { hash: ContentHash::from_bytes([7; 32]), size: 5 },
            name,
        };
        NewDownload {
            user: "anna".parse().expect("a name"),
            label: "x".into(),
            is_folder: names.len() > 1,
            into: "in".into(),
            existing: Existing::KeepBoth,
            files: names.into_iter().map(file).collect(),
        }
    }

    #[test]
    fn a_number_goes_to_what_the_person_sees_in_the_folder() {
        let below = |names: &[&str]| {
            TargetName::Below(names.iter().map(|name| LocalName::new(name).expect("harmless")).collect())
        };
        let paths = |new: &NewDownload| -> Vec<PathBuf> {
            new.files.iter().map(|file| file.name.path_below(Path::new("in"))).collect()
        };
        for (names, expected) in [
            (vec![below(&["a.tar.gz"])], &["in/a.tar (2).gz"][..]),
            (vec![below(&[".profile"])], &["in/.profile (2)"]),
            (vec![TargetName::Typed("mine.txt".into())], &["in/mine (2).txt"]),
            (vec![below(&["Trip", "a"]), below(&["Trip", "b", "c"])], &["in/Trip (2)/a", "in/Trip (2)/b/c"]),
        ] {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(paths(&numbered(&download(names), 2)), expected);
        }
        let mut renamed = [("Trip/a?".to_owned(), PathBuf::from("in/Trip/a_")), ("b?".to_owned(), "in/b_".into())];
        move_all(&mut renamed, Path::new("in/Trip"), Path::new("in/Trip (2)"));
        assert_eq!(renamed.map(|(_, path)| path), [PathBuf::from("in/Trip (2)/a_"), "in/b_".into()]);
    }
}
