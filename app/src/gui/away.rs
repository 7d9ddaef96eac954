//! What is said while the network that a person chose is not there: below old lists, and where there is nothing to list.

use std::time::SystemTime;

use eframe::egui::{Align, Frame, Label, Layout, Margin, RichText, Stroke, Ui};
use potok_core::node::event::{TrackerConnection, TransferState};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::message_line::message_line;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::Model;
use crate::texts;

/// Room for the button that ends a trial, in the longer language.
const TRIAL_BUTTON_WIDTH: f32 = 196.0;

/// A strip over the page, as long as the network is only a trial: whoever clicked for one is shown it with the page.
pub fn banner(ui: &mut Ui, screen: Screen, is_trial: bool, host_at: &str, actions: &mut Vec<Action>) {
    if is_trial && !matches!(screen, Screen::Welcome | Screen::Invite) {
        let (title, text) = (t!("window.trial.title"), t!("window.trial.text"));
        strip(ui, icons::SPARKLE, &title, &text, TRIAL_BUTTON_WIDTH, |ui| {
            if widgets::button(ui, Loud::Primary, "", &t!("window.trial.make-real")).clicked() {
                actions.push(Action::Host(Some(host_at.to_owned())));
            }
        });
    }
}

/// That the network is away, if there are lists on this page, which are old then. It is said below the page: whoever is about
/// to click on a row finds it where it was.
pub fn over_old_lists(model: &Model, screen: Screen) -> Option<Away> {
    has_old_lists(model, screen).then(|| away(model, true)).flatten()
}

impl Away {
    /// Draws it in the place below the page.
    pub fn in_line(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let p = palette(ui);
        message_line(ui, p.warn, |ui| {
            if widgets::button(ui, Loud::Quiet, icons::BROADCAST, &t!("window.page.tracker")).clicked() {
                actions.push(Action::Go(Screen::Tracker));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::glyph(ui, self.icon, 18.0, p.warn);
                ui.label(RichText::new(&self.title).font(theme::medium()).color(p.text));
                let text = RichText::new(&self.text).font(theme::small()).color(p.weak);
                ui.add(Label::new(text).truncate()).on_hover_text(&self.text);
            });
        });
    }
}

/// What is missing in the list of this page: not all trackers of the network have answered. It changes with every letter that
/// somebody types, so it is said below the page, where nothing moves for it.
pub fn partial(model: &Model, screen: Screen) -> Option<String> {
    let partial = model.partial.as_ref().filter(|_| screen == Screen::Browse && model.is_online())?;
    Some(format!("{}. {}", texts::capital(&texts::of_partial(partial)), t!("window.away.partial-text")))
}

/// Instead of a list that was never read.
pub fn empty_page(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    if let Some(Away { icon, title, text }) = away(model, false) {
        widgets::empty(ui, icon, &title, &text, |ui| {
            if widgets::button(ui, Loud::Plain, icons::BROADCAST, &t!("window.page.tracker")).clicked() {
                actions.push(Action::Go(Screen::Tracker));
            }
        });
        return;
    }
    let (title, text) = (t!("window.browse.offline-title"), t!("window.browse.offline-text"));
    widgets::empty(ui, icons::PLUGS, &title, &text, |ui| {
        if widgets::button(ui, Loud::Primary, icons::SIGN_IN, &t!("window.browse.choose-network")).clicked() {
            actions.push(Action::Go(Screen::Welcome));
        }
    });
}

/// Whether the page lists what was true when the network was last here.
fn has_old_lists(model: &Model, screen: Screen) -> bool {
    match screen {
        Screen::Browse => !model.browse.is_empty(),
        Screen::People | Screen::Invite => !model.people.is_empty(),
        Screen::Shared => !model.shares.is_empty(),
        Screen::Transfers => model
            .transfers
            .values()
            .any(|transfer| !transfer.state.is_final() && !matches!(transfer.state, TransferState::NotAsked)),
        Screen::Welcome | Screen::Tracker | Screen::Console | Screen::Settings => false,
    }
}

/// What is said while the network is not there.
#[derive(Debug)]
pub struct Away {
    icon: &'static str,
    title: String,
    text: String,
}

/// None: we are there, or nowhere by choice. Over lists also while the first try is under way: most are over at once.
fn away(model: &Model, is_over_lists: bool) -> Option<Away> {
    let network = model.network_name()?;
    match &model.connection {
        TrackerConnection::None | TrackerConnection::Online { .. } => None,
        TrackerConnection::Connecting { why: None, .. } if is_over_lists => None,
        TrackerConnection::Connecting { tracker, why } => {
            let seen = model.recent.at(tracker).map(|network| human::time_of_day(network.last_seen, SystemTime::now()));
            let seen = seen.map(|when| t!("window.away.seen", when = when).into_owned());
            let old = is_over_lists.then(|| t!("window.away.old").into_owned());
            let why = why.as_ref().map_or_else(|| t!("window.side.connecting").into_owned(), texts::sentence_of);
            let text = [seen, old, Some(why)].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let title = match model.connection.awaits_approval() {
                true => t!("window.away.awaits-approval", network = network).into_owned(),
                false => t!("window.away.waiting", network = network).into_owned(),
            };
            Some(Away { icon: icons::HOURGLASS_MEDIUM, title, text })
        }
        TrackerConnection::Refused { why, .. } => {
            let title = t!("window.away.refused", network = network).into_owned();
            Some(Away { icon: icons::SHIELD_WARNING, title, text: texts::sentence_of(why) })
        }
    }
}

/// `room` is left for the button, in points.
fn strip(ui: &mut Ui, icon: &str, title: &str, text: &str, room: f32, button: impl FnOnce(&mut Ui)) {
    let p = palette(ui);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.warn)).corner_radius(theme::RADIUS);
    frame.inner_margin(Margin::symmetric(12, 7)).show(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::glyph(ui, icon, 20.0, p.warn);
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - room).max(120.0));
                ui.spacing_mut().item_spacing.y = 1.0;
                ui.add(Label::new(RichText::new(title).font(theme::medium()).color(p.text)).wrap());
                ui.add(Label::new(RichText::new(text).font(theme::small()).color(p.weak)).wrap());
            });
            ui.with_layout(Layout::right_to_left(Align::Center), button);
        });
    });
    ui.add_space(theme::GAP);
}
