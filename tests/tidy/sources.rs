//! What every source file has to be.

use potok_tests::files_below;

/// Longer files have more than one job. The tests at their end do not count.
const LINES_MAX: usize = 500;

fn sources() -> Vec<(String, String)> {
    ["core/src", "core/examples", "core/tests", "app/src", "tracker-bin/src", "tests"]
        .iter()
        .flat_map(|folder| files_below(folder, "rs"))
        .filter(|path| !path.components().any(|part| part.as_os_str() == "target"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("read")))
        .collect()
}

#[test]
fn a_file_says_first_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "no module documentation: {silent:?}");
}

#[test]
fn a_file_has_one_job() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().take_while(|line| *line != "#[cfg(test)]").count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines: {long:?}");
}

#[test]
fn a_path_of_this_computer_is_shown_in_its_usual_form() {
    // By `ShownPath`: on Windows it would have `\\?\` in front.
    let is_literal = |line: &str| line.contains("Shown(&") && line.contains(concat!("to_string", "_lossy()"));
    let literal: Vec<_> = sources()
        .into_iter()
        .flat_map(|(path, text)| text.lines().filter(|line| is_literal(line)).map(|_| path.clone()).collect::<Vec<_>>())
        .collect();
    assert!(literal.is_empty(), "a path is shown as it is kept: {literal:?}");
}
