//! The modules of a crate as its files, without their tests, and what each of them names of the others.

use std::collections::{BTreeMap, BTreeSet};

use potok_tests::{files_below, root};

/// A crate: module path (`a::b`) to its code, without comments and tests.
pub(crate) struct Modules(BTreeMap<String, String>);

impl Modules {
    /// Reads a crate below this folder.
    pub(crate) fn read(folder: &str) -> Self {
        let mut texts = BTreeMap::new();
        for file in files_below(folder, "rs") {
            let relative = file.strip_prefix(root().join(folder)).expect("below").with_extension("");
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let path = parts.join("::");
            let path = path.strip_suffix("::mod").unwrap_or(&path).to_owned();
            texts.insert(path, std::fs::read_to_string(&file).expect("read"));
        }
        let mut tests = BTreeSet::new();
        for (path, text) in &texts {
            tests.extend(test_modules(text).map(|name| if path == "lib" { name } else { below(path, &name) }));
        }
        texts.retain(|path, _| path != "lib" && path != "main");
        let is_test = |path: &str| tests.iter().any(|test| path == test || path.starts_with(&format!("{test}::")));
        Self(texts.into_iter().filter(|(path, _)| !is_test(path)).map(|(path, text)| (path, code(&text))).collect())
    }

    /// Every module with its code.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, code)| (path.as_str(), code.as_str()))
    }

    /// Which modules each module names, itself left out.
    pub(crate) fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.iter().map(|(path, code)| (path, self.named_by(path, code))).collect()
    }

    fn named_by(&self, path: &str, code: &str) -> BTreeSet<&str> {
        let mut named = BTreeSet::new();
        let (uses, rest) = split_uses(code);
        let whole = uses.iter().flat_map(|tree| expand("", tree)).chain(paths(&rest));
        for name in whole {
            let parts: Vec<&str> = name.split("::").map(str::trim).collect();
            let mut from: Vec<&str> = path.split("::").collect();
            let supers = parts.iter().take_while(|part| **part == "super").count();
            let parts = match parts.first().copied() {
                Some("crate") => {
                    from.clear();
                    &parts[1..]
                }
                Some("self") => &parts[1..],
                Some("super") => {
                    from.truncate(from.len().saturating_sub(supers));
                    &parts[supers..]
                }
                // Without one of these it is a child, or no module of this crate.
                Some(first) if self.0.contains_key(&below(path, first)) => &parts[..],
                _ => continue,
            };
            from.extend(parts);
            named.extend(self.longest(&from).filter(|module| *module != path));
        }
        named
    }

    /// The file in which this name is declared.
    fn longest(&self, name: &[&str]) -> Option<&str> {
        let there = |end: usize| self.0.get_key_value(&name[..end].join("::")).map(|(path, _)| path.as_str());
        (1..=name.len()).rev().find_map(there)
    }
}

fn below(path: &str, name: &str) -> String {
    format!("{path}::{name}")
}

/// The modules that are there for tests only.
fn test_modules(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let line = after.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        let name = line.rsplit_once("mod ")?.1;
        name.strip_suffix(';').map(str::to_owned)
    })
}

/// The text without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(super) mod tests {"];
    let end = tests.iter().filter_map(|begin| text.find(begin)).min().unwrap_or(text.len());
    let text = &text[..end];
    let without_comment = |line: &str| match line.find("//") {
        Some(at) if line[..at].ends_with(char::is_whitespace) || at == 0 => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// The trees behind `use`, and the code without them.
fn split_uses(code: &str) -> (Vec<String>, String) {
    let (mut uses, mut rest) = (Vec::new(), String::new());
    for statement in code.split_inclusive(';') {
        let start = statement.rfind("use ").filter(|at| {
            let is_word = statement[..*at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == ')');
            is_word && !statement[*at..].contains(['(', '=', '"'])
        });
        match start {
            Some(at) => {
                rest.push_str(&statement[..at]);
                uses.push(statement[at + 4..].trim_end_matches(';').to_owned());
            }
            None => rest.push_str(statement),
        }
    }
    (uses, rest)
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(before: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, inside)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        return vec![format!("{before}{name}").replace("::self", "")];
    };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let mut depth = 0;
    let parts = inside.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let before = format!("{before}{}", head.trim());
    parts.filter(|part| !part.trim().is_empty()).flat_map(|part| expand(&before, part)).collect()
}

/// Everything in the code that is written as a path.
fn paths(code: &str) -> impl Iterator<Item = String> + '_ {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.contains("::") && !word.starts_with("::"))
        .map(|word| word.trim_end_matches(':').to_owned())
}

#[test]
fn reads_imports_as_the_compiler_does() {
    let code = "pub use crate::{a::{B, c::{self, D}}, e as f};\nfn x() { super::y::z(); child::w() }";
    let (uses, rest) = split_uses(code);
    let all: Vec<String> = uses.iter().flat_map(|tree| expand("", tree)).chain(paths(&rest)).collect();
    let expected = ["crate::a::B", "crate::a::c", "crate::a::c::D", "crate::e", "super::y::z", "child::w"];
    assert_eq!(all, expected);
}
