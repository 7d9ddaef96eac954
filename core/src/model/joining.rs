//! Where characters that take no room belong: joiners in emoji and in scripts that cannot be written without them, tags in
//! the flags that are made of them. Anywhere else they only make two names look the same.
//!
//! Emoji are those of UTS #51 (`emoji_zwj_sequence`, and the tag sequences that are recommended for interchange); scripts
//! those of UAX #31, section 2.3 (A1, A2 and B), with what RFC 5892 asks of a joiner behind a virama.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup, IndicSyllabicCategory, JoiningType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Breaks a connection between letters, or a conjunct.
pub(super) const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Makes one emoji of several, or asks for a form of a letter.
pub(super) const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Behind an emoji: in colours.
const EMOJI_PRESENTATION: char = '\u{fe0f}';
/// Signs below have letters' uses, as `©` has, and are part of no emoji that is made of several.
const EMOJI_JOINED_MIN: char = '\u{2190}';

/// England, Scotland and Wales: a black flag and the region in tags.
const TAG_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Whether the character of `text` that begins at byte `at`, and ends before byte `end`, is one of those and stands where
/// it belongs.
pub(super) fn belongs(text: &str, at: usize, end: usize) -> bool {
    let (before, this, after) = (&text[..at], &text[at..end], &text[end..]);
    match this.chars().next() {
        Some(ZERO_WIDTH_JOINER) => joins_emoji(before, after) || joins_conjunct(before, after),
        Some(ZERO_WIDTH_NON_JOINER) => breaks_cursive(before, after) || breaks_conjunct(before, after),
        Some('\u{e0020}'..='\u{e007f}') => is_in_flag(text, at),
        _ => false,
    }
}

fn joins_emoji(before: &str, after: &str) -> bool {
    let is_emoji = |c: char| c >= EMOJI_JOINED_MIN && CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let is_modifier = |c: char| CodePointSetData::new::<EmojiModifier>().contains(c);
    let base = match before.strip_suffix(EMOJI_PRESENTATION) {
        Some(base) => base,
        None => before.strip_suffix(is_modifier).unwrap_or(before),
    };
    base.ends_with(is_emoji) && after.starts_with(is_emoji)
}

/// Between a letter that is written into the next and one that is written into the last.
fn breaks_cursive(before: &str, after: &str) -> bool {
    let kind = |c: char| CodePointMapData::<JoiningType>::new().get(c);
    let is_between = |c: char| is_mark(c) && kind(c) == JoiningType::Transparent;
    let before = before.trim_end_matches(is_between).chars().next_back().map(kind);
    let after = after.trim_start_matches(is_between).chars().next().map(kind);
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

fn joins_conjunct(before: &str, after: &str) -> bool {
    let is_vowel_sign =
        |c: char| CodePointMapData::<IndicSyllabicCategory>::new().get(c) == IndicSyllabicCategory::VowelDependent;
    ends_in_virama(before) && !after.starts_with(is_vowel_sign)
}

fn breaks_conjunct(before: &str, after: &str) -> bool {
    ends_in_virama(before) && after.trim_start_matches(is_mark).starts_with(char::is_alphabetic)
}

/// A letter, marks, a virama, and marks that combine.
fn ends_in_virama(text: &str) -> bool {
    let class = |c: char| CodePointMapData::<CanonicalCombiningClass>::new().get(c);
    let is_virama = |c: char| class(c) == CanonicalCombiningClass::Virama;
    let combines = |c: char| is_mark(c) && class(c) != CanonicalCombiningClass::NotReordered && !is_virama(c);
    let Some(letter) = text.trim_end_matches(combines).strip_suffix(is_virama) else { return false };
    letter.trim_end_matches(is_mark).ends_with(char::is_alphabetic)
}

/// A mark that can be seen.
fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

fn is_in_flag(text: &str, at: usize) -> bool {
    // The black flag is at most as far away as its tags are long.
    let mut near = text[..at].char_indices().rev().take(TAG_FLAGS[0].chars().count() - 1);
    let Some((from, _)) = near.find(|(_, c)| *c == '\u{1f3f4}') else { return false };
    TAG_FLAGS.iter().any(|known| text[from..].starts_with(known) && at < from + known.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belonging(text: &str) -> usize {
        text.char_indices().filter(|(at, c)| belongs(text, *at, at + c.len_utf8())).count()
    }

    #[test]
    fn joiners_and_tags_belong_where_the_standards_say() {
        for (text, count) in [
            // Family, a couple with skins, a flag in colours, a pirate.
            ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", 2),
            ("\u{1f9d1}\u{1f3fd}\u{200d}\u{1f91d}\u{200d}\u{1f9d1}\u{1f3ff}", 2),
            ("\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}", 1),
            ("\u{1f3f4}\u{200d}\u{2620}\u{fe0f}", 1),
            ("\u{1f468}\u{200d}", 0),
            ("\u{200d}\u{1f468}", 0),
            ("\u{1f468}\u{200d}\u{200d}\u{1f469}", 0),
            ("a\u{200d}b", 0),
            ("1\u{fe0f}\u{200d}\u{1f468}", 0),
            ("\u{a9}\u{200d}\u{a9}", 0),
            ("\u{1f468}\u{200c}\u{1f469}", 0),
            // Persian: between letters that would be joined, also under a mark, and nowhere else.
            ("\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}", 1),
            ("\u{645}\u{650}\u{200c}\u{645}", 1),
            ("\u{627}\u{200c}\u{628}", 0),
            ("\u{645}\u{200c}", 0),
            ("\u{645}\u{200c}.txt", 0),
            ("\u{645}\u{200c}\u{200c}\u{645}", 0),
            ("\u{645}\u{200d}\u{645}", 0),
            // Bengali, Devanagari, Sinhala: behind a virama.
            ("\u{995}\u{9cd}\u{200d}\u{9b7}", 1),
            ("\u{915}\u{94d}\u{200c}\u{937}", 1),
            ("\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}", 1),
            ("\u{915}\u{94d}\u{200d}\u{93f}", 0),
            ("\u{915}\u{200d}\u{937}", 0),
            ("\u{94d}\u{200d}\u{937}", 0),
            ("\u{915}\u{94d}\u{200c}.", 0),
            // England; half of it; tags behind nothing.
            (TAG_FLAGS[0], 6),
            (&TAG_FLAGS[0][..20], 0),
            ("\u{1f3f4}\u{e0061}\u{e007f}", 0),
            ("x\u{e0061}\u{e007f}", 0),
        ] {
            assert_eq!(belonging(text), count, "{}", text.escape_unicode());
        }
        let too_long = TAG_FLAGS[0].to_owned() + "\u{e0061}\u{e007f}";
        assert_eq!(belonging(&too_long), 6, "what hangs on behind is not part of it");
    }
}
