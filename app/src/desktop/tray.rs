//! The icon in the tray: what is left of Potok when its window is closed.
//!
//! KDE, XFCE, Cinnamon and others have a tray; GNOME has none without an extension, and [`Tray::is_there`] says so. Windows
//! has one, and macOS a bar of menus. Theirs is heard by the event loop of the window, so that a window that is closed there
//! is hidden, and elsewhere is gone.

use rust_i18n::t;

use crate::desktop::Bell;

#[cfg(any(windows, target_os = "macos"))]
mod in_event_loop;
#[cfg(all(unix, not(target_os = "macos")))]
mod on_bus;

#[cfg(any(windows, target_os = "macos"))]
use self::in_event_loop::IconInEventLoop as ShownIcon;
#[cfg(all(unix, not(target_os = "macos")))]
use self::on_bus::IconOnBus as ShownIcon;

/// Whether the icon is there only while the event loop of a window runs.
pub const NEEDS_EVENT_LOOP: bool = cfg!(any(windows, target_os = "macos"));

/// What is wished of the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Show the window.
    Open,
    /// Pause every transfer.
    PauseAll,
    /// Go on with every transfer.
    ResumeAll,
    /// End Potok, the engine too.
    Quit,
}

/// The lines of its menu, in their groups.
const TRAY_MENU: [&[Wish]; 3] = [&[Wish::Open], &[Wish::PauseAll, Wish::ResumeAll], &[Wish::Quit]];

impl Wish {
    fn text(self) -> String {
        match self {
            Self::Open => t!("tray.open"),
            Self::PauseAll => t!("tray.pause-all"),
            Self::ResumeAll => t!("tray.resume-all"),
            Self::Quit => t!("tray.quit"),
        }
        .into_owned()
    }
}

/// A square picture: bytes of red, green, blue and opacity, row by row.
#[derive(Debug, Clone)]
pub struct Icon {
    /// Points a side.
    pub side: u32,
    /// Four bytes a point.
    pub rgba: Vec<u8>,
}

/// The icon, shown or not.
#[derive(Debug)]
pub struct Tray {
    bell: Bell,
    icon: Icon,
    has_event_loop: bool,
    shown: Option<ShownIcon>,
}

impl Tray {
    /// Nothing is shown yet.
    pub fn new(bell: Bell, icon: Icon) -> Self {
        Self { bell, icon, has_event_loop: false, shown: None }
    }

    /// An event loop runs on this thread from now on: see [`NEEDS_EVENT_LOOP`].
    pub fn use_event_loop(&mut self) {
        self.has_event_loop = true;
    }

    /// Shows it, or takes it away. Whether a tray is there is told by [`crate::desktop::DesktopEvent::TrayIsThere`].
    pub fn show(&mut self, is_wanted: bool) {
        let can_be = self.has_event_loop || !NEEDS_EVENT_LOOP;
        match (is_wanted && can_be, &self.shown) {
            (true, None) => self.shown = Some(ShownIcon::start(self.bell.clone(), self.icon.clone())),
            (false, Some(_)) => self.shown = None,
            _ => {}
        }
    }

    /// Whether somebody can see it.
    pub fn is_there(&self) -> bool {
        self.shown.as_ref().is_some_and(ShownIcon::is_there)
    }

    /// The language has changed.
    pub fn translate(&self) {
        if let Some(shown) = &self.shown {
            shown.refresh();
        }
    }
}
