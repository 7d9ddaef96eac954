//! `config.toml`: where it is, how it is read, and how a change is written back.
//!
//! A value that cannot be understood costs that value: it becomes a comment, its default is used, and the file as it was
//! is kept under another name. Saving touches the changed values only, so comments and order stay as their owner likes
//! them; the file is replaced as a whole, so that a power cut leaves the old or the new one.

mod fault;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use confy::ConfyError;
use potok_core::disk::{private, save};
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::{ShownPath, usual_path};
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use potok_core::tracker::names::is_reserved;
use rust_i18n::t;
use toml::de::DeTable;

use crate::texts;

/// The name of the file in the data folder.
pub const SETTINGS_FILE: &str = "config.toml";

/// What was read.
#[derive(Debug)]
pub struct LoadedSettings {
    /// The settings; the defaults where the file says nothing.
    pub settings: Settings,
    /// Something in the file could not be understood.
    pub set_aside: Option<SetAside>,
}

/// A file with something in it that could not be understood.
#[derive(Debug)]
pub struct SetAside {
    /// Where it is kept as it was.
    pub path: PathBuf,
    /// Which values are wrong, and what is wrong with each, in the English of the parser.
    pub why: String,
    /// Which values these are.
    pub names: Vec<String>,
    faults: Vec<ValueFault>,
}

/// Why the settings cannot be read or written. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The system knows no place for settings.
    #[error("no place for settings ({0}); choose one with --data-dir")]
    NoPlace(String),
    /// The file or its folder.
    #[error("{path}: {why}")]
    File {
        /// The file or folder that it is about.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl SetAside {
    /// What was not understood, and where the file is kept, in the person's language.
    pub fn sentence(&self) -> String {
        // The language is a setting too: when the file is read it is not known.
        let sentence = |(name, why): &ValueFault| match fault::in_words(why) {
            words if words.is_empty() => name.clone(),
            words => format!("{name}: {words}"),
        };
        let why = self.faults.iter().map(sentence).collect::<Vec<_>>().join("; ");
        let (path, why) = (ShownPath(&self.path).to_string(), Shown(&why).to_string());
        t!("start.set-aside", path = path, why = why).into_owned()
    }
}

impl SettingsError {
    /// Why the settings cannot be used, in the person's language.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoPlace(why) => {
                texts::text("start", "no-place", &[("why", Shown(&texts::of_reason(why)).to_string())])
            }
            Self::File { path, why } => {
                let args = [("path", ShownPath(path).to_string()), ("why", Shown(&texts::of_reason(why)).to_string())];
                texts::text("start", "settings-file", &args)
            }
        }
    }
}

/// The data folder: the chosen one, or the system's own place for settings. It exists afterwards.
pub fn data_dir(chosen: Option<PathBuf>) -> Result<PathBuf, SettingsError> {
    let no_place = |why: String| SettingsError::NoPlace(why);
    let directory = match chosen {
        Some(directory) => directory,
        None => {
            let file =
                confy::get_configuration_file_path("potok", "config").map_err(|why| no_place(why.to_string()))?;
            file.parent().map(Path::to_owned).ok_or_else(|| no_place(usual_path(&file).into_owned()))?
        }
    };
    private::create_dir(&directory).map_err(at(&directory))?;
    // What is shown and remembered of it must not depend on the current folder.
    std::path::absolute(&directory).map_err(at(&directory))
}

/// Where the system keeps what was downloaded, if it has such a place.
pub fn system_download_folder() -> Option<PathBuf> {
    directories::UserDirs::new()?.download_dir().map(Path::to_owned)
}

/// Reads the settings of a data folder; the first time a commented file is written.
pub fn load(data_dir: &Path) -> Result<LoadedSettings, SettingsError> {
    let path = data_dir.join(SETTINGS_FILE);
    // A dangling link counts as there: its owner meant something by it.
    if fs::symlink_metadata(&path).is_err_and(|why| why.kind() == io::ErrorKind::NotFound) {
        write_atomically(&path, &commented(&Settings::default())).map_err(at(&path))?;
    }
    match confy::load_path(&path) {
        Ok(settings) => Ok(LoadedSettings { settings: Settings::as_meant(settings), set_aside: None }),
        Err(why) if is_content(&why) => {
            let bytes = fs::read(&path).map_err(at(&path))?;
            let whole = || (commented(&Settings::default()), vec![(SETTINGS_FILE.to_owned(), with_source(&why))]);
            let (text, faults) = mended(&bytes).unwrap_or_else(whole);
            let settings = toml::from_str(&text).map_or_else(|_wrong| Settings::default(), Settings::as_meant);
            let set_aside = set_aside(&path, faults).map_err(at(&path))?;
            write_atomically(&path, &text).map_err(at(&path))?;
            Ok(LoadedSettings { settings, set_aside: Some(set_aside) })
        }
        // What the system says, without what confy says before it.
        Err(ConfyError::ReadConfigurationFileError(why)) => Err(SettingsError::File { path, why: why.to_string() }),
        Err(why) => Err(SettingsError::File { path, why: with_source(&why) }),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Writes what differs between `before` and `after` into the file; everything else in it stays as it is.
pub fn save(data_dir: &Path, before: &Settings, after: &Settings) -> Result<(), SettingsError> {
    if before == after {
        return Ok(());
    }
    let path = data_dir.join(SETTINGS_FILE);
    let mut text = match fs::read_to_string(&path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => commented(before),
        text => text.map_err(at(&path))?,
    };
    let places = places(&text).map_err(|why| SettingsError::File { path: path.clone(), why: why.to_string() })?;
    let (before, after) = (values(before), values(after));
    let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    let (there, new): (Vec<_>, Vec<_>) = changed.partition(|(key, _)| places.contains_key(*key));
    let mut there: Vec<_> = there.into_iter().map(|(key, value)| (places[key].value.clone(), value)).collect();
    // From the end of the file, so that the places before stay where they are.
    there.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    for (place, value) in there {
        text.replace_range(place, &value.to_string());
    }
    for (key, value) in new {
        text += if text.is_empty() || text.ends_with('\n') { "\n" } else { "\n\n" };
        text += &one(key, value);
    }
    write_atomically(&path, &text).map_err(at(&path))
}

/// The whole file, each setting with the sentence that explains it.
fn commented(settings: &Settings) -> String {
    let head = as_comment(&texts::text("settings", "head", &[]));
    values(settings).iter().fold(head, |text, (key, value)| text + "\n" + &one(key, value))
}

/// One setting with the sentence that explains it.
fn one(key: &str, value: &toml::Value) -> String {
    format!("{}{key} = {value}\n", as_comment(&texts::text("settings", key, &[])))
}

/// The settings by name, in their order. Plain values; with a path that is no text there are none, rather than wrong ones.
fn values(settings: &Settings) -> toml::Table {
    toml::Table::try_from(settings).unwrap_or_default()
}

/// Where a setting stands in the text of the file, in bytes.
struct SettingPlace {
    key: Range<usize>,
    value: Range<usize>,
}

fn places(text: &str) -> Result<BTreeMap<String, SettingPlace>, toml::de::Error> {
    let table = DeTable::parse(text)?;
    let place =
        |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| SettingPlace { key: key.span(), value: value.span() };
    Ok(table.get_ref().iter().map(|(key, value)| (key.get_ref().to_string(), place((key, value)))).collect())
}

/// A value that cannot be understood: its name, and why.
type ValueFault = (String, String);

/// The text of a file with what cannot be understood in it as comments, and each such value. None: it cannot be told
/// where the faults are.
fn mended(bytes: &[u8]) -> Option<(String, Vec<ValueFault>)> {
    let (mut text, mut faults) = (String::new(), Vec::new());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Ok(line) = str::from_utf8(line) {
            text += line;
        } else {
            let line = String::from_utf8_lossy(line);
            faults.push((key_of(&line).to_owned(), fault::NOT_UTF_8.to_owned()));
            text += &format!("# {line}");
        }
    }
    while let Some((place, why)) = first_fault(&text) {
        let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[place.end..].find('\n').map_or(text.len(), |at| place.end + at);
        let lines = &text[start..end];
        if lines.starts_with('#') {
            return None;
        }
        faults.push((key_of(lines).to_owned(), one_line(why.message())));
        let comment = lines.split('\n').map(|line| format!("# {line}")).collect::<Vec<_>>().join("\n");
        text.replace_range(start..end, &comment);
    }
    Some((text, faults))
}

/// The first thing in a file that cannot be understood, and where it is.
fn first_fault(text: &str) -> Option<(Range<usize>, toml::de::Error)> {
    let places = match places(text) {
        Ok(places) => places,
        Err(why) => {
            let at = why.span().map_or(text.len(), |span| span.start);
            return Some((at..at, why));
        }
    };
    places.into_values().find_map(|SettingPlace { key, value }| {
        let why = toml::from_str::<Settings>(text.get(key.start..value.end)?).err()?;
        Some((key.start..value.end, why))
    })
}

/// The name of the setting in a line.
fn key_of(line: &str) -> &str {
    line.split('=').next().unwrap_or(line).trim()
}

fn as_comment(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

/// Whether the text in the file is at fault, rather than the disk or the rights on it.
fn is_content(error: &ConfyError) -> bool {
    match error {
        ConfyError::BadTomlData(_) => true,
        ConfyError::ReadConfigurationFileError(why) => why.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Keeps a copy of the file as it is.
fn set_aside(path: &Path, faults: Vec<ValueFault>) -> io::Result<SetAside> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let free = |n: u32| {
        let end = if n == 0 { String::new() } else { format!("-{n}") };
        let aside = path.with_file_name(format!("{SETTINGS_FILE}.unreadable-{seconds}{end}"));
        (!aside.exists()).then_some(aside)
    };
    let aside = (0..SET_ASIDE_MAX).find_map(free).ok_or(io::ErrorKind::AlreadyExists)?;
    save::create(&aside, &fs::read(path)?)?;
    let sentences: Vec<String> = faults.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let names = faults.iter().map(|(name, _)| name.clone()).filter(|name| !name.is_empty()).collect();
    Ok(SetAside { path: aside, why: sentences.join("; "), names, faults })
}

/// Files set aside in one second.
const SET_ASIDE_MAX: u32 = 100;

/// The message with its causes, in one line: confy names the file's line and column in the cause only.
fn with_source(error: &ConfyError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(why) = cause {
        text += &format!(": {why}");
        cause = why.source();
    }
    one_line(&text)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SettingsError {
    let path = path.to_owned();
    move |why| SettingsError::File { path, why: why.to_string() }
}

/// A temporary file beside it, flushed, renamed, and the folder flushed. A link keeps pointing to the file.
pub(crate) fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_not_there_yet| path.to_owned());
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(".config").suffix(".part").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(directory)?.sync_all()?;
    Ok(())
}

/// A name for whoever has chosen none: the system's name for the person as far as it can be a username, else `user-` and
/// four digits.
pub fn default_name() -> Username {
    name_for(whoami::username().ok().as_deref())
}

fn name_for(system_name: Option<&str>) -> Username {
    let name: String = system_name
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .skip_while(|c| !c.is_alphanumeric())
        .collect();
    match Username::new(&name) {
        // `root` and its like speak for the tracker.
        Ok(name) if !is_reserved(&name) => name,
        Ok(_) | Err(_) => {
            let random = std::hash::RandomState::new().build_hasher().finish();
            Username::new(&format!("user-{:04x}", random & 0xffff)).expect("letters, digits and a line")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("temporary folder")
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable");
        entries.map(|entry| entry.expect("entry").file_name().into_string().expect("text")).collect()
    }

    #[test]
    fn the_first_start_writes_a_commented_file_that_means_the_defaults() {
        let folder = folder();
        let data_dir = data_dir(Some(folder.path().join("a/b"))).expect("created");
        let loaded = load(&data_dir).expect("loads");
        assert_eq!(loaded.settings, Settings::default());
        assert!(loaded.set_aside.is_none());
        let text = fs::read_to_string(data_dir.join(SETTINGS_FILE)).expect("written");
        let count = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        assert_eq!(count, values(&Settings::default()).len());
        assert!(text.starts_with("# "), "{text}");
        let last_three: Vec<_> = text.lines().rev().take(3).collect();
        assert!(last_three[0].contains(" = ") && last_three[1].starts_with("# "), "{text}");
        assert_eq!(names_in(&data_dir), [SETTINGS_FILE]);
        assert_eq!(load(&data_dir).expect("loads again").settings, Settings::default());
    }

    #[test]
    fn saving_changes_the_changed_values_only() {
        let folder = folder();
        let path = folder.path().join(SETTINGS_FILE);
        let mine = "# mine\nupload_slots = 9 # enough\n\nname   = \"anna\" # me\n";
        fs::write(&path, mine).expect("written");
        let before = load(folder.path()).expect("loads").settings;
        save(folder.path(), &before, &before).expect("nothing to do");
        assert_eq!(fs::read_to_string(&path).expect("there"), mine);

        let after = Settings { name: "Мария".parse().ok(), tracker: "h:1".parse().ok(), ..before.clone() };
        save(folder.path(), &before, &after).expect("saved");
        let saved = load(folder.path()).expect("loads").settings;
        let text = fs::read_to_string(&path).expect("there");
        assert!(text.starts_with("# mine\nupload_slots = 9 # enough\n\nname   = \"Мария\" # me\n"), "{text}");
        assert!(text.contains("\ntracker = \"h:1\"\n"), "{text}");
        assert_eq!(saved, after);
        assert_eq!(names_in(folder.path()), [SETTINGS_FILE]);

        fs::remove_file(&path).expect("somebody removes it meanwhile");
        save(folder.path(), &before, &after).expect("saved");
        assert_eq!(load(folder.path()).expect("loads").settings, after);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_kept() {
        for bad in [&b"name = "[..], b"no_such_setting = 1\n", b"upload_slots = \"many\"\n", b"name = \"\xff\"\n"] {
            let folder = folder();
            fs::write(folder.path().join(SETTINGS_FILE), bad).expect("written");
            let loaded = load(folder.path()).expect("loads");
            assert_eq!(loaded.settings, Settings::default());
            let aside = loaded.set_aside.expect("set aside");
            assert_eq!(fs::read(&aside.path).expect("kept"), bad);
            assert!(!aside.why.is_empty() && !aside.why.contains('\n'), "{}", aside.why);
            assert!(load(folder.path()).expect("loads again").set_aside.is_none());
        }
    }

    #[test]
    fn one_wrong_value_costs_that_one() {
        let folder = folder();
        let text = "name = \"anna\"\nlisten = \"here\"\ntracker = \"h:1\"\nupload_slots = \"many\"\n";
        fs::write(folder.path().join(SETTINGS_FILE), text).expect("written");
        let loaded = load(folder.path()).expect("loads");
        let right = Settings { name: "anna".parse().ok(), tracker: "h:1".parse().ok(), ..Settings::default() };
        assert_eq!(loaded.settings, right);
        let why = loaded.set_aside.expect("kept").why;
        assert!(why.contains("listen: ") && why.contains("; upload_slots: ") && !why.contains("name: "), "{why}");
        assert_eq!(load(folder.path()).expect("loads again").settings, right);
    }

    #[test]
    fn a_typo_costs_one_value() {
        for (line, name) in [
            ("upload_slots = \"many\"", "upload_slots"),
            ("upload_slots = 3 3", "upload_slots"),
            ("theme = dark", "theme"),
            ("theme \"dark\"", "theme"),
            ("theme = \"dark", "theme"),
            ("them = \"dark\"", "them"),
            ("= 3", ""),
            ("tray = true\ntray = false", "tray"),
            ("[theme]\nname = \"dark\"", "[theme]"),
        ] {
            let folder = folder();
            let path = folder.path().join(SETTINGS_FILE);
            fs::write(&path, format!("# mine\nname = \"anna\" # me\n{line}\n\nlanguage = \"bg\"\n")).expect("written");
            let loaded = load(folder.path()).expect("loads");
            let aside = loaded.set_aside.expect(line);
            assert!(aside.why.starts_with(name), "{line}: {}", aside.why);
            // Without its heading, what stands below it is of no table, and there twice.
            let below = if line.starts_with('[') { "name" } else { name };
            let is_meant = |named: &String| named.starts_with(name) || named == below;
            assert!(aside.names.iter().all(is_meant), "{line}: {:?}", aside.names);
            assert_eq!(loaded.settings.name, "anna".parse().ok(), "{line}");
            assert!(line.starts_with('[') || loaded.settings.language == "bg", "{line}");
            let text = fs::read_to_string(&path).expect("there");
            assert!(text.starts_with("# mine\nname = \"anna\" # me\n"), "{text}");
            assert_eq!(load(folder.path()).expect("loads again").settings, loaded.settings, "{line}");
        }
    }

    #[test]
    fn what_is_no_file_is_an_error_and_stays() {
        let folder = folder();
        fs::create_dir(folder.path().join(SETTINGS_FILE)).expect("created");
        assert!(matches!(load(folder.path()), Err(SettingsError::File { .. })));
        assert_eq!(names_in(folder.path()), [SETTINGS_FILE]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = folder();
        let real = folder.path().join("dotfiles.toml");
        fs::write(&real, "name = \"anna\"\n").expect("written");
        std::os::unix::fs::symlink(&real, folder.path().join(SETTINGS_FILE)).expect("linked");
        let before = load(folder.path()).expect("loads").settings;
        save(folder.path(), &before, &Settings { name: "eva".parse().ok(), ..before.clone() }).expect("saved");
        assert_eq!(fs::read_to_string(&real).expect("there"), "name = \"eva\"\n");
        assert!(fs::symlink_metadata(folder.path().join(SETTINGS_FILE)).expect("there").is_symlink());
    }

    #[test]
    fn a_default_name_is_always_valid() {
        for (system, name) in [
            (Some("anna"), Some("anna")),
            (Some("Мария Петрова"), Some("МарияПетрова")),
            (Some("_www"), Some("www")),
            (Some("DOMAIN\\ivan"), Some("DOMAINivan")),
            (Some("аnna"), None),
            (Some("😀"), None),
            (Some("root"), None),
            (Some(""), None),
            (None, None),
        ] {
            let made = name_for(system);
            let made = made.as_str();
            assert!(Username::new(made).is_ok(), "{made}");
            match name {
                Some(name) => assert_eq!(made, name),
                None => assert!(made.starts_with("user-") && made.len() == 9, "{made}"),
            }
        }
    }
}
