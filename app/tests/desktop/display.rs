//! What a test does with windows and clipboard from outside, whichever kind of display they are on.

use crate::process::Own;

/// A display. It ends when it is dropped.
pub(crate) trait Display {
    /// What was copied last; empty: nothing.
    fn clipboard(&self) -> String;

    /// Copies a text. It can be pasted as long as what is returned lives.
    fn copy(&self, text: &str) -> Own;

    /// The window of exactly this title, in the display's own words, if it can be seen.
    fn find(&self, title: &str) -> Option<String>;

    /// Presses these keys in a window that was found, such as `ctrl+l` and `Return`.
    fn type_into(&self, window: &str, keys: &[&str]);

    /// Asks a window that was found to close, as the button in its frame does.
    fn close(&self, window: &str);

    /// Takes the window of this process out of sight, as minimising does.
    fn hide(&self, process: u32);

    /// Brings it back to the front.
    fn show(&self, process: u32);
}
