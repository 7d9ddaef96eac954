//! The configuration file: written once with every setting explained, never overwritten.

use std::collections::BTreeSet;
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
        let Some(name) = TrackerSettings::name_of(key.get_ref()) else {
            found.push(Mistake { line, what: no_such_setting(key.get_ref()) });
            continue;
        };
        let alone = text.get(value.span()).map(|value| format!("{} = {value}\n", quoted(key.get_ref())));
        match alone.as_deref().map(toml::from_str::<TrackerSettings>) {
            Some(Ok(read)) => {
                settings.take_over(name, &read);
                lines.push((name, line));
            }
            Some(Err(fault)) => found.push(Mistake { line, what: named(key.get_ref(), &one_line(fault.message())) }),
            None => found.push(Mistake { line, what: "this cannot be read".into() }),
        }
    }
    // Each setting that is wrong beside the others is named once, and its default is what the next look goes by; where that
    // is wrong too, as an address that a cluster must have, there is nothing more to go by.
    let mut named = BTreeSet::new();
    while let Err(wrong) = settings.check() {
        if !named.insert(wrong.setting) {
            break;
        }
        let line = lines.iter().find(|(name, _)| *name == wrong.setting).and_then(|(_, line)| *line);
        found.push(Mistake { line, what: wrong.to_string() });
        settings.take_over(wrong.setting, &TrackerSettings::default());
    }
    found.sort_by_key(|mistake| mistake.line);
    found
}

/// The line on which a setting stands, of a configuration that can be read.
#[cfg(feature = "cluster")]
pub(crate) fn line_of(text: &str, setting: &str) -> Option<usize> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let (key, _) = table.get_ref().iter().find(|(key, _)| TrackerSettings::name_of(key.get_ref()) == Some(setting))?;
    text.get(..key.span().start).map(|before| before.matches('\n').count() + 1)
}

fn no_such_setting(key: &str) -> String {
    let names = TrackerSettings::DESCRIPTIONS.iter().map(|(name, _)| *name);
    let nearest = names.map(|name| (letters_between(name, key), name)).min();
    let meant = nearest.filter(|(letters, _)| *letters <= (key.len() / 3).max(1));
    let meant = meant.map_or(String::new(), |(_, name)| format!("; is {name} meant?"));
    format!("there is no setting {}{meant} ('potok-tracker --print-config' shows all)", quoted(key))
}

/// How many letters must be put in, taken out or replaced to make one word the other (Levenshtein).
fn letters_between(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other_letter) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != other_letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// What is wrong with a setting, in words for who has not written this program, and what would be right.
fn named(key: &str, fault: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("invalid socket address syntax", "expected IP:PORT"),
        ("expected socket address", "expected IP:PORT in quotes"),
        ("expected usize", "expected a number without quotes, of at least 0"),
        ("expected u64", "expected a number without quotes, of at least 0"),
        ("expected u32", "expected a number without quotes, of at least 0"),
        ("expected a boolean", "expected true or false, without quotes"),
        ("expected a sequence", "expected a list in [ ]"),
    ];
    let words = WORDS.iter().fold(fault.to_owned(), |said, (word, plain)| said.replace(word, plain));
    // Some say it themselves.
    let example = if words.contains("for example") { None } else { example(key) };
    format!("{key}: {words}{}", example.map_or(String::new(), |value| format!("; for example {key} = {value}")))
}

/// How the value of a setting looks like.
fn example(key: &str) -> Option<String> {
    let key_of_somebody = "ab".repeat(32);
    let text = match key {
        "owners" => format!("[\"{key_of_somebody}\"]"),
        "join" => format!("\"invite\" or [\"{key_of_somebody}\"]"),
        "bans" => "[\"192.0.2.7\", \"198.51.100.0/24\", \"@anna\"]".to_owned(),
        "message_of_the_day" => "[\"Welcome\"]".to_owned(),
        "public_address" | "advertise" => "\"tracker.example.org:7686\"".to_owned(),
        "observe" => "\"127.0.0.1:7687\"".to_owned(),
        "cluster" => "[\"http://10.0.0.1:2379\"]".to_owned(),
        "mesh" => "\"10.0.0.1:7688\"".to_owned(),
        _ => toml::Table::try_from(TrackerSettings::default()).ok()?.get(key)?.to_string(),
    };
    Some(text)
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
        for (text, words) in [
            ("listne = \"[::]:7686\"", &["listne", "is listen meant?"][..]),
            ("[tracker]\nshards = 1", &["no setting \"tracker\""]),
            ("listen = \"nowhere\"", &["listen: expected IP:PORT;", "listen = \"[::]:7686\""]),
            ("listen = 7686", &["listen: ", "expected IP:PORT in quotes"]),
            ("owners = [\"anna\"]", &["owners: expected 64 hexadecimal digits", "owners = [\"abab"]),
            ("shards = \"2\"", &["shards: ", "expected a number without quotes"]),
            ("relay = \"yes\"", &["relay: ", "true or false, without quotes", "relay = false"]),
            ("message_of_the_day = \"hi\"", &["message_of_the_day: ", "expected a list in [ ]"]),
            // Of a cluster every default of what is missing is wrong as well.
            ("cluster = [\"http://10.0.0.1:2379\"]", &["mesh: expected IP:PORT"]),
            ("cluster = [\"http://10.0.0.1:2379\"]\nmesh = \"0.0.0.0:7688\"", &["mesh: expected IP:PORT"]),
            ("cluster = [\"https://10.0.0.1:2379\"]\nmesh = \"10.0.0.1:7688\"", &["cluster_ca: "]),
            ("observe = \"127.0.0.1:7686\"", &["observe: expected an address of its own"]),
            (
                "cluster = [\"http://10.0.0.1:2379\"]\nmesh = \"10.0.0.1:7686\"",
                &["mesh: expected an address of its own"],
            ),
        ] {
            let all = said(text);
            assert_eq!(all.len(), 1, "{text}: {all:?}");
            assert!(words.iter().all(|word| all[0].1.contains(word)), "{text}: {all:?}");
        }
        assert_eq!(said("= = =\n").first().and_then(|(line, _)| *line), Some(1));
        assert_eq!(said("names_per_key = 1\nnames_per_key = 2\n").len(), 1);
    }

    #[test]
    fn a_setting_is_read_by_the_name_that_it_had_once() {
        let read = |text: &str| toml::from_str::<TrackerSettings>(text).map(|it| it.relay_bytes_per_user_per_day);
        assert_eq!(read("relay_bytes_per_user_per_day = 7\n"), Ok(7));
        assert_eq!(read("relay_bytes_per_user_day = 7\n"), Ok(7));
        assert_eq!(mistakes("relay_bytes_per_user_day = 7\n"), []);
        let wrong: Vec<Option<usize>> = mistakes("\nrelay_bytes_per_user_day = 0\n").iter().map(|it| it.line).collect();
        assert_eq!(wrong, [Some(2)], "the line of a wrong value");
    }

    #[test]
    fn a_wrong_file_is_named_and_left_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        for (text, said) in [
            ("network_name = \"x\"\nnonsense = 1\n", "line 2: there is no setting \"nonsense\" ("),
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
