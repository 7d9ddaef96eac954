//! Man pages and shell completions, written from the same definitions that read the arguments.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use potok_core::model::shown_path::ShownPath;

use crate::args::Args;
use crate::render::output;
use crate::texts;

/// Writes `*.1` and the completions of every shell into a folder, which is created.
pub fn generate(directory: &Path) -> ExitCode {
    match write_all(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => output::fail("internal", &format!("{}: {}", ShownPath(directory), texts::of_io(&why))),
    }
}

fn write_all(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let command = Args::command();
    clap_mangen::generate_to(command.clone(), directory)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut command.clone(), "potok", directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_page_for_the_program_and_the_console() {
        let directory = tempfile::tempdir().expect("temporary folder");
        write_all(directory.path()).expect("written");
        let page = std::fs::read_to_string(directory.path().join("potok-console.1")).expect("man page");
        assert!(page.contains("keep\\-sharing"), "{page}");
        for name in ["potok.1", "potok.bash", "_potok", "potok.fish"] {
            assert!(directory.path().join(name).is_file(), "{name}");
        }
        assert!(!directory.path().join("potok-generate-docs.1").exists());
    }
}
