//! Why a download cannot be written, from what the system says.

use std::io;

use crate::model::transfer::TransferError;

/// Why a download cannot be written. Each asks something else of the person.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is a file of that name; it is not replaced unless that was asked for.
    #[error("there is a file of that name already")]
    Exists,
    /// The disk, or our part of it, is full.
    #[error("the disk is full")]
    NoSpace,
    /// The folder is not there, or not any more.
    #[error("the folder does not exist")]
    NoParent,
    /// The system does not let us write there.
    #[error("no permission to write there")]
    Denied,
    /// Nothing can be written to this disk.
    #[error("the disk is read-only")]
    ReadOnly,
    /// The disk cannot hold a file of that name: it is too long, or has a character that this file system does not know.
    #[error("this disk cannot hold a file of that name")]
    NameRefused,
    /// The disk cannot hold a file of that length.
    #[error("this disk cannot hold a file this large")]
    TooLarge,
    /// Too many files are open, or there is no memory left, here or in the whole system: worth trying again.
    #[error("too many files are open")]
    Overloaded,
    /// A link, a folder or a device lies where a file of ours should be, or a link, a file or a device where a folder should.
    #[error("what lies there is in the way")]
    InTheWay,
    /// Another transfer, perhaps of another program, writes the same unfinished file, or another program holds it.
    #[error("another transfer or program uses this file")]
    InUse,
    /// The text is not the name of one file: it is empty, `.`, `..`, or has a separator in it.
    #[error("this is no file name")]
    BadName,
    /// Any other failure of the system, in its own words.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for PlaceError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::AlreadyExists => Self::Exists,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::NoSpace,
            ErrorKind::NotFound => Self::NoParent,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            ErrorKind::FileTooLarge => Self::TooLarge,
            ErrorKind::NotADirectory | ErrorKind::IsADirectory => Self::InTheWay,
            ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => Self::InUse,
            ErrorKind::InvalidFilename => Self::NameRefused,
            // What FAT says to `a:b`. Our own wrong arguments have no number of the system.
            ErrorKind::InvalidInput if error.raw_os_error().is_some() => Self::NameRefused,
            ErrorKind::OutOfMemory => Self::Overloaded,
            _ if is_overloaded(&error) => Self::Overloaded,
            _ if is_in_use(&error) => Self::InUse,
            _ if is_link_refused(&error) => Self::InTheWay,
            _ => Self::Io(error),
        }
    }
}

impl From<PlaceError> for TransferError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Exists => Self::Exists,
            PlaceError::NoParent => Self::NoParent,
            PlaceError::Denied => Self::Denied,
            PlaceError::ReadOnly => Self::ReadOnly,
            PlaceError::InTheWay => Self::InTheWay,
            PlaceError::InUse => Self::InUse,
            PlaceError::NameRefused | PlaceError::BadName => Self::NameRefused,
            PlaceError::TooLarge => Self::TooLargeHere,
            // They pass by themselves; whoever cannot wait says what the system said.
            PlaceError::NoSpace => Self::Disk(words_of(if cfg!(windows) { 112 } else { 28 })),
            PlaceError::Overloaded => Self::Disk(words_of(if cfg!(windows) { 4 } else { 24 })),
            PlaceError::Io(error) => Self::Disk(error.to_string()),
        }
    }
}

/// What the system says of an error, which is known by its number to whoever tells it in another language.
fn words_of(number: i32) -> String {
    io::Error::from_raw_os_error(number).to_string()
}

/// No descriptors are left for this program or the system; there is no stable `ErrorKind` for it.
fn is_overloaded(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let code = error.raw_os_error();
        code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
    }
    // ERROR_TOO_MANY_OPEN_FILES, ERROR_NO_SYSTEM_RESOURCES
    #[cfg(not(unix))]
    return matches!(error.raw_os_error(), Some(4 | 1450));
}

/// Another program has the file open and lets nobody else at it: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// Opening a link with `O_NOFOLLOW` has no stable `ErrorKind`.
fn is_link_refused(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return error.raw_os_error().is_some() && error.to_string().contains("symbolic link");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_in_the_words_of_the_system() {
        for error in [PlaceError::NoSpace, PlaceError::Overloaded] {
            let TransferError::Disk(words) = TransferError::from(error) else {
                panic!("others have words of their own")
            };
            let number = words.rsplit_once("(os error ").and_then(|(_, n)| n.trim_end_matches(')').parse().ok());
            let again = PlaceError::from(io::Error::from_raw_os_error(number.expect("a number")));
            assert!(matches!(again, PlaceError::NoSpace | PlaceError::Overloaded), "{words}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        use io::ErrorKind;
        assert!(matches!(PlaceError::from(io::Error::from(ErrorKind::StorageFull)), PlaceError::NoSpace));
        assert!(matches!(PlaceError::from(io::Error::from(ErrorKind::QuotaExceeded)), PlaceError::NoSpace));
        #[cfg(target_os = "linux")]
        {
            let full = std::fs::File::options().write(true).open("/dev/full").expect("opens");
            let error = crate::disk::at::write_all_at(&full, b"x", 0).expect_err("always full");
            assert!(matches!(PlaceError::from(error), PlaceError::NoSpace));
        }
    }
}
