//! Places on which programs act by themselves: what lies there is run or read without anybody opening it. Somebody else's
//! file comes there only if the person gives it a name of their own.

use crate::model::local_name::UnsafeName;
use crate::model::name_fault::NameFault;

/// Where downloads go, as the person chose it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChosenFolder<'a> {
    /// Its names from the top of the disk on, if they are known.
    pub whole: Option<&'a [String]>,
    /// Its names below the home folder, if it is there; none: it is the home folder itself.
    pub below_home: Option<&'a [String]>,
}

/// Below a home folder: where the system finds what it starts by itself, and what it asks before it does anything.
const STARTED: &[&[&str]] = &[
    &[".config", "autostart"],
    &[".config", "autostart-scripts"],
    &[".config", "systemd"],
    &[".config", "environment.d"],
    &[".config", "plasma-workspace"],
    &[".local", "share", "systemd"],
    &[".local", "share", "applications"],
    &[".local", "share", "dbus-1"],
    &["Library", "LaunchAgents"],
    &["Library", "Services"],
    &["Library", "Scripts"],
    &["Library", "Application Scripts"],
];
/// Below a home folder: what programs read of it by themselves.
const READ: &[(&[&str], &[&str])] = &[
    (&[".ssh"], &["authorized_keys", "authorized_keys2", "config", "environment", "known_hosts", "rc"]),
    (&[".gnupg"], &["gpg.conf", "gpg-agent.conf", "dirmngr.conf", "scdaemon.conf", "common.conf"]),
    (&[".config", "git"], &["config", "attributes", "ignore"]),
    (&[".config", "fish"], &["config.fish"]),
    (&[".config", "nvim"], &["init.lua", "init.vim"]),
    (&[".vim"], &["vimrc"]),
    (&[".emacs.d"], &["init.el", "early-init.el"]),
];
/// From the top of the disk: what the whole system acts on.
const OF_SYSTEM: &[&[&str]] = &[
    &["etc"],
    &["lib", "systemd"],
    &["usr", "lib", "systemd"],
    &["usr", "share", "dbus-1"],
    &["var", "spool", "cron"],
    &["Library", "LaunchAgents"],
    &["Library", "LaunchDaemons"],
    &["Library", "StartupItems"],
];

/// Why a place for somebody else's file is one that programs act on, if it is. `parts` are the names below the folder.
pub fn why(chosen: &ChosenFolder<'_>, parts: &[&str]) -> Option<UnsafeName> {
    let refused = |why| Some(UnsafeName::new(parts.join("/"), why));
    let above = chosen.whole.unwrap_or_default();
    let whole: Vec<&str> = above.iter().map(String::as_str).chain(parts.iter().copied()).collect();
    if is_run_by_git(&whole) {
        return refused(NameFault::GitRuns);
    }
    let is_in_start_menu =
        whole.iter().any(|part| is(part, "Startup")) && whole.iter().any(|part| is(part, "Start Menu"));
    let is_of_system = chosen.whole.is_some() && OF_SYSTEM.iter().any(|place| is_below(&whole, place));
    if is_in_start_menu || is_of_system {
        return refused(NameFault::SystemActs);
    }
    let below_home = chosen.below_home?;
    if below_home.is_empty() && parts.first().is_some_and(|first| first.starts_with('.')) {
        return refused(NameFault::HiddenAtHome);
    }
    let whole: Vec<&str> = below_home.iter().map(String::as_str).chain(parts.iter().copied()).collect();
    let is_in_windows_startup = whole.iter().any(|part| is(part, "Startup")) && is_below(&whole, &["AppData"]);
    if is_in_windows_startup || STARTED.iter().any(|place| is_below(&whole, place)) {
        return refused(NameFault::SystemStarts);
    }
    let is_read = |(place, names): &(&[&str], &[&str])| {
        is_below(&whole, place) && whole.get(place.len()).is_some_and(|name| names.iter().any(|read| is(name, read)))
    };
    if READ.iter().any(is_read) { refused(NameFault::ProgramsAct) } else { None }
}

/// Git and Mercurial run what is in a repository of theirs; a file `.git` says where that is. `git~1` is what Windows
/// calls `.git` beside that name, also on a disk that is used elsewhere later.
fn is_run_by_git(whole: &[&str]) -> bool {
    let is_git = |name: &&str| is(name, ".git") || is(name, "git~1");
    if whole.last().is_some_and(is_git) {
        return true;
    }
    if let Some(git) = whole.iter().position(is_git) {
        let inside = &whole[git + 1..];
        let is_config = |name: &&str| is(name, "config") || is(name, "config.worktree");
        return inside.iter().any(|part| is(part, "hooks")) || inside.last().is_some_and(is_config);
    }
    let hg = whole.iter().position(|part| is(part, ".hg") || is(part, "hg~1"));
    hg.is_some_and(|hg| whole[hg + 1..].first().is_some_and(|name| is(name, "hgrc")))
}

fn is_below(path: &[&str], place: &[&str]) -> bool {
    path.len() > place.len() && path.iter().zip(place).all(|(part, name)| is(part, name))
}

fn is(part: &str, name: &str) -> bool {
    part.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_where_it_is_run_by_itself() {
        // The folder from the top of the disk, how many of its names are those of the home folder, and what comes.
        for (whole, home, path, is_refused) in [
            ("", None, "proj/.git/hooks/post-checkout", true),
            ("", None, "proj/.GIT/config", true),
            ("", None, "proj/.git/modules/x/hooks/update", true),
            ("", None, "proj/.git", true),
            ("", None, "proj/.git/objects/ab/cd", false),
            ("", None, "proj/GIT~1/hooks/update", true),
            ("", None, "proj/git~1", true),
            ("", None, "proj/HG~1/hgrc", true),
            ("", None, "proj/git~2/hooks/update", false),
            ("", None, "proj/.hg/hgrc", true),
            ("", None, "proj/.hg/store/x", false),
            ("", None, "proj/.gitignore", false),
            ("", None, "hooks/config", false),
            ("", None, ".bashrc", false),
            ("srv/proj/.git", None, "hooks/post-checkout", true),
            ("srv/proj/.git/hooks", None, "post-checkout", true),
            ("srv/proj", None, "hooks/post-checkout", false),
            ("home/anna", Some(2), ".bashrc", true),
            ("home/anna", Some(2), ".config/autostart/x.desktop", true),
            ("home/anna", Some(2), "proj/.gitignore", false),
            ("home/anna", Some(2), "proj/.env", false),
            ("Users/anna", Some(2), "Library/LaunchAgents/x.plist", true),
            ("Users/anna", Some(2), "Library/Music/x.mp3", false),
            ("home/anna/.config", Some(2), "autostart/x.desktop", true),
            ("home/anna/.config/autostart", Some(2), "x.desktop", true),
            ("home/anna/.config", Some(2), "app/settings", false),
            ("home/anna/.local/share/applications", Some(2), "x.desktop", true),
            ("home/anna/.ssh", Some(2), "authorized_keys", true),
            ("home/anna/.ssh", Some(2), "notes.txt", false),
            ("home/anna/.config/git", Some(2), "config", true),
            ("home/anna/Downloads", Some(2), ".bashrc", false),
            ("C:/Users/anna/AppData/Roaming", Some(3), "Microsoft/Windows/Start Menu/Programs/Startup/x.lnk", true),
            ("C:/ProgramData/Microsoft/Windows/Start Menu/Programs/Startup", None, "x.lnk", true),
            ("etc/cron.d", None, "job", true),
            ("", None, "etc/passwd", false),
            ("srv", None, "etc/passwd", false),
            ("Library/LaunchDaemons", None, "x.plist", true),
        ] {
            let names: Vec<String> = whole.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let below_home = home.map(|home: usize| &names[home..]);
            let folder = ChosenFolder { whole: (!names.is_empty()).then_some(&names), below_home };
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(why(&folder, &parts).is_some(), is_refused, "{path} into {whole:?}");
        }
        let top = ChosenFolder { whole: Some(&[]), below_home: None };
        assert!(why(&top, &["etc", "passwd"]).is_some() && why(&top, &["srv", "x"]).is_none());
    }
}
