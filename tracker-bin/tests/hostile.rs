//! `potok-tracker` as it was built, and those who want it to fall over.

use std::path::{Path, PathBuf};

use potok_tests::world::scaled;
use potok_tests::{comes_back, floods, newcomers};

const TRACKER: &str = env!("CARGO_BIN_EXE_potok-tracker");

#[test]
fn a_flood_is_hardly_noticed() {
    println!("figures: {}", floods::run(Path::new(TRACKER), floods::Flood::ordinary()));
}

/// What is measured may be another build of the tracker than the one that is tested: `POTOK_TRACKER=target/dist/potok-tracker`.
fn measured() -> PathBuf {
    std::env::var_os("POTOK_TRACKER").map_or_else(|| TRACKER.into(), PathBuf::from)
}

#[test]
fn newcomers_sign_on_beside_stuck_handshakes() {
    for (addresses, each) in [(8, 128), (64, 128), (1_024, 8)] {
        let stuck = newcomers::StuckHandshakes { addresses, each };
        println!("figures: {}", newcomers::sign_ons_beside(&measured(), stuck));
    }
}

#[cfg(unix)]
#[test]
fn a_name_is_owned_once_ok_is_said_also_if_the_tracker_is_killed() {
    floods::killed_after_a_registration(Path::new(TRACKER), scaled(8));
}

#[test]
fn all_clients_come_back_when_the_tracker_is_killed() {
    println!("figures: {}", comes_back::killed_under_clients(Path::new(TRACKER), scaled(30), scaled(2)));
}

#[test]
#[ignore = "waits for more than a minute; `tests/promises.py` runs it"]
fn half_open_connections_are_found_out() {
    println!("figures: {}", comes_back::half_open(Path::new(TRACKER), 20));
}
