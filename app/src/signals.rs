//! SIGINT, SIGTERM and their like as values in a channel, so that one loop decides what they mean.

use std::io;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

/// Somebody wants an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C at a prompt: of what is being done now.
    CtrlC,
    /// Of the program: SIGTERM, a closed terminal, a shutdown.
    Terminate,
}

/// Signals that wait to be looked at; more of them say nothing new.
const SIGNALS_PENDING_MAX: usize = 4;

/// Longest time from a wish to end to the end of the program, even if somebody keeps our output pipe full. A download
/// survives it as it survives a kill: only unverified blocks are fetched again.
const END_MAX: Duration = Duration::from_millis(1900);

/// Takes the signals of this process over for good. Without a prompt to return to, Ctrl-C ends the program.
pub fn listen(has_prompt: bool) -> io::Result<Receiver<Interrupt>> {
    let (sender, receiver) = crossbeam_channel::bounded(SIGNALS_PENDING_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let streams = {
        let _context = runtime.enter();
        Streams::new()?
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(forward(streams, has_prompt, sender)))?;
    Ok(receiver)
}

async fn forward(mut streams: Streams, has_prompt: bool, sender: Sender<Interrupt>) {
    loop {
        let interrupt = match streams.next().await {
            Interrupt::CtrlC if has_prompt => Interrupt::CtrlC,
            _ => Interrupt::Terminate,
        };
        // Full: the loop has enough wishes to look at.
        let _ = sender.try_send(interrupt);
        if interrupt == Interrupt::Terminate {
            tokio::time::sleep(END_MAX).await;
            std::process::exit(1);
        }
    }
}

#[cfg(unix)]
struct Streams {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Streams {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::CtrlC,
            _ = self.terminate.recv() => Interrupt::Terminate,
            _ = self.hang_up.recv() => Interrupt::Terminate,
        }
    }
}

#[cfg(windows)]
struct Streams {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Streams {
    fn new() -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            ctrl_c: windows::ctrl_c()?,
            ctrl_break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.ctrl_c.recv() => Interrupt::CtrlC,
            _ = self.ctrl_break.recv() => Interrupt::Terminate,
            _ = self.close.recv() => Interrupt::Terminate,
            _ = self.shutdown.recv() => Interrupt::Terminate,
        }
    }
}
