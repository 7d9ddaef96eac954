//! How connections leave this computer: as they are, or all of them through a proxy (SOCKS5, RFC 1928), which looks names
//! up as well. Nothing else dials: whoever wants a connection asks here, so a proxy cannot be gone past.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{IntoTargetAddr, TargetAddr};

use crate::model::invite::HostPort;
use crate::model::proxy::{ProxyAddress, ProxyFault};
use crate::net::dial;

/// A proxy goes long ways: each step has so many times as long as without.
const PROXY_PATIENCE: u32 = 4;
/// Stands for an address in the world that we do not know (RFC 7600): that of a host whose name the proxy looks up.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

/// How connections leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outgoing {
    /// As the system sends them.
    #[default]
    Direct,
    /// Through this proxy and no other way.
    Proxied(ProxyAddress),
}

/// Why a proxy made no connection.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It cannot be reached itself.
    #[error("the proxy {proxy} cannot be reached: {why}")]
    Away {
        /// Where it is to be.
        proxy: String,
        /// The system's reason.
        why: io::Error,
    },
    /// It says that it cannot connect, or will not.
    #[error("the proxy {proxy} does not connect: {why}")]
    Refused {
        /// Where it is.
        proxy: String,
        /// What it says of it.
        why: ProxyFault,
    },
}

impl Outgoing {
    /// As a setting says it.
    pub fn of(proxy: Option<&ProxyAddress>) -> Self {
        proxy.map_or(Self::Direct, |proxy| Self::Proxied(proxy.clone()))
    }

    /// Whether there is a proxy: then nobody can dial us, and nothing is said of us in the local network.
    pub fn is_proxied(&self) -> bool {
        matches!(self, Self::Proxied(_))
    }

    /// How long something may take that usually takes so long.
    pub fn patience(&self, usual: Duration) -> Duration {
        if self.is_proxied() { usual * PROXY_PATIENCE } else { usual }
    }

    /// Connects to a host: without a proxy to whichever of its addresses answers first, each of which has so long.
    pub async fn host(&self, to: &HostPort, each: Duration) -> io::Result<TcpStream> {
        match self {
            Self::Direct => dial::host(to, each).await,
            Self::Proxied(proxy) => {
                let target = match to.host().parse::<IpAddr>() {
                    Ok(ip) => TargetAddr::Ip(SocketAddr::new(ip, to.port())),
                    Err(_name) => TargetAddr::Domain(to.host().into(), to.port()),
                };
                through(proxy, target, self.patience(each)).await
            }
        }
    }

    /// Connects to one address in time.
    pub async fn address(&self, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        match self {
            Self::Direct => dial::address(to, within).await,
            Self::Proxied(proxy) => through(proxy, to, self.patience(within)).await,
        }
    }

    /// Every address that a host has; none can be known behind a proxy.
    pub async fn addresses_of(&self, host: &HostPort, within: Duration) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Direct => dial::addresses_of(host, within).await,
            Self::Proxied(_) => Ok(Vec::new()),
        }
    }

    /// Where a host was reached by a connection. Behind a proxy that is one in the world, unless its address was asked for.
    pub fn reached(&self, host: &HostPort, by: &TcpStream) -> io::Result<SocketAddr> {
        match self {
            Self::Direct => by.peer_addr(),
            Self::Proxied(_) => Ok(SocketAddr::new(host.host().parse().unwrap_or(SOMEWHERE), host.port())),
        }
    }
}

async fn through<'t>(proxy: &ProxyAddress, to: impl IntoTargetAddr<'t>, within: Duration) -> io::Result<TcpStream> {
    let name = || proxy.at.to_string();
    let socket = dial::host(&proxy.at, within).await;
    let socket = socket.map_err(|why| io::Error::new(why.kind(), ProxyError::Away { proxy: name(), why }))?;
    let connecting = async {
        match &proxy.login {
            Some(login) => {
                Socks5Stream::connect_with_password_and_socket(socket, to, &login.user, &login.password).await
            }
            None => Socks5Stream::connect_with_socket(socket, to).await,
        }
    };
    let refused = |why| io::Error::other(ProxyError::Refused { proxy: name(), why });
    let connected = timeout(within, connecting).await.map_err(|_elapsed| refused(ProxyFault::Silent))?;
    Ok(connected.map_err(|why| refused(fault_of(&why)))?.into_inner())
}

fn fault_of(error: &tokio_socks::Error) -> ProxyFault {
    use tokio_socks::Error as Said;
    match error {
        Said::GeneralSocksServerFailure => ProxyFault::Failed,
        Said::ConnectionNotAllowedByRuleset => ProxyFault::NotAllowed,
        Said::NetworkUnreachable | Said::HostUnreachable | Said::TtlExpired => ProxyFault::NoRoute,
        Said::ConnectionRefused => ProxyFault::NobodyListens,
        Said::NoAcceptableAuthMethods
        | Said::AuthorizationRequired
        | Said::PasswordAuthFailure(_)
        | Said::InvalidAuthValues(_) => ProxyFault::Login,
        Said::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ProxyFault::NotAProxy,
        Said::Io(error) => ProxyFault::Told(error.to_string()),
        // What it says is not said by one that keeps to the protocol.
        _ => ProxyFault::NotAProxy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_says_is_told_by_what_it_means() {
        use tokio_socks::Error as Said;
        for (said, fault) in [
            (Said::GeneralSocksServerFailure, ProxyFault::Failed),
            (Said::ConnectionNotAllowedByRuleset, ProxyFault::NotAllowed),
            (Said::HostUnreachable, ProxyFault::NoRoute),
            (Said::ConnectionRefused, ProxyFault::NobodyListens),
            (Said::PasswordAuthFailure(1), ProxyFault::Login),
            (Said::NoAcceptableAuthMethods, ProxyFault::Login),
            (Said::InvalidResponseVersion, ProxyFault::NotAProxy),
            (Said::Io(io::ErrorKind::UnexpectedEof.into()), ProxyFault::NotAProxy),
            (Said::Io(io::Error::other("x")), ProxyFault::Told("x".into())),
        ] {
            assert_eq!(fault_of(&said), fault);
        }
    }
}
