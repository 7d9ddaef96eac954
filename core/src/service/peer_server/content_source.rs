//! What the peer server may send: content by hash and size. No path is asked for, and none leaves this computer.

use crate::model::block_list::BlockList;
use crate::model::share_path::SharePath;
use crate::protocol::about::About;
use crate::protocol::peer::{Content, PeerRefusal};
use crate::service::share_indexer::content::{OpenError, OpenShare, ReadError, SharedContent, SharedTable};

/// The table of what is shared.
pub trait ContentSource: Send + Sync + 'static {
    /// The content, if it is shared now. Quick, does not touch the disk.
    fn find(&self, content: &Content) -> Option<Box<dyn Shared>>;

    /// What it is announced as; of several paths the first. It is shown to the owner, and never sent. Quick.
    fn path(&self, content: &Content) -> Option<SharePath>;
}

/// Content that was shared when it was looked up.
pub trait Shared: Send {
    /// Opens a file with it. Blocks.
    fn open(&self) -> Result<Box<dyn OpenContent>, PeerRefusal>;
}

/// An open file.
pub trait OpenContent: Send + Sync {
    /// The hashes of its blocks.
    fn block_list(&self) -> &BlockList;

    /// What is told of the files that have this content. `None` if nothing is known.
    fn about(&self) -> Option<About> {
        None
    }

    /// Reads one block, proven and still shared, into `buffer`, which has nothing else in it afterwards. Blocks.
    fn read_block(&self, block: u32, buffer: &mut Vec<u8>) -> Result<(), PeerRefusal>;
}

impl ContentSource for SharedTable {
    fn find(&self, content: &Content) -> Option<Box<dyn Shared>> {
        let found = Self::find(self, content.hash).filter(|found| found.size() == content.size)?;
        Some(Box::new(found))
    }

    fn path(&self, content: &Content) -> Option<SharePath> {
        self.path_of(content.hash)
    }
}

impl Shared for SharedContent {
    fn open(&self) -> Result<Box<dyn OpenContent>, PeerRefusal> {
        match Self::open(self) {
            Ok(open) => Ok(Box::new(open)),
            Err(OpenError::NotShared) => Err(PeerRefusal::NotShared),
            Err(OpenError::Changed) => Err(PeerRefusal::Changed),
            Err(OpenError::Unreadable) => Err(PeerRefusal::Internal),
        }
    }
}

impl OpenContent for OpenShare {
    fn block_list(&self) -> &BlockList {
        Self::block_list(self)
    }

    fn about(&self) -> Option<About> {
        Some(Self::about(self))
    }

    fn read_block(&self, block: u32, buffer: &mut Vec<u8>) -> Result<(), PeerRefusal> {
        Self::read_block(self, block, buffer).map_err(|error| match error {
            ReadError::NotShared => PeerRefusal::NotShared,
            ReadError::Changed => PeerRefusal::Changed,
            ReadError::NoSuchBlock => PeerRefusal::BadRequest,
            ReadError::Io(error) => {
                tracing::warn!(%error, "a shared file cannot be read");
                PeerRefusal::Internal
            }
        })
    }
}
