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

/// The name of the setting of which `unban` lifts some: the value says which bans of the configuration do not count, one a
/// line.
pub const LIFTED_BANS: &str = "bans";

/// A setting as an owner sets it; none gives it back to the configuration.
pub type Ordered = (&'static str, Option<String>);

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

    /// Whether an owner has set this one.
    pub fn has(&self, setting: &str) -> bool {
        self.0.contains_key(setting)
    }

    /// The names and values of all that are set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(setting, value)| (setting.as_str(), value.as_str()))
    }

    /// The bans of the configuration that do not count, names regardless of case.
    fn lifted(&self) -> BTreeSet<BanTarget> {
        let written = self.0.get(LIFTED_BANS).into_iter().flat_map(|lifted| lifted.lines());
        written.filter_map(|target| target.parse::<BanTarget>().ok()).map(|target| target.folded()).collect()
    }

    /// The value of [`LIFTED_BANS`] when these are lifted too, as far as the configuration has them; none if it has none.
    pub fn lifting(&self, configured: &[BanTarget], targets: &[BanTarget]) -> Option<String> {
        let targets: BTreeSet<BanTarget> = targets.iter().map(BanTarget::folded).collect();
        let mut lifted: BTreeSet<BanTarget> =
            configured.iter().map(BanTarget::folded).filter(|ban| targets.contains(ban)).collect();
        if lifted.is_empty() {
            return None;
        }
        lifted.extend(self.lifted());
        written(&lifted)
    }

    /// The value of [`LIFTED_BANS`] without those that the configuration has no more; the outer none if all are there.
    pub fn lifted_of(&self, configured: &[BanTarget]) -> Option<Option<String>> {
        let before = self.lifted();
        if before.is_empty() {
            return None;
        }
        let configured: BTreeSet<BanTarget> = configured.iter().map(BanTarget::folded).collect();
        let after: BTreeSet<BanTarget> = before.intersection(&configured).cloned().collect();
        (after.len() < before.len()).then(|| written(&after))
    }

    /// The settings with these over them.
    pub fn over(&self, configured: &TrackerSettings) -> TrackerSettings {
        let mut settings = configured.clone();
        for (setting, value) in self.iter() {
            match setting {
                NETWORK_NAME => settings.network_name = value.to_owned(),
                MESSAGE_OF_THE_DAY => settings.message_of_the_day = value.lines().map(str::to_owned).collect(),
                LIFTED_BANS => {
                    let lifted = self.lifted();
                    settings.bans.retain(|ban| !lifted.contains(&ban.folded()));
                }
                name => {
                    let limit = Limit::named(name).zip(value.parse().ok());
                    limit.into_iter().for_each(|(limit, value)| _ = (limit.set)(&mut settings, value));
                }
            }
        }
        settings
    }
}

fn written(lifted: &BTreeSet<BanTarget>) -> Option<String> {
    let lines: Vec<String> = lifted.iter().map(ToString::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
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
        let mut overrides = Overrides::default();
        assert_eq!(overrides.lifting(&configured, &targets(&["192.0.2.8"])), None);
        overrides.set(LIFTED_BANS, overrides.lifting(&configured, &targets(&["@ANNA", "192.0.2.8"])));
        overrides.set(LIFTED_BANS, overrides.lifting(&configured, &targets(&["192.0.2.7"])));
        let settings = TrackerSettings { bans: configured.clone(), ..TrackerSettings::default() };
        assert_eq!(overrides.over(&settings).bans, targets(&["198.51.100.0/24"]));
        assert_eq!(overrides.lifted_of(&configured), None);
        overrides.set(LIFTED_BANS, overrides.lifted_of(&targets(&["@anna"])).expect("one is gone"));
        assert_eq!(overrides.over(&settings).bans, targets(&["192.0.2.7", "198.51.100.0/24"]));
        assert_eq!(overrides.lifted_of(&[]), Some(None));
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
