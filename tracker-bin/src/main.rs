//! `potok-tracker`: the tracker alone, for a server. Everything it does is in `potok_core::service::tracker_server`.

mod args;
mod backup;
#[cfg(feature = "cluster")]
mod cluster;
mod config;
mod observing;
#[cfg(windows)]
mod service;
mod tasks;

use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use potok_core::disk::private;
use potok_core::model::invite::{BadInvite, Invite};
use potok_core::net::identity::{Identity, IdentityError};
use potok_core::net::{descriptors, local};
use potok_core::service::tracker_server::ledger::Ledger;
use potok_core::service::tracker_server::{self, ReadConfiguration, StartError, TrackerHandle};
use potok_core::store::{Store, StoreError};
use potok_core::tracker::settings::{LogFormat, TrackerSettings};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::args::Args;
use crate::config::ConfigError;
use crate::observing::Site;

/// Descriptors that are not for connections: the database, the runtime, standard streams.
const OWN_DESCRIPTORS: u64 = 48;
/// Those of HTTP, when it is on.
const OBSERVING_DESCRIPTORS: u64 = 280;

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
    #[error(transparent)]
    Backup(#[from] backup::BackupError),
    #[error("no potok-tracker runs on the data folder {0}")]
    NotRunning(String),
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error("{0} is there already, and a backup overwrites nothing: name another file")]
    FileIsThere(String),
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Cluster(#[from] cluster::JoinError),
    #[cfg(not(feature = "cluster"))]
    #[error("the configuration names a cluster, and this potok-tracker is built without it")]
    NoCluster,
    #[error(
        "the names of this tracker are in the etcd of its cluster: 'etcdctl snapshot save' keeps them, and a first tracker brings \
         its own along (docs/cluster.md)"
    )]
    InCluster,
    #[error("{0}")]
    System(#[from] io::Error),
    #[cfg(windows)]
    #[error("only an administrator may do that: open a terminal with 'Run as administrator'")]
    NotAdministrator,
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
    match run(args) {
        Ok(code) => code,
        Err(failure) => {
            let _nobody_reads = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(if matches!(failure, Failure::Config(_)) { 2 } else { 1 })
        }
    }
}

fn run(mut args: Args) -> Result<ExitCode, Failure> {
    let dir = match (args.data_dir.take(), &args.command) {
        (Some(dir), _) => dir,
        #[cfg(windows)]
        (None, Some(args::Task::Service(_))) => service::data_dir(),
        (None, _) => config::default_data_dir()?,
    };
    match args.command.take() {
        Some(task) => tasks::carry_out(&task, &dir, args.config.as_deref()),
        None => track(&args, &dir, Surroundings::default()).map(|()| ExitCode::SUCCESS),
    }
}

/// What is round a tracker that runs: a terminal, unless a service manager says otherwise.
#[derive(Default)]
struct Surroundings {
    /// Where the log goes; none: standard error.
    log: Option<BoxMakeWriter>,
    /// What ends it; none: signals.
    ended: Option<CancellationToken>,
}

fn begin_log(format: LogFormat, log: Option<BoxMakeWriter>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_none| EnvFilter::new("info"));
    let ansi = log.is_none() && io::stderr().is_terminal();
    let writer = log.unwrap_or_else(|| BoxMakeWriter::new(io::stderr));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(ansi);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// The settings as they count here: those of the file, with what was said at the start over them.
fn settings(args: &Args, file: &Path) -> Result<TrackerSettings, ConfigError> {
    let mut settings = match &args.config {
        Some(_) => config::load(file)?,
        None => config::load_or_create(file)?,
    };
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    settings.relay |= args.relay;
    if let Some(limit) = descriptors::raise_limit() {
        let own = OWN_DESCRIPTORS + if settings.observe.0.is_some() { OBSERVING_DESCRIPTORS } else { 0 };
        let room = usize::try_from(limit.saturating_sub(own)).unwrap_or(usize::MAX).max(4);
        // Newcomers find a descriptor beside all who stay.
        settings.handshakes = settings.handshakes.min(room / 4).max(1);
        settings.connections = settings.connections.min(room - settings.handshakes);
        // Who has no name must not keep the others out.
        settings.unregistered_sessions = settings.unregistered_sessions.min(settings.connections / 2).max(1);
    }
    Ok(settings)
}

fn track(args: &Args, dir: &Path, surroundings: Surroundings) -> Result<(), Failure> {
    private::create_dir(dir).map_err(|source| Failure::DataDir { path: dir.display().to_string(), source })?;
    let file = args.config.clone().unwrap_or_else(|| dir.join("config.toml"));
    let now = settings(args, &file)?;
    begin_log(now.log_format, surroundings.log);
    // The database first: its lock says whether the folder is ours.
    let store = open_store(dir)?;
    let loaded = Identity::load_or_create(&dir.join("identity.key"))?;
    if loaded.created {
        tracing::info!("made a new identity; keep a copy of identity.key, the tracker is known by it");
    }
    if loaded.was_readable_by_others {
        tracing::warn!("identity.key could be read by others on this computer; now it cannot");
    }
    let args = args.clone();
    let read: ReadConfiguration = Arc::new(move || settings(&args, &file).map_err(|wrong| wrong.to_string()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(now, &loaded.identity, store, (read, dir), surroundings.ended))
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

async fn serve(
    settings: TrackerSettings,
    identity: &Identity,
    store: Arc<Store>,
    (read, data_dir): (ReadConfiguration, &Path),
    ended: Option<CancellationToken>,
) -> Result<(), Failure> {
    let cannot = |at: SocketAddr| move |source| Failure::Listen { address: at.to_string(), source };
    let listen = settings.listen;
    let listener = local::listen(listen).map_err(cannot(listen))?;
    // Before anything runs, so that a taken address is said at once.
    let observed = match settings.observe.0 {
        Some(at) => Some(tokio::net::TcpListener::bind(at).await.map_err(cannot(at))?),
        None => None,
    };
    let cancel = CancellationToken::new();
    // Before anybody is told that we are here: from now on a signal ends us in order.
    let is_service = ended.is_some();
    let mut ended: Pin<Box<dyn Future<Output = ()> + Send>> = match ended {
        Some(told) => Box::pin(told.cancelled_owned()),
        None => Box::pin(end_by_signal()?),
    };
    let ledger = tokio::select! {
        ledger = open_ledger(&settings, identity, &store, &listener) => ledger?,
        () = &mut ended => return Ok(()),
    };
    let handle = tracker_server::start_on(listener, settings.clone(), identity, ledger, cancel.clone()).await?;
    let handle = Arc::new(handle);
    handle.configure_by(read).await;
    reload_by_signal(Arc::clone(&handle), cancel.clone())?;
    let site = Arc::new(Site::new(Arc::clone(&handle), store));
    if let Err(why) = observing::serve_owner(data_dir, Arc::clone(&site), cancel.clone()) {
        tracing::warn!(%why, "'potok-tracker status' cannot ask this tracker: there is no place for it to ask");
    }
    announce(&handle, &settings, is_service);
    if let Some(listener) = observed {
        tracing::info!(at = %listener.local_addr()?, "observed over HTTP");
        drop(tokio::spawn(observing::serve_address(listener, site, cancel.clone())));
    }
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

/// Where names, bans and settings are: here, or where the other trackers of the cluster have theirs. Waits for these.
async fn open_ledger(
    settings: &TrackerSettings,
    identity: &Identity,
    store: &Arc<Store>,
    listener: &TcpListener,
) -> Result<Ledger, Failure> {
    if settings.cluster.is_empty() {
        return Ok(Ledger::Own(Arc::clone(store)));
    }
    #[cfg(feature = "cluster")]
    {
        let public = settings.public_address.0.as_ref().map(potok_core::model::invite::NetworkAddress::first);
        let host = match settings.advertise.0.as_ref().or(public) {
            Some(host) => host.clone(),
            None => tracker_server::host_of(listener.local_addr()?).map_err(io::Error::other)?,
        };
        Ok(Ledger::Shared(Box::new(cluster::join(settings, identity.public_key(), host, store).await?)))
    }
    #[cfg(not(feature = "cluster"))]
    {
        let _ = (identity, listener);
        Err(Failure::NoCluster)
    }
}

/// The link that lets people in, by the address that the configuration names.
fn public_invite(handle: &TrackerHandle, settings: &TrackerSettings) -> Result<Invite, BadInvite> {
    match &settings.public_address.0 {
        // Of a cluster all trackers that are there are named.
        Some(address) if settings.cluster.is_empty() => {
            Ok(Invite { address: address.clone(), key: handle.key(), token: None })
        }
        _ => handle.invite(),
    }
}

/// The two lines that scripts and people read. A service has nobody who would: its log says the same.
fn announce(handle: &TrackerHandle, settings: &TrackerSettings, is_service: bool) {
    let mut lines = format!("listening on {}\n", handle.address());
    match public_invite(handle, settings) {
        Ok(invite) if is_service => tracing::info!(at = %handle.address(), %invite, "listening"),
        Ok(invite) => lines.push_str(&format!("{invite}\n")),
        Err(error) => tracing::error!(%error, "there is no invite for this address"),
    }
    let mut out = io::stdout();
    let _nobody_reads = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// Has the configuration read anew at every SIGHUP.
#[cfg(unix)]
fn reload_by_signal(handle: Arc<TrackerHandle>, cancel: CancellationToken) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    drop(tokio::spawn(async move {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                heard = hangup.recv() => if heard.is_none() { return },
            }
            handle.reload().await;
        }
    }));
    Ok(())
}

/// There is no such signal here: an owner's `reload` does the same.
#[cfg(not(unix))]
fn reload_by_signal(_handle: Arc<TrackerHandle>, _cancel: CancellationToken) -> io::Result<()> {
    Ok(())
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
