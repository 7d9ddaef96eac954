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
use potok_core::model::username::Username;
use potok_core::node::event::{NodeEvent, Outcome};
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::field::{AsField, Quoted};
use reedline::{Completer, CompletionResult, Span, Suggestion};

use crate::client::Client;
use crate::command_line::command::{Completes, WordKind};
use crate::command_line::commands;

/// Something that completion does not know yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Want {
    /// Who is connected.
    Users,
    /// What this user shares.
    FilesOf(String),
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
/// Most answers kept; beyond it the whole cache begins anew.
const ANSWERS_MAX: usize = 64;
/// Most suggestions shown.
const SUGGESTIONS_MAX: usize = 200;

#[derive(Debug, Default)]
struct Known {
    answers: Mutex<HashMap<Want, Arc<Vec<String>>>>,
    changed: Condvar,
}

/// The session's side.
#[derive(Debug, Default)]
pub struct Completions {
    known: Option<Arc<Known>>,
    asked: Option<(IntentId, Want, Vec<String>)>,
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
        let intent = match &want {
            Want::Users => Intent::ListUsers,
            Want::FilesOf(user) => match Username::new(user) {
                Ok(user) => Intent::ListFiles { user: Some(user) },
                // Nobody has such a name: there is nothing to offer.
                Err(_bad_name) => {
                    if let Some(known) = &self.known {
                        known.put(want, Vec::new());
                    }
                    return;
                }
            },
            Want::MyShares => Intent::ListShares,
            Want::Stopped => Intent::ListStopped { root: None, after: None },
            Want::Transfers => Intent::ListTransfers,
        };
        self.asked = Some((engine.ask(intent), want, Vec::new()));
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
            (NodeEvent::Files { id, files }, Some((asked, _, words))) if id == asked => {
                let room = COMPLETIONS_MAX.saturating_sub(words.len());
                words.extend(files.iter().take(room).map(|file| file.path.as_str().to_owned()));
                true
            }
            (NodeEvent::Outcome { id, result }, Some((asked, ..))) if id == asked => {
                if let Some((_, want, mut words)) = self.asked.take() {
                    // A failure is an answer too: there is nothing to offer.
                    words.extend(result.as_ref().map(words_of).unwrap_or_default());
                    known.put(want, words);
                }
                true
            }
            _ => false,
        }
    }
}

fn words_of(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Users(users) => users.iter().take(COMPLETIONS_MAX).map(|user| user.username.to_string()).collect(),
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
    }
}

impl Known {
    fn put(&self, want: Want, words: Vec<String>) {
        let mut answers = self.answers.lock();
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(want, Arc::new(words));
        self.changed.notify_all();
    }
}

impl LineCompleter {
    /// One that knows only this, and asks nobody.
    pub fn knowing(cwd: PathBuf, answers: impl IntoIterator<Item = (Want, Vec<String>)>) -> Self {
        let (_, completer, _) = pair(cwd);
        for (want, words) in answers {
            completer.known.put(want, words);
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

    fn known_or_asked(&self, want: Want) -> Arc<Vec<String>> {
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
            WordKind::User => whole(&self.known_or_asked(Want::Users)),
            WordKind::RemotePath => {
                let user = before.last().cloned().unwrap_or_default();
                by_folder(&self.known_or_asked(Want::FilesOf(user)), typed)
            }
            WordKind::MyShare => by_folder(&self.known_or_asked(Want::MyShares), typed),
            WordKind::Stopped => by_folder(&self.known_or_asked(Want::Stopped), typed),
            WordKind::Transfer => {
                let mut numbers = self.known_or_asked(Want::Transfers).to_vec();
                numbers.push("all".to_owned());
                whole(&numbers)
            }
            WordKind::LocalPath => local_paths(&self.cwd, typed),
        }
    }

    fn suggestions(&self, line: &str) -> Vec<Suggestion> {
        let rest = line.trim_start_matches([' ', '\t']);
        let verb_start = line.len() - rest.len();
        let Some((verb, arguments)) = rest.split_once([' ', '\t']) else {
            let commands = self.candidates(WordKind::Command, rest, &[]);
            return commands.into_iter().map(|(name, _)| suggestion(name, verb_start..line.len(), true)).collect();
        };
        let Some(command) = commands::find(verb) else { return Vec::new() };
        let word = LastWord::of(arguments, matches!(command.completes, Completes::List(_)));
        let kind = match command.completes {
            Completes::Nothing => None,
            Completes::Fields(kinds) => kinds.get(word.before.len()).copied(),
            Completes::List(kind) => Some(kind),
        };
        let Some(kind) = kind else { return Vec::new() };
        let is_list = matches!(command.completes, Completes::List(_));
        let start = line.len() - arguments.len() + word.start;
        self.candidates(kind, &word.typed, &word.before)
            .into_iter()
            .take(SUGGESTIONS_MAX)
            .map(|(text, goes_on)| {
                let written = word.write(&text, goes_on, is_list);
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
    fn of(arguments: &str, is_list: bool) -> Self {
        let mut word = Self { start: 0, typed: String::new(), is_quoted: false, before: Vec::new() };
        let mut is_inside_quotes = false;
        let mut has_begun = false;
        let mut characters = arguments.char_indices();
        while let Some((at, c)) = characters.next() {
            let ends = !is_inside_quotes && if is_list { c == ',' } else { c == ' ' };
            match c {
                '\\' if is_inside_quotes => word.typed.extend(characters.next().map(|(_, escaped)| escaped)),
                '"' if is_inside_quotes => is_inside_quotes = false,
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
    fn write(&self, text: &str, goes_on: bool, is_list: bool) -> String {
        let as_field = AsField(text).to_string();
        let needs_quotes = if is_list { text.contains([',', '"']) } else { as_field != text };
        if !self.is_quoted && !needs_quotes {
            return text.to_owned();
        }
        let mut quoted = Quoted(text).to_string();
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
mod tests {
    use super::*;

    fn completer(answers: &[(Want, &[&str])]) -> LineCompleter {
        let (_, completer, _) = pair(PathBuf::from("/nowhere"));
        for (want, words) in answers {
            completer.known.put(want.clone(), words.iter().map(ToString::to_string).collect());
        }
        completer
    }

    fn offered(completer: &LineCompleter, line: &str) -> Vec<String> {
        let apply = |s: Suggestion| format!("{}{}", &line[..s.span.start], s.value);
        completer.suggestions(line).into_iter().map(apply).collect()
    }

    #[test]
    fn offers_what_fits_the_place() {
        let ivan = Want::FilesOf("ivan".into());
        let completer = completer(&[
            (Want::Users, &["anna", "ivan"]),
            (ivan, &["Trip 1/a.jpg", "Trip 1/b c.jpg", "Trip 1/c/d", "list.txt"]),
            (Want::MyShares, &["a, b.txt", "my file.txt"]),
            (Want::Transfers, &["3", "12"]),
        ]);
        for (line, expected) in [
            ("li", &["list-users", "list-files"][..]),
            (" LIST-U", &[" list-users"]),
            ("list-files I", &["list-files ivan"]),
            ("download ", &["download anna", "download ivan"]),
            ("download ivan ", &["download ivan \"Trip 1/", "download ivan list.txt"]),
            ("download ivan \"tr", &["download ivan \"Trip 1/"]),
            (
                "download ivan \"Trip 1/",
                &["download ivan \"Trip 1/a.jpg\"", "download ivan \"Trip 1/b c.jpg\"", "download ivan \"Trip 1/c/"],
            ),
            ("unregister my f", &["unregister my file.txt"]),
            ("unregister my file.txt, a", &["unregister my file.txt, \"a, b.txt\""]),
            ("pause ", &["pause 3", "pause 12", "pause all"]),
            ("help sta", &["help status"]),
            ("whoami ", &[]),
            ("nonsense ", &[]),
            ("download a b c d", &[]),
        ] {
            assert_eq!(offered(&completer, line), expected, "{line}");
        }
    }

    #[test]
    fn offers_files_of_this_computer() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(folder.path().join("sub dir")).expect("created");
        for name in ["a.txt", ".hidden", "sub dir/x, y.txt"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        let (_, completer, _) = pair(folder.path().to_owned());
        assert_eq!(offered(&completer, "register "), ["register a.txt", "register sub dir/"]);
        assert_eq!(offered(&completer, "register sub dir/"), ["register \"sub dir/x, y.txt\""]);
        assert_eq!(offered(&completer, "download ivan x s"), ["download ivan x \"sub dir/"]);
        assert_eq!(offered(&completer, "register .h"), ["register .hidden"]);
    }

    #[test]
    fn asks_for_what_it_does_not_know() {
        let (_, completer, wants) = pair(PathBuf::new());
        assert!(completer.suggestions("list-files ").is_empty());
        assert_eq!(wants.try_recv(), Ok(Want::Users));
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_cut_into_words(line in "[\"\\\\, aЖİ/~]{0,12}", is_list: bool) {
            let paths = ["aЖ/x", "İ/a", "a, a"].map(str::to_owned);
            for (at, _) in line.char_indices() {
                let word = LastWord::of(&line[..at], is_list);
                proptest::prop_assert!(line.is_char_boundary(word.start));
                for (path, goes_on) in by_folder(&paths, &word.typed) {
                    word.write(&path, goes_on, is_list);
                }
            }
        }
    }
}
