//! A list of files on its way, made into a catalog on a thread of its own: a page of ten thousand is too much for a frame.

use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use potok_core::protocol::reply::FileLine;

use crate::model::catalog::{Catalog, CatalogBuilder};

/// Pages that wait; the tracker is slower than the thread, so there is hardly ever one.
const PAGES_MAX: usize = 64;

/// Takes pages.
#[derive(Debug)]
pub struct Listing {
    pages: Sender<Vec<FileLine>>,
    made: Made,
}

/// A catalog that is being finished.
#[derive(Debug)]
pub struct Made(Receiver<Catalog>);

impl Listing {
    /// Starts the thread, which ends with this value or with its [`Made`].
    pub fn start() -> Self {
        let (pages, come) = bounded::<Vec<FileLine>>(PAGES_MAX);
        let (finished, made) = bounded(1);
        let run = move || {
            let mut builder = CatalogBuilder::default();
            for page in come {
                builder.extend(&page);
            }
            // Nobody may want it any more.
            let _ = finished.send(builder.finish());
        };
        // Without a thread the list never comes, as without a tracker.
        let _ = thread::Builder::new().name("potok-listing".into()).spawn(run);
        Self { pages, made: Made(made) }
    }

    /// Adds a page.
    pub fn add(&self, files: Vec<FileLine>) {
        // The thread takes pages for as long as this value lives.
        let _ = self.pages.send(files);
    }

    /// No more pages.
    pub fn finish(self) -> Made {
        self.made
    }
}

impl Made {
    /// The catalog, once it is there. `Err` if it never will be.
    pub fn take(&self) -> Result<Option<Catalog>, TryRecvError> {
        match self.0.try_recv() {
            Ok(catalog) => Ok(Some(catalog)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(gone) => Err(gone),
        }
    }
}
