//! Where the window was: `window.toml` in the data folder, so that it comes back there.
//!
//! Nothing depends on it: a file that cannot be read or written is as good as none.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::settings_file::write_atomically;

const WINDOW_FILE: &str = "window.toml";
/// Smaller or larger is a damaged file, not a window.
const SIDE_POINTS: std::ops::RangeInclusive<f32> = 100.0..=20_000.0;
/// So much of the title bar's width must be on a screen.
const VISIBLE_PART: f32 = 0.5;
/// So much of the window's top must be on it too.
const VISIBLE_POINTS: f32 = 100.0;

/// Size and place of a window, in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowPlace {
    /// Left and top, where the system tells (Wayland does not).
    pub at: Option<[f32; 2]>,
    /// Width and height without the frame.
    pub size: [f32; 2],
    /// It fills the screen; `at` and `size` are those it has otherwise.
    pub is_maximized: bool,
}

/// A screen: left, top, width and height in points.
pub type Monitor = [f32; 4];

impl WindowPlace {
    /// As it was, if it was ever saved.
    pub fn load(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(data_dir.join(WINDOW_FILE)).ok()?;
        toml::from_str(&text).ok().filter(Self::is_sane)
    }

    /// Saves it, if the disk lets us.
    pub fn save(&self, data_dir: &Path) {
        if let Ok(text) = toml::to_string(self) {
            // The next start opens the window where it is by default.
            let _ = write_atomically(&data_dir.join(WINDOW_FILE), &text);
        }
    }

    fn is_sane(&self) -> bool {
        self.size.iter().all(|side| SIDE_POINTS.contains(side))
            && self.at.is_none_or(|at| at.iter().all(|v| v.is_finite()))
    }
}

/// Where a window at `at` of this size has to go so that it can be seen and caught; none if it can be already.
pub fn brought_back(at: [f32; 2], size: [f32; 2], screens: &[Monitor]) -> Option<[f32; 2]> {
    let [x, y] = at;
    let can_be_caught = |[left, top, width, height]: &Monitor| {
        let across = (x + size[0]).min(left + width) - x.max(*left);
        across >= size[0] * VISIBLE_PART && y >= *top - 1.0 && y + VISIBLE_POINTS.min(size[1]) <= top + height
    };
    if screens.is_empty() || screens.iter().any(can_be_caught) {
        return None;
    }
    let [left, top, width, height] = screens[0];
    Some([left + ((width - size[0]) / 2.0).max(0.0), top + ((height - size[1]) / 2.0).max(0.0)])
}

/// A side of a window, and the least that it may become, on a screen that is so long: one that is larger than the screen
/// leaves room there for the title bar and panels.
pub fn fitted(side: f32, least: f32, screen: f32) -> (f32, f32) {
    if side.max(least) <= screen {
        return (side, least);
    }
    let room = screen * SCREEN_PART;
    (side.min(room), least.min(room))
}

/// So much of a screen is left for a window.
const SCREEN_PART: f32 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_and_damage_does_not() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(WindowPlace::load(folder.path()), None);
        for at in [None, Some([-5.0, 40.5])] {
            let place = WindowPlace { at, size: [900.0, 600.0], is_maximized: at.is_none() };
            place.save(folder.path());
            assert_eq!(WindowPlace::load(folder.path()), Some(place));
        }
        for bad in ["", "size = [1, 1]\nis_maximized = false", "size = [nan, 600.0]\nis_maximized = false", "x"] {
            std::fs::write(folder.path().join(WINDOW_FILE), bad).expect("written");
            assert_eq!(WindowPlace::load(folder.path()), None, "{bad}");
        }
    }

    #[test]
    fn a_window_is_not_larger_than_its_screen() {
        for (side, least, screen, fits) in [
            (1120.0, 760.0, 1920.0, (1120.0, 760.0)),
            (740.0, 500.0, 740.0, (740.0, 500.0)),
            (1120.0, 760.0, 960.0, (864.0, 760.0)),
            (740.0, 500.0, 540.0, (486.0, 486.0)),
            (1120.0, 760.0, 640.0, (576.0, 576.0)),
            (400.0, 500.0, 400.0, (360.0, 360.0)),
        ] {
            assert_eq!(fitted(side, least, screen), fits, "{side} on {screen}");
        }
    }

    #[test]
    fn a_window_is_never_out_of_reach() {
        let (left, right) = ([0.0, 0.0, 1000.0, 800.0], [1000.0, 100.0, 500.0, 400.0]);
        let size = [400.0, 300.0];
        for fine in [[0.0, 0.0], [700.0, 700.0], [-200.0, 10.0], [1300.0, 100.0]] {
            assert_eq!(brought_back(fine, size, &[left, right]), None, "{fine:?}");
        }
        for lost in [[2000.0, 0.0], [0.0, 790.0], [0.0, -50.0], [-210.0, 0.0], [1350.0, 100.0], [1200.0, 10.0]] {
            assert_eq!(brought_back(lost, size, &[left, right]), Some([300.0, 250.0]), "{lost:?}");
        }
        assert_eq!(brought_back([0.0, 900.0], [5000.0, 5000.0], &[left]), Some([0.0, 0.0]));
        assert_eq!(brought_back([9e9, 0.0], size, &[]), None, "nobody knows the screens");
    }
}
