//! The word by which two people's programs know each other when a tracker has them meet.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;

/// 128 bits that nobody can guess, good for one encounter. It proves nothing about who shows it: keys do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EncounterTicket([u8; 16]);

/// A ticket as it is written: so many letters.
pub const TICKET_LETTERS: usize = 22;

/// A text that is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a ticket of 22 letters")]
pub struct BadTicket;

impl EncounterTicket {
    /// Takes the 16 bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for EncounterTicket {
    type Err = BadTicket;

    fn from_str(text: &str) -> Result<Self, BadTicket> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_other_letters| BadTicket)?;
        bytes.try_into().map(Self).map_err(|_other_length| BadTicket)
    }
}

impl fmt::Display for EncounterTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for EncounterTicket {
    /// Whoever reads a log must not be able to show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncounterTicket")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read() {
        let ticket = EncounterTicket::from_bytes([0xfb; 16]);
        let text = ticket.to_string();
        assert_eq!((text.as_str(), text.len(), text.parse()), ("-_v7-_v7-_v7-_v7-_v7-w", TICKET_LETTERS, Ok(ticket)));
        for bad in ["", "-_v7-_v7-_v7-_v7-_v7-x", "-_v7-_v7-_v7-_v7-_v7-w==", "+/v7+/v7+/v7+/v7+/v7+w", "AAAA"] {
            assert_eq!(bad.parse::<EncounterTicket>(), Err(BadTicket), "{bad}");
        }
    }
}
