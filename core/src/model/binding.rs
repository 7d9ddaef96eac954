//! What a tracker remembers about people between sessions: whose a name is, and who is shut out.

use std::fmt;
use std::net::IpAddr;

use crate::model::ban_terms::{AddressPrefix, BadPrefix, BanTerms};
use crate::model::invite_token::IssuedInvite;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::model::waiting_user::WaitingUser;

/// A name and the key that owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name as its owner wrote it last.
    pub username: Username,
    /// The key of its owner; nobody else may register the name while the binding lasts.
    pub key: PublicKey,
    /// When the owner was last seen under it, by the tracker's own clock, in seconds.
    pub used_at: u64,
}

/// What somebody who is shut out is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BanTarget {
    /// A person, under whatever name and from wherever.
    Key(PublicKey),
    /// Everybody at one IP address, whoever they are.
    Address(IpAddr),
    /// Everybody at the addresses that begin with the same bits.
    Prefix(AddressPrefix),
    /// Everybody who wants a name, whatever its case. It is written `@name`, as no username is.
    Name(Username),
}

/// Somebody who is shut out of a tracker, until the tracker's owner takes it back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ban {
    /// What they are known by, and refused for.
    pub target: BanTarget,
    /// What they were called, if that is known.
    pub username: Option<Username>,
    /// Why, by whom and until when.
    pub terms: BanTerms,
}

impl Ban {
    /// Somebody who is shut out until that is taken back, and nobody says why.
    pub fn new(target: BanTarget, username: Option<Username>) -> Self {
        Self { target, username, terms: BanTerms::default() }
    }
}

impl BanTarget {
    /// Whether somebody of this key and name, at this address, is meant.
    pub fn covers(&self, key: Option<PublicKey>, address: IpAddr, name: Option<&Username>) -> bool {
        match self {
            Self::Key(banned) => key == Some(*banned),
            Self::Address(banned) => *banned == address.to_canonical(),
            Self::Prefix(prefix) => prefix.contains(address),
            Self::Name(banned) => name.is_some_and(|name| name.folded() == banned.folded()),
        }
    }
}

impl BanTarget {
    /// The same for all that mean the same: names regardless of case.
    pub fn folded(&self) -> Self {
        match self {
            Self::Name(name) => Username::new(&name.folded()).map_or_else(|_unlike| self.clone(), Self::Name),
            other => other.clone(),
        }
    }
}

impl fmt::Display for BanTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Name(name) => write!(f, "@{name}"),
        }
    }
}

/// One change of what a tracker keeps on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A name is bound to a key.
    Bound(Binding),
    /// The owner of a name has used it again.
    Used(Binding),
    /// A name is nobody's again: an owner of the tracker has released it, or it has rested for long enough.
    Released {
        /// The name as [`Username::folded`] gives it.
        folded: String,
    },
    /// A name is nobody's again if it was not used after this.
    Lapsed {
        /// The name as [`Username::folded`] gives it.
        folded: String,
        /// When it was used last, as [`Binding::used_at`].
        used_at: u64,
    },
    /// A name is nobody's, and nobody gets it until it is released.
    Resting(Username),
    /// Somebody is shut out from now on.
    Banned(Ban),
    /// Somebody who was shut out may come in again.
    Unbanned(BanTarget),
    /// A ban has ended, unless another one was ordered of the same since.
    BanOver {
        /// Who may come in again.
        target: BanTarget,
        /// When it was to end, in seconds since 1970.
        until: u64,
    },
    /// What an owner has set by a command, which goes before the configuration; none: the configuration counts again.
    Ordered {
        /// The name of the setting.
        setting: String,
        /// Its value as a text.
        value: Option<String>,
    },
    /// An invite is issued, or was used.
    Invited(IssuedInvite),
    /// No invite gets this number, or a smaller one, again.
    LastInvite {
        /// The largest number so far.
        number: u64,
    },
    /// An invite is used up, over or revoked.
    Revoked {
        /// The number of the invite.
        number: u64,
    },
    /// Somebody asks to be let in, or still does.
    Waits {
        /// The key that they proved.
        key: PublicKey,
        /// What they ask for.
        user: WaitingUser,
    },
    /// They wait no more.
    WaitsNoMore {
        /// The key that they proved.
        key: PublicKey,
    },
    /// So far is the tracker's own clock, by which names lapse.
    Clock {
        /// In seconds; it stands while the tracker is off.
        run_seconds: u64,
    },
}

/// A name that a key wants, or its owner's new spelling of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameClaim {
    /// What is claimed: the name, for whom, and when.
    pub binding: Binding,
    /// Most names that the key may own.
    pub names_max: usize,
    /// The number of the invite that is used up by it, if it takes one.
    pub invite: Option<u64>,
}

/// What became of a claim. The replica shows why before the fate is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimFate {
    /// The name is the key's.
    Done,
    /// It is somebody else's or looks like one that is, the key owns too many, or the invite is used up.
    Lost,
    /// Nobody knows, in time. If it was done, the same claim will find it so.
    Failed,
}

/// A text under which nobody can be shut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBanTarget {
    /// It is neither a key nor an address nor a prefix nor a name.
    #[error("expected a key of 64 hexadecimal digits, a prefix such as 192.0.2.0/24, an IP address, or @name")]
    Form,
    /// A prefix, but not one that is allowed.
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
}

impl std::str::FromStr for BanTarget {
    type Err = BadBanTarget;

    fn from_str(text: &str) -> Result<Self, BadBanTarget> {
        if let Ok(key) = text.parse() {
            return Ok(Self::Key(key));
        }
        if let Some(name) = text.strip_prefix('@') {
            return Username::new(name).map(Self::Name).map_err(|_bad_name| BadBanTarget::Form);
        }
        if text.contains('/') {
            return Ok(Self::Prefix(text.parse()?));
        }
        let address: IpAddr = text.parse().map_err(|_neither| BadBanTarget::Form)?;
        Ok(Self::Address(address.to_canonical()))
    }
}

/// Somebody who is shut out, as a person names them: by a name, with or without its `@`, a key or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanQuery {
    typed: String,
    target: Option<BanTarget>,
    /// The name regardless of case.
    folded: Option<String>,
}

/// Nobody can be shut out under this: it is no name, no key and no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a name, a key or an address")]
pub struct BadBanQuery;

impl BanQuery {
    /// The text as the person typed it.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Whether this ban can be meant.
    pub fn means(&self, ban: &Ban) -> bool {
        let called = match &ban.target {
            BanTarget::Name(called) => Some(called),
            BanTarget::Key(_) | BanTarget::Address(_) | BanTarget::Prefix(_) => ban.username.as_ref(),
        };
        let is_called = |name: &String| called.is_some_and(|called| called.folded() == *name);
        self.target.as_ref() == Some(&ban.target) || self.folded.as_ref().is_some_and(is_called)
    }
}

impl std::str::FromStr for BanQuery {
    type Err = BadBanQuery;

    fn from_str(typed: &str) -> Result<Self, BadBanQuery> {
        let target: Option<BanTarget> = typed.parse().ok();
        let folded = Username::new(typed.strip_prefix('@').unwrap_or(typed)).ok().map(|name| name.folded());
        if target.is_none() && folded.is_none() {
            return Err(BadBanQuery);
        }
        Ok(Self { typed: typed.to_owned(), target, folded })
    }
}

impl From<&BanTarget> for BanQuery {
    fn from(target: &BanTarget) -> Self {
        let folded = match target {
            BanTarget::Name(name) => Some(name.folded()),
            BanTarget::Key(_) | BanTarget::Address(_) | BanTarget::Prefix(_) => None,
        };
        Self { typed: target.to_string(), target: Some(target.clone()), folded }
    }
}

crate::model::kept_as_text::kept_as_text!(BanTarget);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_is_written() {
        let key = "ab".repeat(32);
        for text in [key.as_str(), "192.0.2.7", "2001:db8::1", "@anna", "@192.0.2.7", "192.0.2.0/24"] {
            assert_eq!(text.parse::<BanTarget>().expect(text).to_string(), text);
        }
        assert_eq!("::ffff:192.0.2.7".parse::<BanTarget>().expect("mapped").to_string(), "192.0.2.7");
        for bad in ["", "anna", "@", "@a b", "abab"] {
            assert_eq!(bad.parse::<BanTarget>(), Err(BadBanTarget::Form), "{bad}");
        }
        assert_eq!("192.0.2.0/0".parse::<BanTarget>(), Err(BadPrefix::TooWide.into()));
    }
}
