//! Messages in passing: what finished, what failed, and what can be done about it at once. One of them has a place of its own
//! below the page, where it covers nothing: what offers something first. There, too, is what else comes without being asked for. Only what comes besides, or is too long for a line,
//! is glass over the page's corner.

use eframe::egui::{self, Align, Align2, Color32, Frame, Id, Label, Layout, Margin, Panel, RichText, Stroke, Ui, vec2};
use potok_core::node::intent::{Intent, TransferSelection};
use potok_core::protocol::command::owner::LiftBan;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::away;
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::screens::UiState;
use crate::gui::theme::{self, Palette, palette};
use crate::gui::widgets::message_line::{MESSAGE_LINE_HEIGHT, message_line};
use crate::gui::widgets::{self, Loud};
use crate::model::{Model, Remedy, Toast, Tone};

const TOAST_WIDTH: f32 = 380.0;
/// Between two messages, and between the newest and the place of those that offer something.
const TOAST_GAP: f32 = 8.0;
/// So much of a message is seen while the pointer is over it.
const UNDER_POINTER: f32 = 0.2;
const TEXT_WIDTH: f32 = 286.0;
/// What is beside the text of a message in the place below the page.
const ROUND_THE_TEXT: f32 = 92.0;
/// The place below the page; it is there without a message too, so that nothing moves when one comes.
const PLACE_HEIGHT: f32 = MESSAGE_LINE_HEIGHT + TOAST_GAP;

/// What is in the place that covers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    /// Nothing, or a line without a button.
    Idle,
    /// The clipboard's invite.
    Offer,
    /// A message that offers something, by its number.
    Remedy(u64),
    /// That the network is away.
    Away,
}

/// Draws what is said in the place that covers nothing: the clipboard's invite, the newest of the messages that offer
/// something, that the network is away, or the newest message that fits into a line. Gives the number of the message.
///
/// What has a button stays under the pointer: a click that was meant for one never hits another.
pub(super) fn place(ui: &mut Ui, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) -> Option<u64> {
    let frame = Frame::new().fill(palette(ui).page).inner_margin(Margin { left: 20, right: 20, top: 0, bottom: 8 });
    let panel = Panel::bottom("messages").frame(frame).exact_size(PLACE_HEIGHT).resizable(false);
    let shown = panel.show_separator_line(false).show(ui, |ui| {
        let offering: Vec<&Toast> = model.toasts.iter().rev().filter(|toast| toast.remedy.is_some()).collect();
        let away = away::over_old_lists(model, state.screen);
        let has_offer = state.screen == Screen::Welcome && state.welcome.has_offer();
        let is_there = |placed: Placed| match placed {
            Placed::Idle => true,
            Placed::Offer => has_offer,
            Placed::Remedy(number) => offering.iter().any(|toast| toast.number == number),
            Placed::Away => away.is_some(),
        };
        let wanted = match offering.first() {
            _ if has_offer => Placed::Offer,
            Some(toast) => Placed::Remedy(toast.number),
            None if away.is_some() => Placed::Away,
            None => Placed::Idle,
        };
        let id = Id::unique("placed");
        let before = ui.data(|data| data.get_temp::<Placed>(id)).unwrap_or(Placed::Idle);
        let is_pointed_at = ui.rect_contains_pointer(ui.max_rect());
        let placed = if before == Placed::Idle || !is_pointed_at { wanted } else { before };
        ui.data_mut(|data| data.insert_temp(id, placed));
        if !is_there(placed) {
            // It is gone from under the pointer; another one waits until that has left.
            return None;
        }
        match placed {
            Placed::Offer => state.welcome.show_offer(ui, actions),
            Placed::Remedy(number) => {
                let toast = offering.iter().find(|toast| toast.number == number)?;
                in_line(ui, toast, offering.len() - 1, actions);
                return Some(number);
            }
            Placed::Away => away.iter().for_each(|away| away.in_line(ui, actions)),
            Placed::Idle => match model.toasts.iter().rev().find(|toast| fits(ui, &toast.text)) {
                Some(toast) => {
                    in_line(ui, toast, 0, actions);
                    return Some(toast.number);
                }
                None => what_is_missing(ui, model, state.screen),
            },
        }
        None
    });
    shown.inner
}

/// Whether a message can be read whole in the place below the page.
fn fits(ui: &Ui, text: &str) -> bool {
    let line = ui.painter().layout_no_wrap(text.to_owned(), theme::body(), Color32::PLACEHOLDER);
    !text.contains('\n') && line.size().x <= ui.available_width() - ROUND_THE_TEXT
}

/// That the list above is not whole, as long as it is not.
fn what_is_missing(ui: &mut Ui, model: &Model, screen: Screen) {
    let Some(text) = away::partial(model, screen) else { return };
    let p = palette(ui);
    message_line(ui, p.line, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::glyph(ui, icons::WARNING, 18.0, p.warn);
            ui.add(Label::new(RichText::new(&text).font(theme::small()).color(p.text)).truncate()).on_hover_text(&text);
        });
    });
}

/// Draws the others over the page.
pub(super) fn show(ui: &Ui, model: &Model, placed: Option<u64>) {
    // The newest is at the bottom.
    let mut above = PLACE_HEIGHT + TOAST_GAP;
    let is_over = |toast: &&Toast| toast.remedy.is_none() && Some(toast.number) != placed;
    for toast in model.toasts.iter().rev().filter(is_over) {
        let id = Id::unique(("toast", toast.number));
        let area = egui::Area::new(id).anchor(Align2::RIGHT_BOTTOM, vec2(-20.0, -above));
        // Clicks go through it, and under the pointer it is glass.
        let was = egui::AreaState::load(ui.ctx(), id).map(|state| state.rect());
        let is_hovered =
            was.is_some_and(|rect| ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| rect.contains(at)));
        let shown = area.order(egui::Order::Foreground).interactable(false).show(ui.ctx(), |ui| {
            ui.set_max_width(TOAST_WIDTH);
            ui.set_opacity(if is_hovered { UNDER_POINTER } else { 1.0 });
            one(ui, toast);
        });
        above += shown.response.rect.height() + TOAST_GAP;
    }
}

fn one(ui: &mut Ui, toast: &Toast) {
    let p = palette(ui);
    let (icon, color) = look(p, toast.tone);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.shadow(ui.visuals().popup_shadow).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal_top(|ui| {
            widgets::glyph(ui, icon, 18.0, color);
            ui.allocate_ui(vec2(TEXT_WIDTH, 0.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(TEXT_WIDTH);
                    ui.add(Label::new(RichText::new(&toast.text).color(p.text)).wrap());
                });
            });
        });
    });
}

/// A message in one line, with what can be done about it; `more` others that offer something wait behind it.
fn in_line(ui: &mut Ui, toast: &Toast, more: usize, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let (icon, color) = look(p, toast.tone);
    message_line(ui, p.line, |ui| {
        if widgets::icon_button(ui, icons::X, &t!("window.close")).clicked() {
            actions.push(Action::CloseToast(toast.number));
        }
        if more > 0 {
            ui.label(RichText::new(format!("+{more}")).font(theme::small()).color(p.weak));
        }
        if toast.remedy.as_ref().is_some_and(|remedy| button(ui, remedy, actions)) {
            actions.push(Action::CloseToast(toast.number));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::glyph(ui, icon, 18.0, color);
            ui.add(Label::new(RichText::new(&toast.text).color(p.text)).truncate());
        });
    });
}

fn look(p: &Palette, tone: Tone) -> (&'static str, Color32) {
    match tone {
        Tone::Good => (icons::CHECK_CIRCLE, p.good),
        Tone::Bad => (icons::WARNING_CIRCLE, p.bad),
        Tone::Info | Tone::Command | Tone::Sent | Tone::Received => (icons::INFO, p.accent),
    }
}

/// What it offers; whether that was taken.
fn button(ui: &mut Ui, remedy: &Remedy, actions: &mut Vec<Action>) -> bool {
    let (icon, name) = match remedy {
        Remedy::Show(_) => (icons::FOLDER_OPEN, t!("window.transfers.reveal")),
        Remedy::Retry(_) => (icons::ARROW_CLOCKWISE, t!("window.transfers.retry")),
        Remedy::SeeWaiting => (icons::BROADCAST, t!("window.page.tracker")),
        Remedy::Unban(_) => (icons::ARROW_COUNTER_CLOCKWISE, t!("window.undo")),
    };
    let is_clicked = widgets::button(ui, Loud::Quiet, icon, &name).clicked();
    if is_clicked {
        match remedy {
            Remedy::Show(path) => actions.push(Action::Reveal(path.clone())),
            Remedy::Retry(number) => actions.push(Action::Ask(Intent::Retry(TransferSelection::One(*number)))),
            Remedy::SeeWaiting => actions.push(Action::Go(Screen::Tracker)),
            Remedy::Unban(who) => {
                actions.extend(who.iter().map(|who| Action::Ask(Intent::Order(LiftBan { who: who.clone() }.into()))));
            }
        }
    }
    is_clicked
}
