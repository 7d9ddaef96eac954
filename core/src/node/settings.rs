//! What a person may change, as it is written in `config.toml`. Every change takes effect at once.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::invite::TrackerAddress;
use crate::model::limits;
use crate::model::listen;
use crate::model::metering::Metering;
use crate::model::proxy::ProxyAddress;
use crate::model::username::Username;
use crate::net::outgoing::Outgoing;

/// The settings of a client. Everything has a default, so an old or empty file is a valid one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// My name on the tracker; none, written as an empty text: one is made of the system's user name.
    #[serde(with = "text_or_none")]
    pub name: Option<Username>,
    /// The tracker to join, written as `HOST:PORT` or as an invite.
    #[serde(with = "text_or_none")]
    pub tracker: Option<TrackerAddress>,
    /// Where peers reach me; `[::]` is every address of both families. Port 0: chosen at random once and remembered.
    pub listen: SocketAddr,
    /// Where downloads go; empty: the system's download folder.
    pub download_folder: PathBuf,
    /// Whether we dial at the same moment as somebody whom neither of us can dial alone (both are behind routers).
    pub punch: bool,
    /// Routers are asked to let others in to the port of our files (PCP, NAT-PMP, UPnP).
    pub map_port: bool,
    /// Networks and people in the local network are found without an address, and find us (multicast DNS).
    pub local_discovery: bool,
    /// The tracker is told where we are in our own network; it tells those who are in it too.
    pub tell_local_addresses: bool,
    /// Whether somebody who cannot be reached otherwise is reached through the tracker, which cannot read what it carries.
    pub use_relay: bool,
    /// A SOCKS5 proxy through which everything leaves.
    #[serde(with = "text_or_none")]
    pub socks5: Option<ProxyAddress>,
    /// Peers served at the same time.
    pub upload_slots: usize,
    /// Connections of one user that are served at the same time.
    pub upload_slots_per_user: usize,
    /// Bytes a second from this computer in all; 0: no limit.
    pub upload_bytes_per_second: u64,
    /// Bytes a second to this computer in all; 0: no limit.
    pub download_bytes_per_second: u64,
    /// Nothing is fetched or sent over the Internet while the way there is metered, but for downloads that a person lets go on.
    pub pause_while_metered: bool,
    /// Files downloaded at the same time.
    pub downloads_at_once: usize,
    /// A downloaded file gets the time at which its owner changed it last; otherwise that of its download.
    pub keep_times: bool,
    /// A downloaded file may be run if its owner may run it.
    pub keep_executable: bool,
    /// Files hashed at the same time; 0: as many as there are processors.
    pub hash_threads: usize,
    /// Most files that are shared.
    pub shares_max: usize,
    /// Hidden files in a shared folder are not shared.
    pub leave_out_hidden_files: bool,
    /// How often shared folders are compared with the disk, in seconds, besides being watched.
    pub reconcile_seconds: u64,
    /// `en` or `bg`; empty: the system's language.
    pub language: String,
    /// `light` or `dark`; empty: as the system.
    pub theme: String,
    /// Messages of the desktop for downloads that finished or failed while the window is not in front.
    pub notifications: bool,
    /// An icon in the tray, where the desktop has one.
    pub tray: bool,
    /// The tracker is asked which version it is, and a newer one is told of. Nobody else is asked.
    pub tell_newer_version: bool,
    /// What closing the window does: `keep` (Potok runs on without it) or `quit`; empty: it asks while something runs.
    pub when_closed: String,
    /// The window hosts the embedded tracker here, if it does.
    #[serde(with = "text_or_none")]
    pub host_tracker: Option<SocketAddr>,
    /// The embedded tracker carries the bytes of those who cannot reach each other otherwise.
    pub host_relay: bool,
    /// Bytes a second that it carries in all.
    pub host_relay_bytes_per_second: u64,
    /// Bytes that it carries for one user in 24 hours.
    pub host_relay_bytes_per_user_day: u64,
    /// What the embedded tracker calls its network.
    pub network_name: String,
    /// The embedded tracker's message of the day.
    pub message_of_the_day: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            tracker: None,
            listen: listen::everywhere(0),
            download_folder: PathBuf::new(),
            punch: true,
            map_port: true,
            local_discovery: true,
            tell_local_addresses: true,
            use_relay: true,
            socks5: None,
            upload_slots: limits::UPLOAD_SLOTS,
            upload_slots_per_user: limits::UPLOAD_SLOTS_PER_USER,
            upload_bytes_per_second: 0,
            download_bytes_per_second: 0,
            // Two computers that meet in the network of a telephone pay for nothing of what they exchange.
            pause_while_metered: false,
            downloads_at_once: 4,
            keep_times: true,
            keep_executable: false,
            hash_threads: 0,
            shares_max: limits::SHARES_PER_USER_MAX,
            leave_out_hidden_files: false,
            reconcile_seconds: 600,
            language: String::new(),
            theme: String::new(),
            notifications: true,
            tray: true,
            tell_newer_version: false,
            when_closed: String::new(),
            host_tracker: None,
            host_relay: false,
            host_relay_bytes_per_second: limits::RELAY_BYTES_PER_SECOND,
            host_relay_bytes_per_user_day: limits::RELAY_BYTES_PER_USER_DAY,
            network_name: "Potok".to_owned(),
            message_of_the_day: String::new(),
        }
    }
}

impl Settings {
    /// How connections leave.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing::of(self.socks5.as_ref())
    }

    /// Where the peer server listens. Who goes through a proxy is reached by this computer alone (a hidden service of Tor's,
    /// say): it proves our key to whoever comes, who would know then who is at this address.
    pub fn serves_at(&self) -> SocketAddr {
        match self.socks5 {
            Some(_) if !self.listen.ip().to_canonical().is_loopback() => listen::this_computer(self.listen.port()),
            _ => self.listen,
        }
    }

    /// Whether others are dialled at the same moment as they dial us: no proxy can do that.
    pub fn may_punch(&self) -> bool {
        self.punch && self.socks5.is_none()
    }

    /// Whether routers are asked to let others in. Who goes through a proxy does not want them.
    pub fn maps_port(&self) -> bool {
        self.map_port && self.socks5.is_none()
    }

    /// Whether the tracker is told where we are in our own network. Who goes through a proxy does not want it known.
    pub fn tells_local_addresses(&self) -> bool {
        self.tell_local_addresses && self.socks5.is_none()
    }

    /// Whether transfers rest.
    pub fn rests_while(&self, metering: Metering) -> bool {
        self.pause_while_metered && metering == Metering::Metered
    }

    /// Whether anything is said or heard in the local network; see [`Settings::tells_local_addresses`].
    pub fn discovers(&self) -> bool {
        self.local_discovery && self.socks5.is_none()
    }

    /// What an earlier version wrote as its default, and nobody chose, is today's default.
    pub fn as_meant(mut self) -> Self {
        self.listen = listen::as_meant(self.listen, 0);
        self.host_tracker = self.host_tracker.map(|at| listen::as_meant(at, limits::TRACKER_PORT));
        self
    }
}

/// A value that is a text in the file; an empty text is none.
mod text_or_none {
    use std::borrow::Cow;
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_str(""),
        }
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Cow::<'de, str>::deserialize(from)?;
        match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_through_a_proxy_listens_to_this_computer_alone() {
        for (listen, proxied) in [
            ("[::]:0", "127.0.0.1:0"),
            ("0.0.0.0:4001", "127.0.0.1:4001"),
            ("192.168.1.2:4001", "127.0.0.1:4001"),
            ("[::1]:4001", "[::1]:4001"),
            ("127.0.0.2:4001", "127.0.0.2:4001"),
        ] {
            let mut settings = Settings { listen: listen.parse().expect(listen), ..Settings::default() };
            assert_eq!(settings.serves_at(), settings.listen);
            settings.socks5 = Some("127.0.0.1:9050".parse().expect("a proxy"));
            assert_eq!(settings.serves_at().to_string(), proxied, "{listen}");
        }
    }
}
