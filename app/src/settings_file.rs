//! `config.toml`: where it is, how it is read, and how a change is written back.
//!
//! A file that cannot be understood is set aside under another name and never overwritten. Saving touches the changed
//! values only, so comments and order stay as their owner likes them; the file is replaced as a whole, so that a power
//! cut leaves the old or the new one.

use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use confy::ConfyError;
use potok_core::model::shown::Shown;
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use potok_core::tracker::names::is_reserved;
use toml_edit::{DocumentMut, Item};

use crate::texts;

/// The name of the file in the data folder.
pub const SETTINGS_FILE: &str = "config.toml";

/// What was read.
#[derive(Debug)]
pub struct LoadedSettings {
    /// The settings; the defaults where the file says nothing.
    pub settings: Settings,
    /// A file that could not be understood, and a new one took its place.
    pub set_aside: Option<SetAside>,
}

/// A file that could not be understood.
#[derive(Debug)]
pub struct SetAside {
    /// Where it is now.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
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

impl SettingsError {
    /// Why the settings cannot be used, in the person's language.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoPlace(why) => texts::text("start", "no-place", &[("why", Shown(why).to_string())]),
            Self::File { path, why } => {
                let args = [("path", Shown(&path.to_string_lossy()).to_string()), ("why", Shown(why).to_string())];
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
            file.parent().map(Path::to_owned).ok_or_else(|| no_place(file.display().to_string()))?
        }
    };
    create_private(&directory).map_err(at(&directory))?;
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
        write_atomically(&path, &commented(&Settings::default()).to_string()).map_err(at(&path))?;
    }
    match confy::load_path(&path) {
        Ok(settings) => Ok(LoadedSettings { settings, set_aside: None }),
        Err(why) if is_content(&why) => {
            let (settings, wrong) = fs::read_to_string(&path).ok().and_then(|text| readable(&text)).unwrap_or_default();
            let why = if wrong.is_empty() { with_source(&why) } else { wrong.join("; ") };
            let set_aside = set_aside(&path, why).map_err(at(&path))?;
            write_atomically(&path, &commented(&settings).to_string()).map_err(at(&path))?;
            Ok(LoadedSettings { settings, set_aside: Some(set_aside) })
        }
        Err(why) => Err(SettingsError::File { path, why: with_source(&why) }),
    }
}

/// What can be read of a file in which something is wrong: each value by itself, and for each wrong one what is wrong
/// with it. `None` if it is no TOML at all.
fn readable(text: &str) -> Option<(Settings, Vec<String>)> {
    let document: DocumentMut = text.parse().ok()?;
    let (mut right, mut wrong) = (DocumentMut::new(), Vec::new());
    for (key, item) in document.iter() {
        let mut alone = DocumentMut::new();
        alone.insert(key, item.clone());
        match toml_edit::de::from_document::<Settings>(alone) {
            Ok(_one) => drop(right.insert(key, item.clone())),
            Err(why) => wrong.push(format!("{key}: {}", one_line(why.message()))),
        }
    }
    Some((toml_edit::de::from_document(right).ok()?, wrong))
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
    let text = match fs::read_to_string(&path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => commented(before).to_string(),
        text => text.map_err(at(&path))?,
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|why: toml_edit::TomlError| SettingsError::File { path: path.clone(), why: why.to_string() })?;
    let (before, after) = (commented(before), commented(after));
    for (key, value) in after.iter() {
        if before.get(key).map(Item::to_string) == Some(value.to_string()) {
            continue;
        }
        match document.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                // The space before it and the comment behind it stay.
                let decor = old.decor().clone();
                if let Some(new) = value.as_value() {
                    *old = new.clone();
                    *old.decor_mut() = decor;
                }
            }
            None => {
                document.insert(key, value.clone());
                copy_comment(&after, &mut document, key);
            }
        }
    }
    write_atomically(&path, &document.to_string()).map_err(at(&path))
}

/// The whole file, each setting with the sentence that explains it.
fn commented(settings: &Settings) -> DocumentMut {
    // Plain values without nested tables; a path that is no text is left out rather than written wrongly.
    let mut document = toml_edit::ser::to_document(settings).unwrap_or_default();
    let mut before = as_comment(&texts::text("settings", "head", &[])) + "\n";
    for (mut key, _) in document.iter_mut() {
        let comment = as_comment(&texts::text("settings", key.get(), &[]));
        key.leaf_decor_mut().set_prefix(std::mem::take(&mut before) + &comment);
        before.push('\n');
    }
    document
}

fn as_comment(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

fn copy_comment(from: &DocumentMut, to: &mut DocumentMut, key: &str) {
    let decor = from.key(key).map(|key| key.leaf_decor().clone());
    if let (Some(decor), Some(mut key)) = (decor, to.key_mut(key)) {
        *key.leaf_decor_mut() = decor;
    }
}

/// Whether the text in the file is at fault, rather than the disk or the rights on it.
fn is_content(error: &ConfyError) -> bool {
    match error {
        ConfyError::BadTomlData(_) => true,
        ConfyError::ReadConfigurationFileError(why) => why.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn set_aside(path: &Path, why: String) -> io::Result<SetAside> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let free = |n: u32| {
        let end = if n == 0 { String::new() } else { format!("-{n}") };
        let aside = path.with_file_name(format!("{SETTINGS_FILE}.unreadable-{seconds}{end}"));
        (!aside.exists()).then_some(aside)
    };
    let aside = (0..SET_ASIDE_MAX).find_map(free).ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(path, &aside)?;
    Ok(SetAside { path: aside, why })
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

/// Creates a folder that only its owner can look into; one that is there already stays as it is.
fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
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
        let values = text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        assert_eq!(values, commented(&Settings::default()).len());
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
