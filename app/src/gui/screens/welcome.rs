//! The first start: a name, and two choices.

use eframe::egui::{
    self, Align, Layout, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
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
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};

const WELCOME_WIDTH: f32 = 640.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct WelcomeState {
    /// My name, filled in.
    pub name: String,
    invite: String,
    is_joining: bool,
    wrong_name: Option<String>,
    /// An invite on the clipboard.
    offered: Option<Invite>,
    declined: Option<Invite>,
}

impl WelcomeState {
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
    let ScreenContext { model, settings, join_failed, .. } = context;
    let p = palette(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.set_max_width(WELCOME_WIDTH);
            ui.add_space((ui.available_height() * 0.08).max(8.0));
            ui.label(RichText::new(t!("window.welcome.title")).font(theme::title()).color(p.text));
            ui.label(RichText::new(t!("window.welcome.text")).color(p.weak));
            ui.add_space(theme::GAP_WIDE);
            name(ui, state, settings, actions);
            ui.add_space(theme::GAP_WIDE);
            let is_on_the_way = matches!(model.connection, TrackerConnection::Connecting { .. });
            ui.add_enabled_ui(state.wrong_name.is_none(), |ui| {
                ui.with_layout(Layout::top_down(Align::LEFT), |ui| choices(ui, state, host_at, actions));
            });
            if let Some(why) = join_failed {
                ui.add_space(theme::GAP);
                ui.label(RichText::new(why).color(p.bad));
            } else if is_on_the_way {
                ui.add_space(theme::GAP);
                ui.label(RichText::new(t!("window.side.connecting")).color(p.weak));
            }
        });
    });
}

fn name(ui: &mut Ui, state: &mut WelcomeState, settings: &Settings, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let text = t!("window.welcome.name");
    ui.allocate_ui_with_layout(vec2(WELCOME_WIDTH, 40.0), Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new(&*text).font(theme::medium()).color(p.text));
        let response = widgets::field(ui, &mut state.name, icons::USER, &text, "", 280.0);
        if response.changed() {
            state.wrong_name = Username::new(&state.name).err().map(|why| why.to_string());
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

/// An invite that was copied somewhere else: joining it is one click, and whose it is can be seen.
fn offer(ui: &mut Ui, state: &mut WelcomeState, actions: &mut Vec<Action>) {
    let Some(invite) = state.offered.clone() else { return };
    let p = palette(ui);
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            let (disc, _) = ui.allocate_exact_size(vec2(46.0, 46.0), Sense::hover());
            ui.painter().circle_filled(disc.center(), 23.0, p.selected);
            ui.painter().text(disc.center(), egui::Align2::CENTER_CENTER, icons::LINK, theme::icon(24.0), p.accent);
            ui.add_space(theme::GAP);
            ui.vertical(|ui| {
                ui.set_width(WELCOME_WIDTH - 230.0);
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(RichText::new(t!("window.welcome.clipboard")).font(theme::heading()).color(p.text));
                let address = Shown(&invite.address.to_string()).to_string();
                ui.add(egui::Label::new(RichText::new(address).font(theme::mono()).color(p.text)).truncate());
                let key = fingerprint::hex(&invite.key);
                ui.add(egui::Label::new(RichText::new(&key).font(theme::mono()).color(p.weak)).truncate())
                    .on_hover_text(key);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::icon_button(ui, icons::X, &t!("window.welcome.decline")).clicked() {
                    state.declined = state.offered.take();
                }
                if widgets::button(ui, Loud::Primary, "", &t!("window.welcome.join-it")).clicked() {
                    actions.push(Action::Join(invite.to_string()));
                    state.offered = None;
                }
            });
        });
    });
    ui.add_space(4.0);
}

fn choices(ui: &mut Ui, state: &mut WelcomeState, host_at: &str, actions: &mut Vec<Action>) {
    offer(ui, state, actions);
    if choice(ui, icons::BROADCAST, &t!("window.welcome.start"), &t!("window.welcome.start-text")) {
        actions.push(Action::Host(Some(host_at.to_owned())));
    }
    ui.add_space(4.0);
    if choice(ui, icons::SIGN_IN, &t!("window.welcome.join-one"), &t!("window.welcome.join-text")) {
        state.is_joining = !state.is_joining;
    }
    if state.is_joining {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let name = t!("window.welcome.paste");
            let width = WELCOME_WIDTH - 130.0;
            let response = widgets::field(ui, &mut state.invite, icons::LINK, &name, &name, width);
            if state.invite.is_empty() && ui.memory(|memory| memory.focused().is_none()) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let clicked = widgets::button(ui, Loud::Primary, "", &t!("window.welcome.join")).clicked();
            if (entered || clicked) && !state.invite.trim().is_empty() {
                actions.push(Action::Join(state.invite.clone()));
            }
        });
    }
    ui.add_space(4.0);
    if choice(ui, icons::SPARKLE, &t!("window.welcome.alone"), &t!("window.welcome.alone-text")) {
        actions.push(Action::TryAlone);
    }
}

/// A choice as large as a card.
fn choice(ui: &mut Ui, icon: &str, title: &str, text: &str) -> bool {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(WELCOME_WIDTH, 82.0), Sense::click());
    let how = ui.ctx().animate_bool_with_time(response.id, response.hovered(), 0.1);
    let stroke = if how > 0.5 { p.accent } else { p.line };
    let painter = ui.painter();
    painter.rect(
        rect,
        theme::RADIUS_CARD,
        if response.hovered() { p.hover } else { p.card },
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    let disc = pos2(rect.left() + 46.0, rect.center().y);
    painter.circle_filled(disc, 23.0, p.selected);
    painter.text(disc, egui::Align2::CENTER_CENTER, icon, theme::icon(24.0), p.accent);
    let left = rect.left() + 86.0;
    painter.text(pos2(left, rect.top() + 31.0), egui::Align2::LEFT_CENTER, title, theme::heading(), p.text);
    painter.text(pos2(left, rect.top() + 53.0), egui::Align2::LEFT_CENTER, text, theme::small(), p.weak);
    let arrow = pos2(rect.right() - 24.0, rect.center().y);
    painter.text(arrow, egui::Align2::CENTER_CENTER, icons::CARET_RIGHT, theme::icon(16.0), p.weak);
    widgets::focus_ring(ui, &response, rect);
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, title));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}
