//! What a person reads before something is shared: how much it is, and what is left out. Single files of which nothing is
//! left out are shared without a question: they were chosen by name. What another program hands over is always asked about.
//! Pure.

use std::collections::VecDeque;

use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId, ShareRequest};
use potok_core::service::share_indexer::preview::SharePreview;

/// Wishes to share that wait; of more the newest are not begun.
const SHARINGS_MAX: usize = 100;

/// Everything that waits to be shared.
#[derive(Debug, Default)]
pub struct ShareQuestions {
    looking: Vec<Look>,
    questions: VecDeque<ShareQuestion>,
    ready: Vec<Intent>,
    failed: Option<Failure>,
}

/// Where something was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenIn {
    /// By mouse or keyboard in our own window.
    Window,
    /// A file manager says so, and whoever could start us as it does.
    OtherProgram,
}

/// It is being looked what this would be.
#[derive(Debug)]
struct Look {
    id: IntentId,
    requests: Vec<ShareRequest>,
    chosen: ChosenIn,
}

/// Whether this is to be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareQuestion {
    /// What was asked for.
    pub requests: Vec<ShareRequest>,
    /// What it would be.
    pub preview: SharePreview,
}

/// What a person chose of what the question offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareAnswer {
    /// Not at all.
    Leave,
    /// All of it, or as much as fits if that is not all.
    Share,
}

impl ShareQuestions {
    /// It is asked what this would be.
    pub fn begin(&mut self, id: IntentId, requests: Vec<ShareRequest>, chosen: ChosenIn) {
        self.failed = None;
        if self.looking.len() + self.questions.len() < SHARINGS_MAX {
            self.looking.push(Look { id, requests, chosen });
        }
    }

    /// Whether it is being looked what something would be.
    pub fn is_looking(&self) -> bool {
        !self.looking.is_empty()
    }

    /// Why what was asked for last cannot be shared.
    pub fn failed(&self) -> Option<&Failure> {
        self.failed.as_ref()
    }

    /// Takes what it would be; a failure is left to be told, too.
    pub fn take(&mut self, id: IntentId, result: &mut Option<Result<Outcome, Failure>>) -> bool {
        let Some(at) = self.looking.iter().position(|look| look.id == id) else { return false };
        let Look { requests, chosen, .. } = self.looking.remove(at);
        match result.take() {
            Some(Ok(Outcome::SharePreview(preview))) => {
                if chosen == ChosenIn::Window && is_plain(&preview) {
                    self.ready.push(Intent::Share(requests));
                } else {
                    self.questions.push_back(ShareQuestion { requests, preview });
                }
            }
            Some(Err(why)) => self.failed = Some(why),
            _ => {}
        }
        true
    }

    /// What is to be asked now.
    pub fn current(&self) -> Option<&ShareQuestion> {
        self.questions.front()
    }

    /// The current question is answered.
    pub fn answer(&mut self, answer: ShareAnswer) {
        let Some(ShareQuestion { requests, preview }) = self.questions.pop_front() else { return };
        match answer {
            ShareAnswer::Leave => {}
            ShareAnswer::Share if preview.fits() => self.ready.push(Intent::Share(requests)),
            ShareAnswer::Share => self.ready.push(Intent::ShareWhatFits(requests)),
        }
    }

    /// What is to be shared now.
    pub fn take_ready(&mut self) -> Vec<Intent> {
        std::mem::take(&mut self.ready)
    }
}

/// Files that were chosen by name, and nothing to say of them.
fn is_plain(preview: &SharePreview) -> bool {
    let has_something_to_say = |item: &potok_core::service::share_indexer::preview::PreviewedShare| {
        item.is_folder || !item.left_out.is_empty() || item.warning.is_some()
    };
    preview.fits() && !preview.items.iter().any(has_something_to_say)
}

#[cfg(test)]
mod tests {
    use super::*;
    use potok_core::model::share_path::SharePath;
    use potok_core::protocol::reply::Totals;
    use potok_core::service::share_indexer::preview::PreviewedShare;

    #[test]
    fn a_folder_is_asked_about_and_a_file_is_not() {
        let requests = || vec![ShareRequest { typed: "x".into(), cwd: "/".into(), share_as: None }];
        let preview = |is_folder, room| SharePreview {
            items: vec![PreviewedShare {
                local: "/x".into(),
                is_folder,
                share_as: SharePath::new("x").expect("valid"),
                totals: Totals { files: 5, bytes: 50 },
                left_out: Vec::new(),
                empty_folders: 0,
                warning: None,
            }],
            new_files: 5,
            room,
            shares_max: 100,
        };
        let mut sharing = ShareQuestions::default();
        let (here, elsewhere) = (ChosenIn::Window, ChosenIn::OtherProgram);
        for (chosen, is_folder, room, answer, expected) in [
            (here, false, 9, None, vec![Intent::Share(requests())]),
            (elsewhere, false, 9, Some(ShareAnswer::Share), vec![Intent::Share(requests())]),
            (elsewhere, false, 9, Some(ShareAnswer::Leave), vec![]),
            (here, true, 9, Some(ShareAnswer::Share), vec![Intent::Share(requests())]),
            (here, true, 9, Some(ShareAnswer::Leave), vec![]),
            (here, true, 4, Some(ShareAnswer::Share), vec![Intent::ShareWhatFits(requests())]),
            (here, false, 0, Some(ShareAnswer::Share), vec![Intent::ShareWhatFits(requests())]),
        ] {
            sharing.begin(IntentId(1), requests(), chosen);
            assert!(!sharing.take(IntentId(2), &mut None) && sharing.is_looking());
            assert!(sharing.take(IntentId(1), &mut Some(Ok(Outcome::SharePreview(preview(is_folder, room))))));
            assert_eq!(sharing.current().is_some(), answer.is_some());
            answer.into_iter().for_each(|answer| sharing.answer(answer));
            assert_eq!((sharing.take_ready(), sharing.current()), (expected, None));
        }
        sharing.begin(IntentId(1), requests(), ChosenIn::Window);
        let gone = Failure::NoSuchFile { path: "x".into() };
        assert!(sharing.take(IntentId(1), &mut Some(Err(gone.clone()))));
        assert_eq!((sharing.take_ready(), sharing.failed()), (vec![], Some(&gone)));
    }
}
