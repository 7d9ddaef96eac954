//! Words to search for: of 3 to 8 letters, and of each length as many rare ones, common ones and ones that hit nothing.

use std::io::{self, Write};

use memchr::memmem::Finder;

use crate::names::{Names, mix};

/// Words tried for each length.
const TRIED: usize = 300;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names that are searched
    #[arg(long, default_value_t = 1_000_000)]
    names: u64,
    /// Words of each length and kind
    #[arg(long, default_value_t = 20)]
    each: usize,
}

pub fn run(args: &Args) -> io::Result<()> {
    let text = all_names(args.names);
    let mut out = io::stdout().lock();
    for length in 3..=8 {
        let mut random = mix(length as u64);
        let mut found: Vec<(usize, &[u8])> = Vec::new();
        while found.len() < TRIED {
            random = mix(random);
            let at = random as usize % (text.len() - 200);
            let word = &text[at..at + length];
            if word.iter().all(u8::is_ascii_lowercase) && !found.iter().any(|(_, known)| *known == word) {
                found.push((hits(&text, word), word));
            }
        }
        found.sort();
        let (rare, common) = (&found[..args.each], &found[TRIED - args.each..]);
        for (_, word) in rare.iter().chain(common) {
            writeln!(out, "{}", String::from_utf8_lossy(word))?;
        }
        let mut missing = 0;
        while missing < args.each {
            random = mix(random);
            // Three letters that occur nowhere hardly exist: the shortest take a digit.
            let letter = |k: u64| b'a' + ((mix(random.wrapping_add(k)) >> 7) % 26) as u8;
            let mut word: Vec<u8> = (0..length as u64).map(letter).collect();
            if length == 3 {
                word[..2].copy_from_slice(&[b'q', b'0' + (random % 10) as u8]);
            }
            let count = hits(&text, &word);
            if count == 0 || (length == 3 && count < 50) {
                writeln!(out, "{}", String::from_utf8_lossy(&word))?;
                missing += 1;
            }
        }
    }
    Ok(())
}

pub fn print_names(count: u64) -> io::Result<()> {
    io::stdout().write_all(&all_names(count))
}

fn all_names(count: u64) -> Vec<u8> {
    let names = Names::new();
    let mut text = Vec::new();
    for number in 0..count {
        names.push(number, &mut text);
        text.push(b'\n');
    }
    text
}

fn hits(text: &[u8], word: &[u8]) -> usize {
    Finder::new(word).find_iter(text).count()
}
