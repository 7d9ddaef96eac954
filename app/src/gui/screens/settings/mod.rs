//! Settings: each takes effect at once. What is typed does so when the field is left; what cannot be meant is answered
//! with one sentence, and stays in its field.

mod about;
mod reaching;
mod rows;
mod sharing;

use std::path::{Path, PathBuf};

use eframe::egui::{ScrollArea, Ui};
use potok_core::model::metering::Metering;
use potok_core::model::shown_path::usual_path;
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::command_line::typed_path::typed_path;
use crate::gui::action::{Action, Pick};
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::screens::settings::reaching::ReachingForms;
use crate::gui::screens::settings::rows::{Typed, count, limit, row, section, switch, wide_row};
use crate::gui::theme;
use crate::gui::widgets::{self, Loud};
use crate::model::Model;
use crate::texts;

/// A field for a path, where there is room.
const FIELD_WIDTH: f32 = 420.0;

/// What is typed here and not yet applied.
#[derive(Debug)]
pub struct SettingsState {
    /// The settings as the page shows them.
    pub draft: Settings,
    /// There is a tray to hide in.
    pub has_tray: bool,
    /// Whether Potok starts with the system; none: not known here.
    pub autostart: Option<bool>,
    applied: Settings,
    name: Typed,
    folder: Typed,
    reaching: ReachingForms,
}

impl SettingsState {
    /// As they are.
    pub fn new(settings: &Settings) -> Self {
        let mut state = Self {
            draft: settings.clone(),
            has_tray: false,
            autostart: None,
            applied: settings.clone(),
            name: Typed::default(),
            folder: Typed::default(),
            reaching: ReachingForms::default(),
        };
        state.follow(settings);
        state
    }

    /// Other pages and commands change settings too.
    fn follow(&mut self, settings: &Settings) {
        if self.applied != *settings {
            self.applied.clone_from(settings);
            self.draft.clone_from(settings);
        }
        self.name.follow(settings.name.as_ref().map_or("", Username::as_str));
        self.folder.follow(&usual_path(&settings.download_folder));
        self.reaching.follow(settings);
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut SettingsState, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, has_picker, .. } = context;
    state.follow(settings);
    let mut is_done = false;
    widgets::head(ui, &t!("window.page.settings"), &t!("window.settings.at-once"), |_| {});
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - 8.0);
        is_done |= section(ui, &t!("window.settings.you"), |ui| name(ui, state));
        is_done |= section(ui, &t!("window.settings.look"), |ui| look(ui, &mut state.draft));
        is_done |= section(ui, &t!("window.settings.desktop"), |ui| desktop(ui, state, actions));
        is_done |= section(ui, &t!("window.settings.downloads"), |ui| {
            let folder = folder(ui, model, state, has_picker, actions);
            downloads(ui, &mut state.draft) || folder
        });
        is_done |= section(ui, &t!("window.settings.sharing"), |ui| sharing::sharing(ui, &mut state.draft));
        is_done |= section(ui, &t!("window.settings.traffic"), |ui| traffic(ui, model, &mut state.draft));
        is_done |= section(ui, &t!("window.settings.reaching"), |ui| {
            reaching::reaching(ui, &mut state.reaching, &mut state.draft)
        });
        is_done |= section(ui, &t!("window.settings.about"), |ui| about::about(ui, model, &mut state.draft, actions));
    });
    if is_done && state.draft != *settings {
        actions.push(Action::Apply(Box::new(state.draft.clone())));
    }
}

fn name(ui: &mut Ui, state: &mut SettingsState) -> bool {
    let text = t!("window.settings.name");
    let name = row(ui, &text, |ui| {
        let field = |ui: &mut Ui, name: &mut String| widgets::field(ui, name, icons::USER, &text, "", 240.0);
        let read = |name: &str| Username::new(name).map_err(texts::of_bad_username);
        state.name.field(ui, field, read)
    });
    state.name.complain(ui);
    let is_new = name.is_some();
    if is_new {
        state.draft.name = name;
    }
    is_new
}

fn folder(ui: &mut Ui, model: &Model, state: &mut SettingsState, has_picker: bool, actions: &mut Vec<Action>) -> bool {
    let text = t!("window.settings.folder");
    let hint = model.status.as_ref().map_or(String::new(), |status| usual_path(&status.download_folder).into());
    let folder = wide_row(ui, &text, |ui| {
        let button = t!("window.settings.choose");
        let beside = if has_picker { widgets::button_width(ui, "", &button) + theme::GAP } else { 0.0 };
        let width = (ui.available_width() - beside).min(FIELD_WIDTH);
        let field = |ui: &mut Ui, folder: &mut String| widgets::field(ui, folder, icons::FOLDER, &text, &hint, width);
        let folder = state.folder.field(ui, field, |folder| usable_folder(Path::new(&typed_path(folder.to_owned()))));
        if has_picker && widgets::button(ui, Loud::Plain, "", &button).clicked() {
            actions.push(Action::Pick(Pick::DownloadFolder));
        }
        folder
    });
    state.folder.complain(ui);
    let is_new = folder.is_some();
    if let Some(folder) = folder {
        state.draft.download_folder = folder;
    }
    is_new
}

/// Empty is the usual folder.
fn usable_folder(folder: &Path) -> Result<PathBuf, String> {
    if folder.as_os_str().is_empty() || folder.is_dir() && folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    Err(if folder.is_absolute() { t!("window.settings.no-folder") } else { t!("window.settings.not-whole") }.into())
}

fn look(ui: &mut Ui, draft: &mut Settings) -> bool {
    let themes = [t!("window.settings.system"), t!("window.settings.light"), t!("window.settings.dark")];
    let theme = row(ui, &t!("window.settings.theme"), |ui| {
        let options = [
            (String::new(), icons::CIRCLE_HALF, &*themes[0]),
            ("light".to_owned(), icons::SUN, &*themes[1]),
            ("dark".to_owned(), icons::MOON, &*themes[2]),
        ];
        widgets::choice(ui, &mut draft.theme, &options)
    });
    let language = wide_row(ui, &t!("window.settings.language"), |ui| {
        let options = [
            (String::new(), icons::CIRCLE_HALF, &*themes[0]),
            ("en".to_owned(), "", "English"),
            ("bg".to_owned(), "", "Български"),
        ];
        widgets::choice(ui, &mut draft.language, &options)
    });
    theme || language
}

fn desktop(ui: &mut Ui, state: &mut SettingsState, actions: &mut Vec<Action>) -> bool {
    let has_tray = state.has_tray;
    let draft = &mut state.draft;
    let mut is_done = switch(ui, &t!("window.settings.notifications"), &mut draft.notifications, "");
    if let Some(is_on) = state.autostart {
        let mut wanted = is_on;
        if switch(ui, &t!("window.settings.autostart"), &mut wanted, "") {
            actions.push(Action::StartWithSystem(wanted));
        }
    }
    if cfg!(all(unix, not(target_os = "macos"))) {
        let text = if draft.tray && !has_tray { t!("window.settings.no-tray") } else { "".into() };
        is_done |= switch(ui, &t!("window.settings.tray"), &mut draft.tray, &text);
    }
    let closing = [t!("window.settings.close-ask"), t!("window.settings.close-keep"), t!("window.settings.close-quit")];
    is_done |= wide_row(ui, &t!("window.settings.when-closed"), |ui| {
        let options = [
            (String::new(), "", &*closing[0]),
            ("keep".to_owned(), "", &*closing[1]),
            ("quit".to_owned(), "", &*closing[2]),
        ];
        widgets::choice(ui, &mut draft.when_closed, &options)
    });
    if draft.when_closed == "keep" {
        let text = if has_tray { t!("window.settings.keep-tray") } else { t!("window.settings.keep-no-tray") };
        widgets::weak(ui, text);
    }
    is_done
}

fn downloads(ui: &mut Ui, draft: &mut Settings) -> bool {
    let at_once = count(ui, &t!("window.settings.downloads-at-once"), &mut draft.downloads_at_once, 32);
    let times = switch(ui, &t!("window.settings.keep-times"), &mut draft.keep_times, "");
    let text = t!("window.settings.keep-executable-text");
    let run = switch(ui, &t!("window.settings.keep-executable"), &mut draft.keep_executable, &text);
    at_once || times || run
}

fn traffic(ui: &mut Ui, model: &Model, draft: &mut Settings) -> bool {
    let down = limit(ui, &t!("window.settings.down"), &mut draft.download_bytes_per_second);
    let up = limit(ui, &t!("window.settings.up"), &mut draft.upload_bytes_per_second);
    let text = match model.metering {
        Metering::Metered => t!("window.settings.is-metered"),
        Metering::Unmetered => t!("window.settings.is-unmetered"),
        Metering::Unknown => t!("window.settings.metering-unknown"),
    };
    let metered = switch(ui, &t!("window.settings.pause-while-metered"), &mut draft.pause_while_metered, &text);
    down || up || metered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_can_be_used() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        for (path, is_usable) in [(Path::new(""), true), (folder.path(), true), (&file, false), (Path::new("."), false)]
        {
            assert_eq!(usable_folder(path).is_ok(), is_usable, "{}", path.display());
        }
    }
}
