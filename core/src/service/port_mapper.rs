//! Keeps the router open for us: carries out what the machines of both families want of the routers that there are, and gives
//! everything back in the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::address_family::AddressFamily;
use crate::model::port::PeerPort;
use crate::net::port_mapping::RouterMapping;
use crate::reach::mapper::Mapper;
use crate::reach::mapping::{MappedPort, MappingProtocol, MappingState, MappingStep, MappingWish, NoMapping};
use crate::service::surroundings::Surroundings;

/// What is under way at the end may take so long, and then giving back what there is.
const LAST_STEP_MAX: Duration = Duration::from_millis(500);
const REMOVE_AT_END_MAX: Duration = Duration::from_millis(1000);
/// Giving a mapping back while we go on.
const REMOVE_MAX: Duration = Duration::from_secs(2);

/// What is to be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortWish {
    /// The port of our peer server, if it listens by IPv4 and others are to reach it.
    pub ipv4: Option<PeerPort>,
    /// The same by IPv6.
    pub ipv6: Option<PeerPort>,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mappings {
    /// By IPv4: a port of the router's is ours.
    pub ipv4: MappingState,
    /// By IPv6: the router lets connections to our own address through.
    pub ipv6: MappingState,
    /// Counts up when a router has promised again what was in doubt.
    pub confirmed: u32,
}

impl Mappings {
    /// How it stands by one family.
    pub fn by(&self, family: AddressFamily) -> MappingState {
        match family {
            AddressFamily::Ipv4 => self.ipv4,
            AddressFamily::Ipv6 => self.ipv6,
        }
    }
}

/// A running mapper: tell it what is wanted, and look at what it has.
#[derive(Debug)]
pub struct PortMapper {
    wish: watch::Sender<PortWish>,
    states: watch::Receiver<Mappings>,
    woken: Arc<Notify>,
    doubted: Arc<Notify>,
}

impl PortMapper {
    /// Starts the task. When `cancel` is cancelled it gives back what it has, which takes at most a second and a half.
    pub fn start(surroundings: watch::Receiver<Surroundings>, cancel: CancellationToken) -> (Self, JoinHandle<()>) {
        let wish = watch::Sender::new(PortWish::default());
        let (states, seen) = watch::channel(Mappings::default());
        let (woken, doubted) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let task = MapperTask {
            wish: wish.subscribe(),
            states,
            woken: Arc::clone(&woken),
            doubted: Arc::clone(&doubted),
            mappers: [Mapper::new(MappingProtocol::OF_IPV4), Mapper::new(MappingProtocol::OF_IPV6)],
            routers: [Some(RouterMapping::default()), Some(RouterMapping::default())],
            running: JoinSet::new(),
            surroundings,
        };
        let running = tokio::spawn(task.run(cancel));
        (Self { wish, states: seen, woken, doubted }, running)
    }

    /// What is to be mapped from now on.
    pub fn want(&self, wish: PortWish) {
        self.wish.send_if_modified(|before| std::mem::replace(before, wish) != wish);
    }

    /// The computer was asleep.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// There is a sign that a router has forgotten what it promised.
    pub fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// How it stands, now and later.
    pub fn states(&self) -> watch::Receiver<Mappings> {
        self.states.clone()
    }
}

struct MapperTask {
    wish: watch::Receiver<PortWish>,
    states: watch::Sender<Mappings>,
    woken: Arc<Notify>,
    doubted: Arc<Notify>,
    mappers: [Mapper; 2],
    /// What each router has for us; none while it is being asked.
    routers: [Option<RouterMapping>; 2],
    running: JoinSet<Ended>,
    surroundings: watch::Receiver<Surroundings>,
}

/// A step that was carried out.
struct Ended {
    family: usize,
    router: RouterMapping,
    /// What came of asking; nothing of removing.
    asked: Option<Result<MappedPort, NoMapping>>,
}

impl MapperTask {
    async fn run(mut self, cancel: CancellationToken) {
        loop {
            self.carry_out();
            self.tell();
            let due = self.mappers.iter().filter_map(Mapper::next_deadline).min();
            tokio::select! {
                () = cancel.cancelled() => break,
                Ok(()) = self.wish.changed() => self.look(),
                Ok(()) = self.surroundings.changed() => self.look(),
                () = self.woken.notified() => self.mappers.iter_mut().for_each(|mapper| mapper.wake(now())),
                () = self.doubted.notified() => self.mappers.iter_mut().for_each(|mapper| mapper.doubt(now())),
                Some(ended) = self.running.join_next() => self.ended(ended),
                () = sleep_until(due.unwrap_or_else(now).into()), if due.is_some() => {}
            }
        }
        self.give_back().await;
    }

    fn carry_out(&mut self) {
        for (family, mapper) in self.mappers.iter_mut().enumerate() {
            // It waits for the one that is being asked.
            if self.routers[family].is_none() {
                continue;
            }
            let Some(step) = mapper.next_step(now()) else { continue };
            let Some(mut router) = self.routers[family].take() else { continue };
            self.running.spawn(async move {
                let asked = match step {
                    MappingStep::Map(by, wish) => Some(router.ask(by, wish).await),
                    MappingStep::Remove => {
                        router.remove(REMOVE_MAX).await;
                        None
                    }
                };
                Ended { family, router, asked }
            });
        }
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let Ok(Ended { family, router, asked }) = ended else {
            // What a router sent has made a library panic: whichever it was is asked no more than others.
            for (router, mapper) in self.routers.iter_mut().zip(&mut self.mappers) {
                if router.is_none() {
                    *router = Some(RouterMapping::default());
                    mapper.done(now(), Err(NoMapping::Rubbish));
                    mapper.removed(now());
                }
            }
            return;
        };
        self.routers[family] = Some(router);
        match asked {
            Some(asked) => {
                tracing::debug!(family, ?asked, "a router was asked to let others in");
                self.mappers[family].done(now(), asked);
            }
            None => self.mappers[family].removed(now()),
        }
    }

    /// What is wanted of which router now.
    fn look(&mut self) {
        let wish = *self.wish.borrow_and_update();
        let ways_out = self.surroundings.borrow_and_update().ways_out;
        for ((mapper, way), port) in self.mappers.iter_mut().zip(ways_out).zip([wish.ipv4, wish.ipv6]) {
            let wish = way.zip(port).map(|(way, port)| MappingWish { router: way.router, own: way.own, port });
            mapper.want(now(), wish);
        }
    }

    fn tell(&self) {
        let [ipv4, ipv6] = &self.mappers;
        let confirmed = ipv4.confirmed().wrapping_add(ipv6.confirmed());
        let states = Mappings { ipv4: ipv4.state(), ipv6: ipv6.state(), confirmed };
        self.states.send_if_modified(|before| std::mem::replace(before, states) != states);
    }

    /// Nothing of ours stays behind in a router.
    async fn give_back(mut self) {
        // A mapping that is being made is there before we know it.
        let last = async {
            while let Some(ended) = self.running.join_next().await {
                self.ended(ended);
            }
        };
        if timeout(LAST_STEP_MAX, last).await.is_err() {
            tracing::debug!("a router has not answered before the end");
        }
        let removing = self.routers.iter_mut().flatten().map(|router| router.remove(REMOVE_AT_END_MAX));
        let mut removing = removing.map(Box::pin);
        let (first, second) = (removing.next(), removing.next());
        let both = async move { tokio::join!(optional(first), optional(second)) };
        both.await;
    }
}

async fn optional(future: Option<impl Future<Output = ()>>) {
    if let Some(future) = future {
        future.await;
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
