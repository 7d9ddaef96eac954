//! The icons of the window: characters of `assets/fonts/Phosphor.ttf`. Made by `assets/fonts/make.sh`.

#![allow(missing_docs, reason = "an icon is called as Phosphor calls it")]

use potok_core::model::file_kind::FileKind;

pub const ARROW_BEND_DOWN_LEFT: &str = "\u{e018}";
pub const ARROW_CLOCKWISE: &str = "\u{e036}";
pub const ARROW_COUNTER_CLOCKWISE: &str = "\u{e038}";
pub const ARROW_DOWN: &str = "\u{e03e}";
pub const ARROW_LINE_DOWN: &str = "\u{e05c}";
pub const ARROW_LINE_UP: &str = "\u{e066}";
pub const ARROW_SQUARE_OUT: &str = "\u{e5de}";
pub const ARROW_UP: &str = "\u{e08e}";
pub const BROADCAST: &str = "\u{e0f2}";
pub const BROOM: &str = "\u{ec54}";
pub const CARET_DOWN: &str = "\u{e136}";
pub const CARET_RIGHT: &str = "\u{e13a}";
pub const CARET_UP: &str = "\u{e13c}";
pub const CHECK: &str = "\u{e182}";
pub const CHECK_CIRCLE: &str = "\u{e184}";
pub const CIRCLE_HALF: &str = "\u{e18c}";
pub const CLOCK: &str = "\u{e19a}";
pub const COMPASS: &str = "\u{e1c8}";
pub const COPY: &str = "\u{e1ca}";
pub const DISC: &str = "\u{e564}";
pub const DOTS_THREE: &str = "\u{e1fe}";
pub const DOWNLOAD_SIMPLE: &str = "\u{e20c}";
pub const ERASER: &str = "\u{e21e}";
pub const EYE: &str = "\u{e220}";
pub const FILE: &str = "\u{e230}";
pub const FILE_AUDIO: &str = "\u{ea20}";
pub const FILE_CODE: &str = "\u{e914}";
pub const FILE_IMAGE: &str = "\u{ea24}";
pub const FILE_PDF: &str = "\u{e702}";
pub const FILE_TEXT: &str = "\u{e23a}";
pub const FILE_VIDEO: &str = "\u{ea22}";
pub const FILE_ZIP: &str = "\u{e958}";
pub const FINGERPRINT: &str = "\u{e23e}";
pub const FLOPPY_DISK: &str = "\u{e248}";
pub const FOLDER: &str = "\u{e24a}";
pub const FOLDER_OPEN: &str = "\u{e256}";
pub const FOLDER_SIMPLE_PLUS: &str = "\u{e25e}";
pub const FUNNEL: &str = "\u{e266}";
pub const GEAR_SIX: &str = "\u{e272}";
pub const GLOBE_SIMPLE: &str = "\u{e28e}";
pub const HARD_DRIVE: &str = "\u{e29e}";
pub const HEARTBEAT: &str = "\u{e2ac}";
pub const HOURGLASS_MEDIUM: &str = "\u{e2b8}";
pub const INFO: &str = "\u{e2ce}";
pub const KEYBOARD: &str = "\u{e2d8}";
pub const LINK: &str = "\u{e2e2}";
pub const LIST_BULLETS: &str = "\u{e2f2}";
pub const LIST_NUMBERS: &str = "\u{e2f6}";
pub const MAGNIFYING_GLASS: &str = "\u{e30c}";
pub const MEGAPHONE: &str = "\u{e324}";
pub const MINUS_CIRCLE: &str = "\u{e32c}";
pub const MOON: &str = "\u{e330}";
pub const PALETTE: &str = "\u{e6c8}";
pub const PAUSE: &str = "\u{e39e}";
pub const PENCIL_SIMPLE: &str = "\u{e3b4}";
pub const PLAY: &str = "\u{e3d0}";
pub const PLUGS: &str = "\u{eb56}";
pub const PLUGS_CONNECTED: &str = "\u{eb5a}";
pub const PLUS: &str = "\u{e3d4}";
pub const PROHIBIT: &str = "\u{e3de}";
pub const QR_CODE: &str = "\u{e3e6}";
pub const QUESTION: &str = "\u{e3e8}";
pub const SEAL_CHECK: &str = "\u{e606}";
pub const SHARE_NETWORK: &str = "\u{e408}";
pub const SHIELD_CHECK: &str = "\u{e40c}";
pub const SHIELD_WARNING: &str = "\u{e412}";
pub const SIGN_IN: &str = "\u{e428}";
pub const SLIDERS_HORIZONTAL: &str = "\u{e434}";
pub const SPARKLE: &str = "\u{e6a2}";
pub const SPEEDOMETER: &str = "\u{ee74}";
pub const STOP: &str = "\u{e46c}";
pub const SUN: &str = "\u{e472}";
pub const TERMINAL_WINDOW: &str = "\u{eae8}";
pub const TRANSLATE: &str = "\u{e4a2}";
pub const TRASH: &str = "\u{e4a6}";
pub const TREE_STRUCTURE: &str = "\u{e67c}";
pub const UPLOAD_SIMPLE: &str = "\u{e4c0}";
pub const USER: &str = "\u{e4c2}";
pub const USER_MINUS: &str = "\u{e4ce}";
pub const USERS_THREE: &str = "\u{e68e}";
pub const WARNING: &str = "\u{e4e0}";
pub const WARNING_CIRCLE: &str = "\u{e4e2}";
pub const WIFI_SLASH: &str = "\u{e4f2}";
pub const X: &str = "\u{e4f6}";

/// The icon of a file of this name.
pub fn of_file(name: &str) -> &'static str {
    match FileKind::of(name) {
        FileKind::Audio => FILE_AUDIO,
        FileKind::Video => FILE_VIDEO,
        FileKind::Picture => FILE_IMAGE,
        FileKind::Document if name.to_ascii_lowercase().ends_with(".pdf") => FILE_PDF,
        FileKind::Document => FILE_TEXT,
        FileKind::Archive => FILE_ZIP,
        FileKind::Program => FILE_CODE,
        FileKind::Other => FILE,
    }
}
