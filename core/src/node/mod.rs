//! The whole, started and stopped as one.
