//! Why there is no window, for a person: one sentence, which names what is missing. What the libraries say of it is for
//! the log.

use potok_core::model::shown::Shown;
use rust_i18n::t;

/// A library that the window opens while it runs, and the package of Debian and Ubuntu that has it.
type MissingLibrary = (&'static str, &'static str);

/// What would end the program rather than be told by the toolkit, before a window is tried.
pub(super) fn foreseen() -> Option<String> {
    missing_keyboard_library().map(of_library)
}

/// Why the toolkit could open none.
pub(super) fn why(error: &eframe::Error) -> String {
    tracing::debug!(%error, "no window");
    let is_of_display = matches!(error, eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_));
    match (is_of_display, display()) {
        (true, None) if cfg!(target_os = "linux") => t!("window.not-opened.no-display").into_owned(),
        (true, Some(display)) => missing_display_library()
            .map_or_else(|| t!("window.not-opened.display", display = Shown(&display)).into_owned(), of_library),
        (false, _) if is_of_graphics(error) => t!("window.not-opened.graphics").into_owned(),
        _ => t!("window.not-opened.other").into_owned(),
    }
}

fn is_of_graphics(error: &eframe::Error) -> bool {
    matches!(error, eframe::Error::Glutin(_) | eframe::Error::NoGlutinConfigs(..) | eframe::Error::OpenGL(_))
}

fn of_library((library, package): MissingLibrary) -> String {
    t!("window.not-opened.library", library = library, package = package).into_owned()
}

fn is_set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the window would be opened, in the order in which the toolkit tries.
fn display() -> Option<String> {
    ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"].into_iter().find_map(is_set)
}

/// Asked of the crate that the toolkit opens it with; there a missing one is a panic.
#[cfg(target_os = "linux")]
fn missing_keyboard_library() -> Option<MissingLibrary> {
    let display = display()?;
    if xkbcommon_dl::xkbcommon_option().is_none() {
        return Some(("libxkbcommon.so.0", "libxkbcommon0"));
    }
    let is_x11 = is_set("DISPLAY").is_some_and(|x11| x11 == display);
    (is_x11 && xkbcommon_dl::x11::xkbcommon_x11_option().is_none())
        .then_some(("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"))
}

/// Asked of the crate that the toolkit opens them with, which does not say which one it was.
#[cfg(target_os = "linux")]
fn missing_display_library() -> Option<MissingLibrary> {
    use x11_dl::{xcursor::Xcursor, xinput2::XInput2, xlib::Xlib, xlib_xcb::Xlib_xcb, xrender::Xrender};
    is_set("DISPLAY")?;
    [
        (Xlib::open().is_ok(), ("libX11.so.6", "libx11-6")),
        (Xrender::open().is_ok(), ("libXrender.so.1", "libxrender1")),
        (Xcursor::open().is_ok(), ("libXcursor.so.1", "libxcursor1")),
        (Xlib_xcb::open().is_ok(), ("libX11-xcb.so.1", "libx11-xcb1")),
        (XInput2::open().is_ok(), ("libXi.so.6", "libxi6")),
    ]
    .into_iter()
    .find_map(|(is_there, library)| (!is_there).then_some(library))
}

#[cfg(not(target_os = "linux"))]
fn missing_keyboard_library() -> Option<MissingLibrary> {
    None
}

#[cfg(not(target_os = "linux"))]
fn missing_display_library() -> Option<MissingLibrary> {
    None
}
