//! `whoami` and `help`: for people.

use bytes::Bytes;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::VERBS;
use crate::protocol::reply::OrDash;
use crate::tracker::handlers::{Answer, Asker, Outcome};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::View;

impl Tracker {
    /// The session's name, the address that the tracker sees, the key.
    pub(super) fn who_am_i(&self, asker: &Asker) -> Outcome {
        let online = asker.user.as_ref().and_then(|user| self.roster.get(&user.username));
        let line = match online {
            Some(online) => online.line(View::SameHost).to_string(),
            None => format!("- - {}", OrDash(asker.key)),
        };
        Ok(lines(&[&line]))
    }
}

pub(super) fn help(verb: Option<&str>) -> Outcome {
    let Some(verb) = verb else {
        return Ok(lines(&VERBS.iter().map(|(_, help)| *help).collect::<Vec<_>>()));
    };
    match VERBS.iter().find(|(name, _)| *name == verb) {
        Some((_, help)) => Ok(lines(&[help])),
        None => Err(Refusal::new(Code::UnknownCommand, "no such command; 'help' lists the commands")),
    }
}

fn lines(lines: &[&str]) -> Answer {
    let bytes: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    Answer::Lines { lines: lines.len(), bytes: Bytes::from(bytes), more: None }
}
