//! Who has files in a folder that several people share: asked for when all of it is to be fetched, from each their own.
//! Pure.

use std::collections::{BTreeSet, VecDeque};

use potok_core::model::limits;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::{Cursor, Page};
use potok_core::protocol::selection::Selection;

/// Pages of one folder that are read: 200,000 files. In a larger one a person is chosen first.
const PAGES_MAX: usize = 20;
/// Folders that wait for their turn.
const FOLDERS_MAX: usize = 1_000;

/// Folders whose owners are being found.
#[derive(Debug, Default)]
pub struct FolderOwners {
    waiting: VecDeque<OwnerSearch>,
    asked: Option<IntentId>,
    found: Vec<FoundOwners>,
}

#[derive(Debug)]
struct OwnerSearch {
    folder: SharePath,
    owners: BTreeSet<Username>,
    after: Option<Cursor>,
    pages: usize,
}

/// What came of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundOwners {
    /// The share path of the folder.
    pub folder: SharePath,
    /// Everybody who has files in it, in order; `None`: that could not be found out.
    pub owners: Option<Vec<Username>>,
}

impl FolderOwners {
    /// Finds the owners of what is in this folder.
    pub fn find(&mut self, folder: SharePath) {
        if self.waiting.len() < FOLDERS_MAX {
            self.waiting.push_back(OwnerSearch { folder, owners: BTreeSet::new(), after: None, pages: 0 });
        }
    }

    /// Asks for the next page, unless one is under way.
    pub fn turn(&mut self, ask: &mut dyn FnMut(Intent) -> IntentId) {
        let Some(search) = self.waiting.front().filter(|_| self.asked.is_none()) else { return };
        let selection = Selection { folder: Some(search.folder.clone()), ..Selection::default() };
        let page = Page { after: search.after.clone(), limit: Some(limits::PAGE_LINES_MAX) };
        self.asked = Some(ask(Intent::FindFiles { selection, page }));
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        if self.asked.take_if(|asked| *asked == id).is_none() {
            return false;
        }
        let Some(mut search) = self.waiting.pop_front() else { return true };
        let Some(Ok(Outcome::FilePage { files, more })) = answer.take() else {
            self.found.push(FoundOwners { folder: search.folder, owners: None });
            return true;
        };
        search.owners.extend(files.into_iter().map(|file| file.username));
        search.pages += 1;
        match more {
            None => {
                let owners = Some(search.owners.into_iter().collect());
                self.found.push(FoundOwners { folder: search.folder, owners });
            }
            Some(_) if search.pages >= PAGES_MAX => {
                self.found.push(FoundOwners { folder: search.folder, owners: None });
            }
            more => self.waiting.push_front(OwnerSearch { after: more, ..search }),
        }
        true
    }

    /// What was found since the last call.
    pub fn take_found(&mut self) -> Vec<FoundOwners> {
        std::mem::take(&mut self.found)
    }

    /// Another tracker: nobody there has asked.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::made_up::{MadeUpNetwork, files};

    fn settle(owners: &mut FolderOwners, answer: impl Fn(&Intent) -> Result<Outcome, Failure>) -> usize {
        for asked in 0.. {
            let mut next = None;
            owners.turn(&mut |intent| {
                next = Some(intent);
                IntentId(asked)
            });
            let Some(intent) = next else { return usize::try_from(asked).expect("few") };
            assert!(!owners.answer(IntentId(asked + 1_000), &mut None), "somebody else's");
            assert!(owners.answer(IntentId(asked), &mut Some(answer(&intent))));
        }
        0
    }

    #[test]
    fn everybody_with_files_in_it_is_found() {
        let path = |text| SharePath::new(text).expect("valid");
        let network = MadeUpNetwork::new(files(&[
            ("anna", "Trip/a", Some(1), 1),
            ("boris", "Trip/day 1/b", Some(1), 2),
            ("eve", "Trip 2/c", Some(1), 3),
        ]));
        let mut owners = FolderOwners::default();
        owners.find(path("Trip"));
        owners.find(path("Trip 2"));
        settle(&mut owners, |intent| Ok(network.answer(intent).expect("one of these")));
        let names =
            |found: &FoundOwners| found.owners.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
        let found: Vec<Option<Vec<String>>> = owners.take_found().iter().map(names).collect();
        assert_eq!(found, [Some(vec!["anna".into(), "boris".into()]), Some(vec!["eve".into()])]);

        // A folder that does not end, or that nobody knows.
        owners.find(path("Trip"));
        let more = Some(Cursor { path: "Trip/z".into(), username: String::new() });
        let endless = |_: &Intent| Ok(Outcome::FilePage { files: Vec::new(), more: more.clone() });
        assert_eq!(settle(&mut owners, endless), PAGES_MAX);
        owners.find(path("Trip"));
        settle(&mut owners, |_| Err(Failure::NoTracker));
        assert!(owners.take_found().iter().map(|found| found.owners.clone()).eq([None, None]));
    }
}
