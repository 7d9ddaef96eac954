//! What was asked and answered so far, as plain numbers: for owners and for those who watch over the tracker.

use crate::protocol::code::Code;
use crate::protocol::command::{VERBS, VerbKind};

/// Counts since the tracker was started.
#[derive(Debug, Clone)]
pub struct Tally {
    /// For each verb of [`VERBS`]: how many were carried out or begun, and how many were refused.
    by_verb: Vec<VerbTally>,
    /// For each of [`Code::ALL`].
    by_code: Vec<u64>,
    /// Lines that were no command.
    not_understood: u64,
}

/// How often a verb was carried out, and how often not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerbTally {
    /// Carried out, or begun.
    pub done: u64,
    /// Not carried out.
    pub refused: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { by_verb: vec![VerbTally::default(); VERBS.len()], by_code: vec![0; Code::ALL.len()], not_understood: 0 }
    }
}

impl Tally {
    pub(super) fn done(&mut self, verb: VerbKind) {
        self.done_often(verb, 1);
    }

    pub(super) fn done_often(&mut self, verb: VerbKind, times: u64) {
        self.by_verb[verb.index()].done += times;
    }

    /// A refusal; without a verb it was of a line that is no command, or of one that had begun well.
    pub(super) fn refused(&mut self, verb: Option<VerbKind>, code: Code) {
        match verb {
            Some(verb) => self.by_verb[verb.index()].refused += 1,
            None => self.not_understood += 1,
        }
        self.by_code[code.index()] += 1;
    }

    /// How often each verb was carried out and refused.
    pub fn verbs(&self) -> impl Iterator<Item = (&'static str, VerbTally)> {
        VERBS.iter().zip(&self.by_verb).map(|((name, _), answered)| (*name, *answered))
    }

    /// How often each refusal was said.
    pub fn codes(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL.iter().copied().zip(self.by_code.iter().copied())
    }

    /// Lines that were no command.
    pub fn not_understood(&self) -> u64 {
        self.not_understood
    }

    /// All commands so far, and all refusals.
    pub fn totals(&self) -> (u64, u64) {
        let answered = self.by_verb.iter().map(|verb| verb.done + verb.refused).sum::<u64>();
        (answered + self.not_understood, self.by_code.iter().sum())
    }
}
