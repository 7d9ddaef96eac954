//! Whether there is a newer Potok, for whoever wants to hear of it. Nobody but the tracker that one is at is asked, and it
//! says only which version it is itself: it learns nothing by the question, and what it says opens no other page than ours.

use potok_core::model::program_version::ProgramVersion;

/// Where newer versions are. It does not come from the network.
pub const RELEASES: &str = "https://github.com/potok-share/potok/releases";

/// What is known of newer versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewerVersion {
    is_wanted: bool,
    tracker: Option<ProgramVersion>,
}

impl NewerVersion {
    /// The person wants to hear of it, or no longer.
    pub fn want(&mut self, is_wanted: bool) {
        self.is_wanted = is_wanted;
    }

    /// Whether trackers are asked.
    pub fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// The tracker has said which version it is.
    pub fn learn(&mut self, tracker: ProgramVersion) {
        self.tracker = Some(tracker);
    }

    /// What the person is told of, if there is anything.
    pub fn told(&self) -> Option<ProgramVersion> {
        self.tracker.filter(|tracker| self.is_wanted && *tracker > ProgramVersion::here())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_one_is_told_to_who_wants_it() {
        for (is_wanted, tracker, is_told) in [
            (true, None, false),
            (true, Some("0.0.1"), false),
            (true, Some(env!("CARGO_PKG_VERSION")), false),
            (true, Some("999.0.0"), true),
            (false, Some("999.0.0"), false),
        ] {
            let mut newer = NewerVersion::default();
            newer.want(is_wanted);
            if let Some(tracker) = tracker {
                newer.learn(tracker.parse().expect("a version"));
            }
            assert_eq!(newer.told().is_some(), is_told, "{is_wanted} {tracker:?}");
        }
    }
}
