//! Asks a router to let connections in to one port, by one of three protocols. What it answers is bounded in time and
//! size, and believed only from the router itself.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use crab_nat::{
    GatewayAddress, InternetProtocol, MappingFailure, PortMapping, PortMappingOptions, PortMappingType, TimeoutConfig,
    natpmp, pcp,
};
use igd_next::{
    AddAnyPortError, AddPortError, Gateway, GatewayIpVersion, PortMappingProtocol, SearchOptions, search_gateway,
};
use tokio::time::timeout;

use crate::model::port::PeerPort;
use crate::reach::mapping::{MappedPort, MappingProtocol, MappingWish, NoMapping};

/// What is asked of a router that gives leases; it is renewed at half of it. Short: some cannot be taken back.
const PCP_LASTS: Duration = Duration::from_secs(20 * 60);
/// The same by UPnP, where renewing is slower.
const IGD_LASTS: Duration = Duration::from_secs(3600);
/// A datagram is sent three times, within this and twice this and four times this.
const DATAGRAM_TIMES: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 2,
    max_retry_timeout: Some(Duration::from_secs(1)),
};
/// The whole of a request by datagrams, whatever comes in between.
const DATAGRAMS_MAX: Duration = Duration::from_secs(3);
/// Finding the router by UPnP, its two documents included.
const IGD_SEARCH_MAX: Duration = Duration::from_secs(3);
/// The questions to it, all together; a thread may wait longer for one that nobody waits for any more.
const IGD_ANSWERS_MAX: Duration = Duration::from_secs(6);
/// Where a router listens for being searched.
const SSDP_PORT: u16 = 1900;
/// What a router shows of the mapping to its owner.
const DESCRIPTION: &str = "Potok";

/// The mapping that a router has for us, if it has one.
#[derive(Debug, Default)]
pub struct RouterMapping {
    held: Option<HeldMapping>,
}

#[derive(Debug)]
enum HeldMapping {
    /// By PCP or NAT-PMP.
    Datagrams(PortMapping),
    Igd {
        gateway: Gateway,
        external: u16,
        own: SocketAddr,
    },
}

impl RouterMapping {
    /// Asks for a mapping, or for the one that is held once more. It ends by itself.
    ///
    /// # Errors
    ///
    /// Nothing is mapped, or what is was not renewed and lapses.
    pub async fn ask(&mut self, by: MappingProtocol, wish: MappingWish) -> Result<MappedPort, NoMapping> {
        let (held, mapped) = match (by, self.held.as_mut()) {
            (_, Some(HeldMapping::Datagrams(mapping))) if by == protocol_of(mapping) => {
                in_time(DATAGRAMS_MAX, mapping.renew()).await?.map_err(|why| no_mapping(&why))?;
                let mapped = mapped_by(mapping, external_address(mapping).await);
                if mapped.is_err() {
                    // What cannot be used is not left open.
                    self.remove(DATAGRAMS_MAX).await;
                }
                return mapped;
            }
            (MappingProtocol::Igd, Some(HeldMapping::Igd { gateway, external, own })) => {
                let (external, own) = (*external, *own);
                match blocking(gateway.clone(), move |gateway| renew_igd(gateway, external, own)).await {
                    // A router that has started anew may take questions at another port than before.
                    Err(_) => by_igd(wish).await?,
                    renewed => return renewed,
                }
            }
            (MappingProtocol::Pcp, _) => by_pcp(wish).await?,
            (MappingProtocol::NatPmp, _) => by_nat_pmp(wish).await?,
            (MappingProtocol::Igd, _) => by_igd(wish).await?,
        };
        self.held = Some(held);
        Ok(mapped)
    }

    /// Gives the mapping back, if there is one. What comes of that changes nothing.
    pub async fn remove(&mut self, within: Duration) {
        let removed = match self.held.take() {
            None => return,
            Some(HeldMapping::Datagrams(mapping)) => give_back(mapping, within).await,
            Some(HeldMapping::Igd { gateway, external, .. }) => {
                let remove = move |gateway: &Gateway| gateway.remove_port(PortMappingProtocol::TCP, external).is_ok();
                timeout(within, tokio::task::spawn_blocking(move || remove(&gateway)))
                    .await
                    .is_ok_and(|r| r.unwrap_or(false))
            }
        };
        if !removed {
            tracing::debug!("the router has not taken the mapping back; it lapses");
        }
    }
}

async fn by_pcp(wish: MappingWish) -> Result<(HeldMapping, MappedPort), NoMapping> {
    let internal = NonZeroU16::new(wish.port.get()).ok_or(NoMapping::Rubbish)?;
    let request = pcp::BaseMapRequest::new(gateway_of(wish.router), wish.own, InternetProtocol::Tcp, internal);
    let asked = pcp::port_mapping(request, None, None, options(internal));
    held_if_usable(in_time(DATAGRAMS_MAX, asked).await?.map_err(|why| no_mapping(&why.into()))?).await
}

async fn by_nat_pmp(wish: MappingWish) -> Result<(HeldMapping, MappedPort), NoMapping> {
    let internal = NonZeroU16::new(wish.port.get()).ok_or(NoMapping::Rubbish)?;
    let asked = natpmp::port_mapping(gateway_of(wish.router), InternetProtocol::Tcp, internal, options(internal));
    held_if_usable(in_time(DATAGRAMS_MAX, asked).await?.map_err(|why| no_mapping(&why.into()))?).await
}

/// What a router has mapped; given back if it cannot be used, which is not left open.
async fn held_if_usable(mapping: PortMapping) -> Result<(HeldMapping, MappedPort), NoMapping> {
    match mapped_by(&mapping, external_address(&mapping).await) {
        Ok(mapped) => Ok((HeldMapping::Datagrams(mapping), mapped)),
        Err(why) => {
            give_back(mapping, DATAGRAMS_MAX).await;
            Err(why)
        }
    }
}

/// Whether the router has taken it back, or lets it lapse in a moment.
async fn give_back(mut mapping: PortMapping, within: Duration) -> bool {
    mapping.timeout_config = DATAGRAM_TIMES;
    let giving_back = async move {
        let Err((why, mapping)) = mapping.try_drop().await else { return true };
        let PortMappingType::Pcp { client, nonce, external_ip } = mapping.mapping_type() else { return false };
        if !matches!(why, MappingFailure::Pcp(pcp::Failure::NotAuthorized(_))) {
            return false;
        }
        // Some end no pinhole of IPv6 (miniupnpd 2.3.1), and take a short time for it.
        let request = pcp::BaseMapRequest::new(mapping.gateway(), client, mapping.protocol(), mapping.internal_port());
        let options = PortMappingOptions { lifetime_seconds: Some(1), ..options(mapping.external_port()) };
        pcp::port_mapping(request, Some(nonce), Some(external_ip), options).await.is_ok()
    };
    timeout(within, giving_back).await.unwrap_or(false)
}

/// The router's address on the Internet, as far as it says so. By NAT-PMP that is a question of its own.
async fn external_address(mapping: &PortMapping) -> Option<IpAddr> {
    match mapping.mapping_type() {
        PortMappingType::Pcp { external_ip, .. } => Some(external_ip.to_canonical()),
        PortMappingType::NatPmp => {
            let asked = natpmp::external_address(mapping.gateway(), Some(DATAGRAM_TIMES));
            timeout(DATAGRAMS_MAX, asked).await.ok()?.ok().map(IpAddr::V4)
        }
    }
}

/// A mapping is renewed by the protocol that made it, and by no other.
fn protocol_of(mapping: &PortMapping) -> MappingProtocol {
    match mapping.mapping_type() {
        PortMappingType::NatPmp => MappingProtocol::NatPmp,
        PortMappingType::Pcp { .. } => MappingProtocol::Pcp,
    }
}

fn options(port: NonZeroU16) -> PortMappingOptions {
    PortMappingOptions {
        external_port: Some(port),
        lifetime_seconds: u32::try_from(PCP_LASTS.as_secs()).ok(),
        timeout_config: Some(DATAGRAM_TIMES),
    }
}

fn gateway_of(router: SocketAddr) -> GatewayAddress {
    match router {
        SocketAddr::V4(at) => GatewayAddress::IpV4(*at.ip()),
        SocketAddr::V6(at) => GatewayAddress::IpV6(*at.ip(), Some(at.scope_id()).filter(|scope| *scope != 0)),
    }
}

fn mapped_by(mapping: &PortMapping, address: Option<IpAddr>) -> Result<MappedPort, NoMapping> {
    let address = address.filter(|address| !address.is_unspecified());
    let lasts = Duration::from_secs(mapping.lifetime().max(1).into());
    Ok(MappedPort { address, port: port(mapping.external_port().get())?, lasts })
}

/// A port below 1024 is nothing that others may be sent to.
fn port(port: u16) -> Result<PeerPort, NoMapping> {
    PeerPort::new(port).map_err(|_low| NoMapping::Rubbish)
}

fn no_mapping(why: &MappingFailure) -> NoMapping {
    match why {
        // The system says so of a router at which nothing listens.
        MappingFailure::Pcp(pcp::Failure::Socket(_) | pcp::Failure::Timeout)
        | MappingFailure::NatPmp(natpmp::Failure::Socket(_) | natpmp::Failure::Timeout) => NoMapping::NoAnswer,
        MappingFailure::Pcp(pcp::Failure::InvalidResponse(_) | pcp::Failure::Nonce)
        | MappingFailure::NatPmp(natpmp::Failure::InvalidResponse(_)) => NoMapping::Rubbish,
        MappingFailure::Pcp(_) | MappingFailure::NatPmp(_) => NoMapping::Refused,
    }
}

async fn by_igd(wish: MappingWish) -> Result<(HeldMapping, MappedPort), NoMapping> {
    let gateway = find_igd(wish).await?;
    let own = SocketAddr::new(wish.own, wish.port.get());
    let mapped = blocking(gateway.clone(), move |gateway| add_igd(gateway, own)).await?;
    Ok((HeldMapping::Igd { gateway, external: mapped.port.get(), own }, mapped))
}

/// Searches for the router at its own address and by asking around; another device that answers is not believed. What it
/// says of itself is read from that address only, as the library sees to: no name, no other host, no redirection.
async fn find_igd(wish: MappingWish) -> Result<Gateway, NoMapping> {
    let around = SearchOptions::default().broadcast_address;
    let search = |to: SocketAddr| {
        let mut options = SearchOptions::default();
        options.bind_addr = SocketAddr::new(wish.own, 0);
        options.broadcast_address = to;
        options.timeout = Some(IGD_SEARCH_MAX);
        options.single_search_timeout = Some(IGD_SEARCH_MAX);
        options.gateway_ip_version = GatewayIpVersion::V4;
        // And from nowhere else, whoever says so.
        options.allowed_gateway_ips = vec![wish.router.ip()];
        async move {
            let found = timeout(IGD_SEARCH_MAX, tokio::task::spawn_blocking(move || search_gateway(options))).await;
            let found = found.map_err(|_late| NoMapping::NoAnswer)?.map_err(|_panic| NoMapping::Rubbish)?;
            let gateway = found.map_err(|_no_answer| NoMapping::NoAnswer)?;
            if gateway.addr.ip() == wish.router.ip() { Ok(gateway) } else { Err(NoMapping::Rubbish) }
        }
    };
    let (itself, around) = (search(SocketAddr::new(wish.router.ip(), SSDP_PORT)), search(around));
    tokio::pin!(itself, around);
    tokio::select! {
        found = &mut itself => match found {
            Ok(gateway) => Ok(gateway),
            Err(_) => around.await,
        },
        found = &mut around => match found {
            Ok(gateway) => Ok(gateway),
            Err(_) => itself.await,
        },
    }
}

/// Asks a router on a thread that may wait for it.
async fn blocking<T: Send + 'static>(
    gateway: Gateway,
    ask: impl FnOnce(&Gateway) -> Result<T, NoMapping> + Send + 'static,
) -> Result<T, NoMapping> {
    let asked = in_time(IGD_ANSWERS_MAX, tokio::task::spawn_blocking(move || ask(&gateway))).await?;
    asked.unwrap_or(Err(NoMapping::Rubbish))
}

fn add_igd(gateway: &Gateway, own: SocketAddr) -> Result<MappedPort, NoMapping> {
    let (external, lasts) = match add_port(gateway, own.port(), own) {
        Ok(lasts) => (own.port(), lasts),
        // Somebody else in this home has it.
        Err(AddPortError::PortInUse) => {
            let add = |lasts| gateway.add_any_port(PortMappingProtocol::TCP, own, seconds(lasts), DESCRIPTION);
            let any = match add(IGD_LASTS) {
                Err(AddAnyPortError::OnlyPermanentLeasesSupported) => {
                    add(Duration::ZERO).map(|at| (at, Duration::ZERO))
                }
                other => other.map(|at| (at, IGD_LASTS)),
            };
            any.map_err(|_refused| NoMapping::Refused)?
        }
        Err(why) => return Err(no_igd_mapping(&why)),
    };
    let port = port(external).inspect_err(|_low| {
        // What cannot be used is not left open. What comes of that changes nothing.
        let _removed = gateway.remove_port(PortMappingProtocol::TCP, external);
    })?;
    Ok(MappedPort { address: gateway.get_external_ip().ok(), port, lasts })
}

fn renew_igd(gateway: &Gateway, external: u16, own: SocketAddr) -> Result<MappedPort, NoMapping> {
    let lasts = add_port(gateway, external, own).map_err(|why| no_igd_mapping(&why))?;
    Ok(MappedPort { address: gateway.get_external_ip().ok(), port: port(external)?, lasts })
}

/// For how long the port is open; zero is for ever.
fn add_port(gateway: &Gateway, external: u16, own: SocketAddr) -> Result<Duration, AddPortError> {
    let add = |lasts: Duration| {
        gateway.add_port(PortMappingProtocol::TCP, external, own, seconds(lasts), DESCRIPTION).map(|()| lasts)
    };
    match add(IGD_LASTS) {
        // Error 725: it knows no leases.
        Err(AddPortError::OnlyPermanentLeasesSupported) => add(Duration::ZERO),
        other => other,
    }
}

fn no_igd_mapping(why: &AddPortError) -> NoMapping {
    match why {
        AddPortError::RequestError(igd_next::RequestError::ErrorCode(..)) => NoMapping::Refused,
        AddPortError::RequestError(igd_next::RequestError::InvalidResponse(_)) => NoMapping::Rubbish,
        AddPortError::RequestError(_) => NoMapping::NoAnswer,
        _ => NoMapping::Refused,
    }
}

fn seconds(lasts: Duration) -> u32 {
    u32::try_from(lasts.as_secs()).unwrap_or(u32::MAX)
}

async fn in_time<T>(within: Duration, asked: impl Future<Output = T>) -> Result<T, NoMapping> {
    timeout(within, asked).await.map_err(|_late| NoMapping::NoAnswer)
}

#[cfg(all(test, target_os = "linux"))]
mod evil_igd;
#[cfg(all(test, target_os = "linux"))]
mod tests;
