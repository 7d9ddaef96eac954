//! Reproducible names, for programs that measure the catalog.

use potok_core::model::hash::ContentHash;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;

/// Reproducible names.
pub(crate) struct Corpus {
    pub(crate) count: usize,
    /// One behind the other: a `String` each would be counted as memory.
    pub(crate) text: String,
    ends: Vec<u32>,
    is_cyrillic: bool,
}

impl Corpus {
    pub(crate) fn new(count: usize, script: &str, sorted: bool) -> Self {
        let words = words();
        let is_cyrillic = script == "cyrillic";
        // No `String` a name is left on the heap: what it frees later would hide what the catalog takes.
        let mut made = String::new();
        let mut spans = Vec::new();
        for n in 0..count as u64 {
            let start = made.len();
            let name = name(&words, n);
            made.push_str(&if is_cyrillic { cyrillic(&name) } else { name });
            spans.push(start..made.len());
        }
        if sorted {
            spans.sort_unstable_by(|a, b| made[a.clone()].cmp(&made[b.clone()]));
        }
        let mut corpus = Self { count, text: String::with_capacity(made.len()), ends: Vec::new(), is_cyrillic };
        for span in spans {
            corpus.text.push_str(&made[span]);
            corpus.ends.push(corpus.text.len() as u32);
        }
        corpus
    }

    pub(crate) fn path(&self, n: usize) -> &str {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[n] as usize]
    }

    pub(crate) fn share(&self, n: usize) -> Share {
        let mut hash = [0; 32];
        for (at, part) in hash.chunks_mut(8).enumerate() {
            part.copy_from_slice(&mix(n as u64 * 4 + at as u64).to_le_bytes());
        }
        let path = SharePath::new(self.path(n)).unwrap();
        Share { path, size: Some(mix(n as u64) >> 30), hash: Some(ContentHash::from_bytes(hash)) }
    }

    /// Class, letters, needle: the most and the least frequent of many pieces of names, and some of none.
    pub(crate) fn needles(&self) -> Vec<(&'static str, usize, String)> {
        let mut needles = Vec::new();
        let text = self.text.to_lowercase();
        let letters: Vec<char> = text.chars().collect();
        let sample = &text[..text.floor_char_boundary(text.len().min(8_000_000))];
        for len in 3..=8 {
            let mut pieces: Vec<(usize, String)> = Vec::new();
            let mut r = mix(len as u64);
            while pieces.len() < 300 {
                r = mix(r);
                let piece = &letters[(r % (letters.len() - 200) as u64) as usize..][..len];
                let piece: String = piece.iter().collect();
                if piece.chars().all(char::is_alphabetic) && !pieces.iter().any(|(_, other)| *other == piece) {
                    pieces.push((memchr::memmem::find_iter(sample.as_bytes(), &piece).count(), piece));
                }
            }
            pieces.sort();
            needles.extend(pieces[..20].iter().map(|(_, piece)| ("rare", len, piece.clone())));
            needles.extend(pieces[280..].iter().map(|(_, piece)| ("common", len, piece.clone())));
            for _ in 0..20 {
                r = mix(r);
                let letter = |at: usize| char::from(b'a' + (mix(r + at as u64) >> 7) as u8 % 26);
                let piece: String = (0..len).map(letter).collect();
                let piece = if len == 3 { format!("q{}{}", r % 10, &piece[2..]) } else { piece };
                needles.push(("miss", len, if self.is_cyrillic { cyrillic(&piece) } else { piece }));
            }
        }
        needles
    }
}

pub(crate) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const ONSET: [&str; 24] = [
    "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "st", "tr", "ch", "sh",
    "br", "pl",
];
const VOWEL: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "ie", "oo"];
const CODA: [&str; 14] = ["", "", "", "", "n", "r", "s", "l", "t", "m", "nd", "ck", "ng", "x"];
const ENDINGS: [&str; 12] =
    [".mp3", ".mp3", ".mp3", ".flac", ".flac", ".mkv", ".mp4", ".pdf", ".epub", ".zip", ".jpg", ".iso"];
const WORDS: usize = 60_000;

fn words() -> Vec<String> {
    let word = |i: u64| {
        let mut r = mix(i ^ 0xABCD_EF01);
        // Frequent words are short, as in natural text.
        let syllables = if i < 200 { 1 } else { 2 + if i < 5_000 { 0 } else { r & 1 } };
        let syllable = |_| {
            r = mix(r);
            [ONSET[(r % 24) as usize], VOWEL[((r >> 8) % 10) as usize], CODA[((r >> 16) % 14) as usize]].concat()
        };
        (0..syllables).map(syllable).collect()
    };
    (0..WORDS as u64).map(word).collect()
}

fn name(words: &[String], i: u64) -> String {
    let mut r = mix(i.wrapping_mul(2_654_435_761) ^ 0x5151);
    // The rank of a word by a law like Zipf's.
    let word = |r: u64| {
        let rank = (WORDS as f64).powf((r >> 11) as f64 / (1u64 << 53) as f64) as usize;
        &words[rank.saturating_sub(1).min(WORDS - 1)]
    };
    let mut name = String::new();
    for n in 0..4 + r % 4 {
        r = mix(r);
        let mut letters = word(r).chars();
        let first = letters.next().unwrap();
        name.push(if r & 7 == 0 { first } else { first.to_ascii_uppercase() });
        name.push_str(letters.as_str());
        name.push(if n == 1 { '-' } else { '_' });
    }
    r = mix(r);
    // A piece of the index keeps names distinct, as track numbers and release ids do.
    let mut tag = i;
    let mut digits = Vec::new();
    while tag > 0 || digits.is_empty() {
        digits.push(char::from_digit((tag % 36) as u32, 36).unwrap());
        tag /= 36;
    }
    name.extend(digits.iter().rev());
    name.push_str(&format!("_{}", 1960 + r % 66));
    while name.len() < 36 {
        r = mix(r);
        name.push('_');
        name.push_str(word(r));
    }
    name.push_str(ENDINGS[((r >> 20) % 12) as usize]);
    name
}

/// The same in letters of two bytes.
fn cyrillic(name: &str) -> String {
    let lower: Vec<char> = "абцдефгхийклмнопярстувжшыз".chars().collect();
    let letter = |c: char| match c {
        'a'..='z' => lower[c as usize - 'a' as usize],
        'A'..='Z' => lower[c as usize - 'A' as usize].to_uppercase().next().unwrap(),
        other => other,
    };
    name.chars().map(letter).collect()
}
