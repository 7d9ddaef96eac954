//! What is asked before something is fetched: its place is taken, or it has names that may not be written here.

use eframe::egui::{self, Grid, Label, RichText, ScrollArea, Ui};
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
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
    let is_left = widgets::modal(ctx, "download-question", ASK_WIDTH, |ui| match question {
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
            let path = ShownPath(&one.path).to_string();
            ui.add(Label::new(RichText::new(path).font(theme::mono()).color(palette(ui).text)).wrap());
        }
    });
    widgets::weak(ui, t!("window.ask.taken-text"));
    widgets::answers(ui, |ui| {
        if let [one] = taken
            && widgets::default_button(ui, Loud::Primary, &t!("window.ask.open"))
        {
            actions.push(Action::Open(one.path.clone()));
            *answer = Some(Answer::Leave);
        }
        // Of several none can be opened.
        let default = (taken.len() > 1).then_some(Answer::KeepBoth);
        choices(ui, TAKEN, default, answer);
    });
}

fn partly_there(ui: &mut Ui, TakenFolder { wanted, there }: &TakenFolder, answer: &mut Option<Answer>) {
    title_of(ui, icons::WARNING_CIRCLE, &t!("window.ask.folder", name = short(&wanted.path())));
    let path = ShownPath(&there.path).to_string();
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
    widgets::answers(ui, |ui| choices(ui, PARTLY_THERE, Some(Answer::KeepBoth), answer));
}

/// What can be done about one place, or several; and about a folder that is there in part.
const TAKEN: &[Answer] = &[Answer::KeepBoth, Answer::Replace, Answer::Leave];
const PARTLY_THERE: &[Answer] = &[Answer::KeepBoth, Answer::Replace, Answer::WithoutThem, Answer::Leave];
const UNSAFE_NAME: &[Answer] = &[Answer::Rename, Answer::Leave];
const UNSAFE_NAMES: &[Answer] = &[Answer::Rename, Answer::WithoutThem, Answer::Leave];

/// A button for each of these answers, of which one is the default.
fn choices(ui: &mut Ui, of: &[Answer], default: Option<Answer>, answer: &mut Option<Answer>) {
    for this in of {
        let name = match this {
            Answer::KeepBoth => t!("window.ask.keep-both"),
            Answer::Replace => t!("window.ask.replace"),
            Answer::WithoutThem => t!("window.ask.without"),
            Answer::Rename => t!("window.ask.rename"),
            Answer::Leave => t!("window.ask.leave"),
        };
        let is_chosen = if default == Some(*this) {
            widgets::default_button(ui, Loud::Primary, &name)
        } else {
            widgets::button(ui, Loud::Plain, "", &name).clicked()
        };
        if is_chosen {
            *answer = Some(*this);
        }
    }
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
    let of = if is_folder { UNSAFE_NAMES } else { UNSAFE_NAME };
    widgets::answers(ui, |ui| choices(ui, of, Some(Answer::Rename), answer));
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
