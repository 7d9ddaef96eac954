//! Putting a client together: what must be there before it runs, and the tasks it consists of.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::disk::private;
use crate::model::invite::TrackerAddress;
use crate::model::limits;
use crate::model::metering::Metering;
use crate::net::identity::Identity;
use crate::net::local;
use crate::net::tls::{Purpose, TlsClient, TlsServer};
use crate::node::children::Children;
use crate::node::event::{NodeEvent, TrackerConnection};
use crate::node::hosting;
use crate::node::main_loop::{NodeInbox, NodeTask};
use crate::node::moves::Moves;
use crate::node::near;
use crate::node::outbox::Outbox;
use crate::node::past::History;
use crate::node::reaching_us::ReachingUs;
use crate::node::settings::Settings;
use crate::node::tracker_directory::TrackerDirectory;
use crate::node::tracker_session::TrackerSession;
use crate::node::warning::Warning;
use crate::node::work::FailedWork;
use crate::node::{NodeStartError, Setup};
use crate::service::arrivals::Arrivals;
use crate::service::downloader::files::RealDisk;
use crate::service::downloader::{DownloadSettings, Downloader, DownloaderSetup};
use crate::service::nearby::{Nearby, NearbyWish};
use crate::service::peer_server::{PeerServer, PeerServerSetup, UploadSettings};
use crate::service::port_mapper::{Mappings, PortMapper};
use crate::service::share_indexer::{ShareIndexer, ShareIndexerConfig, ShareRules};
use crate::service::surroundings;
use crate::service::tracker_client::tap::{LineDirection, Tap};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::{Store, StoreError};

/// Events of a service that wait for the node.
const SERVICE_EVENTS_MAX: usize = 1024;

/// What is opened before anything runs, and fails with one sentence if it cannot be.
pub(super) struct OpenedDataFolder {
    store: Arc<Store>,
    identity: Arc<Identity>,
    listener: TcpListener,
    warnings: Vec<Warning>,
}

/// Opens the data folder and the peer server's port.
pub(super) fn open(setup: &Setup) -> Result<OpenedDataFolder, NodeStartError> {
    let dir = &setup.data_dir;
    private::create_dir(dir).map_err(|error| system(FailedWork::OpeningFolder(dir.to_owned()), &error))?;
    let mut warnings = Vec::new();
    // The database first: its lock keeps a second program out of everything else.
    let opened = Store::open(&dir.join("potok.redb")).map_err(|error| match error {
        StoreError::InUse => NodeStartError::InUse(dir.clone()),
        error => system(FailedWork::OpeningDatabase, &error),
    })?;
    if let Some(aside) = opened.set_aside {
        warnings.push(Warning::DatabaseSetAside { path: aside });
    }
    let store = Arc::new(opened.store);
    let loaded = Identity::load_or_create(&dir.join("identity.key"))
        .map_err(|error| system(FailedWork::ReadingIdentity, &error))?;
    if loaded.was_readable_by_others {
        warnings.push(Warning::KeyWasReadable);
    }
    let listener = listen(&store, setup.settings.serves_at())?;
    Ok(OpenedDataFolder { store, identity: Arc::new(loaded.identity), listener, warnings })
}

/// Opens the peer server's port as the setting says.
pub(super) fn listen(store: &Store, wanted: SocketAddr) -> Result<TcpListener, NodeStartError> {
    let database = |error: redb::Error| system(FailedWork::OpeningDatabase, &error);
    let port = match (wanted.port(), store.peer_port().map_err(database)?) {
        (0, Some(remembered)) => remembered,
        (0, None) => {
            let port = local::random_peer_port();
            store.set_peer_port(port).map_err(database)?;
            port
        }
        (port, _) => port,
    };
    local::listen_near(wanted.ip(), port).map_err(|error| system(FailedWork::ListeningAt(wanted), &error))
}

fn system(what: FailedWork, why: &dyn std::fmt::Display) -> NodeStartError {
    NodeStartError::System { what, why: why.to_string() }
}

/// Starts every task. Joining a tracker goes on behind it.
pub(super) async fn start(
    setup: Setup,
    opened: OpenedDataFolder,
    outbox: Outbox,
) -> Result<(NodeTask, NodeInbox), NodeStartError> {
    let OpenedDataFolder { store, identity, listener, warnings } = opened;
    warnings.into_iter().for_each(|warning| outbox.push(NodeEvent::Warning(warning)));
    let cancel = CancellationToken::new();
    let services = TaskTracker::new();
    let session = TrackerSession::new();

    let (library_events, library_heard) = mpsc::channel(SERVICE_EVENTS_MAX);
    let ShareRules { leave_out_hidden, reconcile_every, shares_max } = share_rules(&setup.settings);
    let config = ShareIndexerConfig {
        store: store.clone(),
        data_dir: setup.data_dir.clone(),
        leave_out_hidden,
        reconcile_every,
        hash_threads: setup.settings.hash_threads.min(limits::HASH_THREADS_MAX),
        shares_max,
    };
    let started = ShareIndexer::start(config, library_events, cancel.child_token());
    let (share_indexer, share_indexer_task) = started.map_err(|error| system(FailedWork::OpeningLibrary, &error))?;
    services.spawn(async move { drop(share_indexer_task.await) });

    let mut metering_heard =
        setup.metering.clone().unwrap_or_else(|| watch::Sender::new(Metering::default()).subscribe());
    let metering = *metering_heard.borrow_and_update();
    let uploading = watch::Sender::new(upload_settings(&setup.settings, metering));
    let (transfer_events, transfers_heard) = mpsc::channel(SERVICE_EVENTS_MAX);
    let listener =
        tokio::net::TcpListener::from_std(listener).map_err(|error| system(FailedWork::ServingPeers, &error))?;
    let of_key = session.view();
    let numbers = TransferNumbers::after(&store).map_err(|error| system(FailedWork::OpeningQueue, &error))?;
    let numbers = Arc::new(numbers);
    let arrivals = Arc::new(Arrivals::default());
    let outgoing = watch::Sender::new(setup.settings.outgoing());
    let serving = PeerServerSetup {
        tls: TlsServer::new(&identity, Purpose::Peer),
        content_source: Arc::new(share_indexer.table()),
        admission: Arc::new(of_key),
        settings: uploading.subscribe(),
        numbers: Arc::clone(&numbers),
        arrivals: Arc::clone(&arrivals),
        outgoing: outgoing.subscribe(),
    };
    let started = PeerServer::start(listener, serving, transfer_events.clone(), cancel.child_token());
    let peer_server = started.map_err(|error| system(FailedWork::ServingPeers, &error))?;
    let may_punch = watch::Sender::new(setup.settings.may_punch());
    let tells_local_addresses = watch::Sender::new(setup.settings.tells_local_addresses());
    let nearby_wish = watch::Sender::new(NearbyWish::default());
    let (nearby, hearing) = Nearby::start(nearby_wish.subscribe(), cancel.child_token());
    services.spawn(async move { drop(hearing.await) });
    services.spawn(near::tell(Arc::clone(&nearby), outbox.clone(), cancel.child_token()));
    let may_use_relay = watch::Sender::new(setup.settings.use_relay);
    let downloading = watch::Sender::new(download_settings(&setup.settings, metering));
    let reaching_us = ReachingUs::new();
    let fetching = DownloaderSetup {
        store: store.clone(),
        tls: TlsClient::new(&identity, Purpose::Download),
        arrivals,
        directory: Arc::new(TrackerDirectory {
            session: session.view(),
            own: identity.public_key(),
            may_punch: may_punch.subscribe(),
            nearby: Arc::clone(&nearby),
            may_use_relay: may_use_relay.subscribe(),
            outgoing: outgoing.subscribe(),
            reach: reaching_us.watch(),
        }),
        outgoing: outgoing.subscribe(),
        settings: downloading.subscribe(),
        numbers,
        disk: Arc::new(RealDisk),
    };
    let started = Downloader::start(fetching, transfer_events, cancel.child_token()).await;
    let (downloader, downloader_task) = started.map_err(|error| system(FailedWork::OpeningQueue, &error))?;
    services.spawn(async move { drop(downloader_task.await) });

    let (surroundings, looking) = surroundings::watch(cancel.child_token()).await;
    services.spawn(async move { drop(looking.await) });
    let (port_mapper, mapping) = PortMapper::start(surroundings.clone(), cancel.child_token());
    let mappings = port_mapper.states();
    services.spawn(async move { drop(mapping.await) });

    let (history, keeping) = History::keep(Arc::clone(&store));
    services.spawn(keeping);

    let mut node = NodeTask {
        reaching_us,
        port_mapper,
        surroundings: surroundings.clone(),
        mappings: Mappings::default(),
        downloader,
        peer_server: Arc::new(peer_server),
        uploading,
        downloading,
        may_punch,
        tells_local_addresses,
        outgoing,
        nearby,
        nearby_wish,
        may_use_relay,
        usual_download_folder: setup.download_folder.clone().unwrap_or_else(|| setup.data_dir.join("downloads")),
        data_dir: setup.data_dir.clone(),
        store,
        identity,
        share_indexer,
        session,
        warned_of: HashSet::new(),
        tap: tap_into(outbox.clone()),
        connection: TrackerConnection::None,
        owners_asked_at: None,
        met_at: None,
        moves: Moves::default(),
        hosting: None,
        files_to_hash: 0,
        is_announcing: false,
        outbox,
        history,
        children: Children::default(),
        services,
        cancel,
        settings: setup.settings.clone(),
        metering,
    };
    node.say_nearby();
    node.moves = Moves::to(first_tracker(&mut node, &setup).await?);
    let inbox = NodeInbox {
        transfers: transfers_heard,
        library: library_heard,
        mappings,
        surroundings,
        metering: metering_heard,
    };
    Ok((node, inbox))
}

fn tap_into(outbox: Outbox) -> Arc<Tap> {
    Arc::new(Tap::new(move |way, line| outbox.push(NodeEvent::Wire { sent: way == LineDirection::Out, line })))
}

/// The part of the settings that the peer server follows.
pub(super) fn upload_settings(settings: &Settings, metering: Metering) -> UploadSettings {
    UploadSettings {
        slots: settings.upload_slots,
        slots_per_user: settings.upload_slots_per_user,
        bytes_per_second: settings.upload_bytes_per_second,
        is_metered: settings.rests_while(metering),
    }
}

/// The part of the settings that the share indexer follows.
pub(super) fn share_rules(settings: &Settings) -> ShareRules {
    ShareRules {
        leave_out_hidden: settings.leave_out_hidden_files,
        reconcile_every: Duration::from_secs(settings.reconcile_seconds.clamp(1, limits::RECONCILE_SECONDS_MAX)),
        shares_max: settings.shares_max,
    }
}

/// The part of the settings that the downloads follow.
pub(super) fn download_settings(settings: &Settings, metering: Metering) -> DownloadSettings {
    DownloadSettings {
        at_once: settings.downloads_at_once,
        bytes_per_second: settings.download_bytes_per_second,
        is_metered: settings.rests_while(metering),
        keep_times: settings.keep_times,
        keep_executable: settings.keep_executable,
    }
}

/// Where to go at the start: to the embedded tracker, which runs then, or to that of the settings.
async fn first_tracker(node: &mut NodeTask, setup: &Setup) -> Result<Option<TrackerAddress>, NodeStartError> {
    let tracker = match setup.host_tracker {
        Some(at) => {
            let hosting = hosting::start(node.hosting_setup(at)).await.map_err(NodeStartError::Failed)?;
            node.hosting.insert(hosting).joined_at.clone()
        }
        None => match &setup.settings.tracker {
            Some(tracker) => tracker.clone(),
            None => return Ok(None),
        },
    };
    node.own_name().map_err(NodeStartError::Failed)?;
    Ok(Some(tracker))
}
