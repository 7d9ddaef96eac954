//! What is picked in the dialogs of the system, and what is shared by it.

use std::path::PathBuf;

use eframe::egui;
use potok_core::library::typed::LocalPath;
use potok_core::model::shown_path::usual_path;
use potok_core::node::intent::{Existing, Intent, ShareRequest};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::action::Pick;
use crate::gui::window::MainWindow;
use crate::model::AskedBy;
use crate::model::share_questions::ChosenIn;

impl MainWindow {
    /// Opens a dialog; what is picked comes with [`MainWindow::picked`].
    pub(super) fn pick(&mut self, ctx: &egui::Context, pick: Pick) {
        let wake = ctx.clone();
        let title = match &pick {
            Pick::ShareFiles => t!("window.pick.files"),
            Pick::ShareFolder => t!("window.pick.folder"),
            Pick::SaveAs(_) | Pick::SaveInto(_) => t!("window.pick.save"),
            Pick::DownloadFolder => t!("window.pick.downloads"),
        };
        let answer = self.parts.picker.pick(&pick, &title, Box::new(move || wake.request_repaint()));
        // An older dialog that never answered is forgotten.
        self.picking = Some((pick, answer));
    }

    pub(super) fn picked(&mut self) {
        let Some((pick, answer)) = &self.picking else { return };
        let paths = match answer.try_recv() {
            Ok(paths) => paths,
            Err(crossbeam_channel::TryRecvError::Empty) => return,
            Err(crossbeam_channel::TryRecvError::Disconnected) => Vec::new(),
        };
        let pick = pick.clone();
        self.picking = None;
        if paths.is_empty() {
            return;
        }
        match pick {
            Pick::ShareFiles | Pick::ShareFolder => self.share(&paths, ChosenIn::Window),
            Pick::DownloadFolder => {
                let folder = paths.into_iter().next().unwrap_or_default();
                self.state.settings.draft.download_folder = folder.clone();
                let settings = Settings { download_folder: folder, ..self.parts.settings.clone() };
                self.apply_settings(settings);
            }
            Pick::SaveAs(wanted) => {
                let Some(path) = paths.first() else { return };
                // The dialog has asked whether to replace.
                let existing = if path.is_file() { Existing::Replace } else { Existing::Refuse };
                self.ask(wanted.to(LocalPath::chosen(path)).if_taken(existing).intent(), AskedBy::Mouse);
            }
            Pick::SaveInto(wanted) => {
                let Some(folder) = paths.first().map(|path| LocalPath::chosen(path)) else { return };
                for one in wanted {
                    self.ask(one.to(folder.clone()).intent(), AskedBy::Mouse);
                }
            }
        }
    }

    pub(super) fn share(&mut self, paths: &[PathBuf], chosen: ChosenIn) {
        let request = |path: &PathBuf| ShareRequest {
            typed: usual_path(path).into_owned(),
            cwd: std::env::current_dir().unwrap_or_default(),
            share_as: None,
        };
        if !paths.is_empty() {
            self.preview(paths.iter().map(request).collect(), chosen);
        }
    }

    /// Finds out what sharing these would be; what is to be asked of it, the model knows.
    pub(super) fn preview(&mut self, requests: Vec<ShareRequest>, chosen: ChosenIn) {
        let id = self.parts.engine.ask(Intent::PreviewShare(requests.clone()));
        self.model.sharing.begin(id, requests, chosen);
    }

    pub(super) fn share_what_is_ready(&mut self) {
        for intent in self.model.sharing.take_ready() {
            if let Intent::Share(requests) | Intent::ShareWhatFits(requests) = &intent
                && requests.iter().any(|request| request.typed == self.state.shared.path.trim())
            {
                self.state.shared.path.clear();
            }
            self.ask(intent, AskedBy::Mouse);
        }
    }
}
