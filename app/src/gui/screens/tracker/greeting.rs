//! The name of a network and its message of the day, where they can be changed: of the network that runs here, by the
//! settings; of one far away that we own, by an owner's commands.

use eframe::egui::{Margin, RichText, TextEdit, Ui, WidgetInfo, accesskit::Role};
use potok_core::model::ban_terms::Remark;
use potok_core::node::event::TrackerConnection;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use potok_core::protocol::command::owner::{OwnerCommand, RenameNetwork, SetMessage};
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
    // What changes elsewhere is shown, unless somebody is typing here. What is typed stays until it is what is there.
    let is_over = |[before, typed]: &[(String, String); 2]| *before != now && (before == typed || is_same(typed, &now));
    if greeting.typed.as_ref().is_some_and(is_over) {
        greeting.typed = None;
    }
    let [before, typed] = greeting.typed.get_or_insert_with(|| [now.clone(), now]);
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.tracker.greeting"));
        widgets::weak(ui, t!("window.tracker.greeting-text"));
        ui.add_space(4.0);
        let of_name = t!("window.tracker.network-name");
        widgets::field(ui, &mut typed.0, icons::BROADCAST, &of_name, &of_name, 280.0);
        let of_message = t!("window.tracker.message");
        let hint = RichText::new(&*of_message).color(palette(ui).weak);
        let edit =
            TextEdit::multiline(&mut typed.1).hint_text(hint).desired_rows(2).desired_width(ui.available_width());
        let response = ui.add(edit.margin(Margin::symmetric(10, 7)));
        let value = typed.1.clone();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::MultilineTextInput, true, &*of_message);
            info.current_text_value = Some(value.clone());
            info
        });
        let is_changed = before != typed && !model.is_saving_greeting();
        let orders = orders([before, typed]).filter(|_| is_changed);
        ui.add_enabled_ui(if is_hosted { is_changed } else { orders.is_some() }, |ui| {
            if widgets::button(ui, Loud::Plain, icons::CHECK, &t!("window.tracker.save")).clicked() {
                if is_hosted {
                    let settings = Settings {
                        network_name: typed.0.trim().to_owned(),
                        message_of_the_day: typed.1.trim().to_owned(),
                        ..settings.clone()
                    };
                    actions.push(Action::SaveGreeting(Box::new(settings)));
                } else {
                    actions.extend(orders.into_iter().flatten().map(|order| Action::Ask(Intent::Order(order))));
                }
            }
        });
    });
}

/// Whether this is what the network says when that was typed: blanks around it are not sent, nor are empty lines.
fn is_same(typed: &(String, String), now: &(String, String)) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.lines().map(str::trim).filter(|line| !line.is_empty())
    }
    // Without a name the network has that of its configuration.
    let is_named = typed.0.trim().is_empty() || typed.0.trim() == now.0.trim();
    is_named && lines(&typed.1).eq(lines(&now.1))
}

/// What of it is another one, as commands of an owner; none if a line of it cannot be said so. Else half of what was typed
/// would be lost, or a name that is too long would give the network that of its configuration.
fn orders([before, now]: [&(String, String); 2]) -> Option<Vec<OwnerCommand>> {
    let mut orders = Vec::new();
    if now.0 != before.0 {
        let name = now.0.trim();
        orders.push(RenameNetwork { name: if name.is_empty() { None } else { Some(Remark::new(name).ok()?) } }.into());
    }
    if now.1 != before.1 {
        let lines = now.1.lines().filter(|line| !line.trim().is_empty());
        orders.push(SetMessage { lines: Some(lines.map(Remark::new).collect::<Result<_, _>>().ok()?) }.into());
    }
    Some(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_known_again_as_it_is_said() {
        let of = |name: &str, message: &str| (name.to_owned(), message.to_owned());
        assert!(is_same(&of(" house ", "a\n\n b "), &of("house", "a\nb")));
        assert!(!is_same(&of("house", "a"), &of("home", "a")) && !is_same(&of("house", "a"), &of("house", "a\nb")));
    }

    #[test]
    fn nothing_of_what_is_typed_is_lost() {
        let of = |name: &str, message: &str| {
            let (before, now) = (("home".to_owned(), "hello".to_owned()), (name.to_owned(), message.to_owned()));
            let lines = |orders: Vec<OwnerCommand>| orders.iter().map(ToString::to_string).collect::<Vec<_>>();
            orders([&before, &now]).map(lines)
        };
        let long = "x".repeat(1000);
        assert_eq!(of("home", "hello").as_deref(), Some(&[][..]));
        assert_eq!(of("", "hello").as_deref(), Some(&["rename-network".to_owned()][..]));
        assert_eq!(of("home", "a\n\nb").as_deref(), Some(&["motd \"a\" \"b\"".to_owned()][..]));
        assert_eq!(of(&long, "hello"), None);
        assert_eq!(of("home", &format!("a\n{long}")), None);
    }
}
