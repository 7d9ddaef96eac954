//! What is asked of a catalog, as a value: of each part the same, if there are several.

use crate::model::share_path::SharePath;
use crate::protocol::page::Cursor;
use crate::tracker::catalog::filter::ShareFilter;

/// A question about shares, for [`Catalog::ask`](super::Catalog::ask).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogQuestion {
    /// Of what the lines of the answer are.
    pub form: QuestionForm,
    /// Which shares are meant.
    pub filter: ShareFilter,
    /// Only lines behind this.
    pub after: Option<Cursor>,
    /// At most so many lines, at least 1. A list without it is of files.
    pub limit: Option<usize>,
}

/// Of what the lines of an answer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionForm {
    /// Files, in the order of their paths.
    Files,
    /// The first file of each owner.
    Owners,
    /// The children of a folder, or those at the top.
    Level(Option<SharePath>),
    /// How many files there are, and how many bytes they are.
    Count,
}
