//! A key in forms that two people can compare: hexadecimal, words to read over the phone, a picture.

use potok_core::model::key::PublicKey;

/// Words of a fingerprint: 12 of 11 bits are 132 bits, and nobody can make another key that has the same.
const WORDS: usize = 12;
const BITS_A_WORD: usize = 11;

/// The whole key, in groups of four digits.
pub fn hex(key: &PublicKey) -> String {
    let hex = key.to_string();
    let groups: Vec<&str> = (0..hex.len()).step_by(4).filter_map(|at| hex.get(at..at + 4)).collect();
    groups.join(" ")
}

/// The first 132 bits of the key, 11 bits a word from the highest down, as words of the English list of BIP 39. That list
/// is made for reading aloud: the first four letters of each word are enough to know it. It is a way of writing, not a
/// secret.
pub fn words(key: &PublicKey) -> Vec<&'static str> {
    let list = bip39::Language::English.word_list();
    let bit = |at: usize| usize::from(key.as_bytes()[at / 8] >> (7 - at % 8) & 1);
    let word = |n: usize| (n * BITS_A_WORD..(n + 1) * BITS_A_WORD).fold(0, |number, at| number << 1 | bit(at));
    (0..WORDS).map(|n| list[word(n)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_way_to_be_read() {
        let zero = PublicKey::from_bytes([0; 32]);
        assert_eq!(words(&zero), ["abandon"; 12]);
        assert_eq!(hex(&zero), ["0000"; 16].join(" "));
        let all = PublicKey::from_bytes([0xff; 32]);
        assert_eq!(words(&all), ["zoo"; 12]);
        let mut bytes = [0; 32];
        (bytes[0], bytes[1]) = (0b0000_0000, 0b0010_0000);
        assert_eq!(words(&PublicKey::from_bytes(bytes))[..2], ["ability", "abandon"], "the first eleven bits are 1");
    }
}
