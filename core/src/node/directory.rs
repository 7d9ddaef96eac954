//! What downloads know of the others: the tracker's words.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::hash::ContentHash;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::node::tracker_session::TrackerSession;
use crate::service::downloader::{BoxFuture, Directory};
use crate::transfer::Contact;

/// The tracker that is joined now, as downloads see it.
pub(super) struct Known {
    pub(super) tracker_session: Arc<TrackerSession>,
    /// Ours: we are no further source of what we fetch.
    pub(super) own: PublicKey,
}

impl Directory for Known {
    fn contact(&self, user: &Username) -> Option<Contact> {
        let (username, address, key) = self.tracker_session.client().ok()?.people().reachable(user)?;
        Some(Contact { username, address, key })
    }

    fn sources(&self, hash: ContentHash) -> BoxFuture<'_, Vec<Contact>> {
        Box::pin(async move {
            let files = self.tracker_session.sources(hash).await;
            let contacts = files.iter().filter_map(|file| self.contact(&file.username));
            contacts.filter(|contact| contact.key != self.own).collect()
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.tracker_session.changes()
    }
}
