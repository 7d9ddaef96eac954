//! Where replies begin and end.

use crate::template::Language;

/// What a line is to somebody who waits for replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The beginning of a reply of so many more lines.
    Head(u64),
    Error,
    /// A line of a reply, or a notice.
    Other,
}

/// Reads a line that is not within a reply.
pub fn read(language: Language, line: &[u8]) -> Line {
    match language {
        // Of the array that answers SUBSCRIBE the last line counts.
        Language::Resp => match line.first() {
            Some(b'+' | b':') => Line::Head(0),
            Some(b'-') => Line::Error,
            _ => Line::Other,
        },
        Language::Lines | Language::Adc => {
            if let Some(rest) = line.strip_prefix(b"OK ") {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
                Line::Head(digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
            } else if line.starts_with(b"ERR ") {
                Line::Error
            } else {
                Line::Other
            }
        }
    }
}

/// Counts the lines of replies as they come.
#[derive(Debug, Default)]
pub struct Replies {
    left: u64,
}

impl Replies {
    /// Whether this line ends a reply, and whether that is an error.
    pub fn take(&mut self, language: Language, line: &[u8]) -> Option<Result<(), ()>> {
        if self.left > 0 {
            self.left -= 1;
            return (self.left == 0).then_some(Ok(()));
        }
        match read(language, line) {
            Line::Head(0) => Some(Ok(())),
            Line::Head(lines) => {
                self.left = lines;
                None
            }
            Line::Error => Some(Err(())),
            Line::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many replies end in these lines, and how many of them are errors.
    fn count(language: Language, lines: &[&str]) -> (usize, usize) {
        let mut replies = Replies::default();
        let ends: Vec<_> = lines.iter().filter_map(|line| replies.take(language, line.as_bytes())).collect();
        (ends.len(), ends.iter().filter(|end| end.is_err()).count())
    }

    #[test]
    fn lines_of_a_reply_are_counted_and_notices_passed_over() {
        let lines = ["* potok 1 \"n\"", "OK 0", "OK 2 more=x", "OK 9", "ERR 9", "* left a", "ERR usage how"];
        assert_eq!(count(Language::Lines, &lines), (3, 1));
        assert_eq!(count(Language::Resp, &["*3\r", "$9\r", "subscribe\r", ":1\r", "-ERR\r"]), (2, 1));
    }
}
