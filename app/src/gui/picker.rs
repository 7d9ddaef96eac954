//! The system's file dialogs, which take as long as a person takes: each runs on a thread of its own.

use std::path::PathBuf;
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use crate::gui::action::Pick;

/// Called when an answer is there.
pub type WhenPicked = Box<dyn FnOnce() + Send>;

/// Something that lets a person choose files. Tests put a scripted one in its place.
pub trait Picker {
    /// Starts choosing. Nothing chosen: an empty list.
    fn pick(&mut self, what: &Pick, title: &str, wake: WhenPicked) -> Receiver<Vec<PathBuf>>;

    /// Whether there is any dialog on this system; without one a path is typed.
    fn is_there(&self) -> bool;
}

/// The system's own dialogs.
#[derive(Debug, Default)]
pub struct Native;

impl Picker for Native {
    fn pick(&mut self, what: &Pick, title: &str, wake: WhenPicked) -> Receiver<Vec<PathBuf>> {
        let (answer, chosen) = bounded(1);
        let dialog = rfd::FileDialog::new().set_title(title);
        let what = what.clone();
        let run = move || {
            let paths = match &what {
                Pick::ShareFiles => dialog.pick_files().unwrap_or_default(),
                Pick::ShareFolder | Pick::DownloadFolder | Pick::SaveInto(_) => {
                    dialog.pick_folder().into_iter().collect()
                }
                Pick::SaveAs(wanted) => {
                    let name = crate::model::short(&wanted.path());
                    dialog.set_file_name(name).save_file().into_iter().collect()
                }
            };
            // The window may be gone by now.
            let _ = answer.send(paths);
            wake();
        };
        // Without a thread there is no dialog; the dropped sender says so.
        let _ = thread::Builder::new().name("potok-picker".into()).spawn(run);
        chosen
    }

    fn is_there(&self) -> bool {
        if !cfg!(target_os = "linux") {
            return true;
        }
        let has_bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
            || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| PathBuf::from(dir).join("bus").exists());
        let on_path = |program: &str| {
            std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
        };
        has_bus || on_path("zenity")
    }
}
