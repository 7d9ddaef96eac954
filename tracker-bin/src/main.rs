//! `potok-tracker`: the tracker alone, for a server. Everything it does is in `potok_core::service::tracker_server`.

mod args;
mod config;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use potok_core::disk::private;
use potok_core::net::identity::{Identity, IdentityError};
use potok_core::net::{descriptors, local};
use potok_core::service::tracker_server::{self, StartError};
use potok_core::store::{Store, StoreError};
use potok_core::tracker::settings::TrackerSettings;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::config::ConfigError;

/// Descriptors that are not for connections: the database, the runtime, standard streams.
const OWN_DESCRIPTORS: u64 = 24;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{path} cannot be used as data folder: {source}")]
    DataDir { path: String, source: io::Error },
    #[error("another potok-tracker uses the data folder {0}")]
    InUse(String),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("the tracker has ended of itself; the log says why")]
    Ended,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.print_config {
        return match io::stdout().write_all(config::commented(&TrackerSettings::default()).as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_nobody_reads) => ExitCode::FAILURE,
        };
    }
    if let Some(directory) = &args.generate_docs {
        return match args::generate_docs(directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                let _nobody_reads = writeln!(io::stderr(), "error: {}: {why}", directory.display());
                ExitCode::FAILURE
            }
        };
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_none| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).init();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _nobody_reads = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(if matches!(failure, Failure::Config(_)) { 2 } else { 1 })
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let dir = match args.data_dir {
        Some(dir) => dir,
        None => config::default_data_dir()?,
    };
    private::create_dir(&dir).map_err(|source| Failure::DataDir { path: dir.display().to_string(), source })?;
    let mut settings = match &args.config {
        Some(file) => config::load(file)?,
        None => config::load_or_create(&dir.join("config.toml"))?,
    };
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    settings.relay |= args.relay;
    if let Some(limit) = descriptors::raise_limit() {
        let room = usize::try_from(limit.saturating_sub(OWN_DESCRIPTORS)).unwrap_or(usize::MAX).max(4);
        // Newcomers find a descriptor beside all who stay.
        settings.handshakes = settings.handshakes.min(room / 4).max(1);
        settings.connections = settings.connections.min(room - settings.handshakes);
        // Who has no name must not keep the others out.
        settings.unregistered_sessions = settings.unregistered_sessions.min(settings.connections / 2).max(1);
    }
    // The database first: its lock says whether the folder is ours.
    let store = open_store(&dir)?;
    let loaded = Identity::load_or_create(&dir.join("identity.key"))?;
    if loaded.created {
        tracing::info!("made a new identity; keep a copy of identity.key, the tracker is known by it");
    }
    if loaded.was_readable_by_others {
        tracing::warn!("identity.key could be read by others on this computer; now it cannot");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(settings, &loaded.identity, store))
}

fn open_store(dir: &Path) -> Result<Arc<Store>, Failure> {
    let opened = Store::open(&dir.join("tracker.redb")).map_err(|error| match error {
        StoreError::InUse => Failure::InUse(dir.display().to_string()),
        other => Failure::Store(other),
    })?;
    if let Some(aside) = opened.set_aside {
        tracing::error!(kept = %aside.display(), "the database of names was damaged; it was set aside, a new one begun");
    }
    Ok(Arc::new(opened.store))
}

async fn serve(settings: TrackerSettings, identity: &Identity, store: Arc<Store>) -> Result<(), Failure> {
    let listen = settings.listen;
    let listener = local::listen(listen).map_err(|source| Failure::Listen { address: listen.to_string(), source })?;
    let cancel = CancellationToken::new();
    // Before anybody is told that we are here: from now on a signal ends us in order.
    let ended = end_by_signal()?;
    let handle = tracker_server::start(listener, settings, identity, store, cancel.clone()).await?;
    announce(&handle);
    let stopped = tokio::spawn({
        let cancel = cancel.clone();
        async move {
            ended.await;
            cancel.cancel();
        }
    });
    handle.join().await;
    stopped.abort();
    if cancel.is_cancelled() { Ok(()) } else { Err(Failure::Ended) }
}

/// The two lines that scripts and people read.
fn announce(handle: &tracker_server::TrackerHandle) {
    let mut lines = format!("listening on {}\n", handle.address());
    match handle.invite() {
        Ok(invite) => lines.push_str(&format!("{invite}\n")),
        Err(error) => tracing::error!(%error, "there is no invite for this address"),
    }
    let mut out = io::stdout();
    let _nobody_reads = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// Waits for the signal to end. The handlers are there as soon as this returns.
#[cfg(unix)]
fn end_by_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn end_by_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows;
    let mut interrupt = windows::ctrl_c()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}
