//! Which names look like which.

use std::collections::BTreeSet;

use crate::model::username::Username;

/// Names by what they look like: pairs of a look and a name regardless of case.
#[derive(Debug, Default)]
pub struct LookAlikes {
    pub(super) pairs: BTreeSet<(Box<str>, Box<str>)>,
}

impl LookAlikes {
    /// A name is there.
    pub fn add(&mut self, name: &Username) {
        let folded = name.folded();
        for skeleton in name.skeletons() {
            self.pairs.insert((skeleton.into(), folded.as_str().into()));
        }
    }

    /// A name is gone. It must be spelled as it was added.
    pub fn remove(&mut self, name: &Username) {
        let folded: Box<str> = name.folded().into();
        for skeleton in name.skeletons() {
            self.pairs.remove(&(skeleton.into(), folded.clone()));
        }
    }

    /// The names, regardless of case, that look like this one, but for `folded` itself.
    pub fn others<'a>(&'a self, name: &Username, folded: &'a str) -> impl Iterator<Item = &'a str> {
        let of = |skeleton: String| {
            let first: (Box<str>, Box<str>) = (skeleton.as_str().into(), "".into());
            let alike = self.pairs.range(first..).take_while(move |(look, _)| **look == *skeleton);
            alike.map(|(_, name)| &**name)
        };
        let [written, regardless] = name.skeletons();
        of(written).chain(of(regardless)).filter(move |other| *other != folded)
    }
}
