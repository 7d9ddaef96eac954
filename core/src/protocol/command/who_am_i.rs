//! `whoami`.

use crate::protocol::command::bare_verb;

bare_verb! {
    /// Asks for the session's own line of `list-users`.
    WhoAmI, "whoami", "the name, address and key of this session"
}
