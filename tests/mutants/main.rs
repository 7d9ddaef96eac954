//! Checks of who somebody is and of what may leave, taken out one at a time: the tests must notice each.
//!
//! The ordinary run only looks whether every mutant still fits its source. `tests/mutants.sh` builds and tests them all,
//! for about a minute each.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use potok_tests::vectors::{self, Row};
use potok_tests::{read, root};

fn mutants() -> Vec<Row> {
    vectors::rows(&read("tests/mutants/mutants.tsv"))
}

/// A mutant that no longer fits proves nothing.
#[test]
fn every_mutant_fits_its_source() {
    let all = mutants();
    assert!(all.len() >= 12, "{}", all.len());
    for mutant in all {
        let found = read(mutant.text(1)).matches(mutant.text(2)).count();
        assert_eq!(found, 1, "{}: '{}' stands {found} times in {}", mutant.text(0), mutant.text(2), mutant.text(1));
    }
}

#[test]
#[ignore = "builds and tests each mutant: half an hour. tests/mutants.sh runs it"]
fn every_mutant_is_killed() {
    let tree = Tree::new();
    let wanted = std::env::var("POTOK_MUTANT").unwrap_or_default();
    let (mut killed, mut survivors) = (0, Vec::new());
    for mutant in mutants().iter().filter(|mutant| mutant.text(0).contains(&wanted)) {
        let source = tree.0.join(mutant.text(1));
        let text = std::fs::read_to_string(&source).expect("read");
        let mutated = text.replacen(mutant.text(2), mutant.text(3), 1);
        assert_ne!(mutated, text, "{}: does not fit", mutant.text(0));
        std::fs::write(&source, mutated).expect("written");
        let built = cargo_test(&tree.0, mutant.text(4), &["--no-run"]);
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        assert!(built.status.success(), "{}: does not build\n{said}", mutant.text(0));
        let tested = cargo_test(&tree.0, mutant.text(4), &[]);
        let said = String::from_utf8_lossy(&tested.stdout).into_owned();
        assert!(said.contains("running ") && !said.contains("running 0 tests"), "{}: no tests\n{said}", mutant.text(0));
        std::fs::write(&source, text).expect("written");
        let is_killed = !tested.status.success();
        eprintln!("{} {}", if is_killed { "killed  " } else { "SURVIVED" }, mutant.text(0));
        if is_killed {
            killed += 1;
        } else {
            survivors.push(mutant.text(0).to_owned());
        }
    }
    eprintln!("mutants: {killed} killed, {} survived", survivors.len());
    assert!(survivors.is_empty(), "nobody noticed: {survivors:?}");
}

/// The dependencies are built once for all mutants.
fn cargo_test(tree: &Path, what: &str, more: &[&str]) -> Output {
    let (target, filter) = match what.rsplit_once(' ') {
        Some((target, filter)) if !target.ends_with("--test") => (target, filter),
        _ => (what, ""),
    };
    let mut command = Command::new(env!("CARGO"));
    // Apart from ours, or the next ordinary build would begin anew.
    let build = root().join("target/mutants-build");
    command.current_dir(tree).env("CARGO_TARGET_DIR", build).args(["test", "-p"]);
    command.args(target.split(' ')).args(more);
    if !filter.is_empty() {
        command.args(["--", filter]);
    }
    command.output().expect("cargo runs")
}

/// The last commit, in a place of its own: what is being worked on does not disturb it.
struct Tree(PathBuf);

impl Tree {
    fn new() -> Self {
        let path = root().join("target/mutants");
        let tree = Self(path);
        tree.remove();
        let added = git(&["worktree", "add", "--detach", "--force", tree.0.to_str().expect("text"), "HEAD"]);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        tree
    }

    fn remove(&self) {
        // There may be none.
        let _none = git(&["worktree", "remove", "--force", self.0.to_str().expect("text")]);
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.remove();
    }
}

fn git(args: &[&str]) -> Output {
    Command::new("git").current_dir(root()).args(args).output().expect("git runs")
}
