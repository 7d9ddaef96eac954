//! Search keys: what "whatever its case, in any script" means.
//!
//! A path and a word are compared by their keys. The key of a text is the keys of its characters one behind the other,
//! so a word that occurs in a path as it is written always occurs in it by key too. The key of a character is the case
//! folding of its upper case: `ß` and `SS`, `ς` and `Σ` meet, and also the few letters such as `ΐ` and `ǰ` whose upper
//! case is a letter and a mark behind it, which folding alone keeps apart. Nothing is composed or taken apart beyond
//! that: `cafe` does not occur in `café`.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;

/// Appends the key of a text in NFC.
pub fn push_key(text: &str, key: &mut Vec<u8>) {
    if text.is_ascii() {
        key.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        return;
    }
    let mut utf8 = [0; 4];
    for c in text.chars() {
        match near_key(c) {
            Some(near) => key.extend_from_slice(near.encode_utf8(&mut utf8).as_bytes()),
            None => push_far_key(c, key),
        }
    }
}

/// The keys of the characters that most texts are of, where they are one character each: a comparison or two instead
/// of working them out.
fn near_key(c: char) -> Option<char> {
    let further = |by: u32| char::from_u32(u32::from(c) + by);
    match c {
        '\0'..='\x7f' => Some(c.to_ascii_lowercase()),
        'а'..='џ' | 'α'..='ρ' | 'σ'..='ϋ' | 'à'..='ö' | 'ø'..='ÿ' => Some(c),
        'А'..='Я' | 'Α'..='Ρ' | 'Σ'..='Ϋ' | 'À'..='Ö' | 'Ø'..='Þ' => further(32),
        'Ѐ'..='Џ' => further(80),
        // Hebrew and Arabic letters, kana and the han of daily use have one case.
        'א'..='ת' | 'ء'..='ي' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='龥' => Some(c),
        _ => None,
    }
}

/// The keys of words as they were typed, in any normal form; each once, and none of a word that has no letters. `None` if
/// a word has a character that no path has, so that it occurs nowhere.
pub fn word_keys<W: AsRef<str>>(words: &[W]) -> Option<Vec<Vec<u8>>> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for word in words {
        // Paths are in NFC.
        let composed: String = word.as_ref().nfc().collect();
        if composed.chars().any(char::is_control) {
            return None;
        }
        let mut key = Vec::new();
        push_key(&composed, &mut key);
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    Some(keys)
}

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
    fn a_near_key_is_the_one_that_is_worked_out() {
        for (c, near) in ('\0'..=char::MAX).filter_map(|c| near_key(c).map(|near| (c, near))) {
            let mut far = Vec::new();
            push_far_key(c, &mut far);
            assert_eq!(far, near.to_string().as_bytes(), "{c:?}");
        }
    }

    #[test]
    fn words_are_folded_composed_and_kept_once() {
        let keys = word_keys(&["E\u{301}", "é", "", "ABC"]).expect("no control characters");
        assert_eq!(keys, [Vec::from("é"), Vec::from("abc")]);
        assert_eq!(word_keys(&["a", "b\nc"]), None);
        assert_eq!(word_keys::<&str>(&[]), Some(Vec::new()));
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
