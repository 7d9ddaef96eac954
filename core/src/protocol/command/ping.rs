//! `ping`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// Asks for a sign of life, and gives one.
    Ping, "ping", "answers OK"
}
