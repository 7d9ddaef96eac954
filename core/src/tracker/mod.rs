//! The tracker as a pure machine.
