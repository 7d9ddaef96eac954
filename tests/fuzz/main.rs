//! The fuzzer's corpora and the vectors, replayed by an ordinary test; then each input with a few things changed, always
//! the same ones. Hours of it: `CONTRIBUTING.md`.

mod targets;

use std::panic;

use potok_tests::{root, vectors};

use targets::{TARGETS, Target};

/// Changed inputs a target; more of them with `POTOK_FUZZ_ROUNDS`.
const ROUNDS: u32 = 3_000;
const INPUT_BYTES_MAX: usize = 8 * 1024;

#[test]
fn whatever_comes_what_must_hold_holds() {
    let rounds = std::env::var("POTOK_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for (name, target) in TARGETS {
        let seeds = seeds_of(name);
        assert!(!seeds.is_empty(), "tests/fuzz/corpus/{name} is empty");
        for seed in &seeds {
            run(name, *target, seed);
        }
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        for _ in 0..rounds {
            run(name, *target, &chance.changed(&seeds));
        }
    }
}

fn run(name: &str, target: Target, data: &[u8]) {
    let held = panic::catch_unwind(|| target(data)).is_ok();
    assert!(held, "{name} fails for b\"{}\"", data.escape_ascii());
}

/// What the fuzzer kept, what ever went wrong, and the vectors that are about the same.
fn seeds_of(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join("tests/fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut files: Vec<_> = files.map(|entry| entry.expect("listed").path()).collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).expect("readable")).collect();
    let (file, column) = match name {
        "line" | "fields" | "command" | "reply" => ("lines.tsv", 1),
        "share-path" | "shown" => ("names-hostile.tsv", 1),
        "username" => ("usernames.tsv", 1),
        "invite" => ("invites.tsv", 1),
        _ => return seeds,
    };
    let rows = vectors::rows(&potok_tests::read(&format!("tests/vectors/{file}")));
    seeds.extend(rows.iter().map(|row| row.bytes(column).to_vec()).filter(|seed| seed.len() <= INPUT_BYTES_MAX));
    seeds
}

/// Chance that is the same in every run (xorshift64*, Vigna 2016).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).expect("below a usize")
    }

    /// One of the seeds with up to four changes: a byte, a piece taken out, a piece of another seed put in, a repetition.
    fn changed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut data = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(data.len() + 1);
            let to = at + self.below(data.len() - at + 1);
            match self.below(5) {
                0 => {
                    if let Some(byte) = data.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
                1 => data.insert(at, self.next().to_le_bytes()[0]),
                2 => drop(data.drain(at..to)),
                3 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len() + 1);
                    let piece = from..from + self.below(other.len() - from + 1);
                    drop(data.splice(at..at, other[piece].iter().copied()));
                }
                _ => {
                    let piece = data[at..to].to_vec();
                    drop(data.splice(to..to, piece));
                }
            }
            data.truncate(INPUT_BYTES_MAX);
        }
        data
    }
}
