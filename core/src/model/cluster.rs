//! Several trackers that are one network: where each of them is, and where they keep what they must agree on.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::model::invite::HostPort;
use crate::model::key::PublicKey;

/// One tracker of a cluster, as the others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterTracker {
    /// Where the other trackers link to it. No two trackers of a cluster have the same, so they are told apart by it.
    pub mesh: SocketAddr,
    /// Where people reach it: it stands in invites.
    pub host: HostPort,
    /// The key that it proves. All trackers of a cluster have the same.
    pub key: PublicKey,
    /// Another number at each start of the tracker, always a larger one.
    pub epoch: u64,
}

/// Where a server of etcd listens: `http://HOST:PORT`, or `https://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdUrl {
    /// Whether it is spoken to over TLS.
    pub is_tls: bool,
    /// Where it listens.
    pub address: HostPort,
}

/// A text that names no server of etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected http://HOST:PORT or https://HOST:PORT, for example http://10.0.0.1:2379")]
pub struct BadEtcdUrl;

impl FromStr for EtcdUrl {
    type Err = BadEtcdUrl;

    fn from_str(text: &str) -> Result<Self, BadEtcdUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(BadEtcdUrl)?;
        let is_tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(BadEtcdUrl),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // Without a port another usual one would be meant than that of a tracker.
        let port = rest.rsplit_once(':').ok_or(BadEtcdUrl)?.1;
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadEtcdUrl);
        }
        let address = rest.parse().map_err(|_not_an_address| BadEtcdUrl)?;
        Ok(Self { is_tls, address })
    }
}

impl fmt::Display for EtcdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }
}

crate::model::kept_as_text::kept_as_text!(EtcdUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_etcd_is_read_as_it_is_written() {
        for text in ["http://10.0.0.1:2379", "https://etcd-1.example.org:2379", "http://[::1]:23790"] {
            assert_eq!(text.parse::<EtcdUrl>().expect(text).to_string(), text);
        }
        assert_eq!("http://h:1/".parse::<EtcdUrl>().expect("a slash at the end").to_string(), "http://h:1");
        for bad in
            ["", "10.0.0.1:2379", "http://", "http://h", "http://[::1]", "ftp://h:1", "http://h:0", "http://h:1/x"]
        {
            assert_eq!(bad.parse::<EtcdUrl>(), Err(BadEtcdUrl), "{bad}");
        }
    }
}
