//! The files of a crate know each other in one direction: no circles.
//!
//! A folder is one module in several files: its files may name what its `mod.rs` declares, as a part names its whole.
//! Everything else is a direction: siblings, and whatever lies further away. What two files need of each other lies in a
//! third one below both.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Modules;

#[test]
fn no_circle_of_files() {
    let mut faults = Vec::new();
    for folder in ["core/src", "app/src"] {
        let modules = Modules::read(folder);
        let mut edges = modules.edges();
        assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 100, "{folder}: the search itself is broken");
        for (path, named) in &mut edges {
            named.retain(|other| !path.starts_with(&format!("{other}::")));
        }
        let all = circles(&edges).into_iter();
        faults.extend(all.map(|circle| format!("{folder}: {}", circle.join(", "))));
    }
    assert!(faults.is_empty(), "files that know each other in a circle:\n{}", faults.join("\n"));
}

/// Files that reach each other, those of one circle together.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|from| (*from, reach(edges, from))).collect();
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for path in edges.keys().filter(|path| reached[*path].contains(*path)) {
        let together = |circle: &&mut Vec<&str>| reached[path].contains(circle[0]) && reached[circle[0]].contains(path);
        match circles.iter_mut().find(together) {
            Some(circle) => circle.push(path),
            None => circles.push(vec![path]),
        }
    }
    circles
}

fn reach<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = edges[from].iter().copied().collect();
    while let Some(path) = open.pop() {
        if reached.insert(path) {
            open.extend(edges.get(path).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn finds_circles_and_nothing_else() {
    let edges = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["b", "d"]), ("d", vec![])];
    let edges = edges.into_iter().map(|(from, to)| (from, to.into_iter().collect())).collect();
    assert_eq!(circles(&edges), [vec!["b", "c"]]);
}
