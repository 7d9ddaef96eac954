//! Files and folders, opened by whatever program the desktop has for them.

use std::path::Path;

use opener::OpenError;
use potok_core::model::shown_path::usual_path_buf;
use rust_i18n::t;

use crate::texts;

/// Opens it; else why not, for a person. What the desktop's programs say of it is for the log.
pub fn open(path: &Path) -> Result<(), String> {
    opener::open(usual_path_buf(path)).map_err(|error| {
        tracing::debug!(%error, "not opened");
        match error {
            OpenError::Io(why) => t!("window.toast.not-opened", why = texts::of_io(&why)),
            _ => t!("window.toast.no-program"),
        }
        .into_owned()
    })
}
