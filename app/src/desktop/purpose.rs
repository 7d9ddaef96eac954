//! What Potok was started for: nothing more than its window, a link, files to share. The arguments say it; a second start
//! hands it over to the first as one line.

use std::path::PathBuf;

use potok_core::model::limits::INVITE_BYTES_MAX;
use url::form_urlencoded;

/// Longest purpose in a line. No command line of any system is longer, also with each byte of it written as three.
pub const PURPOSE_BYTES_MAX: usize = 8 << 20;

/// What a line with paths begins with.
const SHARE: &str = "share ";

/// What a start is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StartPurpose {
    /// Nothing but the window.
    #[default]
    Open,
    /// To ask about a link. A stranger may have written it.
    Link(String),
    /// To ask whether these are to be shared: whole paths, as the file manager hands them over.
    Share(Vec<PathBuf>),
}

impl StartPurpose {
    /// As the arguments have it. Paths count from where this program was started, which may be elsewhere than the window that
    /// runs.
    pub fn of(link: Option<String>, share: &[PathBuf]) -> Self {
        if !share.is_empty() {
            let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_nowhere| path.clone());
            return Self::Share(share.iter().map(whole).collect());
        }
        link.map_or(Self::Open, Self::Link)
    }

    /// As words of a line. A link that is none by its length or its signs is left out.
    pub(super) fn to_words(&self) -> String {
        match self {
            Self::Open => "open ".to_owned(),
            Self::Link(link) if is_link(link) => format!("open {link}"),
            Self::Link(_) => "open ".to_owned(),
            Self::Share(paths) => {
                let mut words = form_urlencoded::Serializer::for_suffix(SHARE.to_owned(), SHARE.len());
                for path in paths {
                    words.append_key_only(&path.to_string_lossy());
                }
                words.finish()
            }
        }
    }

    /// From words of a line; none if they are not what [`Self::to_words`] writes.
    pub(super) fn from_words(words: &str) -> Option<Self> {
        if let Some(link) = words.strip_prefix("open ") {
            return is_link(link).then(|| if link.is_empty() { Self::Open } else { Self::Link(link.to_owned()) });
        }
        let paths = form_urlencoded::parse(words.strip_prefix(SHARE)?.as_bytes());
        let paths: Vec<PathBuf> = paths.map(|(path, _)| PathBuf::from(path.into_owned())).collect();
        (!paths.is_empty() && paths.iter().all(|path| path.is_absolute())).then_some(Self::Share(paths))
    }
}

/// Whether a link may be handed over: no more than an invite has, and nothing that ends a line.
fn is_link(text: &str) -> bool {
    text.len() <= INVITE_BYTES_MAX && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The root of a disk, as this system writes it.
    const ROOT: &str = if cfg!(windows) { r"C:\" } else { "/" };

    #[test]
    fn a_line_says_what_was_meant() {
        let path = |name: &str| Path::new(ROOT).join(name);
        for purpose in [
            StartPurpose::Open,
            StartPurpose::Link("potok://h:1".into()),
            StartPurpose::Share(vec![path("a b")]),
            StartPurpose::Share(vec![path("ред\nи &=+%;"), path("снимки"), path("x")]),
        ] {
            let words = purpose.to_words();
            assert!(!words.contains('\n'), "{words:?}");
            assert_eq!(StartPurpose::from_words(&words), Some(purpose));
        }
        assert_eq!(StartPurpose::Link("two\nlines".into()).to_words(), "open ");
        let long = format!("open {}", "x".repeat(INVITE_BYTES_MAX + 1));
        for bad in ["", "open", "open a b", "share ", "share", "share relative", "share %2Fa&b", "close ", &long] {
            assert_eq!(StartPurpose::from_words(bad), None, "{bad}");
        }
        assert!(!is_link("a\u{85}b") && !is_link("a\nb") && is_link(""));
    }

    #[test]
    fn paths_count_from_where_it_was_started() {
        let here = std::env::current_dir().expect("a folder");
        let elsewhere = Path::new(ROOT).join("x");
        let share = [PathBuf::from("a"), elsewhere.clone()];
        assert_eq!(StartPurpose::of(None, &share), StartPurpose::Share(vec![here.join("a"), elsewhere]));
        assert_eq!(StartPurpose::of(Some("potok://h:1".into()), &[]), StartPurpose::Link("potok://h:1".into()));
        assert_eq!(StartPurpose::of(None, &[]), StartPurpose::Open);
    }
}
