//! The first page: a name, the networks that we were in, and the choices: to start one, to join one, one that is nearby, and to
//! try it alone.

use std::time::SystemTime;

use eframe::egui::{
    self, Align, Label, Layout, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, accesskit::Role, pos2,
    vec2,
};
use potok_core::model::invite::Invite;
use potok_core::model::shown::Shown;
use potok_core::model::username::Username;
use potok_core::node::event::TrackerConnection;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::screens::join_field::{JoinField, complain};
use crate::gui::screens::nearby_card::NearbyCard;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::message_line::message_line;
use crate::gui::widgets::text::one_line;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::Model;
use crate::texts;

const WELCOME_WIDTH: f32 = 640.0;
const NAME_WIDTH: f32 = 280.0;
/// The picture in front of a choice.
const DISC_SIDE: f32 = 46.0;
/// Two lines below the field of the invite.
const MESSAGE_HEIGHT: f32 = 32.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct WelcomeState {
    /// My name, filled in.
    pub name: String,
    invite: JoinField,
    wrong_name: Option<String>,
    /// An invite on the clipboard.
    offered: Option<Invite>,
    declined: Option<Invite>,
    nearby: NearbyCard,
}

impl WelcomeState {
    /// Whether an invite lies on the clipboard that was not declined.
    pub fn has_offer(&self) -> bool {
        self.offered.is_some()
    }

    /// An invite that was copied somewhere else, in the place below the page: joining it is one click, and whose it is can be
    /// seen.
    pub fn show_offer(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let Some(invite) = self.offered.clone() else { return };
        let p = palette(ui);
        message_line(ui, p.accent, |ui| {
            if widgets::icon_button(ui, icons::X, &t!("window.welcome.decline")).clicked() {
                self.declined = self.offered.take();
            }
            let can_join = self.wrong_name.is_none();
            let join = |ui: &mut Ui| widgets::button(ui, Loud::Primary, "", &t!("window.welcome.join-it")).clicked();
            if ui.add_enabled_ui(can_join, join).inner {
                actions.push(Action::Join(invite.clone().into()));
                self.offered = None;
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                widgets::glyph(ui, icons::LINK, 18.0, p.accent);
                ui.label(RichText::new(t!("window.welcome.clipboard")).font(theme::medium()).color(p.text));
                let (address, key) = (Shown(&invite.address.to_string()).to_string(), fingerprint::hex(&invite.key));
                let text = RichText::new(format!("{address}  {key}")).font(theme::mono()).color(p.weak);
                ui.add(Label::new(text).truncate()).on_hover_text(format!("{address}\n{key}"));
            });
        });
    }

    /// Offers an invite that lies on the clipboard, unless it was declined.
    pub fn offer(&mut self, invite: Invite) {
        if self.declined.as_ref() != Some(&invite) {
            self.offered = Some(invite);
        }
    }

    /// With this name filled in.
    pub fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }
}

/// Draws the page.
pub fn show(
    ui: &mut Ui,
    context: ScreenContext<'_>,
    state: &mut WelcomeState,
    host_at: &str,
    actions: &mut Vec<Action>,
) {
    let ScreenContext { model, settings, .. } = context;
    let p = palette(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            // The bar lies over the right edge.
            ui.set_max_width(WELCOME_WIDTH.min(ui.available_width() - 12.0));
            ui.add_space((ui.available_height() * 0.04).max(4.0));
            ui.label(RichText::new(t!("window.welcome.title")).font(theme::title()).color(p.text));
            ui.label(RichText::new(t!("window.welcome.text")).color(p.weak));
            ui.add_space(theme::GAP);
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                name(ui, state, settings, actions);
                ui.add_space(theme::GAP_WIDE);
                ui.add_enabled_ui(state.wrong_name.is_none(), |ui| {
                    recent(ui, model, actions);
                    choices(ui, context, state, host_at, actions);
                });
            });
        });
    });
}

fn name(ui: &mut Ui, state: &mut WelcomeState, settings: &Settings, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let text = t!("window.welcome.name");
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 40.0), Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new(&*text).font(theme::medium()).color(p.text));
        let response = widgets::field(ui, &mut state.name, icons::USER, &text, "", NAME_WIDTH);
        if response.changed() {
            state.wrong_name = Username::new(&state.name).err().map(texts::of_bad_username);
        }
        let name = Username::new(&state.name).ok();
        if response.lost_focus() && name.is_some() && name != settings.name {
            actions.push(Action::Apply(Box::new(Settings { name, ..settings.clone() })));
        }
    });
    match &state.wrong_name {
        Some(why) => ui.label(RichText::new(why).font(theme::small()).color(p.bad)),
        None => widgets::weak(ui, t!("window.welcome.name-text")),
    };
}

/// The networks that we were in: back in with one click, or forgotten.
fn recent(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    if model.recent.iter().next().is_none() {
        return;
    }
    let p = palette(ui);
    let now = SystemTime::now();
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.welcome.recent"));
        for network in model.recent.iter() {
            let name = Shown(&network.name).to_string();
            ui.horizontal(|ui| {
                widgets::glyph(ui, icons::SHARE_NETWORK, 18.0, p.accent);
                ui.vertical(|ui| {
                    let width = (ui.available_width() - 170.0).max(100.0);
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.add(Label::new(RichText::new(&name).font(theme::medium()).color(p.text)).truncate());
                    let (address, when) =
                        (network.invite.address.to_string(), human::time_of_day(network.last_seen, now));
                    let text = t!("window.welcome.last-seen", address = Shown(&address), when = when);
                    ui.add(Label::new(RichText::new(&*text).font(theme::small()).color(p.weak)).truncate());
                });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let forget = format!("{}: {name}", t!("window.welcome.forget"));
                    if widgets::icon_button(ui, icons::X, &forget).clicked() {
                        actions.push(Action::ForgetNetwork(network.invite.clone()));
                    }
                    let join = widgets::button(ui, Loud::Plain, icons::SIGN_IN, &t!("window.welcome.join"));
                    let is_enabled = ui.is_enabled();
                    join.widget_info(|| {
                        WidgetInfo::labeled(Role::Button, is_enabled, format!("{}: {name}", t!("window.welcome.join")))
                    });
                    if join.clicked() {
                        actions.push(Action::Join(network.invite.clone().into()));
                    }
                });
            });
        }
    });
    ui.add_space(4.0);
}

fn choices(
    ui: &mut Ui,
    context: ScreenContext<'_>,
    state: &mut WelcomeState,
    host_at: &str,
    actions: &mut Vec<Action>,
) {
    let ScreenContext { model, settings, .. } = context;
    if choice(ui, icons::BROADCAST, &t!("window.welcome.start"), &t!("window.welcome.start-text")) {
        actions.push(Action::Host(Some(host_at.to_owned())));
    }
    if let Some(why) = &model.host_failed {
        complain(ui, &texts::sentence_of(why));
    }
    ui.add_space(4.0);
    join(ui, model, state, actions);
    ui.add_space(4.0);
    if settings.local_discovery || !model.nearby.is_empty() {
        state.nearby.show(ui, &model.nearby, actions);
    }
    if choice(ui, icons::SPARKLE, &t!("window.welcome.alone"), &t!("window.welcome.alone-text")) {
        actions.push(Action::TryAlone);
    }
}

fn join(ui: &mut Ui, model: &Model, state: &mut WelcomeState, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            disc(ui, icons::SIGN_IN);
            ui.add_space(theme::GAP);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let is_chosen = title(ui, &t!("window.welcome.join-one"));
                ui.add_space(2.0);
                // Who is asked nothing else types here at once.
                let is_alone =
                    state.offered.is_none() && model.recent.iter().next().is_none() && model.nearby.is_empty();
                state.invite.show(ui, Loud::Primary, is_chosen || is_alone, actions);
                // Its place is there before there is something to say: what lies below does not move then.
                let size = vec2(ui.available_width(), MESSAGE_HEIGHT);
                ui.allocate_ui_with_layout(size, Layout::top_down(Align::LEFT), |ui| {
                    ui.set_min_size(size);
                    if !state.invite.is_wrong() {
                        what_came_of_it(ui, model);
                    }
                });
            });
        });
    });
}

/// How it stands with the network that was chosen.
fn what_came_of_it(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    let say = |ui: &mut Ui, text: &str| {
        ui.add(Label::new(RichText::new(text).font(theme::small()).color(p.weak)).wrap());
    };
    match (&model.connection, model.join_failure()) {
        (connection, Some(why)) if connection.awaits_approval() => say(ui, &texts::sentence_of(why)),
        (_, Some(why)) => complain(ui, &texts::sentence_of(why)),
        (TrackerConnection::Connecting { tracker, .. }, None) => {
            say(ui, &t!("window.tracker.connecting", tracker = Shown(tracker)));
        }
        _ => {}
    }
}

/// The title of a choice whose field takes what is typed; a click on it leads there.
fn title(ui: &mut Ui, text: &str) -> bool {
    let label = Label::new(RichText::new(text).font(theme::heading()).color(palette(ui).text));
    let response = ui.add(label.selectable(false).sense(Sense::click()));
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, text));
    let is_clicked = response.clicked();
    if is_clicked {
        response.surrender_focus();
    }
    is_clicked
}

/// The picture in front of a choice.
fn disc(ui: &mut Ui, icon: &str) {
    let p = palette(ui);
    let (disc, _) = ui.allocate_exact_size(vec2(DISC_SIDE, DISC_SIDE), Sense::hover());
    ui.painter().circle_filled(disc.center(), DISC_SIDE / 2.0, p.selected);
    ui.painter().text(disc.center(), egui::Align2::CENTER_CENTER, icon, theme::icon(24.0), p.accent);
}

/// What is beside the words of a choice, above its text and below it, and how high it is at least.
const CHOICE_LEFT: f32 = 80.0;
const CHOICE_RIGHT: f32 = 40.0;
const CHOICE_TEXT_TOP: f32 = 41.0;
const CHOICE_BELOW: f32 = 16.0;
const CHOICE_HEIGHT: f32 = 74.0;

/// A choice as large as a card.
fn choice(ui: &mut Ui, icon: &str, title: &str, text: &str) -> bool {
    let p = palette(ui);
    let width = ui.available_width() - CHOICE_LEFT - CHOICE_RIGHT;
    let text_lines = ui.painter().layout(text.to_owned(), theme::small(), p.weak, width);
    let height = CHOICE_HEIGHT.max(CHOICE_TEXT_TOP + text_lines.size().y + CHOICE_BELOW);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let how = ui.ctx().animate_bool_with_time(response.id, response.hovered(), 0.1);
    let stroke = if how > 0.5 { p.accent } else { p.line };
    let left = rect.left() + CHOICE_LEFT;
    let title_line = one_line(ui, title, theme::heading(), p.text, width);
    let painter = ui.painter();
    painter.rect(
        rect,
        theme::RADIUS_CARD,
        if response.hovered() { p.hover } else { p.card },
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    let middle = pos2(rect.left() + 18.0 + DISC_SIDE / 2.0, rect.center().y);
    painter.circle_filled(middle, DISC_SIDE / 2.0, p.selected);
    painter.text(middle, egui::Align2::CENTER_CENTER, icon, theme::icon(24.0), p.accent);
    painter.galley(pos2(left, rect.top() + 18.0), title_line, p.text);
    painter.galley(pos2(left, rect.top() + CHOICE_TEXT_TOP), text_lines, p.weak);
    let arrow = pos2(rect.right() - 24.0, rect.center().y);
    painter.text(arrow, egui::Align2::CENTER_CENTER, icons::CARET_RIGHT, theme::icon(16.0), p.weak);
    widgets::focus_ring(ui, &response, rect);
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, title));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}
