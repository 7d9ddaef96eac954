//! The configuration file: written once with every setting explained, never overwritten.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use potok_core::model::{limits, listen};
use potok_core::tracker::settings::TrackerSettings;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {path} cannot be read: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the configuration {path} is not right{line}: {what}", line = line.map_or(String::new(), |n| format!(", line {n}")))]
    Wrong { path: PathBuf, line: Option<usize>, what: String },
    #[error("this system has no place for a configuration; say where with --data-dir")]
    NoPlace,
}

/// The folder for everything, where the person named none.
pub(crate) fn default_data_dir() -> Result<PathBuf, ConfigError> {
    let file = confy::get_configuration_file_path("potok-tracker", None).map_err(|_no_home| ConfigError::NoPlace)?;
    file.parent().map(Path::to_owned).ok_or(ConfigError::NoPlace)
}

/// Every setting with its default and what it is for, as it is loaded back.
pub(crate) fn commented(settings: &TrackerSettings) -> String {
    let mut text = String::from("# The settings of potok-tracker. Missing ones have their defaults.\n");
    let values = toml::Table::try_from(settings).unwrap_or_default();
    for (name, description) in TrackerSettings::DESCRIPTIONS {
        let Some(value) = values.get(*name) else { continue };
        write!(text, "\n#{description}\n{name} = {value}\n").expect("a string takes everything");
    }
    text
}

/// Reads a configuration that must be there.
pub(crate) fn load(path: &Path) -> Result<TrackerSettings, ConfigError> {
    let io = |source| ConfigError::Io { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(io)?;
    let wrong = |line, what| ConfigError::Wrong { path: path.to_owned(), line, what };
    let mut found = mistakes(&text).into_iter();
    if let Some(Mistake { line, what }) = found.next() {
        let more = match found.len() {
            0 => String::new(),
            more => format!(" (and {more} more: 'potok-tracker check' tells all)"),
        };
        return Err(wrong(line, format!("{what}{more}")));
    }
    let mut settings: TrackerSettings =
        toml::from_str(&text).map_err(|error| wrong(None, error.message().replace('\n', " ")))?;
    settings.listen = listen::as_meant(settings.listen, limits::TRACKER_PORT);
    Ok(settings)
}

/// One thing that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Counted from 1, where it is known.
    pub(crate) line: Option<usize>,
    /// One sentence about it.
    pub(crate) what: String,
}

/// Everything that is wrong with a configuration: each setting is looked at alone, then all together.
pub(crate) fn mistakes(text: &str) -> Vec<Mistake> {
    let line_at = |at: usize| text.get(..at).map(|before| before.matches('\n').count() + 1);
    let one_line = |what: &str| what.trim().replace('\n', " ");
    let (table, faults) = toml::de::DeTable::parse_recoverable(text);
    if !faults.is_empty() {
        let mistake = |fault: &toml::de::Error| Mistake {
            line: fault.span().and_then(|span| line_at(span.start)),
            what: one_line(fault.message()),
        };
        return faults.iter().map(mistake).collect();
    }
    let mut found = Vec::new();
    let mut settings = TrackerSettings::default();
    let mut lines = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_at(key.span().start);
        let alone = text.get(value.span()).map(|value| format!("{} = {value}\n", quoted(key.get_ref())));
        match alone.as_deref().map(toml::from_str::<TrackerSettings>) {
            Some(Ok(read)) => {
                settings.take_over(key.get_ref(), &read);
                lines.push((key.get_ref().to_string(), line));
            }
            Some(Err(fault)) => found.push(Mistake { line, what: one_line(fault.message()) }),
            None => found.push(Mistake { line, what: "this cannot be read".into() }),
        }
    }
    // Each setting that is wrong beside the others is named once, and its default is what the next look goes by.
    while let Err(wrong) = settings.check() {
        let line = lines.iter().find(|(name, _)| name == wrong.setting).and_then(|(_, line)| *line);
        found.push(Mistake { line, what: wrong.to_string() });
        settings.take_over(wrong.setting, &TrackerSettings::default());
    }
    found.sort_by_key(|mistake| mistake.line);
    found
}

/// A key as it can stand in a file, whatever is in it.
fn quoted(key: &str) -> String {
    toml::Value::from(key).to_string()
}

/// Reads the configuration of a data folder; the first time it is written there with all its comments.
pub(crate) fn load_or_create(path: &Path) -> Result<TrackerSettings, ConfigError> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file
            .write_all(commented(&TrackerSettings::default()).as_bytes())
            .map_err(|source| ConfigError::Io { path: path.to_owned(), source })?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // A folder that cannot be written to may still hold a configuration.
        Err(_) if path.exists() => {}
        Err(source) => return Err(ConfigError::Io { path: path.to_owned(), source }),
    }
    load(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_loads_back() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        let settings = TrackerSettings {
            network_name: "Friends \"of\" Potok".into(),
            message_of_the_day: vec!["Здравейте".into(), "# no comment".into()],
            bans: vec!["192.0.2.7".parse().expect("address")],
            ..TrackerSettings::default()
        };
        std::fs::write(&path, commented(&settings)).expect("written");
        assert_eq!(load(&path).expect("loads"), settings);
        for (name, _) in TrackerSettings::DESCRIPTIONS {
            assert!(commented(&settings).contains(&format!("\n{name} = ")), "{name}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let said = |text: &str| mistakes(text).into_iter().map(|it| (it.line, it.what)).collect::<Vec<_>>();
        assert_eq!(said(&commented(&TrackerSettings::default())), []);
        let all = said(
            "# mine\nnetwork_name = \"\"\nnonsense = 1\nshares_per_user = 0\nlisten = \"nowhere\"\njoin = \"maybe\"\n\
             owners = [\"abc\"]\nbans = [\"0.0.0.0/0\"]\nobserve_token = \"short\"\n",
        );
        let lines: Vec<Option<usize>> = all.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, (2..=9).map(Some).collect::<Vec<_>>(), "{all:#?}");
        for (at, word) in
            [(1, "nonsense"), (2, "shares_per_user"), (4, "approval"), (5, "64"), (6, "too much of the world")]
        {
            assert!(all[at].1.contains(word) && !all[at].1.contains('\n'), "{:?}", all[at]);
        }
        assert_eq!(said("= = =\n").first().and_then(|(line, _)| *line), Some(1));
        assert_eq!(said("names_per_key = 1\nnames_per_key = 2\n").len(), 1);
    }

    #[test]
    fn a_setting_is_read_by_the_name_that_it_had_once() {
        let read = |text: &str| toml::from_str::<TrackerSettings>(text).map(|it| it.relay_bytes_per_user_per_day);
        assert_eq!(read("relay_bytes_per_user_per_day = 7\n"), Ok(7));
        assert_eq!(read("relay_bytes_per_user_day = 7\n"), Ok(7));
        assert_eq!(mistakes("relay_bytes_per_user_day = 7\n").into_iter().count(), 0);
    }

    #[test]
    fn a_wrong_file_is_named_and_left_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        for (text, said) in [
            ("network_name = \"x\"\nnonsense = 1\n", "line 2: unknown field `nonsense`"),
            ("listen = \"nowhere\"\n", "line 1"),
            ("shares_per_user = -1\n", "line 1"),
            ("shares_per_user = 0\n", "shares_per_user"),
            ("network_name = \"two\\nlines\"\n", "network_name"),
            ("bans = [\"anna\"]\n", "an IP address, or @name"),
            ("= = =", "line 1"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = load_or_create(&path).expect_err(text).to_string();
            assert!(error.contains(said) && !error.contains('\n'), "{text:?}: {error}");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
        }
        std::fs::remove_file(&path).expect("removed");
        assert!(load(&path).is_err() && !path.exists());
        assert_eq!(load_or_create(&path).expect("made"), TrackerSettings::default());
        std::fs::write(&path, "network_name = \"mine\"\n").expect("written");
        assert_eq!(load_or_create(&path).expect("kept").network_name, "mine");
    }
}
