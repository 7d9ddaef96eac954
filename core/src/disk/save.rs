//! Gate "Save": our own small files, written so that after a crash at any moment the old one or the new one is there,
//! whole. For settings, the identity key and the like; what others send goes through [`crate::disk::place`].

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::disk::private;

/// Replaces the file, or makes it. Only its owner can read it.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_beside(path, contents, |_| Ok(()))?.persist(path).map_err(|failed| failed.error)?;
    sync_folder_of(path)
}

/// Makes a file with a secret in it; `AlreadyExists` if there is one, which is left as it is. Nobody else can read it at
/// any time.
pub fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_beside(path, contents, |beside| private::tighten(beside).map(|_was_readable| ()))?
        .persist_noclobber(path)
        .map_err(|failed| failed.error)?;
    sync_folder_of(path)
}

/// Moves a file that cannot be read out of the way, to `<name>.corrupt-<unix seconds>`, and says where it is now.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".corrupt-{seconds}"));
    let aside = PathBuf::from(aside);
    if aside.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(path, &aside)?;
    sync_folder_of(path)?;
    Ok(aside)
}

/// The contents in a file of another name in the same folder, on the disk; it removes itself if it is not renamed. It is
/// prepared while it is still empty.
fn write_beside(
    path: &Path,
    contents: &[u8],
    prepare: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut prefix = name.to_owned();
    prefix.push(".");
    // Readable by its owner only on Unix: that is how `tempfile` creates it.
    let mut file = tempfile::Builder::new().prefix(&prefix).suffix(".new").tempfile_in(folder_of(path))?;
    prepare(file.path())?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The name is durable only when its folder is.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(folder_of(path))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).expect("lists");
        names.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_old_or_the_new_one_and_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.toml");
        replace(&path, b"one").expect("writes");
        replace(&path, b"two").expect("writes");
        assert_eq!(create(&path, b"three").expect_err("there").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("reads"), b"two");
        assert_eq!(names(folder.path()), ["config.toml"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("asks").permissions().mode() & 0o777, 0o600);
        }

        let aside = set_aside(&path).expect("moves");
        assert_eq!(std::fs::read(aside).expect("reads"), b"two");
        create(&path, b"three").expect("writes");
        assert_eq!(std::fs::read(&path).expect("reads"), b"three");
        assert!(replace(&folder.path().join("none/x"), b"").is_err());
        assert!(replace(Path::new("/"), b"").is_err());
    }
}
