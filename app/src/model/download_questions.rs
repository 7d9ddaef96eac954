//! What a person is asked before something is fetched: its place is taken, or it has names that may not be written here.
//! Of several downloads the same question is asked once. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Existing, Intent, TransferId, TransferSelection, UnsafeNames};
use potok_core::node::partly_there::PartlyThere;

use crate::model::wanted_download::WantedDownload;

/// Downloads that wait for an answer; of more it is only told that they did not begin.
const WAITING_MAX: usize = 10_000;

/// Everything that waits for an answer.
#[derive(Debug, Default)]
pub struct DownloadQuestions {
    taken: Vec<TakenPlace>,
    partly_there: Vec<TakenFolder>,
    unsafe_names: Vec<NamesToChange>,
}

/// Something is where a download would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenPlace {
    /// What was asked for.
    pub wanted: WantedDownload,
    /// What is there.
    pub path: PathBuf,
}

/// A folder is where it would go, with other files at the places of some that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFolder {
    /// What was asked for, or what is on the list.
    pub wanted: WantedOrListed,
    /// What is there.
    pub there: PartlyThere,
}

/// What waits for an answer: something new, or a transfer that found something else at the places of some of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedOrListed {
    /// It was asked for just now.
    Wanted(WantedDownload),
    /// It is on the list.
    Listed {
        /// The number by which it is answered.
        number: TransferId,
        /// Its share path.
        label: String,
    },
}

impl WantedOrListed {
    /// The share path; that of a folder ends in a slash.
    pub fn path(&self) -> String {
        match self {
            Self::Wanted(wanted) => wanted.path(),
            Self::Listed { label, .. } => label.clone(),
        }
    }

    fn answered(self, existing: Existing) -> Intent {
        match self {
            Self::Wanted(wanted) => wanted.if_taken(existing).intent(),
            Self::Listed { number, .. } => Intent::RetryWith { which: TransferSelection::One(number), existing },
        }
    }
}

/// Names of one download that may not be written here, and what they would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamesToChange {
    /// What was asked for.
    pub wanted: WantedDownload,
    /// Each once, of a folder below it: as its owner calls it, and as it would be called here.
    pub names: Vec<(String, String)>,
    /// How many files get another path by it.
    pub files: usize,
}

/// What is to be asked now; only one thing at a time.
#[derive(Debug, Clone, Copy)]
pub enum DownloadQuestion<'a> {
    /// Whether these are replaced, or kept beside what is there.
    Taken(&'a [TakenPlace]),
    /// What becomes of files that are at the places of others.
    Folder(&'a TakenFolder),
    /// Whether names are changed.
    Names(&'a NamesToChange),
}

/// What a person chose of what a question offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadAnswer {
    /// Not at all.
    Leave,
    /// With a number behind the name.
    KeepBoth,
    /// What is there goes.
    Replace,
    /// Under other names.
    Rename,
    /// What has such a name, or such a place, stays out.
    WithoutThem,
}

impl DownloadQuestions {
    /// Looks at what came of a download; gives it back unless it is a question.
    pub fn take(
        &mut self,
        wanted: WantedDownload,
        result: Result<Outcome, Failure>,
    ) -> Option<Result<Outcome, Failure>> {
        if self.waiting() >= WAITING_MAX {
            return Some(result);
        }
        match result {
            Err(Failure::Exists { path }) => self.taken.push(TakenPlace { wanted, path: path.into() }),
            Err(Failure::ExistsInPart(there)) => {
                self.partly_there.push(TakenFolder { wanted: WantedOrListed::Wanted(wanted), there: *there });
            }
            Ok(Outcome::UnsafeNames { names, count }) => {
                let names = changed_names(&wanted, &names);
                self.unsafe_names.push(NamesToChange { wanted, names, files: count });
            }
            other => return Some(other),
        }
        None
    }

    /// What is to be fetched is where it would go already, as far as is known here.
    pub fn add_taken(&mut self, wanted: WantedDownload, path: PathBuf) {
        if self.waiting() < WAITING_MAX {
            self.taken.push(TakenPlace { wanted, path });
        }
    }

    /// A transfer ended, and at the places of some of its files is something else: nobody has said what becomes of it.
    pub fn add_listed(&mut self, number: TransferId, label: &str, there: PartlyThere) {
        let is_it =
            |folder: &TakenFolder| matches!(folder.wanted, WantedOrListed::Listed { number: of, .. } if of == number);
        self.partly_there.retain(|folder| !is_it(folder));
        if self.waiting() < WAITING_MAX {
            let wanted = WantedOrListed::Listed { number, label: label.to_owned() };
            self.partly_there.push(TakenFolder { wanted, there });
        }
    }

    /// What is to be asked now.
    pub fn current(&self) -> Option<DownloadQuestion<'_>> {
        let names = self.unsafe_names.first().map(DownloadQuestion::Names);
        let folder = || self.partly_there.first().map(DownloadQuestion::Folder);
        let taken = || Some(DownloadQuestion::Taken(&self.taken)).filter(|_| !self.taken.is_empty());
        names.or_else(folder).or_else(taken)
    }

    /// The current question is answered: what is to be fetched now.
    pub fn answer(&mut self, answer: DownloadAnswer) -> Vec<Intent> {
        if !self.unsafe_names.is_empty() {
            let NamesToChange { wanted, .. } = self.unsafe_names.remove(0);
            let unsafe_names = match answer {
                DownloadAnswer::Rename => UnsafeNames::Rename,
                DownloadAnswer::WithoutThem => UnsafeNames::LeaveOut,
                _ => return Vec::new(),
            };
            return vec![wanted.if_unsafe(unsafe_names).intent()];
        }
        if !self.partly_there.is_empty() {
            let TakenFolder { wanted, .. } = self.partly_there.remove(0);
            let existing = match answer {
                DownloadAnswer::KeepBoth => Existing::KeepBoth,
                DownloadAnswer::Replace => Existing::Replace,
                DownloadAnswer::WithoutThem => Existing::LeaveOut,
                _ => return Vec::new(),
            };
            return vec![wanted.answered(existing)];
        }
        let existing = match answer {
            DownloadAnswer::KeepBoth => Existing::KeepBoth,
            DownloadAnswer::Replace => Existing::Replace,
            _ => {
                self.taken.clear();
                return Vec::new();
            }
        };
        self.taken.drain(..).map(|taken| taken.wanted.if_taken(existing).intent()).collect()
    }

    fn waiting(&self) -> usize {
        self.taken.len() + self.partly_there.len() + self.unsafe_names.len()
    }
}

/// Every name that changes, once: a folder that gets another one is one change, whatever is in it.
fn changed_names(wanted: &WantedDownload, files: &[(String, PathBuf)]) -> Vec<(String, String)> {
    let path = wanted.path();
    let above = if wanted.local_path().is_some() { path.as_str() } else { above(&path) };
    let mut changed = BTreeMap::new();
    for (original, local_path) in files {
        // What the person chose, or what is above the folder, is no name of this download.
        let original = original.strip_prefix(above).unwrap_or(original);
        let originals: Vec<&str> = original.split('/').collect();
        let names = last_names(local_path, originals.len());
        let pairs = originals.iter().zip(&names).enumerate();
        for (at, _) in pairs.filter(|(_, (original, name))| *original != name) {
            changed.insert(originals[..=at].join("/"), names[..=at].join("/"));
        }
    }
    changed.into_iter().collect()
}

/// The part of the share path that is above what was asked for.
fn above(path: &str) -> &str {
    path.trim_end_matches('/').rfind('/').map_or("", |slash| &path[..=slash])
}

fn last_names(path: &Path, count: usize) -> Vec<String> {
    let names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names[names.len().saturating_sub(count)..].to_vec()
}

#[cfg(test)]
mod tests {
    use potok_core::library::typed::{LocalPath, RemotePath};
    use potok_core::model::share_path::SharePath;

    use super::*;

    fn wanted(path: &str) -> WantedDownload {
        WantedDownload::of("anna".parse().expect("a name"), RemotePath::new(path).expect("a path"))
    }

    fn existing(intent: &Intent) -> Option<Existing> {
        match intent {
            Intent::Download(request) => Some(request.existing),
            Intent::DownloadOfAll(request) => Some(request.existing),
            _ => None,
        }
    }

    fn unsafe_names(intent: &Intent) -> Option<UnsafeNames> {
        match intent {
            Intent::Download(request) => Some(request.unsafe_names),
            Intent::DownloadOfAll(request) => Some(request.unsafe_names),
            _ => None,
        }
    }

    fn exists(path: &str) -> Result<Outcome, Failure> {
        Err(Failure::Exists { path: path.into() })
    }

    #[test]
    fn places_that_are_taken_are_one_question() {
        let mut questions = DownloadQuestions::default();
        assert_eq!(questions.take(wanted("a"), Ok(Outcome::Done)), Some(Ok(Outcome::Done)), "no question");
        assert!(questions.take(wanted("a"), exists("/d/a")).is_none());
        assert!(questions.take(wanted("b"), exists("/d/b")).is_none());
        let Some(DownloadQuestion::Taken(taken)) = questions.current() else { panic!("a question") };
        assert!(taken.iter().map(|taken| taken.path.as_path()).eq([Path::new("/d/a"), Path::new("/d/b")]));
        let again = questions.answer(DownloadAnswer::KeepBoth);
        assert!(again.iter().map(existing).eq([Some(Existing::KeepBoth); 2]));
        assert!(questions.current().is_none());
        assert!(questions.take(wanted("a"), exists("/d/a")).is_none());
        assert!(questions.answer(DownloadAnswer::Leave).is_empty() && questions.current().is_none());
    }

    #[test]
    fn a_folder_that_is_there_in_part_is_a_question_of_its_own() {
        let there = |path: &str| {
            let places = vec![PathBuf::from(path).join("a")];
            let there = PartlyThere { path: path.into(), files: 3, same: 1, differing: 1, places };
            Err(Failure::ExistsInPart(Box::new(there)))
        };
        let mut questions = DownloadQuestions::default();
        for (answer, expected) in [
            (DownloadAnswer::KeepBoth, Some(Existing::KeepBoth)),
            (DownloadAnswer::Replace, Some(Existing::Replace)),
            (DownloadAnswer::WithoutThem, Some(Existing::LeaveOut)),
            (DownloadAnswer::Leave, None),
        ] {
            for wanted in [wanted("T/"), WantedDownload::of_all(SharePath::new("T").expect("a path"))] {
                assert!(questions.take(wanted.clone(), there("/d/T")).is_none());
                assert!(questions.take(wanted, there("/d/U")).is_none());
                let Some(DownloadQuestion::Folder(first)) = questions.current() else { panic!("a question") };
                assert_eq!(first.there.path, "/d/T");
                assert_eq!(questions.answer(answer).first().and_then(existing), expected, "of the first alone");
                let Some(DownloadQuestion::Folder(second)) = questions.current() else { panic!("the other") };
                assert_eq!(second.there.path, "/d/U");
                assert!(questions.answer(DownloadAnswer::Leave).is_empty() && questions.current().is_none());
            }
        }
    }

    #[test]
    fn what_came_in_the_way_of_a_transfer_is_the_same_question() {
        let there = || PartlyThere { path: "/d/T".into(), files: 3, same: 1, differing: 1, places: Vec::new() };
        let mut questions = DownloadQuestions::default();
        for _ in 0..2 {
            questions.add_listed(TransferId(7), "T/", there());
        }
        let Some(DownloadQuestion::Folder(folder)) = questions.current() else { panic!("a question") };
        assert_eq!(folder.wanted.path(), "T/");
        let expected = Intent::RetryWith { which: TransferSelection::One(TransferId(7)), existing: Existing::KeepBoth };
        assert_eq!(questions.answer(DownloadAnswer::KeepBoth), [expected]);
        assert!(questions.current().is_none(), "asked once");
    }

    #[test]
    fn every_changed_name_is_listed_once() {
        let files = |pairs: &[(&str, &str)]| {
            let names = pairs.iter().map(|(original, here)| ((*original).to_owned(), PathBuf::from(here))).collect();
            Ok(Outcome::UnsafeNames { names, count: pairs.len() })
        };
        let names = |wanted: WantedDownload, outcome| {
            let mut questions = DownloadQuestions::default();
            assert!(questions.take(wanted, outcome).is_none());
            let Some(DownloadQuestion::Names(names)) = questions.current() else { panic!("a question") };
            names.names.clone()
        };
        let pair = |original: &str, here: &str| (original.to_owned(), here.to_owned());
        let outcome = files(&[("x/Trip?/a", "/d/Trip_/a"), ("x/Trip?/b*/c", "/d/Trip_/b_/c")]);
        assert_eq!(
            names(wanted("x/Trip?/"), outcome),
            [pair("Trip?", "Trip_"), pair("Trip?/b*", "Trip_/b_")],
            "a folder is one change, whatever is in it"
        );
        let as_mine = wanted("x/Trip?/").to(LocalPath::chosen(Path::new("/d/mine")));
        assert_eq!(names(as_mine, files(&[("x/Trip?/a?", "/d/mine/a_")])), [pair("a?", "a_")]);
        assert_eq!(names(wanted("con.txt"), files(&[("con.txt", "/d/_con.txt")])), [pair("con.txt", "_con.txt")]);
        let of_all = WantedDownload::of_all(SharePath::new("x/Trip").expect("a path"));
        let outcome = || files(&[("x/Trip/a?", "/d/Trip/a_"), ("x/Trip/b", "/d/Trip/b (2)")]);
        let pairs = [pair("Trip/a?", "Trip/a_"), pair("Trip/b", "Trip/b (2)")];
        assert_eq!(names(of_all.clone(), outcome()), pairs, "of two people's files of one name the second too");
        let as_mine = of_all.to(LocalPath::chosen(Path::new("/d/mine")));
        assert_eq!(names(as_mine, files(&[("x/Trip/a?", "/d/mine/a_")])), [pair("a?", "a_")]);
    }

    #[test]
    fn names_are_changed_or_left_out() {
        let outcome = || Ok(Outcome::UnsafeNames { names: vec![("a?".into(), "/d/a_".into())], count: 1 });
        for (answer, expected) in [
            (DownloadAnswer::Rename, Some(UnsafeNames::Rename)),
            (DownloadAnswer::WithoutThem, Some(UnsafeNames::LeaveOut)),
            (DownloadAnswer::Leave, None),
        ] {
            let of_all = WantedDownload::of_all(SharePath::new("T").expect("a path"));
            for wanted in [wanted("a?"), of_all] {
                let mut questions = DownloadQuestions::default();
                assert!(questions.take(wanted, outcome()).is_none());
                assert_eq!(questions.answer(answer).first().and_then(unsafe_names), expected);
            }
        }
    }
}
