//! What came of a command, as text: records for programs, tables and sentences for people.
//!
//! The console writes it to its output, the window to its console page.

pub mod output;
pub mod progress;
pub mod reach;
pub mod records;
pub mod tables;
mod text_table;
pub mod words;
