//! The colour of whether others can reach this computer.

use eframe::egui::Color32;
use potok_core::reach::reachability::ReachVerdict;

use crate::gui::theme::Palette;

/// Good only after a tracker has dialled us from outside.
pub(super) fn color(p: &Palette, verdict: ReachVerdict) -> Color32 {
    match verdict {
        ReachVerdict::Everybody => p.good,
        ReachVerdict::Nobody => p.warn,
        ReachVerdict::Nearby | ReachVerdict::Unknown => p.weak,
    }
}
