//! From a path as a person typed it to a path of this computer. Never for a name that somebody else gave.

use std::path::PathBuf;

use crate::library::typed::LocalPath;

/// The absolute path. The console is no shell, so a leading `~/` is for us to read.
pub fn path(LocalPath { typed, cwd }: &LocalPath) -> PathBuf {
    let below_home =
        typed.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(std::path::is_separator));
    match (below_home, std::env::home_dir()) {
        // Joining `/etc` would leave the home folder.
        (Some(below), Some(home)) => home.join(below.trim_start_matches(std::path::is_separator)),
        _ => cwd.join(typed),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_relative_path_counts_from_the_current_folder() {
        let cwd = Path::new(if cfg!(windows) { r"C:\work" } else { "/work" });
        let path = |typed: &str| path(&LocalPath::new(typed, cwd));
        assert_eq!(path("a/b"), cwd.join("a/b"));
        assert_eq!(path("~a"), cwd.join("~a"));
        if let Some(home) = std::env::home_dir() {
            assert_eq!(path("~/x"), home.join("x"));
            assert_eq!(path("~"), home);
            assert_eq!(path("~//x"), home.join("x"));
        }
    }
}
