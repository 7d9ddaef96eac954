//! Light or dark, as the desktop wishes, and when it wishes otherwise.
//!
//! On Linux the settings portal says so over D-Bus; the toolkit knows it by itself on Windows and macOS.

use crate::desktop::Bell;

/// What the desktop wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorScheme {
    /// Dark text on light ground; also where the desktop has no wish.
    Light,
    /// Light text on dark ground.
    Dark,
}

/// Watches for the rest of the program. Without a portal nothing is ever told.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn watch(bell: Bell) {
    // Without a thread the theme is that of the toolkit. The thread waits at the bus, which ends it with the program.
    let _ = std::thread::Builder::new().name("potok-scheme".into()).spawn(move || portal::watch(&bell));
}

/// The toolkit knows it.
#[cfg(any(windows, target_os = "macos"))]
pub fn watch(_bell: Bell) {}

#[cfg(all(unix, not(target_os = "macos")))]
mod portal {
    use zbus::blocking::{Connection, Proxy};
    use zbus::zvariant::{OwnedValue, Value};

    use super::ColorScheme;
    use crate::desktop::{Bell, DesktopEvent};

    const NAMESPACE: &str = "org.freedesktop.appearance";
    const KEY: &str = "color-scheme";

    /// Tells what is wished now, and every change.
    pub(super) fn watch(bell: &Bell) -> Option<()> {
        let bus = Connection::session().ok()?;
        let interface = "org.freedesktop.portal.Settings";
        let portal =
            Proxy::new(&bus, "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", interface).ok()?;
        // Before the question, so that no change falls between.
        let changes = portal.receive_signal_with_args("SettingChanged", &[(0, NAMESPACE), (1, KEY)]).ok()?;
        // Old portals wrap the value twice and know only `Read`.
        let now: OwnedValue =
            portal.call("ReadOne", &(NAMESPACE, KEY)).or_else(|_| portal.call("Read", &(NAMESPACE, KEY))).ok()?;
        let tell = |value: &Value<'_>| scheme(value).is_none_or(|scheme| bell.ring(DesktopEvent::ColorScheme(scheme)));
        tell(&now);
        for change in changes {
            let body = change.body();
            if let Ok((_, _, value)) = body.deserialize::<(&str, &str, Value<'_>)>() {
                tell(&value);
            }
        }
        Some(())
    }

    fn scheme(value: &Value<'_>) -> Option<ColorScheme> {
        match value {
            Value::U32(1) => Some(ColorScheme::Dark),
            Value::U32(_) => Some(ColorScheme::Light),
            Value::Value(inner) => scheme(inner),
            _ => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn reads_what_portals_say() {
            let wrapped = Value::Value(Box::new(Value::U32(1)));
            for (value, scheme_of_it) in [
                (Value::U32(0), Some(ColorScheme::Light)),
                (Value::U32(1), Some(ColorScheme::Dark)),
                (Value::U32(2), Some(ColorScheme::Light)),
                (wrapped, Some(ColorScheme::Dark)),
                (Value::from("dark"), None),
            ] {
                assert_eq!(scheme(&value), scheme_of_it, "{value:?}");
            }
        }
    }
}
