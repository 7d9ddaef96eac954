//! `unwatch`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// The session is no longer sent notices of changes.
    Unwatch, "unwatch", "no longer be told"
}
