//! `quit`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// Ends the session when all answers have left.
    Quit, "quit", "end the session"
}
