//! The pages. Each draws the model, keeps what the person is doing in its own state, and returns actions.

pub mod browse;
pub mod console;
pub mod invite;
mod join_field;
mod link_card;
mod nearby_card;
pub mod people;
pub mod settings;
pub mod shared;
pub mod tracker;
pub mod transfers;
pub mod welcome;

use eframe::egui::Ui;
use potok_core::model::{limits, listen};
use potok_core::node::settings::Settings;

use crate::gui::action::{Action, Confirm, Dialog};
use crate::gui::guide::Guide;
use crate::gui::screen::{Screen, ScreenContext};
use crate::model::Model;

/// What the person is doing: which page, what is typed, what is chosen.
#[derive(Debug)]
pub struct UiState {
    /// The page that is shown.
    pub screen: Screen,
    /// The one that was drawn last.
    drawn: Option<Screen>,
    /// A question that waits for an answer.
    pub confirm: Option<Confirm>,
    /// Something from outside the window is asked, over all else.
    pub is_asked: bool,
    /// A small window over the page.
    pub dialog: Option<Dialog>,
    /// It was not drawn yet.
    pub dialog_is_new: bool,
    /// The guide over the page.
    pub guide: Guide,
    /// There are system dialogs.
    pub has_picker: bool,
    /// The network is one on this computer only, to try Potok in.
    pub is_trial: bool,
    /// The browse page.
    pub browse: browse::BrowseState,
    /// The transfers page.
    pub transfers: transfers::TransfersState,
    /// The shared page.
    pub shared: shared::SharedState,
    /// The people page.
    pub people: people::PeopleState,
    /// The tracker page.
    pub tracker: tracker::TrackerState,
    /// The console page.
    pub console: console::ConsoleState,
    /// The settings page.
    pub settings: settings::SettingsState,
    /// The first page.
    pub welcome: welcome::WelcomeState,
    /// The page of the invite.
    pub invite: invite::InviteState,
}

impl UiState {
    /// Nothing typed yet.
    pub fn new(settings: &Settings) -> Self {
        let usual = || listen::everywhere(limits::TRACKER_PORT).to_string();
        let host_at = settings.host_tracker.map_or_else(usual, |at| at.to_string());
        Self {
            screen: Screen::Browse,
            drawn: None,
            confirm: None,
            is_asked: false,
            dialog: None,
            dialog_is_new: false,
            guide: Guide::default(),
            has_picker: true,
            is_trial: false,
            browse: browse::BrowseState::default(),
            transfers: transfers::TransfersState::default(),
            shared: shared::SharedState::default(),
            people: people::PeopleState::default(),
            tracker: tracker::TrackerState::new(host_at),
            console: console::ConsoleState::default(),
            settings: settings::SettingsState::new(settings),
            welcome: welcome::WelcomeState::new(settings.name.as_ref().map_or_else(String::new, ToString::to_string)),
            invite: invite::InviteState::default(),
        }
    }
}

/// Draws the screen that is shown.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, settings: &Settings, actions: &mut Vec<Action>) {
    if state.drawn.replace(state.screen) != Some(Screen::Console) {
        state.console.wants_focus = true;
    }
    // Of its own: else a page would open as far down as the one before it was.
    ui.push_id(state.screen, |ui| page(ui, model, state, settings, actions));
}

fn page(ui: &mut Ui, model: &Model, state: &mut UiState, settings: &Settings, actions: &mut Vec<Action>) {
    let UiState { has_picker, is_trial, .. } = *state;
    let context = ScreenContext { model, settings, has_picker, is_trial };
    match state.screen {
        Screen::Welcome => welcome::show(ui, context, &mut state.welcome, &state.tracker.host_at, actions),
        Screen::Invite => invite::show(ui, context, &mut state.invite, &state.tracker.host_at, actions),
        Screen::Browse => browse::show(ui, context, &mut state.browse, actions),
        Screen::Transfers => transfers::show(ui, context, &mut state.transfers, actions),
        Screen::Shared => shared::show(ui, context, &mut state.shared, actions),
        Screen::People => people::show(ui, model, &mut state.people, actions),
        Screen::Tracker => tracker::show(ui, context, &mut state.tracker, actions),
        Screen::Console => console::show(ui, model, &mut state.console, actions),
        Screen::Settings => settings::show(ui, context, &mut state.settings, actions),
    }
}
