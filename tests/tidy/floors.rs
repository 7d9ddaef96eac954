//! Imports inside `core` go down only, and siblings on the floor of the machines do not know each other.
//!
//! The floors are read from `core/src/lib.rs`: its comments `// floor N` and the modules below each.

use std::collections::BTreeMap;

use potok_tests::{files_below, read, root};

/// Module name to floor.
fn floors() -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    let mut floor = None;
    for line in read("core/src/lib.rs").lines() {
        if let Some(rest) = line.strip_prefix("// floor ") {
            floor = Some(rest.split(':').next().and_then(|n| n.parse().ok()).expect("a number after '// floor'"));
        } else if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(';')) {
            floors.insert(name.to_owned(), floor.expect("modules stand below a floor"));
        }
    }
    floors
}

#[test]
fn imports_go_down() {
    let floors = floors();
    assert_eq!(floors.len(), 10, "{floors:?}");
    let mut faults = Vec::new();
    let mut edges = 0;
    for file in files_below("core/src", "rs") {
        let relative = file.strip_prefix(root().join("core/src")).expect("below").to_owned();
        let module = relative.components().next().expect("a part").as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own) = floors.get(&module) else { continue };
        let text = std::fs::read_to_string(&file).expect("read");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for target in line.split("crate::").skip(1) {
                let target: String = target.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(floor) = floors.get(&target) else { continue };
                if target == module {
                    continue;
                }
                edges += 1;
                // Machines (2) are siblings; the primitives of floor 3 and above may use each other only downwards.
                if floor > own || (floor == own && *own == 2) {
                    faults.push(format!("{}:{}: {module} uses {target}", relative.display(), number + 1));
                }
            }
        }
    }
    assert!(edges > 50, "the search itself is broken: {edges} imports found");
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
    for (module, _) in floors().into_iter().filter(|(_, floor)| *floor <= 2) {
        for file in files_below(&format!("core/src/{module}"), "rs") {
            if file.ends_with("tests.rs") {
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
