//! What stands behind a verb: words, and the options of pages and selections.
//!
//! ```text
//! argument = field | option
//! option   = name "=" ( bare | '"' text '"' )      limit=5, in="Trip/day 1"
//! ```
//!
//! An option is never quoted as a whole: `"limit=5"` is a word.

use std::borrow::Cow;

use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::field::{self, BadFields, Field, ListItem};
use crate::protocol::page::Page;
use crate::protocol::selection::Selection;
use crate::protocol::value::username;

/// Most words of one command: a search looks for each of them.
pub const WORDS_MAX: usize = 32;

/// Everything behind the verb of a command that takes options.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The words, at most [`WORDS_MAX`].
    pub(super) words: Vec<String>,
    /// The options of a selection; its words are left empty.
    pub(super) selection: Selection,
    /// The options of a page.
    pub(super) page: Page,
}

/// Reads words and options. What of them the verb takes is for the verb to say.
pub(super) fn read(mut rest: &str) -> Result<Arguments, Refusal> {
    let mut arguments = Arguments::default();
    while let Some(argument) = take_argument(&mut rest).map_err(misspelt)? {
        match argument {
            Argument::Option(name, value) if Page::OPTIONS.contains(&name) => arguments.page.set(name, &value)?,
            Argument::Option(name, value) => arguments.selection.set(name, &value)?,
            Argument::Word(_) if arguments.words.len() == WORDS_MAX => {
                return Err(Refusal::new(Code::Usage, format!("a command takes at most {WORDS_MAX} words")));
            }
            Argument::Word(word) => arguments.words.push(word.into_owned()),
        }
    }
    Ok(arguments)
}

/// Reads words and the options of a page, and refuses with `usage` what belongs to a selection.
pub(super) fn read_page(rest: &str, usage: fn() -> Refusal) -> Result<(Vec<String>, Page), Refusal> {
    let Arguments { words, selection, page } = read(rest)?;
    if selection.is_everything() { Ok((words, page)) } else { Err(usage()) }
}

enum Argument<'a> {
    Word(Cow<'a, str>),
    Option(&'a str, Cow<'a, str>),
}

fn take_argument<'a>(rest: &mut &'a str) -> Result<Option<Argument<'a>>, BadFields> {
    for names in [&Page::OPTIONS[..], &Selection::OPTIONS[..]] {
        if let Some((name, value)) = option(rest, names)? {
            return Ok(Some(Argument::Option(name, value)));
        }
    }
    Ok(field::take_field(rest)?.map(|Field { text, .. }| Argument::Word(text)))
}

/// An option and its value.
type Named<'a> = (&'a str, Cow<'a, str>);

fn option<'a>(rest: &mut &'a str, names: &[&str]) -> Result<Option<Named<'a>>, BadFields> {
    let named = rest.trim_start_matches(' ').split_once('=').filter(|(name, _)| names.contains(name));
    let Some((name, value)) = named else { return Ok(None) };
    *rest = value;
    if value.is_empty() || value.starts_with(' ') {
        return Ok(Some((name, Cow::Borrowed(""))));
    }
    Ok(field::take_field(rest)?.map(|Field { text, .. }| (name, text)))
}

/// Takes an option of one of these names off a line, if one is the next there.
pub(super) fn take_option<'a>(rest: &mut &'a str, names: &[&str]) -> Result<Option<Named<'a>>, Refusal> {
    option(rest, names).map_err(misspelt)
}

/// Takes the next field off a line.
pub(super) fn take<'a>(rest: &mut &'a str) -> Result<Option<Field<'a>>, Refusal> {
    field::take_field(rest).map_err(misspelt)
}

/// Takes a username off a line; `usage` is the refusal if there is none.
pub(super) fn take_username(rest: &mut &str, usage: fn() -> Refusal) -> Result<Username, Refusal> {
    username(&take(rest)?.ok_or_else(usage)?.text)
}

/// Takes a port off a line, if one is there.
pub(super) fn take_port(rest: &mut &str) -> Result<Option<PeerPort>, Refusal> {
    take(rest)?.map(|field| field.text.parse().map_err(|why| Refusal::new(Code::Usage, why))).transpose()
}

/// Refuses whatever is left of a line.
pub(super) fn no_more(rest: &str, usage: fn() -> Refusal) -> Result<(), Refusal> {
    if rest.trim_matches(' ').is_empty() { Ok(()) } else { Err(usage()) }
}

/// Reads a list, which has at least one item.
pub(super) fn items(list: &str, usage: fn() -> Refusal) -> Result<Vec<ListItem<'_>>, Refusal> {
    let items = field::items(list).map_err(|why| {
        let code = if why == BadFields::TooMany { Code::TooLong } else { Code::Usage };
        Refusal::new(code, why)
    })?;
    if items.is_empty() { Err(usage()) } else { Ok(items) }
}

pub(super) fn misspelt(why: BadFields) -> Refusal {
    Refusal::new(Code::Usage, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_anywhere_and_are_never_quoted_as_a_whole() {
        for (line, words, options) in [
            ("", vec![], ""),
            ("  a  limit=5 b ", vec!["a", "b"], " limit=5"),
            ("\"limit=5\" a", vec!["limit=5", "a"], ""),
            ("kind=audio kind2=audio", vec!["kind2=audio"], " kind=audio"),
            ("in=\"Trip/day 1\" x", vec!["x"], " in=\"Trip/day 1\""),
            ("in=\"a \\\"b\\\"\"", vec![], " in=\"a \\\"b\\\"\""),
            ("user=\"anna\" min-size=0", vec![], " user=anna min-size=0"),
            ("=a LIMIT=5", vec!["=a", "LIMIT=5"], ""),
        ] {
            let read = read(line).expect(line);
            assert_eq!(read.words, words, "{line}");
            assert_eq!(format!("{}{}", read.selection, read.page), options, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_option() {
        for (line, code) in [
            ("limit=", Code::Usage),
            ("limit= 5", Code::Usage),
            ("limit=0", Code::Usage),
            ("limit=\"5", Code::Usage),
            ("limit=\"5\"6", Code::Usage),
            ("in=a\"b", Code::Usage),
            ("in=a,b", Code::Usage),
            ("in=", Code::BadPath),
            ("in=\"\"", Code::BadPath),
            ("in=a/", Code::BadPath),
            ("in=../a", Code::BadPath),
            ("user=", Code::BadName),
            ("user=_a", Code::BadName),
            ("kind=", Code::Usage),
            ("kind=music", Code::Usage),
            ("kind=Audio", Code::Usage),
            ("min-size=", Code::Usage),
            ("min-size=-1", Code::Usage),
            ("min-size=01", Code::Usage),
            ("min-size=1k", Code::Usage),
            ("kind=audio kind=video", Code::Usage),
            ("user=a user=a", Code::Usage),
        ] {
            assert_eq!(read(line).expect_err(line).code, code, "{line}");
        }
    }
}
