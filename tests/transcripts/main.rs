//! Plays `scripts/*.txt`: several sessions against the pure tracker, through the real line decoder, in virtual time.
//!
//! ```text
//! connect anna plain                      a session opens; `key=NAME` gives it a key, `from=IP` and `at=IP` its ends
//! anna> list-users                        it sends a line; `>>` sends bytes with \xNN and without LF
//! anna< OK 0                              what it receives next; nothing may be left over
//! anna< * joined {*} - {key:ivan}         {*} is any word, {key:NAME} that key, {a} a word that must stay the same
//! anna ends | drops | stalls | drains     its lines end, it is gone, it takes nothing, it takes all that waits
//! anna announces 3000                     it registers so many files, 100 a line, with the answers to that
//! anna skips 500 | skips all              so many lines of what it received are not looked at
//! anna closed                             the tracker has closed it
//! wait 250ms | 10s | 180d                 time passes; days on the tracker's clock and the wall only
//! clock jumps 200d | -200d                the clock on the wall is set forward or back
//! disk waits | writes | fails             records wait; the waiting ones are written, or could not be
//! owner kick anna                         also: ban, unban (KEY, address or @name), release, greets NETWORK | MESSAGE
//! owner sends {key:anna} away as anna     for ten minutes
//! owner reads anna has left               the next such entry of the owner's log; those before it are passed over
//! restart                                 a new tracker with the records of the old one
//! set shares_per_user 3                   before the first connect
//! ```

mod disk;
mod orders;
mod player;
mod settings;
mod words;

use std::path::Path;

#[test]
fn every_script_is_played_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut scripts: Vec<_> = std::fs::read_dir(&folder).expect("scripts").map(|e| e.expect("entry").path()).collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    for shards in [0, 3] {
        let failures: Vec<String> = scripts.iter().filter_map(|script| player::play(script, shards).err()).collect();
        assert!(failures.is_empty(), "\nwith {shards} shards:\n{}", failures.join("\n"));
    }
}
