//! From a path as a person typed it to a path of this computer. Never for a name that somebody else gave.

use std::path::{Path, PathBuf};

/// The console is no shell, so a leading `~/` is for us to read; a relative path counts from `cwd`.
pub fn path(typed: &str, cwd: &Path) -> PathBuf {
    let below_home = match typed.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix(std::path::is_separator),
        None => None,
    };
    match (below_home, std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => cwd.join(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_counts_from_the_current_folder() {
        let cwd = Path::new(if cfg!(windows) { r"C:\work" } else { "/work" });
        assert_eq!(path("a/b", cwd), cwd.join("a/b"));
        assert_eq!(path("~a", cwd), cwd.join("~a"));
        if let Some(home) = std::env::home_dir() {
            assert_eq!(path("~/x", cwd), home.join("x"));
            assert_eq!(path("~", cwd), home);
        }
    }
}
