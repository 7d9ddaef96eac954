//! Being carried by the tracker where nothing else goes: what it offers, and why it does not help.

/// Whether the tracker carries the bytes of two who cannot reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelayOffer {
    /// Its owner does not offer it, or it is a tracker that cannot.
    #[default]
    Off,
    /// It would now.
    Open,
    /// It does, and what there is of it is used up at present.
    UsedUp,
}

impl RelayOffer {
    /// Reads the word; that of a later version says nothing.
    pub fn parse(word: &str) -> Self {
        match word {
            "open" => Self::Open,
            "used-up" => Self::UsedUp,
            _ => Self::Off,
        }
    }

    /// The word, where something is offered at all.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Open => Some("open"),
            Self::UsedUp => Some("used-up"),
        }
    }
}

/// Why somebody whom no other way leads to is not reached through the tracker either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoRelay {
    /// The owner of the network does not offer it.
    Off,
    /// What there is of it for us is used up at present.
    UsedUp,
    /// Our own settings do not use it.
    NotUsed,
    /// One of the two did not come to it.
    NotMet,
}

impl NoRelay {
    /// The key of its sentence in the translations, below `no-relay`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::UsedUp => "used-up",
            Self::NotUsed => "not-used",
            Self::NotMet => "not-met",
        }
    }

    /// What an offer came to by which nobody was met; `was_used`: we came to it.
    pub fn after(offer: RelayOffer, was_used: bool) -> Self {
        match offer {
            RelayOffer::Off => Self::Off,
            RelayOffer::UsedUp => Self::UsedUp,
            RelayOffer::Open if was_used => Self::NotMet,
            RelayOffer::Open => Self::NotUsed,
        }
    }
}
