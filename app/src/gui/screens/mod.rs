//! The pages. Each draws the model, keeps what the person is doing in its own state, and returns actions.

pub mod browse;
pub mod console;
pub mod people;
pub mod settings;
pub mod shared;
pub mod tracker;
pub mod transfers;
pub mod welcome;

use eframe::egui::Ui;
use potok_core::model::limits;
use potok_core::node::settings::Settings;

use crate::gui::action::{Action, Confirm, Dialog, Page};
use crate::model::Model;

/// What the person is doing: which page, what is typed, what is chosen.
#[derive(Debug)]
pub struct UiState {
    /// The page that is shown.
    pub page: Page,
    /// A question that waits for an answer.
    pub confirm: Option<Confirm>,
    /// A small window over the page.
    pub dialog: Option<Dialog>,
    /// It was not drawn yet.
    pub dialog_is_new: bool,
    /// There are system dialogs.
    pub has_picker: bool,
    /// Why joining failed, until the next try.
    pub join_failed: Option<String>,
    /// The browse page.
    pub browse: browse::State,
    /// The transfers page.
    pub transfers: transfers::State,
    /// The shared page.
    pub shared: shared::State,
    /// The people page.
    pub people: people::State,
    /// The tracker page.
    pub tracker: tracker::State,
    /// The console page.
    pub console: console::State,
    /// The settings page.
    pub settings: settings::State,
    /// The first page.
    pub welcome: welcome::State,
}

impl UiState {
    /// Nothing typed yet.
    pub fn new(settings: &Settings) -> Self {
        let host_at = match settings.host_tracker.as_str() {
            "" => format!("0.0.0.0:{}", limits::TRACKER_PORT),
            at => at.to_owned(),
        };
        Self {
            page: Page::Browse,
            confirm: None,
            dialog: None,
            dialog_is_new: false,
            has_picker: true,
            join_failed: None,
            browse: browse::State::default(),
            transfers: transfers::State::default(),
            shared: shared::State::default(),
            people: people::State::default(),
            tracker: tracker::State::new(host_at),
            console: console::State::default(),
            settings: settings::State::new(settings),
            welcome: welcome::State::new(settings.name.clone()),
        }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, settings: &Settings, actions: &mut Vec<Action>) {
    match state.page {
        Page::Welcome => welcome::show(ui, model, state, settings, actions),
        Page::Browse => browse::show(ui, model, state, actions),
        Page::Transfers => transfers::show(ui, model, &mut state.transfers, actions),
        Page::Shared => shared::show(ui, model, state, actions),
        Page::People => people::show(ui, model, state, actions),
        Page::Tracker => tracker::show(ui, model, state, settings, actions),
        Page::Console => console::show(ui, model, &mut state.console, actions),
        Page::Settings => settings::show(ui, model, state, settings, actions),
    }
}

/// The icon of a file of this name.
pub fn file_icon(name: &str) -> &'static str {
    use crate::gui::icons;
    use crate::model::catalog::Kind;
    match Kind::of(name) {
        Kind::Audio => icons::FILE_AUDIO,
        Kind::Video => icons::FILE_VIDEO,
        Kind::Picture => icons::FILE_IMAGE,
        Kind::Document if name.to_ascii_lowercase().ends_with(".pdf") => icons::FILE_PDF,
        Kind::Document => icons::FILE_TEXT,
        Kind::Archive => icons::FILE_ZIP,
        Kind::Program => icons::FILE_CODE,
        Kind::Other => icons::FILE,
    }
}
