//! The files of one person as a tree: only what is open becomes rows, so that a million files cost what is looked at.
//! Pure; it runs on a thread of its own.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::model::browse::{SortColumn, View};
use crate::model::catalog::{Catalog, Kind};

/// Folders that are open, by their path without `/` at the end.
pub type Open = BTreeSet<String>;

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Places in the list of files: one for a file, all below it for a folder.
    pub files: Range<u32>,
    /// Where in the path its own name begins.
    pub name_at: u16,
    /// How many folders it is in.
    pub depth: u16,
    /// For a folder, whether it is open.
    pub is_open: Option<bool>,
}

/// The rows of a tree, and what they are rows of.
#[derive(Debug, Default)]
pub struct Tree {
    /// The list of files.
    pub view: Arc<View>,
    /// Of this.
    pub catalog: Arc<Catalog>,
    /// From top to bottom.
    pub nodes: Vec<Node>,
    /// Before each file, the bytes of all before it.
    sums: Arc<Vec<u64>>,
}

impl Tree {
    /// The rows. `view` lists files of one person in the order of their paths.
    pub fn new(
        view: Arc<View>,
        catalog: Arc<Catalog>,
        sums: Arc<Vec<u64>>,
        open: &Open,
        sort: (SortColumn, bool),
    ) -> Self {
        let mut tree = Self { view, catalog, nodes: Vec::new(), sums };
        let all = 0..u32::try_from(tree.view.files.len()).unwrap_or(u32::MAX);
        tree.grow(all, 0, 0, open, sort);
        tree
    }

    /// Bytes before each file of the list, and in all; for [`Self::new`], which is called more often.
    pub fn sums(view: &View, catalog: &Catalog) -> Vec<u64> {
        let mut sum = 0_u64;
        let mut sums = vec![0];
        sums.extend(view.files.iter().map(|row| {
            sum = sum.saturating_add(catalog.size(*row).unwrap_or(0));
            sum
        }));
        sums
    }

    /// The whole path of a row; a folder's without `/` at the end.
    pub fn path(&self, node: &Node) -> String {
        let mut path = self.first_path(node);
        if node.is_open.is_some() {
            let below = path.get(usize::from(node.name_at)..).unwrap_or("");
            if let Some(slash) = below.find('/') {
                path.truncate(usize::from(node.name_at) + slash);
            }
        }
        path
    }

    /// Its own name.
    pub fn name(&self, node: &Node) -> String {
        self.path(node).get(usize::from(node.name_at)..).unwrap_or("").to_owned()
    }

    /// How many files it is.
    pub fn count(node: &Node) -> u64 {
        u64::from(node.files.end - node.files.start)
    }

    /// How many bytes it has.
    pub fn bytes(&self, node: &Node) -> u64 {
        let before = |at: u32| self.sums.get(at as usize).copied().unwrap_or(0);
        before(node.files.end).saturating_sub(before(node.files.start))
    }

    /// The row of the catalog, of a file.
    pub fn row(&self, node: &Node) -> Option<u32> {
        if node.is_open.is_some() { None } else { self.view.files.get(node.files.start as usize).copied() }
    }

    /// The row above a row: the folder that it is in.
    pub fn parent(&self, index: usize) -> Option<usize> {
        let depth = self.nodes.get(index)?.depth;
        (0..index).rev().find(|above| self.nodes[*above].depth < depth)
    }

    fn first_path(&self, node: &Node) -> String {
        self.view.files.get(node.files.start as usize).map_or(String::new(), |row| self.catalog.path(*row))
    }

    fn grow(&mut self, files: Range<u32>, name_at: u16, depth: u16, open: &Open, sort: (SortColumn, bool)) {
        let mut children = self.children(files, name_at, depth);
        self.sort(&mut children, sort);
        for mut node in children {
            if node.is_open.is_none() {
                self.nodes.push(node);
                continue;
            }
            let path = self.path(&node);
            let is_open = open.contains(&path);
            let below = u16::try_from(path.len() + 1).unwrap_or(u16::MAX);
            node.is_open = Some(is_open);
            let inside = node.files.clone();
            self.nodes.push(node);
            if is_open {
                self.grow(inside, below, depth + 1, open, sort);
            }
        }
    }

    /// What is directly below a folder. The list is in path order, so everything of one folder stands together, and a
    /// folder is jumped over at once.
    fn children(&self, files: Range<u32>, name_at: u16, depth: u16) -> Vec<Node> {
        let mut children = Vec::new();
        let mut paths = self.catalog.paths();
        let row_of = |at: u32| self.view.files.get(at as usize).copied().unwrap_or(u32::MAX);
        let mut at = files.start;
        while at < files.end {
            let path = paths.get(row_of(at));
            let below = path.get(usize::from(name_at)..).unwrap_or("");
            let (end, is_open) = match below.find('/') {
                None => (at + 1, None),
                Some(slash) => {
                    let folder = path[..=usize::from(name_at) + slash].to_owned();
                    (end_of(at + 1..files.end, |at| paths.get(row_of(at)).starts_with(&folder)), Some(false))
                }
            };
            children.push(Node { files: at..end, name_at, depth, is_open });
            at = end;
        }
        children
    }

    /// Folders come first; the list is in path order already, which stays among equals.
    fn sort(&self, children: &mut [Node], (by, is_descending): (SortColumn, bool)) {
        match by {
            SortColumn::Size => children.sort_by_key(|node| self.bytes(node)),
            SortColumn::Kind => children.sort_by_cached_key(|node| Kind::of(&self.name(node))),
            SortColumn::Path | SortColumn::Person | SortColumn::Sources => {}
        }
        if is_descending {
            children.reverse();
        }
        children.sort_by_key(|node| node.is_open.is_none());
    }
}

/// The first place of the range where it is not so; it is so up to there and nowhere behind.
fn end_of(range: Range<u32>, mut is_so: impl FnMut(u32) -> bool) -> u32 {
    let (mut from, mut to) = (range.start, range.end);
    while from < to {
        let middle = from + (to - from) / 2;
        if is_so(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::browse::{Copies, Query, view};
    use crate::model::catalog::{CatalogBuilder, made_up};

    const FILES: [(&str, &str, Option<u64>, u8); 7] = [
        ("anna", "Trip/day 1/a.jpg", Some(1), 1),
        ("ivan", "Trip/day 1/b.jpg", Some(100), 2),
        ("anna", "Trip/day 1/c.jpg", Some(2), 3),
        ("anna", "Trip/day 2/a.jpg", Some(50), 4),
        ("anna", "Trip/plan.txt", Some(4), 5),
        ("anna", "Trip.txt", Some(8), 6),
        ("anna", "книга.pdf", None, 7),
    ];

    fn tree(open: &[&str], sort: (SortColumn, bool)) -> Vec<String> {
        let mut files = made_up(&FILES);
        files.sort_by(|a, b| (&a.path, &a.username).cmp(&(&b.path, &b.username)));
        let mut builder = CatalogBuilder::default();
        builder.extend(&files);
        let catalog = Arc::new(builder.finish());
        let query = Query { person: Some("anna".into()), ..Query::default() };
        let view = Arc::new(view(&catalog, &Copies::default(), &query));
        let sums = Arc::new(Tree::sums(&view, &catalog));
        let open = open.iter().map(ToString::to_string).collect();
        let tree = Tree::new(view, catalog, sums, &open, sort);
        let words = |node: &Node| {
            let sign = match node.is_open {
                None => "",
                Some(true) => "-",
                Some(false) => "+",
            };
            let indent = " ".repeat(node.depth.into());
            format!("{indent}{sign}{} {} {}", tree.name(node), Tree::count(node), tree.bytes(node))
        };
        tree.nodes.iter().map(words).collect()
    }

    #[test]
    fn only_what_is_open_is_rows() {
        let by_path = (SortColumn::Path, false);
        assert_eq!(tree(&[], by_path), ["+Trip 4 57", "Trip.txt 1 8", "книга.pdf 1 0"]);
        assert_eq!(
            tree(&["Trip", "Trip/day 1", "gone"], by_path),
            [
                "-Trip 4 57",
                " -day 1 2 3",
                "  a.jpg 1 1",
                "  c.jpg 1 2",
                " +day 2 1 50",
                " plan.txt 1 4",
                "Trip.txt 1 8",
                "книга.pdf 1 0"
            ]
        );
    }

    #[test]
    fn sorts_within_a_folder() {
        let rows = tree(&["Trip"], (SortColumn::Size, true));
        assert_eq!(
            rows,
            ["-Trip 4 57", " +day 2 1 50", " +day 1 2 3", " plan.txt 1 4", "Trip.txt 1 8", "книга.pdf 1 0"]
        );
    }
}
