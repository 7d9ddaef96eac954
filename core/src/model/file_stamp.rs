//! What tells a changed file from an unchanged one without reading it.

use std::time::Duration;

/// Which file it is and when it was last touched, as the file system says.
///
/// Two equal stamps mean the same content only if the stamp was [`FileStamp::is_settled_at`] when the content was read:
/// a clock has ticks, and two writes within one tick leave the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileStamp {
    /// The number of the file system that the file is on.
    pub device: u64,
    /// The number of the file on its file system; a name may come to stand for another file.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When its content changed, in nanoseconds since 1970; anybody may set it.
    pub mtime_ns: i128,
    /// When anything about it changed, in nanoseconds since 1970; where there is no such time, the same as `mtime_ns`.
    pub ctime_ns: i128,
}

impl FileStamp {
    /// The coarsest clock of the file systems in use: FAT counts in steps of two seconds.
    pub const COARSE_TICK: Duration = Duration::from_secs(2);
    /// The clock of a file system that counts in nanoseconds still stands for some milliseconds.
    pub const FINE_TICK: Duration = Duration::from_millis(100);

    /// Whether a change after `now_ns` is sure to show in the stamp: both times are at least a tick in the past. A time
    /// in the future is never settled.
    pub fn is_settled_at(&self, now_ns: i128) -> bool {
        // Nobody can set this time, so its last digits show how fine the clock is.
        let is_fine = self.ctime_ns % 1_000_000 != 0;
        self.is_quiet_at(now_ns, if is_fine { Self::FINE_TICK } else { Self::COARSE_TICK })
    }

    /// Whether nothing was written for `quiet` before `now_ns`.
    pub fn is_quiet_at(&self, now_ns: i128, quiet: Duration) -> bool {
        let quiet_ns = i128::try_from(quiet.as_nanos()).unwrap_or(i128::MAX);
        self.mtime_ns.max(self.ctime_ns).saturating_add(quiet_ns) <= now_ns
    }

    /// Whether both are stamps of one file, changed or not.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A file system, as far as it can be told from another one that is mounted in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileSystemId {
    /// The number of its device. Another one may get it after a restart of the computer.
    pub device: u64,
    /// The number that it has of itself; 0 if it has none.
    pub number: u64,
    /// Whether the system itself lies on it: such a one is not exchanged.
    pub is_of_system: bool,
}

impl FileSystemId {
    /// Whether it is the same file system, at another time.
    pub fn is_same(&self, other: &Self) -> bool {
        let has_same_number = self.number != 0 && self.number == other.number;
        let has_no_number = self.number == 0 || other.number == 0;
        has_same_number || (has_no_number && self.device == other.device) || (self.is_of_system && other.is_of_system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_trusted_only_after_a_tick() {
        let second = 1_000_000_000;
        let stamp = FileStamp { device: 1, inode: 2, size: 3, mtime_ns: 5 * second, ctime_ns: 10 * second };
        for (now, settled) in [(10 * second, false), (12 * second - 1, false), (12 * second, true), (0, false)] {
            assert_eq!(stamp.is_settled_at(now), settled, "{now}");
        }
        let fine = FileStamp { ctime_ns: 10 * second + 1, ..stamp };
        for (now, settled) in [(10 * second + 1, false), (10 * second + second / 10, false), (11 * second, true)] {
            assert_eq!(fine.is_settled_at(now), settled, "{now}");
        }
        let future = FileStamp { mtime_ns: i128::MAX, ..stamp };
        assert!(!future.is_settled_at(100 * second));
    }

    #[test]
    fn another_file_system_in_its_place_is_noticed() {
        let on = |device, number, is_of_system| FileSystemId { device, number, is_of_system };
        for (before, now, is_same) in [
            (on(1, 0, false), on(1, 0, false), true),
            (on(1, 0, false), on(2, 0, false), false),
            // It has the number of its device anew after each start, and its own for ever.
            (on(1, 7, false), on(2, 7, false), true),
            (on(1, 7, false), on(1, 8, false), false),
            (on(1, 7, false), on(1, 0, false), true),
            (on(1, 7, true), on(2, 8, true), true),
            (on(1, 7, false), on(2, 8, true), false),
        ] {
            assert_eq!(before.is_same(&now), is_same, "{before:?} {now:?}");
        }
    }
}
