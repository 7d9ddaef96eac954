//! What an owner tells of a file besides its content: when it was changed last, and whether it can be run. It comes
//! right before the first answer about the file, and only where both sides have agreed on it (ALPN).
//!
//! ```text
//! head = 6:u8 id:u32 length:u32         the id is that of the answer that follows
//! data = flags:u8 { tag:u32 seconds:i64 nanoseconds:u32 }      one to sixteen times
//! ```
//! Several files of an owner may have one content, each with a time of its own: the tag, which is the beginning of the
//! hash of a share path, tells which is which. A downloader that knows the path finds its file; nobody learns a path.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::share_path::SharePath;
use crate::protocol::peer::{ANSWER_BYTES, BadFrame};

const ABOUT_KIND: u8 = 6;
const CAN_RUN: u8 = 1;
const ENTRY_BYTES: usize = 4 + 8 + 4;
/// Files of one content that are told apart.
pub const ABOUT_FILES_MAX: usize = 16;
/// Longest data of one frame, in bytes.
pub const ABOUT_BYTES_MAX: usize = 1 + ABOUT_FILES_MAX * ENTRY_BYTES;

/// Which of several files with one content is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathTag(u32);

impl PathTag {
    /// That of a share path.
    pub fn of(path: &SharePath) -> Self {
        let hash = blake3::hash(path.as_str().as_bytes());
        let [a, b, c, d, ..] = *hash.as_bytes();
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// When a file was changed last, in seconds since 1970 (before it: less than 0) and nanoseconds after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTime {
    seconds: i64,
    nanoseconds: u32,
}

impl FileTime {
    /// From nanoseconds since 1970; `None` if that is no time of this world.
    pub fn from_nanoseconds(nanoseconds: i128) -> Option<Self> {
        const SECOND: i128 = 1_000_000_000;
        let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok()?;
        Some(Self { seconds, nanoseconds: u32::try_from(nanoseconds.rem_euclid(SECOND)).ok()? })
    }

    /// The time, if it is one that a file may be given here: not before 1970, and not more than a day ahead of us, which
    /// would make a file newer than whatever is made of it.
    pub fn believable(self, now: SystemTime) -> Option<SystemTime> {
        const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
        let since = Duration::new(u64::try_from(self.seconds).ok()?, self.nanoseconds);
        let time = UNIX_EPOCH.checked_add(since)?;
        (time <= now.checked_add(AHEAD_MAX)?).then_some(time)
    }
}

/// What is told of the files that have a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Whether its owner may run it.
    pub can_run: bool,
    /// When each was changed last, at least one, by its share path.
    pub times: Vec<(PathTag, FileTime)>,
}

impl About {
    /// When the file of this path was changed last; that of the first if it is not among them.
    pub fn time_of(&self, tag: PathTag) -> Option<FileTime> {
        let meant = self.times.iter().find(|(of, _)| *of == tag).or_else(|| self.times.first());
        meant.map(|(_, time)| *time)
    }

    /// The frame, with its data; before the answer with this id. Nothing if there is nothing to tell.
    pub fn encode(&self, id: u32) -> Vec<u8> {
        let times = &self.times[..self.times.len().min(ABOUT_FILES_MAX)];
        let Ok(length @ 17..) = u32::try_from(1 + times.len() * ENTRY_BYTES) else { return Vec::new() };
        let mut frame = vec![ABOUT_KIND];
        frame.extend(id.to_be_bytes());
        frame.extend(length.to_be_bytes());
        frame.push(if self.can_run { CAN_RUN } else { 0 });
        for (PathTag(tag), FileTime { seconds, nanoseconds }) in times {
            frame.extend(tag.to_be_bytes());
            frame.extend(seconds.to_be_bytes());
            frame.extend(nanoseconds.to_be_bytes());
        }
        frame
    }

    /// Reads the data behind a head. Flags that are not known are nothing to us.
    pub fn decode(data: &[u8]) -> Result<Self, BadFrame> {
        let (flags, entries) = data.split_first().ok_or(BadFrame)?;
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if entries.is_empty() || !rest.is_empty() || entries.len() > ABOUT_FILES_MAX {
            return Err(BadFrame);
        }
        let time = |[a, b, c, d, time @ ..]: &[u8; ENTRY_BYTES]| {
            let [s0, s1, s2, s3, s4, s5, s6, s7, n @ ..] = *time;
            let nanoseconds = u32::from_be_bytes(n);
            let time = FileTime { seconds: i64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]), nanoseconds };
            (nanoseconds < 1_000_000_000)
                .then_some((PathTag(u32::from_be_bytes([*a, *b, *c, *d])), time))
                .ok_or(BadFrame)
        };
        Ok(Self { can_run: flags & CAN_RUN != 0, times: entries.iter().map(time).collect::<Result<_, _>>()? })
    }
}

/// The head of such a frame: the id of the answer that follows, and how many bytes of data come first. `None` for every
/// other frame.
pub fn decode_head(frame: &[u8; ANSWER_BYTES]) -> Option<Result<(u32, usize), BadFrame>> {
    let [ABOUT_KIND, i0, i1, i2, i3, length @ ..] = *frame else { return None };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let is_right = length <= ABOUT_BYTES_MAX && length > 1 && (length - 1).is_multiple_of(ENTRY_BYTES);
    Some(is_right.then_some((u32::from_be_bytes([i0, i1, i2, i3]), length)).ok_or(BadFrame))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(path: &str) -> PathTag {
        PathTag::of(&SharePath::new(path).expect("a path"))
    }

    fn about(count: usize) -> About {
        let time = |n: usize| FileTime::from_nanoseconds(n as i128 * 1_500_000_000).expect("a time");
        About { can_run: count == 2, times: (0..count).map(|n| (tag(&format!("F/{n}")), time(n))).collect() }
    }

    #[test]
    fn what_is_told_is_read() {
        for count in [1, 2, 16] {
            let told = about(count);
            let frame = told.encode(7);
            let (head, data) = frame.split_first_chunk().expect("a head");
            assert_eq!(decode_head(head), Some(Ok((7, data.len()))));
            assert_eq!(About::decode(data), Ok(told));
        }
        assert_eq!(about(30).encode(7).len(), ANSWER_BYTES + ABOUT_BYTES_MAX);
        assert!(about(0).encode(7).is_empty());
        let both = about(2);
        assert_eq!(both.time_of(tag("F/1")), Some(both.times[1].1));
        assert_eq!(both.time_of(tag("other")), Some(both.times[0].1));
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let time = FileTime::from_nanoseconds(1_000_000_002_000_000_003).expect("a time");
        let frame = About { can_run: true, times: vec![(PathTag(0x0a0b_0c0d), time)] }.encode(5);
        let data = [1, 10, 11, 12, 13, 0, 0, 0, 0, 0x3b, 0x9a, 0xca, 2, 0, 0, 0, 3];
        assert_eq!(frame, [&[6, 0, 0, 0, 5, 0, 0, 0, 17], data.as_slice()].concat());
        assert_eq!(tag("Trip/day 1.jpg"), PathTag(u32::from_be_bytes(first_of(b"Trip/day 1.jpg"))));
    }

    fn first_of(text: &[u8]) -> [u8; 4] {
        *blake3::hash(text).as_bytes().first_chunk().expect("32 bytes")
    }

    #[test]
    fn a_time_is_one_that_a_file_may_have() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let nanoseconds = |seconds: i128| seconds * 1_000_000_000;
        for (since, is_believed) in [
            (nanoseconds(0), true),
            (nanoseconds(1_800_000_000) + 5, true),
            (nanoseconds(1_800_000_000 + 86_400), true),
            (nanoseconds(1_800_000_000 + 86_401), false),
            (-1, false),
        ] {
            let time = FileTime::from_nanoseconds(since).expect("a time");
            assert_eq!(time.believable(now).is_some(), is_believed, "{since}");
        }
        assert_eq!(FileTime::from_nanoseconds(i128::MAX), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(head in any::<[u8; 9]>(), data in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(Ok((_, length))) = decode_head(&head) {
                prop_assert!(length <= ABOUT_BYTES_MAX);
            }
            if let Ok(about) = About::decode(&data) {
                prop_assert_eq!(&about.encode(0)[ANSWER_BYTES + 1..], &data[1..]);
            }
        }
    }
}
