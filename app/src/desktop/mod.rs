//! The desktop round the window: what other programs and the system tell Potok, and what Potok tells them.
//!
//! | module | job |
//! |---|---|
//! | [`instance`] | a second start on the same data folder hands what it is for over to the first |
//! | [`tray`] | the icon that is left when the window is closed |
//! | [`notification`] | what finished or failed while nobody looked |
//! | [`color_scheme`] | light or dark, as the desktop wishes |
//! | [`metering`] | whether the way to the Internet is metered |
//! | [`clipboard`] | an invite that was copied somewhere else |
//! | [`autostart`] | start with the system |
//! | [`place`] | where the window was |
//! | [`purpose`] | what Potok was started for |
//!
//! No toolkit in here. Whatever talks to the system does so on a thread of its own, so that a desktop that does not
//! answer never holds up a frame; without D-Bus, tray or portal there is silence, and the window works on.

pub mod autostart;
pub mod clipboard;
pub mod color_scheme;
pub mod instance;
pub mod metering;
pub mod notification;
pub mod opening;
pub mod place;
pub mod purpose;
pub mod tray;

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use potok_core::model::invite::Invite;

use crate::desktop::clipboard::Clipboard;
use crate::desktop::color_scheme::ColorScheme;
use crate::desktop::instance::{HandedOver, Listening};
use crate::desktop::notification::Notifier;
use crate::desktop::purpose::StartPurpose;
use crate::desktop::tray::{Icon, Tray, Wish};

/// The name by which desktops know Potok: of its desktop entry, its window and its icon.
pub const APP_ID: &str = "org.potok.Potok";

/// Events that wait for the window; what comes while it is so far behind is lost, and its sender knows.
const DESKTOP_EVENTS_MAX: usize = 32;

/// What the desktop tells.
#[derive(Debug)]
pub enum DesktopEvent {
    /// Potok was started again, perhaps by a link that somebody clicked.
    Started {
        /// As it came: a stranger may have written a link.
        purpose: StartPurpose,
        /// What became of it.
        answer: Sender<HandedOver>,
    },
    /// A click on the tray icon or in its menu.
    Tray(Wish),
    /// The tray came, or is gone.
    TrayIsThere(bool),
    /// An invite lies on the clipboard.
    Clipboard(Invite),
    /// The desktop is light or dark now.
    ColorScheme(ColorScheme),
    /// The system wants an end: SIGTERM, a closed session.
    Terminate,
}

/// Called whenever an event is there; it must return at once.
pub type Ring = Arc<dyn Fn() + Send + Sync>;

/// With this a thread tells an event.
#[derive(Clone)]
pub struct Bell {
    events: Sender<DesktopEvent>,
    wake: Ring,
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}

impl Bell {
    /// Events go to the receiver, each with a wake.
    pub fn new(wake: Ring) -> (Self, Receiver<DesktopEvent>) {
        let (events, heard) = crossbeam_channel::bounded(DESKTOP_EVENTS_MAX);
        (Self { events, wake }, heard)
    }

    /// Tells an event; whether there was room for it.
    pub fn ring(&self, event: DesktopEvent) -> bool {
        let told = self.events.try_send(event).is_ok();
        (self.wake)();
        told
    }
}

/// Everything of the desktop that a running window holds on to.
#[derive(Debug)]
pub struct Desktop {
    /// What was told.
    pub heard: Receiver<DesktopEvent>,
    /// Messages of the desktop.
    pub notifier: Notifier,
    /// The icon, where there is a tray.
    pub tray: Tray,
    /// What was copied elsewhere.
    pub clipboard: Clipboard,
    _listening: Option<Listening>,
}

impl Desktop {
    /// Begins to listen. The data folder is ours: its lock is held.
    pub fn start(bell: Bell, heard: Receiver<DesktopEvent>, data_dir: &Path, icon: Icon) -> Self {
        color_scheme::watch(bell.clone());
        Self {
            heard,
            notifier: Notifier::default(),
            tray: Tray::new(bell.clone(), icon),
            clipboard: Clipboard::new(bell.clone()),
            // Without it a second start says that the data folder is in use.
            _listening: Listening::start(data_dir, bell).ok(),
        }
    }
}
