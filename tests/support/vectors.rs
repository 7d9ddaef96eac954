//! Reads `tests/vectors/*.tsv`: data that unit tests, tests with sockets and fuzz targets have in common.
//!
//! A row is fields between tabs; empty rows and those that begin with `#` are comments. In a field `\n \r \t \\`,
//! `\xHH` (a byte), `\u{HEX}` (a character), `\(text*N)` (repeated) and `\e` (nothing) stand for what they say.

/// One row, its fields unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    fields: Vec<Vec<u8>>,
}

impl Row {
    /// A field as bytes.
    pub fn bytes(&self, n: usize) -> &[u8] {
        self.fields.get(n).unwrap_or_else(|| panic!("no field {n} in {self:?}"))
    }

    /// A field as text.
    pub fn text(&self, n: usize) -> &str {
        std::str::from_utf8(self.bytes(n)).unwrap_or_else(|why| panic!("field {n} is no text: {why}: {self:?}"))
    }

    /// A field that is `=` for "as that other field".
    pub fn text_or_same(&self, n: usize, other: usize) -> &str {
        if self.bytes(n) == b"=" { self.text(other) } else { self.text(n) }
    }
}

/// All rows of a file. Every row has as many fields as the first.
pub fn rows(file: &str) -> Vec<Row> {
    let is_data = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let row = |line: &str| Row { fields: line.split('\t').map(|field| unescape(field.as_bytes())).collect() };
    let rows: Vec<Row> = file.lines().filter(is_data).map(row).collect();
    let width = rows.first().map_or(0, |row| row.fields.len());
    if let Some(row) = rows.iter().find(|row| row.fields.len() != width) {
        panic!("a row of another width than {width}: {row:?}");
    }
    rows
}

fn unescape(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let (escape, after) = rest.split_first().expect("something stands behind a backslash");
        rest = after;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'\\' => out.push(b'\\'),
            b'e' => {}
            b'x' => {
                let (digits, after) = rest.split_at(2);
                rest = after;
                out.push(u8::try_from(hex(digits)).expect("two digits"));
            }
            b'u' => {
                let end = position(rest, b"}");
                let c = char::from_u32(hex(&rest[1..end])).expect("a character");
                out.extend(c.to_string().as_bytes());
                rest = &rest[end + 1..];
            }
            b'(' => {
                let end = position(rest, b")");
                let star = rest[..end].iter().rposition(|b| *b == b'*').expect("\\(text*N)");
                let times = std::str::from_utf8(&rest[star + 1..end]).ok().and_then(|n| n.parse().ok());
                out.extend(unescape(&rest[..star]).repeat(times.expect("a number")));
                rest = &rest[end + 1..];
            }
            other => panic!("no such escape: \\{}", char::from(*other)),
        }
    }
    out
}

fn position(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len()).position(|found| found == what).expect("an escape has an end")
}

fn hex(digits: &[u8]) -> u32 {
    let text = std::str::from_utf8(digits).expect("hexadecimal digits");
    u32::from_str_radix(text, 16).expect("hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_what_they_say() {
        let rows = rows("# comment\n\na\\tb\t\\x00\\xff\n\\u{1F600}\\\\\t\\(ab*3)\\e\n");
        assert_eq!(rows[0].bytes(0), b"a\tb");
        assert_eq!(rows[0].bytes(1), [0, 0xff]);
        assert_eq!(rows[1].text(0), "\u{1f600}\\");
        assert_eq!(rows[1].text(1), "ababab");
    }
}
