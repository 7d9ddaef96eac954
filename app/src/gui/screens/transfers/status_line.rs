//! The line below the table: room on the disk, speeds and their limits, totals. What matters most comes first: the end is
//! cut in a narrow window.

use eframe::egui::{Label, RichText, Ui};
use potok_core::node::event::{Transfer, TransferState};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::human;
use crate::human::thousands;
use crate::model::Model;

/// Draws the line: `shown` are the transfers in the table, `free_bytes` the room where they go.
pub(super) fn show(ui: &mut Ui, model: &Model, settings: &Settings, shown: &[&Transfer], free_bytes: Option<u64>) {
    let (down, up) = model.speed();
    let mut words = Vec::new();
    words.extend(free_bytes.map(|bytes| t!("window.transfers.free", size = human::size(bytes)).into_owned()));
    let of = |is: fn(&Transfer) -> bool| shown.iter().filter(|t| is(t)).count() as u64;
    let running = of(|t| t.state == TransferState::Running);
    words.push(
        t!("window.transfers.count", running = thousands(running), all = thousands(shown.len() as u64)).into_owned(),
    );
    // A narrow window has no room for the limits.
    let limit = |limit| if widgets::is_narrow(ui) { 0 } else { limit };
    words.push(format!("↓ {}", with_limit(down, limit(settings.download_bytes_per_second))));
    words.push(format!("↑ {}", with_limit(up, limit(settings.upload_bytes_per_second))));
    let sum = |bytes: fn(&Transfer) -> u64| shown.iter().map(|t| bytes(t)).fold(0, u64::saturating_add);
    let (done, total) = (human::size(sum(|t| t.done_bytes)), human::size(sum(|t| t.total_bytes)));
    words.push(t!("window.transfers.totals", done = done, total = total).into_owned());
    let text = RichText::new(words.join(if widgets::is_narrow(ui) { " · " } else { "   ·   " }))
        .font(theme::small())
        .color(palette(ui).weak);
    ui.add(Label::new(text).truncate());
}

/// A speed, and what it may be at most.
fn with_limit(speed: u64, limit: u64) -> String {
    match limit {
        0 => human::speed(speed),
        limit => t!("window.transfers.limited", speed = human::speed(speed), limit = human::speed(limit)).into_owned(),
    }
}
