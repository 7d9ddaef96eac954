//! What Tab offers: commands, users, shares, transfers, files of this computer.
//!
//! The prompt's thread asks for what it does not know; the session asks the engine and puts the answer where the prompt
//! waits for it, a moment at most. Answers are kept until something changes on the tracker.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::{Condvar, Mutex};
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::{NodeEvent, Outcome};
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::{Cursor, Page};
use potok_core::protocol::field::{AsField, Quoted};
use potok_core::protocol::reply::FolderEntry;
use potok_core::protocol::selection::Selection;
use reedline::{Completer, CompletionResult, Span, Suggestion};

use crate::client::Client;
use crate::command_line::command::{Completes, WordKind};
use crate::command_line::commands;
use crate::command_line::dialect::Dialect;
use crate::model::natural_order;

/// Something that completion does not know yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Want {
    /// Who is connected.
    Users,
    /// What this user shares in one folder; the empty path is the top.
    Folder {
        /// The name as it was typed.
        user: String,
        /// The folder, without a `/` at its end.
        folder: String,
    },
    /// The same, from a path on: a folder has more than an answer has.
    FolderFrom {
        /// The name as it was typed.
        user: String,
        /// The path as far as it was typed.
        path: String,
    },
    /// What I share.
    MyShares,
    /// What I stopped sharing.
    Stopped,
    /// Numbers of transfers.
    Transfers,
}

/// Longest time that Tab waits for an answer.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// Most words kept of one answer; nobody picks from more.
pub const COMPLETIONS_MAX: usize = 20_000;
/// Lines of a folder that are asked for at once; of a larger one what begins like the word, too.
const LEVEL_LINES: usize = 2_000;
/// Most answers kept; beyond it the whole cache begins anew.
const ANSWERS_MAX: usize = 64;
/// Most suggestions shown.
const SUGGESTIONS_MAX: usize = 200;

/// What is known of a wish.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionAnswer {
    /// The words; a folder ends in `/`.
    pub words: Vec<String>,
    /// There are more than these.
    pub is_cut: bool,
}

#[derive(Debug, Default)]
struct Known {
    answers: Mutex<HashMap<Want, Arc<CompletionAnswer>>>,
    changed: Condvar,
}

/// The session's side.
#[derive(Debug, Default)]
pub struct Completions {
    known: Option<Arc<Known>>,
    asked: Option<(IntentId, Want)>,
}

/// The prompt's side.
#[derive(Debug)]
pub struct LineCompleter {
    known: Arc<Known>,
    wants: Sender<Want>,
    cwd: PathBuf,
}

/// Both sides, and the wishes between them.
pub fn pair(cwd: PathBuf) -> (Completions, LineCompleter, Receiver<Want>) {
    let known = Arc::new(Known::default());
    // One Tab at a time.
    let (wants, receiver) = crossbeam_channel::bounded(1);
    let completions = Completions { known: Some(Arc::clone(&known)), asked: None };
    (completions, LineCompleter { known, wants, cwd }, receiver)
}

impl Completions {
    /// Sends the engine what completion wants to know.
    pub fn ask(&mut self, engine: &dyn Client, want: Want) {
        match want.intent() {
            Some(intent) => self.asked = Some((engine.ask(intent), want)),
            None => {
                if let Some(known) = &self.known {
                    known.put(want, CompletionAnswer::default());
                }
            }
        }
    }

    /// Everything known is old.
    pub fn forget(&mut self) {
        if let Some(known) = &self.known {
            known.answers.lock().clear();
        }
    }

    /// Takes a fact that completion asked for; notes what makes its answers old.
    pub fn take(&mut self, notice: &NodeEvent) -> bool {
        let Some(known) = &self.known else { return false };
        if matches!(
            notice,
            NodeEvent::Shared(_)
                | NodeEvent::Unshared { .. }
                | NodeEvent::UserChanged(_)
                | NodeEvent::Resync
                | NodeEvent::Lagged
                | NodeEvent::Joined { .. }
                | NodeEvent::Left(_)
                | NodeEvent::SharesChanged { .. }
                | NodeEvent::Connection(_)
        ) {
            self.forget();
            return false;
        }
        match (notice, &mut self.asked) {
            (NodeEvent::Outcome { id, result }, Some((asked, ..))) if id == asked => {
                if let Some((_, want)) = self.asked.take() {
                    // A failure is an answer too: there is nothing to offer.
                    known.put(want, result.as_ref().map(CompletionAnswer::of).unwrap_or_default());
                }
                true
            }
            _ => false,
        }
    }
}

impl Want {
    /// What is asked for it. `None`: nobody has such a name, and there is nothing to offer.
    pub fn intent(&self) -> Option<Intent> {
        let level = |user: &str, folder: &str, page: Page| {
            let selection = Selection::of_user(Username::new(user).ok()?);
            Some(Intent::ListFolder { folder: SharePath::new(folder).ok(), selection, page })
        };
        match self {
            Self::Users => Some(Intent::ListUsers),
            Self::Folder { user, folder } => level(user, folder, Page { after: None, limit: Some(LEVEL_LINES) }),
            Self::FolderFrom { user, path } => {
                let page = Page { after: Some(Cursor::before(path)), limit: Some(SUGGESTIONS_MAX) };
                level(user, folder_of(path), page)
            }
            Self::MyShares => Some(Intent::ListShares),
            Self::Stopped => Some(Intent::ListStopped { root: None, after: None }),
            Self::Transfers => Some(Intent::ListTransfers),
        }
    }
}

impl CompletionAnswer {
    /// The words in what came of it.
    pub fn of(outcome: &Outcome) -> Self {
        let words = match outcome {
            Outcome::Users(users) => users.iter().take(COMPLETIONS_MAX).map(|user| user.username.to_string()).collect(),
            Outcome::FolderPage { entries, .. } => entries.iter().take(COMPLETIONS_MAX).map(word_of).collect(),
            Outcome::Shared(shares) => {
                shares.iter().take(COMPLETIONS_MAX).map(|share| share.path.as_str().to_owned()).collect()
            }
            Outcome::Stopped { places, .. } => {
                places.iter().take(COMPLETIONS_MAX).map(|place| place.path.as_str().to_owned()).collect()
            }
            Outcome::Transfers(transfers) => {
                transfers.iter().take(COMPLETIONS_MAX).map(|transfer| transfer.number.to_string()).collect()
            }
            _ => Vec::new(),
        };
        Self { words, is_cut: matches!(outcome, Outcome::FolderPage { more: Some(_), .. }) }
    }
}

impl From<Vec<String>> for CompletionAnswer {
    fn from(words: Vec<String>) -> Self {
        Self { words, is_cut: false }
    }
}

fn word_of(entry: &FolderEntry) -> String {
    match entry {
        FolderEntry::Folder(folder) => format!("{}/", folder.path),
        FolderEntry::File(file) => file.path.as_str().to_owned(),
    }
}

/// The folder in which a path that is being typed goes on.
fn folder_of(typed: &str) -> &str {
    typed.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Share paths that are needed to complete a line: the folder in which its last word goes on, and if that is cut, what
/// begins like it.
pub fn folders_of(line: &str) -> Option<[Want; 2]> {
    let place = Place::of(line)?;
    let (WordKind::RemotePath, user, typed) = (place.kind, place.word.before.last()?, &place.word.typed) else {
        return None;
    };
    let folder = Want::Folder { user: user.clone(), folder: folder_of(typed).to_owned() };
    Some([folder, Want::FolderFrom { user: user.clone(), path: typed.clone() }])
}

impl Known {
    fn put(&self, want: Want, answer: CompletionAnswer) {
        let mut answers = self.answers.lock();
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(want, Arc::new(answer));
        self.changed.notify_all();
    }
}

impl LineCompleter {
    /// One that knows only this, and asks nobody.
    pub fn knowing(cwd: PathBuf, answers: impl IntoIterator<Item = (Want, CompletionAnswer)>) -> Self {
        let (_, completer, _) = pair(cwd);
        for (want, answer) in answers {
            completer.known.put(want, answer);
        }
        completer
    }

    /// The line as it would be with each suggestion. Reads folders of this computer: not for a frame.
    pub fn lines(&self, line: &str) -> Vec<String> {
        let apply = |s: Suggestion| {
            let space = if s.append_whitespace { " " } else { "" };
            format!("{}{}{space}", &line[..s.span.start], s.value)
        };
        self.suggestions(line).into_iter().map(apply).collect()
    }

    fn known_or_asked(&self, want: Want) -> Arc<CompletionAnswer> {
        let mut answers = self.known.answers.lock();
        if !answers.contains_key(&want) {
            // Full: the session has not come to the wish before; the next Tab asks again.
            let _ = self.wants.try_send(want.clone());
            let is_missing = |answers: &mut HashMap<Want, _>| !answers.contains_key(&want);
            self.known.changed.wait_while_for(&mut answers, is_missing, ANSWER_MAX);
        }
        answers.get(&want).cloned().unwrap_or_default()
    }

    /// Everything that the word may be, each with whether it is a folder that goes on.
    fn candidates(&self, kind: WordKind, typed: &str, before: &[String]) -> Vec<(String, bool)> {
        let whole = |words: &[String]| {
            let fits = words.iter().filter(|word| starts_with_ignoring_case(word, typed));
            fits.map(|word| (word.clone(), false)).collect()
        };
        match kind {
            WordKind::Command => commands::all()
                .filter(|command| starts_with_ignoring_case(command.name, typed))
                .map(|command| (command.name.to_owned(), false))
                .collect(),
            WordKind::User => whole(&self.known_or_asked(Want::Users).words),
            WordKind::RemotePath => {
                let user = before.last().cloned().unwrap_or_default();
                let folder = folder_of(typed).to_owned();
                let level = self.known_or_asked(Want::Folder { user: user.clone(), folder });
                let mut all = by_folder(&level.words, typed);
                if level.is_cut {
                    let rest = self.known_or_asked(Want::FolderFrom { user, path: typed.to_owned() });
                    all.extend(by_folder(&rest.words, typed));
                }
                all.sort_by_cached_key(|(path, _)| natural_order::key_of(path));
                all.dedup();
                all
            }
            WordKind::MyShare => by_folder(&self.known_or_asked(Want::MyShares).words, typed),
            WordKind::Stopped => by_folder(&self.known_or_asked(Want::Stopped).words, typed),
            WordKind::Transfer => {
                let mut numbers = self.known_or_asked(Want::Transfers).words.clone();
                numbers.push("all".to_owned());
                whole(&numbers)
            }
            WordKind::LocalPath => local_paths(&self.cwd, typed),
        }
    }

    fn suggestions(&self, line: &str) -> Vec<Suggestion> {
        let rest = line.trim_start_matches([' ', '\t']);
        if !rest.contains([' ', '\t']) {
            let verb_start = line.len() - rest.len();
            let commands = self.candidates(WordKind::Command, rest, &[]);
            return commands.into_iter().map(|(name, _)| suggestion(name, verb_start..line.len(), true)).collect();
        }
        let Some(Place { kind, word, start, is_list }) = Place::of(line) else { return Vec::new() };
        self.candidates(kind, &word.typed, &word.before)
            .into_iter()
            .take(SUGGESTIONS_MAX)
            .map(|(text, goes_on)| {
                let written = word.write(Dialect::HERE, &text, goes_on, is_list);
                suggestion(written, start..line.len(), !goes_on && !is_list)
            })
            .collect()
    }
}

impl Completer for LineCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        // Reedline's positions are at characters; anything else completes nothing.
        let suggestions = line.get(..pos).map(|line| self.suggestions(line)).unwrap_or_default();
        CompletionResult::fresh(suggestions)
    }
}

fn suggestion(value: String, span: std::ops::Range<usize>, append_whitespace: bool) -> Suggestion {
    Suggestion { value, span: Span { start: span.start, end: span.end }, append_whitespace, ..Suggestion::default() }
}

/// Where in a line a word is completed, and with what; not the verb.
struct Place {
    kind: WordKind,
    word: LastWord,
    start: usize,
    is_list: bool,
}

impl Place {
    fn of(line: &str) -> Option<Self> {
        let (verb, arguments) = line.trim_start_matches([' ', '\t']).split_once([' ', '\t'])?;
        let command = commands::find(verb)?;
        let is_list = matches!(command.completes, Completes::List(_));
        let word = LastWord::of(Dialect::HERE, arguments, is_list);
        let kind = match command.completes {
            Completes::Nothing => None,
            Completes::Fields(kinds) => kinds.get(word.before.len()).copied(),
            Completes::List(kind) => Some(kind),
        };
        let start = line.len() - arguments.len() + word.start;
        Some(Self { kind: kind?, word, start, is_list })
    }
}

/// The word that the cursor stands in, as far as it is typed.
#[derive(Debug, PartialEq, Eq)]
struct LastWord {
    /// Where it begins, its quote included.
    start: usize,
    /// Its text without quotes and escapes.
    typed: String,
    is_quoted: bool,
    /// The words before it.
    before: Vec<String>,
}

impl LastWord {
    fn of(dialect: Dialect, arguments: &str, is_list: bool) -> Self {
        let mut word = Self { start: 0, typed: String::new(), is_quoted: false, before: Vec::new() };
        let mut is_inside_quotes = false;
        let mut has_begun = false;
        let mut characters = arguments.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let ends = !is_inside_quotes && if is_list { c == ',' } else { c == ' ' };
            match c {
                '\\' if is_inside_quotes && dialect.has_escapes() => {
                    word.typed.extend(characters.next().map(|(_, escaped)| escaped));
                }
                '"' if is_inside_quotes => {
                    // Twice, where there are no escapes, it is one of the text.
                    is_inside_quotes = !dialect.has_escapes() && characters.next_if(|(_, next)| *next == '"').is_some();
                    word.typed.extend(is_inside_quotes.then_some('"'));
                }
                '"' if !has_begun => {
                    (has_begun, is_inside_quotes, word.is_quoted, word.start) = (true, true, true, at);
                }
                _ if ends => {
                    if has_begun {
                        word.before.push(std::mem::take(&mut word.typed).trim_end().to_owned());
                    }
                    (has_begun, word.is_quoted, word.start) = (false, false, at + 1);
                }
                ' ' if !has_begun => word.start = at + 1,
                _ => {
                    has_begun = true;
                    word.typed.push(c);
                }
            }
        }
        word
    }

    /// A text as it must stand in the line. In a folder that goes on the quote stays open.
    fn write(&self, dialect: Dialect, text: &str, goes_on: bool, is_list: bool) -> String {
        let as_field = AsField(text).to_string();
        let needs_quotes = if is_list { text.contains([',', '"']) } else { as_field != text };
        if !self.is_quoted && !needs_quotes {
            return text.to_owned();
        }
        let mut quoted = dialect.write(Quoted(text).to_string());
        if goes_on {
            quoted.pop();
        }
        quoted
    }
}

/// Share paths a folder at a time: `Trip/` first, then what is in it.
fn by_folder(paths: &[String], typed: &str) -> Vec<(String, bool)> {
    let mut all: Vec<(String, bool)> = Vec::new();
    for path in paths.iter().filter(|path| starts_with_ignoring_case(path, typed)) {
        let candidate = match path.get(typed.len()..).and_then(|rest| rest.find('/')) {
            Some(slash) => (path[..=typed.len() + slash].to_owned(), true),
            None => (path.clone(), false),
        };
        // Paths come in order, so that equal folders follow each other.
        if all.last() != Some(&candidate) {
            all.push(candidate);
        }
    }
    all
}

fn local_paths(cwd: &Path, typed: &str) -> Vec<(String, bool)> {
    let (folder, name) = typed
        .rsplit_once(std::path::is_separator)
        .map_or(("", typed), |(folder, name)| (&typed[..folder.len() + 1], name));
    let there = match folder.strip_prefix("~/").and_then(|below| Some(std::env::home_dir()?.join(below))) {
        Some(in_home) => in_home,
        None => cwd.join(folder),
    };
    let Ok(entries) = std::fs::read_dir(there) else { return Vec::new() };
    let mut all: Vec<_> = entries
        .flatten()
        .take(COMPLETIONS_MAX)
        .filter_map(|entry| {
            let entry_name = entry.file_name().into_string().ok()?;
            let is_wanted =
                starts_with_ignoring_case(&entry_name, name) && (!entry_name.starts_with('.') || name.starts_with('.'));
            let is_folder = entry.path().is_dir();
            is_wanted.then(|| (format!("{folder}{entry_name}{}", if is_folder { "/" } else { "" }), is_folder))
        })
        .collect();
    all.sort();
    all
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.starts_with(start) || text.to_lowercase().starts_with(&start.to_lowercase())
}

#[cfg(test)]
mod tests;
