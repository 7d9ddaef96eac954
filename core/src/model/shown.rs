//! The only way in which text from somebody else reaches a screen, a log or a record.

use std::borrow::Cow;
use std::fmt;

use crate::model::joining;

/// Prints a text with everything that could drive a terminal, hide, or reorder made visible: `⟨U+202E⟩`. Joiners in emoji
/// and in scripts that need them stay what they are.
///
/// ```
/// use potok_core::model::shown::Shown;
///
/// assert_eq!(Shown("harmless\u{202e}gpj.exe").to_string(), "harmless⟨U+202E⟩gpj.exe");
/// assert_eq!(Shown("in\u{200d}voice 👨\u{200d}👧").to_string(), "in⟨U+200D⟩voice 👨\u{200d}👧");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain_from = 0;
        let hidden = self.0.char_indices().filter(|(_, c)| must_be_made_visible(*c));
        for (at, c) in hidden.filter(|(at, c)| !joining::belongs(self.0, *at, at + c.len_utf8())) {
            f.write_str(&self.0[plain_from..at])?;
            write!(f, "⟨U+{:04X}⟩", u32::from(c))?;
            plain_from = at + c.len_utf8();
        }
        f.write_str(&self.0[plain_from..])
    }
}

/// How a character that is made visible begins, and ends.
const MADE_VISIBLE: (&str, char) = ("⟨U+", '⟩');

/// The text that was shown as this one, as far as that can be told: what was printed can be pasted back.
///
/// ```
/// use potok_core::model::shown::{Shown, read_back};
///
/// let name = "in\u{200b}voice.exe";
/// assert_eq!(read_back(&Shown(name).to_string()), name);
/// assert_eq!(read_back("a ⟨U+0041⟩"), "a ⟨U+0041⟩", "a letter is shown as itself");
/// ```
pub fn read_back(shown: &str) -> Cow<'_, str> {
    let (begin, end) = MADE_VISIBLE;
    if !shown.contains(begin) {
        return shown.into();
    }
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some((before, behind)) = rest.split_once(begin) {
        text += before;
        let read = behind.split_once(end).and_then(|(digits, behind)| Some((made_visible(digits)?, behind)));
        if let Some((c, behind)) = read {
            text.push(c);
            rest = behind;
        } else {
            text += begin;
            rest = behind;
        }
    }
    text += rest;
    text.into()
}

fn made_visible(digits: &str) -> Option<char> {
    let is_code_point = (4..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| is_code_point)?)?;
    must_be_made_visible(c).then_some(c)
}

/// Characters that change the direction of the text around them.
pub fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are there and not seen, so that two names look the same; but not the joiners, which some scripts and
/// emoji cannot be written without.
pub fn is_hidden(c: char) -> bool {
    must_be_made_visible(c) && !matches!(c, joining::ZERO_WIDTH_NON_JOINER | joining::ZERO_WIDTH_JOINER)
}

/// Control characters of every kind, line separators, and all that take no room: zero-width, direction, tags,
/// variation selectors that can smuggle data, private-use and unassigned specials.
fn must_be_made_visible(c: char) -> bool {
    c.is_control()
        || is_direction_control(c)
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn leaves_honest_text_and_shows_the_rest() {
        for (raw, shown) in [
            ("снимка 1.jpg", "снимка 1.jpg"),
            ("a\u{1b}[31mb", "a⟨U+001B⟩[31mb"),
            ("a\tb\r\n", "a⟨U+0009⟩b⟨U+000D⟩⟨U+000A⟩"),
            ("gpj.\u{202e}exe", "gpj.⟨U+202E⟩exe"),
            ("an\u{200b}na", "an⟨U+200B⟩na"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
            ("", ""),
            ("Family \u{1f468}\u{200d}\u{1f469}.jpg", "Family \u{1f468}\u{200d}\u{1f469}.jpg"),
            ("\u{645}\u{6cc}\u{200c}\u{62e}", "\u{645}\u{6cc}\u{200c}\u{62e}"),
            ("an\u{200d}na", "an⟨U+200D⟩na"),
        ] {
            assert_eq!(Shown(raw).to_string(), shown);
            assert_eq!(read_back(shown), raw);
        }
        for literal in ["⟨U+", "⟨U+200B", "⟨U+20⟩", "⟨U+0041⟩", "⟨U+D800⟩", "⟨U+110000⟩", "⟨U++00B⟩", "⟨U+200B ⟩"]
        {
            assert_eq!(read_back(literal), literal);
        }
        assert_eq!(read_back("⟨U+⟨U+200B⟩"), "⟨U+\u{200b}");
    }

    #[test]
    fn honest_names_are_shown_as_they_are() {
        for row in vectors::rows(include_str!("../../../tests/vectors/names-honest.tsv")) {
            let name = row.text(0);
            if !name.chars().any(is_hidden) {
                assert_eq!(Shown(name).to_string(), name, "{}", name.escape_unicode());
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_dangerous_is_left(raw in "(?s).{0,80}") {
            let shown = Shown(&raw).to_string();
            let is_left = |(at, c): (usize, char)| {
                must_be_made_visible(c) && !joining::belongs(&shown, at, at + c.len_utf8())
            };
            proptest::prop_assert!(!shown.char_indices().any(is_left));
            proptest::prop_assert_eq!(&Shown(&shown).to_string(), &shown);
            if !raw.contains("⟨U+") {
                proptest::prop_assert_eq!(read_back(&shown), raw);
            }
        }

        #[test]
        fn joiners_hide_nothing(raw in "[\u{200c}\u{200d}\u{fe0f}\u{1f3fd}\u{1f468}\u{1f469}\u{645}\u{627}\u{94d}\u{915}a\u{e0067}]{0,12}") {
            let shown = Shown(&raw).to_string();
            proptest::prop_assert_eq!(&Shown(&shown).to_string(), &shown);
            proptest::prop_assert_eq!(read_back(&shown), raw);
        }
    }
}
