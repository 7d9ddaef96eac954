//! The order in which people look for names: `2` before `10`, and what is in a folder behind its name.
//!
//! A name becomes a key whose letters are compared one by one, so it is an order whatever strangers call their files. Crates
//! that compare two names at a time (`alphanumeric-sort`, `natord`) have rules in which that would have to be proven, and
//! look at both names again for every pair.

use std::cmp::Ordering;

/// The key of a path or a name. Equal keys are of names that differ in zeros before a number only.
pub fn key_of(path: &str) -> String {
    let mut key = String::with_capacity(path.len() + 4);
    key.extend(letters(path));
    key
}

/// How two names compare, without keys that would be kept.
pub fn compare(one: &str, other: &str) -> Ordering {
    letters(one).cmp(letters(other))
}

/// What a key is made of: letters, and for a number a mark, its length, and its digits.
fn letters(path: &str) -> impl Iterator<Item = char> {
    let mut rest = path;
    let mut digits = "".chars();
    let mut length = None;
    std::iter::from_fn(move || {
        if let Some(next) = length.take().or_else(|| digits.next()) {
            return Some(next);
        }
        let first = rest.chars().next()?;
        if !first.is_ascii_digit() {
            rest = &rest[first.len_utf8()..];
            // What is in `a` stands before `a b`.
            return Some(if first == '/' { '\0' } else { first });
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..end].trim_start_matches('0');
        // A longer number is a larger one.
        length = Some(u32::try_from(number.len()).ok().and_then(char::from_u32).unwrap_or(char::MAX));
        digits = number.chars();
        rest = &rest[end..];
        Some('0')
    })
}

/// These in the order of their names.
pub fn sorted<'a, T, N: AsRef<str>>(items: &'a [T], name: impl Fn(&'a T) -> N) -> Vec<&'a T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_by_cached_key(|item| key_of(name(item).as_ref()));
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_count() {
        let mut names = [
            "day 10/a",
            "day 2/z",
            "day 2/b",
            "day 2 b",
            "day 1.jpg",
            "day 01.jpg",
            "a10b2",
            "a10b10",
            "a9b30",
            "a",
            "",
            "99999999999999999999999999",
            "100000000000000000000000000",
            "10",
            "9",
            "x007",
            "x8",
            "день 12",
            "день 3",
        ];
        names.sort_by_key(|name| key_of(name));
        assert_eq!(
            names,
            [
                "",
                "9",
                "10",
                "99999999999999999999999999",
                "100000000000000000000000000",
                "a",
                "a9b30",
                "a10b2",
                "a10b10",
                "day 1.jpg",
                "day 01.jpg",
                "day 2/b",
                "day 2/z",
                "day 2 b",
                "day 10/a",
                "x007",
                "x8",
                "день 3",
                "день 12",
            ]
        );
    }

    proptest! {
        #[test]
        fn numbers_are_in_order_wherever_they_stand(a in 0..2_000_u32, b in 0..2_000_u32, before in "[a-z/ -]{0,4}", behind in "[a-z./ ]{0,4}") {
            let key = |number: u32| key_of(&format!("{before}{number}{behind}"));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn names_compare_as_their_keys_do(a in "[a-c0-3/ я]{0,8}", b in "[a-c0-3/ я]{0,8}") {
            prop_assert_eq!(compare(&a, &b), key_of(&a).cmp(&key_of(&b)));
        }

        #[test]
        fn different_names_have_different_keys(a in "[a-c1-3/]{0,6}", b in "[a-c1-3/]{0,6}") {
            prop_assert_eq!(key_of(&a) == key_of(&b), a == b);
        }
    }
}
