//! File descriptors: each connection takes one, and there may be too few of them.

use std::io;

/// Lets this process open as many files and sockets as the system allows it, and returns how many that is; `None` if
/// there is no such limit or it is not known.
#[cfg(unix)]
pub fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current }
}

/// How many files and sockets this process may have open; `None` if there is no such limit or it is not known.
#[cfg(unix)]
pub fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn limit() -> Option<u64> {
    None
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn raise_limit() -> Option<u64> {
    None
}

/// Whether an error says that there are no descriptors left, here or in the whole system.
pub fn are_used_up(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let code = error.raw_os_error();
        code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        // WSAEMFILE
        error.raw_os_error() == Some(10_024)
    }
}

/// A descriptor kept for the moment when there are none left: given up, it lets one connection be accepted and closed,
/// so that the caller learns at once instead of waiting.
#[derive(Debug)]
pub struct Spare(Option<socket2::Socket>);

impl Spare {
    /// Holds one descriptor back, if there is one.
    pub fn new() -> Self {
        let mut spare = Self(None);
        spare.take_back();
        spare
    }

    /// Frees the descriptor, so that somebody can be accepted with it.
    pub fn give(&mut self) {
        self.0 = None;
    }

    /// Holds one descriptor back again, if there is one.
    pub fn take_back(&mut self) {
        // A socket that is not bound reaches nothing and is reached by nobody.
        self.0 = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).ok();
    }
}

impl Default for Spare {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_once_and_for_all() {
        let first = raise_limit();
        assert!(first.is_none_or(|limit| limit >= 64));
        assert_eq!(raise_limit(), first);
    }

    #[test]
    fn other_errors_are_not_mistaken() {
        assert!(are_used_up(&io::Error::from_raw_os_error(24)));
        assert!(!are_used_up(&io::Error::from(io::ErrorKind::ConnectionAborted)));
    }
}
