//! Small windows over the page: a path for a download, another name for a share, the list of shortcuts.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Grid, Label, RichText, ScrollArea, Ui};
use potok_core::library::typed::LocalPath;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::Shown;
use potok_core::node::intent::{Existing, Intent};
use rust_i18n::t;

use crate::command_line::typed_path::typed_path;
use crate::gui::action::{Action, Dialog, Pick};
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::screens::UiState;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::gui::{keep_out, licences};
use crate::model::wanted_download::WantedDownload;
use crate::model::{Model, short};
use crate::texts;

const DIALOG_WIDTH: f32 = 480.0;
const LICENCES_WIDTH: f32 = 600.0;
/// A line of the list of shortcuts.
const KEYS_HEIGHT: f32 = 20.0;
/// The whole list, if the window is that high.
const KEYS_HEIGHT_MAX: f32 = 480.0;
/// What is above and below it.
const ROUND_THE_KEYS: f32 = 180.0;
/// Things to fetch that a title names; of more it tells the number.
const NAMED_MAX: usize = 1;

/// The dialog that is open, if any.
pub fn show(ctx: &egui::Context, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) {
    let Some(mut dialog) = state.dialog.take() else { return };
    let is_new = std::mem::take(&mut state.dialog_is_new);
    let has_picker = state.has_picker;
    let mut is_over = false;
    let width = if dialog == Dialog::Licences { LICENCES_WIDTH } else { DIALOG_WIDTH };
    let is_left = widgets::modal(ctx, "dialog", width, |ui| {
        is_over = match &mut dialog {
            Dialog::SaveAs { wanted, path, overwrite } => {
                let mut form = SaveAs { wanted, path, overwrite, has_picker, is_new };
                form.show(ui, model, actions)
            }
            Dialog::Rename { from, to } => rename(ui, from, to, is_new, actions),
            Dialog::Shortcuts => shortcuts(ui),
            Dialog::Licences => licences::show(ui),
            Dialog::KeepOut(form) => keep_out::show(ui, form, is_new, actions),
        };
    });
    if !is_over && !is_left {
        state.dialog = Some(dialog);
    }
}

/// The form of [`Dialog::SaveAs`].
struct SaveAs<'a> {
    wanted: &'a [WantedDownload],
    path: &'a mut String,
    overwrite: &'a mut bool,
    has_picker: bool,
    is_new: bool,
}

impl SaveAs<'_> {
    /// Whether it is over.
    fn show(&mut self, ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) -> bool {
        let what = match self.wanted {
            [one] => short(&one.path()),
            many => t!("window.browse.chosen", count = many.len()).into_owned(),
        };
        widgets::heading(ui, &t!("window.save.title"));
        let is_several = self.wanted.len() > NAMED_MAX;
        let hint = if is_several { t!("window.save.into-text") } else { t!("window.save.text") };
        ui.add(Label::new(RichText::new(what).color(palette(ui).text)).truncate());
        widgets::weak(ui, hint);
        ui.add_space(theme::GAP);
        let name = t!("window.save.path");
        field(ui, self.path, icons::FOLDER, &name, self.is_new);
        ui.horizontal(|ui| {
            let replace = t!("window.save.overwrite");
            widgets::switch(ui, self.overwrite, &replace);
            widgets::weak(ui, &*replace);
        });
        ui.add_space(theme::GAP);
        let folder = model.status.as_ref().map_or(PathBuf::new(), |status| status.download_folder.clone());
        let is_typed = !self.path.trim().is_empty();
        let answer = answers(ui, &t!("window.browse.download"), is_typed, |ui| {
            if self.has_picker
                && widgets::button(ui, Loud::Plain, icons::FOLDER_OPEN, &t!("window.save.choose")).clicked()
            {
                actions.push(Action::Pick(Pick::of_downloads(self.wanted.to_vec())));
                return true;
            }
            false
        });
        match answer {
            Answer::Other | Answer::No => true,
            Answer::Yes => self.download(&folder, actions),
            Answer::None => false,
        }
    }

    fn download(&self, folder: &Path, actions: &mut Vec<Action>) -> bool {
        let local_path = LocalPath::new(typed_path(self.path.trim().to_owned()), folder);
        let existing = if *self.overwrite { Existing::Replace } else { Existing::Refuse };
        let place = |one: &WantedDownload| one.clone().to(local_path.clone()).if_taken(existing);
        actions.extend(self.wanted.iter().map(place).map(Action::start));
        true
    }
}

fn rename(ui: &mut Ui, from: &str, to: &mut String, is_new: bool, actions: &mut Vec<Action>) -> bool {
    widgets::heading(ui, &t!("window.rename.title"));
    widgets::weak(ui, t!("window.rename.text"));
    ui.add_space(4.0);
    ui.add(Label::new(RichText::new(Shown(from).to_string()).color(palette(ui).text)).truncate());
    field(ui, to, icons::PENCIL_SIMPLE, &t!("window.rename.to"), is_new);
    let read = (SharePath::new(from), SharePath::new(to.trim()));
    if let (_, Err(why)) = &read {
        ui.label(
            RichText::new(texts::capital(&texts::of_bad_share_path(*why))).font(theme::small()).color(palette(ui).bad),
        );
    }
    ui.add_space(theme::GAP);
    let can = read.1.is_ok() && to.trim() != from;
    let answer = answers(ui, &t!("window.rename.yes"), can, |_| false);
    match answer {
        Answer::No | Answer::Other => true,
        Answer::None => false,
        Answer::Yes => {
            if let (Ok(from), Ok(to)) = read {
                actions.push(Action::Ask(Intent::RenameShare { from, to }));
            }
            true
        }
    }
}

/// A field over the whole width, which has the keyboard first.
fn field(ui: &mut Ui, text: &mut String, icon: &str, name: &str, is_new: bool) {
    let response = widgets::field(ui, text, icon, name, name, ui.available_width());
    if is_new {
        response.request_focus();
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    None,
    Yes,
    No,
    Other,
}

/// The row of buttons at the end of a form.
fn answers(ui: &mut Ui, yes: &str, can: bool, other: impl FnOnce(&mut Ui) -> bool) -> Answer {
    let mut answer = Answer::None;
    ui.horizontal(|ui| {
        if other(ui) {
            answer = Answer::Other;
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_enabled_ui(can, |ui| {
                if widgets::default_button(ui, Loud::Primary, yes) {
                    answer = Answer::Yes;
                }
            });
            if widgets::button(ui, Loud::Plain, "", &t!("window.close")).clicked() {
                answer = Answer::No;
            }
        });
    });
    answer
}

/// Every shortcut, by page. A row: the keys, and the text that says what they do.
fn shortcuts(ui: &mut Ui) -> bool {
    widgets::heading(ui, &t!("window.keys.title"));
    ui.add_space(4.0);
    let everywhere = [
        ("Alt+1 … 7", t!("window.keys.pages")),
        ("Ctrl+F", t!("window.keys.search")),
        ("Ctrl+O", t!("window.keys.share")),
        ("Ctrl+I", t!("window.keys.invite")),
        ("F1", t!("window.guide.title")),
        ("?", t!("window.keys.this")),
        ("Ctrl+Q", t!("window.keys.quit")),
    ];
    let lists = [
        ("↑ ↓  PgUp PgDn  Home End", t!("window.keys.move")),
        ("Shift+↑ ↓", t!("window.keys.several")),
        ("Ctrl+A", t!("window.keys.all")),
        ("Shift+F10", t!("window.keys.menu")),
        ("Esc", t!("window.keys.none")),
    ];
    let browse = [
        ("Enter, Ctrl+D", t!("window.browse.download")),
        ("Ctrl+S", t!("window.browse.download-as")),
        ("Ctrl+Shift+S", t!("window.browse.download-to")),
        ("→ ←", t!("window.keys.tree")),
        ("Backspace", t!("window.keys.up")),
        ("Ctrl+C", t!("window.browse.copy-path")),
    ];
    let transfers = [
        ("Space", t!("window.keys.pause")),
        ("Alt+↑ ↓", t!("window.keys.order")),
        ("Alt+Home, End", t!("window.keys.ends")),
        ("Enter", t!("window.transfers.open")),
        ("Ctrl+E", t!("window.transfers.reveal")),
        ("Del", t!("window.keys.delete")),
    ];
    let shared = [("F2", t!("window.shared.rename")), ("Del", t!("window.shared.stop"))];
    let console = [
        ("Tab", t!("window.keys.complete")),
        ("↑ ↓", t!("window.keys.history")),
        ("Ctrl+L", t!("window.console.clear")),
    ];
    let height = (ui.ctx().content_rect().height() - ROUND_THE_KEYS).min(KEYS_HEIGHT_MAX);
    ScrollArea::vertical().auto_shrink([false, true]).max_height(height).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = KEYS_HEIGHT;
        section(ui, &t!("window.keys.everywhere"), &everywhere);
        section(ui, &t!("window.keys.lists"), &lists);
        section(ui, &Screen::Browse.name(), &browse);
        section(ui, &Screen::Transfers.name(), &transfers);
        section(ui, &Screen::Shared.name(), &shared);
        section(ui, &Screen::Console.name(), &console);
    });
    ui.add_space(4.0);
    let mut is_over = false;
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        is_over = widgets::default_button(ui, Loud::Plain, &t!("window.close"));
    });
    is_over
}

fn section(ui: &mut Ui, name: &str, rows: &[(&str, std::borrow::Cow<'_, str>)]) {
    let p = palette(ui);
    ui.add_space(theme::GAP);
    ui.label(RichText::new(name).font(theme::medium()).color(p.weak));
    Grid::new(("keys", name)).num_columns(2).min_col_width(190.0).spacing([12.0, 3.0]).show(ui, |ui| {
        for (keys, text) in rows {
            ui.label(RichText::new(*keys).font(theme::mono()).color(p.accent));
            ui.label(RichText::new(&**text).color(p.text));
            ui.end_row();
        }
    });
}
