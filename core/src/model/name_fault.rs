//! Why a name from somebody else is not written to this computer's disk.

use std::fmt;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// It is empty, or leads elsewhere.
    NoName,
    /// It has more bytes than any disk takes.
    TooLong,
    /// Nobody sees some of its characters, or they drive what shows them.
    Invisible,
    /// There is nothing to be seen of it.
    Blank,
    /// The system keeps one of its characters for itself.
    Reserved,
    /// It would be taken for a download that is not finished.
    Unfinished,
    /// Windows cuts its end off.
    Ending,
    /// Windows opens a device by it.
    Device,
    /// Windows does what is in it.
    WindowsActs,
    /// Git or Mercurial runs what is in it.
    GitRuns,
    /// The system does what is in it.
    SystemActs,
    /// A hidden file of the home folder.
    HiddenAtHome,
    /// The system starts it.
    SystemStarts,
    /// Programs of the person do what is in it.
    ProgramsAct,
}

impl NameFault {
    /// Every fault that a name may have.
    pub const ALL: [Self; 14] = [
        Self::NoName,
        Self::TooLong,
        Self::Invisible,
        Self::Blank,
        Self::Reserved,
        Self::Unfinished,
        Self::Ending,
        Self::Device,
        Self::WindowsActs,
        Self::GitRuns,
        Self::SystemActs,
        Self::HiddenAtHome,
        Self::SystemStarts,
        Self::ProgramsAct,
    ];

    /// The key of its translations, below `name-fault`.
    pub fn key(self) -> &'static str {
        self.words().0
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NoName => ("no-name", "is no file name"),
            Self::TooLong => ("too-long", "is longer than 255 bytes"),
            Self::Invisible => ("invisible", "has control or text-direction characters"),
            Self::Blank => ("blank", "is blank"),
            Self::Reserved => ("reserved", "has a character that is not allowed on this system"),
            Self::Unfinished => ("unfinished", "is that of an unfinished download"),
            Self::Ending => ("ending", "ends in a dot or a space"),
            Self::Device => ("device", "is the name of a device on Windows"),
            Self::WindowsActs => ("windows-acts", "is that of a file which Windows acts on by itself"),
            Self::GitRuns => ("git-runs", "is where git finds what it runs by itself"),
            Self::SystemActs => ("system-acts", "would be among what the system acts on by itself"),
            Self::HiddenAtHome => {
                ("hidden-at-home", "would be among the hidden files of your home folder, which programs act on")
            }
            Self::SystemStarts => ("system-starts", "would be started by the system by itself"),
            Self::ProgramsAct => ("programs-act", "is what programs in your home folder act on"),
        }
    }
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}
