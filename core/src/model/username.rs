//! Names of people, and what makes two of them too alike.

use std::fmt;
use std::sync::Arc;

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};

use crate::model::limits;

/// A username as its owner writes it: NFC, 1 to 32 letters, digits, `_`, `-`, `.`, the first a letter or digit, all
/// letters of one script.
///
/// Equality is exact; whether two names may stand beside each other is decided on [`Username::folded`] and
/// [`Username::skeletons`].
///
/// ```
/// use potok_core::model::username::{BadUsername, Username};
///
/// let anna = Username::new("Anna-1")?;
/// assert_eq!(anna.folded(), Username::new("ANNA-1")?.folded());
/// // A Cyrillic letter among Latin ones is a disguise.
/// assert_eq!(Username::new("Аnna"), Err(BadUsername::MixedScripts));
/// # Ok::<(), BadUsername>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(Arc<str>);

/// Why a text is no username; the message says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUsername {
    /// It is empty or longer than [`limits::USERNAME_CHARS_MAX`].
    #[error("a username has 1 to {max} characters", max = limits::USERNAME_CHARS_MAX)]
    Length,
    /// The first character is neither a letter nor a digit.
    #[error("a username begins with a letter or a digit")]
    First,
    /// A character that is no letter, digit, `_`, `-` or `.`.
    #[error("a username has only letters, digits, '_', '-' and '.'")]
    Character,
    /// Letters of more than one script, say Latin and Cyrillic.
    #[error("the letters of a username are all of one script, Latin or Cyrillic for example")]
    MixedScripts,
}

impl Username {
    /// Normalises to NFC and checks every rule; the first that is broken is the error.
    pub fn new(text: &str) -> Result<Self, BadUsername> {
        // Each character takes at most 4 bytes, and composing never more than triples the count of code points:
        // cut off the absurd before normalising it.
        if text.len() > limits::USERNAME_CHARS_MAX * 4 * 3 {
            return Err(BadUsername::Length);
        }
        if text.is_ascii() { Self::of_ascii(text) } else { Self::of_any(text) }
    }

    fn of_any(text: &str) -> Result<Self, BadUsername> {
        let name: String = text.nfc().collect();
        let length = name.chars().count();
        if length == 0 || length > limits::USERNAME_CHARS_MAX {
            return Err(BadUsername::Length);
        }
        if !name.chars().next().is_some_and(char::is_alphanumeric) {
            return Err(BadUsername::First);
        }
        if !name.chars().all(is_allowed) {
            return Err(BadUsername::Character);
        }
        if !is_one_script(&name) {
            return Err(BadUsername::MixedScripts);
        }
        Ok(Self(name.into()))
    }

    /// The same rules for what most names are of: each of its letters is Latin and has one spelling. A tracker reads a name
    /// in every line that announces something.
    fn of_ascii(text: &str) -> Result<Self, BadUsername> {
        if text.is_empty() || text.len() > limits::USERNAME_CHARS_MAX {
            return Err(BadUsername::Length);
        }
        if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Err(BadUsername::First);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')) {
            return Err(BadUsername::Character);
        }
        Ok(Self(text.into()))
    }

    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name regardless of case: `Anna` and `anna` are the same person.
    pub fn folded(&self) -> String {
        fold_case(&self.0)
    }

    /// What the name looks like to a reader (UTS #39), as two keys: of the name as written, in which a capital `I`
    /// looks like `l`, and of the name regardless of case. Two names that share a key are taken for each other.
    pub fn skeletons(&self) -> [String; 2] {
        [stable_skeleton(self.0.to_string()), stable_skeleton(self.folded())]
    }
}

/// Maps look-alikes and folds until nothing changes: a mapping can bring back a capital or uncover a further mapping,
/// and a key that depends on how often it is made protects nobody.
fn stable_skeleton(mut text: String) -> String {
    for _ in 0..4 {
        let next = fold_case(&unicode_security::skeleton(&text).collect::<String>());
        if next == text {
            break;
        }
        text = next;
    }
    text
}

/// Full Unicode case folding (Unicode Standard, section 3.13, `toCasefold`), then NFC.
pub fn fold_case(text: &str) -> String {
    CaseMapper::new().fold_string(text).nfc().collect()
}

fn is_allowed(c: char) -> bool {
    matches!(c, '_' | '-' | '.') || is_plain_letter_or_digit(c)
}

/// Letters, decimal digits and the marks that some scripts write their vowels with. Compatibility forms (fullwidth,
/// superscript, mathematical) are other spellings of ordinary letters and are refused.
fn is_plain_letter_or_digit(c: char) -> bool {
    let mark = unicode_normalization::char::is_combining_mark(c)
        && !matches!(c.script(), Script::Inherited | Script::Common | Script::Unknown);
    let invisible = !unicode_security::GeneralSecurityProfile::identifier_allowed(c);
    let compatibility = std::iter::once(c).nfkc().ne(std::iter::once(c));
    (c.is_alphanumeric() || mark) && !c.is_ascii_control() && !compatibility && (c.is_ascii() || !invisible)
}

fn is_one_script(name: &str) -> bool {
    use unicode_security::MixedScript;
    name.is_single_script()
}

/// Orders, compares and hashes as its text does.
impl std::borrow::Borrow<str> for Username {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({:?})", self.0)
    }
}

impl std::str::FromStr for Username {
    type Err = BadUsername;

    fn from_str(text: &str) -> Result<Self, BadUsername> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn accepts_names_of_people() {
        for good in ["anna", "Мария", "ivan_2", "a", "7", "x-1.y", "Ünal", "太郎", "Γιώργος", "ひろし", "Đorđe", "İpek"]
        {
            let name = Username::new(good).unwrap_or_else(|why| panic!("{good}: {why}"));
            assert_eq!(name.as_str(), good.nfc().collect::<String>());
        }
    }

    #[test]
    fn refuses_what_could_deceive() {
        use BadUsername::*;
        for (bad, why) in [
            ("", Length),
            (&"a".repeat(33), Length),
            (&"a".repeat(100_000), Length),
            ("_a", First),
            (".hidden", First),
            ("-rf", First),
            (" anna", First),
            ("an na", Character),
            ("anna\u{200b}", Character),
            ("anna\u{202e}", Character),
            ("an,na", Character),
            ("an\"na", Character),
            ("anna\n", Character),
            ("anna\u{7f}", Character),
            ("ᴮᴵᴳ", First),
            ("aᴮᴵᴳ", Character),
            ("ａnna", Character),
            ("a²", Character),
            ("a😀", Character),
            ("аnna", MixedScripts),
            ("marиa", MixedScripts),
        ] {
            let refused = Username::new(bad).expect_err(bad);
            // `First` hides `Character` for a forbidden first letter: either is a refusal.
            assert!(refused == why || refused == Character, "{bad:?}: {refused:?}, expected {why:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn ascii_is_judged_as_any_text_is(text in "[ -~]{0,4}|[a-zA-Z0-9_.-]{0,34}|[\\x00-\\x7f]{0,6}") {
            proptest::prop_assert_eq!(Username::of_ascii(&text), Username::of_any(&text));
        }
    }

    #[test]
    fn case_and_look_alikes_meet() {
        let same = |a: &str, b: &str| {
            let (a, b) = (Username::new(a).expect(a), Username::new(b).expect(b));
            a.skeletons().iter().any(|key| b.skeletons().contains(key))
        };
        for (a, b) in [
            ("anna", "Anna"),
            ("ANNA", "anna"),
            ("scope", "ѕсоре"),
            ("paypal", "paypa1"),
            ("bill", "biIl"),
            ("O0", "0o"),
            ("modern", "modem"),
            ("Иван", "иван"),
        ] {
            assert!(same(a, b), "{a} and {b}");
        }
        for (a, b) in [("anna", "annas"), ("maria", "mario"), ("иван", "ивана")] {
            assert!(!same(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn every_name_of_the_vectors_is_judged_as_it_stands_there() {
        let mut wrong = Vec::new();
        for row in vectors::rows(include_str!("../../../tests/vectors/usernames.tsv")) {
            use BadUsername::*;
            let found = match Username::new(row.text(1)) {
                Ok(_) => "ok",
                Err(Length) => "length",
                Err(First) => "first",
                Err(Character) => "bad",
                Err(MixedScripts) => "mixed",
            };
            // A forbidden first character is both.
            if found != row.text(0) && (found, row.text(0)) != ("first", "bad") {
                wrong.push(format!("{:?} is {found}, not {}: {}", row.text(1), row.text(0), row.text(2)));
            }
        }
        for row in vectors::rows(include_str!("../../../tests/vectors/username-pairs.tsv")) {
            let [a, b] = [1, 2].map(|n| Username::new(row.text(n)).unwrap_or_else(|why| panic!("{row:?}: {why}")));
            let found = match a.folded() == b.folded() {
                true => "same",
                false if a.skeletons().iter().any(|key| b.skeletons().contains(key)) => "alike",
                false => "different",
            };
            if found != row.text(0) {
                wrong.push(format!("{a} and {b} are {found}, not {}", row.text(0)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    proptest::proptest! {
        #[test]
        fn folding_and_skeleton_are_stable(text in "\\PC{1,40}") {
            if let Ok(name) = Username::new(&text) {
                proptest::prop_assert_eq!(fold_case(&name.folded()), name.folded());
                let again = Username::new(name.as_str()).expect("valid twice");
                proptest::prop_assert_eq!(again.skeletons(), name.skeletons());
            }
        }
    }
}
