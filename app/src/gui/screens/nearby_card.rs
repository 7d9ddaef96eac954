//! The networks that are in the local network, on the first page: each by its name and key, and in with one click.

use eframe::egui::{Align, Label, Layout, Rect, RichText, ScrollArea, Ui, WidgetInfo, accesskit::Role, vec2};
use potok_core::model::shown::Shown;
use potok_core::reach::nearby::NearbyNetwork;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};

/// Words of a fingerprint that stand in the list; the others are in its hint.
const WORDS_SHOWN: usize = 4;

/// One of them in the list.
const NEARBY_ROW_HEIGHT: f32 = 38.0;
/// So many have room before the list is scrolled; the room is there before any of them is.
const ROWS_SHOWN: f32 = 2.0;

/// The networks in the order in which they came, so that what comes moves nothing.
#[derive(Debug, Default)]
pub(super) struct NearbyCard {
    rows: Vec<(NearbyNetwork, bool)>,
}

impl NearbyCard {
    /// Draws those that are there now. One that goes away keeps its row for as long as the pointer is over the list.
    pub(super) fn show(&mut self, ui: &mut Ui, networks: &[NearbyNetwork], actions: &mut Vec<Action>) {
        widgets::card(ui, |ui| {
            widgets::heading(ui, &t!("window.welcome.nearby"));
            let size = vec2(ui.available_width(), ROWS_SHOWN * (NEARBY_ROW_HEIGHT + ui.spacing().item_spacing.y));
            let frame = Rect::from_min_size(ui.cursor().min, size);
            self.follow(networks, ui.rect_contains_pointer(frame));
            ui.allocate_ui_with_layout(size, Layout::top_down(Align::LEFT), |ui| {
                ui.set_min_size(size);
                if self.rows.is_empty() {
                    ui.add(Label::new(RichText::new(t!("window.welcome.none-nearby")).color(palette(ui).weak)).wrap());
                    return;
                }
                let list = ScrollArea::vertical().id_salt("nearby").auto_shrink(false).max_height(size.y);
                list.show(ui, |ui| {
                    for (network, is_there) in &self.rows {
                        let size = vec2(ui.available_width(), NEARBY_ROW_HEIGHT);
                        ui.allocate_ui(size, |ui| ui.add_enabled_ui(*is_there, |ui| row(ui, network, actions)));
                    }
                });
            });
        });
        ui.add_space(4.0);
    }

    fn follow(&mut self, networks: &[NearbyNetwork], is_pointed_at: bool) {
        for (row, is_there) in &mut self.rows {
            let now = networks.iter().find(|network| network.key == row.key);
            *is_there = now.is_some();
            if let Some(now) = now {
                row.clone_from(now);
            }
        }
        self.rows.retain(|(_, is_there)| *is_there || is_pointed_at);
        let is_new = |network: &&NearbyNetwork| !self.rows.iter().any(|(row, _)| row.key == network.key);
        let new: Vec<_> = networks.iter().filter(is_new).map(|network| (network.clone(), true)).collect();
        self.rows.extend(new);
    }
}

fn row(ui: &mut Ui, network: &NearbyNetwork, actions: &mut Vec<Action>) {
    let Some(invite) = network.invite() else { return };
    let p = palette(ui);
    let name = Shown(&network.name).to_string();
    ui.horizontal(|ui| {
        widgets::glyph(ui, icons::BROADCAST, 18.0, p.accent);
        ui.vertical(|ui| {
            ui.set_width((ui.available_width() - 130.0).max(100.0));
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(Label::new(RichText::new(&name).font(theme::medium()).color(p.text)).truncate());
            let words = fingerprint::words(&network.key);
            let text = t!(
                "window.welcome.nearby-at",
                address = Shown(&invite.address.to_string()),
                words = words[..WORDS_SHOWN].join(" ")
            );
            ui.add(Label::new(RichText::new(&*text).font(theme::small()).color(p.weak)).truncate())
                .on_hover_text(format!("{}\n{}", words.join(" "), fingerprint::hex(&network.key)));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let join = widgets::button(ui, Loud::Primary, icons::SIGN_IN, &t!("window.welcome.join"));
            let is_enabled = ui.is_enabled();
            join.widget_info(|| {
                WidgetInfo::labeled(Role::Button, is_enabled, format!("{}: {name}", t!("window.welcome.join")))
            });
            if join.clicked() {
                actions.push(Action::Join(invite.into()));
            }
        });
    });
}
