//! The list behind `register`: the tracker's list with names of one's own.
//!
//! ```text
//! list = item *( "," item )              spaces round commas are dropped
//! item = path [ "as" name ]
//! path = bare | quoted                   bare text has no comma or quote; spaces inside are allowed
//! name = quoted                          my file.txt as "Reports/1.txt"
//!      | bare                            only after a quoted path: "my file.txt" as Reports/1.txt
//! ```
//! `my file.txt as other.txt` without any quote is one path, as it is to the tracker.

use potok_core::protocol::field::{self, BadFields};

/// One path, and the name that its owner wants for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The local path as typed.
    pub path: String,
    /// Share it under this name.
    pub name: Option<String>,
}

/// All items of a list. An empty text is an empty list.
pub fn named_items(list: &str) -> Result<Vec<Named>, BadFields> {
    field::list_of(list, take_item)
}

/// One item, and what stands behind the comma after it.
fn take_item(rest: &str) -> Result<(Named, Option<&str>), BadFields> {
    let Some(inside) = rest.strip_prefix('"') else { return take_bare_item(rest) };
    let (path, after) = field::quoted(inside)?;
    let path = path.into_owned();
    let end = after.trim_start_matches(' ');
    if let Some(behind) = after_comma(end) {
        return Ok((Named { path, name: None }, behind));
    }
    if end.len() == after.len() {
        return Err(BadFields::Quote);
    }
    let name = strip_as(end).ok_or(BadFields::Attribute)?;
    if let Some(inside) = name.strip_prefix('"') {
        let (name, behind) = quoted_name(inside)?;
        return Ok((Named { path, name: Some(name) }, behind));
    }
    let (name, behind) = match name.split_once(',') {
        Some((name, behind)) => (name, Some(behind)),
        None => (name, None),
    };
    match name.trim_end_matches(' ') {
        "" => Err(BadFields::Attribute),
        name if name.contains('"') => Err(BadFields::Quote),
        name => Ok((Named { path, name: Some(name.to_owned()) }, behind)),
    }
}

fn take_bare_item(rest: &str) -> Result<(Named, Option<&str>), BadFields> {
    let end = rest.find([',', '"']).unwrap_or(rest.len());
    let (bare, after) = rest.split_at(end);
    let Some(inside) = after.strip_prefix('"') else {
        let path = bare.trim_end_matches(' ');
        if path.is_empty() {
            return Err(BadFields::EmptyItem);
        }
        return Ok((Named { path: path.to_owned(), name: None }, after.strip_prefix(',')));
    };
    // `my file.txt as "`: the word before the quote is `as`, with a path before it.
    let before = bare.strip_suffix(' ').ok_or(BadFields::Quote)?.trim_end_matches(' ');
    let (path, word) = before.rsplit_once(' ').ok_or(BadFields::Quote)?;
    let path = path.trim_end_matches(' ');
    if !word.eq_ignore_ascii_case("as") || path.is_empty() {
        return Err(BadFields::Quote);
    }
    let (name, behind) = quoted_name(inside)?;
    Ok((Named { path: path.to_owned(), name: Some(name) }, behind))
}

/// A name in quotes that ends its item.
fn quoted_name(inside: &str) -> Result<(String, Option<&str>), BadFields> {
    let (name, after) = field::quoted(inside)?;
    let behind = after_comma(after.trim_start_matches(' ')).ok_or(BadFields::Quote)?;
    Ok((name.into_owned(), behind))
}

/// `Some` at the end of an item: with what stands behind its comma, if there is one.
fn after_comma(text: &str) -> Option<Option<&str>> {
    if text.is_empty() { Some(None) } else { text.strip_prefix(',').map(Some) }
}

fn strip_as(text: &str) -> Option<&str> {
    let (word, name) = text.split_once(' ')?;
    word.eq_ignore_ascii_case("as").then(|| name.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use potok_core::model::limits;
    use potok_core::protocol::field::Quoted;

    use super::*;

    fn read(list: &str) -> Result<Vec<(String, Option<String>)>, BadFields> {
        Ok(named_items(list)?.into_iter().map(|item| (item.path, item.name)).collect())
    }

    #[test]
    fn reads_lists_as_people_type_them() {
        for (list, expected) in [
            ("", &[][..]),
            ("a.txt", &[("a.txt", None)]),
            (" my  file.txt , b ", &[("my  file.txt", None), ("b", None)]),
            (r#""a, b.txt",c"#, &[("a, b.txt", None), ("c", None)]),
            (r#""a b" as "x/y""#, &[("a b", Some("x/y"))]),
            (r#""a b"   AS   "x, \"y\"" , c"#, &[("a b", Some("x, \"y\"")), ("c", None)]),
            (r#""a b" as x/y z.txt, c"#, &[("a b", Some("x/y z.txt")), ("c", None)]),
            (r#"my file.txt as "x.txt""#, &[("my file.txt", Some("x.txt"))]),
            (r#"as as "as""#, &[("as", Some("as"))]),
            ("my file.txt as x.txt", &[("my file.txt as x.txt", None)]),
            ("as", &[("as", None)]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(p, n)| ((*p).to_owned(), n.map(str::to_owned))).collect();
            assert_eq!(read(list), Ok(expected), "{list}");
        }
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        use BadFields::*;
        for (list, why) in [
            ("a,,b", EmptyItem),
            ("a,", EmptyItem),
            (",a", EmptyItem),
            (r#""a"#, Unclosed),
            (r#""a" as "b"#, Unclosed),
            (r#""a"b"#, Quote),
            (r#"a"b""#, Quote),
            (r#"a "b""#, Quote),
            (r#"as "b""#, Quote),
            (r#"alias "b""#, Quote),
            (r#""a" as "b" c"#, Quote),
            (r#""a" as b"c""#, Quote),
            (r#""a" b"#, Attribute),
            (r#""a" as"#, Attribute),
            (r#""a" as ,b"#, Attribute),
            (r#""a" size=5"#, Attribute),
        ] {
            assert_eq!(read(list), Err(why), "{list}");
        }
        assert_eq!(read(&vec!["a"; limits::ITEMS_PER_LINE_MAX + 1].join(",")), Err(TooMany));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(items in proptest::collection::vec(("[^\\p{Cc}]{0,20}", proptest::option::of("[^\\p{Cc}]{0,20}")), 0..6)) {
            let write = |(path, name): &(String, Option<String>)| match name {
                Some(name) => format!("{} as {}", Quoted(path), Quoted(name)),
                None => Quoted(path).to_string(),
            };
            let list = items.iter().map(write).collect::<Vec<_>>().join(", ");
            proptest::prop_assert_eq!(read(&list), Ok(items));
        }
    }
}
