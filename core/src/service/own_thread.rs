//! A thread of its own for work that waits for a socket and blocks on a disk: one connection of a transfer.
//!
//! The thread waits for its sockets itself. On the shared runtime another thread hears of a socket first, and must get a
//! processor before it can wake the one that reads; where processors are few and busy, that is a millisecond now and
//! then, and was half of the speed of a transfer.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Makes a future on a thread of this name, and runs it there to its end, even if nobody waits for that any more: what
/// is to stop it must be part of the future. An error is that there is no such thread, or that the future panicked.
pub(crate) async fn run<F>(name: &str, make: impl FnOnce() -> F + Send + 'static) -> io::Result<F::Output>
where
    F: Future<Output: Send + 'static>,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (done, result) = oneshot::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let output = runtime.block_on(async { make().await });
        // Nobody may wait for it any more.
        let _unheard = done.send(output);
    })?;
    result.await.map_err(|_panicked| io::Error::other("the thread of a connection panicked"))
}
