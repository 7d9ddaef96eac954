//! Who looks through the catalog together with the machine: a seam, because threads are not the machine's.

use std::fmt::Debug;

/// Threads that whoever runs a catalog lends to its long scans. What a scan finds is the same with and without them, and
/// however many there are.
pub trait ScanWorkers: Debug + Send + Sync {
    /// Calls `work` on the calling thread and at the same time on each worker that is free; returns when all have
    /// returned. Each call takes pieces of one scan until none is left, so the calling thread alone is enough.
    fn run(&self, work: &(dyn Fn() + Sync));
}
