//! The built programs and what strangers do to them.

use std::path::Path;

use potok_tests::black_box;
use potok_tests::program::sibling;

const POTOK: &str = env!("CARGO_BIN_EXE_potok");

#[test]
fn hostile_names_do_no_harm_and_honest_ones_arrive() {
    black_box::names(Path::new(POTOK), &sibling(POTOK, "potok-tracker"));
}

#[test]
fn a_client_that_is_told_things_without_end_stays_small() {
    for line in black_box::endless_trackers(Path::new(POTOK)) {
        println!("{line}");
    }
}
