//! Everything that touches files.
