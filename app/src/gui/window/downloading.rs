//! What is fetched in several steps.

use std::time::Instant;

use potok_core::library::typed::RemotePath;
use potok_core::node::intent::{DownloadRequest, Existing, Intent};
use rust_i18n::t;

use crate::gui::action::download_request;
use crate::gui::window::MainWindow;
use crate::model::folder_owners::FoundOwners;
use crate::model::{AskedBy, Tone};

impl MainWindow {
    /// A folder of several people: from each of them their own, side by side.
    pub(super) fn fetch_of_all(&mut self, now: Instant) {
        for FoundOwners { folder, owners } in self.model.folder_owners.take_found() {
            let Some(owners) = owners else {
                self.model.toast(now, Tone::Info, t!("window.browse.choose-person").into());
                continue;
            };
            let me = self.model.me.as_ref().map(|me| me.username.clone());
            for owner in owners.into_iter().filter(|owner| me.as_ref() != Some(owner)) {
                let request = download_request(owner, RemotePath::folder(&folder));
                let request = DownloadRequest { existing: Existing::KeepBoth, ..request };
                self.ask(Intent::Download(request), AskedBy::Mouse);
            }
        }
    }
}
