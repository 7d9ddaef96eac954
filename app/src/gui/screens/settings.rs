//! Settings: each takes effect at once. What is typed does so when the field is left.

use std::path::PathBuf;

use eframe::egui::{DragValue, Label, Response, RichText, ScrollArea, Ui, WidgetInfo, accesskit::Role, vec2};
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::action::{Action, Pick};
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::screens::UiState;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;

const KIB: u64 = 1024;

/// What is typed here and not yet applied.
#[derive(Debug)]
pub struct State {
    /// The settings as the page shows them.
    pub draft: Settings,
    folder: String,
    wrong_name: Option<String>,
}

impl State {
    /// As they are.
    pub fn new(settings: &Settings) -> Self {
        let folder = settings.download_folder.to_string_lossy().into_owned();
        Self { draft: settings.clone(), folder, wrong_name: None }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, settings: &Settings, actions: &mut Vec<Action>) {
    let has_picker = state.has_picker;
    let state = &mut state.settings;
    // Other pages change these too.
    state.draft.tracker.clone_from(&settings.tracker);
    state.draft.host_tracker.clone_from(&settings.host_tracker);
    if state.draft.download_folder.as_os_str() != state.folder.as_str()
        && state.draft.download_folder == settings.download_folder
    {
        let is_typing = ui.memory(|memory| memory.focused().is_some());
        if !is_typing {
            state.folder = settings.download_folder.to_string_lossy().into_owned();
        }
    }
    let mut is_done = false;
    widgets::head(ui, &t!("window.page.settings"), &t!("window.settings.at-once"), |_| {});
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        widgets::card(ui, |ui| {
            widgets::heading(ui, &t!("window.settings.you"));
            is_done |= name(ui, state);
            is_done |= folder(ui, model, state, has_picker, actions);
        });
        ui.add_space(theme::GAP);
        widgets::card(ui, |ui| {
            widgets::heading(ui, &t!("window.settings.look"));
            is_done |= look(ui, &mut state.draft);
        });
        ui.add_space(theme::GAP);
        widgets::card(ui, |ui| {
            widgets::heading(ui, &t!("window.settings.traffic"));
            is_done |= traffic(ui, &mut state.draft);
        });
        ui.add_space(theme::GAP);
        widgets::card(ui, |ui| about(ui, model, actions));
    });
    if is_done && state.draft != *settings && state.wrong_name.is_none() {
        actions.push(Action::Apply(Box::new(state.draft.clone())));
    }
}

/// A name on the left, its control on the right.
fn row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        let label = vec2(200.0, theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(label, eframe::egui::Layout::left_to_right(eframe::egui::Align::Center), |ui| {
            ui.set_min_width(200.0);
            ui.add(Label::new(RichText::new(name).color(palette(ui).text)).wrap());
        });
        add(ui)
    })
    .inner
}

fn name(ui: &mut Ui, state: &mut State) -> bool {
    let text = t!("window.settings.name");
    let response = row(ui, &text, |ui| widgets::field(ui, &mut state.draft.name, icons::USER, &text, "", 240.0));
    if response.changed() {
        state.wrong_name = Username::new(&state.draft.name).err().map(|why| why.to_string());
    }
    if let Some(why) = &state.wrong_name {
        ui.label(RichText::new(why).font(theme::small()).color(palette(ui).bad));
    }
    response.lost_focus()
}

fn folder(ui: &mut Ui, model: &Model, state: &mut State, has_picker: bool, actions: &mut Vec<Action>) -> bool {
    let text = t!("window.settings.folder");
    let hint =
        model.status.as_ref().map_or(String::new(), |status| status.download_folder.to_string_lossy().into_owned());
    row(ui, &text, |ui| {
        let response = widgets::field(ui, &mut state.folder, icons::FOLDER, &text, &hint, 300.0);
        if has_picker && widgets::button(ui, Loud::Plain, "", &t!("window.settings.choose")).clicked() {
            actions.push(Action::Pick(Pick::DownloadFolder));
        }
        if response.lost_focus() {
            state.draft.download_folder = PathBuf::from(state.folder.trim());
        }
        response.lost_focus()
    })
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
    let language = row(ui, &t!("window.settings.language"), |ui| {
        let options = [
            (String::new(), icons::CIRCLE_HALF, &*themes[0]),
            ("en".to_owned(), "", "English"),
            ("bg".to_owned(), "", "Български"),
        ];
        widgets::choice(ui, &mut draft.language, &options)
    });
    theme || language
}

fn traffic(ui: &mut Ui, draft: &mut Settings) -> bool {
    let down = limit(ui, &t!("window.settings.down"), &mut draft.download_bytes_per_second);
    let up = limit(ui, &t!("window.settings.up"), &mut draft.upload_bytes_per_second);
    let slots = count(ui, &t!("window.settings.slots"), &mut draft.upload_slots, 64);
    let of_user = count(ui, &t!("window.settings.slots-per-user"), &mut draft.upload_slots_per_user, 16);
    let downloads = count(ui, &t!("window.settings.downloads-at-once"), &mut draft.downloads_at_once, 32);
    let text = t!("window.settings.listen");
    let listen = row(ui, &text, |ui| {
        let response = widgets::field(ui, &mut draft.listen, "", &text, "0.0.0.0:0", 180.0);
        widgets::weak(ui, t!("window.settings.listen-text"));
        response.lost_focus() && draft.listen.parse::<std::net::SocketAddr>().is_ok()
    });
    down || up || slots || of_user || downloads || listen
}

fn limit(ui: &mut Ui, name: &str, bytes: &mut u64) -> bool {
    row(ui, name, |ui| {
        let mut kib = *bytes / KIB;
        let value = DragValue::new(&mut kib).range(0..=10_000_000_u64).speed(16).suffix(" KiB/s");
        let response = named(ui.add(value), name);
        *bytes = kib.saturating_mul(KIB);
        if kib == 0 {
            widgets::weak(ui, t!("window.settings.no-limit"));
        }
        finished(&response)
    })
}

fn count(ui: &mut Ui, name: &str, value: &mut usize, most: usize) -> bool {
    row(ui, name, |ui| finished(&named(ui.add(DragValue::new(value).range(1..=most).speed(0.1)), name)))
}

fn named(response: Response, name: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, name));
    response
}

/// Not at every step of a drag.
fn finished(response: &Response) -> bool {
    response.drag_stopped()
        || response.lost_focus()
        || (response.changed() && !response.dragged() && !response.has_focus())
}

fn about(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::heading(ui, &t!("window.settings.about"));
    ui.label(RichText::new(format!("Potok {}", env!("CARGO_PKG_VERSION"))).color(p.text));
    widgets::weak(ui, t!("window.settings.about-text"));
    if let Some(me) = &model.me {
        let key = fingerprint_row(ui, &fingerprint::hex(&me.key));
        if key {
            actions.push(Action::Copy(me.key.to_string()));
        }
    }
}

fn fingerprint_row(ui: &mut Ui, key: &str) -> bool {
    widgets::weak(ui, t!("window.settings.key"));
    ui.horizontal(|ui| {
        let text = RichText::new(key).font(theme::mono()).color(palette(ui).text);
        ui.add(Label::new(text).truncate());
        widgets::icon_button(ui, icons::COPY, &t!("window.settings.copy-key")).clicked()
    })
    .inner
}
