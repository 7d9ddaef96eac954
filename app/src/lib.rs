//! The whole app as a library: what `main.rs` starts, and what tests drive.
//!
//! The modules are floors; a module imports only from floors above it in this file, and `tests/tidy` refuses anything
//! else. Console and window stand side by side on the same floors and do not know each other.

rust_i18n::i18n!("../assets/translations", fallback = "en");

// floor 0: every sentence a person reads, and numbers as people read them
pub mod human;
pub mod misspelt;
pub mod texts;

// floor 0: the log, the signals of the system, and what is needed of a running client
pub mod client;
pub mod logging;
pub mod signals;

// floor 1: what is typed (arguments, settings, commands), and what a client knows; no toolkit
pub mod args;
pub mod command_line;
pub mod model;
pub mod settings_file;

// floor 2: what came of a command, as text
pub mod render;

// floor 2: what the operating system and Potok tell each other; no toolkit
#[cfg(feature = "gui")]
pub mod desktop;

// floor 3: the ways to use it, siblings that do not know each other
pub mod console;
pub mod docs;
#[cfg(feature = "gui")]
pub mod gui;

#[cfg(test)]
mod translations;
