//! The first line of an answer, and how a client reads it.
//!
//! ```text
//! reply = "OK" SP n [ SP text ] LF n*( line LF )      n data lines follow
//!       | "ERR" SP code SP text LF
//! ```

use crate::protocol::code::ReplyCode;
use crate::protocol::notice::Notice;
use crate::protocol::page::Cursor;
use crate::protocol::reply::{BadReply, decimal};

/// The first line of an answer, or a notice: what a client can receive where it expects no data line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// `OK n [text]`: so many data lines follow.
    Ok {
        /// How many data lines follow.
        lines: u64,
        /// Where the next page begins, if the list goes on.
        more: Option<Cursor>,
    },
    /// `ERR code text`.
    Err {
        /// The rule that was broken.
        code: ReplyCode,
        /// What would be right.
        text: String,
    },
    /// `* name fields`.
    Notice(Notice),
}

impl Head {
    /// Reads one line that is no data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        if let Some(rest) = line.strip_prefix("OK ") {
            let (count, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let lines = decimal(count).ok_or(BadReply)?;
            let more = text.split(' ').find_map(|word| word.strip_prefix("more="));
            let more = more.map(|cursor| cursor.parse().map_err(|_bad_cursor| BadReply)).transpose()?;
            return Ok(Self::Ok { lines, more });
        }
        if let Some(rest) = line.strip_prefix("ERR ") {
            let (code, text) = rest.split_once(' ').unwrap_or((rest, ""));
            return Ok(Self::Err { code: code.into(), text: text.to_owned() });
        }
        let rest = line.strip_prefix("* ").ok_or(BadReply)?;
        Ok(Self::Notice(Notice::parse(rest)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn reads_heads() {
        let cursor = Cursor { path: "a b".into(), username: "x".into() };
        for (line, head) in [
            ("OK 0".to_owned(), Head::Ok { lines: 0, more: None }),
            ("OK 0 bye".to_owned(), Head::Ok { lines: 0, more: None }),
            (format!("OK 7 more={cursor}"), Head::Ok { lines: 7, more: Some(cursor) }),
            (
                "ERR name-taken pick another".to_owned(),
                Head::Err { code: Code::NameTaken.into(), text: "pick another".into() },
            ),
            ("ERR new-code".to_owned(), Head::Err { code: ReplyCode::Later("new-code".into()), text: String::new() }),
        ] {
            assert_eq!(Head::parse(&line), Ok(head), "{line}");
        }
        for bad in ["", "OK", "OK x", "OK -1", "OK 99999999999999999999", "hello", "OK 1 more=?", "*x", "* "] {
            assert_eq!(Head::parse(bad), Err(BadReply), "{bad}");
        }
    }
}
