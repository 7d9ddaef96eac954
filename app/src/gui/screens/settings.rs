//! Settings: each takes effect at once. What is typed does so when the field is left; what cannot be meant is answered
//! with one sentence, and stays in its field.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use eframe::egui::{
    Align, DragValue, Id, Label, Layout, Modal, Response, RichText, ScrollArea, Ui, WidgetInfo, accesskit::Role, vec2,
};
use potok_core::model::proxy::ProxyAddress;
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::command_line::typed_path::typed_path;
use crate::gui::action::{Action, Pick};
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;
use crate::{human, texts};

const KIB: u64 = 1024;
/// Most files that a person may allow themselves to share: as many as a tracker holds in all.
const SHARES_MAX: usize = 20_000_000;
const NAMES_WIDTH: f32 = 200.0;
/// A field for a path, where there is room.
const FIELD_WIDTH: f32 = 420.0;

/// Every crate in the program with its licence; `assets/licences.py` writes it.
const LICENCES: &str = include_str!("../../../../assets/licences.txt");

/// What is typed here and not yet applied.
#[derive(Debug)]
pub struct SettingsState {
    /// The settings as the page shows them.
    pub draft: Settings,
    /// There is a tray to hide in.
    pub has_tray: bool,
    /// Whether Potok starts with the system; none: not known here.
    pub autostart: Option<bool>,
    applied: Settings,
    name: Typed,
    folder: Typed,
    listen: Typed,
    socks5: Typed,
    shows_licences: bool,
}

impl SettingsState {
    /// As they are.
    pub fn new(settings: &Settings) -> Self {
        let mut state = Self {
            draft: settings.clone(),
            has_tray: false,
            autostart: None,
            applied: settings.clone(),
            name: Typed::default(),
            folder: Typed::default(),
            listen: Typed::default(),
            socks5: Typed::default(),
            shows_licences: false,
        };
        state.follow(settings);
        state
    }

    /// Other pages and commands change settings too.
    fn follow(&mut self, settings: &Settings) {
        if self.applied != *settings {
            self.applied.clone_from(settings);
            self.draft.clone_from(settings);
        }
        self.name.follow(settings.name.as_ref().map_or("", Username::as_str));
        self.folder.follow(&settings.download_folder.to_string_lossy());
        self.listen.follow(&settings.listen.to_string());
        self.socks5.follow(&settings.socks5.as_ref().map(ToString::to_string).unwrap_or_default());
    }
}

/// A text in a field: what is typed may be wrong, and is kept until it is right.
#[derive(Debug, Default)]
struct Typed {
    text: String,
    applied: String,
    wrong: Option<String>,
}

impl Typed {
    fn follow(&mut self, applied: &str) {
        if self.applied != applied {
            applied.clone_into(&mut self.applied);
            applied.clone_into(&mut self.text);
            self.wrong = None;
        }
    }

    /// Draws the field; the value, when the field was left with a right one that is new.
    fn field<T>(
        &mut self,
        ui: &mut Ui,
        add: impl FnOnce(&mut Ui, &mut String) -> Response,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let response = add(ui, &mut self.text);
        if !response.changed() && !response.lost_focus() {
            return None;
        }
        let value = read(self.text.trim());
        self.wrong = value.as_ref().err().cloned();
        value.ok().filter(|_| response.lost_focus() && self.text.trim() != self.applied)
    }

    fn complain(&self, ui: &mut Ui) {
        if let Some(why) = &self.wrong {
            ui.horizontal(|ui| {
                if !widgets::is_narrow(ui) {
                    ui.add_space(NAMES_WIDTH + theme::GAP);
                }
                ui.add(Label::new(RichText::new(why).font(theme::small()).color(palette(ui).bad)).wrap());
            });
        }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut SettingsState, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, has_picker, .. } = context;
    state.follow(settings);
    let mut is_done = false;
    widgets::head(ui, &t!("window.page.settings"), &t!("window.settings.at-once"), |_| {});
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - 8.0);
        is_done |= section(ui, &t!("window.settings.you"), |ui| name(ui, state));
        is_done |= section(ui, &t!("window.settings.look"), |ui| look(ui, &mut state.draft));
        is_done |= section(ui, &t!("window.settings.desktop"), |ui| desktop(ui, state, actions));
        is_done |= section(ui, &t!("window.settings.downloads"), |ui| {
            let folder = folder(ui, model, state, has_picker, actions);
            downloads(ui, &mut state.draft) || folder
        });
        is_done |= section(ui, &t!("window.settings.sharing"), |ui| sharing(ui, &mut state.draft));
        is_done |= section(ui, &t!("window.settings.traffic"), |ui| traffic(ui, state));
        is_done |= section(ui, &t!("window.settings.reaching"), |ui| reaching(ui, state));
        is_done |= section(ui, &t!("window.settings.about"), |ui| about(ui, model, state, actions));
    });
    if is_done && state.draft != *settings {
        actions.push(Action::Apply(Box::new(state.draft.clone())));
    }
    if state.shows_licences {
        licences(ui, &mut state.shows_licences);
    }
}

fn section<R>(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let added = widgets::card(ui, |ui| {
        widgets::heading(ui, title);
        add(ui)
    });
    ui.add_space(theme::GAP);
    added
}

/// A name on the left, its control on the right.
fn row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        let label = vec2(NAMES_WIDTH, theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(label, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAMES_WIDTH);
            ui.add(Label::new(RichText::new(name).color(palette(ui).text)).wrap());
        });
        add(ui)
    })
    .inner
}

/// The same for a control that has no room beside its name in a narrow window: there it stands below.
fn wide_row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    if !widgets::is_narrow(ui) {
        return row(ui, name, add);
    }
    ui.add(Label::new(RichText::new(name).color(palette(ui).text)).wrap());
    ui.horizontal(add).inner
}

fn name(ui: &mut Ui, state: &mut SettingsState) -> bool {
    let text = t!("window.settings.name");
    let name = row(ui, &text, |ui| {
        let field = |ui: &mut Ui, name: &mut String| widgets::field(ui, name, icons::USER, &text, "", 240.0);
        let read = |name: &str| Username::new(name).map_err(texts::of_bad_username);
        state.name.field(ui, field, read)
    });
    state.name.complain(ui);
    let is_new = name.is_some();
    if is_new {
        state.draft.name = name;
    }
    is_new
}

fn folder(ui: &mut Ui, model: &Model, state: &mut SettingsState, has_picker: bool, actions: &mut Vec<Action>) -> bool {
    let text = t!("window.settings.folder");
    let hint = model.status.as_ref().map_or(String::new(), |status| status.download_folder.to_string_lossy().into());
    let folder = wide_row(ui, &text, |ui| {
        let button = t!("window.settings.choose");
        let beside = if has_picker { widgets::button_width(ui, "", &button) + theme::GAP } else { 0.0 };
        let width = (ui.available_width() - beside).min(FIELD_WIDTH);
        let field = |ui: &mut Ui, folder: &mut String| widgets::field(ui, folder, icons::FOLDER, &text, &hint, width);
        let folder = state.folder.field(ui, field, |folder| usable_folder(Path::new(&typed_path(folder.to_owned()))));
        if has_picker && widgets::button(ui, Loud::Plain, "", &button).clicked() {
            actions.push(Action::Pick(Pick::DownloadFolder));
        }
        folder
    });
    state.folder.complain(ui);
    let is_new = folder.is_some();
    if let Some(folder) = folder {
        state.draft.download_folder = folder;
    }
    is_new
}

/// Empty is the usual folder.
fn usable_folder(folder: &Path) -> Result<PathBuf, String> {
    if folder.as_os_str().is_empty() || folder.is_dir() && folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    Err(if folder.is_absolute() { t!("window.settings.no-folder") } else { t!("window.settings.not-whole") }.into())
}

fn look(ui: &mut Ui, draft: &mut Settings) -> bool {
    let themes = [t!("window.settings.system"), t!("window.settings.light"), t!("window.settings.dark")];
    let theme = row(ui, &t!("window.settings.theme"), |ui| {
        let options = [
            (String::new(), icons::CIRCLE_HALF, &*themes[0]),
            ("light".to_owned(), icons::SUN, &*themes[1]),
            ("dark".to_owned(), icons::MOON, &*themes[2]),
        ];
        widgets::choice(ui, &mut draft.theme, &options)
    });
    let language = wide_row(ui, &t!("window.settings.language"), |ui| {
        let options = [
            (String::new(), icons::CIRCLE_HALF, &*themes[0]),
            ("en".to_owned(), "", "English"),
            ("bg".to_owned(), "", "Български"),
        ];
        widgets::choice(ui, &mut draft.language, &options)
    });
    theme || language
}

fn desktop(ui: &mut Ui, state: &mut SettingsState, actions: &mut Vec<Action>) -> bool {
    let has_tray = state.has_tray;
    let draft = &mut state.draft;
    let mut is_done = switch(ui, &t!("window.settings.notifications"), &mut draft.notifications, "");
    if let Some(is_on) = state.autostart {
        let mut wanted = is_on;
        if switch(ui, &t!("window.settings.autostart"), &mut wanted, "") {
            actions.push(Action::StartWithSystem(wanted));
        }
    }
    if cfg!(all(unix, not(target_os = "macos"))) {
        let text = if draft.tray && !has_tray { t!("window.settings.no-tray") } else { "".into() };
        is_done |= switch(ui, &t!("window.settings.tray"), &mut draft.tray, &text);
    }
    let closing = [t!("window.settings.close-ask"), t!("window.settings.close-keep"), t!("window.settings.close-quit")];
    is_done |= wide_row(ui, &t!("window.settings.when-closed"), |ui| {
        let options = [
            (String::new(), "", &*closing[0]),
            ("keep".to_owned(), "", &*closing[1]),
            ("quit".to_owned(), "", &*closing[2]),
        ];
        widgets::choice(ui, &mut draft.when_closed, &options)
    });
    if draft.when_closed == "keep" {
        let text = if has_tray { t!("window.settings.keep-tray") } else { t!("window.settings.keep-no-tray") };
        widgets::weak(ui, text);
    }
    is_done
}

fn sharing(ui: &mut Ui, draft: &mut Settings) -> bool {
    let name = t!("window.settings.shares-max");
    let most = explained_row(ui, &name, &t!("window.settings.shares-max-text"), |ui| {
        let value = DragValue::new(&mut draft.shares_max).range(1..=SHARES_MAX).speed(1000);
        let value = value.custom_formatter(|files, _| human::thousands(whole(files))).custom_parser(digits);
        finished(&named(ui.add(value), &name))
    });
    let hidden = t!("window.settings.leave-out-hidden");
    let hidden = switch(ui, &hidden, &mut draft.leave_out_hidden_files, &t!("window.settings.leave-out-hidden-text"));
    let slots = count(ui, &t!("window.settings.slots"), &mut draft.upload_slots, 64);
    let of_user = count(ui, &t!("window.settings.slots-per-user"), &mut draft.upload_slots_per_user, 16);
    most || hidden || slots || of_user
}

fn downloads(ui: &mut Ui, draft: &mut Settings) -> bool {
    let at_once = count(ui, &t!("window.settings.downloads-at-once"), &mut draft.downloads_at_once, 32);
    let times = switch(ui, &t!("window.settings.keep-times"), &mut draft.keep_times, "");
    let text = t!("window.settings.keep-executable-text");
    let run = switch(ui, &t!("window.settings.keep-executable"), &mut draft.keep_executable, &text);
    at_once || times || run
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range of the field")]
fn whole(files: f64) -> u64 {
    files as u64
}

/// A number as it is shown, or without what stands between its thousands.
fn digits(text: &str) -> Option<f64> {
    text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect::<String>().parse().ok()
}

fn switch(ui: &mut Ui, name: &str, on: &mut bool, text: &str) -> bool {
    explained_row(ui, name, text, |ui| widgets::switch(ui, on, name).changed())
}

/// A row with a few words about it behind the control, in a narrow window below it.
fn explained_row<R>(ui: &mut Ui, name: &str, text: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    let is_narrow = widgets::is_narrow(ui);
    let added = row(ui, name, |ui| {
        let added = add(ui);
        if !is_narrow && !text.is_empty() {
            widgets::weak(ui, text);
        }
        added
    });
    if is_narrow && !text.is_empty() {
        widgets::weak(ui, text);
        ui.add_space(theme::GAP);
    }
    added
}

fn traffic(ui: &mut Ui, state: &mut SettingsState) -> bool {
    let draft = &mut state.draft;
    let down = limit(ui, &t!("window.settings.down"), &mut draft.download_bytes_per_second);
    let up = limit(ui, &t!("window.settings.up"), &mut draft.upload_bytes_per_second);
    let text = t!("window.settings.use-relay-text");
    let relay = switch(ui, &t!("window.settings.use-relay"), &mut draft.use_relay, &text);
    let text = t!("window.settings.listen");
    let listen = wide_row(ui, &text, |ui| {
        let field = |ui: &mut Ui, at: &mut String| widgets::field(ui, at, "", &text, "[::]:0", 180.0);
        let listen = state.listen.field(ui, field, listen_address);
        widgets::weak(ui, t!("window.settings.listen-text"));
        listen
    });
    state.listen.complain(ui);
    let is_new = listen.is_some();
    if let Some(listen) = listen {
        state.draft.listen = listen;
    }
    down || up || relay || is_new
}

/// Which ways are gone to others.
fn reaching(ui: &mut Ui, state: &mut SettingsState) -> bool {
    let draft = &mut state.draft;
    let text = t!("window.settings.local-discovery-text");
    let discovery = switch(ui, &t!("window.settings.local-discovery"), &mut draft.local_discovery, &text);
    let text = t!("window.settings.tell-local-addresses-text");
    let addresses = switch(ui, &t!("window.settings.tell-local-addresses"), &mut draft.tell_local_addresses, &text);
    let punch = switch(ui, &t!("window.settings.punch"), &mut draft.punch, &t!("window.settings.punch-text"));
    let text = t!("window.settings.socks5");
    let socks5 = wide_row(ui, &text, |ui| {
        let field = |ui: &mut Ui, at: &mut String| widgets::field(ui, at, "", &text, "127.0.0.1:9050", 180.0);
        let socks5 = state.socks5.field(ui, field, proxy);
        widgets::weak(ui, t!("window.settings.socks5-text"));
        socks5
    });
    state.socks5.complain(ui);
    let is_new = socks5.is_some();
    if let Some(socks5) = socks5 {
        state.draft.socks5 = socks5;
    }
    discovery || addresses || punch || is_new
}

/// None, if the field is empty.
fn proxy(text: &str) -> Result<Option<ProxyAddress>, String> {
    let bad = || t!("window.settings.bad-socks5").into_owned();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_no_address| bad()) }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let bad = || t!("window.settings.bad-listen").into_owned();
    let address: SocketAddr = text.parse().map_err(|_no_address| bad())?;
    // The tracker publishes no port below 1024.
    if (1..1024).contains(&address.port()) { Err(bad()) } else { Ok(address) }
}

fn limit(ui: &mut Ui, name: &str, bytes: &mut u64) -> bool {
    row(ui, name, |ui| {
        let mut kib = *bytes / KIB;
        let value = DragValue::new(&mut kib).range(0..=10_000_000_u64).speed(16).suffix(" KiB/s");
        let response = named(ui.add(value), name);
        *bytes = kib.saturating_mul(KIB);
        if kib == 0 {
            widgets::weak(ui, t!("window.settings.no-limit"));
        }
        finished(&response)
    })
}

fn count(ui: &mut Ui, name: &str, value: &mut usize, most: usize) -> bool {
    row(ui, name, |ui| finished(&named(ui.add(DragValue::new(value).range(1..=most).speed(0.1)), name)))
}

fn named(response: Response, name: &str) -> Response {
    response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, name));
    response
}

/// Not at every step of a drag.
fn finished(response: &Response) -> bool {
    response.drag_stopped()
        || response.lost_focus()
        || (response.changed() && !response.dragged() && !response.has_focus())
}

fn about(ui: &mut Ui, model: &Model, state: &mut SettingsState, actions: &mut Vec<Action>) -> bool {
    let p = palette(ui);
    ui.label(RichText::new(format!("Potok {}", env!("CARGO_PKG_VERSION"))).color(p.text));
    widgets::weak(ui, t!("window.settings.about-text"));
    let (newer, text) = (t!("window.settings.newer"), t!("window.settings.newer-text"));
    let is_done = switch(ui, &newer, &mut state.draft.tell_newer_version, &text);
    ui.horizontal(|ui| {
        if widgets::button(ui, Loud::Plain, icons::FILE_TEXT, &t!("window.guide.title")).clicked() {
            actions.push(Action::OpenGuide);
        }
        if widgets::button(ui, Loud::Plain, icons::FILE_TEXT, &t!("window.settings.licences")).clicked() {
            state.shows_licences = true;
        }
    });
    if let Some(me) = &model.me {
        let key = fingerprint_row(ui, &fingerprint::hex(&me.key));
        if key {
            actions.push(Action::Copy(me.key.to_string()));
        }
    }
    is_done
}

fn fingerprint_row(ui: &mut Ui, key: &str) -> bool {
    widgets::weak(ui, t!("window.settings.key"));
    ui.horizontal(|ui| {
        let text = RichText::new(key).font(theme::mono()).color(palette(ui).text);
        // The button beside it stays in a narrow window.
        let room = ui.available_width() - theme::CONTROL_HEIGHT - theme::GAP;
        ui.allocate_ui(vec2(room, 0.0), |ui| ui.add(Label::new(text).wrap()));
        widgets::icon_button(ui, icons::COPY, &t!("window.settings.copy-key")).clicked()
    })
    .inner
}

fn licences(ui: &Ui, is_open: &mut bool) {
    let modal = Modal::new(Id::unique("licences")).show(ui.ctx(), |ui| {
        ui.set_width(560.0);
        widgets::heading(ui, &t!("window.settings.licences"));
        let lines: Vec<&str> = LICENCES.lines().collect();
        let height = ui.text_style_height(&eframe::egui::TextStyle::Monospace);
        let area = ScrollArea::vertical().max_height(380.0).auto_shrink(false);
        area.show_rows(ui, height, lines.len(), |ui, seen| {
            for line in lines.get(seen).unwrap_or_default() {
                ui.add(Label::new(RichText::new(*line).font(theme::mono()).color(palette(ui).text)).truncate());
            }
        });
        ui.add_space(theme::GAP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            widgets::button(ui, Loud::Primary, "", &t!("window.close")).clicked()
        })
        .inner
    });
    if modal.inner || modal.should_close() {
        *is_open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_at() {
        for (text, read) in [("0.0.0.0:0", true), ("[::]:7301", true), ("127.0.0.1:80", false), ("7301", false)] {
            assert_eq!(listen_address(text).is_ok(), read, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for number in [1, 999, 1_000, 20_000_000] {
            assert_eq!(digits(&human::thousands(number)).map(whole), Some(number));
        }
        assert_eq!((digits("1000000").map(whole), digits("many")), (Some(1_000_000), None));
    }

    #[test]
    fn folders_that_can_be_used() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        for (path, is_usable) in [(Path::new(""), true), (folder.path(), true), (&file, false), (Path::new("."), false)]
        {
            assert_eq!(usable_folder(path).is_ok(), is_usable, "{}", path.display());
        }
    }
}
