//! What console and window need of a running client. Tests put a scripted one in its place.

use crossbeam_channel::Receiver;
use potok_core::node::Node;
use potok_core::node::event::NodeEvent;
use potok_core::node::intent::{Intent, IntentId};

/// Wishes in, facts out.
pub trait Client {
    /// Sends a wish; its outcome comes as a notice with the same id.
    fn ask(&self, intent: Intent) -> IntentId;

    /// What has happened, in order.
    fn notices(&self) -> &Receiver<NodeEvent>;
}

impl Client for Node {
    fn ask(&self, intent: Intent) -> IntentId {
        Self::ask(self, intent)
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        Self::notices(self)
    }
}
