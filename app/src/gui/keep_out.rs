//! The question how somebody is kept out of a network: sent away for a while, or shut out, and why.

use eframe::egui::Ui;
use potok_core::model::ban_terms::Remark;
use potok_core::model::shown::Shown;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::{BanSubject, BanUser, KickUser, MinutesSpan};
use rust_i18n::t;

use crate::gui::action::{Action, KeepOut};
use crate::gui::icons;
use crate::gui::widgets::{self, Loud};
use crate::texts;

const HOUR_MINUTES: u64 = 60;
const DAY_MINUTES: u64 = 24 * HOUR_MINUTES;

impl KeepOut {
    /// Nothing is chosen yet.
    pub(in crate::gui) fn of(user: potok_core::model::username::Username) -> Self {
        Self { user, is_ban: false, minutes: Some(10), reason: String::new() }
    }
}

/// Draws it; whether it is over.
pub(super) fn show(ui: &mut Ui, form: &mut KeepOut, is_new: bool, actions: &mut Vec<Action>) -> bool {
    widgets::heading(ui, &t!("window.keep-out.title", user = Shown(form.user.as_str())));
    ui.add_space(4.0);
    let (away, out) = (t!("window.people.kick"), t!("window.people.ban"));
    let kinds = [(false, icons::USER_MINUS, &*away), (true, icons::PROHIBIT, &*out)];
    if widgets::choice(ui, &mut form.is_ban, &kinds) {
        form.minutes = if form.is_ban { None } else { Some(10) };
    }
    ui.add_space(4.0);
    let texts: Vec<(Option<u64>, String)> = spans(form.is_ban).iter().map(|span| (*span, span_text(*span))).collect();
    let options: Vec<(Option<u64>, &str, &str)> = texts.iter().map(|(span, text)| (*span, "", text.as_str())).collect();
    widgets::choice(ui, &mut form.minutes, &options);
    ui.add_space(4.0);
    let name = t!("window.keep-out.reason");
    let reason = widgets::field(ui, &mut form.reason, icons::PENCIL_SIMPLE, &name, &name, ui.available_width());
    if is_new {
        reason.request_focus();
    }
    widgets::weak(ui, t!("window.keep-out.text"));
    let reason = form.reason.trim();
    let word = if reason.is_empty() { Some(None) } else { Remark::new(reason).ok().map(Some) };
    let mut is_over = false;
    widgets::answers(ui, |ui| {
        ui.add_enabled_ui(word.is_some(), |ui| {
            let yes = if form.is_ban { out } else { away };
            if widgets::default_button(ui, Loud::Primary, &yes)
                && let Some(word) = &word
            {
                actions.push(Action::Ask(order(form, word.clone())));
                is_over = true;
            }
        });
        is_over |= widgets::button(ui, Loud::Plain, "", &t!("window.close")).clicked();
    });
    is_over
}

fn order(form: &KeepOut, reason: Option<Remark>) -> Intent {
    let user = form.user.clone();
    Intent::Order(if form.is_ban {
        let span = form.minutes.and_then(MinutesSpan::new);
        BanUser { subject: BanSubject::User(user), span, reason }.into()
    } else {
        KickUser { username: user, minutes: form.minutes, reason }.into()
    })
}

/// Who is sent away comes back soon; a ban lasts.
fn spans(is_ban: bool) -> &'static [Option<u64>] {
    if is_ban {
        &[None, Some(DAY_MINUTES), Some(7 * DAY_MINUTES), Some(30 * DAY_MINUTES)]
    } else {
        &[Some(0), Some(10), Some(HOUR_MINUTES), Some(DAY_MINUTES)]
    }
}

/// A time that can be chosen, as a person says it.
pub(in crate::gui) fn span_text(minutes: Option<u64>) -> String {
    match minutes {
        None => t!("window.bans.for-good").into_owned(),
        Some(0) => t!("window.keep-out.once").into_owned(),
        Some(minutes) => texts::span(minutes),
    }
}
