//! Fields and lists: the one grammar for everything typed to a tracker and in the console.
//!
//! ```text
//! field = bare | '"' text with \" and \\ '"'    a bare field has no space, comma or quote
//! list  = item *( "," item )                    spaces round commas are dropped
//! item  = bare text, spaces inside allowed      my file.txt
//!       | quoted *( SP attribute )              "a, b.txt" size=120 hash=<64 hex>
//! ```

use std::borrow::Cow;
use std::fmt;

use crate::model::limits;

/// One field, and whether it was quoted: `"limit=5"` is a word, `limit=5` an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The text, without quotes and escapes.
    pub text: Cow<'a, str>,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// One item of a list with what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem<'a> {
    /// The text, without quotes and escapes.
    pub text: Cow<'a, str>,
    /// What stands behind a quoted item.
    pub attributes: Attributes<'a>,
}

/// `name=value` after a quoted item, each with a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a>(&'a str);

impl<'a> Attributes<'a> {
    fn read(text: &'a str) -> Result<Self, BadFields> {
        let is_named = |word: &str| word.find('=').is_some_and(|at| at > 0);
        if words(text).all(is_named) { Ok(Self(text)) } else { Err(BadFields::Attribute) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        words(self.0).filter_map(|word| word.split_once('='))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Why a text does not follow the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFields {
    /// A quote was opened and not closed, or a backslash stands at the end.
    #[error("a quoted text ends with '\"'; inside it write \\\" and \\\\")]
    Unclosed,
    /// `\x` with another `x` than `"` and `\`.
    #[error("inside quotes a backslash stands before '\"' or '\\' only")]
    Escape,
    /// Something follows a closing quote without a space or comma, or a quote stands inside a bare text.
    #[error("put a text that has quotes or commas into quotes: \"a, \\\"b\\\".txt\"")]
    Quote,
    /// An item is empty.
    #[error("a list has no empty items: file1, file2")]
    EmptyItem,
    /// After a quoted item stands something else than `name=value`.
    #[error("after a quoted item stands 'name=value', or a comma and the next item")]
    Attribute,
    /// More than [`limits::ITEMS_PER_LINE_MAX`].
    #[error("a list has at most {max} items; send the rest in further lines", max = limits::ITEMS_PER_LINE_MAX)]
    TooMany,
}

/// Takes the first field off a line. `Ok(None)` at the end of the line.
pub fn take_field<'a>(line: &mut &'a str) -> Result<Option<Field<'a>>, BadFields> {
    let rest = line.trim_start_matches(' ');
    if rest.is_empty() {
        *line = rest;
        return Ok(None);
    }
    if let Some(after) = rest.strip_prefix('"') {
        let (text, after) = quoted(after)?;
        if !(after.is_empty() || after.starts_with(' ')) {
            return Err(BadFields::Quote);
        }
        *line = after;
        return Ok(Some(Field { text, quoted: true }));
    }
    let end = rest.find(' ').unwrap_or(rest.len());
    let (bare, after) = rest.split_at(end);
    if bare.contains(['"', ',']) {
        return Err(BadFields::Quote);
    }
    *line = after;
    Ok(Some(Field { text: Cow::Borrowed(bare), quoted: false }))
}

/// All fields of a line.
pub fn fields(mut line: &str) -> Result<Vec<Field<'_>>, BadFields> {
    let mut all = Vec::new();
    while let Some(field) = take_field(&mut line)? {
        all.push(field);
        if all.len() > limits::ITEMS_PER_LINE_MAX {
            return Err(BadFields::TooMany);
        }
    }
    Ok(all)
}

/// All items of a list. An empty text is an empty list.
pub fn items(list: &str) -> Result<Vec<ListItem<'_>>, BadFields> {
    list_of(list, take_item)
}

/// All items of a list, each read by `take_item`, which gives it and what stands behind the comma after it.
pub fn list_of<'a, T>(
    list: &'a str,
    take_item: impl Fn(&'a str) -> Result<(T, Option<&'a str>), BadFields>,
) -> Result<Vec<T>, BadFields> {
    let mut all = Vec::new();
    let mut rest = list.trim_matches(' ');
    if rest.is_empty() {
        return Ok(all);
    }
    loop {
        let (item, after) = take_item(rest)?;
        all.push(item);
        if all.len() > limits::ITEMS_PER_LINE_MAX {
            return Err(BadFields::TooMany);
        }
        match after {
            Some(after) => rest = after.trim_start_matches(' '),
            None => return Ok(all),
        }
    }
}

/// One item, and what stands behind the comma after it.
fn take_item(rest: &str) -> Result<(ListItem<'_>, Option<&str>), BadFields> {
    let Some(after) = rest.strip_prefix('"') else {
        let (bare, after) = split_comma(rest);
        let bare = bare.trim_end_matches(' ');
        return match bare {
            "" => Err(BadFields::EmptyItem),
            _ if bare.contains('"') => Err(BadFields::Quote),
            _ => Ok((ListItem { text: Cow::Borrowed(bare), attributes: Attributes::default() }, after)),
        };
    };
    let (text, after) = quoted(after)?;
    if !(after.is_empty() || after.starts_with([' ', ','])) {
        return Err(BadFields::Quote);
    }
    let (behind, after) = split_comma(after);
    Ok((ListItem { text, attributes: Attributes::read(behind)? }, after))
}

fn split_comma(text: &str) -> (&str, Option<&str>) {
    match text.split_once(',') {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// The text up to the closing quote, and what follows that quote; the opening one is taken off already.
pub fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), BadFields> {
    let mut unescaped = String::new();
    let mut rest = text;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest.as_bytes()).ok_or(BadFields::Unclosed)?;
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        if rest.as_bytes()[at] == b'"' {
            let text = if unescaped.is_empty() { Cow::Borrowed(before) } else { Cow::Owned(unescaped + before) };
            return Ok((text, after));
        }
        let escaped = after.chars().next().ok_or(BadFields::Unclosed)?;
        if !matches!(escaped, '"' | '\\') {
            return Err(BadFields::Escape);
        }
        unescaped.push_str(before);
        unescaped.push(escaped);
        rest = &after[1..];
    }
}

/// Writes a field so that it is read back: in quotes only where it must be.
#[derive(Debug, Clone, Copy)]
pub struct AsField<'a>(pub &'a str);

impl fmt::Display for AsField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() || self.0.contains([' ', ',', '"', '=']) {
            Quoted(self.0).fmt(f)
        } else {
            f.write_str(self.0)
        }
    }
}

/// Writes a text in quotes with `\"` and `\\`.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['"', '\\']) {
            write!(f, "{}\\{}", &rest[..at], &rest[at..=at])?;
            rest = &rest[at + 1..];
        }
        write!(f, "{rest}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &str) -> Result<Vec<String>, BadFields> {
        Ok(items(list)?.into_iter().map(|i| i.text.into_owned()).collect())
    }

    #[test]
    fn reads_lists_as_people_type_them() {
        for (list, expected) in [
            ("a.txt", vec!["a.txt"]),
            ("a.txt, b.txt ,c.txt", vec!["a.txt", "b.txt", "c.txt"]),
            ("my file.txt", vec!["my file.txt"]),
            ("  my  file.txt  ,  x ", vec!["my  file.txt", "x"]),
            (r#""a, b.txt""#, vec!["a, b.txt"]),
            (r#""a, b.txt",c d"#, vec!["a, b.txt", "c d"]),
            (r#""say \"hi\" \\ bye""#, vec![r#"say "hi" \ bye"#]),
            (r"back\slash", vec![r"back\slash"]),
            ("", vec![]),
        ] {
            assert_eq!(
                texts(list).as_deref(),
                Ok(expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
                "{list}"
            );
        }
        let with = items(r#""a b" size=120 hash=ff, c"#).expect("valid");
        assert!(with[0].attributes.iter().eq([("size", "120"), ("hash", "ff")]));
        assert!(with[1].attributes.is_empty());
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        use BadFields::*;
        for (list, why) in [
            ("a,,b", EmptyItem),
            ("a,", EmptyItem),
            (",a", EmptyItem),
            (r#""a"#, Unclosed),
            (r#""a\"#, Unclosed),
            (r#""a\n""#, Escape),
            (r#""a"b"#, Quote),
            (r#"a"b"#, Quote),
            (r#""a" b"#, Attribute),
            (r#""a" =b"#, Attribute),
        ] {
            assert_eq!(texts(list), Err(why), "{list}");
        }
        let many = vec!["a"; limits::ITEMS_PER_LINE_MAX + 1].join(",");
        assert_eq!(texts(&many), Err(TooMany));
    }

    #[test]
    fn reads_fields() {
        let line = r#"  ivan "Trip/day 1.jpg"   limit=5 "limit=5" "#;
        let read: Vec<_> = fields(line).expect("valid").into_iter().map(|f| (f.text.into_owned(), f.quoted)).collect();
        assert_eq!(
            read,
            [
                ("ivan".into(), false),
                ("Trip/day 1.jpg".into(), true),
                ("limit=5".into(), false),
                ("limit=5".into(), true)
            ]
        );
        for bad in ["a\"b", "\"a\"b", "a,b", "\"a"] {
            assert!(fields(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(texts in proptest::collection::vec("[^\\p{Cc}]{0,20}", 0..6)) {
            let line = texts.iter().map(|t| AsField(t).to_string()).collect::<Vec<_>>().join(" ");
            let read: Vec<String> = fields(&line).expect("written by us").into_iter().map(|f| f.text.into_owned()).collect();
            proptest::prop_assert_eq!(&read, &texts);

            let list = texts.iter().map(|t| Quoted(t).to_string()).collect::<Vec<_>>().join(", ");
            let read: Vec<String> = items(&list).expect("written by us").into_iter().map(|i| i.text.into_owned()).collect();
            proptest::prop_assert_eq!(&read, &texts);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = fields(&text);
            let _ = items(&text);
        }
    }
}
