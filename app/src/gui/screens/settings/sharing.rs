//! How much is shared, and with how many people at once.

use eframe::egui::{DragValue, Ui};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::screens::settings::rows::{count, explained_row, switch};
use crate::gui::widgets::number;
use crate::human;

/// Most files that a person may allow themselves to share: as many as a tracker holds in all.
const SHARES_MAX: usize = 20_000_000;

/// What is shared, and with how many at once.
pub(super) fn sharing(ui: &mut Ui, draft: &mut Settings) -> bool {
    let name = t!("window.settings.shares-max");
    let most = explained_row(ui, &name, &t!("window.settings.shares-max-text"), |ui| {
        let value = DragValue::new(&mut draft.shares_max).range(1..=SHARES_MAX).speed(1000);
        let value = value.custom_formatter(|files, _| human::thousands(whole(files))).custom_parser(digits);
        number::of(ui, &name, value)
    });
    let hidden = t!("window.settings.leave-out-hidden");
    let hidden = switch(ui, &hidden, &mut draft.leave_out_hidden_files, &t!("window.settings.leave-out-hidden-text"));
    let slots = count(ui, &t!("window.settings.slots"), &mut draft.upload_slots, 64);
    let of_user = count(ui, &t!("window.settings.slots-per-user"), &mut draft.upload_slots_per_user, 16);
    most || hidden || slots || of_user
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range of the field")]
fn whole(files: f64) -> u64 {
    files as u64
}

/// A number as it is shown, or without what stands between its thousands.
fn digits(text: &str) -> Option<f64> {
    text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for number in [1, 999, 1_000, 20_000_000] {
            assert_eq!(digits(&human::thousands(number)).map(whole), Some(number));
        }
        assert_eq!((digits("1000000").map(whole), digits("many")), (Some(1_000_000), None));
    }
}
