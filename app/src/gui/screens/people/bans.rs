//! Who is shut out of the network that runs here.

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::binding::{Ban, BanTarget};
use potok_core::model::shown::Shown;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::LiftBan;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme;
use crate::gui::widgets::kept_rows::KeptRows;
use crate::gui::widgets::table::{Column, Table};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::Model;

/// Draws the list.
pub(super) fn show(ui: &mut Ui, model: &Model, kept: &mut KeptRows<String>, actions: &mut Vec<Action>) {
    let rows = &model.bans;
    if rows.is_empty() {
        let (title, text) = (t!("window.bans.empty-title"), t!("window.bans.empty-text"));
        widgets::empty(ui, icons::PROHIBIT, &title, &text, |_| {});
        return;
    }
    let height = (ui.available_height() - 92.0).max(80.0);
    let title = t!("window.people.ban");
    let table = Table { id: "bans", title, columns: &columns(), rows: rows.len(), sorted: None, height: Some(height) };
    kept.follow(ui.ctx(), "bans", rows.iter().map(|ban| ban.target.to_string()).collect());
    let mut lets_in = false;
    let happened = table.show(
        ui,
        &mut kept.selection,
        |index| rows.get(index),
        |ban| match &ban.username {
            Some(_) => format!("{} {}", name(ban), Shown(&ban.target.to_string())),
            None => name(ban),
        },
        |ui, _| lets_in |= widgets::menu_item(ui, icons::ARROW_COUNTER_CLOCKWISE, &t!("window.bans.unban"), "Del"),
    );
    kept.saw(happened.view);
    let chosen: Vec<&Ban> = kept.selection.rows.iter().filter_map(|row| rows.get(row)).collect();
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
        actions
            .extend(chosen.iter().map(|ban| Action::Ask(Intent::Order(LiftBan { who: (&ban.target).into() }.into()))));
    }
}

fn columns<'a>() -> [Column<&'a Ban>; 6] {
    [
        Column::new(
            "person",
            || t!("window.column.person"),
            0.0,
            |cell, ban: &&Ban| {
                cell.icon_text(icons::PROHIBIT, &name(ban), theme::medium(), cell.palette().text);
            },
        ),
        Column::new(
            "by",
            || t!("window.bans.by"),
            104.0,
            |cell, ban: &&Ban| {
                let by = match ban.target {
                    BanTarget::Key(_) => t!("window.bans.key"),
                    BanTarget::Address(_) => t!("window.people.address"),
                    BanTarget::Prefix(_) => t!("window.bans.prefix"),
                    BanTarget::Name(_) => t!("window.column.name"),
                };
                cell.text(&by, theme::small(), cell.palette().weak);
            },
        )
        .least(90.0)
        .drop(2),
        Column::new(
            "target",
            || t!("window.bans.target"),
            200.0,
            |cell, ban: &&Ban| {
                // Without a person it is what stands in front.
                let target = ban.username.as_ref().map(|_| Shown(&ban.target.to_string()).to_string());
                cell.path(&target.unwrap_or_default(), theme::mono(), cell.palette().weak);
            },
        )
        .drop(4),
        Column::new(
            "until",
            || t!("window.bans.until"),
            132.0,
            |cell, ban: &&Ban| {
                let until = ban.terms.until.map_or_else(|| t!("window.bans.for-good").into_owned(), human::moment);
                cell.text(&until, theme::small(), cell.palette().text);
            },
        )
        .least(132.0),
        Column::new(
            "reason",
            || t!("window.bans.reason"),
            190.0,
            |cell, ban: &&Ban| {
                let reason = ban.terms.reason.as_ref().map_or("–".to_owned(), |it| Shown(it.as_str()).to_string());
                cell.text(&reason, theme::small(), cell.palette().text);
            },
        )
        .grow()
        .drop(1),
        Column::new(
            "ordered-by",
            || t!("window.bans.ordered-by"),
            100.0,
            |cell, ban: &&Ban| {
                let by = ban.terms.by.as_ref().map_or("–".to_owned(), |name| Shown(name.as_str()).to_string());
                cell.text(&by, theme::small(), cell.palette().weak);
            },
        )
        .drop(3),
    ]
}

/// Who it is, or what is shut out if that is not said.
fn name(ban: &Ban) -> String {
    ban.username
        .as_ref()
        .map_or_else(|| Shown(&ban.target.to_string()).to_string(), |name| Shown(name.as_str()).to_string())
}
