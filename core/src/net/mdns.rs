//! DNS-SD over multicast DNS (RFC 6762, RFC 6763): what is said and heard in the local network.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use mdns_sd::{Receiver, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio::time::timeout;

/// How long its thread may take to answer.
const RESPONDER_ANSWER_MAX: Duration = Duration::from_millis(500);

/// A responder on all networks of this computer, with a thread of its own. Dropping it ends it.
pub struct Responder(ServiceDaemon);

/// A service that is looked for.
pub struct ServiceBrowse(Receiver<ServiceEvent>);

/// What is heard of services. Nobody has proven anything of it.
#[derive(Debug)]
pub enum ServiceHeard {
    /// It is here, or at another place.
    Here(ServiceHere),
    /// It has gone, or its time has run out.
    Gone(String),
}

/// A service that says that it is here.
#[derive(Debug)]
pub struct ServiceHere {
    /// Its whole name.
    pub name: String,
    /// Where it is.
    pub addresses: Vec<IpAddr>,
    /// The port that it listens at.
    pub port: u16,
    /// What it says besides: names and values.
    pub texts: Vec<(String, Vec<u8>)>,
}

/// What is said of a service of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its kind, as in `_potok._tcp.local.`.
    pub kind: &'static str,
    /// Its name among those of its kind, of which there is no other in the network. The name of a computer in DNS is made of
    /// it too, so that its own is told to nobody.
    pub instance: String,
    /// The port that it listens at.
    pub port: u16,
    /// Where it is; none: every address of this computer.
    pub address: Option<IpAddr>,
    /// What it says besides.
    pub texts: Vec<(&'static str, String)>,
}

impl Responder {
    /// Starts one. That there is a network, or that it lets multicast through, is not needed.
    pub fn start() -> io::Result<Self> {
        ServiceDaemon::new().map(Self).map_err(io::Error::other)
    }

    /// Looks for services of a kind from now on.
    pub fn browse(&self, kind: &str) -> io::Result<ServiceBrowse> {
        self.0.browse(kind).map(ServiceBrowse).map_err(io::Error::other)
    }

    /// Says from now on that a service is here; the name under which it is taken back. Said again, it replaces what was said.
    pub fn announce(&self, what: &Announcement) -> io::Result<String> {
        let Announcement { kind, instance, port, address, texts } = what;
        let addresses: Vec<IpAddr> = address.iter().copied().collect();
        let host = format!("potok-{instance}.local.");
        let service = ServiceInfo::new(kind, instance, &host, &addresses[..], *port, &texts[..]);
        let mut service = service.map_err(io::Error::other)?;
        if addresses.is_empty() {
            service = service.enable_addr_auto();
        }
        let name = service.get_fullname().to_owned();
        self.0.register(service).map_err(io::Error::other)?;
        Ok(name)
    }

    /// Says that a service of ours has gone. Waits a moment until it is said.
    pub async fn take_back(&self, name: &str) {
        if let Ok(said) = self.0.unregister(name) {
            let _late = timeout(RESPONDER_ANSWER_MAX, said.recv_async()).await;
        }
    }

    /// How many records of others are kept in memory; `None`: it does not answer.
    pub async fn records(&self) -> Option<u64> {
        let metrics = self.0.get_metrics().ok()?;
        let metrics = timeout(RESPONDER_ANSWER_MAX, metrics.recv_async()).await.ok()?.ok()?;
        let cached = metrics.iter().filter(|(name, _)| name.starts_with("cached-")).map(|(_, count)| *count);
        u64::try_from(cached.sum::<i64>()).ok()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ended = self.0.shutdown();
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Responder")
    }
}

impl std::fmt::Debug for ServiceBrowse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceBrowse")
    }
}

impl ServiceBrowse {
    /// What is heard next; `None`: the responder has ended, or more was heard than was taken.
    pub async fn next(&self) -> Option<ServiceHeard> {
        loop {
            match self.0.recv_async().await.ok()? {
                ServiceEvent::ServiceResolved(service) => {
                    let texts = service.txt_properties.iter();
                    let texts = texts.map(|text| (text.key().to_owned(), text.val().unwrap_or_default().to_vec()));
                    return Some(ServiceHeard::Here(ServiceHere {
                        texts: texts.collect(),
                        addresses: service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr).collect(),
                        name: service.fullname,
                        port: service.port,
                    }));
                }
                ServiceEvent::ServiceRemoved(_kind, name) => return Some(ServiceHeard::Gone(name)),
                _ => {}
            }
        }
    }
}
