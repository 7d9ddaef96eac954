//! Rules about the tree itself that no compiler checks.

mod documents;
mod floors;
mod sources;
