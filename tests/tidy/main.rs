//! Rules about the tree itself that no compiler checks.

mod circles;
mod comments;
mod documents;
mod floors;
mod modules;
mod names;
mod sources;
