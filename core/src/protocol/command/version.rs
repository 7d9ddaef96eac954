//! `version`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// Asks for the version of the tracker: only a client whose person wants to hear of newer ones does.
    Version, "version", "the version of this tracker"
}
