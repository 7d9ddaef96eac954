//! What the test targets share.

pub mod asking;
pub mod black_box;
pub mod chaos;
pub mod cluster;
pub mod comes_back;
pub mod encounter;
pub mod evil_peer;
pub mod evil_tracker;
pub mod floods;
pub mod forged;
pub mod lines;
pub mod newcomers;
pub mod program;
pub mod vectors;
pub mod world;

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

/// What this system says where nobody listens.
pub fn connection_refused() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("listened");
    TcpStream::connect(address).expect_err("nobody listens").to_string()
}

/// A text file of the repository.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with this ending, in order.
pub fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
