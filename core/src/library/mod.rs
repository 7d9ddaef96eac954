//! What I share: a pure table.
