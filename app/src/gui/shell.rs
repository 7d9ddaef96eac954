//! What is round every page: the bar of pages, messages, questions, shortcuts.

use eframe::egui::{
    self, Align2, Color32, Frame, Id, Key, Margin, Modifiers, Panel, Pos2, RichText, Sense, Stroke, Ui, WidgetInfo,
    accesskit::Role, pos2, vec2,
};
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use potok_core::node::settings::Settings;
use potok_core::reach::reachability::ReachVerdict;
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Dialog};
use crate::gui::away;
use crate::gui::icons;
use crate::gui::reach_sign;
use crate::gui::screen::Screen;
use crate::gui::screens::{self, UiState};
use crate::gui::theme::{self, RADIUS, palette};
use crate::gui::toasts;
use crate::gui::widgets::text::one_line;
use crate::gui::widgets::{self, Loud};
use crate::gui::{dialogs, download_questions, guide, share_question};
use crate::human;
use crate::model::newer_version::RELEASES;
use crate::model::{Model, reach_advice, short};
use crate::texts;

/// Pages in the bar, with their icons; Alt and a number shows them.
const SCREENS: [(Screen, &str, Key); 7] = [
    (Screen::Browse, icons::COMPASS, Key::Num1),
    (Screen::Transfers, icons::DOWNLOAD_SIMPLE, Key::Num2),
    (Screen::Shared, icons::FOLDER_OPEN, Key::Num3),
    (Screen::People, icons::USERS_THREE, Key::Num4),
    (Screen::Tracker, icons::BROADCAST, Key::Num5),
    (Screen::Console, icons::TERMINAL_WINDOW, Key::Num6),
    (Screen::Settings, icons::GEAR_SIX, Key::Num7),
];

/// The line in the bar that says how fast something comes and leaves.
const SPEEDS_HEIGHT: f32 = 24.0;

/// One frame of the whole window.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, settings: &Settings) -> Vec<Action> {
    let mut actions = Vec::new();
    shortcuts(ui, state, &mut actions);
    // What a screen reader calls the window.
    ui.ctx().accesskit_node_builder(egui::accesskit_root_id(), |window| window.set_label("Potok"));
    let p = palette(ui);
    let side = Frame::new().fill(p.side).inner_margin(Margin::symmetric(12, 14));
    Panel::left("pages")
        .frame(side)
        .exact_size(theme::SIDE_WIDTH)
        .resizable(false)
        .show_separator_line(false)
        .show(ui, |ui| pages(ui, model, state, &mut actions));
    let placed = toasts::place(ui, model, state, &mut actions);
    let page = Frame::new().fill(p.page).inner_margin(theme::PAGE_MARGIN);
    egui::CentralPanel::default().frame(page).show(ui, |ui| {
        away::banner(ui, state.screen, state.is_trial, &state.tracker.host_at, &mut actions);
        screens::show(ui, model, state, settings, &mut actions);
    });
    // One at a time, so that each key has one meaning. What waits below is as it was when it is seen again.
    if !state.is_asked && state.confirm.is_none() {
        if state.dialog.is_some() {
            dialogs::show(ui.ctx(), model, state, &mut actions);
        } else if state.guide.is_open() {
            guide::show(ui.ctx(), &mut state.guide, &mut actions);
        } else if model.questions.current().is_some() {
            download_questions::show(ui.ctx(), model, &mut actions);
        } else {
            share_question::show(ui.ctx(), model, &mut actions);
        }
    }
    toasts::show(ui, model, placed);
    drop_hint(ui);
    actions
}

fn shortcuts(ui: &Ui, state: &mut UiState, actions: &mut Vec<Action>) {
    if widgets::pressed(ui, Modifiers::COMMAND, Key::Q) {
        actions.push(Action::WantsQuit);
    }
    // What is asked is answered first: a page that turns behind it, or a dialog of the system, would hide what it is about.
    if ui.memory(|memory| memory.top_modal_layer().is_some()) {
        return;
    }
    for (page, _, key) in SCREENS {
        if widgets::pressed(ui, Modifiers::ALT, key) {
            state.screen = page;
        }
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::F) {
        state.screen = Screen::Browse;
        state.browse.wants_focus = true;
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::O) {
        state.screen = Screen::Shared;
        actions.push(Action::Pick(crate::gui::action::Pick::ShareFiles));
    }
    if widgets::pressed(ui, Modifiers::NONE, Key::F1) {
        actions.push(Action::OpenGuide);
    }
    if widgets::keys_are_free(ui) && ui.input(|input| input.events.iter().any(is_question_mark)) {
        actions.push(Action::Dialog(Dialog::Shortcuts));
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::I) {
        state.screen = Screen::Invite;
    }
}

/// Wherever it is on the keyboard.
fn is_question_mark(event: &egui::Event) -> bool {
    matches!(event, egui::Event::Text(text) if text == "?")
}

fn pages(ui: &mut Ui, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) {
    let p = palette(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    mark(ui, pos2(rect.left() + 19.0, rect.center().y));
    let name = pos2(rect.left() + 42.0, rect.center().y);
    ui.painter().text(name, Align2::LEFT_CENTER, "Potok", theme::heading(), p.text);
    ui.add_space(16.0);
    for (number, (page, icon, _)) in SCREENS.into_iter().enumerate() {
        let count = match page {
            Screen::Transfers => model.unfinished(),
            Screen::Shared => model.shares.len(),
            Screen::People => model.people.len(),
            _ => 0,
        };
        let is_here = state.screen == page || (page == Screen::Tracker && state.screen == Screen::Welcome);
        if page_button(ui, icon, &page.name(), count, is_here, number + 1) {
            state.screen = page;
        }
    }
    ui.with_layout(egui::Layout::bottom_up(egui::Align::LEFT), |ui| {
        bottom(ui, model, state.is_trial, actions);
        ui.add_space(4.0);
        if invite_button(ui, state.screen == Screen::Invite) {
            state.screen = Screen::Invite;
        }
        // Above it is nothing that could move.
        if let Some(version) = model.newer_version.told() {
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.add_space(8.0);
                let text = RichText::new(t!("window.side.newer", version = version)).font(theme::small());
                ui.hyperlink_to(text, RELEASES);
            });
        }
    });
}

/// Always there, on every page: how others come in.
fn invite_button(ui: &mut Ui, is_here: bool) -> bool {
    let p = palette(ui);
    let name = Screen::Invite.name();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 35.0), Sense::click());
    let fill = match (is_here, response.hovered()) {
        (true, _) => p.selected,
        (false, true) => p.hover,
        (false, false) => p.card,
    };
    ui.painter().rect(rect, RADIUS, fill, Stroke::new(1.0, p.line), egui::StrokeKind::Inside);
    let color = if is_here { p.accent } else { p.text };
    let middle = rect.center().y;
    ui.painter().text(pos2(rect.left() + 20.0, middle), Align2::CENTER_CENTER, icons::LINK, theme::icon(18.0), color);
    ui.painter().text(pos2(rect.left() + 38.0, middle), Align2::LEFT_CENTER, &name, theme::medium(), color);
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_here, &name));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    response.on_hover_text("Ctrl+I").clicked()
}

/// The mark of Potok: three streams in a rounded square.
fn mark(ui: &Ui, center: Pos2) {
    let p = palette(ui);
    let square = egui::Rect::from_center_size(center, vec2(28.0, 28.0));
    ui.painter().rect_filled(square, RADIUS, p.accent_fill);
    for line in [-5.5_f32, 0.0, 5.5] {
        let wave = |i: u8| {
            let t = f32::from(i) / 12.0;
            let x = square.left() + 6.0 + 16.0 * t;
            pos2(x, center.y + line + 2.0 * (t * std::f32::consts::TAU).sin())
        };
        let points: Vec<Pos2> = (0..=12).map(wave).collect();
        ui.painter().line(points, Stroke::new(2.2, p.on_accent));
    }
}

fn page_button(ui: &mut Ui, icon: &str, name: &str, count: usize, is_here: bool, number: usize) -> bool {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 35.0), Sense::click());
    let how = ui.ctx().animate_bool_with_time(response.id, response.hovered(), 0.08);
    let fill = if is_here { p.selected } else { p.hover.gamma_multiply(how) };
    ui.painter().rect_filled(rect, RADIUS, fill);
    let color = if is_here { p.accent } else { p.text };
    let middle = rect.center().y;
    ui.painter().text(pos2(rect.left() + 20.0, middle), Align2::CENTER_CENTER, icon, theme::icon(18.0), color);
    ui.painter().text(pos2(rect.left() + 38.0, middle), Align2::LEFT_CENTER, name, theme::medium(), color);
    if count > 0 {
        let at = pos2(rect.right() - 12.0, middle);
        ui.painter().text(at, Align2::RIGHT_CENTER, human::thousands(count as u64), theme::small(), p.weak);
    }
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_here, name));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    response.on_hover_text(format!("Alt+{number}")).clicked()
}

fn bottom(ui: &mut Ui, model: &Model, is_trial: bool, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let (down, up) = model.speed();
    let (color, beside) = match &model.connection {
        TrackerConnection::Online { .. } if is_trial => (p.warn, t!("window.trial.only-here")),
        TrackerConnection::Online { .. } => (p.good, t!("window.side.online")),
        TrackerConnection::Connecting { .. } if model.connection.awaits_approval() => {
            (p.warn, t!("window.side.awaits-approval"))
        }
        TrackerConnection::Connecting { .. } => (p.warn, t!("window.side.connecting")),
        TrackerConnection::Refused { .. } => (p.bad, t!("window.side.refused")),
        TrackerConnection::None => (p.weak, "".into()),
    };
    let title = match model.network_name() {
        Some(_) if is_trial => t!("window.trial.short").into_owned(),
        Some(network) => network,
        None => t!("window.side.none").into_owned(),
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click());
    if response.hovered() {
        ui.painter().rect_filled(rect, RADIUS, p.hover);
    }
    ui.painter().circle_filled(pos2(rect.left() + 14.0, rect.top() + 13.0), 4.0, color);
    // Whether others can reach us: green only if the tracker has tried it from outside.
    let reach = model.reach.verdict();
    let is_reach_shown = model.is_online() && !is_trial && reach != ReachVerdict::Unknown;
    if is_reach_shown {
        let at = pos2(rect.right() - 14.0, rect.center().y);
        let color = reach_sign::color(p, reach);
        ui.painter().text(at, Align2::CENTER_CENTER, icons::GLOBE_SIMPLE, theme::icon(16.0), color);
    }
    let width = rect.width() - if is_reach_shown { 56.0 } else { 32.0 };
    let first = one_line(ui, &title, theme::medium(), p.text, width);
    ui.painter().galley(pos2(rect.left() + 26.0, rect.top() + 4.0), first, p.text);
    let second = one_line(ui, &beside, theme::small(), p.weak, width);
    ui.painter().galley(pos2(rect.left() + 26.0, rect.top() + 21.0), second, p.weak);
    widgets::focus_ring(ui, &response, rect.shrink(2.0));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{title} {beside}")));
    let response = if is_reach_shown {
        let text = texts::text("reach", reach_advice::verdict_word(reach), &[]);
        response.on_hover_text(texts::capital(&text))
    } else {
        response
    };
    if response.clicked() {
        actions.push(Action::Go(if model.connection == TrackerConnection::None {
            Screen::Welcome
        } else {
            Screen::Tracker
        }));
    }
    // Its place is there while nothing moves too: the button above it must not jump when something begins to.
    let size = vec2(ui.available_width(), SPEEDS_HEIGHT);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_size(size);
        if down + up > 0 {
            ui.add_space(8.0);
            let text = format!("↓ {}  ↑ {}", human::speed(down), human::speed(up));
            ui.label(RichText::new(text).font(theme::small()).color(p.weak));
        }
    });
}

fn drop_hint(ui: &Ui) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let p = palette(ui);
    let rect = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(rect, 0.0, Color32::from_black_alpha(160));
    painter.text(rect.center(), Align2::CENTER_CENTER, t!("window.shared.drop"), theme::title(), p.on_accent);
}

/// The question that is open, if any; what was agreed to.
pub fn confirm(ctx: &egui::Context, model: &Model, state: &mut UiState) -> Option<Confirm> {
    if state.is_asked {
        return None;
    }
    let open = state.confirm.clone()?;
    let network = model.network_name().unwrap_or_default();
    let (title, text, yes) = match &open {
        Confirm::Cancel(numbers) => (
            match named(numbers.iter().filter_map(|number| Some(model.transfers.get(number)?.label.as_str()))) {
                (name, 0) => t!("window.confirm.cancel-one", name = name),
                (name, more) => t!("window.confirm.cancel-several", name = name, more = human::thousands(more)),
            },
            t!("window.confirm.cancel-text"),
            t!("window.confirm.cancel-yes"),
        ),
        Confirm::Unshare(stopping) => {
            let title = match stopping.paths.as_slice() {
                [_] => t!("window.confirm.unshare-title-one", name = stopping.name),
                paths => t!("window.confirm.unshare-title", count = paths.len()),
            };
            (title, stopping.text().into(), t!("window.confirm.unshare-yes"))
        }
        Confirm::ClearHistory(count) => (
            t!("window.confirm.history-title", count = human::thousands(*count as u64)),
            t!("window.confirm.history-text"),
            t!("window.history.clear"),
        ),
        Confirm::Trust(user) => (
            t!("window.confirm.trust-title", user = Shown(user.as_str())),
            t!("window.confirm.trust-text"),
            t!("window.confirm.trust-yes"),
        ),
        Confirm::StopTracker => {
            let title = t!("window.confirm.stop-title", network = network);
            (title, t!("window.confirm.stop-text"), t!("window.confirm.stop-yes"))
        }
        Confirm::Quit => {
            let busy = model.busy(state.is_trial);
            let mut text = busy.sentences();
            text.extend(busy.is_moving().then(|| t!("window.confirm.quit-text").into_owned()));
            let is_alone = busy.hosted.as_ref().is_none_or(|(_, others)| *others == 0);
            text.extend((!is_alone).then(|| t!("window.confirm.quit-host-text").into_owned()));
            let title = if busy.is_moving() || busy.hosted.is_none() {
                t!("window.confirm.quit-title")
            } else {
                t!("window.confirm.quit-host-title")
            };
            (title, text.join("\n").into(), t!("window.confirm.quit-yes"))
        }
    };
    let mut answer = None;
    let is_left = widgets::modal(ctx, "confirm", 380.0, |ui| {
        widgets::heading(ui, &title);
        for sentence in text.lines() {
            ui.add(egui::Label::new(RichText::new(sentence).color(palette(ui).weak)).wrap());
        }
        widgets::answers(ui, |ui| {
            if widgets::button(ui, Loud::Danger, "", &yes).clicked() {
                answer = Some(true);
            }
            // Enter without a look destroys nothing.
            if widgets::default_button(ui, Loud::Plain, &t!("window.confirm.no")) {
                answer = Some(false);
            }
        });
    });
    if is_left {
        answer = Some(false);
    }
    let agreed = answer?;
    state.confirm = None;
    agreed.then_some(open)
}

/// A question names what it is about: the first of them, and how many more there are.
fn named<'a>(mut names: impl Iterator<Item = &'a str>) -> (String, u64) {
    let first = names.next().map(short).unwrap_or_default();
    (first, names.count() as u64)
}
