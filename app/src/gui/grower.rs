//! Grows the tree of one person's files on a thread of its own, so that a folder of a million files never holds up a
//! frame.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::gui::sorter::Shown;
use crate::model::browse::{SortColumn, View};
use crate::model::tree::{Open, Tree};

/// What a tree is made of.
#[derive(Debug, Clone)]
struct Job {
    shown: Shown,
    open: Arc<Open>,
    sort: (SortColumn, bool),
}

impl Job {
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shown.view, &other.shown.view)
            && Arc::ptr_eq(&self.shown.catalog, &other.shown.catalog)
            && Arc::ptr_eq(&self.open, &other.open)
            && self.sort == other.sort
    }
}

/// The thread's other end. It ends when this is dropped.
#[derive(Debug)]
pub struct Grower {
    jobs: Sender<Job>,
    done: Receiver<Tree>,
    asked: Option<Job>,
    waiting: bool,
}

impl Grower {
    /// Starts the thread. `wake` is called when a tree is ready.
    pub fn start(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, todo) = bounded::<Job>(1);
        let (finished, done) = bounded(1);
        let run = move || {
            let mut of: Arc<View> = Arc::default();
            let mut sums = Arc::new(vec![0]);
            for Job { shown, open, sort } in &todo {
                if !Arc::ptr_eq(&of, &shown.view) {
                    sums = Arc::new(Tree::sums(&shown.view, &shown.catalog));
                    of = Arc::clone(&shown.view);
                }
                let tree = Tree::new(shown.view, shown.catalog, Arc::clone(&sums), &open, sort);
                if finished.send(tree).is_err() {
                    return;
                }
                wake();
            }
        };
        thread::Builder::new().name("potok-grower".into()).spawn(run)?;
        Ok(Self { jobs, done, asked: None, waiting: false })
    }

    /// Asks for a tree if it is not the one asked for last; the newest one that is ready.
    pub fn turn(&mut self, shown: &Shown, open: &Arc<Open>, sort: (SortColumn, bool)) -> Option<Tree> {
        let ready = self.done.try_recv().ok();
        if ready.is_some() {
            self.waiting = false;
        }
        let job = Job { shown: shown.clone(), open: Arc::clone(open), sort };
        let is_same = self.asked.as_ref().is_some_and(|asked| asked.is_same(&job));
        if !self.waiting && !is_same && self.jobs.try_send(job.clone()).is_ok() {
            self.asked = Some(job);
            self.waiting = true;
        }
        ready
    }

    /// Whether a tree is being made.
    pub fn is_busy(&self) -> bool {
        self.waiting
    }

    /// No tree is looked at: nothing is kept for one.
    pub fn rest(&mut self) {
        self.asked = None;
        self.waiting &= self.done.try_recv().is_err();
    }
}
