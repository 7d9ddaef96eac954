//! What was meant by a name that there is not.

/// Most letters in which a name may differ from the one that is meant.
const TYPO_LETTERS_MAX: usize = 2;

/// Which of the names was meant by one that is none of them, if it differs from it in a letter or two.
pub fn meant<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |name: &str| strsim::osa_distance(typed, name);
    let is_typo = |name: &&str| letters(name) <= TYPO_LETTERS_MAX.min(name.chars().count() / 3);
    names.into_iter().filter(is_typo).min_by_key(|name| letters(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_or_two_may_differ_and_the_nearest_is_meant() {
        let names = ["list-users", "list-files", "retry", "я-а"];
        let cases = [
            ("list-usres", Some("list-users")),
            ("list-filez", Some("list-files")),
            ("rety", Some("retry")),
            ("rtr", None),
            ("а-а", Some("я-а")),
            ("", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(meant(typed, names), expected, "{typed}");
        }
        assert_eq!(meant("retry", []), None);
    }
}
