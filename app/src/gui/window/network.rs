//! Which network the window is in: joining and hosting as a person wishes it, remembered for the next start.

use std::time::Instant;

use potok_core::model::invite::TrackerAddress;
use potok_core::model::shown::Shown;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::window::MainWindow;
use crate::model::{AskedBy, Tone};
use crate::texts;

impl MainWindow {
    pub(super) fn join(&mut self, now: Instant, typed: &str) {
        match typed.parse::<TrackerAddress>() {
            Ok(tracker) => {
                self.state.join_failed = None;
                self.save(Settings {
                    tracker: Some(tracker.clone()),
                    host_tracker: None,
                    ..self.parts.settings.clone()
                });
                self.ask(Intent::Join(tracker), AskedBy::Mouse);
            }
            Err(why) => {
                self.state.join_failed = Some(texts::of_bad_invite(why));
                self.model.toast(now, Tone::Bad, texts::of_bad_invite(why));
            }
        }
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
        self.save(Settings { host_tracker, tracker: None, ..self.parts.settings.clone() });
        self.ask(host_tracker.map_or(Intent::StopTracker, Intent::HostTracker), AskedBy::Mouse);
    }
}
