//! The gate *Line*: bytes from a socket become whole, short, valid lines, or a fault that has a name.
//!
//! How the bytes were cut into packets never matters: the decoder is fed whatever arrived.

use bytes::{Buf, BytesMut};

use crate::model::limits;

const IAC: u8 = 255;
const WILL: u8 = 251;
const DONT: u8 = 254;
const SUB_BEGIN: u8 = 250;
const SUB_END: u8 = 240;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

/// What the next line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line without its ending, valid UTF-8, no control characters.
    Text(String),
    /// A line that is refused; the session goes on.
    Faulty(Fault),
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than [`limits::LINE_BYTES_MAX`]; the rest of it is thrown away. The session ends after it is told.
    #[error("a line has at most {max} bytes", max = limits::LINE_BYTES_MAX)]
    TooLong,
    /// Bytes that are not UTF-8.
    #[error("a line is UTF-8 text")]
    NotUtf8,
    /// Control characters, a CR in the middle among them.
    #[error("a line has no control characters and ends in LF or CR LF")]
    Control,
    /// The beginning of an HTTP request. A browser can be made to send one to any port, so the session ends.
    #[error("this is not a web server; connect with Potok or telnet")]
    Http,
}

impl Fault {
    /// All kinds, for those who translate their sentences.
    pub const ALL: [Self; 4] = [Self::TooLong, Self::NotUtf8, Self::Control, Self::Http];

    /// The key of its sentence in the translations, below `line-fault`.
    pub fn key(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NotUtf8 => "not-utf8",
            Self::Control => "control",
            Self::Http => "http",
        }
    }
}

/// Whether telnet's in-band signs are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// A plain connection, perhaps a person at telnet: option negotiation is dropped, backspace edits.
    Telnet,
    /// A program; the bytes are the line.
    Clean,
}

/// Cuts a stream of bytes into lines. Holds at most one line of memory.
#[derive(Debug)]
pub struct LineDecoder {
    flavor: Flavor,
    line_bytes_max: usize,
    input: BytesMut,
    /// How far `input` was searched for LF without finding one.
    searched: usize,
    telnet: Telnet,
    /// The rest of a line that is too long is skipped up to its LF.
    skipping: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telnet {
    Text,
    Command,
    Option,
    Sub,
    SubCommand,
}

impl LineDecoder {
    /// A decoder for requests to a tracker.
    pub fn new(flavor: Flavor) -> Self {
        Self::with_max(flavor, limits::LINE_BYTES_MAX)
    }

    /// A decoder with another bound.
    pub fn with_max(flavor: Flavor, line_bytes_max: usize) -> Self {
        Self { flavor, line_bytes_max, input: BytesMut::new(), searched: 0, telnet: Telnet::Text, skipping: false }
    }

    /// Adds what has arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.flavor == Flavor::Clean || (self.telnet == Telnet::Text && !bytes.contains(&IAC)) {
            self.input.extend_from_slice(bytes);
            return;
        }
        for &byte in bytes {
            self.feed_telnet(byte);
        }
    }

    /// RFC 854: `IAC IAC` is a byte 255, `IAC WILL..DONT x` an option, `IAC SB ... IAC SE` a sub-negotiation.
    fn feed_telnet(&mut self, byte: u8) {
        self.telnet = match (self.telnet, byte) {
            (Telnet::Text, IAC) => Telnet::Command,
            (Telnet::Text, _) => {
                self.input.extend_from_slice(&[byte]);
                Telnet::Text
            }
            (Telnet::Command, IAC) => {
                self.input.extend_from_slice(&[IAC]);
                Telnet::Text
            }
            (Telnet::Command, WILL..=DONT) => Telnet::Option,
            (Telnet::Command, SUB_BEGIN) => Telnet::Sub,
            (Telnet::Command | Telnet::Option, _) => Telnet::Text,
            (Telnet::Sub, IAC) => Telnet::SubCommand,
            (Telnet::Sub, _) => Telnet::Sub,
            (Telnet::SubCommand, SUB_END) => Telnet::Text,
            (Telnet::SubCommand, _) => Telnet::Sub,
        };
    }

    /// The next line, if a whole one is there. Empty lines are skipped.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let end = memchr::memchr(b'\n', &self.input[self.searched..]).map(|at| self.searched + at);
            let Some(end) = end else {
                self.searched = self.input.len();
                if self.skipping {
                    self.input.clear();
                    self.searched = 0;
                } else if self.input.len() > self.line_bytes_max + 1 {
                    self.skipping = true;
                    self.input.clear();
                    self.searched = 0;
                    return Some(Line::Faulty(Fault::TooLong));
                }
                // Thousands of idle sessions must not keep the room of their longest line.
                if self.input.is_empty() {
                    self.input = BytesMut::new();
                }
                return None;
            };
            self.searched = 0;
            let skipped = std::mem::take(&mut self.skipping);
            let line = self.read_line(end);
            self.input.advance(end + 1);
            match line {
                _ if skipped => {}
                Line::Text(text) if text.is_empty() => {}
                line => return Some(line),
            }
        }
    }

    /// Whether what comes next begins a line.
    pub fn is_between_lines(&self) -> bool {
        self.input.is_empty() && !self.skipping && self.telnet == Telnet::Text
    }

    /// Bytes that are held back for an unfinished line.
    pub fn buffered_bytes(&self) -> usize {
        self.input.len()
    }

    fn read_line(&self, end: usize) -> Line {
        let line = &self.input[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.line_bytes_max {
            return Line::Faulty(Fault::TooLong);
        }
        let edited;
        let line = if self.flavor == Flavor::Telnet && memchr::memchr2(BACKSPACE, DELETE, line).is_some() {
            edited = erase(line);
            edited.as_slice()
        } else {
            line
        };
        let Ok(text) = std::str::from_utf8(line) else { return Line::Faulty(Fault::NotUtf8) };
        if is_http(text) {
            return Line::Faulty(Fault::Http);
        }
        // Without a way out in the middle the compiler looks at many bytes at once.
        let has_control = text.bytes().fold(false, |found, b| found | (b < 0x20) | (b == DELETE));
        if has_control || (!text.is_ascii() && text.chars().any(char::is_control)) {
            return Line::Faulty(Fault::Control);
        }
        Line::Text(text.to_owned())
    }
}

/// A person's backspace takes the character before it away.
fn erase(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    for &byte in line {
        if !matches!(byte, BACKSPACE | DELETE) {
            kept.push(byte);
            continue;
        }
        // Continuation bytes of UTF-8 are 10xxxxxx: take the whole character.
        while kept.pop().is_some_and(|b| b & 0xc0 == 0x80) {}
    }
    kept
}

fn is_http(line: &str) -> bool {
    const METHODS: [&str; 9] = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE"];
    let method = METHODS.iter().any(|m| line.strip_prefix(m).is_some_and(|rest| rest.starts_with(' ')));
    (method && (line.contains(" HTTP/") || line.contains(" /"))) || starts_with_ignore_case(line, "host:")
}

fn starts_with_ignore_case(line: &str, prefix: &str) -> bool {
    line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(flavor: Flavor, chunks: &[&[u8]]) -> Vec<Line> {
        let mut decoder = LineDecoder::new(flavor);
        let mut out = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk);
            out.extend(std::iter::from_fn(|| decoder.next_line()));
        }
        out
    }

    fn text(t: &str) -> Line {
        Line::Text(t.into())
    }

    #[test]
    fn cuts_lines() {
        let cases: &[(&[u8], &[Line])] = &[
            (b"ping\n", &[text("ping")]),
            (b"ping\r\nquit\n", &[text("ping"), text("quit")]),
            (b"\n\r\nping\n", &[text("ping")]),
            (b"ping", &[]),
            (b"a\rb\n", &[Line::Faulty(Fault::Control)]),
            (b"a\r\r\n", &[Line::Faulty(Fault::Control)]),
            (b"a\0b\nping\n", &[Line::Faulty(Fault::Control), text("ping")]),
            (b"\xc2\x85\n", &[Line::Faulty(Fault::Control)]),
            (b"\xff\xfe\n", &[Line::Faulty(Fault::NotUtf8)]),
            (b"GET / HTTP/1.1\r\n", &[Line::Faulty(Fault::Http)]),
            (b"POST /x HTTP/1.0\n", &[Line::Faulty(Fault::Http)]),
            (b"Host: tracker\r\n", &[Line::Faulty(Fault::Http)]),
            ("search снимки\n".as_bytes(), &[text("search снимки")]),
        ];
        for (input, expected) in cases {
            assert_eq!(lines(Flavor::Clean, &[input]), *expected, "{:?}", String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn telnet_talks_around_the_text() {
        let opening = [IAC, 253, 3, IAC, 251, 24, IAC, SUB_BEGIN, 24, 0, b'x', b'\n', IAC, IAC, 1, IAC, SUB_END];
        let mut input = opening.to_vec();
        input.extend(b"pi\x08ing\r\n");
        assert_eq!(lines(Flavor::Telnet, &[&input]), [text("ping")]);
        let bytewise: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(lines(Flavor::Telnet, &bytewise), [text("ping")]);
        assert_eq!(lines(Flavor::Telnet, &["аб\x7f\x7fok\n".as_bytes()]), [text("ok")]);
    }

    #[test]
    fn a_line_without_end_costs_one_line_of_memory() {
        let mut decoder = LineDecoder::new(Flavor::Clean);
        let mut faults = 0;
        for _ in 0..1000 {
            decoder.feed(&[b'x'; 10_000]);
            faults += std::iter::from_fn(|| decoder.next_line()).count();
            assert!(decoder.buffered_bytes() <= limits::LINE_BYTES_MAX + 10_001);
        }
        assert_eq!(faults, 1, "told once");
        decoder.feed(b"tail\nping\n");
        assert_eq!(decoder.next_line(), Some(text("ping")));
    }

    #[test]
    fn the_longest_line_passes() {
        let mut longest = vec![b'x'; limits::LINE_BYTES_MAX];
        longest.extend(b"\r\n");
        assert!(matches!(lines(Flavor::Clean, &[&longest]).as_slice(), [Line::Text(_)]));
        longest.insert(0, b'x');
        assert_eq!(lines(Flavor::Clean, &[&longest]), [Line::Faulty(Fault::TooLong)]);
    }

    proptest::proptest! {
        #[test]
        fn the_cutting_of_packets_does_not_matter(
            input in proptest::collection::vec(proptest::prop_oneof![
                proptest::strategy::Just(b'\n'), proptest::strategy::Just(IAC), proptest::strategy::Just(b'\r'),
                proptest::strategy::Just(250u8), proptest::strategy::Just(240u8), proptest::strategy::Just(8u8),
                0u8..=255], 0..200),
            cuts in proptest::collection::vec(1usize..7, 1..200),
        ) {
            for flavor in [Flavor::Telnet, Flavor::Clean] {
                let whole = lines(flavor, &[&input]);
                let mut rest = input.as_slice();
                let mut chunks = Vec::new();
                for cut in cuts.iter().cycle() {
                    if rest.is_empty() { break; }
                    let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
                    chunks.push(chunk);
                    rest = tail;
                }
                proptest::prop_assert_eq!(lines(flavor, &chunks), whole);
            }
        }
    }
}
