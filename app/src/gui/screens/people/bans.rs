//! Who is shut out of the network that runs here.

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::binding::{Ban, BanTarget};
use potok_core::model::shown::Shown;
use potok_core::node::intent::Intent;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme;
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::table::{Column, Table};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, model: &Model, selection: &mut RowSelection, actions: &mut Vec<Action>) {
    let rows = &model.bans;
    if rows.is_empty() {
        let (title, text) = (t!("window.bans.empty-title"), t!("window.bans.empty-text"));
        widgets::empty(ui, icons::PROHIBIT, &title, &text, |_| {});
        return;
    }
    let height = (ui.available_height() - 92.0).max(80.0);
    let table = Table { id: "bans", columns: &columns(), rows: rows.len(), sorted: None, height: Some(height) };
    let mut lets_in = false;
    table.show(
        ui,
        selection,
        |index| rows.get(index),
        |ban| format!("{} {}", name(ban), Shown(&ban.target.to_string())),
        |ui, _| lets_in |= widgets::menu_item(ui, icons::ARROW_COUNTER_CLOCKWISE, &t!("window.bans.unban"), "Del"),
    );
    let chosen: Vec<&Ban> = selection.rows.iter().filter_map(|row| rows.get(row)).collect();
    lets_in |= widgets::keys_are_free(ui) && widgets::pressed(ui, Modifiers::NONE, Key::Delete);
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        ui.add_enabled_ui(!chosen.is_empty(), |ui| {
            let text = t!("window.bans.unban");
            lets_in |= widgets::button(ui, Loud::Plain, icons::ARROW_COUNTER_CLOCKWISE, &text).clicked();
        });
        widgets::weak(ui, t!("window.bans.text"));
    });
    if lets_in {
        actions.extend(chosen.iter().map(|ban| Action::Ask(Intent::Unban { who: (&ban.target).into() })));
    }
}

fn columns<'a>() -> [Column<&'a Ban>; 3] {
    [
        Column::new(
            "person",
            || t!("window.column.person"),
            220.0,
            |cell, ban| {
                cell.icon_text(icons::PROHIBIT, &name(ban), theme::medium(), cell.palette().text);
            },
        ),
        Column::new(
            "by",
            || t!("window.bans.by"),
            110.0,
            |cell, ban| {
                let by = match ban.target {
                    BanTarget::Key(_) => t!("window.bans.key"),
                    BanTarget::Address(_) => t!("window.people.address"),
                    BanTarget::Name(_) => t!("window.column.name"),
                };
                cell.text(&by, theme::small(), cell.palette().weak);
            },
        ),
        Column::new(
            "target",
            || "".into(),
            0.0,
            |cell, ban| {
                cell.text(&Shown(&ban.target.to_string()).to_string(), theme::mono(), cell.palette().weak);
            },
        ),
    ]
}

fn name(ban: &Ban) -> String {
    ban.username.as_ref().map_or_else(|| "–".to_owned(), |name| Shown(name.as_str()).to_string())
}
