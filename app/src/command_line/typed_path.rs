//! A path of this computer as people type or paste it: in the home folder, as a link of the file manager, or as it is.

use std::path::PathBuf;

use url::Url;

/// `~/x` is in the home folder, as in a shell; `./~/x` is the folder of that name. `file:///x%20y`, as file managers copy
/// it, is `/x y`. Anything else is itself.
pub fn typed_path(path: String) -> String {
    let home = || std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
    in_home(&path, home).or_else(|| of_link(&path)).unwrap_or(path)
}

fn in_home(path: &str, home: impl FnOnce() -> Option<String>) -> Option<String> {
    let below = path.strip_prefix('~')?;
    if !below.is_empty() && !below.starts_with(std::path::is_separator) {
        return None;
    }
    // Pushing `/etc` would leave the home folder.
    let below = below.trim_start_matches(std::path::is_separator);
    let home = PathBuf::from(home()?);
    let whole = if below.is_empty() { home } else { home.join(below) };
    whole.into_os_string().into_string().ok()
}

/// A link to a file of this computer; one to a file of another is no path.
fn of_link(path: &str) -> Option<String> {
    let is_link = path.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file://"));
    let link = Url::parse(path).ok().filter(|_| is_link)?;
    link.to_file_path().ok()?.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = || Some("/home/a".to_owned());
        for (typed, path) in [("~/x y", "/home/a/x y"), ("~", "/home/a"), ("~//etc", "/home/a/etc")] {
            assert_eq!(in_home(typed, home).map(PathBuf::from), Some(path.into()), "{typed}");
        }
        for other in ["~x", "./~/x", "a~/x", ""] {
            assert_eq!(in_home(other, home), None, "{other}");
        }
        assert_eq!(in_home("~/x", || None), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_of_the_file_manager_is_a_path() {
        for (link, path) in [
            ("file:///home/a/%D0%B5%20%231.txt", Some("/home/a/е #1.txt")),
            ("file:///home/a/е 2.txt", Some("/home/a/е 2.txt")),
            ("FILE:///x/", Some("/x/")),
            ("file://localhost/x", Some("/x")),
            ("file://elsewhere/x", None),
            ("file:///%FF", None),
            ("file:x", None),
            ("file", None),
            ("http://h/x", None),
            ("/home/a/file://x", None),
        ] {
            assert_eq!(of_link(link).as_deref(), path, "{link}");
        }
    }
}
