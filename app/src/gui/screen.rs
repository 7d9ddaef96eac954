//! The screens of the window, and what each of them is drawn from besides its own state.

use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::model::Model;

/// The screens; the window shows one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// The first start, or no tracker.
    Welcome,
    /// How others come into this network, and who has come.
    Invite,
    /// Everything that is shared.
    Browse,
    /// Downloads and uploads.
    Transfers,
    /// What I share.
    Shared,
    /// Who is here.
    People,
    /// The tracker of this network.
    Tracker,
    /// The console: commands, and the wire to the tracker.
    Console,
    /// What the person may set.
    Settings,
}

impl Screen {
    /// What the screen is called, in the person's language.
    pub fn name(self) -> String {
        match self {
            Self::Welcome => t!("window.page.welcome"),
            Self::Invite => t!("window.page.invite"),
            Self::Browse => t!("window.page.browse"),
            Self::Transfers => t!("window.page.transfers"),
            Self::Shared => t!("window.page.shared"),
            Self::People => t!("window.page.people"),
            Self::Tracker => t!("window.page.tracker"),
            Self::Console => t!("window.page.console"),
            Self::Settings => t!("window.page.settings"),
        }
        .into_owned()
    }
}

/// What a screen is drawn from; it changes nothing of it, and returns actions instead.
#[derive(Debug, Clone, Copy)]
pub struct ScreenContext<'a> {
    /// What is known.
    pub model: &'a Model,
    /// The settings in force.
    pub settings: &'a Settings,
    /// There are system dialogs; without them paths are typed.
    pub has_picker: bool,
    /// The network is one on this computer only, to try Potok in.
    pub is_trial: bool,
}
