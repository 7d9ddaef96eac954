//! What was tried to reach somebody, and what came of each try: why a better way than the one that is used did not open.

use std::net::SocketAddr;

use crate::model::way::Way;

/// Tries of one attempt that are kept; whoever gives us hundreds of addresses, or shows a ticket again and again, does not
/// fill our memory.
pub const TRIED_MAX: usize = 24;

/// One way that was tried, or was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriedWay {
    /// By which way.
    pub way: Way,
    /// The address that was dialled; none where nothing was, or both dialled.
    pub address: Option<SocketAddr>,
    /// What came of it.
    pub outcome: TryOutcome,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryOutcome {
    /// It had come to nothing yet when another way opened.
    UnderWay,
    /// They are reached by it.
    Reached,
    /// Somebody there, or a router before them, refuses connections.
    Refused,
    /// Nothing that was sent there was answered in time.
    Silent,
    /// This computer has no way to such an address.
    NoNetwork,
    /// Somebody else answers there: not the key that was looked for.
    OtherKey,
    /// A connection opened, and broke before they had proven who they are, or they did not in time.
    Broken,
    /// They did not come to where the tracker had both meet.
    NotMet,
    /// The tracker could not ask them to come.
    NotIntroduced,
    /// The tracker named an address that it may not send us to.
    NotAllowed,
    /// It was not tried: it is switched off here.
    SwitchedOff,
}

impl TryOutcome {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::UnderWay,
        Self::Reached,
        Self::Refused,
        Self::Silent,
        Self::NoNetwork,
        Self::OtherKey,
        Self::Broken,
        Self::NotMet,
        Self::NotIntroduced,
        Self::NotAllowed,
        Self::SwitchedOff,
    ];

    /// The word for it: of its text in the translations, below `tried`, and for programs.
    pub fn key(self) -> &'static str {
        match self {
            Self::UnderWay => "under-way",
            Self::Reached => "reached",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::NoNetwork => "no-network",
            Self::OtherKey => "other-key",
            Self::Broken => "broken",
            Self::NotMet => "not-met",
            Self::NotIntroduced => "not-introduced",
            Self::NotAllowed => "not-allowed",
            Self::SwitchedOff => "switched-off",
        }
    }
}

/// One attempt, as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptRecord {
    /// At most [`TRIED_MAX`], each with the number of its try.
    tried: Vec<(u32, TriedWay)>,
    begun: u32,
}

impl AttemptRecord {
    /// A try begins; its number, by which [`AttemptRecord::end`] knows it.
    pub fn begin(&mut self, way: Way, address: Option<SocketAddr>) -> u32 {
        let number = self.begun;
        self.begun = self.begun.wrapping_add(1);
        if self.tried.len() < TRIED_MAX {
            self.tried.push((number, TriedWay { way, address, outcome: TryOutcome::UnderWay }));
        }
        number
    }

    /// It is known what came of a try.
    pub fn end(&mut self, number: u32, outcome: TryOutcome) {
        if let Some((_, tried)) = self.tried.iter_mut().find(|(known, _)| *known == number) {
            tried.outcome = outcome;
        }
    }

    /// All of it came to nothing, also what was still under way.
    pub fn give_up(&mut self) {
        for (_, tried) in self.tried.iter_mut().filter(|(_, tried)| tried.outcome == TryOutcome::UnderWay) {
            tried.outcome = match tried.way {
                Way::Reversed | Way::Relayed => TryOutcome::NotMet,
                Way::Nearby | Way::Ipv6 | Way::Direct | Way::Mapped | Way::Punched => TryOutcome::Silent,
            };
        }
    }

    /// There was nothing to try after all.
    pub fn forget(&mut self, number: u32) {
        self.tried.retain(|(known, _)| *known != number);
    }

    /// A way that is not tried, and why.
    pub fn note(&mut self, way: Way, outcome: TryOutcome) {
        let number = self.begin(way, None);
        self.end(number, outcome);
    }

    /// Whether a connection opened where they are, whatever came of it. Another computer of our own local network may have the
    /// address that theirs has in its own.
    pub fn has_opened(&self) -> bool {
        self.tried.iter().any(|(_, tried)| match tried.outcome {
            TryOutcome::Reached | TryOutcome::Broken => true,
            TryOutcome::OtherKey => tried.way != Way::Nearby,
            _ => false,
        })
    }

    /// The better ways first, each in the order in which it was tried.
    pub fn told(&self) -> Vec<TriedWay> {
        let mut told: Vec<TriedWay> = self.tried.iter().map(|(_, tried)| *tried).collect();
        told.sort_by_key(|tried| tried.way);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_told_the_better_ways_first() {
        let address = |text: &str| Some(text.parse().expect(text));
        let mut record = AttemptRecord::default();
        let direct = record.begin(Way::Direct, address("192.0.2.1:4001"));
        let punched = record.begin(Way::Punched, None);
        let no_such_family = record.begin(Way::Punched, None);
        let nearby = record.begin(Way::Nearby, address("192.168.1.2:4001"));
        record.note(Way::Relayed, TryOutcome::SwitchedOff);
        record.end(direct, TryOutcome::Silent);
        record.end(nearby, TryOutcome::OtherKey);
        record.end(punched, TryOutcome::Reached);
        record.forget(no_such_family);
        let told: Vec<_> = record.told().iter().map(|tried| (tried.way.key(), tried.outcome.key())).collect();
        let expected =
            [("nearby", "other-key"), ("direct", "silent"), ("punched", "reached"), ("relayed", "switched-off")];
        assert_eq!(told, expected);
    }

    #[test]
    fn nothing_is_under_way_when_all_is_given_up() {
        let mut record = AttemptRecord::default();
        for way in Way::ALL {
            record.begin(way, None);
        }
        let refused = record.begin(Way::Direct, None);
        record.end(refused, TryOutcome::Refused);
        record.give_up();
        let told: Vec<_> = record.told().iter().map(|tried| tried.outcome.key()).collect();
        assert_eq!(told, ["silent", "silent", "silent", "refused", "silent", "not-met", "silent", "not-met"]);
    }

    #[test]
    fn what_opened_is_known_from_what_did_not() {
        for (way, outcome, expected) in [
            (Way::Direct, TryOutcome::Broken, true),
            (Way::Nearby, TryOutcome::Broken, true),
            (Way::Direct, TryOutcome::OtherKey, true),
            (Way::Nearby, TryOutcome::OtherKey, false),
            (Way::Direct, TryOutcome::Refused, false),
            (Way::Direct, TryOutcome::Silent, false),
            (Way::Reversed, TryOutcome::NotMet, false),
        ] {
            let mut record = AttemptRecord::default();
            record.note(Way::Relayed, TryOutcome::SwitchedOff);
            record.note(way, outcome);
            assert_eq!(record.has_opened(), expected, "{way:?} {outcome:?}");
        }
    }

    #[test]
    fn many_tries_are_not_all_kept() {
        let mut record = AttemptRecord::default();
        let numbers: Vec<u32> = (0..1000).map(|_| record.begin(Way::Reversed, None)).collect();
        numbers.iter().for_each(|number| record.end(*number, TryOutcome::Broken));
        assert_eq!(record.told().len(), TRIED_MAX);
        assert!(record.told().iter().all(|tried| tried.outcome == TryOutcome::Broken));
    }
}
