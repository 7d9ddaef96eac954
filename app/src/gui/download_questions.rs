//! What is asked before something is fetched: its place is taken, or it has names that may not be written here.

use eframe::egui::{self, Align, Grid, Label, Layout, RichText, ScrollArea, Ui, vec2};
use potok_core::model::shown::Shown;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::human::thousands;
use crate::model::download_questions::{
    DownloadAnswer as Answer, DownloadQuestion, NamesToChange, TakenFolder, TakenPlace,
};
use crate::model::{Model, short};

const ASK_WIDTH: f32 = 560.0;
/// What a question lists before it scrolls.
const LIST_HEIGHT_MAX: f32 = 220.0;
/// So much of a low window is not the list's; and the least that it has.
const ROUND_THE_LIST: f32 = 340.0;
const LIST_HEIGHT_MIN: f32 = 60.0;
/// Lines of a list; more are counted.
const LISTED_MAX: usize = 200;

/// Draws the question that is open, if any.
pub fn show(ctx: &egui::Context, model: &Model, actions: &mut Vec<Action>) {
    let Some(question) = model.questions.current() else { return };
    let mut answer = None;
    let width = ASK_WIDTH.min(ctx.content_rect().width() - 80.0);
    let is_left = widgets::modal(ctx, "download-question", width, |ui| match question {
        DownloadQuestion::Taken(taken) => places(ui, taken, &mut answer, actions),
        DownloadQuestion::Folder(folder) => partly_there(ui, folder, &mut answer),
        DownloadQuestion::Names(names) => unsafe_names(ui, names, &mut answer),
    });
    let answer = answer.or_else(|| is_left.then_some(Answer::Leave));
    actions.extend(answer.map(Action::AnswerDownload));
}

fn places(ui: &mut Ui, taken: &[TakenPlace], answer: &mut Option<Answer>, actions: &mut Vec<Action>) {
    let title = match taken {
        [one] => t!("window.ask.taken-one", name = short(&one.wanted.path())),
        many => t!("window.ask.taken-many", count = thousands(many.len() as u64)),
    };
    title_of(ui, icons::WARNING_CIRCLE, &title);
    list(ui, taken.len(), |ui| {
        for one in taken.iter().take(LISTED_MAX) {
            let path = Shown(&one.path.to_string_lossy()).to_string();
            ui.add(Label::new(RichText::new(path).font(theme::mono()).color(palette(ui).text)).wrap());
        }
    });
    widgets::weak(ui, t!("window.ask.taken-text"));
    answers(ui, |ui| {
        if let [one] = taken
            && widgets::button(ui, Loud::Primary, "", &t!("window.ask.open")).clicked()
        {
            actions.push(Action::Open(one.path.clone()));
            *answer = Some(Answer::Leave);
        }
        for (name, this) in [
            (t!("window.ask.keep-both"), Answer::KeepBoth),
            (t!("window.ask.replace"), Answer::Replace),
            (t!("window.ask.leave"), Answer::Leave),
        ] {
            if widgets::button(ui, Loud::Plain, "", &name).clicked() {
                *answer = Some(this);
            }
        }
    });
}

fn partly_there(ui: &mut Ui, TakenFolder { wanted, there }: &TakenFolder, answer: &mut Option<Answer>) {
    title_of(ui, icons::WARNING_CIRCLE, &t!("window.ask.folder", name = short(&wanted.path())));
    let path = Shown(&there.path).to_string();
    ui.add(Label::new(RichText::new(path).font(theme::mono()).color(palette(ui).text)).wrap());
    ui.add_space(theme::GAP);
    let same = t!("window.ask.folder-same", same = thousands(there.same), files = thousands(there.files));
    widgets::weak(ui, same);
    widgets::weak(ui, t!("window.ask.folder-differing", count = thousands(there.differing)));
    ui.add_space(theme::GAP);
    list(ui, usize::try_from(there.differing).unwrap_or(usize::MAX), |ui| {
        for place in there.places.iter().take(LISTED_MAX) {
            let name = Shown(&there.below(place)).to_string();
            ui.add(Label::new(RichText::new(name).font(theme::mono()).color(palette(ui).text)));
        }
    });
    widgets::weak(ui, t!("window.ask.folder-text"));
    answers(ui, |ui| {
        for (name, this) in [
            (t!("window.ask.keep-both"), Answer::KeepBoth),
            (t!("window.ask.replace"), Answer::Replace),
            (t!("window.ask.without"), Answer::WithoutThem),
            (t!("window.ask.leave"), Answer::Leave),
        ] {
            let loud = if this == Answer::KeepBoth { Loud::Primary } else { Loud::Plain };
            if widgets::button(ui, loud, "", &name).clicked() {
                *answer = Some(this);
            }
        }
    });
}

fn unsafe_names(ui: &mut Ui, names: &NamesToChange, answer: &mut Option<Answer>) {
    let is_folder = names.wanted.is_folder();
    let name = short(&names.wanted.path());
    let title = match is_folder {
        true => t!("window.ask.names-in", name = name),
        false => t!("window.ask.name-of", name = name),
    };
    title_of(ui, icons::SHIELD_WARNING, &title);
    widgets::weak(ui, t!("window.ask.names-text"));
    ui.add_space(theme::GAP);
    list(ui, names.names.len(), |ui| {
        Grid::new("unsafe-names").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
            for title in [t!("window.ask.theirs"), t!("window.ask.here")] {
                ui.label(RichText::new(title).font(theme::small()).color(palette(ui).weak));
            }
            ui.end_row();
            for (original, here) in names.names.iter().take(LISTED_MAX) {
                for name in [original, here] {
                    let name = Shown(name).to_string();
                    ui.add(Label::new(RichText::new(name).font(theme::mono()).color(palette(ui).text)));
                }
                ui.end_row();
            }
        });
    });
    if is_folder {
        widgets::weak(ui, t!("window.ask.files", count = thousands(names.files as u64)));
    }
    answers(ui, |ui| {
        if widgets::button(ui, Loud::Primary, "", &t!("window.ask.rename")).clicked() {
            *answer = Some(Answer::Rename);
        }
        if is_folder && widgets::button(ui, Loud::Plain, "", &t!("window.ask.without")).clicked() {
            *answer = Some(Answer::WithoutThem);
        }
        if widgets::button(ui, Loud::Plain, "", &t!("window.ask.leave")).clicked() {
            *answer = Some(Answer::Leave);
        }
    });
}

fn title_of(ui: &mut Ui, icon: &str, title: &str) {
    ui.horizontal(|ui| {
        widgets::glyph(ui, icon, 20.0, palette(ui).accent);
        ui.add(Label::new(RichText::new(title).font(theme::heading()).color(palette(ui).text)).truncate());
    });
    ui.add_space(theme::GAP);
}

fn list(ui: &mut Ui, count: usize, add: impl FnOnce(&mut Ui)) {
    let height = (ui.ctx().content_rect().height() - ROUND_THE_LIST).clamp(LIST_HEIGHT_MIN, LIST_HEIGHT_MAX);
    ScrollArea::both().auto_shrink([false, true]).max_height(height).show(ui, |ui| {
        add(ui);
        if count > LISTED_MAX {
            widgets::weak(ui, t!("window.ask.more", count = thousands((count - LISTED_MAX) as u64)));
        }
    });
    ui.add_space(theme::GAP);
}

fn answers(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::GAP_WIDE);
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), add);
}
