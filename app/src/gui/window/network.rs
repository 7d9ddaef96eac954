//! Which network the window is in: joining, hosting and trying as a person wishes it, remembered for the next start.

use std::path::Path;
use std::time::{Instant, SystemTime};

use crossbeam_channel::{Receiver, bounded};
use eframe::egui;
use potok_core::model::invite::TrackerAddress;
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::friend::Friend;
use crate::gui::screen::Screen;
use crate::gui::window::MainWindow;
use crate::model::recent_networks::RecentNetworks;
use crate::model::{AskedBy, Tone};
use crate::settings_file::write_atomically;
use crate::texts;

/// The networks that we were in, in the data folder.
const NETWORKS_FILE: &str = "networks.toml";
/// Where a trial meets: on this computer only, at a free port.
const TRIAL_AT: &str = "127.0.0.1:0";

/// *Try it alone*: a network on this computer only, and the friend in it.
#[derive(Debug, Default)]
pub(super) enum Trial {
    /// There is none.
    #[default]
    None,
    /// Its network is being started.
    Wanted,
    /// The friend is being made, on a thread of their own.
    Coming(Receiver<Result<Friend, String>>),
    /// The friend is here, or could not be made.
    On(Option<Friend>),
}

impl Trial {
    /// Ends it. The friend takes a moment to go.
    fn end(&mut self) {
        if let Self::On(Some(friend)) = std::mem::take(self) {
            // Without a thread the friend goes here and now.
            let _ = std::thread::Builder::new().name("potok-friend".into()).spawn(move || drop(friend));
        }
    }
}

impl MainWindow {
    pub(super) fn join(&mut self, tracker: TrackerAddress) {
        self.goes_to_invite = false;
        if std::mem::take(&mut self.state.is_trial) {
            self.trial.end();
            self.ask(Intent::StopTracker, AskedBy::Background);
        }
        self.save(Settings { tracker: Some(tracker.clone()), host_tracker: None, ..self.parts.settings.clone() });
        self.ask(Intent::Join(tracker), AskedBy::Mouse);
    }

    /// Leaves the network; the first page offers it among the recent ones.
    pub(super) fn leave(&mut self) {
        self.save(Settings { tracker: None, ..self.parts.settings.clone() });
        self.ask(Intent::Leave, AskedBy::Mouse);
        self.state.screen = Screen::Welcome;
    }

    pub(super) fn host(&mut self, now: Instant, at: Option<String>) {
        let host_tracker = match at.as_ref().map(|at| at.parse()).transpose() {
            Ok(address) => address,
            Err(_no_address) => {
                let at = at.unwrap_or_default();
                self.model.toast(now, Tone::Bad, t!("window.tracker.bad-address", at = Shown(&at)).into_owned());
                return;
            }
        };
        self.state.is_trial = false;
        self.trial.end();
        self.goes_to_invite = host_tracker.is_some() && self.state.screen == Screen::Welcome;
        if host_tracker.is_some() {
            self.name_network();
        }
        self.save(Settings { host_tracker, tracker: None, ..self.parts.settings.clone() });
        self.ask(host_tracker.map_or(Intent::StopTracker, Intent::HostTracker), AskedBy::Mouse);
    }

    /// A network that has no name of its own yet is called after who starts it.
    fn name_network(&mut self) {
        let Some(name) = &self.parts.settings.name else { return };
        if self.parts.settings.network_name == Settings::default().network_name {
            let network_name = t!("window.invite.name-after", user = Shown(name.as_str())).into_owned();
            self.apply_settings(Settings { network_name, ..self.parts.settings.clone() });
        }
    }

    pub(super) fn try_alone(&mut self) {
        self.trial = Trial::Wanted;
        self.state.is_trial = true;
        self.goes_to_invite = false;
        // Only for a try: the next start begins anew.
        self.save(Settings { host_tracker: None, tracker: None, ..self.parts.settings.clone() });
        if let Ok(at) = TRIAL_AT.parse() {
            self.ask(Intent::HostTracker(at), AskedBy::Mouse);
        }
    }

    /// The friend of a trial comes when there is a network to come to.
    pub(super) fn attend_trial(&mut self, ctx: &egui::Context, now: Instant) {
        if self.model.host_failed.is_some() {
            self.state.is_trial = false;
            self.trial.end();
        }
        match &self.trial {
            Trial::Wanted if self.model.is_online() => {
                let Some(invite) = self.model.invite.clone() else { return };
                let (made, coming) = bounded(1);
                let ctx = ctx.clone();
                let make = move || {
                    // A trial that has ended meanwhile wants no friend.
                    let _ = made.send(Friend::start(&invite));
                    ctx.request_repaint();
                };
                let thread = std::thread::Builder::new().name("potok-friend".into()).spawn(make);
                self.trial = if thread.is_ok() { Trial::Coming(coming) } else { Trial::On(None) };
            }
            Trial::Coming(coming) => match coming.try_recv() {
                Ok(Ok(friend)) => self.trial = Trial::On(Some(friend)),
                Ok(Err(why)) => {
                    self.trial = Trial::On(None);
                    self.model.toast(now, Tone::Bad, t!("window.trial.no-friend", why = why).into_owned());
                }
                Err(_not_yet) => {}
            },
            Trial::None | Trial::Wanted | Trial::On(_) => {}
        }
    }

    /// After what was heard: the page that comes next is shown by itself, and where we are is remembered.
    pub(super) fn follow_connection(&mut self, was_online: bool) {
        let is_online = self.model.is_online();
        if is_online && !was_online && self.state.screen == Screen::Welcome {
            self.state.screen = if self.goes_to_invite { Screen::Invite } else { Screen::Browse };
        }
        if is_online && !was_online {
            self.goes_to_invite = false;
        }
        if is_online || was_online {
            self.remember_network(!is_online);
        }
    }

    /// The network that we are in is a recent one; `is_over`: we have just lost it.
    fn remember_network(&mut self, is_over: bool) {
        if self.state.is_trial || self.parts.settings.host_tracker.is_some() || self.model.hosted().is_some() {
            return;
        }
        let now = SystemTime::now();
        let is_new = match (&self.model.connection, &self.model.invite) {
            (TrackerConnection::Online { network, .. }, Some(invite)) => self.model.recent.met(invite, network, now),
            _ => is_over && self.model.recent.seen_until(now),
        };
        if is_new {
            self.save_networks();
        }
    }

    pub(super) fn save_networks(&mut self) {
        let Some(data_dir) = &self.parts.data_dir else { return };
        if let Err(why) = write_atomically(&data_dir.join(NETWORKS_FILE), &self.model.recent.to_text()) {
            let text = t!("window.welcome.not-remembered", why = texts::of_io(&why)).into_owned();
            self.model.toast(Instant::now(), Tone::Bad, text);
        }
    }
}

/// Those that were written; without a file, or with one that cannot be read, there are none.
pub(super) fn load_networks(data_dir: Option<&Path>) -> RecentNetworks {
    let text = data_dir.and_then(|data_dir| std::fs::read_to_string(data_dir.join(NETWORKS_FILE)).ok());
    text.map_or_else(RecentNetworks::default, |text| RecentNetworks::read(&text))
}
