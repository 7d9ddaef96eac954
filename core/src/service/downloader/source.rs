//! One peer: reaches it, and passes requests to its connection. While the tracker carries that one, a better way is looked
//! for; the connection that comes of it stands beside the old one, which ends after its last answer. So nothing stands
//! still meanwhile, and nothing is asked for twice.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::attempt::AttemptRecord;
use crate::reach::upgrade::Upgrades;
use crate::service::downloader::link::{DownloadResources, Order, PeerLink};
use crate::service::downloader::reaching::{self, NotReached, Reached, Wanted, ready};
use crate::service::downloader::source_state::{Report, Reporter, Why};
use crate::service::own_thread;
use crate::transfer::Contact;
use crate::transfer::source::Ask;

/// How often it is looked whether a connection that is left has given its last answer.
const LOOK_AT_LEFT_EVERY: Duration = Duration::from_millis(50);

async fn reach(contact: &Contact, wanted: Wanted, around: &DownloadResources) -> Attempted {
    let outgoing = around.outgoing.borrow().clone();
    reaching::reach(contact, wanted, &around.tls, &outgoing, around.directory.as_ref(), &around.arrivals).await
}

/// Connects and works on a thread of its own until told otherwise; then says that it is gone.
pub(super) async fn run(
    contact: Contact,
    wanted: Wanted,
    around: DownloadResources,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
    cancel: CancellationToken,
) {
    let user = contact.username.clone();
    let (told, stop) = (reporter.clone(), cancel.child_token());
    let mut leaving = around.outgoing.clone();
    leaving.mark_unchanged();
    let work = move || async move {
        // What goes another way from now on goes no further by this one.
        let ending = async {
            if leaving.changed().await.is_ok() {
                stop.cancel();
            }
            pending::<Why>().await
        };
        tokio::select! {
            why = connect_and_work(&contact, wanted, &around, orders, &told, &stop) => why,
            never = ending => never,
        }
    };
    let why = own_thread::run("download", work).await.unwrap_or_else(Why::Io);
    if !cancel.is_cancelled() {
        tracing::debug!(%user, %why, "a source is gone");
        reporter.send(Report::Down(why)).await;
    }
}

async fn connect_and_work(
    contact: &Contact,
    wanted: Wanted,
    around: &DownloadResources,
    mut orders: mpsc::Receiver<Order>,
    reporter: &Reporter,
    cancel: &CancellationToken,
) -> Why {
    let reaching = reach(contact, wanted, around);
    let Some((reached, attempt)) = cancel.run_until_cancelled(reaching).await else { return Why::Closed };
    let tried = attempt.told();
    reporter.send(Report::Attempted(attempt)).await;
    let reached = match reached {
        Ok(reached) => reached,
        Err(NotReached { error, relay }) => return relay.map_or(Why::Io(error), Why::NoWay),
    };
    reporter.send(Report::Up(reached.1)).await;
    let link = PeerLink::new(reached, around, reporter);
    if let Err(why) = link.give(Order::Tell(tried)) {
        return why;
    }
    let mut links = Links::new(link, reporter);
    let why = links.work(contact, around, &mut orders, cancel).await;
    links.finish(why).await
}

/// What came of trying to reach a peer, and what was tried.
type Attempted = (Result<Reached, NotReached>, AttemptRecord);
/// A better way is looked for.
type Looking<'a> = Pin<Box<dyn Future<Output = Attempted> + 'a>>;

/// The connection to a peer, and perhaps the one before.
struct Links<'a> {
    current: PeerLink<'a>,
    /// It gets no requests any more, and ends after its last answer.
    left: Option<PeerLink<'a>>,
    upgrades: Upgrades,
    reporter: &'a Reporter,
}

impl<'a> Links<'a> {
    fn new(only: PeerLink<'a>, reporter: &'a Reporter) -> Self {
        let upgrades = Upgrades::new(only.way, now());
        Self { current: only, left: None, upgrades, reporter }
    }

    /// Until there is no connection any more; says why.
    async fn work(
        &mut self,
        contact: &Contact,
        around: &'a DownloadResources,
        orders: &mut mpsc::Receiver<Order>,
        cancel: &CancellationToken,
    ) -> Why {
        let mut looking: Option<Looking<'_>> = None;
        let mut networks = around.networks.clone();
        networks.mark_unchanged();
        loop {
            // After whatever has happened, not only when nothing happens for a while.
            self.end_left_if_idle();
            let due = self.upgrades.next_deadline().filter(|_| looking.is_none() && self.left.is_none());
            let done = tokio::select! {
                why = self.current.work.as_mut() => self.current_ended(why).await,
                why = left_work(&mut self.left) => self.left_ended(why).await,
                order = orders.recv() => match order {
                    Some(order) => self.give(order),
                    None => Err(Why::Closed),
                },
                (better, attempt) = ready(&mut looking) => {
                    looking = None;
                    let tried = attempt.told();
                    self.reporter.send(Report::Attempted(attempt)).await;
                    match better {
                        Ok(reached) => self.change_to(PeerLink::new(reached, around, self.reporter)).await,
                        Err(NotReached { error, .. }) => tracing::debug!(%error, "no better way yet"),
                    }
                    self.current.give(Order::Tell(tried))
                }
                () = sleep_until(due.unwrap_or_else(now).into()), if due.is_some() => {
                    if self.upgrades.take_due(now()) {
                        looking = Some(Box::pin(reach(contact, Wanted::BetterThanRelayed, around)));
                    }
                    Ok(())
                }
                Ok(()) = networks.changed() => {
                    self.upgrades.network_changed(now());
                    if self.current.is_from_here() { Ok(()) } else { Err(Why::Elsewhere) }
                }
                () = sleep(LOOK_AT_LEFT_EVERY), if self.left.is_some() => Ok(()),
                () = cancel.cancelled() => Err(Why::Closed),
            };
            if let Err(why) = done {
                return why;
            }
        }
    }

    /// New requests go to the new connection, unless that one waits for a slot while the old one may have one.
    fn give(&mut self, order: Order) -> Result<(), Why> {
        match (order, &self.left) {
            (Order::Ask(asks), Some(left)) if self.current.state.place.get().is_some() => left.give(Order::Ask(asks)),
            (Order::Cancel(ids), Some(left)) => {
                left.give(Order::Cancel(ids.clone()))?;
                self.current.give(Order::Cancel(ids))
            }
            (order, _) => self.current.give(order),
        }
    }

    /// A better way is open.
    async fn change_to(&mut self, better: PeerLink<'a>) {
        tracing::debug!(way = better.way.key(), "a better way is open");
        let old = std::mem::replace(&mut self.current, better);
        self.upgrades = Upgrades::new(self.current.way, now());
        // Of two places in the peer's queue neither says what the other does.
        [&old.state, &self.current.state].into_iter().for_each(|state| state.is_mute.set(true));
        self.reporter.send(Report::Way(self.current.way)).await;
        self.left = Some(old);
    }

    fn end_left_if_idle(&self) {
        let Some(left) = &self.left else { return };
        if left.is_idle() && self.current.state.place.get().is_none() {
            left.stop();
        }
    }

    /// The old connection has ended; what it still owed is asked for anew.
    async fn left_ended(&mut self, why: Why) -> Result<(), Why> {
        let Some(left) = self.left.take().filter(|_| !why.is_fault()) else { return Err(why) };
        self.ask_again(left.owed())?;
        self.speak().await;
        Ok(())
    }

    /// The connection has ended; the old one goes on, if it is there.
    async fn current_ended(&mut self, why: Why) -> Result<(), Why> {
        let Some(left) = self.left.take().filter(|_| !why.is_fault()) else { return Err(why) };
        let ended = std::mem::replace(&mut self.current, left);
        self.upgrades = Upgrades::new(self.current.way, now());
        self.reporter.send(Report::Way(self.current.way())).await;
        self.ask_again(ended.owed())?;
        self.speak().await;
        Ok(())
    }

    fn ask_again(&self, asks: Vec<Ask>) -> Result<(), Why> {
        if asks.is_empty() { Ok(()) } else { self.current.give(Order::Ask(asks)) }
    }

    /// From now on the only connection says where we stand.
    async fn speak(&self) {
        self.current.state.is_mute.set(false);
        let place = self.current.state.place.get();
        self.reporter.send(place.map_or(Report::Granted, Report::Queued)).await;
    }

    /// Ends them; what has come is told. Says why they end: for this, or for what a peer was found to have done meanwhile.
    async fn finish(self, mut why: Why) -> Why {
        for link in std::iter::once(self.current).chain(self.left).filter(|link| !link.has_ended()) {
            link.stop();
            let last = link.work.await;
            if last.is_fault() && !why.is_fault() {
                why = last;
            }
        }
        why
    }
}

async fn left_work(left: &mut Option<PeerLink<'_>>) -> Why {
    match left {
        Some(left) => left.work.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
