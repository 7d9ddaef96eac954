//! What is wrong with a setting, as a value: the person reads it in their own language.
//!
//! The English text is the `Display` form. The app translates by [`SettingFault::key`].

use std::fmt;

/// What would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingFault {
    /// A name of the network is one line.
    Line,
    /// A greeting is a few lines.
    Greeting,
    /// The word that lets somebody read figures must not be guessed.
    ObserveToken,
    /// More owners than there may be.
    TooManyOwners,
    /// More bans than there may be.
    TooManyBans,
    /// More servers of etcd than agree well.
    TooManyServers,
    /// It cannot be told whose certificates those of the servers are.
    NoAuthority,
    /// A certificate without its key, or the other way round.
    HalfCertificate,
    /// The other trackers of the cluster have no address of this one.
    NoMesh,
    /// The tracker listens there already, for something else.
    SameAddress,
    /// Nothing can be had of it.
    Zero,
    /// A number that nothing can work with.
    OutOfRange,
}

impl SettingFault {
    /// All kinds, for those who translate their sentences.
    pub const ALL: [Self; 12] = [
        Self::Line,
        Self::Greeting,
        Self::ObserveToken,
        Self::TooManyOwners,
        Self::TooManyBans,
        Self::TooManyServers,
        Self::NoAuthority,
        Self::HalfCertificate,
        Self::NoMesh,
        Self::SameAddress,
        Self::Zero,
        Self::OutOfRange,
    ];

    /// The key of its sentence in the translations, below `setting-fault`.
    pub fn key(self) -> &'static str {
        self.words().0
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Line => ("line", "expected one line of text of at most 400 bytes"),
            Self::Greeting => ("greeting", "expected at most 100 lines of text of at most 400 bytes each"),
            Self::ObserveToken => ("observe-token", "expected one line of at least 16 letters that nobody can guess"),
            Self::TooManyOwners => ("too-many-owners", "expected at most 100 keys"),
            Self::TooManyBans => ("too-many-bans", "expected at most 10000 keys, addresses, prefixes and names"),
            Self::TooManyServers => ("too-many-servers", "expected at most 16 servers of etcd"),
            Self::NoAuthority => {
                ("no-authority", "expected the file with the certificates of the servers in `cluster`: they are https")
            }
            Self::HalfCertificate => {
                ("half-certificate", "expected both cluster_certificate and cluster_key, or neither")
            }
            Self::NoMesh => ("no-mesh", "expected IP:PORT by which the other trackers of the cluster reach this one"),
            Self::SameAddress => {
                ("same-address", "expected an address of its own: the tracker listens at this one already")
            }
            Self::Zero => ("zero", "expected a number of at least 1"),
            Self::OutOfRange => ("out-of-range", "this number is too small or too large to work with"),
        }
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}
