//! What owners have set by a command. It goes before the configuration, also after a restart, until they say otherwise.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::binding::BanTarget;
use crate::tracker::settings::TrackerSettings;

/// A limit that can be changed while the tracker runs.
pub struct Limit {
    /// The name of its setting, which says the unit.
    pub name: &'static str,
    get: fn(&TrackerSettings) -> u64,
    /// `false` if this machine cannot count so far.
    set: fn(&mut TrackerSettings, u64) -> bool,
}

macro_rules! limits {
    ($($name:ident: $type:ty,)+) => {
        /// Every limit that can be changed while the tracker runs.
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: stringify!($name),
            get: |settings| u64::try_from(settings.$name).unwrap_or(u64::MAX),
            set: |settings, value| <$type>::try_from(value).map(|value| settings.$name = value).is_ok(),
        },)+];
    };
}

limits! {
    shares_per_user: usize,
    path_bytes_per_user: usize,
    shares_in_all: usize,
    shares_per_address: usize,
    path_bytes_per_address: usize,
    keyless_shares_per_address: usize,
    keyless_path_bytes_per_address: usize,
    keyless_shares_in_all: usize,
    path_bytes_in_all: usize,
    names_per_key: usize,
    name_lapses_after_days: u64,
    names_in_all: usize,
    new_names_per_address: u64,
    new_names_per_address_per_hour: u64,
    unregistered_sessions: usize,
    plain_first_command_seconds: u64,
    tls_silence_seconds: u64,
    plain_silence_seconds: u64,
    faulty_lines: u32,
    unregistered_lines: usize,
    unregistered_answer_bytes: u64,
    unregistered_answer_bytes_per_second: u64,
}

impl Limit {
    /// The limit of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        LIMITS.iter().find(|limit| limit.name == name)
    }

    /// How much it is.
    pub fn of(&self, settings: &TrackerSettings) -> u64 {
        (self.get)(settings)
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The name of the setting that `rename-network` sets.
pub const NETWORK_NAME: &str = "network_name";
/// The name of the setting that `motd` sets, a line of the text for each line of the message.
pub const MESSAGE_OF_THE_DAY: &str = "message_of_the_day";

/// The name of the setting of which `unban` lifts some. Each ban of the configuration that does not count is ordered by a
/// name of its own, `bans/<target>`, so that owners who lift two at two trackers in one moment do not undo each other.
/// Versions of before ordered all of them as one list, one a line: it counts as well, and nothing is added to it.
pub const LIFTED_BANS: &str = "bans";
/// The value that says so.
const LIFTED: &str = "lifted";

/// A setting as an owner sets it, by its name; none gives it back to the configuration.
pub type Ordered = (String, Option<String>);

/// Settings as texts, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// Those that were written down. What a later version wrote is kept and does nothing.
    pub fn new(written: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(written.into_iter().collect())
    }

    /// Sets one, or gives it back to the configuration.
    pub fn set(&mut self, setting: &str, value: Option<String>) {
        match value {
            Some(value) => _ = self.0.insert(setting.to_owned(), value),
            None => _ = self.0.remove(setting),
        }
    }

    /// Whether an owner has set this one, or something of it.
    pub fn has(&self, setting: &str) -> bool {
        self.0.contains_key(setting) || (setting == LIFTED_BANS && self.0.keys().any(|name| lifted_by(name).is_some()))
    }

    /// The names and values of all that are set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(setting, value)| (setting.as_str(), value.as_str()))
    }

    /// The bans of the configuration that do not count, names regardless of case.
    fn lifted(&self) -> BTreeSet<BanTarget> {
        let listed = self.0.get(LIFTED_BANS).into_iter().flat_map(|list| list.lines()).filter_map(target);
        listed.chain(self.0.keys().filter_map(|name| lifted_by(name))).collect()
    }

    /// What lifts these, as far as the configuration has them.
    pub fn lifting(configured: &[BanTarget], targets: &[BanTarget]) -> Vec<Ordered> {
        let targets: BTreeSet<BanTarget> = targets.iter().map(BanTarget::folded).collect();
        let lifted = configured.iter().map(BanTarget::folded).filter(|ban| targets.contains(ban));
        lifted.map(|ban| (format!("{LIFTED_BANS}/{ban}"), Some(LIFTED.to_owned()))).collect()
    }

    /// What takes back that bans are lifted which the configuration has no more.
    pub fn forgetting(&self, configured: &[BanTarget]) -> Vec<Ordered> {
        let configured: BTreeSet<BanTarget> = configured.iter().map(BanTarget::folded).collect();
        let is_gone = |ban: BanTarget| !configured.contains(&ban);
        let gone = self.0.keys().filter(|name| lifted_by(name).is_some_and(is_gone));
        let mut forgotten: Vec<Ordered> = gone.map(|name| (name.clone(), None)).collect();
        if let Some(list) = self.0.get(LIFTED_BANS) {
            let left: Vec<&str> = list.lines().filter(|ban| target(ban).is_some_and(|ban| !is_gone(ban))).collect();
            if left.len() < list.lines().count() {
                forgotten.push((LIFTED_BANS.to_owned(), (!left.is_empty()).then(|| left.join("\n"))));
            }
        }
        forgotten
    }

    /// The settings with these over them, but for those that would make them wrong: what was right when it was ordered may not
    /// be for this version.
    pub fn in_force(&self, configured: &TrackerSettings) -> TrackerSettings {
        let all = self.over(configured);
        if all.check().is_ok() {
            return all;
        }
        // Every setting is right or wrong by itself.
        let is_right = |(name, value): &(&String, &String)| {
            let alone = Self([((*name).clone(), (*value).clone())].into());
            alone.over(configured).check().is_ok()
        };
        let right = self.0.iter().filter(is_right).map(|(name, value)| (name.clone(), value.clone()));
        Self(right.collect()).over(configured)
    }

    /// The settings with these over them.
    pub fn over(&self, configured: &TrackerSettings) -> TrackerSettings {
        let mut settings = configured.clone();
        for (setting, value) in self.iter() {
            match setting {
                NETWORK_NAME => settings.network_name = value.to_owned(),
                MESSAGE_OF_THE_DAY => settings.message_of_the_day = value.lines().map(str::to_owned).collect(),
                name => {
                    let limit = Limit::named(name).zip(value.parse().ok());
                    limit.into_iter().for_each(|(limit, value)| _ = (limit.set)(&mut settings, value));
                }
            }
        }
        if self.has(LIFTED_BANS) {
            let lifted = self.lifted();
            settings.bans.retain(|ban| !lifted.contains(&ban.folded()));
        }
        settings
    }
}

/// Which ban of the configuration the setting of this name lifts.
fn lifted_by(name: &str) -> Option<BanTarget> {
    target(name.strip_prefix(LIFTED_BANS)?.strip_prefix('/')?)
}

/// A ban as it is written in a setting, a name regardless of case.
fn target(text: &str) -> Option<BanTarget> {
    text.parse::<BanTarget>().ok().map(|target| target.folded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_goes_before_what_is_configured() {
        let configured = TrackerSettings { names_per_key: 3, ..TrackerSettings::default() };
        let written = [("names_per_key", "5"), (NETWORK_NAME, "House"), (MESSAGE_OF_THE_DAY, "a\nb"), ("later", "x")];
        let mut overrides = Overrides::new(written.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let settings = overrides.over(&configured);
        assert_eq!((settings.names_per_key, settings.network_name.as_str()), (5, "House"));
        assert_eq!(settings.message_of_the_day, ["a", "b"]);
        assert!(overrides.has("names_per_key"));
        overrides.set("names_per_key", None);
        overrides.set(MESSAGE_OF_THE_DAY, Some(String::new()));
        let settings = overrides.over(&configured);
        assert_eq!((settings.names_per_key, settings.message_of_the_day.len()), (3, 0));
    }

    #[test]
    fn a_ban_of_the_configuration_is_lifted_until_it_is_there_no_more() {
        let targets = |texts: &[&str]| texts.iter().map(|text| text.parse().expect(text)).collect::<Vec<BanTarget>>();
        let configured = targets(&["192.0.2.7", "@Anna", "198.51.100.0/24"]);
        let settings = TrackerSettings { bans: configured.clone(), ..TrackerSettings::default() };
        let mut overrides = Overrides::default();
        assert_eq!(Overrides::lifting(&configured, &targets(&["192.0.2.8"])), []);
        // In any order, at whichever trackers: neither knows of the other.
        for lifted in [["@ANNA", "192.0.2.8"].as_slice(), &["192.0.2.7"]] {
            let orders = Overrides::lifting(&configured, &targets(lifted));
            orders.into_iter().for_each(|(name, value)| overrides.set(&name, value));
        }
        assert_eq!(overrides.over(&settings).bans, targets(&["198.51.100.0/24"]));
        assert!(overrides.has(LIFTED_BANS) && overrides.forgetting(&configured).is_empty());
        let forgotten = overrides.forgetting(&targets(&["@anna"]));
        assert_eq!(forgotten, [("bans/192.0.2.7".to_owned(), None)]);
        forgotten.into_iter().for_each(|(name, value)| overrides.set(&name, value));
        assert_eq!(overrides.over(&settings).bans, targets(&["192.0.2.7", "198.51.100.0/24"]));
        assert_eq!(overrides.forgetting(&[]), [("bans/@anna".to_owned(), None)]);
    }

    #[test]
    fn the_list_of_a_version_of_before_counts_too() {
        let targets = |texts: &[&str]| texts.iter().map(|text| text.parse().expect(text)).collect::<Vec<BanTarget>>();
        let configured = targets(&["192.0.2.7", "@Anna", "@Eve"]);
        let settings = TrackerSettings { bans: configured.clone(), ..TrackerSettings::default() };
        let list = (LIFTED_BANS.to_owned(), "192.0.2.7\n@anna".to_owned());
        let mut overrides = Overrides::new([list, ("bans/what is this".to_owned(), "x".to_owned())]);
        assert_eq!(overrides.over(&settings).bans, targets(&["@Eve"]));
        assert_eq!(overrides.forgetting(&configured), []);
        let orders = Overrides::lifting(&configured, &targets(&["@eve"]));
        assert_eq!(orders, [("bans/@eve".to_owned(), Some("lifted".to_owned()))]);
        orders.into_iter().for_each(|(name, value)| overrides.set(&name, value));
        assert_eq!(overrides.over(&settings).bans, []);
        let without = targets(&["@Anna", "@Eve"]);
        assert_eq!(overrides.forgetting(&without), [(LIFTED_BANS.to_owned(), Some("@anna".to_owned()))]);
        let forgotten = [("bans/@eve".to_owned(), None), (LIFTED_BANS.to_owned(), None)];
        assert_eq!(overrides.forgetting(&[]), forgotten);
    }

    #[test]
    fn what_is_wrong_by_now_does_not_count_and_the_rest_does() {
        let configured = TrackerSettings { bans: vec!["@eve".parse().expect("a name")], ..TrackerSettings::default() };
        let ordered = [("names_per_key", "0"), ("names_in_all", "7"), ("bans/@eve", "lifted"), (NETWORK_NAME, "")];
        let overrides = Overrides::new(ordered.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(overrides.over(&configured).check().is_err(), "whoever orders it is told");
        let settings = overrides.in_force(&configured);
        assert_eq!((settings.names_in_all, settings.bans.len()), (7, 0));
        assert_eq!(settings.names_per_key, configured.names_per_key);
        assert_eq!(settings.network_name, configured.network_name);
    }

    #[test]
    fn every_limit_is_a_setting_with_a_description() {
        for limit in LIMITS {
            assert!(TrackerSettings::DESCRIPTIONS.iter().any(|(name, _)| *name == limit.name), "{limit:?}");
            let mut settings = TrackerSettings::default();
            assert!((limit.set)(&mut settings, 7) && limit.of(&settings) == 7, "{limit:?}");
        }
    }
}
