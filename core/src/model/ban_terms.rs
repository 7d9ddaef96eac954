//! What a ban says besides whom it is of, and addresses by their first bits.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::model::limits;
use crate::model::username::Username;

/// One line of text that a tracker's owner writes for others: why somebody is shut out, or a word to everybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remark(String);

/// Why a text is no remark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRemark {
    /// Nothing, or more than [`limits::GREETING_LINE_BYTES_MAX`].
    #[error("a remark has 1 to {max} bytes", max = limits::GREETING_LINE_BYTES_MAX)]
    Length,
    /// A line break, or another control character.
    #[error("a remark is one line without control characters")]
    Control,
}

impl Remark {
    /// Takes a text, without the spaces round it.
    pub fn new(text: &str) -> Result<Self, BadRemark> {
        let text = text.trim();
        if text.is_empty() || text.len() > limits::GREETING_LINE_BYTES_MAX {
            return Err(BadRemark::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(BadRemark::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text. It is a stranger's for whoever reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why, by whom, and until when somebody is shut out.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BanTerms {
    /// What they read of why.
    pub reason: Option<Remark>,
    /// Which owner ordered it; nobody for those of a configuration.
    pub by: Option<Username>,
    /// When it ends, in seconds since 1970 by the tracker's clock; never unless it is lifted.
    pub until: Option<u64>,
}

impl BanTerms {
    /// Whether it is over at this time, in seconds since 1970.
    pub fn is_over(&self, unix_seconds: u64) -> bool {
        self.until.is_some_and(|until| until <= unix_seconds)
    }

    /// Whole minutes until it is over, rounded up.
    pub fn minutes_left(&self, unix_seconds: u64) -> Option<u64> {
        self.until.map(|until| until.saturating_sub(unix_seconds).div_ceil(60))
    }
}

/// All addresses that begin with the same bits, written `192.0.2.0/24`: those of a provider or a house, never most of the
/// world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressPrefix(IpNet);

/// Fewest bits of an IPv4 prefix: a larger part of the world is not shut out by mistake.
pub const PREFIX_BITS_MIN_V4: u8 = 8;
/// Fewest bits of an IPv6 prefix: what a registry gives to a provider has more.
pub const PREFIX_BITS_MIN_V6: u8 = 16;

/// Why a text is no prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPrefix {
    /// No address, or no number of bits behind the `/`.
    #[error("expected an address, a '/' and a number of bits: 192.0.2.0/24")]
    Form,
    /// It would shut out a large part of the world.
    #[error(
        "that is too much of the world: a prefix has at least {PREFIX_BITS_MIN_V4} bits of IPv4, {PREFIX_BITS_MIN_V6} of IPv6"
    )]
    TooWide,
}

impl AddressPrefix {
    /// Whether the address begins with these bits.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for AddressPrefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let net: IpNet = text.parse().map_err(|_no_prefix| BadPrefix::Form)?;
        // Addresses are compared in the form of their own family, so such a prefix would match nothing.
        if net.addr().to_canonical() != net.addr() {
            return Err(BadPrefix::Form);
        }
        let bits_min = if net.addr().is_ipv4() { PREFIX_BITS_MIN_V4 } else { PREFIX_BITS_MIN_V6 };
        if net.prefix_len() < bits_min { Err(BadPrefix::TooWide) } else { Ok(Self(net.trunc())) }
    }
}

impl fmt::Display for AddressPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_one_line() {
        assert_eq!(Remark::new("  rude \u{43f}").expect("a remark").as_str(), "rude \u{43f}");
        for (bad, why) in [
            ("", BadRemark::Length),
            ("   ", BadRemark::Length),
            (&*"x".repeat(limits::GREETING_LINE_BYTES_MAX + 1), BadRemark::Length),
            ("two\nlines", BadRemark::Control),
            ("\u{1b}[31m", BadRemark::Control),
            ("\u{9b}2J", BadRemark::Control),
        ] {
            assert_eq!(Remark::new(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_is_never_most_of_the_world() {
        for (text, written, inside, outside) in [
            ("192.0.2.7/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("10.0.0.0/8", "10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.0"),
            ("2001:db8::1/32", "2001:db8::/32", "2001:db8:ffff::1", "192.0.2.1"),
            ("192.0.2.7/32", "192.0.2.7/32", "192.0.2.7", "192.0.2.8"),
        ] {
            let prefix: AddressPrefix = text.parse().expect(text);
            assert_eq!(prefix.to_string(), written);
            assert!(prefix.contains(inside.parse().expect(inside)), "{text} {inside}");
            assert!(!prefix.contains(outside.parse().expect(outside)), "{text} {outside}");
        }
        for (bad, why) in [
            ("0.0.0.0/0", BadPrefix::TooWide),
            ("::/0", BadPrefix::TooWide),
            ("192.0.2.0/7", BadPrefix::TooWide),
            ("2000::/3", BadPrefix::TooWide),
            ("192.0.2.0", BadPrefix::Form),
            ("192.0.2.0/33", BadPrefix::Form),
            ("192.0.2.0/-1", BadPrefix::Form),
            ("/8", BadPrefix::Form),
            ("::ffff:0:0/96", BadPrefix::Form),
            ("anna/8", BadPrefix::Form),
        ] {
            assert_eq!(bad.parse::<AddressPrefix>(), Err(why), "{bad}");
        }
    }
}
