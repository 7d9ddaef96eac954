//! Whether the way to the Internet is metered, as the system knows it.

/// What the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metering {
    /// It does not know, or nobody asks it.
    #[default]
    Unknown,
    /// Bytes cost nothing.
    Unmetered,
    /// Bytes cost something, or there are only so many: a telephone's, say.
    Metered,
}

impl Metering {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unmetered => "no",
            Self::Metered => "yes",
        }
    }
}
