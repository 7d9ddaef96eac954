//! The whole app as a library: what `main.rs` starts, and what tests drive.
//!
//! | module | job |
//! |---|---|
//! | [`args`] | the arguments, shared by man pages and completions |
//! | [`settings_file`] | `config.toml`: read, set aside, saved |
//! | [`command_line`] | one line that a person types → what it asks for; used by console and window |
//! | [`console`] | the client without a window |
//! | [`model`] | what a client knows, folded from notices; no toolkit in it |
//! | `gui` | the window, with the feature of that name |
//! | `desktop` | what the operating system and Potok tell each other; with the same feature |
//! | [`texts`] | every sentence a person reads, in their language |
//! | [`engine`], [`signals`], [`logging`], [`human`], [`docs`] | small helpers of these |

rust_i18n::i18n!("../assets/translations", fallback = "en");

pub mod args;
pub mod command_line;
pub mod console;
#[cfg(feature = "gui")]
pub mod desktop;
pub mod docs;
pub mod engine;
#[cfg(feature = "gui")]
pub mod gui;
pub mod human;
pub mod logging;
pub mod model;
pub mod settings_file;
pub mod signals;
pub mod texts;
