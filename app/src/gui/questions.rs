//! What is asked because of something outside the window: a link that was clicked, or the window being closed.

use eframe::egui::{self, Label, RichText, Ui};
use potok_core::model::invite::Invite;
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use rust_i18n::t;

use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;
use crate::model::busy::Busy;

const QUESTION_WIDTH: f32 = 460.0;

/// One question. Only one is open at a time; a newer one takes its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// A link wants us in a network. Whoever made it may be anybody.
    Join(Invite),
    /// The window is being closed while something runs.
    Close {
        /// Potok can stay in the tray; otherwise only minimised.
        has_tray: bool,
    },
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Leave everything as it is.
    Nothing,
    /// Join the network that was asked about.
    Join,
    /// Run on without the window.
    KeepRunning,
    /// End Potok, and all that goes on in it.
    Quit,
}

/// Draws the question; what was chosen, if anything yet. How the window is closed is remembered the first time.
pub fn show(
    ctx: &egui::Context,
    question: &Question,
    model: &Model,
    busy: &Busy,
    is_remembered: bool,
) -> Option<Choice> {
    let mut choice = None;
    let id = match question {
        Question::Join(_) => "question-join",
        Question::Close { .. } => "question-close",
    };
    let is_left = widgets::modal(ctx, id, QUESTION_WIDTH, |ui| match question {
        Question::Join(invite) => join(ui, invite, model, &mut choice),
        Question::Close { has_tray } => close(ui, busy, *has_tray, is_remembered, &mut choice),
    });
    if is_left {
        choice = Some(Choice::Nothing);
    }
    choice
}

fn join(ui: &mut Ui, invite: &Invite, model: &Model, choice: &mut Option<Choice>) {
    title(ui, icons::LINK, &t!("window.link.title"));
    text(ui, &t!("window.link.text"));
    ui.add_space(theme::GAP);
    value(ui, &t!("window.link.address"), &Shown(&invite.address.to_string()).to_string());
    value(ui, &t!("window.link.key"), &fingerprint::hex(&invite.key));
    ui.add_space(theme::GAP);
    if let Some(what) = what_is_left(model) {
        text(ui, &what);
    }
    widgets::answers(ui, |ui| {
        if widgets::button(ui, Loud::Primary, "", &t!("window.link.yes")).clicked() {
            *choice = Some(Choice::Join);
        }
        // Whoever made the link: Enter without a look joins nothing.
        if widgets::default_button(ui, Loud::Plain, &t!("window.link.no")) {
            *choice = Some(Choice::Nothing);
        }
    });
}

/// What happens to the network that we are in.
fn what_is_left(model: &Model) -> Option<String> {
    let now = match &model.connection {
        TrackerConnection::None => return None,
        TrackerConnection::Online { network, .. } => Shown(network).to_string(),
        TrackerConnection::Connecting { tracker, .. } | TrackerConnection::Refused { tracker, .. } => {
            Shown(tracker).to_string()
        }
    };
    Some(if is_hosting(model) {
        t!("window.link.stops", network = now).into_owned()
    } else {
        t!("window.link.leaves", network = now).into_owned()
    })
}

/// Whether the network is one that this computer hosts.
pub fn is_hosting(model: &Model) -> bool {
    model.status.as_ref().is_some_and(|status| status.hosted.is_some())
}

fn close(ui: &mut Ui, busy: &Busy, has_tray: bool, is_remembered: bool, choice: &mut Option<Choice>) {
    let icon = if busy.is_moving() { icons::DOWNLOAD_SIMPLE } else { icons::BROADCAST };
    title(ui, icon, &t!("window.closing.title"));
    for sentence in busy.sentences() {
        ui.add(Label::new(RichText::new(sentence).color(palette(ui).text)).wrap());
    }
    ui.add_space(4.0);
    text(ui, &if has_tray { t!("window.closing.text-tray") } else { t!("window.closing.text-no-tray") });
    if is_remembered {
        text(ui, &t!("window.closing.remembered"));
    }
    widgets::answers(ui, |ui| {
        if widgets::default_button(ui, Loud::Primary, &t!("window.closing.keep")) {
            *choice = Some(Choice::KeepRunning);
        }
        if widgets::button(ui, Loud::Plain, "", &t!("window.closing.quit")).clicked() {
            *choice = Some(Choice::Quit);
        }
        if widgets::button(ui, Loud::Quiet, "", &t!("window.closing.stay")).clicked() {
            *choice = Some(Choice::Nothing);
        }
    });
}

fn title(ui: &mut Ui, icon: &str, text: &str) {
    ui.horizontal(|ui| {
        widgets::glyph(ui, icon, 20.0, palette(ui).accent);
        widgets::heading(ui, text);
    });
}

fn text(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).color(palette(ui).weak)).wrap());
}

fn value(ui: &mut Ui, name: &str, value: &str) {
    ui.label(RichText::new(name).font(theme::small()).color(palette(ui).weak));
    ui.add(Label::new(RichText::new(value).font(theme::mono()).color(palette(ui).text)).wrap());
}
