//! The tracker as a pure machine.

pub mod catalog;
