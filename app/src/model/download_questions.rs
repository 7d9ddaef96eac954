//! What a person is asked before something is fetched: its place is taken, or it has names that may not be written here.
//! Of several downloads the same question is asked once. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{DownloadRequest, Existing, UnsafeNames};

/// Downloads that wait for an answer; of more it is only told that they did not begin.
const WAITING_MAX: usize = 10_000;

/// Everything that waits for an answer.
#[derive(Debug, Default)]
pub struct DownloadQuestions {
    taken: Vec<TakenPlace>,
    unsafe_names: Vec<NamesToChange>,
}

/// Something is where a download would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenPlace {
    /// What was asked for.
    pub request: DownloadRequest,
    /// What is there.
    pub path: PathBuf,
}

/// Names of one download that may not be written here, and what they would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamesToChange {
    /// What was asked for.
    pub request: DownloadRequest,
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
    /// What has such a name stays out.
    WithoutThem,
}

impl DownloadQuestions {
    /// Looks at what came of a download; gives it back unless it is a question.
    pub fn take(
        &mut self,
        request: DownloadRequest,
        result: Result<Outcome, Failure>,
    ) -> Option<Result<Outcome, Failure>> {
        if self.taken.len() + self.unsafe_names.len() >= WAITING_MAX {
            return Some(result);
        }
        match result {
            Err(Failure::Exists { path }) => self.taken.push(TakenPlace { request, path: path.into() }),
            Ok(Outcome::UnsafeNames { names, count }) => {
                let names = changed_names(&request, &names);
                self.unsafe_names.push(NamesToChange { request, names, files: count });
            }
            other => return Some(other),
        }
        None
    }

    /// What is to be fetched is where it would go already, as far as is known here.
    pub fn add_taken(&mut self, request: DownloadRequest, path: PathBuf) {
        if self.taken.len() < WAITING_MAX {
            self.taken.push(TakenPlace { request, path });
        }
    }

    /// What is to be asked now.
    pub fn current(&self) -> Option<DownloadQuestion<'_>> {
        match self.unsafe_names.first() {
            Some(first) => Some(DownloadQuestion::Names(first)),
            None => Some(DownloadQuestion::Taken(&self.taken)).filter(|_| !self.taken.is_empty()),
        }
    }

    /// The current question is answered: what is to be fetched now.
    pub fn answer(&mut self, answer: DownloadAnswer) -> Vec<DownloadRequest> {
        if !self.unsafe_names.is_empty() {
            let NamesToChange { request, .. } = self.unsafe_names.remove(0);
            let unsafe_names = match answer {
                DownloadAnswer::Rename => UnsafeNames::Rename,
                DownloadAnswer::WithoutThem => UnsafeNames::LeaveOut,
                _ => return Vec::new(),
            };
            return vec![DownloadRequest { unsafe_names, ..request }];
        }
        let existing = match answer {
            DownloadAnswer::KeepBoth => Existing::KeepBoth,
            DownloadAnswer::Replace => Existing::Replace,
            _ => {
                self.taken.clear();
                return Vec::new();
            }
        };
        self.taken.drain(..).map(|taken| DownloadRequest { existing, ..taken.request }).collect()
    }
}

/// Every name that changes, once: a folder that gets another one is one change, whatever is in it.
fn changed_names(request: &DownloadRequest, files: &[(String, PathBuf)]) -> Vec<(String, String)> {
    let mut changed = BTreeMap::new();
    for (original, local_path) in files {
        // What the person chose, or what is above the folder, is no name of this download.
        let above = if request.local_path.is_some() { request.remote_path.as_str() } else { above(request) };
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
fn above(request: &DownloadRequest) -> &str {
    let path = request.remote_path.as_str();
    path.trim_end_matches('/').rfind('/').map_or("", |slash| &path[..=slash])
}

fn last_names(path: &Path, count: usize) -> Vec<String> {
    let names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names[names.len().saturating_sub(count)..].to_vec()
}

#[cfg(test)]
mod tests {
    use potok_core::library::typed::{LocalPath, RemotePath};

    use super::*;

    fn request(path: &str) -> DownloadRequest {
        DownloadRequest {
            user: "anna".parse().expect("a name"),
            remote_path: RemotePath::new(path).expect("a path"),
            local_path: None,
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::Ask,
            wait: true,
        }
    }

    fn exists(path: &str) -> Result<Outcome, Failure> {
        Err(Failure::Exists { path: path.into() })
    }

    #[test]
    fn places_that_are_taken_are_one_question() {
        let mut questions = DownloadQuestions::default();
        assert_eq!(questions.take(request("a"), Ok(Outcome::Done)), Some(Ok(Outcome::Done)), "no question");
        assert!(questions.take(request("a"), exists("/d/a")).is_none());
        assert!(questions.take(request("b"), exists("/d/b")).is_none());
        let Some(DownloadQuestion::Taken(taken)) = questions.current() else { panic!("a question") };
        assert!(taken.iter().map(|taken| taken.path.as_path()).eq([Path::new("/d/a"), Path::new("/d/b")]));
        let again = questions.answer(DownloadAnswer::KeepBoth);
        assert!(again.iter().map(|request| request.existing).eq([Existing::KeepBoth; 2]));
        assert!(questions.current().is_none());
        assert!(questions.take(request("a"), exists("/d/a")).is_none());
        assert!(questions.answer(DownloadAnswer::Leave).is_empty() && questions.current().is_none());
    }

    #[test]
    fn every_changed_name_is_listed_once() {
        let files = |pairs: &[(&str, &str)]| {
            let names = pairs.iter().map(|(original, here)| ((*original).to_owned(), PathBuf::from(here))).collect();
            Ok(Outcome::UnsafeNames { names, count: pairs.len() })
        };
        let names = |request: DownloadRequest, outcome| {
            let mut questions = DownloadQuestions::default();
            assert!(questions.take(request, outcome).is_none());
            let Some(DownloadQuestion::Names(names)) = questions.current() else { panic!("a question") };
            names.names.clone()
        };
        let pair = |original: &str, here: &str| (original.to_owned(), here.to_owned());
        let outcome = files(&[("x/Trip?/a", "/d/Trip_/a"), ("x/Trip?/b*/c", "/d/Trip_/b_/c")]);
        assert_eq!(
            names(request("x/Trip?/"), outcome),
            [pair("Trip?", "Trip_"), pair("Trip?/b*", "Trip_/b_")],
            "a folder is one change, whatever is in it"
        );
        let as_mine =
            DownloadRequest { local_path: Some(LocalPath::chosen(Path::new("/d/mine"))), ..request("x/Trip?/") };
        assert_eq!(names(as_mine, files(&[("x/Trip?/a?", "/d/mine/a_")])), [pair("a?", "a_")]);
        assert_eq!(names(request("con.txt"), files(&[("con.txt", "/d/_con.txt")])), [pair("con.txt", "_con.txt")]);
    }

    #[test]
    fn names_are_changed_or_left_out() {
        let outcome = || Ok(Outcome::UnsafeNames { names: vec![("a?".into(), "/d/a_".into())], count: 1 });
        for (answer, expected) in [
            (DownloadAnswer::Rename, Some(UnsafeNames::Rename)),
            (DownloadAnswer::WithoutThem, Some(UnsafeNames::LeaveOut)),
            (DownloadAnswer::Leave, None),
        ] {
            let mut questions = DownloadQuestions::default();
            assert!(questions.take(request("a?"), outcome()).is_none());
            let now = questions.answer(answer);
            assert_eq!(now.first().map(|request| request.unsafe_names), expected);
        }
    }
}
