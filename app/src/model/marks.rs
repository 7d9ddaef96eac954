//! What is known here of files that others share: I share them too, they are on this disk, or on their way to it. Asked
//! for what is in view, and again when something has changed. Pure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use potok_core::model::hash::ContentHash;
use potok_core::model::transfer::{Direction, Transfer, TransferId};
use potok_core::model::username::Username;
use potok_core::node::event::{HereFile, Outcome};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::{FileLine, FolderEntry};

use crate::model::pace::Pace;

/// Contents that are remembered; beyond it they are asked for again when they come into view.
const REMEMBERED_MAX: usize = 10_000;
/// Copies of a content that are looked at for a mark.
const MARKED_COPIES_MAX: usize = 64;

/// Where a file stands with this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMark {
    /// I share it.
    Mine,
    /// It was fetched, and is where it was put.
    Here,
    /// It is being fetched.
    OnItsWay,
}

/// What is known of files.
#[derive(Debug, Default)]
pub struct Marks {
    here: HashMap<ContentHash, Option<HereFile>>,
    asked: Option<(IntentId, Vec<ContentHash>)>,
    pace: Pace,
    /// Downloads that are not over, by owner and label.
    under_way: HashMap<Username, HashMap<String, TransferId>>,
}

impl Marks {
    /// Where a row stands that is all of these: the files of one content, or a folder. And where it is on this disk.
    pub fn of<'a>(
        &self,
        entries: impl Iterator<Item = &'a FolderEntry>,
        me: Option<&Username>,
    ) -> Option<(FileMark, Option<&Path>)> {
        let mut best: Option<(FileMark, Option<&Path>)> = None;
        for entry in entries.take(MARKED_COPIES_MAX) {
            let here = self.here_of(entry);
            let path = here.map(|here| here.local_path.as_path());
            let mark = match entry {
                FolderEntry::File(file) if Some(&file.username) == me => FileMark::Mine,
                _ if here.is_some_and(|here| here.is_shared) => FileMark::Mine,
                _ if self.is_under_way(entry) => FileMark::OnItsWay,
                _ if here.is_some() => FileMark::Here,
                _ => continue,
            };
            if mark == FileMark::Mine {
                return Some((mark, path));
            }
            if best.is_none_or(|(best, _)| best == FileMark::Here) {
                best = Some((mark, path));
            }
        }
        best
    }

    /// Asks about contents that are in view; when to come again if nothing else happens.
    pub fn turn(
        &mut self,
        now: Instant,
        in_view: impl Iterator<Item = ContentHash>,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        if self.asked.is_some() {
            return None;
        }
        let is_due = self.pace.is_due(now);
        let mut contents: Vec<ContentHash> = in_view.filter(|hash| is_due || !self.here.contains_key(hash)).collect();
        contents.sort_unstable();
        contents.dedup();
        if is_due {
            // What is not in view is asked for when it is.
            self.here.retain(|hash, _| contents.binary_search(hash).is_ok());
            self.pace.asked(now);
        }
        if !contents.is_empty() {
            let id = ask(Intent::FindHere { contents: contents.clone() });
            self.asked = Some((id, contents));
        }
        self.pace.due_at().map(|at| at.saturating_duration_since(now))
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, now: Instant, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        let Some((_, asked)) = self.asked.take_if(|(asked, _)| *asked == id) else { return false };
        match answer.take() {
            Some(Ok(Outcome::Here(found))) => {
                if self.here.len() > REMEMBERED_MAX {
                    self.here.clear();
                }
                self.here.extend(asked.into_iter().map(|hash| (hash, None)));
                self.here.extend(found.into_iter().map(|file| (file.hash, Some(file))));
            }
            _ => {
                self.here.extend(asked.into_iter().map(|hash| (hash, None)));
                self.pace.doubt(now);
            }
        }
        true
    }

    /// Something that I share, or have fetched, is elsewhere now, or gone.
    pub fn doubt(&mut self, now: Instant) {
        self.pace.doubt(now);
    }

    /// This has just come.
    pub fn fetched(&mut self, hash: ContentHash, local_path: PathBuf) {
        let before = self.here.get(&hash).and_then(Option::as_ref);
        if before.is_none() {
            self.here.insert(hash, Some(HereFile { hash, local_path, is_shared: false }));
        }
    }

    /// A transfer goes on, or is over.
    pub fn transfer(&mut self, transfer: &Transfer) {
        if transfer.direction != Direction::Download {
            return;
        }
        if transfer.state.is_final() {
            self.gone(transfer.number);
        } else {
            let of = self.under_way.entry(transfer.user.clone()).or_default();
            of.entry(transfer.label.clone()).or_insert(transfer.number);
        }
    }

    /// A transfer is off the list.
    pub fn gone(&mut self, number: TransferId) {
        for of in self.under_way.values_mut() {
            of.retain(|_, other| *other != number);
        }
        self.under_way.retain(|_, of| !of.is_empty());
    }

    /// These and no others are on the list.
    pub fn transfers(&mut self, transfers: &[Transfer]) {
        self.under_way.clear();
        transfers.iter().for_each(|transfer| self.transfer(transfer));
    }

    fn here_of(&self, entry: &FolderEntry) -> Option<&HereFile> {
        match entry {
            FolderEntry::File(FileLine { hash: Some(hash), .. }) => self.here.get(hash)?.as_ref(),
            _ => None,
        }
    }

    /// It is fetched by itself, or with a folder that it is in.
    fn is_under_way(&self, entry: &FolderEntry) -> bool {
        let (user, path) = match entry {
            FolderEntry::File(file) => (&file.username, file.path.as_str().to_owned()),
            FolderEntry::Folder(folder) => match &folder.username {
                Some(user) => (user, format!("{}/", folder.path)),
                None => return false,
            },
        };
        let Some(of) = self.under_way.get(user) else { return false };
        of.contains_key(&path) || path.match_indices('/').any(|(slash, _)| of.contains_key(&path[..=slash]))
    }
}

#[cfg(test)]
mod tests {
    use potok_core::model::transfer::TransferState;

    use super::*;
    use crate::model::made_up::files;

    fn entry(user: &str, path: &str, content: u8) -> FolderEntry {
        FolderEntry::File(files(&[(user, path, Some(5), content)]).remove(0))
    }

    fn hash(content: u8) -> ContentHash {
        ContentHash::from_bytes([content; 32])
    }

    fn download(number: u64, label: &str, state: TransferState) -> Transfer {
        Transfer {
            number: TransferId(number),
            direction: Direction::Download,
            position: 0,
            user: Username::new("anna").expect("valid"),
            label: label.to_owned(),
            local_path: None,
            files: 1,
            files_done: 0,
            total_bytes: 5,
            done_bytes: 0,
            bytes_per_second: 0,
            sources: 0,
            there: potok_core::model::transfer::AlreadyThere::default(),
            way: None,
            state,
        }
    }

    fn mark(marks: &Marks, entry: &FolderEntry) -> Option<FileMark> {
        let me = Username::new("me").expect("valid");
        marks.of(std::iter::once(entry), Some(&me)).map(|(mark, _)| mark)
    }

    #[test]
    fn what_is_under_way_is_known_by_its_owner_and_path() {
        let mut marks = Marks::default();
        marks.transfer(&download(1, "a.txt", TransferState::Running));
        marks.transfer(&download(2, "Trip/", TransferState::Queued));
        for (user, path, expected) in [
            ("anna", "a.txt", Some(FileMark::OnItsWay)),
            ("ivan", "a.txt", None),
            ("anna", "Trip/day 1/b", Some(FileMark::OnItsWay)),
            ("anna", "Trip 2/b", None),
            ("me", "x", Some(FileMark::Mine)),
        ] {
            assert_eq!(mark(&marks, &entry(user, path, 1)), expected, "{user} {path}");
        }
        marks.transfer(&download(1, "a.txt", TransferState::Finished));
        marks.gone(TransferId(2));
        assert!(marks.under_way.is_empty());
    }

    #[test]
    fn what_is_in_view_is_asked_for_once_and_again_after_a_change() {
        let (mut marks, mut asked) = (Marks::default(), Vec::new());
        let mut now = Instant::now();
        let mut look = |marks: &mut Marks, now| {
            let mut new = Vec::new();
            marks.turn(now, [1, 2, 1].map(hash).into_iter(), &mut |intent| {
                new.push(intent);
                IntentId(7)
            });
            asked.extend(new.clone());
            new
        };
        assert_eq!(look(&mut marks, now), [Intent::FindHere { contents: vec![hash(1), hash(2)] }]);
        assert!(look(&mut marks, now).is_empty(), "it is under way");
        let here = |is_shared| HereFile { hash: hash(1), local_path: "/d/a".into(), is_shared };
        assert!(marks.answer(now, IntentId(7), &mut Some(Ok(Outcome::Here(vec![here(false)])))));
        assert!(look(&mut marks, now).is_empty(), "it is known");
        assert_eq!(mark(&marks, &entry("anna", "x", 1)), Some(FileMark::Here));
        assert_eq!(mark(&marks, &entry("anna", "y", 2)), None);
        marks.fetched(hash(2), "/d/b".into());
        assert_eq!(mark(&marks, &entry("anna", "y", 2)), Some(FileMark::Here));

        marks.doubt(now);
        assert!(look(&mut marks, now).is_empty(), "not at once");
        now += Duration::from_secs(1);
        assert_eq!(look(&mut marks, now).len(), 1);
        assert!(marks.answer(now, IntentId(7), &mut Some(Ok(Outcome::Here(vec![here(true)])))));
        assert_eq!(mark(&marks, &entry("anna", "x", 1)), Some(FileMark::Mine));
        assert_eq!(mark(&marks, &entry("anna", "y", 2)), None);
    }
}
