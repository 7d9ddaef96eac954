//! What I share, in the order of the paths: rows of a table by their place, totals without counting.

use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;

/// All my shares.
#[derive(Debug, Default)]
pub struct Shares {
    sorted: Vec<Share>,
    bytes: u64,
    version: u64,
}

impl Shares {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether nothing is shared.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Another number after every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The one at this place.
    pub fn get(&self, at: usize) -> Option<&Share> {
        self.sorted.get(at)
    }

    /// All of them, by path.
    pub fn iter(&self) -> std::slice::Iter<'_, Share> {
        self.sorted.iter()
    }

    /// These and nothing else.
    pub fn replace(&mut self, shares: Vec<Share>) {
        self.sorted.clear();
        self.add(shares);
    }

    /// Adds some; one of the same path is replaced.
    pub fn add(&mut self, shares: Vec<Share>) {
        // New ones come behind the old ones, and a stable sort keeps them there: the last of equals is the newest.
        self.sorted.extend(shares);
        self.sorted.sort_by(|a, b| a.path.cmp(&b.path));
        self.sorted.reverse();
        self.sorted.dedup_by(|a, b| a.path == b.path);
        self.sorted.reverse();
        self.changed();
    }

    /// Takes some away.
    pub fn remove(&mut self, mut paths: Vec<SharePath>) {
        paths.sort_unstable();
        self.sorted.retain(|share| paths.binary_search(&share.path).is_err());
        self.changed();
    }

    fn changed(&mut self) {
        self.bytes = self.sorted.iter().filter_map(|share| share.size).fold(0, u64::saturating_add);
        self.version += 1;
    }
}

/// How shares stand in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShareOrder {
    /// In the order of share paths.
    #[default]
    Path,
    /// In the order of sizes.
    Size,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(path: &str, size: u64) -> Share {
        Share { path: SharePath::new(path).expect("valid"), size: Some(size), hash: None }
    }

    fn sizes(shares: &Shares) -> Vec<(&str, u64)> {
        shares.iter().map(|share| (share.path.as_str(), share.size.unwrap_or(0))).collect()
    }

    #[test]
    fn the_newest_of_a_path_stays() {
        let mut shares = Shares::default();
        shares.add(vec![share("b", 1), share("a", 2)]);
        shares.add(vec![share("b", 3), share("c", 4)]);
        assert_eq!((sizes(&shares), shares.bytes()), (vec![("a", 2), ("b", 3), ("c", 4)], 9));
        let before = shares.version();
        shares.remove(vec![SharePath::new("b").expect("valid"), SharePath::new("gone").expect("valid")]);
        assert_eq!((sizes(&shares), shares.bytes()), (vec![("a", 2), ("c", 4)], 6));
        assert_ne!(shares.version(), before);
    }
}
