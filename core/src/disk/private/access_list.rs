//! The access list of what is private on Windows: its owner, the person who runs this, the system and its
//! administrators; nothing is inherited, so that a data folder in `D:\` is as private as one in the profile.
//!
//! By `icacls`, which every Windows has: the crates for access lists wrap the same calls in `unsafe`, have rested for
//! years, and none of them can stop inheriting.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::model::shown_path::ShownPath;

/// What gets an access list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    File,
    /// What is made in it later has the same list.
    Folder,
}

/// Known by number, as their names are translated: the owner, the system, the administrators.
/// <https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers>
const ALWAYS: [&str; 3] = ["*S-1-3-4", "*S-1-5-18", "*S-1-5-32-544"];

/// Gives it its list. A disk without such lists, as FAT, is no reason to do without an identity.
pub(super) fn give_or_warn(path: &Path, of: Of) {
    // Who starts it as administrator makes files of the administrators, and is to read them as themselves later. An
    // account that has no such name, as that of a service, is the system or has what its owner has.
    let person = person(std::env::var_os("USERDOMAIN"), std::env::var_os("USERNAME"));
    let given = give(path, of, person.as_deref()).or_else(|_unknown| give(path, of, None));
    if let Err(why) = given {
        tracing::warn!(path = %ShownPath(path), %why, "others on this computer may be able to read this");
    }
}

/// Gives it its list, with this account in it instead of the person who runs this.
#[cfg(windows)]
pub(super) fn give_to(path: &Path, of: Of, account: &str) -> io::Result<()> {
    give(path, of, Some(OsStr::new(account)))
}

fn give(path: &Path, of: Of, person: Option<&OsStr>) -> io::Result<()> {
    let mut command = Command::new(program(std::env::var_os("SystemRoot")));
    command.args(arguments(path, of, person)).stdin(Stdio::null());
    #[cfg(windows)]
    {
        /// `CREATE_NO_WINDOW`: a console that flashes up would startle.
        const NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(&mut command, NO_WINDOW);
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    Err(io::Error::other(format!("icacls: {}", told.trim())))
}

/// By its whole path: another program of that name in the current folder must not be run.
fn program(system_root: Option<OsString>) -> PathBuf {
    PathBuf::from(system_root.unwrap_or_else(|| r"C:\Windows".into())).join("System32").join("icacls.exe")
}

fn person(domain: Option<OsString>, name: Option<OsString>) -> Option<OsString> {
    let name = name.filter(|name| !name.is_empty())?;
    let mut whole = domain.filter(|domain| !domain.is_empty())?;
    whole.push(r"\");
    whole.push(name);
    Some(whole)
}

fn arguments(path: &Path, of: Of, person: Option<&OsStr>) -> Vec<OsString> {
    let rights = match of {
        Of::File => ":F",
        Of::Folder => ":(OI)(CI)F",
    };
    let mut arguments: Vec<OsString> = vec![path.into(), "/inheritance:r".into(), "/grant:r".into()];
    let whom = ALWAYS.iter().map(OsStr::new).chain(person);
    arguments.extend(whom.map(|whom| {
        let mut grant = whom.to_owned();
        grant.push(rights);
        grant
    }));
    arguments.push("/q".into());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_inherited_and_few_are_named() {
        let text = |of, person: Option<&str>| {
            let arguments = arguments(Path::new(r"D:\my data\identity.key"), of, person.map(OsStr::new));
            arguments.iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            text(Of::File, Some(r"HOME\Anna M")),
            r"D:\my data\identity.key /inheritance:r /grant:r *S-1-3-4:F *S-1-5-18:F *S-1-5-32-544:F HOME\Anna M:F /q"
        );
        assert_eq!(
            text(Of::Folder, None),
            r"D:\my data\identity.key /inheritance:r /grant:r *S-1-3-4:(OI)(CI)F *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F /q"
        );
        let some = |text: &str| Some(OsString::from(text));
        assert_eq!(person(some("HOME"), some("Anna")), some(r"HOME\Anna"));
        assert_eq!((person(some(""), some("Anna")), person(some("HOME"), None)), (None, None));
    }

    #[test]
    fn only_the_program_of_the_system_is_run() {
        let program = program(Some("/windows".into()));
        assert_eq!(program, Path::new("/windows").join("System32").join("icacls.exe"));
        // There is none here, and that is no reason to stop.
        if !cfg!(windows) {
            let folder = tempfile::tempdir().expect("folder");
            give(folder.path(), Of::Folder, None).expect_err("no such program");
            give_or_warn(folder.path(), Of::Folder);
        }
    }
}
