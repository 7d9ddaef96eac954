//! `watch`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// From now on the session is sent notices of changes.
    Watch, "watch", "be told of changes as they happen"
}
