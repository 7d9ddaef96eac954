//! Commands as templates, `register-files u{c} {items:100}` and the like, turned into bytes fast.

use std::fmt;
use std::str::FromStr;

use crate::names::{Names, mix};

/// What a server is spoken to with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Potok's: lines; a reply is `OK n` and n lines, or `ERR`; lines that begin with `*` are notices.
    Lines,
    /// Redis'.
    Resp,
    /// Direct Connect's (`hold` alone).
    Adc,
}

/// One command. Its words in braces:
///
/// - `{c}` the number of the connection, `{i}` of the command;
/// - `{name}`, `{size}`, `{hash}` of file number i;
/// - `{names:K}` K names; `{paths:K}` the same, quoted, with commas; `{items:K}` the same with size and hash. The numbers
///   begin at i times K;
/// - `{needle}` a line of `--needles`, in turn.
#[derive(Debug, Clone)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Connection,
    Number,
    Name,
    Size,
    Hash,
    Names(u64),
    Paths(u64),
    Items(u64),
    Needle,
}

/// What templates are filled from.
pub struct Filler {
    names: Names,
    needles: Vec<Vec<u8>>,
    language: Language,
    command: Vec<u8>,
}

#[derive(Debug)]
pub struct BadTemplate(String);

impl std::error::Error for BadTemplate {}

impl fmt::Display for BadTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a template has no word {{{}}}", self.0)
    }
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (word, behind) = behind.split_once('}').ok_or_else(|| BadTemplate(behind.into()))?;
            parts.push(Part::Text(before.into()));
            parts.push(Part::parse(word)?);
            rest = behind;
        }
        parts.push(Part::Text(rest.into()));
        Ok(Self(parts))
    }
}

impl Part {
    fn parse(word: &str) -> Result<Self, BadTemplate> {
        let bad = || BadTemplate(word.into());
        let (name, count) = word.split_once(':').unwrap_or((word, "1"));
        let count = count.parse().map_err(|_| bad())?;
        Ok(match name {
            "c" => Self::Connection,
            "i" => Self::Number,
            "name" => Self::Name,
            "size" => Self::Size,
            "hash" => Self::Hash,
            "names" => Self::Names(count),
            "paths" => Self::Paths(count),
            "items" => Self::Items(count),
            "needle" => Self::Needle,
            _ => return Err(bad()),
        })
    }
}

impl Filler {
    pub fn new(language: Language, needles: Vec<Vec<u8>>) -> Self {
        Self { names: Names::new(), needles, language, command: Vec::new() }
    }

    /// Appends command `number` of a connection, as the server reads it.
    pub fn push(&mut self, template: &Template, connection: u64, number: u64, out: &mut Vec<u8>) {
        if self.language != Language::Resp {
            self.fill(template, connection, number, out);
            out.push(b'\n');
            return;
        }
        let mut command = std::mem::take(&mut self.command);
        command.clear();
        self.fill(template, connection, number, &mut command);
        let words = command.split(|byte| *byte == b' ');
        push_head(b'*', words.clone().count(), out);
        for word in words {
            push_head(b'$', word.len(), out);
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
        self.command = command;
    }

    fn fill(&self, template: &Template, connection: u64, number: u64, out: &mut Vec<u8>) {
        for part in &template.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Connection => push_number(connection, out),
                Part::Number => push_number(number, out),
                Part::Name => self.names.push(number, out),
                Part::Size => push_number(size(number), out),
                Part::Hash => push_hash(number, out),
                Part::Names(count) => self.list(b" ", number, *count, out, |file, out| self.names.push(file, out)),
                Part::Paths(count) => self.list(b", ", number, *count, out, |file, out| self.path(file, out)),
                Part::Items(count) => self.list(b", ", number, *count, out, |file, out| {
                    self.path(file, out);
                    out.extend_from_slice(b" size=");
                    push_number(size(file), out);
                    out.extend_from_slice(b" hash=");
                    push_hash(file, out);
                }),
                Part::Needle => {
                    if let Some(last) = self.needles.len().checked_sub(1) {
                        out.extend_from_slice(&self.needles[number as usize % (last + 1)]);
                    }
                }
            }
        }
    }

    fn list(&self, comma: &[u8], number: u64, count: u64, out: &mut Vec<u8>, push: impl Fn(u64, &mut Vec<u8>)) {
        for k in 0..count {
            if k > 0 {
                out.extend_from_slice(comma);
            }
            push(number * count + k, out);
        }
    }

    fn path(&self, file: u64, out: &mut Vec<u8>) {
        out.push(b'"');
        self.names.push(file, out);
        out.push(b'"');
    }
}

fn push_head(kind: u8, count: usize, out: &mut Vec<u8>) {
    out.push(kind);
    push_number(count as u64, out);
    out.extend_from_slice(b"\r\n");
}

fn push_number(mut number: u64, out: &mut Vec<u8>) {
    let at = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[at..].reverse();
}

fn push_hash(file: u64, out: &mut Vec<u8>) {
    let mut random = file ^ 0x77;
    for _ in 0..4 {
        random = mix(random);
        out.extend((0..16).map(|k| b"0123456789abcdef"[(random >> (4 * k)) as usize & 15]));
    }
}

fn size(file: u64) -> u64 {
    mix(file ^ 0x99) % 4_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(language: Language, template: &str, number: u64) -> String {
        let mut out = Vec::new();
        let mut filler = Filler::new(language, vec![b"mai".to_vec(), b"flac".to_vec()]);
        filler.push(&template.parse().unwrap(), 7, number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn templates_become_commands() {
        assert_eq!(filled(Language::Lines, "register-user u{c} 4001", 3), "register-user u7 4001\n");
        assert_eq!(filled(Language::Lines, "search {needle} limit=100", 3), "search flac limit=100\n");
        assert_eq!(filled(Language::Resp, "SET k{i} v", 3), "*3\r\n$3\r\nSET\r\n$2\r\nk3\r\n$1\r\nv\r\n");
        let items = filled(Language::Lines, "register-files u{c} {items:2}", 5);
        assert_eq!((items.matches(" size=").count(), items.matches(", ").count()), (2, 1));
        assert!("{nothing}".parse::<Template>().is_err() && "{open".parse::<Template>().is_err());
    }

    #[test]
    fn names_of_a_list_are_those_of_their_numbers() {
        let one = filled(Language::Lines, "{name}", 11);
        let list = filled(Language::Lines, "{names:4}", 2);
        assert_eq!(list.trim_end().split(' ').nth(3), Some(one.trim_end()));
    }
}
