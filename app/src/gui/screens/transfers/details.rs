//! What lies below the table: the one transfer that is chosen, in whole sentences, with its sources and files; or the
//! speeds. It is as high whatever it shows, so that nothing jumps.

use eframe::egui::{Align, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, Ui, vec2};
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::node::event::{Direction, Transfer, TransferDetails};
use potok_core::node::intent::{FileQuery, Intent};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screens::transfers::columns::{color, state_words};
use crate::gui::screens::transfers::{QUEUE_MOVES, can_cancel, graph, lists, parts, place_words};
use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::texts;

/// What is shown of the transfer that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DetailsTab {
    #[default]
    Overview,
    Sources,
    Files,
    Speed,
}

/// What the person chose here.
#[derive(Debug, Default)]
pub(super) struct DetailsState {
    tab: DetailsTab,
    /// Which files are in view.
    pub(super) query: FileQuery,
}

/// Draws it in so much height.
pub(super) fn show(
    ui: &mut Ui,
    model: &Model,
    chosen: Option<&Transfer>,
    state: &mut DetailsState,
    height: f32,
    actions: &mut Vec<Action>,
) {
    let p = palette(ui);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    let margin = Margin::symmetric(14, 8);
    frame.inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.set_height(height - margin.sum().y);
        ui.spacing_mut().item_spacing.y = 4.0;
        let details = model.looked_at.details.as_ref();
        let details = details.filter(|details| chosen.is_some_and(|chosen| chosen.number == details.number));
        let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| match chosen {
            Some(chosen) => tabs(ui, chosen, details, state, actions),
            None => {
                widgets::weak(ui, t!("window.transfers.speed"));
                graph::legend(ui);
            }
        });
        match (chosen, state.tab) {
            (None, _) | (_, DetailsTab::Speed) => graph::show(ui, model),
            (Some(chosen), DetailsTab::Overview) => overview(ui, model, chosen, details),
            (Some(_), DetailsTab::Sources) => lists::sources(ui, details),
            (Some(chosen), DetailsTab::Files) => lists::files(ui, chosen, details, &mut state.query),
        }
    });
}

fn tabs(
    ui: &mut Ui,
    chosen: &Transfer,
    details: Option<&TransferDetails>,
    state: &mut DetailsState,
    actions: &mut Vec<Action>,
) {
    let names = [
        t!("window.transfers.overview"),
        t!("window.transfers.sources"),
        t!("window.transfers.files-tab"),
        t!("window.transfers.speed-tab"),
    ];
    let mut options = vec![
        (DetailsTab::Overview, icons::INFO, &*names[0]),
        (DetailsTab::Sources, icons::USERS_THREE, &*names[1]),
        (DetailsTab::Files, icons::LIST_BULLETS, &*names[2]),
        (DetailsTab::Speed, icons::SPEEDOMETER, &*names[3]),
    ];
    if chosen.direction == Direction::Upload {
        // Nobody knows what else will be asked for.
        options.retain(|(tab, ..)| *tab != DetailsTab::Files);
        if state.tab == DetailsTab::Files {
            state.tab = DetailsTab::Overview;
        }
    }
    if widgets::choice(ui, &mut state.tab, &options) {
        state.query = FileQuery::default();
    }
    let failed = details.map_or(0, |details| details.files.failed);
    if state.tab == DetailsTab::Speed {
        graph::legend(ui);
    } else if state.tab == DetailsTab::Files && (failed > 0 || state.query.only_failed) {
        let name = t!("window.transfers.only-failed", count = thousands(failed));
        if widgets::switch(ui, &mut state.query.only_failed, &name).changed() {
            state.query.from = 0;
        }
        widgets::weak(ui, &*name);
    }
    if can_cancel(chosen) && !widgets::is_narrow(ui) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| queue_moves(ui, chosen, actions));
    }
}

fn overview(ui: &mut Ui, model: &Model, transfer: &Transfer, details: Option<&TransferDetails>) {
    let p = palette(ui);
    let percent = human::percent(transfer.done_bytes, transfer.total_bytes);
    parts::show(ui, details.map(|details| &details.map), percent);
    ScrollArea::vertical().id_salt("details").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        let whole = Shown(&transfer.label).to_string();
        ui.add(Label::new(RichText::new(whole).font(theme::medium()).color(p.text)).selectable(true).wrap());
        let mut words = vec![state_words(transfer)];
        let (done, total) = (human::size(transfer.done_bytes), human::size(transfer.total_bytes));
        words.push(t!("window.transfers.totals", done = done, total = total).into_owned());
        if transfer.files > 1 {
            let (done, all) = (thousands(transfer.files_done), thousands(transfer.files));
            words.push(t!("window.transfers.files", done = done, all = all).into_owned());
        }
        if transfer.sources > 1 {
            words.push(t!("window.state.sources", count = transfer.sources).into_owned());
        }
        let state = RichText::new(words.join(" · ")).font(theme::small()).color(color(p, &transfer.state));
        ui.add(Label::new(state).selectable(true).wrap());
        widgets::weak(ui, who_and_where(transfer));
        for (path, why) in model.failed_files.of(transfer.number) {
            let text = texts::about_file(path, texts::in_window(why));
            ui.add(Label::new(RichText::new(text).font(theme::small()).color(p.bad)).wrap());
        }
    });
}

/// Buttons for its place in the queue.
fn queue_moves(ui: &mut Ui, transfer: &Transfer, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 0.0;
    // Laid out from the right.
    for (to, icon, _, keys) in QUEUE_MOVES.into_iter().rev() {
        let name = format!("{} ({keys})", place_words(to));
        if widgets::icon_button(ui, icon, &name).clicked() {
            actions.push(Action::Ask(Intent::Reorder { number: transfer.number, to }));
        }
    }
}

fn who_and_where(transfer: &Transfer) -> String {
    let user = Shown(transfer.user.as_str()).to_string();
    match (&transfer.local_path, transfer.direction) {
        (Some(path), Direction::Download) => {
            t!("window.transfers.from-to", user = user, path = ShownPath(path)).into_owned()
        }
        (None, Direction::Download) => t!("window.transfers.from", user = user).into_owned(),
        (_, Direction::Upload) => t!("window.transfers.to", user = user).into_owned(),
    }
}
