//! To which tracker we go: joining, leaving, hosting, and what settings say of it.
//!
//! Wishes to be elsewhere are carried out one after the other, in the order in which they came; of several that wait
//! the newest one counts, and those before it are cancelled. A step that takes time (ending a session, starting the
//! embedded tracker, listening elsewhere) is a child task, of which there is one at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::model::absence::AbsenceReason;
use crate::model::invite::{Invite, TrackerAddress};
use crate::model::key::PublicKey;
use crate::model::relaying::RelayOffer;
use crate::model::username::{BadUsername, Username};
use crate::net::outgoing::Outgoing;
use crate::net::tls::{Purpose, TlsClient};
use crate::node::event::{NodeEvent, Outcome, TrackerConnection};
use crate::node::failure::Failure;
use crate::node::hosting::{self, HostingSetup};
use crate::node::intent::IntentId;
use crate::node::known_users;
use crate::node::main_loop::NodeTask;
use crate::node::moves::{Arrival, AwaitedJoin, Move, QueuedMove, SettingsChange};
use crate::node::starting;
use crate::node::tracker_directory;
use crate::node::tracker_session::{SessionEvent, away};
use crate::node::warning::Warning;
use crate::node::work::FailedWork;
use crate::protocol::code::Code;
use crate::protocol::encounter::ConnectNotice;
use crate::protocol::reply::UserLine;
use crate::service::peer_server::PeerServer;
use crate::service::peer_server::dial_back::DialBack;
use crate::service::tracker_client::{AwayReason, ClientEvent, ClientSetup};
use crate::store::Store;
use crate::tracker::settings::TrackerSettings;

/// How long the one who asked to join waits; the tries go on behind it.
const JOIN_MAX: Duration = Duration::from_secs(15);

impl NodeTask {
    /// Goes elsewhere when all earlier wishes to do so were carried out.
    pub(super) fn ask_to_move(&mut self, id: IntentId, to: Move) {
        self.moves.waiting.push_back(QueuedMove { asked: Some(id), to, outcome: None });
        self.next_move();
    }

    /// Begins the next move, unless one is under way.
    pub(super) fn next_move(&mut self) {
        while self.moves.under_way.is_none()
            && let Some(wish) = self.moves.waiting.pop_front()
        {
            match self.begin_move(&wish) {
                Ok(()) => self.moves.under_way = Some(wish),
                Err(why) => self.answer(wish.asked, Err(why)),
            }
        }
    }

    fn begin_move(&mut self, wish: &QueuedMove) -> Result<(), Failure> {
        let is_overtaken = self.moves.is_overtaken();
        match &wish.to {
            Move::Join(_) | Move::Leave if is_overtaken => return Err(Failure::Cancelled),
            Move::Host(_) if self.moves.is_hosting_overtaken() => return Err(Failure::Cancelled),
            Move::Join(_) => {
                self.own_name()?;
                self.end_session();
            }
            Move::Leave => self.end_session(),
            Move::Host(at) => {
                let (before, setup) = (self.hosting.take(), self.hosting_setup(*at));
                self.children.go(async move {
                    if let Some(before) = before {
                        before.stop().await;
                    }
                    hosting::start(setup).await.map(|hosting| Arrival::Hosted(Box::new(hosting)))
                });
            }
            Move::StopHosting => {
                let hosting = self.hosting.take().ok_or(Failure::NotHosting)?;
                let ending = (!is_overtaken).then(|| self.session.end());
                self.children.go(async move {
                    if let Some(ending) = ending {
                        ending.await;
                    }
                    hosting.stop().await;
                    Ok(Arrival::StoppedHosting)
                });
            }
            Move::Follow(change) => self.follow(change),
        }
        Ok(())
    }

    pub(super) fn hosting_setup(&self, at: SocketAddr) -> HostingSetup {
        HostingSetup {
            dir: self.data_dir.join("tracker"),
            settings: TrackerSettings {
                owners: vec![self.identity.public_key()],
                ..hosting::tracker_settings(&self.settings, at)
            },
            outbox: self.outbox.clone(),
            cancel: self.cancel.child_token(),
        }
    }

    fn end_session(&mut self) {
        let ending = self.session.end();
        self.warned_of.clear();
        self.children.go(async move {
            ending.await;
            Ok(Arrival::Left)
        });
    }

    /// Has the embedded tracker and the peer server go by other settings.
    fn follow(&mut self, SettingsChange { before, now }: &SettingsChange) {
        let hosted = self.hosting.as_ref().map(|hosting| hosting.follow(now));
        let (share_indexer, share_rules) = (self.share_indexer.clone(), starting::share_rules(now));
        let listen = (before.serves_at() != now.serves_at()).then(|| now.serves_at());
        let (peer_server, store) = (Arc::clone(&self.peer_server), Arc::clone(&self.store));
        self.children.go(async move {
            if let Some(hosted) = hosted {
                hosted.await;
            }
            share_indexer.follow(share_rules).await;
            Ok(Arrival::Followed(match listen {
                Some(listen) => listen_at(&peer_server, &store, listen).await,
                None => Ok(false),
            }))
        });
    }

    /// A step is done.
    pub(super) fn moved(&mut self, arrival: Result<Arrival, Failure>) {
        let Some(QueuedMove { asked, to, outcome }) = self.moves.under_way.take() else { return };
        match (to, arrival) {
            (_, Err(why)) => self.answer(asked, Err(why)),
            (Move::Join(tracker), Ok(_left)) => self.begin_session(asked, tracker, outcome),
            (_, Ok(Arrival::Left)) => {
                self.leave_off();
                self.answer(asked, outcome.unwrap_or(Ok(Outcome::Done)));
            }
            (_, Ok(Arrival::StoppedHosting)) => {
                if !self.session.is_open() {
                    self.leave_off();
                }
                self.answer(asked, Ok(Outcome::Done));
            }
            (_, Ok(Arrival::Hosted(hosting))) => {
                let tracker = hosting.joined_at.clone();
                self.hosting = Some(*hosting);
                self.moves.waiting.push_front(QueuedMove { asked, to: Move::Join(tracker), outcome: None });
            }
            (Move::Follow(change), Ok(Arrival::Followed(moved))) => {
                let is_elsewhere = moved == Ok(true);
                let outcome = moved.map(|_| Outcome::Done);
                match self.where_settings_say(&change, is_elsewhere) {
                    Some(to) => self.moves.waiting.push_front(QueuedMove { asked, to, outcome: Some(outcome) }),
                    None => self.answer(asked, outcome),
                }
            }
            (_, Ok(Arrival::Followed(_))) => {}
        }
        self.next_move();
    }

    fn begin_session(
        &mut self,
        asked: Option<IntentId>,
        tracker: TrackerAddress,
        outcome: Option<Result<Outcome, Failure>>,
    ) {
        let username = match self.own_name() {
            Ok(username) => username,
            Err(why) => {
                self.leave_off();
                return self.answer(asked, Err(why));
            }
        };
        let is_same = self.moves.here.as_ref() == Some(&tracker);
        self.moves.here = Some(tracker.clone());
        self.reaching_us.are_at(self.peer_server.address(), &self.mappings, &self.settings.outgoing());
        self.set_connection(TrackerConnection::Connecting { tracker: tracker.address.to_string(), why: None });
        let share_indexer = self.share_indexer.clone();
        // What runs in this program is reached without leaving it.
        let is_own = self.hosting.as_ref().is_some_and(|hosting| hosting.joined_at == tracker);
        let setup = ClientSetup {
            tracker,
            username,
            ports: self.reaching_us.ports(),
            tls: TlsClient::new(&self.identity, Purpose::Tracker),
            store: Arc::clone(&self.store),
            tap: Arc::clone(&self.tap),
            shares: Arc::new(move || share_indexer.shares()),
            tells_local_addresses: self.tells_local_addresses.subscribe(),
            surroundings: self.surroundings.clone(),
            outgoing: if is_own { Outgoing::Direct } else { self.settings.outgoing() },
        };
        self.session.begin(setup, self.cancel.child_token());
        match outcome {
            Some(outcome) => {
                if !is_same {
                    self.tell_who_joins(Err(Failure::Cancelled));
                }
                self.answer(asked, outcome);
            }
            None => {
                self.tell_who_joins(Err(Failure::Cancelled));
                self.moves.awaited = asked.map(|id| AwaitedJoin { id, until: Instant::now() + JOIN_MAX });
            }
        }
    }

    fn leave_off(&mut self) {
        self.moves.here = None;
        self.forget_trials();
        self.session.leave();
        self.set_connection(TrackerConnection::None);
        self.tell_who_joins(Err(Failure::Cancelled));
    }

    /// Tells the one who waits for the tracker's word.
    fn tell_who_joins(&mut self, result: Result<Outcome, Failure>) {
        if let Some(AwaitedJoin { id, .. }) = self.moves.awaited.take() {
            self.answer(Some(id), result);
        }
    }

    /// The tracker has not said its word in time.
    pub(super) fn give_join_up(&mut self) {
        let why = self.why_offline();
        self.tell_who_joins(Err(why));
    }

    /// Closes what the last step has opened when the end came.
    pub(super) async fn close_what_was_opened(&mut self, arrival: Result<Arrival, Failure>) {
        if let Ok(Arrival::Hosted(hosting)) = arrival {
            hosting.stop().await;
        }
    }

    /// The node stops: nothing is begun any more.
    pub(super) fn give_moves_up(&mut self) {
        let moves = std::mem::take(&mut self.moves);
        let wishes = moves.waiting.into_iter().chain(moves.under_way).map(|wish| wish.asked);
        let awaited = moves.awaited.map(|awaited| Some(awaited.id));
        wishes.chain(awaited).for_each(|asked| self.answer(asked, Err(Failure::Cancelled)));
    }

    /// Where other settings lead. We may be elsewhere than the settings before said: where an intent brought us.
    /// Another name or peer port is another registration, wherever we are.
    fn where_settings_say(&self, SettingsChange { before, now }: &SettingsChange, is_elsewhere: bool) -> Option<Move> {
        let here = self.moves.here.clone();
        let wanted = match &now.tracker {
            _ if before.tracker == now.tracker => here.clone(),
            // Who hosts a tracker is there without a setting.
            None if self.hosting.is_some() => here.clone(),
            tracker => tracker.clone(),
        };
        let is_other = before.name != now.name || before.socks5 != now.socks5 || is_elsewhere;
        match wanted {
            Some(tracker) if is_other || !self.is_at(&tracker) => Some(Move::Join(tracker)),
            None if here.is_some() => Some(Move::Leave),
            _ => None,
        }
    }

    /// Whether it is the tracker that we are at, or are on the way to.
    fn is_at(&self, tracker: &TrackerAddress) -> bool {
        let Some(here) = &self.moves.here else { return false };
        let proven = || self.proven_tracker_key();
        here.address == tracker.address && (tracker.key.is_none() || tracker.key == here.key.or_else(proven))
    }

    /// The key of the tracker that we are at, or are on the way to.
    pub(super) fn proven_tracker_key(&self) -> Option<PublicKey> {
        self.session.client().ok().and_then(|client| client.tracker_key())
    }

    /// The link to the tracker that we are at.
    pub(super) fn invite(&self) -> Result<Outcome, Failure> {
        if let Some(hosting) = &self.hosting {
            return Ok(Outcome::Invite(hosting.invite.clone()));
        }
        let client = self.session.client()?;
        let key = client.tracker_key().ok_or_else(|| self.why_offline())?;
        let joined_at = client.network();
        let address = match &self.met_at {
            Some((of, named)) if of == joined_at => joined_at.with_those_of_network(named),
            _ => joined_at.clone(),
        };
        Ok(Outcome::Invite(Invite { address, key, token: None }))
    }

    pub(super) fn own_name(&self) -> Result<Username, Failure> {
        let no_name = || Failure::Refused { code: Code::BadName.into(), text: BadUsername::Length.to_string() };
        self.settings.name.clone().ok_or_else(no_name)
    }

    fn why_offline(&self) -> Failure {
        match &self.connection {
            TrackerConnection::None => Failure::NoTracker,
            TrackerConnection::Refused { why, .. } | TrackerConnection::Connecting { why: Some(why), .. } => {
                why.clone()
            }
            TrackerConnection::Connecting { tracker, why: None } => {
                Failure::Offline { tracker: tracker.clone(), why: AbsenceReason::NotYet }
            }
            TrackerConnection::Online { tracker, .. } => {
                Failure::Offline { tracker: tracker.clone(), why: AbsenceReason::JustLost }
            }
        }
    }

    /// Why we are not at the tracker. The tracker tells in whole minutes since when its owners are asked: what was understood
    /// first stays, so that it is the same every time.
    fn why_away(&mut self, tracker: &str, why: AwayReason) -> Failure {
        let mut why = away(tracker, why);
        match &mut why {
            Failure::AwaitsApproval { since, .. } => {
                let is_same = |known: &SystemTime| {
                    let (earlier, later) = if *known < *since { (*known, *since) } else { (*since, *known) };
                    later.duration_since(earlier).is_ok_and(|apart| apart < Duration::from_secs(120))
                };
                *since = *self.owners_asked_at.insert(self.owners_asked_at.filter(is_same).unwrap_or(*since));
            }
            _ => self.owners_asked_at = None,
        }
        why
    }

    /// Takes what the session says.
    pub(super) fn hear_session(&mut self, event: SessionEvent) {
        let SessionEvent { tracker, event } = event;
        match event {
            ClientEvent::Connecting(why) => {
                let why = why.map(|why| self.why_away(&tracker, why));
                self.forget_trials();
                self.set_connection(TrackerConnection::Connecting { tracker, why });
            }
            ClientEvent::Online { network, message_of_the_day } => {
                // What ended the session before may have been the router, which has forgotten us then.
                self.port_mapper.doubt();
                self.owners_asked_at = None;
                self.set_connection(TrackerConnection::Online { tracker, network, message_of_the_day });
                self.tell_who_joins(Ok(Outcome::Done));
                self.warn_of_changed_keys();
            }
            ClientEvent::Refused(why) => {
                let why = self.why_away(&tracker, why);
                self.set_connection(TrackerConnection::Refused { tracker, why: why.clone() });
                self.tell_who_joins(Err(why));
            }
            ClientEvent::Joined(user) => {
                if self.session.client().is_ok_and(|client| known_users::is_changed(&client, &user)) {
                    self.warn_of(&user);
                }
                self.outbox.push(NodeEvent::Joined { user, at: std::time::SystemTime::now() });
            }
            ClientEvent::Left(user) => self.outbox.push(NodeEvent::Left(user)),
            ClientEvent::Shared(file) => self.outbox.push(NodeEvent::Shared(file)),
            ClientEvent::Unshared(user, path) => self.outbox.push(NodeEvent::Unshared { user, path }),
            ClientEvent::Changed(user) => self.outbox.push(NodeEvent::UserChanged(user)),
            ClientEvent::AskedToDial(notice) => {
                self.was_not_reached();
                self.dial_back(&notice);
            }
            ClientEvent::Trial { by, event } => self.hear_trial(by, event),
            ClientEvent::Role(role) => self.outbox.push(NodeEvent::Role(role)),
            ClientEvent::Trackers(named) => {
                self.met_at = self.session.client().ok().map(|client| (client.network().clone(), named));
                self.outbox.push(NodeEvent::InviteChanged);
            }
            ClientEvent::Partial(partial) => self.outbox.push(NodeEvent::Partial(partial)),
            ClientEvent::Waiting(user) => self.outbox.push(NodeEvent::AsksToComeIn(user)),
            ClientEvent::Broadcast(by, text) => self.outbox.push(NodeEvent::Broadcast { by, text }),
            ClientEvent::Resync => {
                self.warn_of_changed_keys();
                self.outbox.push(NodeEvent::Resync);
            }
        }
    }

    /// The list of those who are here is new.
    fn warn_of_changed_keys(&mut self) {
        let Ok(client) = self.session.client() else { return };
        known_users::changed(&client).iter().for_each(|user| self.warn_of(user));
    }

    /// Says once that somebody is another key than we know.
    fn warn_of(&mut self, user: &UserLine) {
        if self.warned_of.insert(user.username.folded()) {
            self.outbox.push(NodeEvent::Warning(Warning::UserKeyChanged { user: user.username.clone() }));
        }
    }

    /// Meets whoever cannot dial us, if our tracker may send us there at all.
    fn dial_back(&self, notice: &ConnectNotice) {
        let Ok(client) = self.session.client() else { return };
        let address = notice.address.filter(|address| client.people().may_be_peer(*address)).zip(notice.back);
        let meeting = self.settings.may_punch().then(|| tracker_directory::meeting(&client, notice.ticket));
        let at_home = notice.back.into_iter().flat_map(|back| notice.lan.iter().map(move |at| (*at, back))).collect();
        let uses_relay = self.settings.use_relay && notice.relay == RelayOffer::Open;
        let relay = uses_relay.then(|| tracker_directory::relay_place(&client, notice.ticket));
        self.peer_server.dial_back(DialBack { address, at_home, meeting, relay });
    }

    fn set_connection(&mut self, now: TrackerConnection) {
        if self.connection != now {
            self.connection.clone_from(&now);
            self.outbox.push(NodeEvent::Connection(now));
        }
        self.say_nearby();
    }
}

/// Serves peers at another place from now on; whether it is another one.
async fn listen_at(peer_server: &PeerServer, store: &Store, at: SocketAddr) -> Result<bool, Failure> {
    let before = peer_server.address();
    let moved = peer_server.move_to(|| starting::listen(store, at)).await;
    moved.map_err(|why| Failure::Internal { what: FailedWork::ListeningAt(at), why: why.to_string().into() })?;
    Ok(peer_server.address() != before)
}
