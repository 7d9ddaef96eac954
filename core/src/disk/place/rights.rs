//! Who may read and run a file that was downloaded.

use std::fs::File;

use crate::disk::place::place_error::PlaceError;

/// Until it is whole the file is its owner's alone; then it gets the rights of any other new file.
pub(super) fn give_ordinary_rights(file: &File, can_run: bool) -> Result<(), PlaceError> {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        let mode = ordinary_mode();
        // Whoever may read it may run it.
        let run = Mode::from_raw_mode((mode.as_raw_mode() & 0o444) >> 2);
        rustix::fs::fchmod(file, if can_run { mode.union(run) } else { mode }).map_err(std::io::Error::from)?;
    }
    #[cfg(not(unix))]
    let _ = (file, can_run);
    Ok(())
}

#[cfg(unix)]
fn ordinary_mode() -> rustix::fs::Mode {
    use rustix::fs::Mode;
    use std::sync::OnceLock;
    static MODE: OnceLock<Mode> = OnceLock::new();
    *MODE.get_or_init(|| {
        // The mask can only be asked for by setting it, which other threads would notice; Linux says it in a file too.
        let told = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
            rustix::fs::RawMode::from_str_radix(mask.trim(), 8).ok().map(Mode::from_raw_mode)
        });
        let mask = told.unwrap_or_else(|| {
            let mask = rustix::process::umask(Mode::RWXG.union(Mode::RWXO));
            rustix::process::umask(mask);
            mask
        });
        (Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH).difference(mask)
    })
}
