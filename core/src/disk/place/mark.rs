//! What a system expects of a file that came from elsewhere, so that it asks before it runs it: Windows the mark of the
//! web (a second stream of the file), macOS the quarantine attribute. Elsewhere nothing reads such a mark.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The zone of the internet, to Windows.
const ZONE: &str = "[ZoneTransfer]\r\nZoneId=3\r\n";
const ZONE_STREAM: &str = ":Zone.Identifier";
const QUARANTINE: &str = "com.apple.quarantine";

/// Marks a file that was downloaded. A file system without such marks has none; that is no reason to have no file.
pub(super) fn as_downloaded(file: &File, path: &Path) {
    let marked = if cfg!(windows) {
        fs::write(zone_stream(path), ZONE)
    } else if cfg!(target_vendor = "apple") {
        set_attribute(file, QUARANTINE, &quarantine(SystemTime::now()))
    } else {
        Ok(())
    };
    if let Err(error) = marked {
        tracing::debug!(%error, "a downloaded file cannot be marked");
    }
}

/// The second stream of a file, as Windows names it.
fn zone_stream(path: &Path) -> PathBuf {
    let mut stream = OsString::from(path);
    stream.push(ZONE_STREAM);
    stream.into()
}

/// Flags (downloaded, not looked at by a person yet), the time in hexadecimal seconds, and who brought it.
fn quarantine(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("0081;{seconds:08x};Potok;")
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn set_attribute(file: &File, name: &str, value: &str) -> io::Result<()> {
    Ok(rustix::fs::fsetxattr(file, name, value.as_bytes(), rustix::fs::XattrFlags::empty())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn set_attribute(_file: &File, _name: &str, _value: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_marks_are_what_the_systems_read() {
        assert_eq!(zone_stream(Path::new("a/b.exe.potok-part")), Path::new("a/b.exe.potok-part:Zone.Identifier"));
        assert_eq!(ZONE.lines().collect::<Vec<_>>(), ["[ZoneTransfer]", "ZoneId=3"]);
        assert_eq!(quarantine(UNIX_EPOCH + Duration::from_secs(0x6a0b_1c2d)), "0081;6a0b1c2d;Potok;");
        assert_eq!(quarantine(UNIX_EPOCH), "0081;00000000;Potok;");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_attribute_is_set_where_there_are_some() {
        let file = tempfile::tempfile().expect("a file");
        if set_attribute(&file, "user.potok", "mark").is_ok() {
            let mut value = [0; 16];
            let length = rustix::fs::fgetxattr(&file, "user.potok", &mut value).expect("read");
            assert_eq!(&value[..length], b"mark");
        }
        as_downloaded(&file, Path::new("unused"));
    }
}
