//! An answer on its way: the data lines behind its head, as many as the head says, and no more than we ever ask for.

use crate::model::absence::AbsenceReason;
use crate::model::limits;
use crate::protocol::command::Cursor;
use crate::protocol::reply::PartialAnswer;
use crate::service::tracker_client::Reply;

/// Most data lines that we accept in one answer: we never ask for more.
pub(super) const ANSWER_LINES_MAX: u64 = limits::PAGE_LINES_MAX as u64;
/// Most bytes of one answer: a page of users with the longest names and of files with the longest paths is shorter.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What has come of an answer.
#[derive(Debug, Default)]
pub(super) struct ArrivingAnswer {
    reply: Reply,
    bytes: usize,
    lines_left: u64,
}

impl ArrivingAnswer {
    /// A head has come with so many lines behind it.
    pub(super) fn begin(&mut self, lines: u64, more: Option<Cursor>, partial: Option<PartialAnswer>) {
        *self = Self { reply: Reply { lines: Vec::new(), more, partial }, bytes: 0, lines_left: lines };
    }

    /// Whether the next line is one of it.
    pub(super) fn is_arriving(&self) -> bool {
        self.lines_left > 0
    }

    /// Takes a line, and keeps it if somebody wants it.
    pub(super) fn add(&mut self, line: String, is_kept: bool) -> Result<(), AbsenceReason> {
        self.lines_left = self.lines_left.saturating_sub(1);
        if is_kept {
            self.bytes += line.len();
            if self.bytes > ANSWER_BYTES_MAX {
                return Err(AbsenceReason::TooMuch);
            }
            self.reply.lines.push(line);
        }
        Ok(())
    }

    /// All that has come.
    pub(super) fn take(&mut self) -> Reply {
        std::mem::take(&mut self.reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_lines_of_its_head_and_a_bound() {
        let mut answer = ArrivingAnswer::default();
        assert!(!answer.is_arriving());
        answer.begin(2, None, None);
        assert_eq!(answer.add("a".into(), true), Ok(()));
        assert!(answer.is_arriving());
        assert_eq!(answer.add("b".into(), true), Ok(()));
        assert!(!answer.is_arriving());
        assert_eq!((answer.take().lines, answer.take().lines), (vec!["a".to_owned(), "b".to_owned()], vec![]));
        let half = "x".repeat(ANSWER_BYTES_MAX / 2);
        answer.begin(9, None, None);
        assert_eq!(answer.add(half.clone(), true), Ok(()));
        assert_eq!(answer.add(half.clone(), false), Ok(()), "nothing of it is kept");
        assert_eq!(answer.add(half.clone(), true), Ok(()));
        assert_eq!(answer.add("x".into(), true), Err(AbsenceReason::TooMuch));
        answer.begin(1, None, None);
        assert_eq!(answer.add(half, true), Ok(()), "each answer has a bound of its own");
    }
}
