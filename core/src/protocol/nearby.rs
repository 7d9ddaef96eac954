//! What is said of us in a local network by DNS-SD (RFC 6763), and what others say there.
//!
//! A tracker says its network's name, its port and its key, so that people find it. A person says nothing of themselves:
//! the name of their service is a [`PersonMark`], which only those can make out who know them already.

use std::fmt;

use crate::model::key::PublicKey;

/// The services of trackers.
pub const TRACKER_SERVICE: &str = "_potok._tcp.local.";
/// The services of people.
pub const PERSON_SERVICE: &str = "_potok-peer._tcp.local.";

/// Bytes of a network's name that are said: a text here has at most 255, and its own name stands before it.
const NAME_BYTES_MAX: usize = 240;
/// How these texts are written now. Another version is passed over.
const VERSION: &str = "1";

/// What a tracker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerNotice {
    /// What its owner calls the network: a stranger's text without control characters.
    pub network: String,
    /// The key that it will prove.
    pub key: PublicKey,
}

impl TrackerNotice {
    /// What is said of a tracker. A name that is too long is cut.
    pub fn new(network: &str, key: PublicKey) -> Self {
        Self { network: network[..network.floor_char_boundary(NAME_BYTES_MAX)].to_owned(), key }
    }

    /// The texts, each with its name.
    pub fn texts(&self) -> [(&'static str, String); 3] {
        [("v", VERSION.to_owned()), ("key", self.key.to_string()), ("name", self.network.clone())]
    }

    /// Reads the texts; `text` gives the bytes of the one with a name. `None` if it is of another version, or nothing that
    /// can be meant.
    pub fn read<'a>(text: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Self> {
        let text = |name: &str| text(name).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let (version, key, network) = (text("v")?, text("key")?, text("name")?);
        let is_clean = network.len() <= NAME_BYTES_MAX && !network.chars().any(char::is_control);
        if version != VERSION || !is_clean {
            return None;
        }
        Some(Self { network: network.to_owned(), key: key.parse().ok()? })
    }
}

/// By what members of a network know one of them on one day: a hash of both keys. Whoever has not been in the network learns
/// neither who it is nor that it is the same one tomorrow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonMark([u8; 16]);

/// What the hash is for, so that it is no other hash of ours.
const MARK_CONTEXT: &str = "potok 1 nearby person";

impl PersonMark {
    /// The mark of a person at a tracker on a day, counted from 1970.
    pub fn new(tracker: &PublicKey, person: &PublicKey, day: u64) -> Self {
        let key = blake3::derive_key(MARK_CONTEXT, tracker.as_bytes());
        let hash = blake3::Hasher::new_keyed(&key).update(person.as_bytes()).update(&day.to_le_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        Self(bytes)
    }

    /// Reads the name of a service.
    pub fn read(instance: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(instance.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for PersonMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for PersonMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublicKey {
        PublicKey::from_bytes([n; 32])
    }

    fn read(texts: &[(&str, &[u8])]) -> Option<TrackerNotice> {
        TrackerNotice::read(|name| texts.iter().find(|(known, _)| *known == name).map(|(_, text)| *text))
    }

    #[test]
    fn what_a_tracker_says_is_read_back_or_passed_over() {
        let said = TrackerNotice::new("Дом \"1\"", key(7));
        let texts = said.texts();
        let texts: Vec<(&str, &[u8])> = texts.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        assert_eq!(read(&texts), Some(said));
        let long = TrackerNotice::new(&"ж".repeat(400), key(7));
        assert_eq!(long.network, "ж".repeat(NAME_BYTES_MAX / 2));

        let hex = key(7).to_string();
        let (too_long, short) = ("x".repeat(NAME_BYTES_MAX + 1), &hex[1..]);
        for bad in [
            [("v", "2"), ("key", hex.as_str()), ("name", "Home")],
            [("v", "1"), ("key", short), ("name", "Home")],
            [("v", "1"), ("key", "key"), ("name", "Home")],
            [("v", "1"), ("key", hex.as_str()), ("name", "Ho\u{1b}[2Jme")],
            [("v", "1"), ("key", hex.as_str()), ("name", "Home\n")],
            [("v", "1"), ("key", hex.as_str()), ("name", &too_long)],
            [("v", "1"), ("key", hex.as_str()), ("nom", "Home")],
        ] {
            assert_eq!(read(&bad.map(|(name, text)| (name, text.as_bytes()))), None, "{bad:?}");
        }
        assert_eq!(read(&[("v", b"1"), ("key", hex.as_bytes()), ("name", b"\xff\xfe")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_mark_is_of_one_person_one_network_and_one_day() {
        let mark = PersonMark::new(&key(1), &key(2), 20_000);
        assert_eq!(PersonMark::read(&mark.to_string()), Some(mark));
        for other in [
            PersonMark::new(&key(2), &key(1), 20_000),
            PersonMark::new(&key(1), &key(3), 20_000),
            PersonMark::new(&key(3), &key(2), 20_000),
            PersonMark::new(&key(1), &key(2), 20_001),
        ] {
            assert_ne!(mark, other);
        }
        for bad in ["", "anna", "00", &"g".repeat(32), &"0".repeat(34), &"A".repeat(32)] {
            assert_eq!(PersonMark::read(bad), None, "{bad}");
        }
    }
}
