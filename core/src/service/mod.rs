//! Tasks that own sockets, timers and files.

pub mod librarian;
