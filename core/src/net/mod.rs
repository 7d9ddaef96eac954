//! Everything that touches sockets.
