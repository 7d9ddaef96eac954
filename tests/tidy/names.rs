//! One name means one thing in `core` and `app`, and a question changes nothing.

use std::collections::BTreeMap;

use crate::modules::Modules;

/// Types of one name that are one thing: the same handle of a folder, once for each kind of system.
const TYPES_ALLOWED: &[&str] = &["Dir"];

fn all() -> impl Iterator<Item = (String, String)> {
    ["core/src", "app/src"].into_iter().flat_map(|folder| {
        let modules = Modules::read(folder);
        modules.iter().map(|(path, code)| (format!("{folder}: {path}"), code.to_owned())).collect::<Vec<_>>()
    })
}

/// Names that are declared more than once, with their places.
fn twice(declared: impl Fn(&str) -> Option<String>, allowed: &[&str]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, code) in all() {
        for name in code.lines().filter_map(&declared) {
            places.entry(name).or_default().push(path.clone());
        }
    }
    assert!(places.len() > 100, "the search itself is broken: {} names found", places.len());
    let twice = places.into_iter().filter(|(name, places)| places.len() > 1 && !allowed.contains(&name.as_str()));
    twice.map(|(name, places)| format!("{name}: {}", places.join(", "))).collect()
}

/// The name behind one of these words.
fn name_after(line: &str, words: &[&str]) -> Option<String> {
    let rest = words.iter().find_map(|word| line.strip_prefix(word))?;
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty() && name != "_" && name != "fn").then_some(name)
}

/// What stands behind `pub`, `pub(crate)` and their like.
fn after_pub(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    match rest.strip_prefix('(') {
        Some(inside) => inside.split_once(") ").map(|(_, rest)| rest),
        None => rest.strip_prefix(' '),
    }
}

#[test]
fn a_public_type_has_a_name_of_its_own() {
    let declared =
        |line: &str| name_after(after_pub(line.trim_start())?, &["struct ", "enum ", "trait ", "type ", "union "]);
    let twice = twice(declared, TYPES_ALLOWED);
    assert!(twice.is_empty(), "one name for several types:\n{}", twice.join("\n"));
}

#[test]
fn a_constant_has_a_name_of_its_own() {
    // Constants of a type have its name in front, and those of a function are seen by nobody else.
    let declared = |line: &str| name_after(after_pub(line).unwrap_or(line), &["const ", "static "]);
    let twice = twice(declared, &[]);
    assert!(twice.is_empty(), "one name for several constants:\n{}", twice.join("\n"));
}

#[test]
fn a_question_changes_nothing() {
    let mut faults = Vec::new();
    let mut questions = 0;
    for (path, code) in all() {
        for asked in code.split("fn ").skip(1).filter(|rest| rest.starts_with("is_") || rest.starts_with("has_")) {
            questions += 1;
            let signature = asked.split(['{', ';']).next().unwrap_or_default();
            let name = signature.split(['(', '<']).next().unwrap_or_default();
            if signature.contains("&mut") {
                faults.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(questions > 50, "the search itself is broken: {questions} found");
    assert!(faults.is_empty(), "called like a question, and changes something:\n{}", faults.join("\n"));
}
