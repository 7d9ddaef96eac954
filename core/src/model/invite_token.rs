//! The secret in an invite that lets somebody into a closed network, and what a tracker keeps of it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;

use crate::model::ban_terms::Remark;
use crate::model::username::Username;

/// 128 bits that nobody can guess. Whoever shows them comes in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InviteToken([u8; 16]);

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a token of 22 letters")]
pub struct BadToken;

impl InviteToken {
    /// Takes the 16 bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What a tracker keeps of it: who reads the tracker's disk learns no token.
    pub fn hash(&self) -> TokenHash {
        TokenHash(blake3::derive_key("potok invite token 1", &self.0))
    }
}

impl FromStr for InviteToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_other_letters| BadToken)?;
        bytes.try_into().map(Self).map_err(|_other_length| BadToken)
    }
}

impl fmt::Display for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for InviteToken {
    /// Whoever reads a log must not be able to show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken")
    }
}

/// The hash of a token.
#[derive(Debug, Clone, Copy, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Takes the 32 bytes as they were kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, to be kept.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    /// In a time that says nothing about where they differ.
    fn eq(&self, other: &Self) -> bool {
        blake3::Hash::from_bytes(self.0) == blake3::Hash::from_bytes(other.0)
    }
}

/// An invite that a tracker's owner has issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedInvite {
    /// Its number, by which owners name it.
    pub number: u64,
    /// What is kept of its token.
    pub hash: TokenHash,
    /// How many may still come in by it; none: any number.
    pub uses_left: Option<u32>,
    /// When it ends, in seconds since 1970 by the tracker's clock; none: never.
    pub until: Option<u64>,
    /// Which owner issued it.
    pub by: Option<Username>,
    /// What the owner noted, for owners.
    pub note: Option<Remark>,
}

impl IssuedInvite {
    /// Whether nobody comes in by it any more.
    pub fn is_over(&self, unix_seconds: u64) -> bool {
        self.uses_left == Some(0) || self.until.is_some_and(|until| until <= unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read_and_kept_as_something_else() {
        let token = InviteToken::from_bytes([0xfb; 16]);
        let text = token.to_string();
        assert_eq!((text.as_str(), text.parse()), ("-_v7-_v7-_v7-_v7-_v7-w", Ok(token)));
        assert_eq!(format!("{token:?}"), "InviteToken");
        assert_eq!(token.hash(), token.hash());
        assert_ne!(token.hash(), InviteToken::from_bytes([0xfa; 16]).hash());
        for bad in ["", "-_v7-_v7-_v7-_v7-_v7-x", "-_v7-_v7-_v7-_v7-_v7-w==", "AAAA"] {
            assert_eq!(bad.parse::<InviteToken>(), Err(BadToken), "{bad}");
        }
    }
}
