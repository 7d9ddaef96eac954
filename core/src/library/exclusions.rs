//! What the person took out of a shared folder.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::library::text_range::below;
use crate::model::share_path::SharePath;

/// The places in one root that are not shared because the person said so, each with all below it.
///
/// They count from the root's share path and are in its normal form, so that a name is taken out however the disk
/// spells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions(BTreeSet<SharePath>);

impl Exclusions {
    /// Takes a place out.
    pub fn insert(&mut self, place: SharePath) {
        self.0.insert(place);
    }

    /// Takes a place back in; `false` if it was not out.
    pub fn remove(&mut self, place: &SharePath) -> bool {
        self.0.remove(place)
    }

    /// Whether nothing was taken out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many places were taken out.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Every place in order.
    pub fn iter(&self) -> impl Iterator<Item = &SharePath> {
        self.0.iter()
    }

    /// At most so many places in order, after one.
    pub fn after(&self, place: Option<&SharePath>, most: usize) -> impl Iterator<Item = &SharePath> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range::<SharePath, _>((from, Bound::Unbounded)).take(most)
    }

    /// What was taken out at a place and below it; of no place all.
    pub fn at_or_below(&self, place: Option<&SharePath>) -> impl Iterator<Item = &SharePath> {
        let bounds = place.map(|place| below(place.as_str(), '/'));
        let (from, to) = match &bounds {
            Some((from, to)) => (Bound::Included(from.as_str()), Bound::Excluded(to.as_str())),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let itself = place.and_then(|place| self.0.get(place));
        itself.into_iter().chain(self.0.range::<str, _>((from, to)))
    }

    /// Whether exactly this place was taken out.
    pub fn contains(&self, place: &SharePath) -> bool {
        self.0.contains(place)
    }

    /// Whether a file, or a folder that it is in, was taken out.
    pub fn cover(&self, relative: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let normal = SharePath::normalized(relative).ok();
        let relative = normal.as_ref().map_or(relative, SharePath::as_str);
        let folders = relative.match_indices('/').map(|(at, _)| &relative[..at]);
        folders.chain(std::iter::once(relative)).any(|part| self.0.contains(part))
    }

    /// The first that was taken out below a place, and what it is called counted from there; of no place the first of
    /// all.
    pub fn first_below(&self, place: Option<&SharePath>) -> Option<(SharePath, SharePath)> {
        let Some(place) = place else { return self.0.first().map(|first| (first.clone(), first.clone())) };
        let (from, to) = below(place.as_str(), '/');
        let mut found = self.0.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to)));
        found.find_map(|first| Some((first.clone(), SharePath::new(first.below(place.as_str())?).ok()?)))
    }
}

impl FromIterator<SharePath> for Exclusions {
    fn from_iter<I: IntoIterator<Item = SharePath>>(places: I) -> Self {
        Self(places.into_iter().collect())
    }
}

impl Extend<SharePath> for Exclusions {
    fn extend<I: IntoIterator<Item = SharePath>>(&mut self, places: I) {
        self.0.extend(places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusions(places: &[&str]) -> Exclusions {
        places.iter().map(|place| SharePath::new(place).expect(place)).collect()
    }

    #[test]
    fn what_is_taken_out_stays_out_with_all_below() {
        let excluded = exclusions(&["a/b", "c", "é"]);
        for (relative, is_out) in [
            ("a", false),
            ("a/b", true),
            ("a/b/c", true),
            ("a/bc", false),
            ("c", true),
            ("c/d/e", true),
            ("d/c", false),
            ("e\u{301}", true),
            ("e\u{301}/x", true),
            ("e", false),
        ] {
            assert_eq!(excluded.cover(relative), is_out, "{relative}");
        }
        assert!(!Exclusions::default().cover("c"));
        let first_below = |place: Option<&str>| {
            let place = place.map(|place| SharePath::new(place).expect(place));
            excluded.first_below(place.as_ref()).map(|(whole, below)| (whole.to_string(), below.to_string()))
        };
        let out = |place: Option<&str>| {
            let place = place.map(|place| SharePath::new(place).expect(place));
            excluded.at_or_below(place.as_ref()).map(|place| place.to_string()).collect::<Vec<_>>()
        };
        assert_eq!((out(None), out(Some("a"))), (vec!["a/b".into(), "c".into(), "é".into()], vec!["a/b".into()]));
        assert_eq!((out(Some("c")), out(Some("c/d"))), (vec!["c".into()], vec![]));
        assert_eq!(
            excluded.after(SharePath::new("b").ok().as_ref(), 1).collect::<Vec<_>>(),
            [&SharePath::new("c").expect("valid")]
        );
        assert_eq!(first_below(Some("a")), Some(("a/b".into(), "b".into())));
        assert_eq!(first_below(Some("c")), None);
        assert_eq!(first_below(None), Some(("a/b".into(), "a/b".into())));
    }
}
