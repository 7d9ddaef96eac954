//! Search keys: what "whatever its case, in any script" means.
//!
//! A path and a word are compared by their keys. The key of a text is the keys of its characters one behind the other,
//! so a word that occurs in a path as it is written always occurs in it by key too. The key of a character is the case
//! folding of its upper case: `ß` and `SS`, `ς` and `Σ` meet, and also the few letters such as `ΐ` and `ǰ` whose upper
//! case is a letter and a mark behind it, which folding alone keeps apart. Nothing is composed or taken apart beyond
//! that: `cafe` does not occur in `café`.

use std::sync::LazyLock;

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;

/// Appends the key of a text in NFC.
pub(super) fn push_key(text: &str, key: &mut Vec<u8>) {
    if text.is_ascii() {
        key.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        return;
    }
    let near = &*NEAR_KEYS;
    let mut utf8 = [0; 4];
    for c in text.chars() {
        match near.get(c as usize).copied().flatten() {
            Some(near) => key.extend_from_slice(near.encode_utf8(&mut utf8).as_bytes()),
            None => push_far_key(c, key),
        }
    }
}

/// The keys of the characters that alphabets have, where they are one character each: looked up, not worked out.
static NEAR_KEYS: LazyLock<Vec<Option<char>>> = LazyLock::new(|| {
    let near_key = |c: char| {
        let mut key = Vec::new();
        push_far_key(c, &mut key);
        let text = String::from_utf8(key).ok()?;
        let mut letters = text.chars();
        letters.next().filter(|_| letters.next().is_none())
    };
    ('\0'..'\u{600}').map(near_key).collect()
});

fn push_far_key(c: char, key: &mut Vec<u8>) {
    let upper: String = c.to_uppercase().nfc().collect();
    key.extend_from_slice(CaseMapper::new().fold_string(&upper).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn key(text: &str) -> String {
        let mut key = Vec::new();
        push_key(text, &mut key);
        String::from_utf8(key).expect("a key is text")
    }

    #[test]
    fn every_case_of_a_text_has_one_key() {
        for (one, other) in [
            ("Trip/Day 1.JPG", "trip/DAY 1.jpg"),
            ("Снимки/МОРЕ", "снимки/море"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"),
            ("ταΐζω", "ΤΑΪ\u{301}ΖΩ"),
            ("ǰ", "J\u{30c}"),
            ("İ", "i\u{307}"),
            ("ﬁn", "FIN"),
            ("ᏸ", "Ᏸ"),
            ("ǆ", "ǅ"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        for (one, other) in [("cafe", "café"), ("и", "й"), ("а", "a")] {
            assert!(!key(other).contains(&key(one)), "{one} in {other}");
        }
    }

    #[test]
    fn every_character_meets_its_other_cases() {
        for c in ('\0'..=char::MAX).filter(|c| iter::once(*c).nfc().eq(iter::once(*c))) {
            let written = key(&c.to_string());
            let upper = key(&c.to_uppercase().nfc().collect::<String>());
            let lower = key(&c.to_lowercase().nfc().collect::<String>());
            assert!(written == upper && written == lower, "{c:?}: {written:?} {upper:?} {lower:?}");
        }
    }
}
