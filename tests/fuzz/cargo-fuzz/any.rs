//! The fuzzer's side of `tests/fuzz/targets.rs`: one program, its target named by `POTOK_FUZZ_TARGET`.

#![no_main]

#[path = "../targets.rs"]
mod targets;

use std::sync::LazyLock;

use targets::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    // The fuzzer's own hook ends the program at every panic, at those too that the store expects of a damaged database
    // and catches. Without it a panic that nobody catches still ends the program.
    drop(std::panic::take_hook());
    let wanted = std::env::var("POTOK_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("POTOK_FUZZ_TARGET is none of the targets: {wanted:?}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
