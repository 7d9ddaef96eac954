//! Imports inside `core` and `app` go down only, and siblings on a floor do not know each other.
//!
//! The floors are read from `src/lib.rs` of each: its comments `// floor N: ...` and the modules below each.

use std::collections::BTreeMap;

use potok_tests::{files_below, read};

use crate::modules::Modules;

/// Where a module stands.
struct Floor {
    number: u32,
    /// The modules of this floor do not know each other.
    are_siblings: bool,
}

/// Module name to floor.
fn floors(folder: &str) -> BTreeMap<String, Floor> {
    let mut floors = BTreeMap::new();
    let mut floor = None;
    for line in read(&format!("{folder}/lib.rs")).lines() {
        if let Some(rest) = line.strip_prefix("// floor ") {
            let number = rest.split(':').next().and_then(|n| n.parse().ok()).expect("a number after '// floor'");
            floor = Some((number, rest.contains("siblings that do not know each other")));
        } else if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(';')) {
            let (number, are_siblings) = floor.expect("modules stand below a floor");
            floors.insert(name.to_owned(), Floor { number, are_siblings });
        }
    }
    floors
}

#[test]
fn imports_go_down() {
    let mut faults = Vec::new();
    for (folder, modules_min) in [("core/src", 10), ("app/src", 14)] {
        let floors = floors(folder);
        assert!(floors.len() >= modules_min, "{folder} has only {} modules", floors.len());
        let modules = Modules::read(folder);
        let mut crossings = 0;
        let first = |path: &str| path.split("::").next().unwrap_or(path).to_owned();
        for (path, named) in modules.edges() {
            let (own, module) = (&floors[&first(path)], first(path));
            for other in named.into_iter().filter(|other| first(other) != module) {
                crossings += 1;
                let floor = &floors[&first(other)];
                if floor.number > own.number || (floor.number == own.number && own.are_siblings) {
                    faults.push(format!("{folder}: {path} uses {other}"));
                }
            }
        }
        assert!(crossings > 50, "the search itself is broken: {crossings} imports found in {folder}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_pure_floors_do_no_input_or_output() {
    // What a value was made into is all that it may depend on: no threads, and nothing that outlives every value.
    const BANNED: [&str; 13] = [
        "std::fs",
        "std::net::Tcp",
        "tokio",
        "Instant::now",
        "SystemTime::now",
        "rand::",
        "std::thread",
        "async fn",
        "rayon",
        " static ",
        "thread_local!",
        "LazyLock",
        "OnceLock",
    ];
    let mut faults = Vec::new();
    for (module, _) in floors("core/src").into_iter().filter(|(_, floor)| floor.number <= 2) {
        for file in files_below(&format!("core/src/{module}"), "rs") {
            if file.ends_with("tests.rs") || file.parent().is_some_and(|folder| folder.ends_with("tests")) {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("read");
            let code = text.split("#[cfg(test)]").next().expect("a part");
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                if let Some(word) = BANNED.iter().find(|word| format!(" {line}").contains(**word)) {
                    faults.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
