//! The field into which an invite or an address is pasted. What is wrong with it, and why that network was not reached,
//! stands beside it, once.

use eframe::egui::{self, Label, RichText, Ui};
use potok_core::model::invite::{BadInvite, TrackerAddress};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;
use crate::texts;

/// Room for the button beside the field.
const JOIN_BUTTON_WIDTH: f32 = 104.0;
const FIELD_WIDTH_MAX: f32 = 500.0;

/// What is typed; it stays there until it has led into a network.
#[derive(Debug, Default)]
pub(super) struct JoinField {
    text: String,
    wrong: Option<BadInvite>,
}

impl JoinField {
    /// Field and button, and what is wrong with what was typed.
    pub(super) fn show(&mut self, ui: &mut Ui, loud: Loud, wants_focus: bool, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let name = t!("window.welcome.paste");
            let width = (ui.available_width() - JOIN_BUTTON_WIDTH).min(FIELD_WIDTH_MAX);
            let response = widgets::field(ui, &mut self.text, icons::LINK, &name, &name, width);
            if response.changed() {
                self.wrong = None;
            }
            if wants_focus && self.text.is_empty() && ui.memory(|memory| memory.focused().is_none()) {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_typed = !self.text.trim().is_empty();
            let clicked = ui.add_enabled_ui(is_typed, |ui| {
                widgets::button(ui, loud, icons::SIGN_IN, &t!("window.welcome.join")).clicked()
            });
            if (entered || clicked.inner) && is_typed {
                let tracker = self.text.parse::<TrackerAddress>();
                self.wrong = tracker.as_ref().err().copied();
                actions.extend(tracker.ok().map(Action::Join));
            }
        });
        if let Some(why) = self.wrong {
            complain(ui, &texts::of_bad_invite(why));
        }
    }

    /// Whether the network that we are on the way to, or in, is what was typed here.
    pub(super) fn is_of(&self, model: &Model) -> bool {
        let typed = self.text.parse::<TrackerAddress>();
        self.wrong.is_none() && typed.is_ok_and(|typed| model.tracker() == Some(&*typed.address.to_string()))
    }

    /// It has led into a network.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether what was typed cannot be meant.
    pub(super) fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }
}

/// A sentence in red below what it is about. When it comes it is brought into view: what it is about may be the last of a
/// page that scrolls.
pub(super) fn complain(ui: &mut Ui, text: &str) {
    ui.add_space(2.0);
    let sentence = ui.add(Label::new(RichText::new(text).font(theme::small()).color(palette(ui).bad)).wrap());
    let (id, pass) = (ui.scope_id().with(("complaint", text)), ui.ctx().cumulative_pass_nr());
    let seen: Option<u64> = ui.data_mut(|data| data.get_temp(id));
    if seen.is_none_or(|seen| seen + 2 < pass) {
        sentence.scroll_to_me(None);
    }
    ui.data_mut(|data| data.insert_temp(id, pass));
}
