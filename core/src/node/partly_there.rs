//! A folder that is there in part, as a person is asked about it.

use std::path::{Path, PathBuf};

use crate::model::shown::Shown;
use crate::model::shown_path::usual_path;

/// Names that a sentence tells.
const NAMES_TOLD_MAX: usize = 3;

/// What is at the place of a folder that is to be fetched, where some of it is something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartlyThere {
    /// Where the folder is.
    pub path: String,
    /// How many files were asked for.
    pub files: u64,
    /// How many of them are there with the very content.
    pub same: u64,
    /// At the places of how many something else is.
    pub differing: u64,
    /// Those places; of many the first.
    pub places: Vec<PathBuf>,
}

impl PartlyThere {
    /// One of the places as it is below the folder.
    pub fn below<'a>(&self, place: &'a Path) -> std::borrow::Cow<'a, str> {
        usual_path(place.strip_prefix(&self.path).unwrap_or(place))
    }

    /// The first of what differs, ready to be shown.
    pub fn some_names(&self) -> String {
        let name = |place: &PathBuf| format!("'{}'", Shown(&self.below(place)));
        let names: Vec<String> = self.places.iter().take(NAMES_TOLD_MAX).map(name).collect();
        let more = if self.differing > names.len() as u64 { ", …" } else { "" };
        names.join(", ") + more
    }
}
