//! Everything that others can do to us, done: evil clients, evil peers, evil trackers, impersonators, and a network that
//! breaks. Each is a table of named behaviours; the attacked tracker or engine is one and the same from the first row to
//! the last, and serves a good client within a second of each.
//!
//! `POTOK_HOSTILE=20 cargo test -p potok-tests --test hostile` does twenty times as much.

mod encounters;
mod evil_client;
mod evil_peer;
mod evil_tracker;
mod impersonation;
mod mesh;
mod only_shared;
mod part_files;
mod races;
mod relay;
mod settings;
mod version;
mod weather;
