//! The only way in which text from somebody else reaches a screen, a log or a record.

use std::fmt;

/// Prints a text with everything that could drive a terminal, hide, or reorder made visible: `⟨U+202E⟩`.
///
/// ```
/// use potok_core::model::shown::Shown;
///
/// assert_eq!(Shown("harmless\u{202e}gpj.exe").to_string(), "harmless⟨U+202E⟩gpj.exe");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain_from = 0;
        for (at, c) in self.0.char_indices().filter(|(_, c)| must_be_made_visible(*c)) {
            f.write_str(&self.0[plain_from..at])?;
            write!(f, "⟨U+{:04X}⟩", u32::from(c))?;
            plain_from = at + c.len_utf8();
        }
        f.write_str(&self.0[plain_from..])
    }
}

/// Characters that change the direction of the text around them.
pub fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are there and not seen, so that two names look the same; but not the joiners, which some scripts and
/// emoji cannot be written without.
pub fn is_hidden(c: char) -> bool {
    must_be_made_visible(c) && !matches!(c, '\u{200c}' | '\u{200d}')
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
        ] {
            assert_eq!(Shown(raw).to_string(), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_dangerous_is_left(raw in "(?s).{0,80}") {
            let shown = Shown(&raw).to_string();
            proptest::prop_assert!(!shown.chars().any(must_be_made_visible));
            proptest::prop_assert_eq!(Shown(&shown).to_string(), shown);
        }
    }
}
