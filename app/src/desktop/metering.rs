//! Whether the way to the Internet is metered, as the system knows it, and when that changes.
//!
//! On Linux NetworkManager says so over D-Bus, and in a Flatpak the portal for networks; on Windows its own list of
//! connections. macOS tells it only to programs that speak to its framework for networks, and the crates for that are
//! `unsafe`.

use potok_core::model::metering::Metering;
use tokio::sync::watch;

/// Watches for the rest of the program. Where nobody says anything it stays unknown.
pub fn watch() -> watch::Receiver<Metering> {
    let (sender, metering) = watch::channel(Metering::Unknown);
    // Without a thread it is unknown.
    let _ = std::thread::Builder::new().name("potok-metering".into()).spawn(move || system::watch(&sender));
    metering
}

/// Whoever listens is woken only if it is another now.
#[cfg(not(target_os = "macos"))]
fn tell(sender: &watch::Sender<Metering>, now: Metering) {
    sender.send_if_modified(|before| std::mem::replace(before, now) != now);
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use std::path::Path;

    use potok_core::model::metering::Metering;
    use tokio::sync::watch;
    use zbus::blocking::{Connection, Proxy};
    use zbus::proxy::MethodFlags;
    use zbus::zvariant::OwnedValue;

    use super::tell;

    const NETWORK_MANAGER: &str = "org.freedesktop.NetworkManager";
    const NETWORK_MANAGER_PATH: &str = "/org/freedesktop/NetworkManager";
    const PORTAL: &str = "org.freedesktop.portal.Desktop";
    const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
    const PORTAL_INTERFACE: &str = "org.freedesktop.portal.NetworkMonitor";
    /// There in every Flatpak, which does not reach NetworkManager.
    const FLATPAK_MARK: &str = "/.flatpak-info";

    pub(super) fn watch(sender: &watch::Sender<Metering>) {
        if Path::new(FLATPAK_MARK).exists() {
            watch_portal(sender)
        } else {
            watch_network_manager(sender)
        };
        tell(sender, Metering::Unknown);
    }

    /// Until the bus is gone.
    fn watch_network_manager(sender: &watch::Sender<Metering>) -> Option<()> {
        let bus = Connection::system().ok()?;
        let properties =
            Proxy::new(&bus, NETWORK_MANAGER, NETWORK_MANAGER_PATH, "org.freedesktop.DBus.Properties").ok()?;
        // Before the question, so that no change falls between.
        let changes = properties.receive_signal_with_args("PropertiesChanged", &[(0, NETWORK_MANAGER)]).ok()?;
        let ask = || {
            // A computer without NetworkManager, or one on which it rests, is not to start it for us.
            let flags = MethodFlags::NoAutoStart.into();
            let answer = properties.call_with_flags::<_, _, OwnedValue>("Get", flags, &(NETWORK_MANAGER, "Metered"));
            answer.ok().flatten().and_then(|value| u32::try_from(value).ok()).map_or(Metering::Unknown, of_manager)
        };
        tell(sender, ask());
        for _change in changes {
            tell(sender, ask());
        }
        Some(())
    }

    fn watch_portal(sender: &watch::Sender<Metering>) -> Option<()> {
        let bus = Connection::session().ok()?;
        let portal = Proxy::new(&bus, PORTAL, PORTAL_PATH, PORTAL_INTERFACE).ok()?;
        let changes = portal.receive_signal("changed").ok()?;
        let ask = || match portal.call::<_, _, bool>("GetMetered", &()) {
            Ok(true) => Metering::Metered,
            Ok(false) => Metering::Unmetered,
            Err(_) => Metering::Unknown,
        };
        tell(sender, ask());
        for _change in changes {
            tell(sender, ask());
        }
        Some(())
    }

    /// `NMMetered`; a telephone by cable or Wi-Fi is guessed.
    /// <https://networkmanager.dev/docs/api/latest/nm-dbus-types.html#NMMetered>
    fn of_manager(metered: u32) -> Metering {
        match metered {
            1 | 3 => Metering::Metered,
            2 | 4 => Metering::Unmetered,
            _ => Metering::Unknown,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn reads_what_network_manager_says() {
            let said: Vec<Metering> = (0..6).map(of_manager).collect();
            let (metered, free) = (Metering::Metered, Metering::Unmetered);
            assert_eq!(said, [Metering::Unknown, metered, free, metered, free, Metering::Unknown]);
        }
    }
}

#[cfg(windows)]
mod system {
    use potok_core::model::metering::Metering;
    use tokio::sync::watch;
    use windows::Networking::Connectivity::{NetworkCostType, NetworkInformation, NetworkStatusChangedEventHandler};

    use super::tell;

    /// The system calls from then on.
    pub(super) fn watch(sender: &watch::Sender<Metering>) {
        let told = sender.clone();
        let changed = NetworkStatusChangedEventHandler::new(move |_sender| {
            tell(&told, now());
            Ok(())
        });
        // Without it what is so at the start holds.
        let _ = NetworkInformation::NetworkStatusChanged(&changed);
        tell(sender, now());
    }

    /// Without a connection there is nothing to say.
    fn now() -> Metering {
        let cost = NetworkInformation::GetInternetConnectionProfile()
            .and_then(|profile| profile.GetConnectionCost())
            .and_then(|cost| cost.NetworkCostType());
        cost.map_or(Metering::Unknown, of_cost)
    }

    fn of_cost(cost: NetworkCostType) -> Metering {
        match cost {
            NetworkCostType::Unrestricted => Metering::Unmetered,
            NetworkCostType::Fixed | NetworkCostType::Variable => Metering::Metered,
            _ => Metering::Unknown,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn reads_what_windows_says() {
            let said = [0, 1, 2, 3].map(|cost| of_cost(NetworkCostType(cost)));
            let metered = Metering::Metered;
            assert_eq!(said, [Metering::Unknown, Metering::Unmetered, metered, metered]);
        }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use potok_core::model::metering::Metering;
    use tokio::sync::watch;

    /// Nobody says it.
    pub(super) fn watch(_sender: &watch::Sender<Metering>) {}
}
