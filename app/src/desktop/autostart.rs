//! Start with the system: an entry of the desktop, written and removed at once. The entry itself is the truth; nothing
//! else remembers it.

use std::io;
use std::path::Path;

/// Whether Potok starts with the system on this data folder.
pub fn is_on(data_dir: &Path, is_usual: bool) -> bool {
    system::is_on(data_dir, is_usual)
}

/// Makes it so. A data folder of its own is named in the entry.
pub fn set(data_dir: &Path, is_usual: bool, on: bool) -> io::Result<()> {
    system::set(data_dir, is_usual, on)
}

/// The program as the system shall start it: an AppImage is the file outside, not what it unpacks.
fn program() -> io::Result<std::path::PathBuf> {
    match std::env::var_os("APPIMAGE") {
        Some(image) => Ok(image.into()),
        None => std::env::current_exe(),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use super::program;

    pub(super) fn is_on(data_dir: &Path, is_usual: bool) -> bool {
        let text = entry(data_dir, is_usual).and_then(fs::read_to_string);
        text.is_ok_and(|text| is_active(&text))
    }

    pub(super) fn set(data_dir: &Path, is_usual: bool, on: bool) -> io::Result<()> {
        let path = entry(data_dir, is_usual)?;
        if !on {
            return match fs::remove_file(path) {
                Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            };
        }
        let program = program()?;
        let mut words = vec![text(&program)?];
        if !is_usual {
            words.extend(["--data-dir", text(data_dir)?]);
        }
        words.push("--background");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        crate::settings_file::write_atomically(&path, &entry_text(&words))
    }

    fn text(path: &Path) -> io::Result<&str> {
        path.to_str().ok_or_else(|| io::ErrorKind::InvalidFilename.into())
    }

    /// The specification lets a desktop switch an entry off without removing it.
    fn is_active(text: &str) -> bool {
        let has = |line: &str| text.lines().any(|l| l.trim().eq_ignore_ascii_case(line));
        text.contains("[Desktop Entry]") && !has("Hidden=true") && !has("X-GNOME-Autostart-enabled=false")
    }

    fn entry(data_dir: &Path, is_usual: bool) -> io::Result<PathBuf> {
        let config = directories::BaseDirs::new().ok_or(io::ErrorKind::NotFound)?.config_dir().to_owned();
        let beside =
            if is_usual { String::new() } else { format!("-{}", crate::desktop::instance::short_hash(data_dir)) };
        Ok(config.join("autostart").join(format!("org.potok.Potok{beside}.desktop")))
    }

    fn entry_text(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let exec = words.join(" ");
        format!("[Desktop Entry]\nType=Application\nName=Potok\nName[bg]=Поток\nIcon=org.potok.Potok\nExec={exec}\n")
    }

    /// A word of `Exec`: quoted for the shell-like rules inside, then escaped as every value of the file is.
    fn quoted(word: &str) -> String {
        let mut quoted = String::from("\"");
        for c in word.chars() {
            match c {
                '"' | '`' | '$' | '\\' => quoted.extend(['\\', c]),
                '%' => quoted.push_str("%%"),
                _ => quoted.push(c),
            }
        }
        quoted.push('"');
        quoted.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn words_survive_the_entry() {
            assert_eq!(quoted("/usr/bin/potok"), "\"/usr/bin/potok\"");
            assert_eq!(quoted("/a b/50%"), "\"/a b/50%%\"");
            assert_eq!(quoted(r#"/a"$\"#), r#""/a\\"\\$\\\\""#);
            let text = entry_text(&["/a b/potok", "--background"]);
            assert!(text.ends_with("\nExec=\"/a b/potok\" \"--background\"\n"), "{text}");
        }

        #[test]
        fn an_entry_may_be_there_and_off() {
            let on = entry_text(&["potok"]);
            assert!(is_active(&on));
            for off in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
                assert!(!is_active(&format!("{on}{off}\n")));
            }
            assert!(!is_active(""));
        }
    }
}

#[cfg(any(windows, target_os = "macos"))]
mod system {
    use std::io;
    use std::path::Path;

    use auto_launch::{AutoLaunch, AutoLaunchBuilder};

    use super::program;

    pub(super) fn is_on(data_dir: &Path, is_usual: bool) -> bool {
        entry(data_dir, is_usual).is_ok_and(|entry| entry.is_enabled().unwrap_or(false))
    }

    pub(super) fn set(data_dir: &Path, is_usual: bool, on: bool) -> io::Result<()> {
        let entry = entry(data_dir, is_usual)?;
        if on { entry.enable() } else { entry.disable() }.map_err(io::Error::other)
    }

    fn entry(data_dir: &Path, is_usual: bool) -> io::Result<AutoLaunch> {
        let program = program()?;
        let text = |path: &Path| path.to_str().map(ToOwned::to_owned).ok_or(io::ErrorKind::InvalidFilename);
        let mut name = "Potok".to_owned();
        let mut args = vec!["--background".to_owned()];
        if !is_usual {
            name += &format!("-{}", crate::desktop::instance::short_hash(data_dir));
            args.extend(["--data-dir".to_owned(), text(data_dir)?]);
        }
        let mut builder = AutoLaunchBuilder::new();
        builder.set_app_name(&name).set_app_path(&text(&program)?).set_args(&args);
        builder.build().map_err(io::Error::other)
    }
}
