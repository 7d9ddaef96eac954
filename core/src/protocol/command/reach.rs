//! `reach`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// Asks the tracker to dial us where it sees us, and to tell by a notice what came of it.
    Reach, "reach", "have the tracker dial you, to learn whether others can"
}
