//! Folders of people who are named on the console page, for Tab: asked for when they are, kept while nothing changes.

use std::collections::HashMap;

use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};

use crate::command_line::completion::{CompletionAnswer, Want};

/// Answers that are kept.
const OFFERED_MAX: usize = 32;

/// What is known.
#[derive(Debug, Default)]
pub struct OfferedFiles {
    known: HashMap<Want, CompletionAnswer>,
    asked: Vec<(IntentId, Want)>,
}

impl OfferedFiles {
    /// What was answered; `None` until it was asked for and has come.
    pub fn of(&self, want: &Want) -> Option<&CompletionAnswer> {
        self.known.get(want)
    }

    /// Asks for it, unless that was done.
    pub fn ask(&mut self, want: &Want, ask: impl FnOnce(Intent) -> IntentId) {
        if self.known.contains_key(want) || self.asked.iter().any(|(_, asked)| asked == want) {
            return;
        }
        match want.intent() {
            Some(intent) => self.asked.push((ask(intent), want.clone())),
            None => self.keep(want.clone(), CompletionAnswer::default()),
        }
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        let Some(at) = self.asked.iter().position(|(asked, _)| *asked == id) else { return false };
        let (_, want) = self.asked.swap_remove(at);
        // Who cannot be asked about shares nothing that could be offered.
        let answer = answer.take().and_then(Result::ok);
        self.keep(want, answer.as_ref().map(CompletionAnswer::of).unwrap_or_default());
        true
    }

    /// They share something else now; without a user everybody does.
    pub fn doubt(&mut self, user: Option<&Username>) {
        let is_theirs = |want: &Want| match want {
            Want::Folder { user: of, .. } | Want::FolderFrom { user: of, .. } => {
                user.is_none_or(|user| user.as_str() == of)
            }
            Want::Users | Want::MyShares | Want::Stopped | Want::Transfers => false,
        };
        self.known.retain(|want, _| !is_theirs(want));
    }

    fn keep(&mut self, want: Want, answer: CompletionAnswer) {
        if self.known.len() >= OFFERED_MAX {
            self.known.clear();
        }
        self.known.insert(want, answer);
    }
}
