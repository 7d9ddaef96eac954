//! What is asked of the engine only while somebody looks at transfers: what is behind the one that is chosen, how much room
//! there is, what came to its end. One question of each kind is open at a time.

use std::time::{Duration, Instant};

use potok_core::node::event::{Outcome, PastTransfer, Transfer, TransferDetails};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{FileQuery, Intent, IntentId, TransferId};

use crate::model::natural_order;

/// What moves is looked at again so often.
const DETAILS_EVERY: Duration = Duration::from_secs(1);
/// What has come to its end is looked up again so often, while somebody reads it.
const HISTORY_EVERY: Duration = Duration::from_secs(4);
/// Room on a disk changes by what others do too.
const FREE_SPACE_EVERY: Duration = Duration::from_secs(10);

/// What somebody looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferLook {
    /// The one transfer that is chosen, and which of its files are in view.
    pub chosen: Option<(TransferId, FileQuery)>,
    /// What has come to its end is in view.
    pub history: bool,
}

/// What is known of what somebody looks at.
#[derive(Debug, Default)]
pub struct LookedAt {
    /// What is behind the transfer that was chosen last.
    pub details: Option<TransferDetails>,
    /// Room where downloads go, in bytes, where it can be known.
    pub free_bytes: Option<u64>,
    /// What came to its end, the newest first.
    pub history: Vec<PastTransfer>,
    details_asked: Question<(TransferId, FileQuery)>,
    room_asked: Question<()>,
    history_asked: Question<()>,
}

/// A kind of question.
#[derive(Debug)]
struct Question<T> {
    open: Option<IntentId>,
    last: Option<(T, Instant)>,
}

impl<T> Default for Question<T> {
    fn default() -> Self {
        Self { open: None, last: None }
    }
}

impl<T: PartialEq> Question<T> {
    /// Asks if it is another question than the last, or that is long ago; when to come again.
    fn turn(
        &mut self,
        now: Instant,
        about: T,
        every: Option<Duration>,
        ask: impl FnOnce() -> IntentId,
    ) -> Option<Duration> {
        if self.open.is_some() {
            return None;
        }
        let age =
            self.last.as_ref().filter(|(last, _)| *last == about).map(|(_, at)| now.saturating_duration_since(*at));
        match (age, every) {
            (Some(age), Some(every)) if age < every => Some(every - age),
            (Some(_), None) => None,
            _ => {
                self.open = Some(ask());
                self.last = Some((about, now));
                every
            }
        }
    }

    /// Whether this answers it.
    fn take_answer(&mut self, id: IntentId) -> bool {
        let is_it = self.open == Some(id);
        if is_it {
            self.open = None;
        }
        is_it
    }
}

impl LookedAt {
    /// Asks what is to be asked; when to come again if nothing else happens. `chosen` is the transfer that is looked at.
    pub fn turn(
        &mut self,
        now: Instant,
        look: &TransferLook,
        chosen: Option<&Transfer>,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        let room = self.room_asked.turn(now, (), Some(FREE_SPACE_EVERY), || ask(Intent::FreeSpace));
        let history =
            look.history.then(|| self.history_asked.turn(now, (), Some(HISTORY_EVERY), || ask(Intent::ListHistory)));
        let details = look.chosen.and_then(|(number, files)| {
            // What is over stays as it is.
            let every = chosen.filter(|transfer| !transfer.state.is_final()).map(|_| DETAILS_EVERY);
            let ask = || ask(Intent::DescribeTransfer { number, files });
            self.details_asked.turn(now, (number, files), every, ask)
        });
        [room, history.flatten(), details].into_iter().flatten().min()
    }

    /// A transfer is another than before: what was told of it is old.
    pub fn doubt(&mut self, number: TransferId) {
        if self.details_asked.last.as_ref().is_some_and(|((asked, _), _)| *asked == number) {
            self.details_asked.last = None;
        }
    }

    /// What came to its end is forgotten, or more has.
    pub fn doubt_history(&mut self) {
        self.history_asked.last = None;
    }

    /// Takes the answer if it is one to what was asked here.
    pub fn answer(&mut self, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        let is_mine =
            self.details_asked.take_answer(id) | self.room_asked.take_answer(id) | self.history_asked.take_answer(id);
        if !is_mine {
            return false;
        }
        match answer.take() {
            Some(Ok(Outcome::TransferDetails(mut details))) => {
                let page = &mut details.files;
                if page.query.from == 0 && page.files.len() as u64 == page.total {
                    page.files.sort_by_cached_key(|file| natural_order::key_of(&file.path));
                }
                self.details = Some(*details);
            }
            Some(Ok(Outcome::FreeSpace(bytes))) => self.free_bytes = bytes,
            Some(Ok(Outcome::History(past))) => self.history = past,
            // It is gone, or nobody knows.
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use potok_core::model::transfer::{Direction, TransferState};

    use super::*;

    fn transfer(state: TransferState) -> Transfer {
        Transfer {
            number: TransferId(7),
            direction: Direction::Download,
            position: 0,
            user: "anna".parse().expect("a name"),
            label: "a".into(),
            local_path: None,
            files: 1,
            files_done: 0,
            total_bytes: 1,
            done_bytes: 0,
            bytes_per_second: 0,
            sources: 0,
            there: potok_core::model::transfer::AlreadyThere::default(),
            way: None,
            state,
        }
    }

    #[test]
    fn what_moves_is_asked_for_again_and_what_is_over_is_not() {
        let start = Instant::now();
        let mut looked_at = LookedAt::default();
        let mut asked: Vec<Intent> = Vec::new();
        let chosen = |from| TransferLook {
            chosen: Some((TransferId(7), FileQuery { only_failed: false, from })),
            history: false,
        };
        let mut turn = |looked_at: &mut LookedAt, seconds: u64, look: TransferLook, state: TransferState| {
            let mut new = Vec::new();
            let ask = &mut |intent| {
                new.push(intent);
                IntentId(asked.len() as u64 + new.len() as u64)
            };
            let later = looked_at.turn(start + Duration::from_secs(seconds), &look, Some(&transfer(state)), ask);
            asked.extend(new.clone());
            let ids: Vec<IntentId> = (1..=asked.len() as u64).map(IntentId).collect();
            ids.into_iter().for_each(|id| _ = looked_at.answer(id, &mut Some(Ok(Outcome::Done))));
            (new.len(), later)
        };
        let running = TransferState::Running;
        assert_eq!(turn(&mut looked_at, 0, chosen(0), running.clone()), (2, Some(DETAILS_EVERY)), "and room");
        assert_eq!(turn(&mut looked_at, 0, chosen(0), running.clone()), (0, Some(DETAILS_EVERY)));
        assert_eq!(turn(&mut looked_at, 1, chosen(0), running.clone()), (1, Some(DETAILS_EVERY)));
        assert_eq!(turn(&mut looked_at, 1, chosen(200), running).0, 1, "other files are in view");
        assert_eq!(turn(&mut looked_at, 5, chosen(200), TransferState::Finished).0, 0);
        looked_at.doubt(TransferId(7));
        assert_eq!(turn(&mut looked_at, 5, chosen(200), TransferState::Finished).0, 1, "it has changed");
        let history = TransferLook { chosen: None, history: true };
        assert_eq!(turn(&mut looked_at, 6, history, TransferState::Finished).0, 1);
        assert_eq!(turn(&mut looked_at, 7, history, TransferState::Finished).0, 0);
        looked_at.doubt_history();
        assert_eq!(turn(&mut looked_at, 7, history, TransferState::Finished).0, 1);
        assert_eq!(turn(&mut looked_at, 8, TransferLook::default(), TransferState::Finished).0, 0, "nobody looks");
    }
}
