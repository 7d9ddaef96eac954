//! The wire between two peers. See `docs/protocol.md`.
