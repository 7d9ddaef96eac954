//! Files of people who are named on the console page, for Tab: asked for when they are, kept while nothing changes.

use std::collections::BTreeMap;

use potok_core::model::limits;
use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::Page;
use potok_core::protocol::selection::Selection;

/// People whose files are kept.
const OFFERED_MAX: usize = 4;

/// What is known.
#[derive(Debug, Default)]
pub struct OfferedFiles {
    known: BTreeMap<Username, Vec<String>>,
    asked: Vec<(IntentId, Username)>,
}

impl OfferedFiles {
    /// The paths that this user shares, as many as a page has; `None` until they were asked for and have come.
    pub fn of(&self, user: &Username) -> Option<&[String]> {
        self.known.get(user).map(Vec::as_slice)
    }

    /// Asks for them, unless that was done.
    pub fn ask(&mut self, user: &Username, ask: impl FnOnce(Intent) -> IntentId) {
        if self.known.contains_key(user) || self.asked.iter().any(|(_, asked)| asked == user) {
            return;
        }
        let page = Page { after: None, limit: Some(limits::PAGE_LINES_MAX) };
        let id = ask(Intent::FindFiles { selection: Selection::of_user(user.clone()), page });
        self.asked.push((id, user.clone()));
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        let Some(at) = self.asked.iter().position(|(asked, _)| *asked == id) else { return false };
        let (_, user) = self.asked.swap_remove(at);
        // Who cannot be asked about shares nothing that could be offered.
        let paths = match answer.take() {
            Some(Ok(Outcome::FilePage { files, .. })) => {
                files.into_iter().map(|file| file.path.as_str().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        if self.known.len() >= OFFERED_MAX {
            self.known.clear();
        }
        self.known.insert(user, paths);
        true
    }

    /// They share something else now; without a user everybody does.
    pub fn doubt(&mut self, user: Option<&Username>) {
        match user {
            Some(user) => drop(self.known.remove(user)),
            None => self.known.clear(),
        }
    }
}
