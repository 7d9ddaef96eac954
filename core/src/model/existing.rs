//! What becomes of a download where something is at its place already.

/// What a download does where a file is at its place that is not the one it would fetch. Of a folder it is about those of
/// its files; what is there with the very content is simply done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It does not begin: the person is asked first.
    #[default]
    Refuse,
    /// What is there goes when the new file is whole and verified.
    Replace,
    /// The new one gets a number behind its name.
    KeepBoth,
    /// What is there stays, and the new one is not fetched.
    LeaveOut,
}

impl Existing {
    /// Whether what is there goes.
    pub fn is_replace(self) -> bool {
        self == Self::Replace
    }

    /// This answer, or, where there is none, another.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Refuse { other } else { self }
    }
}
