//! Threads that do nothing but look through the catalog with the driver, which waits for them a fraction of a
//! millisecond.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::tracker::catalog::scan_workers::ScanWorkers;

/// Threads besides the driver's at most: memory does not answer more of them faster, and a tracker has other work.
const THREADS_MAX: usize = 3;

/// A thread for each processor that the driver does not need itself.
#[derive(Debug)]
pub(super) struct ScanThreads {
    pool: ThreadPool,
}

impl ScanThreads {
    /// Starts the threads; `None` on a computer with one processor.
    pub(super) fn start() -> Result<Option<Self>, ThreadPoolBuildError> {
        let spare = available_parallelism().map_or(1, NonZeroUsize::get) - 1;
        if spare == 0 {
            return Ok(None);
        }
        let builder = ThreadPoolBuilder::new().num_threads(spare.min(THREADS_MAX));
        Ok(Some(Self { pool: builder.thread_name(|at| format!("scan-{at}")).build()? }))
    }
}

impl ScanWorkers for ScanThreads {
    fn run(&self, work: &(dyn Fn() + Sync)) {
        self.pool.in_place_scope(|scope| {
            (0..self.pool.current_num_threads()).for_each(|_| scope.spawn(|_| work()));
            work();
        });
    }
}
