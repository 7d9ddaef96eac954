//! Whether a disk tells `Makefile` from `makefile`. Names of others are composed (NFC) already, so case is all that two
//! of them can differ by and still be one file.

use std::fs::{self, OpenOptions};
use std::path::Path;

use crate::model::limits::PART_SUFFIX;

/// Looks with an empty file of its own, which it removes. A folder that cannot be written to is taken for one that does
/// not tell names apart: then nothing is lost. Blocks.
pub fn tells_case_apart(folder: &Path) -> bool {
    let lower = folder.join(format!("potok-case{PART_SUFFIX}"));
    let upper = folder.join(format!("POTOK-CASE{}", PART_SUFFIX.to_uppercase()));
    if OpenOptions::new().write(true).create_new(true).open(&lower).is_err() {
        return false;
    }
    let is_one = upper.symlink_metadata().is_ok();
    // An empty file that stays is one more that the next look finds in its way, and says `false`.
    let _stays = fs::remove_file(&lower);
    !is_one
}
