//! What is wrong with a value in `config.toml`, in words for a person. The parser says it in English, and of a misspelt
//! name it lists every one there is.

use rust_i18n::t;

use crate::{misspelt, texts};

/// What is said of a line that is no text.
pub(super) const NOT_UTF_8: &str = "not UTF-8";

/// What the parser says of a value, in the person's language; empty if only the parser's English could say it.
pub(super) fn in_words(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let mut names = rest.split('`').step_by(2);
        let typed = names.next().unwrap_or_default();
        return match misspelt::meant(typed, names) {
            Some(meant) => t!("config-fault.misspelt", name = meant).into_owned(),
            None => t!("config-fault.unknown").into_owned(),
        };
    }
    if message == NOT_UTF_8 {
        return t!("config-fault.not-utf-8").into_owned();
    }
    let expected = message.strip_prefix("invalid type: ").and_then(|what| what.rsplit_once(", expected "));
    if let Some(key) = expected.and_then(|(_, what)| kind_of(what)) {
        return texts::text("config-fault", key, &[]);
    }
    if &*rust_i18n::locale() == "en" { message.to_owned() } else { String::new() }
}

/// The key of what the parser expected, if that is one of the common kinds.
fn kind_of(expected: &str) -> Option<&'static str> {
    match expected {
        "u16" | "u32" | "u64" | "usize" | "an integer" => Some("number"),
        "a boolean" => Some("switch"),
        "a string" | "string" | "str" => Some("text"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_with_the_one_that_is_meant() {
        let unknown =
            |name: &str| in_words(&format!("unknown field `{name}`, expected one of `theme`, `upload_slots`"));
        assert!(unknown("upload_slotz").contains("upload_slots"));
        assert!(unknown("them").contains("theme"));
        for other in ["", "x", "uploads"] {
            let said = unknown(other);
            assert!(!said.is_empty() && !said.contains("upload_slots") && !said.contains("expected"), "{said}");
        }
    }

    #[test]
    fn another_kind_of_value_is_told_without_the_names_of_types() {
        let [text, number, switch] = ["a string", "u64", "a boolean"]
            .map(|expected| in_words(&format!("invalid type: string \"a, expected b\", expected {expected}")));
        for (said, word) in [(&text, "quotes"), (&number, "number"), (&switch, "true")] {
            assert!(said.contains(word) && !said.contains("u64"), "{said}");
        }
        assert_eq!(in_words("a port has a number"), "a port has a number");
    }
}
