//! Filters and sorts the catalog on a thread of its own, so that a million rows never hold up a frame.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::model::browse::{self, Copies, Query, View};
use crate::model::catalog::Catalog;

/// A view, and what it is a view of: its rows mean nothing in another catalog.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The rows.
    pub view: Arc<View>,
    /// Of this.
    pub catalog: Arc<Catalog>,
    /// Contents that several people share.
    pub copies: Arc<Copies>,
}

type Job = (Arc<Catalog>, Query);

/// The thread's other end. It ends when this is dropped.
#[derive(Debug)]
pub struct Sorter {
    jobs: Sender<Job>,
    done: Receiver<Shown>,
    asked: Option<Job>,
    waiting: bool,
}

impl Sorter {
    /// Starts the thread. `wake` is called when a view is ready.
    pub fn start(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, todo) = bounded::<Job>(1);
        let (finished, done) = bounded(1);
        let run = move || {
            let mut of: Arc<Catalog> = Arc::default();
            let mut copies = Arc::new(Copies::new());
            for (catalog, query) in &todo {
                if !Arc::ptr_eq(&of, &catalog) {
                    copies = Arc::new(browse::copies(&catalog));
                    of = Arc::clone(&catalog);
                }
                let view = Arc::new(browse::view(&catalog, &copies, &query));
                if finished.send(Shown { view, catalog, copies: Arc::clone(&copies) }).is_err() {
                    return;
                }
                wake();
            }
        };
        thread::Builder::new().name("potok-sorter".into()).spawn(run)?;
        Ok(Self { jobs, done, asked: None, waiting: false })
    }

    /// Asks for a view if it is not the one asked for last; the newest one that is ready.
    pub fn turn(&mut self, catalog: &Arc<Catalog>, query: &Query) -> Option<Shown> {
        let ready = self.done.try_recv().ok();
        if ready.is_some() {
            self.waiting = false;
        }
        let is_same = |job: &Job| Arc::ptr_eq(&job.0, catalog) && job.1 == *query;
        // One at a time: what is asked for meanwhile is asked for when the answer comes.
        if !self.waiting && !self.asked.as_ref().is_some_and(is_same) {
            let job = (Arc::clone(catalog), query.clone());
            if self.jobs.try_send(job.clone()).is_ok() {
                self.asked = Some(job);
                self.waiting = true;
            }
        }
        ready
    }

    /// Whether a view is being made.
    pub fn is_busy(&self) -> bool {
        self.waiting
    }
}
