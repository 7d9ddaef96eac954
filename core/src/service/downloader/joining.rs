//! The same, asked for again: what the download that is on the list lacks of what is wanted now. Its owner may share more
//! by now, or something else under an old name. Indexes of files stay what they are; what is new stands behind them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use crate::model::existing::Existing;
use crate::model::share_path::SharePath;
use crate::model::transfer::{TransferError, TransferId};
use crate::service::downloader::{AddError, NewDownload};
use crate::store::Store;
use crate::store::downloads::{SavedDownload, TargetName};
use crate::store::saved_state::SavedState;
use crate::transfer::job::FileState;

/// What is to become of a download that is asked for again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Growth {
    /// All of it as it is to be.
    pub(super) download: SavedDownload,
    /// How many files it had; those behind them are new.
    before: usize,
    /// Files that are to be fetched, once more perhaps: old ones that are something else now, or gone.
    pub(super) renewed: Vec<u32>,
    /// What is said of files in the way is something else than before.
    is_other_answer: bool,
    /// Finished files of which its owner has another content by now, and nobody has said what becomes of ours.
    pub(super) changed: Vec<u32>,
    /// What does not come, because it would be one file with another.
    pub(super) left_out: Vec<(SharePath, TransferError)>,
}

/// A growth that is on disk, or was refused.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) id: TransferId,
    pub(super) growth: Growth,
    pub(super) result: Result<(), AddError>,
    pub(super) reply: oneshot::Sender<Result<TransferId, AddError>>,
}

impl Growth {
    /// What is wanted of a download that is on the list; `None` if something else is, which is to go to the same place.
    /// `gone`: finished files that are not where they were put. What was said of files in the way still holds, unless all
    /// of it is here (`said`).
    pub(super) fn of(
        saved: &SavedDownload,
        state: impl Fn(u32) -> FileState,
        gone: &[u32],
        said: Existing,
        new: &NewDownload,
    ) -> Option<Self> {
        if !is_same(saved, new) {
            return None;
        }
        let known: HashMap<&TargetName, u32> = saved.files.iter().map(|file| &file.name).zip(0u32..).collect();
        // What was kept beside something else has another name since.
        let by_remote: HashMap<&SharePath, u32> = if saved.is_folder && said == Existing::KeepBoth {
            saved.files.iter().map(|file| &file.remote).zip(0u32..).collect()
        } else {
            HashMap::new()
        };
        let mut download =
            SavedDownload { existing: new.existing.or(said), is_paused: false, states: Vec::new(), ..saved.clone() };
        let is_other_answer = download.existing != saved.existing;
        let (mut renewed, mut changed) = (gone.to_vec(), Vec::new());
        for file in &new.files {
            let Some(index) = known.get(&file.name).or_else(|| by_remote.get(&file.remote)).copied() else {
                if !saved.is_folder {
                    return None;
                }
                download.files.push(file.clone());
                continue;
            };
            let is_wanted_again = state(index) == FileState::LeftOut && download.existing != Existing::LeaveOut;
            let ours = &mut download.files[index as usize];
            if ours.content == file.content && !is_wanted_again {
                continue;
            }
            match state(index) {
                FileState::LeftOut if !is_wanted_again => continue,
                FileState::Failed | FileState::LeftOut => {}
                FileState::Done if gone.contains(&index) => {}
                // What it has put there is the person's now: what they said of something else is not about this.
                FileState::Done
                    if new.existing != Existing::Refuse && (saved.is_folder || new.existing.is_replace()) => {}
                FileState::Done => {
                    changed.push(index);
                    continue;
                }
                // It is being fetched: whoever sends it says whether it is still the same.
                FileState::Pending | FileState::Active | FileState::Held if saved.is_folder => continue,
                FileState::Pending | FileState::Active | FileState::Held => return None,
            }
            (ours.remote, ours.content) = (file.remote.clone(), file.content);
            if !renewed.contains(&index) {
                renewed.push(index);
            }
        }
        let before = saved.files.len();
        Some(Self { download, before, renewed, is_other_answer, changed, left_out: Vec::new() })
    }

    /// Whether the download is what is asked for, as it is.
    pub(super) fn is_nothing(&self) -> bool {
        self.renewed.is_empty() && !self.is_other_answer && self.download.files.len() == self.before
    }

    /// The files that it did not have.
    pub(super) fn added(&self) -> std::ops::Range<u32> {
        let index = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        index(self.before)..index(self.download.files.len())
    }

    /// The whole path of one of its files.
    pub(super) fn path(&self, index: u32) -> PathBuf {
        let file = self.download.files.get(index as usize);
        file.map(|file| file.name.path_below(&self.download.into)).unwrap_or_default()
    }

    /// Leaves out what would be one file with another on a disk that ignores case, and writes the rest down. Blocks.
    pub(super) fn save(
        &mut self,
        store: &Store,
        id: TransferId,
        tells_case_apart: impl FnOnce(&Path) -> bool,
    ) -> Result<(), AddError> {
        let (old, new) = self.download.files.split_at(self.before);
        let mut seen: HashSet<String> = old.iter().map(|file| file.name.case_key()).collect();
        let is_same: Vec<bool> = new.iter().map(|file| !seen.insert(file.name.case_key())).collect();
        if is_same.contains(&true) && !tells_case_apart(&self.download.into) {
            let mut is_same = is_same.into_iter();
            let same = self.download.files.extract_if(self.before.., |_| is_same.next() == Some(true));
            self.left_out.extend(same.map(|file| (file.remote, TransferError::SameName)));
        }
        let indexes: Vec<u32> = self.renewed.iter().copied().chain(self.added()).collect();
        self.download.states = indexes.iter().map(|index| (*index, SavedState::Held)).collect();
        Ok(store.write_files(id, &self.download, &indexes)?)
    }
}

/// Whether two downloads are one: the same of the same person, into the same folder.
pub(super) fn is_same(saved: &SavedDownload, new: &NewDownload) -> bool {
    saved.user.folded() == new.user.folded()
        && saved.into == new.into
        && saved.is_folder == new.is_folder
        && (!saved.is_folder || saved.label == new.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::existing::Existing;
    use crate::model::hash::ContentHash;
    use crate::model::local_name::LocalName;
    use crate::protocol::peer::Content;
    use crate::store::downloads::WantedFile;

    fn files(files: &[(&str, u8)]) -> Vec<WantedFile> {
        let file = |(name, seed): &(&str, u8)| WantedFile {
            remote: SharePath::new(name).expect("a path"),
            content: Content { hash: ContentHash::from_bytes([*seed; 32]), size: 5 },
            name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
        };
        files.iter().map(file).collect()
    }

    fn new(is_folder: bool, wanted: &[(&str, u8)]) -> NewDownload {
        NewDownload {
            user: "anna".parse().expect("a name"),
            label: if is_folder { "F/".into() } else { wanted[0].0.into() },
            is_folder,
            into: "/into".into(),
            existing: Existing::Refuse,
            files: files(wanted),
        }
    }

    fn saved(new: NewDownload) -> SavedDownload {
        let NewDownload { user, label, is_folder, into, existing, files, .. } = new;
        SavedDownload { user, label, is_folder, into, existing, is_paused: true, files, states: Vec::new() }
    }

    #[test]
    fn what_is_asked_for_again_is_what_is_there_and_what_is_new() {
        use FileState::{Active, Done, Failed};
        let on_list = saved(new(true, &[("F/a", 1), ("F/b", 2), ("F/c", 3)]));
        let states = [Done, Failed, Active];
        let growth = |gone: &[u32], new: &NewDownload| {
            Growth::of(&on_list, |index| states[index as usize], gone, on_list.existing, new)
        };
        type Row = (&'static [u32], &'static [(&'static str, u8)], &'static [u32], &'static [u32], u32);
        let rows: [Row; 7] = [
            (&[], &[("F/a", 1), ("F/b", 2), ("F/c", 3)], &[], &[], 0),
            // Less is listed at this moment: what is wanted stays wanted.
            (&[], &[("F/a", 1)], &[], &[], 0),
            (&[], &[("F/d", 4), ("F/a", 1), ("F/e", 5)], &[], &[], 2),
            (&[], &[("F/b", 9)], &[1], &[], 0),
            (&[], &[("F/a", 9)], &[], &[0], 0),
            (&[], &[("F/c", 9)], &[], &[], 0),
            (&[0], &[("F/a", 9), ("F/b", 2)], &[0], &[], 0),
        ];
        for (gone, wanted, renewed, changed, added) in rows {
            let growth = growth(gone, &new(true, wanted)).expect("the same download");
            assert_eq!(growth.renewed, renewed, "{wanted:?}");
            assert_eq!(growth.changed, changed, "{wanted:?}");
            assert_eq!(growth.added(), 3..3 + added, "{wanted:?}");
            assert_eq!(growth.is_nothing(), renewed.is_empty() && added == 0, "{wanted:?}");
        }
        for existing in [Existing::Replace, Existing::KeepBoth, Existing::LeaveOut] {
            let answering = NewDownload { existing, ..new(true, &[("F/a", 9)]) };
            let growth = growth(&[], &answering).expect("the same download");
            assert_eq!((growth.renewed.as_slice(), growth.download.existing), ([0].as_slice(), existing));
        }
        let only_an_answer = NewDownload { existing: Existing::KeepBoth, ..new(true, &[("F/a", 1)]) };
        assert!(!growth(&[], &only_an_answer).expect("the same download").is_nothing());
        for other in [
            NewDownload { user: "boris".parse().expect("a name"), ..new(true, &[("F/a", 1)]) },
            NewDownload { label: "G/".into(), ..new(true, &[("F/a", 1)]) },
            NewDownload { into: "/other".into(), ..new(true, &[("F/a", 1)]) },
            new(false, &[("F/a", 1)]),
        ] {
            assert_eq!(growth(&[], &other), None);
        }
    }

    #[test]
    fn a_single_file_is_the_same_or_what_its_owner_made_of_it() {
        let on_list = saved(new(false, &[("a", 1)]));
        for (state, seed, expected) in [
            (FileState::Active, 1, Some(vec![])),
            (FileState::Active, 2, None),
            (FileState::Failed, 2, Some(vec![0])),
            (FileState::Done, 1, Some(vec![])),
        ] {
            let growth = Growth::of(&on_list, |_| state, &[], Existing::Refuse, &new(false, &[("a", seed)]));
            assert_eq!(growth.map(|growth| growth.renewed), expected, "{state:?} {seed}");
        }
    }
}
