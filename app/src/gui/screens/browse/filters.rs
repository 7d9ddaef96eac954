//! The row of filters: kind, person, size, and whether folders are shown.

use eframe::egui::{self, Ui};
use potok_core::model::file_kind::FileKind;
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::state::BrowseState;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::browse::{Listed, Query};

/// People in the filter's menu.
const PEOPLE_SHOWN: usize = 200;
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
            if widgets::choice(ui, &mut state.by_folder, &options) {
                (state.query.sort, state.query.is_descending) = Default::default();
            }
        });
        let plain = Query { sort: state.query.sort, is_descending: state.query.is_descending, ..Query::default() };
        if (Query { folder: None, is_tree: false, ..state.query.clone() }) != plain {
            if widgets::button(ui, Loud::Quiet, icons::X, &t!("window.browse.clear")).clicked() {
                state.query = plain;
            }
            widgets::weak(ui, found(model));
        }
        if state.waits_long(ui.ctx()) {
            widgets::weak(ui, t!("window.browse.searching"));
        }
    });
    ui.add_space(4.0);
}

/// How much was found; nothing while that is being counted.
fn found(model: &Model) -> String {
    let totals = match model.browse.shown() {
        Listed::Rows(rows) => rows.totals().copied(),
        Listed::Tree(tree) => tree.totals(),
    };
    totals.map_or_else(String::new, |of| format!("{}  ·  {}", thousands(of.files), human::size(of.bytes)))
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
    egui::Popup::menu(&response).show(add);
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
