//! Whether settings are right, beyond what their types say.

use std::net::SocketAddr;

use crate::tracker::setting_fault::SettingFault;
use crate::tracker::settings::{BadSetting, OWNERS_MAX, SHARDS_MAX, TrackerSettings, is_line};

/// Shortest word that lets somebody read figures.
const TOKEN_BYTES_MIN: usize = 16;
/// More servers of etcd than these agree more slowly, and no better.
const ETCD_SERVERS_MAX: usize = 16;
/// Most lines of a greeting.
const GREETING_LINES_MAX: usize = 100;
/// Most bans in a configuration: whoever has more of them wants another network.
const CONFIGURED_BANS_MAX: usize = 10_000;

impl TrackerSettings {
    /// Checks what the types cannot.
    pub fn check(&self) -> Result<(), BadSetting> {
        let wrong = |setting, what| Err(BadSetting { setting, what });
        if !is_line(&self.network_name) || self.network_name.is_empty() {
            return wrong("network_name", SettingFault::Line);
        }
        if self.message_of_the_day.len() > GREETING_LINES_MAX || !self.message_of_the_day.iter().all(|l| is_line(l)) {
            return wrong("message_of_the_day", SettingFault::Greeting);
        }
        if !self.observe_token.is_empty()
            && (self.observe_token.len() < TOKEN_BYTES_MIN || !is_line(&self.observe_token))
        {
            return wrong("observe_token", SettingFault::ObserveToken);
        }
        if self.owners.len() > OWNERS_MAX {
            return wrong("owners", SettingFault::TooManyOwners);
        }
        if self.bans.len() > CONFIGURED_BANS_MAX {
            return wrong("bans", SettingFault::TooManyBans);
        }
        if self.shards > SHARDS_MAX {
            return wrong("shards", SettingFault::OutOfRange);
        }
        self.check_cluster()?;
        if self.observe.0.is_some_and(|observe| is_same(observe, self.listen)) {
            return wrong("observe", SettingFault::SameAddress);
        }
        let counts = [
            ("shares_per_user", self.shares_per_user),
            ("path_bytes_per_user", self.path_bytes_per_user),
            ("shares_in_all", self.shares_in_all),
            ("shares_per_address", self.shares_per_address),
            ("path_bytes_per_address", self.path_bytes_per_address),
            ("keyless_shares_per_address", self.keyless_shares_per_address),
            ("keyless_path_bytes_per_address", self.keyless_path_bytes_per_address),
            ("keyless_shares_in_all", self.keyless_shares_in_all),
            ("path_bytes_in_all", self.path_bytes_in_all),
            ("names_per_key", self.names_per_key),
            ("names_in_all", self.names_in_all),
            ("connections_per_address", self.connections_per_address),
            ("connections", self.connections),
            ("handshakes_per_address", self.handshakes_per_address),
            ("handshakes", self.handshakes),
            ("unregistered_sessions", self.unregistered_sessions),
            ("unregistered_lines", self.unregistered_lines),
            ("send_queue_bytes", self.send_queue_bytes),
            ("relays", self.relays),
            ("relays_per_user", self.relays_per_user),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return wrong(setting, SettingFault::Zero);
        }
        let seconds = [
            ("name_lapses_after_days", self.name_lapses_after_days, 100_000),
            ("new_names_per_address", self.new_names_per_address, u64::from(u32::MAX)),
            ("new_names_per_address_per_hour", self.new_names_per_address_per_hour, u64::from(u32::MAX)),
            ("tls_first_command_seconds", self.tls_first_command_seconds, 86_400),
            ("plain_first_command_seconds", self.plain_first_command_seconds, 86_400),
            ("tls_silence_seconds", self.tls_silence_seconds, 30 * 86_400),
            ("plain_silence_seconds", self.plain_silence_seconds, 30 * 86_400),
            ("send_stall_seconds", self.send_stall_seconds, 86_400),
            ("notice_window_milliseconds", self.notice_window_milliseconds, 60_000),
            ("unregistered_answer_bytes", self.unregistered_answer_bytes, 1 << 40),
            ("relay_bytes_per_second", self.relay_bytes_per_second, 1 << 40),
            ("relay_bytes_per_user_per_day", self.relay_bytes_per_user_per_day, 1 << 60),
            ("relay_idle_seconds", self.relay_idle_seconds, 86_400),
            ("unregistered_answer_bytes_per_second", self.unregistered_answer_bytes_per_second, 1 << 40),
        ];
        match seconds.into_iter().find(|(_, value, max)| !(1..=*max).contains(value)) {
            Some((setting, ..)) => wrong(setting, SettingFault::OutOfRange),
            None => Ok(()),
        }
    }

    fn check_cluster(&self) -> Result<(), BadSetting> {
        let wrong = |setting, what| Err(BadSetting { setting, what });
        if self.cluster.is_empty() {
            return Ok(());
        }
        if self.cluster.len() > ETCD_SERVERS_MAX {
            return wrong("cluster", SettingFault::TooManyServers);
        }
        if self.cluster_ca.is_empty() && self.cluster.iter().any(|server| server.is_tls) {
            return wrong("cluster_ca", SettingFault::NoAuthority);
        }
        if self.cluster_certificate.is_empty() != self.cluster_key.is_empty() {
            return wrong("cluster_key", SettingFault::HalfCertificate);
        }
        match self.mesh.0 {
            Some(mesh)
                if is_same(mesh, self.listen) || self.observe.0.is_some_and(|observe| is_same(mesh, observe)) =>
            {
                wrong("mesh", SettingFault::SameAddress)
            }
            Some(mesh) if !mesh.ip().is_unspecified() && mesh.port() != 0 => Ok(()),
            _ => wrong("mesh", SettingFault::NoMesh),
        }
    }
}

/// Whether one computer cannot listen at both.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let is_everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (is_everywhere || one.ip() == other.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::or_empty::OrEmpty;

    #[test]
    fn refuses_what_cannot_work() {
        let check = |change: &dyn Fn(&mut TrackerSettings)| {
            let mut settings = TrackerSettings::default();
            change(&mut settings);
            settings.check().expect_err("refused").setting
        };
        assert_eq!(check(&|s| s.network_name.clear()), "network_name");
        assert_eq!(check(&|s| s.network_name.push('\n')), "network_name");
        assert_eq!(check(&|s| s.message_of_the_day.push("\u{1b}[31m".into())), "message_of_the_day");
        assert_eq!(check(&|s| s.shares_per_user = 0), "shares_per_user");
        assert_eq!(check(&|s| s.plain_silence_seconds = u64::MAX), "plain_silence_seconds");
    }

    #[test]
    fn a_cluster_needs_an_address_for_the_others_and_what_its_servers_are_known_by() {
        let cluster = |server: &str, mesh: &str| TrackerSettings {
            cluster: vec![server.parse().expect(server)],
            mesh: OrEmpty(mesh.parse().ok()),
            ..TrackerSettings::default()
        };
        let wrong = |settings: TrackerSettings| settings.check().map_err(|wrong| wrong.setting);
        assert_eq!(wrong(cluster("http://10.0.0.1:2379", "10.0.0.1:7688")), Ok(()));
        let same = TrackerSettings {
            observe: OrEmpty("10.0.0.1:7688".parse().ok()),
            ..cluster("http://10.0.0.1:2379", "10.0.0.1:7688")
        };
        assert_eq!(wrong(same), Err("mesh"));
        for mesh in ["10.0.0.1:7686", "", "0.0.0.0:7688", "[::]:7688", "10.0.0.1:0"] {
            assert_eq!(wrong(cluster("http://10.0.0.1:2379", mesh)), Err("mesh"), "{mesh}");
        }
        let tls = cluster("https://10.0.0.1:2379", "10.0.0.1:7688");
        assert_eq!(wrong(tls.clone()), Err("cluster_ca"));
        let tls = TrackerSettings { cluster_ca: "ca.pem".into(), ..tls };
        assert_eq!(wrong(tls.clone()), Ok(()));
        assert_eq!(wrong(TrackerSettings { cluster_key: "key.pem".into(), ..tls }), Err("cluster_key"));
    }
}
