//! What Browse shows of the network: it asks the tracker for what is looked at, and keeps that current. Pure: the time is
//! passed in, and questions go out through a closure.
//!
//! A new question is asked beside the old one, whose rows stay on the screen until the first of the new ones have come;
//! the answers of a question that was overtaken are nobody's.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use potok_core::model::file_kind::FileKind;
use potok_core::model::hash::ContentHash;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::code::Code;
use potok_core::protocol::reply::{FileLine, FolderEntry, Totals};
use potok_core::protocol::selection::Selection;

use crate::model::pace::Pace;
use crate::model::pages::{RowEdit, Scope, ShareChange};
use crate::model::result::QueryResult;
use crate::model::row_order::{Sort, SortColumn};
use crate::model::shown_rows::OpenContents;
use crate::model::tree::{Open, Tree};

/// Letters that come together are one question. Longer, and rows would lag behind the typing: a search takes the tracker
/// less than a millisecond.
const TYPING_PAUSE: Duration = Duration::from_millis(25);

/// What the person wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Every word occurs in the path.
    pub text: String,
    /// Only this kind.
    pub kind: Option<FileKind>,
    /// Only this person.
    pub person: Option<Username>,
    /// At least so many bytes.
    pub size_min: u64,
    /// By which column.
    pub sort: SortColumn,
    /// From the largest down.
    pub is_descending: bool,
    /// One level of folders instead of all files: `Some("")` is the top, `Some("Trip")` what is in `Trip`.
    pub folder: Option<String>,
    /// All folders of the person, as a tree.
    pub is_tree: bool,
}

/// What is looked at now.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// What is wanted.
    pub query: &'a Query,
    /// Folders of the tree that are open.
    pub open: &'a Open,
    /// Contents of a list whose copies are shown.
    pub open_contents: &'a OpenContents,
    /// Rows that are in view.
    pub view: Range<usize>,
    /// The end of the list is looked for, or all rows are chosen.
    pub wants_all: bool,
    /// Who else has this content is shown.
    pub content: Option<ContentHash>,
}

/// What is shown.
#[derive(Debug)]
pub enum Listed {
    /// Files, or one level of folders.
    Rows(Box<QueryResult>),
    /// The folders of one person.
    Tree(Box<Tree>),
}

/// The question, without what only changes how its answer is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    Rows(Scope),
    Tree(Selection),
}

/// What Browse shows, and what it asks for.
#[derive(Debug)]
pub struct Browse {
    shown: Listed,
    /// Counts the lists that were shown.
    number: u64,
    next: Option<Listed>,
    question: Question,
    /// Asked for when the typing pauses.
    waiting: Option<(Question, Instant)>,
    text: String,
    everything: Counted,
    sources: Sources,
    is_older_tracker: bool,
}

/// How much everybody shares.
#[derive(Debug, Default)]
struct Counted {
    totals: Option<Totals>,
    asked: Option<IntentId>,
    pace: Pace,
}

/// Who else has the content that is chosen.
#[derive(Debug, Default)]
struct Sources {
    of: Option<ContentHash>,
    asked: Option<IntentId>,
    people: Option<Vec<Username>>,
    pace: Pace,
}

impl Default for Browse {
    fn default() -> Self {
        let scope = Scope::Files(Selection::default());
        Self {
            shown: Listed::Rows(Box::new(QueryResult::new(scope.clone(), true))),
            number: 0,
            next: None,
            question: Question::Rows(scope),
            waiting: None,
            text: String::new(),
            everything: Counted::default(),
            sources: Sources::default(),
            is_older_tracker: false,
        }
    }
}

impl Query {
    /// Which files are meant.
    fn selection(&self, is_older_tracker: bool) -> Selection {
        let words: Vec<String> = self.text.split_whitespace().map(str::to_owned).collect();
        if is_older_tracker {
            // It knows words, or one person's files.
            let username = self.person.clone().filter(|_| words.is_empty());
            return Selection { words, username, ..Selection::default() };
        }
        let size_min = Some(self.size_min).filter(|size| *size > 0);
        Selection { words, username: self.person.clone(), kind: self.kind, size_min, folder: None }
    }

    fn question(&self, is_older_tracker: bool) -> Question {
        let selection = self.selection(is_older_tracker);
        match &self.folder {
            _ if is_older_tracker => Question::Rows(Scope::Files(selection)),
            _ if self.is_tree => Question::Tree(selection),
            Some(folder) => Question::Rows(Scope::Level { folder: SharePath::new(folder).ok(), selection }),
            None => Question::Rows(Scope::Files(selection)),
        }
    }

    fn order(&self) -> Sort {
        (self.sort, self.is_descending)
    }
}

impl Browse {
    /// What is shown.
    pub fn shown(&self) -> &Listed {
        &self.shown
    }

    /// The list, if it is no tree.
    pub fn rows(&self) -> Option<&QueryResult> {
        match &self.shown {
            Listed::Rows(rows) => Some(rows),
            Listed::Tree(_) => None,
        }
    }

    /// The tree, if it is one.
    pub fn tree(&self) -> Option<&Tree> {
        match &self.shown {
            Listed::Tree(tree) => Some(tree),
            Listed::Rows(_) => None,
        }
    }

    /// Another number is another list, which begins at its top.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How much everybody shares, once it is known.
    pub fn everything(&self) -> Option<&Totals> {
        self.everything.totals.as_ref()
    }

    /// The tracker is of an older version: it knows neither filters nor folders.
    pub fn is_older_tracker(&self) -> bool {
        self.is_older_tracker
    }

    /// Everybody who shares this content, once it is known.
    pub fn sources(&self, content: &ContentHash) -> Option<&[Username]> {
        self.sources.people.as_deref().filter(|_| self.sources.of.as_ref() == Some(content))
    }

    /// Whether rows are on their way, or wait for the typing to pause.
    pub fn is_busy(&self) -> bool {
        self.waiting.is_some()
            || self.next.is_some()
            || match &self.shown {
                Listed::Rows(rows) => rows.is_loading(),
                Listed::Tree(tree) => tree.is_loading(),
            }
    }

    /// Rows of the list that is shown.
    pub fn len(&self) -> usize {
        match &self.shown {
            Listed::Rows(rows) => rows.len(),
            Listed::Tree(tree) => tree.nodes().len(),
        }
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, unless it only stands for what is not loaded.
    pub fn row(&self, at: usize) -> Option<&FolderEntry> {
        match &self.shown {
            Listed::Rows(rows) => rows.row(at),
            Listed::Tree(tree) => tree.nodes().get(at)?.entry.as_ref(),
        }
    }

    /// The contents of these rows, where they are files.
    pub fn contents(&self, rows: &Range<usize>) -> impl Iterator<Item = ContentHash> {
        rows.clone().filter_map(|at| self.row(at)).filter_map(|row| match row {
            FolderEntry::File(file) => file.hash,
            FolderEntry::Folder(_) => None,
        })
    }

    /// How the rows have moved since this was asked last.
    pub fn take_edits(&mut self) -> Vec<RowEdit> {
        match &mut self.shown {
            Listed::Rows(rows) => rows.take_edits(),
            Listed::Tree(tree) => tree.take_edits(),
        }
    }

    /// Asks for what is looked at; when to come again if nothing else happens.
    pub fn turn(&mut self, now: Instant, look: &Look<'_>, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
        let typed_until = self.follow(now, look.query);
        let mut later = vec![typed_until];
        if let Some(next) = &mut self.next {
            later.push(turn(next, now, &Look { view: 0..0, wants_all: false, ..look.clone() }, ask));
        }
        self.show_next();
        later.push(turn(&mut self.shown, now, look, ask));
        later.push(self.find_sources(now, look.content, ask));
        later.push(self.count(now, ask));
        later.into_iter().flatten().min()
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, now: Instant, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        if matches!(answer, Some(Err(Failure::Refused { code, .. })) if *code == Code::UnknownCommand)
            && self.has_asked(id)
        {
            self.is_older_tracker = true;
            self.everything.asked = None;
            self.sources.asked = None;
            // Whatever was asked is asked again in the way that it knows.
            self.begin(self.question.clone());
            return true;
        }
        if self.everything.asked == Some(id) {
            self.everything.asked = None;
            match answer.take() {
                Some(Ok(Outcome::Totals(totals))) => self.everything.totals = Some(totals),
                _ => self.everything.pace.doubt(now),
            }
            return true;
        }
        if self.sources.asked == Some(id) {
            self.sources.asked = None;
            match answer.take() {
                Some(Ok(Outcome::Sources(files))) => self.sources.people = Some(people_of(files)),
                _ => self.sources.pace.doubt(now),
            }
            return true;
        }
        let lists = [Some(&mut self.shown), self.next.as_mut()];
        let Some(list) = lists.into_iter().flatten().find(|list| has_asked(list, id)) else { return false };
        if let Some(answer) = answer.take() {
            match list {
                Listed::Rows(rows) => rows.answer(now, id, answer),
                Listed::Tree(tree) => tree.answer(now, id, answer),
            }
        }
        self.show_next();
        true
    }

    /// Applies an exact change.
    pub fn change(&mut self, now: Instant, change: &ShareChange) {
        self.everything.pace.doubt(now);
        self.sources.doubt(now, change);
        for list in self.lists() {
            match list {
                Listed::Rows(rows) => rows.change(now, change),
                Listed::Tree(tree) => tree.change(now, change),
            }
        }
    }

    /// Somebody has left.
    pub fn left(&mut self, now: Instant, user: &Username) {
        self.everything.pace.doubt(now);
        if let Some(people) = &mut self.sources.people {
            people.retain(|other| other != user);
        }
        for list in self.lists() {
            match list {
                Listed::Rows(rows) => rows.left(now, user),
                Listed::Tree(tree) => tree.doubt(now, Some(user)),
            }
        }
    }

    /// What this user shares, or what everybody does, may be anything by now.
    pub fn doubt(&mut self, now: Instant, user: Option<&Username>) {
        self.everything.pace.doubt(now);
        self.sources.pace.doubt(now);
        for list in self.lists() {
            match list {
                Listed::Rows(rows) => rows.doubt(now, user),
                Listed::Tree(tree) => tree.doubt(now, user),
            }
        }
    }

    /// The tracker is there again: what it knows now is asked for, in all its words.
    pub fn came_back(&mut self, now: Instant) {
        self.doubt(now, None);
        if std::mem::take(&mut self.is_older_tracker) {
            self.everything = Counted::default();
            self.begin(self.question.clone());
        }
    }

    /// Another tracker: nothing is known of it.
    pub fn forget(&mut self) {
        *self = Self { number: self.number + 1, ..Self::default() };
    }

    fn lists(&mut self) -> impl Iterator<Item = &mut Listed> {
        [Some(&mut self.shown), self.next.as_mut()].into_iter().flatten()
    }

    fn has_asked(&self, id: IntentId) -> bool {
        self.everything.asked == Some(id)
            || self.sources.asked == Some(id)
            || has_asked(&self.shown, id)
            || self.next.as_ref().is_some_and(|next| has_asked(next, id))
    }

    /// Begins what is wanted, at once or when the typing pauses; how long that is.
    fn follow(&mut self, now: Instant, query: &Query) -> Option<Duration> {
        let wanted = query.question(self.is_older_tracker);
        if wanted == self.question {
            self.waiting = None;
            self.text.clone_from(&query.text);
            return None;
        }
        let is_typing = query.text != self.text || self.waiting.is_some();
        if self.waiting.as_ref().is_none_or(|(waiting, _)| *waiting != wanted) {
            self.waiting = Some((wanted, now + if is_typing { TYPING_PAUSE } else { Duration::ZERO }));
        }
        self.text.clone_from(&query.text);
        let (question, at) = self.waiting.take()?;
        if now < at {
            self.waiting = Some((question, at));
            return Some(at - now);
        }
        self.begin(question);
        None
    }

    fn begin(&mut self, question: Question) {
        self.question = question.clone();
        let list = match question {
            Question::Rows(scope) => Listed::Rows(Box::new(QueryResult::new(scope, !self.is_older_tracker))),
            Question::Tree(selection) => Listed::Tree(Box::new(Tree::new(selection))),
        };
        if is_answered(&self.shown) {
            self.next = Some(list);
        } else {
            self.next = None;
            self.shown = list;
            self.number += 1;
        }
    }

    fn show_next(&mut self) {
        if let Some(next) = self.next.take_if(|next| is_answered(next)) {
            self.shown = next;
            self.number += 1;
        }
    }

    fn count(&mut self, now: Instant, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
        let Counted { asked, pace, .. } = &mut self.everything;
        if self.is_older_tracker || asked.is_some() {
            return None;
        }
        if !pace.was_asked() || pace.is_due(now) {
            *asked = Some(ask(Intent::CountFiles { selection: Selection::default() }));
            pace.asked(now);
            return None;
        }
        pace.due_at().map(|at| at.saturating_duration_since(now))
    }

    fn find_sources(
        &mut self,
        now: Instant,
        content: Option<ContentHash>,
        ask: &mut dyn FnMut(Intent) -> IntentId,
    ) -> Option<Duration> {
        if self.sources.of != content {
            self.sources = Sources { of: content, ..Sources::default() };
        }
        let hash = content.filter(|_| self.sources.asked.is_none())?;
        let pace = &mut self.sources.pace;
        if pace.was_asked() && !pace.is_due(now) {
            return pace.due_at().map(|at| at.saturating_duration_since(now));
        }
        pace.asked(now);
        self.sources.asked = Some(ask(Intent::ListSources { hash }));
        None
    }
}

impl Sources {
    /// Who has it may be others now.
    fn doubt(&mut self, now: Instant, change: &ShareChange) {
        let is_about = match change {
            ShareChange::Shared(file) => file.hash.is_some() && file.hash == self.of,
            ShareChange::Unshared(user, _) => self.people.as_ref().is_some_and(|people| people.contains(user)),
        };
        if is_about {
            self.pace.doubt(now);
        }
    }
}

fn turn(list: &mut Listed, now: Instant, look: &Look<'_>, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
    match list {
        Listed::Rows(rows) => {
            rows.set_sort(look.query.order());
            rows.set_open(look.open_contents);
            rows.turn(now, &look.view, look.wants_all, ask)
        }
        Listed::Tree(tree) => tree.turn(now, look.open, look.query.order(), &look.view, ask),
    }
}

fn is_answered(list: &Listed) -> bool {
    match list {
        Listed::Rows(rows) => rows.is_answered(),
        Listed::Tree(tree) => tree.is_answered(),
    }
}

fn has_asked(list: &Listed, id: IntentId) -> bool {
    match list {
        Listed::Rows(rows) => rows.has_asked(id),
        Listed::Tree(tree) => tree.has_asked(id),
    }
}

fn people_of(files: Vec<FileLine>) -> Vec<Username> {
    let people: BTreeSet<Username> = files.into_iter().map(|file| file.username).collect();
    people.into_iter().collect()
}

#[cfg(test)]
mod tests;
