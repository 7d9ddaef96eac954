//! Selections: which shares a question is about. The tracker answers with exactly the shares that
//! [`Selection::matches`] lets through, so whoever asked can apply later notices to what was answered.

use std::fmt;

use memchr::memmem;

use crate::model::file_kind::FileKind;
use crate::model::search_key::{push_key, word_keys};
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::field::AsField;
use crate::protocol::reply::FileLine;
use crate::protocol::value::{number, path, username};

/// Which shares are meant: those to which everything here applies. An empty one means all.
///
/// ```
/// use potok_core::model::file_kind::FileKind;
/// use potok_core::protocol::reply::FileLine;
/// use potok_core::protocol::selection::Selection;
///
/// let file = FileLine::parse("anna 120 - Trip/Ден 1.jpg")?;
/// let words = Selection::of_words(vec!["ден".into(), "trip".into()]);
/// assert!(words.matches(&file));
/// assert!(!Selection { kind: Some(FileKind::Audio), ..words }.matches(&file));
/// # Ok::<(), potok_core::protocol::reply::BadReply>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Each of these occurs in the path, whatever its case, in any script. Empty words ask for nothing.
    pub words: Vec<String>,
    /// Only what this user shares; the name is theirs in any case.
    pub username: Option<Username>,
    /// Only files of this kind.
    pub kind: Option<FileKind>,
    /// Only files of at least so many bytes. A share that was announced without a size is not among them.
    pub size_min: Option<u64>,
    /// Only what lies below this folder, at any depth.
    pub folder: Option<SharePath>,
}

impl Selection {
    /// Its options on the wire.
    pub(super) const OPTIONS: [&str; 4] = ["user", "kind", "min-size", "in"];

    /// The shares whose paths have all these words.
    pub fn of_words(words: Vec<String>) -> Self {
        Self { words, ..Self::default() }
    }

    /// The shares of one user.
    pub fn of_user(username: Username) -> Self {
        Self { username: Some(username), ..Self::default() }
    }

    /// Whether every share is meant.
    pub fn is_everything(&self) -> bool {
        let Self { words, username, kind, size_min, folder } = self;
        let has_option = username.is_some() || kind.is_some() || size_min.is_some() || folder.is_some();
        !has_option && words.iter().all(String::is_empty)
    }

    /// Whether a share is among those that are meant.
    pub fn matches(&self, file: &FileLine) -> bool {
        let path = file.path.as_str();
        let is_theirs = |name: &Username| *name == file.username || name.folded() == file.username.folded();
        self.username.as_ref().is_none_or(is_theirs)
            && self.kind.is_none_or(|kind| FileKind::of(path) == kind)
            && self.size_min.is_none_or(|min| file.size.is_some_and(|size| size >= min))
            && self.folder.as_ref().is_none_or(|folder| file.path.below(folder.as_str()).is_some())
            && has_words(path, &self.words)
    }

    /// Takes one of the [options](Self::OPTIONS), which is there once at most.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let is_new = match name {
            "user" => self.username.replace(username(value)?).is_none(),
            "kind" => {
                let kind = value.parse().map_err(|why| Refusal::new(Code::Usage, why))?;
                self.kind.replace(kind).is_none()
            }
            "min-size" => self.size_min.replace(number(value)?).is_none(),
            _ => self.folder.replace(path(value)?).is_none(),
        };
        if is_new { Ok(()) } else { Err(Refusal::new(Code::Usage, format!("{name}= is there twice"))) }
    }
}

fn has_words(path: &str, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let Some(words) = word_keys(words) else { return false };
    let mut key = Vec::new();
    push_key(path, &mut key);
    words.iter().all(|word| memmem::find(&key, word).is_some())
}

impl fmt::Display for Selection {
    /// Words and options, a space before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.iter().try_for_each(|word| write!(f, " {}", AsField(word)))?;
        if let Some(username) = &self.username {
            write!(f, " user={username}")?;
        }
        if let Some(kind) = self.kind {
            write!(f, " kind={kind}")?;
        }
        if let Some(size_min) = self.size_min {
            write!(f, " min-size={size_min}")?;
        }
        self.folder.as_ref().map_or(Ok(()), |folder| write!(f, " in={}", AsField(folder.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_among_the_selected() {
        let file = |line: &str| FileLine::parse(line).expect(line);
        let hash = "ab".repeat(32);
        let song = file(&format!("Anna 120 {hash} Музика/Straße - 1.MP3"));
        let note = file("ivan - - notes.txt");
        for (selection, is_song, is_note) in [
            (Selection::default(), true, true),
            (Selection::of_words(vec!["музика".into(), "STRASSE".into()]), true, false),
            (Selection::of_words(vec![String::new()]), true, true),
            (Selection::of_words(vec!["music".into()]), false, false),
            (Selection::of_words(vec!["o\n".into()]), false, false),
            (Selection::of_user(Username::new("anna").expect("valid")), true, false),
            (Selection::of_user(Username::new("ann").expect("valid")), false, false),
            (Selection { kind: Some(FileKind::Audio), ..Selection::default() }, true, false),
            (Selection { kind: Some(FileKind::Document), ..Selection::default() }, false, true),
            (Selection { size_min: Some(120), ..Selection::default() }, true, false),
            (Selection { size_min: Some(121), ..Selection::default() }, false, false),
            (Selection { size_min: Some(0), ..Selection::default() }, true, false),
            (Selection { folder: SharePath::new("Музика").ok(), ..Selection::default() }, true, false),
            (Selection { folder: SharePath::new("Муз").ok(), ..Selection::default() }, false, false),
            (Selection { folder: SharePath::new("notes.txt").ok(), ..Selection::default() }, false, false),
        ] {
            assert_eq!((selection.matches(&song), selection.matches(&note)), (is_song, is_note), "{selection:?}");
        }
    }
}
