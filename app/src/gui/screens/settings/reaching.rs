//! Which ways are gone to others, and by which they come.

use std::net::SocketAddr;

use eframe::egui::Ui;
use potok_core::model::proxy::ProxyAddress;
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::screens::settings::rows::{Typed, switch, wide_row};
use crate::gui::widgets;

const ADDRESS_WIDTH: f32 = 180.0;

/// What is typed here and not yet applied.
#[derive(Debug, Default)]
pub(super) struct ReachingForms {
    listen: Typed,
    socks5: Typed,
}

impl ReachingForms {
    /// Other pages and commands change settings too.
    pub(super) fn follow(&mut self, settings: &Settings) {
        self.listen.follow(&settings.listen.to_string());
        self.socks5.follow(&settings.socks5.as_ref().map(ToString::to_string).unwrap_or_default());
    }
}

/// Draws the section.
pub(super) fn reaching(ui: &mut Ui, forms: &mut ReachingForms, draft: &mut Settings) -> bool {
    let text = t!("window.settings.listen");
    let listen = wide_row(ui, &text, |ui| {
        let field = |ui: &mut Ui, at: &mut String| widgets::field(ui, at, "", &text, "[::]:0", ADDRESS_WIDTH);
        let listen = forms.listen.field(ui, field, listen_address);
        widgets::weak(ui, t!("window.settings.listen-text"));
        listen
    });
    forms.listen.complain(ui);
    let mut is_done = listen.is_some();
    draft.listen = listen.unwrap_or(draft.listen);
    let is_proxied = draft.socks5.is_some();
    let mut direct = |name: &str, on: &mut bool, text: &str| direct_switch(ui, is_proxied, name, on, text);
    let text = t!("window.settings.map-port-text");
    is_done |= direct(&t!("window.settings.map-port"), &mut draft.map_port, &text);
    let text = t!("window.settings.local-discovery-text");
    is_done |= direct(&t!("window.settings.local-discovery"), &mut draft.local_discovery, &text);
    let text = t!("window.settings.tell-local-addresses-text");
    is_done |= direct(&t!("window.settings.tell-local-addresses"), &mut draft.tell_local_addresses, &text);
    is_done |= direct(&t!("window.settings.punch"), &mut draft.punch, &t!("window.settings.punch-text"));
    let text = t!("window.settings.use-relay-text");
    is_done |= switch(ui, &t!("window.settings.use-relay"), &mut draft.use_relay, &text);
    let text = t!("window.settings.socks5");
    let socks5 = wide_row(ui, &text, |ui| {
        let field = |ui: &mut Ui, at: &mut String| widgets::field(ui, at, "", &text, "127.0.0.1:9050", ADDRESS_WIDTH);
        let socks5 = forms.socks5.field(ui, field, proxy);
        widgets::weak(ui, t!("window.settings.socks5-text"));
        socks5
    });
    forms.socks5.complain(ui);
    is_done |= socks5.is_some();
    if let Some(socks5) = socks5 {
        draft.socks5 = socks5;
    }
    is_done
}

/// A switch of something that goes past a proxy, and so is off where there is one, whatever it says without.
fn direct_switch(ui: &mut Ui, is_proxied: bool, name: &str, on: &mut bool, text: &str) -> bool {
    if !is_proxied {
        return switch(ui, name, on, text);
    }
    let why = t!("window.settings.not-proxied");
    ui.add_enabled_ui(false, |ui| switch(ui, name, &mut false, &why)).inner
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_to_listen_at() {
        for (text, read) in [("0.0.0.0:0", true), ("[::]:7301", true), ("127.0.0.1:80", false), ("7301", false)] {
            assert_eq!(listen_address(text).is_ok(), read, "{text}");
        }
    }
}
