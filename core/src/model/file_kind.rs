//! What a file is for, judged by the ending of its name.

use std::fmt;
use std::str::FromStr;

/// What a file is for. It is a guess for sorting and filtering; nothing is opened or trusted because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// Sound: music, speech, recordings.
    Audio,
    /// Moving pictures, and the subtitles beside them.
    Video,
    /// Pictures that do not move, drawn or photographed.
    Picture,
    /// Texts, tables, slides, books.
    Document,
    /// Files in a file.
    Archive,
    /// Programs and source.
    Program,
    /// Anything else, and what has no ending.
    Other,
}

/// The endings of each kind, in small letters. `docs/protocol.md` has the same table.
pub const ENDINGS: [(FileKind, &str); 6] = [
    (FileKind::Document, "pdf doc docx odt rtf txt md epub xls xlsx ods csv ppt pptx odp fb2 djvu html tex"),
    (FileKind::Picture, "jpg jpeg png gif webp heic svg tif tiff bmp raw cr2 nef avif psd"),
    (FileKind::Audio, "mp3 flac ogg opus wav m4a aac wma aiff mid"),
    (FileKind::Video, "mp4 mkv avi mov webm m4v mpg mpeg wmv ts srt"),
    (FileKind::Archive, "zip gz xz zst bz2 7z rar tar tgz iso img dmg"),
    (FileKind::Program, "exe msi deb rpm apk appimage sh py rs c h cpp js java jar go toml json"),
];

/// The endings as numbers, so that a catalog is quickly looked through.
const PACKED: [(u64, FileKind); packed_count()] = {
    let mut packed = [(0, FileKind::Other); packed_count()];
    let (mut kind, mut count) = (0, 0);
    while kind < ENDINGS.len() {
        let mut rest = ENDINGS[kind].1.as_bytes();
        while let [_, ..] = rest {
            let mut len = 0;
            while len < rest.len() && rest[len] != b' ' {
                len += 1;
            }
            let (ending, behind) = rest.split_at(len);
            packed[count] = (pack(ending), ENDINGS[kind].0);
            count += 1;
            rest = match behind {
                [_space, next @ ..] => next,
                [] => behind,
            };
        }
        kind += 1;
    }
    packed
};

const fn packed_count() -> usize {
    let (mut kind, mut count) = (0, 0);
    while kind < ENDINGS.len() {
        let endings = ENDINGS[kind].1.as_bytes();
        let mut at = 0;
        while at < endings.len() {
            count += (endings[at] == b' ') as usize;
            at += 1;
        }
        (kind, count) = (kind + 1, count + 1);
    }
    count
}

/// An ending in small letters as a number, which is zero for those that are too long to be known.
const fn pack(ending: &[u8]) -> u64 {
    if ending.len() > 8 {
        return 0;
    }
    let (mut packed, mut at) = (0, 0);
    while at < ending.len() {
        packed = packed << 8 | ending[at].to_ascii_lowercase() as u64;
        at += 1;
    }
    packed
}

impl FileKind {
    /// All, in the order of menus.
    pub const ALL: [Self; 7] =
        [Self::Document, Self::Picture, Self::Audio, Self::Video, Self::Archive, Self::Program, Self::Other];

    /// The kind of a file of this name. The share path of the file does as well: no ending has a `/`.
    pub fn of(name: &str) -> Self {
        let Some(dot) = memchr::memrchr(b'.', name.as_bytes()) else { return Self::Other };
        let ending = pack(&name.as_bytes()[dot + 1..]);
        PACKED.iter().find(|(known, _)| *known == ending).map_or(Self::Other, |(_, kind)| *kind)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Picture => "picture",
            Self::Document => "document",
            Self::Archive => "archive",
            Self::Program => "program",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a kind is one of audio, video, picture, document, archive, program, other")]
pub struct UnknownKind;

impl FromStr for FileKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_the_end_of_the_name() {
        for (name, kind) in [
            ("a.JPG", FileKind::Picture),
            ("a.tar.gz", FileKind::Archive),
            ("книга.pdf", FileKind::Document),
            ("a.flac", FileKind::Audio),
            ("a.mkv", FileKind::Video),
            ("a.rs", FileKind::Program),
            (".mp3", FileKind::Audio),
            ("a", FileKind::Other),
            ("a.", FileKind::Other),
            ("mp3", FileKind::Other),
            ("a.appimage", FileKind::Program),
            ("a.appimages", FileKind::Other),
            ("a.tex", FileKind::Document),
            ("a.json", FileKind::Program),
            ("a.mp3/b", FileKind::Other),
            ("a.mp3/b.zip", FileKind::Archive),
        ] {
            assert_eq!(FileKind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn every_kind_has_a_word() {
        for kind in FileKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("Audio".parse::<FileKind>(), Err(UnknownKind));
    }

    #[test]
    fn an_ending_is_of_one_kind() {
        let mut endings: Vec<&str> = ENDINGS.iter().flat_map(|(_, endings)| endings.split(' ')).collect();
        let count = endings.len();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), count);
        for (kind, endings) in ENDINGS {
            assert!(endings.split(' ').all(|ending| FileKind::of(&format!("a.{ending}")) == kind));
        }
    }
}
