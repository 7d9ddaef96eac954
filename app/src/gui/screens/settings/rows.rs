//! What sections are made of: a name on the left and its control on the right, and fields that keep what is wrong.

use eframe::egui::{Align, DragValue, Label, Layout, Response, RichText, Ui, vec2};
use rust_i18n::t;

use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::gui::widgets::number;

const LIMIT_UNIT_BYTES: u64 = 1024;
const NAMES_WIDTH: f32 = 200.0;

/// A text in a field: what is typed may be wrong, and is kept until it is right.
#[derive(Debug, Default)]
pub(super) struct Typed {
    text: String,
    applied: String,
    wrong: Option<String>,
}

impl Typed {
    pub(super) fn follow(&mut self, applied: &str) {
        if self.applied != applied {
            applied.clone_into(&mut self.applied);
            applied.clone_into(&mut self.text);
            self.wrong = None;
        }
    }

    /// Draws the field; the value, when the field was left with a right one that is new.
    pub(super) fn field<T>(
        &mut self,
        ui: &mut Ui,
        add: impl FnOnce(&mut Ui, &mut String) -> Response,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let response = add(ui, &mut self.text);
        if !response.changed() && !response.lost_focus() {
            return None;
        }
        let value = read(self.text.trim());
        self.wrong = value.as_ref().err().cloned();
        value.ok().filter(|_| response.lost_focus() && self.text.trim() != self.applied)
    }

    pub(super) fn complain(&self, ui: &mut Ui) {
        if let Some(why) = &self.wrong {
            ui.horizontal(|ui| {
                if !widgets::is_narrow(ui) {
                    ui.add_space(NAMES_WIDTH + theme::GAP);
                }
                ui.add(Label::new(RichText::new(why).font(theme::small()).color(palette(ui).bad)).wrap());
            });
        }
    }
}

pub(super) fn section<R>(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let added = widgets::card(ui, |ui| {
        widgets::heading(ui, title);
        add(ui)
    });
    ui.add_space(theme::GAP);
    added
}

/// A name on the left, its control on the right.
pub(super) fn row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        let label = vec2(NAMES_WIDTH, theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(label, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAMES_WIDTH);
            ui.add(Label::new(RichText::new(name).color(palette(ui).text)).wrap());
        });
        add(ui)
    })
    .inner
}

/// The same for a control that has no room beside its name in a narrow window: there it stands below.
pub(super) fn wide_row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    if !widgets::is_narrow(ui) {
        return row(ui, name, add);
    }
    ui.add(Label::new(RichText::new(name).color(palette(ui).text)).wrap());
    ui.horizontal(add).inner
}

pub(super) fn switch(ui: &mut Ui, name: &str, on: &mut bool, text: &str) -> bool {
    explained_row(ui, name, text, |ui| widgets::switch(ui, on, name).changed())
}

/// A row with a few words about it behind the control, in a narrow window below it.
pub(super) fn explained_row<R>(ui: &mut Ui, name: &str, text: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let is_narrow = widgets::is_narrow(ui);
    let added = row(ui, name, |ui| {
        let added = add(ui);
        if !is_narrow && !text.is_empty() {
            widgets::weak(ui, text);
        }
        added
    });
    if is_narrow && !text.is_empty() {
        widgets::weak(ui, text);
        ui.add_space(theme::GAP);
    }
    added
}

/// How many bytes a second there may be; 0: any number.
pub(super) fn limit(ui: &mut Ui, name: &str, bytes: &mut u64) -> bool {
    row(ui, name, |ui| {
        let is_done = number::bytes(ui, name, bytes, LIMIT_UNIT_BYTES, 0..=10_000_000, " KiB/s");
        if *bytes < LIMIT_UNIT_BYTES {
            widgets::weak(ui, t!("window.settings.no-limit"));
        }
        is_done
    })
}

/// How many there may be.
pub(super) fn count(ui: &mut Ui, name: &str, value: &mut usize, most: usize) -> bool {
    row(ui, name, |ui| number::of(ui, name, DragValue::new(value).range(1..=most).speed(0.1)))
}
