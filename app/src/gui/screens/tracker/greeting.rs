//! The name of a network and its message of the day, where they can be changed: of the network that runs here, by the
//! settings; of one far away that we own, by an owner's commands.

use eframe::egui::{Margin, RichText, TextEdit, Ui, WidgetInfo, accesskit::Role};
use potok_core::model::ban_terms::Remark;
use potok_core::node::event::TrackerConnection;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use potok_core::protocol::command::owner::{RenameNetwork, SetMessage};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::palette;
use crate::gui::widgets::{self, Loud};
use crate::model::Model;

/// What the network says, as typed.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    /// What was there when the typing began, and what is typed.
    typed: Option<[(String, String); 2]>,
}

/// Draws the card.
pub(super) fn show(
    ui: &mut Ui,
    model: &Model,
    greeting: &mut Greeting,
    settings: &Settings,
    actions: &mut Vec<Action>,
) {
    let is_hosted = model.hosted().is_some();
    let now = match &model.connection {
        TrackerConnection::Online { network, message_of_the_day, .. } if !is_hosted => {
            (network.clone(), message_of_the_day.join("\n"))
        }
        _ => (settings.network_name.clone(), settings.message_of_the_day.clone()),
    };
    // What changes elsewhere is shown, unless somebody is typing here.
    if greeting.typed.as_ref().is_some_and(|[before, typed]| before == typed && *before != now) {
        greeting.typed = None;
    }
    let [before, (name, message)] = greeting.typed.get_or_insert_with(|| [now.clone(), now]);
    let mut is_saved = false;
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.tracker.greeting"));
        widgets::weak(ui, t!("window.tracker.greeting-text"));
        ui.add_space(4.0);
        let of_name = t!("window.tracker.network-name");
        widgets::field(ui, name, icons::BROADCAST, &of_name, &of_name, 280.0);
        let of_message = t!("window.tracker.message");
        let hint = RichText::new(&*of_message).color(palette(ui).weak);
        let edit = TextEdit::multiline(message).hint_text(hint).desired_rows(2).desired_width(ui.available_width());
        let response = ui.add(edit.margin(Margin::symmetric(10, 7)));
        let value = message.clone();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::MultilineTextInput, true, &*of_message);
            info.current_text_value = Some(value.clone());
            info
        });
        let is_changed = *name != before.0 || *message != before.1;
        ui.add_enabled_ui(is_changed, |ui| {
            if widgets::button(ui, Loud::Plain, icons::CHECK, &t!("window.tracker.save")).clicked() {
                if is_hosted {
                    let settings = Settings {
                        network_name: name.trim().to_owned(),
                        message_of_the_day: message.trim().to_owned(),
                        ..settings.clone()
                    };
                    actions.push(Action::Apply(Box::new(settings)));
                } else {
                    order(before, name, message, actions);
                }
                actions.push(Action::Tell(t!("window.tracker.saved").into_owned()));
                is_saved = true;
            }
        });
    });
    if is_saved {
        greeting.typed = None;
    }
}

/// What of it is another one, as commands of an owner.
fn order(before: &(String, String), name: &str, message: &str, actions: &mut Vec<Action>) {
    if name != before.0 {
        actions.push(Action::Ask(Intent::Order(RenameNetwork { name: Remark::new(name).ok() }.into())));
    }
    if message != before.1 {
        let lines = message.lines().filter_map(|line| Remark::new(line).ok()).collect();
        actions.push(Action::Ask(Intent::Order(SetMessage { lines: Some(lines) }.into())));
    }
}
