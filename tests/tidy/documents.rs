//! Documents keep step with the code.

use potok_core::model::file_kind::ENDINGS;
use potok_core::protocol::code::Code;
use potok_core::protocol::command::VERBS;
use potok_tests::read;

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
