//! The row of filters: kind, person, size, and whether folders are shown.

use eframe::egui::{self, Align, Label, Layout, RichText, Ui, vec2};
use potok_core::model::file_kind::FileKind;
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::state::BrowseState;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::menu::begin_menu;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::browse::{Listed, Query};
use crate::model::result::QueryResult;

/// People in the filter's menu.
const PEOPLE_SHOWN: usize = 200;
/// Less is too little to say how much was found.
const FOUND_WIDTH_MIN: f32 = 90.0;
const MIB: u64 = 1 << 20;
/// The least sizes to choose from.
const SIZES: [u64; 5] = [0, MIB, 10 * MIB, 100 * MIB, 1024 * MIB];

/// Draws it. A tracker of an older version knows none of them.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut BrowseState) {
    let is_known = !model.browse.is_older_tracker();
    ui.horizontal_wrapped(|ui| {
        ui.add_enabled_ui(is_known, |ui| {
            kinds(ui, state);
            people(ui, model, state);
            sizes(ui, state);
            let (list, tree) = (t!("window.browse.list"), t!("window.browse.folders"));
            let options = [(false, icons::LIST_BULLETS, &*list), (true, icons::TREE_STRUCTURE, &*tree)];
            let choice = if widgets::is_narrow(ui) { widgets::icon_choice } else { widgets::choice };
            if choice(ui, &mut state.by_folder, &options) {
                (state.query.sort, state.query.is_descending) = Default::default();
            }
        });
        let room = ui.available_size_before_wrap().x;
        if room > FOUND_WIDTH_MIN {
            let text = if state.waits_long(ui.ctx()) {
                t!("window.browse.searching").into_owned()
            } else {
                found(model, is_set(&state.query))
            };
            let text = RichText::new(text).font(theme::small()).color(palette(ui).weak);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(vec2(room, theme::CONTROL_HEIGHT), layout, |ui| {
                // The room is kept where there is nothing to say, and nothing is read out.
                if !text.is_empty() {
                    ui.add(Label::new(text).truncate());
                }
            });
        }
    });
    ui.add_space(4.0);
}

/// The button that takes all filters away. Its place is there when none is set, too: nothing moves when one is.
pub(super) fn clear(ui: &mut Ui, state: &mut BrowseState) {
    ui.scope(|ui| {
        if !is_set(&state.query) {
            ui.set_invisible();
        }
        if widgets::icon_button(ui, icons::X, &t!("window.browse.clear")).clicked() {
            state.query = without_filters(&state.query);
        }
    });
}

fn is_set(query: &Query) -> bool {
    (Query { folder: None, is_tree: false, ..query.clone() }) != without_filters(query)
}

/// All files, in the same order.
fn without_filters(query: &Query) -> Query {
    Query { sort: query.sort, is_descending: query.is_descending, ..Query::default() }
}

/// How much was found, while that is known and a filter is set.
fn found(model: &Model, is_set: bool) -> String {
    let totals = match model.browse.shown() {
        Listed::Rows(rows) => rows.totals().copied(),
        Listed::Tree(tree) => tree.totals(),
    };
    // Without a filter the head of the page says it.
    let counted = totals.filter(|_| is_set);
    counted.map_or_else(String::new, |of| {
        t!("window.browse.totals", files = thousands(of.files), size = human::size(of.bytes)).into_owned()
    })
}

/// Copies are found among what is loaded, and no further.
pub(super) fn put_together(rows: &QueryResult) -> Option<String> {
    let (loaded, copies) = rows.loaded();
    let (is_alike, copies) = (copies > 0, thousands(copies as u64));
    if rows.is_whole() {
        return is_alike.then(|| t!("window.browse.copies", copies = copies).into_owned());
    }
    Some(t!("window.browse.only-loaded", loaded = thousands(loaded as u64), copies = copies).into_owned())
}

fn kinds(ui: &mut Ui, state: &mut BrowseState) {
    let name = |kind: Option<FileKind>| kind.map_or(t!("window.kind.any").into_owned(), kind_name);
    menu(ui, &t!("window.browse.kind"), &name(state.query.kind), state.query.kind.is_some(), |ui| {
        for kind in std::iter::once(None).chain(FileKind::ALL.map(Some)) {
            if item(ui, state.query.kind == kind, "", &name(kind)) {
                state.query.kind = kind;
            }
        }
    });
}

fn people(ui: &mut Ui, model: &Model, state: &mut BrowseState) {
    let person = state.query.person.clone();
    let who = person.as_ref().map_or(t!("window.browse.everybody").into_owned(), |p| ShownText(p.as_str()).to_string());
    menu(ui, &t!("window.browse.person"), &who, person.is_some(), |ui| {
        if item(ui, person.is_none(), "", &t!("window.browse.everybody")) {
            state.query.person = None;
        }
        egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for name in model.people.keys().take(PEOPLE_SHOWN) {
                if item(ui, person.as_ref() == Some(name), icons::USER, &ShownText(name.as_str()).to_string()) {
                    state.query.person = Some(name.clone());
                }
            }
            let more = model.people.len().saturating_sub(PEOPLE_SHOWN);
            if more > 0 {
                widgets::weak(ui, t!("window.browse.more-people", count = thousands(more as u64)));
            }
        });
    });
}

fn sizes(ui: &mut Ui, state: &mut BrowseState) {
    let name = |size: u64| match size {
        0 => t!("window.browse.any-size").into_owned(),
        size => format!("≥ {}", human::size(size)),
    };
    menu(ui, &t!("window.browse.size"), &name(state.query.size_min), state.query.size_min > 0, |ui| {
        for size in SIZES {
            if item(ui, state.query.size_min == size, "", &name(size)) {
                state.query.size_min = size;
            }
        }
    });
}

fn item(ui: &mut Ui, is_chosen: bool, icon: &str, text: &str) -> bool {
    widgets::menu_item(ui, if is_chosen { icons::CHECK } else { icon }, text, "")
}

fn menu(ui: &mut Ui, name: &str, value: &str, is_set: bool, add: impl FnOnce(&mut Ui)) {
    let text = match (widgets::is_narrow(ui), is_set) {
        (false, _) => format!("{name}: {value}"),
        (true, false) => name.to_owned(),
        (true, true) => value.to_owned(),
    };
    let response = widgets::button(ui, Loud::Plain, icons::CARET_DOWN, &text);
    egui::Popup::menu(&response).show(|ui| {
        begin_menu(ui);
        add(ui);
    });
}

/// What a kind is called.
pub fn kind_name(kind: FileKind) -> String {
    match kind {
        FileKind::Audio => t!("window.kind.audio"),
        FileKind::Video => t!("window.kind.video"),
        FileKind::Picture => t!("window.kind.picture"),
        FileKind::Document => t!("window.kind.document"),
        FileKind::Archive => t!("window.kind.archive"),
        FileKind::Program => t!("window.kind.program"),
        FileKind::Other => t!("window.kind.other"),
    }
    .into_owned()
}
