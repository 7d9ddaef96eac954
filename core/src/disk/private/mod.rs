//! Folders and files that nobody but their owner may read: Unix has modes for that, Windows an access list, which its
//! own program `icacls` writes.

use std::fs;
use std::io;
use std::path::Path;

#[cfg(any(windows, test))]
mod access_list;

/// Makes a folder that only its owner may enter; one that exists is left as it is.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    #[cfg(windows)]
    let is_new = !dir.is_dir();
    builder.create(dir)?;
    #[cfg(windows)]
    if is_new {
        access_list::give_or_warn(dir, access_list::Of::Folder);
    }
    Ok(())
}

/// Makes a folder that only administrators and this account of the system may enter, as a service has one. One that exists is
/// made so.
#[cfg(windows)]
pub fn create_dir_for_account(dir: &Path, account: &str) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    access_list::give_to(dir, access_list::Of::Folder, account)
}

/// Takes a file from everybody but its owner; `true` if others could read it until now, as far as that is known.
#[cfg(unix)]
pub(crate) fn tighten(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    if fs::symlink_metadata(path)?.permissions().mode() & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map(|()| true)
}

/// Gives a file an access list of its own. What the old one was is not asked, so nobody is warned of it.
#[cfg(windows)]
pub(crate) fn tighten(path: &Path) -> io::Result<bool> {
    access_list::give_or_warn(path, access_list::Of::File);
    Ok(false)
}
