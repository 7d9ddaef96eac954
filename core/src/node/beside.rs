//! A download that is to be kept beside what is there: it gets the first number that is free.

use std::path::{Path, PathBuf};

use crate::model::local_name;
use crate::model::transfer::TransferId;
use crate::service::downloader::{AddError, Downloader, NewDownload};
use crate::store::downloads::TargetName;

/// Numbers that are tried.
const NUMBERS_MAX: usize = 1_000;

/// Queues a download under the first name that nothing has on the disk or in the queue: its own, or one with a number.
/// The places in `renamed` follow it.
pub(super) async fn add(
    downloader: &Downloader,
    download: NewDownload,
    renamed: &mut [(String, PathBuf)],
) -> Result<TransferId, AddError> {
    let mut taken = AddError::Exists { path: top_of(&download) };
    for number in 1..=NUMBERS_MAX {
        let new = if number == 1 { download.clone() } else { numbered(&download, number) };
        let top = top_of(&new);
        if is_there(top.clone()).await {
            continue;
        }
        match downloader.add(new).await {
            Err(error @ (AddError::Exists { .. } | AddError::Taken { .. })) => taken = error,
            added => {
                move_all(renamed, &top_of(&download), &top);
                return added;
            }
        }
    }
    Err(taken)
}

async fn is_there(path: PathBuf) -> bool {
    let look = tokio::task::spawn_blocking(move || path.symlink_metadata().is_ok());
    // A name about which nothing can be learned is not taken.
    look.await.unwrap_or(true)
}

/// The file, or the folder that all of it goes into.
fn top_of(download: &NewDownload) -> PathBuf {
    let first = download.files.first().map(|file| match &file.name {
        TargetName::Typed(name) => download.into.join(name),
        TargetName::Below(names) => download.into.join(names.first().map_or("", |name| name.as_str())),
    });
    first.unwrap_or_else(|| download.into.clone())
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
            overwrite: false,
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
