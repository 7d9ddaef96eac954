//! My key and theirs, to be compared: as digits, as words for the phone, as a picture.

use eframe::egui::{self, Label, RichText, Ui, vec2};
use potok_core::model::key::PublicKey;
use potok_core::model::shown::Shown;
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud, qr};
use crate::model::{KeyStanding, Model, Person};

const KEY_QR_SIDE: f32 = 124.0;
/// Room for `Theirs` and `Mine`.
const WHOSE_WIDTH: f32 = 70.0;

/// How a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    /// Words to read to each other.
    #[default]
    Words,
    /// All of it in hexadecimal.
    Digits,
    /// For a phone's camera.
    Picture,
}

/// Draws the comparing of fingerprints.
pub(super) fn show(ui: &mut Ui, model: &Model, person: Option<&Person>, form: &mut Form, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        let Some(person) = person else {
            widgets::heading(ui, &t!("window.people.compare"));
            widgets::weak(ui, t!("window.people.choose"));
            return;
        };
        let user = person.line.username.to_string();
        let standing = model.key_standing(person);
        ui.horizontal(|ui| {
            widgets::heading(ui, &Shown(&user).to_string());
            widgets::verified_mark(ui, standing);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if widgets::edge_button(ui, Loud::Plain, icons::FOLDER, &t!("window.browse.their-files")).clicked() {
                    actions.push(Action::BrowsePerson(person.line.username.clone()));
                }
                if standing == KeyStanding::Changed
                    && widgets::edge_button(ui, Loud::Danger, icons::SHIELD_WARNING, &t!("window.people.trust"))
                        .clicked()
                {
                    actions.push(Action::Confirm(Confirm::Trust(person.line.username.clone())));
                }
                if person.line.key.is_some() {
                    let (words, digits, picture) =
                        (t!("window.people.words"), t!("window.people.digits"), t!("window.people.picture"));
                    // From the right.
                    let options = [
                        (Form::Picture, icons::QR_CODE, &*picture),
                        (Form::Digits, "", &*digits),
                        (Form::Words, "", &*words),
                    ];
                    widgets::choice(ui, form, &options);
                }
            });
        });
        let Some(theirs) = &person.line.key else {
            widgets::weak(ui, t!("window.people.unverified"));
            return;
        };
        let keys = [
            (t!("window.people.theirs"), Some(theirs)),
            (t!("window.people.mine"), model.me.as_ref().map(|me| &me.key)),
        ];
        let text = match (standing, &form) {
            (KeyStanding::Changed, _) => t!("window.people.changed"),
            (_, Form::Picture) => t!("window.people.picture-text"),
            (_, Form::Words | Form::Digits) => t!("window.people.compare-text"),
        };
        if *form == Form::Picture {
            pictures(ui, &keys, &text);
        } else {
            for (whose, key) in &keys {
                written(ui, whose, *key, *form);
            }
            widgets::weak(ui, text);
        }
    });
}

fn written(ui: &mut Ui, whose: &str, key: Option<&PublicKey>, form: Form) {
    let Some(key) = key else { return };
    let text = if form == Form::Words { fingerprint::words(key).join(" ") } else { fingerprint::hex(key) };
    ui.horizontal_top(|ui| {
        ui.allocate_ui(vec2(WHOSE_WIDTH, 18.0), |ui| {
            ui.set_width(WHOSE_WIDTH);
            widgets::weak(ui, whose);
        });
        ui.add(Label::new(RichText::new(text).font(theme::mono()).color(palette(ui).text)).selectable(true).wrap());
    });
}

fn pictures(ui: &mut Ui, keys: &[(std::borrow::Cow<'_, str>, Option<&PublicKey>)], text: &str) {
    ui.horizontal_top(|ui| {
        for (whose, key) in keys {
            let Some(key) = key else { continue };
            qr::show(ui, &key.to_string(), KEY_QR_SIDE, &t!("window.people.qr", whose = whose));
            ui.allocate_ui(vec2(WHOSE_WIDTH, KEY_QR_SIDE), |ui| {
                ui.set_width(WHOSE_WIDTH);
                widgets::weak(ui, &**whose)
            });
        }
        widgets::weak(ui, text);
    });
}
