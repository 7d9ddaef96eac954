//! File names by number, the same in every run: some 53 bytes each, made of 60,000 words by Zipf's law and a piece of the
//! number, as track numbers and years keep real names apart. There is no space in them, so that a name is one word.

const ONSETS: [&str; 24] = [
    "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "st", "tr", "ch", "sh",
    "br", "pl",
];
const VOWELS: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "ie", "oo"];
const CODAS: [&str; 14] = ["", "", "", "", "n", "r", "s", "l", "t", "m", "nd", "ck", "ng", "x"];
const EXTENSIONS: [&str; 12] =
    [".mp3", ".mp3", ".mp3", ".flac", ".flac", ".mkv", ".mp4", ".pdf", ".epub", ".zip", ".jpg", ".iso"];
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const WORDS: usize = 60_000;
const SHORTEST_STEM: usize = 36;

/// A number that looks random and is always the same for the same `seed` (SplitMix64).
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The vocabulary.
pub struct Names {
    words: Vec<String>,
}

impl Names {
    pub fn new() -> Self {
        Self { words: (0..WORDS).map(word).collect() }
    }

    /// Appends the name of file `number`.
    pub fn push(&self, number: u64, out: &mut Vec<u8>) {
        let mut random = mix(number.wrapping_mul(2_654_435_761) ^ 0x5151);
        let start = out.len();
        let words = 4 + random % 4;
        for k in 0..words {
            random = mix(random);
            let at = out.len();
            out.extend_from_slice(self.pick(random).as_bytes());
            if random & 7 != 0 {
                out[at].make_ascii_uppercase();
            }
            out.push(if k == 1 { b'-' } else { b'_' });
        }
        push_base36(number, out);
        random = mix(random);
        out.extend_from_slice(format!("_{}", 1960 + random % 66).as_bytes());
        while out.len() - start < SHORTEST_STEM {
            out.push(b'_');
            random = mix(random);
            out.extend_from_slice(self.pick(random).as_bytes());
        }
        out.extend_from_slice(EXTENSIONS[(random >> 20) as usize % EXTENSIONS.len()].as_bytes());
    }

    /// A word by Zipf's law: its rank is the number of words to a random power.
    fn pick(&self, random: u64) -> &str {
        let power = (random >> 11) as f64 / (1u64 << 53) as f64;
        let rank = (WORDS as f64).powf(power) as usize;
        &self.words[rank.clamp(1, WORDS) - 1]
    }
}

/// Frequent words are short, as in any language.
fn word(rank: usize) -> String {
    let mut random = mix(rank as u64 ^ 0xABCD_EF01);
    let syllables = match rank {
        0..200 => 1,
        200..5_000 => 2,
        _ => 2 + (random & 1),
    };
    let mut word = String::new();
    for _ in 0..syllables {
        random = mix(random);
        word.push_str(ONSETS[random as usize % ONSETS.len()]);
        word.push_str(VOWELS[(random >> 8) as usize % VOWELS.len()]);
        word.push_str(CODAS[(random >> 16) as usize % CODAS.len()]);
    }
    word
}

fn push_base36(mut number: u64, out: &mut Vec<u8>) {
    let at = out.len();
    loop {
        out.push(DIGITS[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    out[at..].reverse();
}
