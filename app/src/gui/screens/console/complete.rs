//! Completion of a typed command from what the model knows. It may read a folder, so it runs on a thread of its own.

use std::thread;

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, Sense, Ui, vec2};
use potok_core::model::shown::Shown;
use potok_core::model::transfer::TransferId;

use crate::command_line::completion::{CompletionAnswer, LineCompleter, Want, folders_of};
use crate::gui::action::Action;
use crate::gui::screens::console::CONSOLE_LINE_HEIGHT;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::text::one_line;
use crate::model::Model;

/// Suggestions that are shown.
const SHOWN_MAX: usize = 6;

/// What is offered for the line.
#[derive(Debug, Default)]
pub(super) struct Completion {
    /// Looked for as soon as the files of those who are named are known.
    wants: Option<String>,
    has_asked: Option<Want>,
    waits: Option<(String, Receiver<Vec<String>>)>,
    lines: Vec<String>,
    chosen: Option<usize>,
}

impl Completion {
    /// Tab: the next of what is offered, or a look for it.
    pub(super) fn tab(&mut self, line: &mut String) {
        if self.lines.len() > 1 {
            let next = self.chosen.map_or(0, |chosen| (chosen + 1) % self.lines.len());
            line.clone_from(&self.lines[next]);
            self.chosen = Some(next);
            return;
        }
        (self.wants, self.has_asked) = (Some(line.clone()), None);
    }

    /// Begins to look as soon as that is possible; asks for what is not known.
    pub(super) fn look(&mut self, ctx: &egui::Context, model: &Model, actions: &mut Vec<Action>) {
        let Some(line) = self.wants.take() else { return };
        if let Some(unknown) = unknown(model, &line) {
            if self.has_asked.as_ref() != Some(&unknown) {
                self.has_asked = Some(unknown.clone());
                actions.push(Action::OfferFiles(unknown));
            }
            self.wants = Some(line);
            return;
        }
        let (answer, waits) = bounded(1);
        let completer = LineCompleter::knowing(std::env::current_dir().unwrap_or_default(), answers(model, &line));
        let (typed, wake) = (line.clone(), ctx.clone());
        let run = move || {
            // The page may have forgotten the question by now.
            let _ = answer.send(completer.lines(&typed));
            wake.request_repaint();
        };
        // Without a thread nothing is offered.
        if thread::Builder::new().name("potok-completion".into()).spawn(run).is_ok() {
            self.waits = Some((line, waits));
        }
    }

    /// Puts what came into the line; whether the line is another one now.
    pub(super) fn take(&mut self, line: &mut String) -> bool {
        let Some((of, waits)) = &self.waits else { return false };
        let Ok(lines) = waits.try_recv() else { return false };
        let is_current = of == line;
        self.waits = None;
        if !is_current {
            return false;
        }
        let common = common_start(&lines);
        self.chosen = None;
        self.lines = if lines.len() > 1 { lines } else { Vec::new() };
        let is_longer = common.len() > line.len();
        if is_longer {
            *line = common;
        }
        is_longer
    }

    /// Nothing is offered any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The room that the offer takes.
    pub(super) fn height(&self) -> f32 {
        // At most `SHOWN_MAX` and one.
        f32::from(u8::try_from(self.lines.len().min(SHOWN_MAX + 1)).unwrap_or(0)) * CONSOLE_LINE_HEIGHT
    }

    /// Draws the offer, with the chosen one in view.
    pub(super) fn show(&self, ui: &mut Ui) {
        let p = palette(ui);
        let from = self.chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(SHOWN_MAX));
        let mut put = |text: String, color| {
            let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CONSOLE_LINE_HEIGHT), Sense::hover());
            let galley = one_line(ui, &text, theme::mono(), color, rect.width());
            ui.painter().galley(rect.left_top(), galley, color);
        };
        for (at, line) in self.lines.iter().enumerate().skip(from).take(SHOWN_MAX) {
            let color = if self.chosen == Some(at) { p.accent } else { p.weak };
            put(format!("  {}", Shown(line.trim_end())), color);
        }
        if self.lines.len() > SHOWN_MAX {
            put(format!("  … {}", self.lines.len() - SHOWN_MAX), p.weak);
        }
    }
}

/// What the line needs and the model does not know yet.
fn unknown(model: &Model, line: &str) -> Option<Want> {
    let [folder, rest] = folders_of(line).filter(|_| model.is_online())?;
    match model.offered.of(&folder) {
        None => Some(folder),
        Some(known) => Some(rest).filter(|rest| known.is_cut && model.offered.of(rest).is_none()),
    }
}

/// What the model knows of what the line may need. What is not known is empty, so that nobody waits for it.
fn answers(model: &Model, line: &str) -> Vec<(Want, CompletionAnswer)> {
    let folders = folders_of(line).into_iter().flatten();
    let mut answers: Vec<(Want, CompletionAnswer)> =
        folders.map(|want| (want.clone(), model.offered.of(&want).cloned().unwrap_or_default())).collect();
    let users: Vec<String> = model.people.keys().map(ToString::to_string).collect();
    let transfers: Vec<String> = model.transfers.keys().map(TransferId::to_string).collect();
    answers.extend([
        (Want::Users, users.into()),
        (Want::MyShares, model.shares.paths().to_vec().into()),
        (Want::Stopped, CompletionAnswer::default()),
        (Want::Transfers, transfers.into()),
    ]);
    answers
}

/// As far as all of them agree.
fn common_start(lines: &[String]) -> String {
    let Some((first, others)) = lines.split_first() else { return String::new() };
    let mut common = first.as_str();
    for other in others {
        let same = common.char_indices().zip(other.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
        common = &common[..same.unwrap_or(common.len().min(other.len()))];
    }
    common.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_agree_up_to_somewhere() {
        let of = |lines: &[&str]| common_start(&lines.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["list-users", "list-files"]), "list-");
        assert_eq!(of(&["снимка", "снимки"]), "снимк");
        assert_eq!(of(&["a", "ab"]), "a");
    }
}
