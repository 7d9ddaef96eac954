//! The icon as Windows and macOS have it: made and heard on the thread of the window's event loop.

use tray_icon::menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tray_icon::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::{Icon, TRAY_MENU, Wish};
use crate::desktop::{Bell, DesktopEvent};

/// The icon; gone when this is dropped.
pub(super) struct IconInEventLoop {
    /// None where the system gave none.
    icon: Option<TrayIcon>,
    /// In the order of [`TRAY_MENU`].
    lines: Vec<(Wish, MenuItem)>,
}

impl std::fmt::Debug for IconInEventLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IconInEventLoop").field("is_there", &self.is_there()).finish_non_exhaustive()
    }
}

impl IconInEventLoop {
    pub(super) fn start(bell: Bell, icon: Icon) -> Self {
        let all = TRAY_MENU.into_iter().flatten().copied();
        let lines: Vec<_> = all.map(|wish| (wish, MenuItem::with_id(id(wish), text(wish), true, None))).collect();
        hear(&bell);
        let icon = show(&lines, icon).inspect_err(|error| tracing::debug!(%error, "no tray")).ok();
        bell.ring(DesktopEvent::TrayIsThere(icon.is_some()));
        Self { icon, lines }
    }

    pub(super) fn is_there(&self) -> bool {
        self.icon.is_some()
    }

    pub(super) fn refresh(&self) {
        self.lines.iter().for_each(|(wish, line)| line.set_text(text(*wish)));
    }
}

fn id(wish: Wish) -> String {
    format!("{wish:?}")
}

/// An ampersand would underline the next letter.
fn text(wish: Wish) -> String {
    wish.text().replace('&', "&&")
}

fn show(lines: &[(Wish, MenuItem)], icon: Icon) -> Result<TrayIcon, Box<dyn std::error::Error>> {
    let menu = Menu::new();
    let mut lines = lines.iter();
    for (number, group) in TRAY_MENU.iter().enumerate() {
        if number > 0 {
            menu.append(&PredefinedMenuItem::separator())?;
        }
        for (_, line) in lines.by_ref().take(group.len()) {
            menu.append(line as &dyn IsMenuItem)?;
        }
    }
    let icon = tray_icon::Icon::from_rgba(icon.rgba, icon.side, icon.side)?;
    // A click opens the window on Windows, and the menu on macOS, as all others do there.
    let builder = TrayIconBuilder::new().with_menu(Box::new(menu)).with_menu_on_left_click(cfg!(target_os = "macos"));
    Ok(builder.with_tooltip("Potok").with_icon(icon).build()?)
}

/// Both are heard by one function for the whole program, that which was named first: it rings the same bell for every icon.
fn hear(bell: &Bell) {
    let of_menu = bell.clone();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        if let Some(wish) = TRAY_MENU.into_iter().flatten().find(|wish| event.id == id(**wish)) {
            of_menu.ring(DesktopEvent::Tray(*wish));
        }
    }));
    if cfg!(windows) {
        let of_icon = bell.clone();
        TrayIconEvent::set_event_handler(Some(move |event| {
            if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
                of_icon.ring(DesktopEvent::Tray(Wish::Open));
            }
        }));
    }
}
