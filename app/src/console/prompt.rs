//! The prompt: a thread that edits one line whenever the session asks for one. History is kept in the data folder,
//! readable by its owner only.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, DefaultHinter, Emacs, ExternalPrinter, FileBackedHistory, Highlighter, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal,
    StyledText, default_emacs_keybindings,
};

use crate::command_line::commands;
use crate::command_line::completion::{self, Completions};
use crate::console::input::{ConsoleInput, InputLine};

/// News that wait to be shown above the line.
const NEWS_MAX: usize = 100;
/// Lines of the history that are kept for the next start.
const HISTORY_LINES_MAX: usize = 1000;
const HISTORY_FILE_NAME: &str = "console-history.txt";
const MENU: &str = "completion";

/// A running prompt.
#[derive(Debug)]
pub struct PromptThread {
    break_signal: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Everything of a prompt: its thread, its lines, its completion, and the way to print above it.
#[derive(Debug)]
pub struct Started {
    /// The thread that reads the keyboard.
    pub thread: PromptThread,
    /// What is typed.
    pub input: ConsoleInput,
    /// The session's side of completion.
    pub completions: Completions,
    /// What is printed above the line.
    pub above_prompt: SyncSender<String>,
}

/// Starts the thread; it waits for [`ConsoleInput::ask_for_line`].
pub fn start(data_dir: &Path, cwd: PathBuf) -> io::Result<Started> {
    let (completions, completer, wants) = completion::pair(cwd);
    let printer = ExternalPrinter::new(NEWS_MAX);
    let above_prompt = printer.sender();
    let break_signal = Arc::new(AtomicBool::new(false));
    let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());

    let mut keys = default_emacs_keybindings();
    let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.into()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let mut editor = Reedline::create()
        .with_completer(Box::new(completer))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU))))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_highlighter(Box::new(VerbHighlighter))
        .with_hinter(Box::new(DefaultHinter::default().with_style(Style::new().fg(Color::DarkGray))))
        .with_ansi_colors(has_colours)
        .with_external_printer(printer)
        .with_break_signal(Arc::clone(&break_signal));
    match open_history(&data_dir.join(HISTORY_FILE_NAME)) {
        Ok(history) => editor = editor.with_history(Box::new(history)),
        // Lines are remembered until the end, then.
        Err(why) => tracing::error!(%why, "no history file"),
    }

    // One line at a time, and only when it is asked for.
    let (ready, is_ready) = crossbeam_channel::bounded(1);
    let (sender, lines) = crossbeam_channel::bounded(1);
    let thread =
        std::thread::Builder::new().name("prompt".into()).spawn(move || edit_lines(editor, &is_ready, &sender))?;
    let input = ConsoleInput { lines, wants, ready: Some(ready) };
    Ok(Started { thread: PromptThread { break_signal, thread }, input, completions, above_prompt })
}

impl PromptThread {
    /// Ends the editing of a line and leaves the terminal as it was. The session's side must be gone.
    pub fn stop(self) {
        self.break_signal.store(true, Ordering::Relaxed);
        // A panic in there was reported by its own hook.
        let _ = self.thread.join();
    }
}

fn edit_lines(mut editor: Reedline, is_ready: &Receiver<()>, lines: &Sender<Vec<InputLine>>) {
    while is_ready.recv().is_ok() {
        let line = loop {
            match editor.read_line(&PotokPrompt) {
                Ok(Signal::Success(line)) => break line,
                // The line is given up; the next one begins.
                Ok(Signal::CtrlC) => {}
                Ok(Signal::ExternalBreak(_)) => {
                    // What comes next does not belong behind the line.
                    let _ = writeln!(io::stdout());
                    return;
                }
                Ok(_) => return,
                Err(why) => {
                    tracing::error!(%why, "the terminal cannot be read");
                    return;
                }
            }
        };
        // A full disk is no reason to refuse a command.
        let _ = editor.sync_history();
        if lines.send(vec![Ok(line)]).is_err() {
            return;
        }
    }
}

/// Created before the editor opens it, so that nobody else can ever read it.
fn open_history(path: &Path) -> io::Result<FileBackedHistory> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    FileBackedHistory::with_file(HISTORY_LINES_MAX, path.to_owned()).map_err(io::Error::other)
}

/// `potok> `
struct PotokPrompt;

impl Prompt for PotokPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "potok".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("({}) ", search.term).into()
    }
}

/// A verb that exists is bold.
struct VerbHighlighter;

impl Highlighter for VerbHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let start = line.len() - line.trim_start().len();
        let end = line[start..].find(' ').map_or(line.len(), |length| start + length);
        let is_verb = commands::find(&line[start..end]).is_some();
        let mut styled = StyledText::new();
        styled.push((if is_verb { Style::new().bold() } else { Style::new() }, line[..end].to_owned()));
        styled.push((Style::new(), line[end..].to_owned()));
        styled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn history_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join(HISTORY_FILE_NAME);
        drop(open_history(&path).expect("opens"));
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_verb_is_bold() {
        let bold = |line: &str| VerbHighlighter.highlight(line, 0).buffer[0].0.is_bold;
        assert!(bold("list-users") && bold(" whoami ") && !bold("list-use") && !bold(""));
    }
}
