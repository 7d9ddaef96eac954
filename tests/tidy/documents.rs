//! Documents keep step with the code.

use potok_core::model::file_kind::ENDINGS;
use potok_core::protocol::code::Code;
use potok_core::protocol::command::VERBS;
use potok_tests::{files_below, read};

#[test]
fn the_protocol_document_names_every_command_and_code() {
    let document = read("docs/protocol.md");
    let missing: Vec<&str> = VERBS
        .iter()
        .map(|(verb, _)| *verb)
        .chain(Code::ALL.iter().map(|code| code.as_str()))
        .filter(|word| !document.contains(&format!("`{word}")))
        .collect();
    assert!(missing.is_empty(), "not in docs/protocol.md: {missing:?}");
}

#[test]
fn the_protocol_document_has_the_endings_of_every_kind() {
    let document = read("docs/protocol.md");
    for (kind, endings) in ENDINGS {
        assert!(document.contains(&format!("| `{kind}` | {endings} |")), "not in docs/protocol.md: {kind}");
    }
}

#[test]
fn the_readme_has_the_commands_of_a_fresh_clone() {
    let readme = read("README.md");
    for command in ["cargo run --release", "cargo test --workspace"] {
        assert!(readme.contains(command), "README.md lacks '{command}'");
    }
    assert!(read(".ci/run").contains("cargo test --workspace"));
}

#[test]
fn what_the_guide_says_to_click_is_there_to_be_clicked() {
    for language in ["en", "bg"] {
        let catalogue = read(&format!("assets/translations/{language}.yml"));
        let words = |line: &str| Some(line.split_once(": \"")?.1.strip_suffix('"')?.to_owned());
        let shown: Vec<String> = catalogue.lines().filter_map(words).collect();
        // Of a text with a number behind it the guide has the words.
        let is_shown = |label: &str| shown.iter().any(|text| text.split(": %{").next() == Some(label));
        for page in files_below(&format!("docs/guide/{language}"), "md") {
            let text = std::fs::read_to_string(&page).expect("a page").replace('\n', " ");
            let bold = text.split("**").skip(1).step_by(2);
            // What begins a paragraph is a sentence, and a word in the middle of one is stressed.
            let is_label = |part: &&str| part.starts_with(char::is_uppercase) && !part.ends_with(['.', ',', ':', '?']);
            let missing: Vec<&str> = bold.filter(is_label).filter(|label| !is_shown(label)).collect();
            assert!(missing.is_empty(), "{} has labels that no window shows: {missing:?}", page.display());
        }
    }
}
