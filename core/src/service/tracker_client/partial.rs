//! What is missing in lists of files, as the tracker tells it before each: who shows them is told when that changes.

use crate::protocol::command::Command;
use crate::protocol::reply::PartialAnswer;

/// What was said of the lists of one session.
#[derive(Debug, Default)]
pub(super) struct PartialLists {
    /// What is missing in the answer that comes next.
    next: Option<PartialAnswer>,
    /// What was told of the last list.
    told: Option<PartialAnswer>,
}

impl PartialLists {
    /// The answer that comes next is one of these.
    pub(super) fn announce(&mut self, partial: PartialAnswer) {
        self.next = Some(partial);
    }

    /// What is missing in the answer that begins here.
    pub(super) fn take(&mut self) -> Option<PartialAnswer> {
        self.next.take()
    }

    /// What is to be told of an answer, if it is another thing than before.
    pub(super) fn news(&mut self, command: &Command, partial: Option<PartialAnswer>) -> Option<Option<PartialAnswer>> {
        let is_news = is_of_all_trackers(command) && self.told != partial;
        is_news.then(|| {
            self.told = partial;
            partial
        })
    }
}

/// Whether every tracker of a network has a part of the answer.
fn is_of_all_trackers(command: &Command) -> bool {
    matches!(
        command,
        Command::ListFiles(_)
            | Command::Search(_)
            | Command::CountFiles(_)
            | Command::ListFolder(_)
            | Command::Sources(_)
            | Command::ListSources(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_when_it_changes() {
        let mut lists = PartialLists::default();
        let (search, users) =
            (Command::parse("search a").expect("right"), Command::parse("list-users").expect("right"));
        let missing = Some(PartialAnswer { missing: 1, of: 3 });
        assert_eq!((lists.take(), lists.news(&search, None)), (None, None), "everything is there");
        lists.announce(PartialAnswer { missing: 1, of: 3 });
        let taken = lists.take();
        assert_eq!((taken, lists.take()), (missing, None), "it is about one answer");
        assert_eq!((lists.news(&search, taken), lists.news(&search, taken)), (Some(missing), None));
        assert_eq!(lists.news(&users, None), None, "another list says nothing of it");
        assert_eq!(lists.news(&search, None), Some(None));
    }
}
