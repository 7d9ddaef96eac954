//! How others come into this network, who has come, and what to do next: share something.

use std::time::SystemTime;

use eframe::egui::{self, Align, Label, Layout, RichText, ScrollArea, Ui};
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use potok_core::protocol::command::owner::{IssueInvite, MinutesSpan};
use rust_i18n::t;

use crate::gui::action::{Action, Pick};
use crate::gui::icons;
use crate::gui::keep_out::span_text;
use crate::gui::screen::{Screen, ScreenContext};
use crate::gui::screens::{link_card, tracker};
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::human::{self, thousands};
use crate::model::{Model, Person};

/// People whose coming is told by name; of more only their number is.
const NEWCOMERS_MAX: usize = 3;
/// So high is what says who has come, from the first moment on: what lies below does not move when somebody does.
const NEWCOMERS_HEIGHT: f32 = 136.0;
const NETWORK_NAME_WIDTH: f32 = 280.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct InviteState {
    /// Another name for the network, until it is used.
    name: Option<String>,
    /// What an invite with a token is to be.
    token: TokenChoice,
}

/// How many may come in by an invite, and how long it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TokenChoice {
    uses: Option<u32>,
    minutes: Option<u64>,
}

impl Default for TokenChoice {
    fn default() -> Self {
        Self { uses: Some(1), minutes: Some(7 * 24 * 60) }
    }
}

/// Draws the page.
pub fn show(
    ui: &mut Ui,
    context: ScreenContext<'_>,
    state: &mut InviteState,
    host_at: &str,
    actions: &mut Vec<Action>,
) {
    let ScreenContext { model, has_picker, is_trial, .. } = context;
    widgets::head(ui, &t!("window.page.invite"), "", |_| {});
    if is_trial {
        return trial(ui, host_at, actions);
    }
    let Some(invite) = &model.invite else { return nothing(ui, model, actions) };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - 8.0);
        link(ui, context, state, &invite.to_string(), actions);
        ui.add_space(theme::GAP);
        who_has_come(ui, model);
        ui.add_space(theme::GAP);
        share(ui, model, has_picker, actions);
        if model.can_order() {
            ui.add_space(theme::GAP);
            with_token(ui, model, &mut state.token, actions);
        }
    });
}

/// Nobody else can come into a trial; one click makes a network of it.
fn trial(ui: &mut Ui, host_at: &str, actions: &mut Vec<Action>) {
    let (title, text) = (t!("window.trial.title"), t!("window.trial.no-invite"));
    widgets::empty(ui, icons::SPARKLE, &title, &text, |ui| {
        if widgets::button(ui, Loud::Primary, icons::BROADCAST, &t!("window.trial.make-real")).clicked() {
            actions.push(Action::Host(Some(host_at.to_owned())));
        }
    });
}

/// There is no link: we are in no network, or not yet.
fn nothing(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    if model.connection == TrackerConnection::None {
        let (title, text) = (t!("window.browse.offline-title"), t!("window.invite.none-text"));
        widgets::empty(ui, icons::PLUGS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::SIGN_IN, &t!("window.browse.choose-network")).clicked() {
                actions.push(Action::Go(Screen::Welcome));
            }
        });
    } else {
        let title = t!("window.away.waiting", network = model.network_name().unwrap_or_default());
        widgets::empty(ui, icons::HOURGLASS_MEDIUM, &title, &t!("window.invite.later"), |_| {});
    }
}

/// What the network is called, and the link into it.
fn link(ui: &mut Ui, context: ScreenContext<'_>, state: &mut InviteState, link: &str, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, .. } = context;
    let above = |ui: &mut Ui, actions: &mut Vec<Action>| match model.hosted() {
        Some(_) => name(ui, state, settings, actions),
        None => widgets::heading(ui, &model.network_name().unwrap_or_default()),
    };
    link_card::show(ui, link, actions, above, |ui| {
        if let Some(hosted) = model.hosted() {
            ui.add_space(4.0);
            widgets::weak(ui, tracker::reach(model, hosted));
        }
    });
}

/// What the network is called; a new name is used when the field is left.
fn name(ui: &mut Ui, state: &mut InviteState, settings: &Settings, actions: &mut Vec<Action>) {
    let text = t!("window.tracker.network-name");
    widgets::weak(ui, t!("window.invite.called"));
    let mut typed = state.name.clone().unwrap_or_else(|| settings.network_name.clone());
    let width = NETWORK_NAME_WIDTH.min(ui.available_width());
    let response = widgets::field(ui, &mut typed, icons::BROADCAST, &text, &text, width);
    if response.changed() {
        state.name = Some(typed);
    }
    if response.has_focus() {
        return;
    }
    // Empty is no name: the old one stays.
    if let Some(typed) = state.name.take().map(|typed| typed.trim().to_owned()).filter(|typed| !typed.is_empty())
        && typed != settings.network_name
    {
        actions.push(Action::Apply(Box::new(Settings { network_name: typed, ..settings.clone() })));
    }
}

/// Who has come since the invite went out.
fn who_has_come(ui: &mut Ui, model: &Model) {
    let mut others: Vec<&Person> = model.others().collect();
    let p = palette(ui);
    widgets::card(ui, |ui| {
        ui.set_min_height(NEWCOMERS_HEIGHT);
        if others.is_empty() {
            ui.horizontal(|ui| {
                widgets::glyph(ui, icons::HOURGLASS_MEDIUM, 22.0, p.warn);
                ui.vertical(|ui| {
                    widgets::heading(ui, &t!("window.invite.waiting"));
                    widgets::weak(ui, t!("window.invite.waiting-text"));
                });
            });
            return;
        }
        // The newest first; of those who were there before us nobody knows since when.
        others.sort_by_key(|person| std::cmp::Reverse(person.since));
        let now = SystemTime::now();
        for person in others.iter().take(NEWCOMERS_MAX) {
            let name = Shown(person.line.username.as_str()).to_string();
            ui.horizontal(|ui| {
                widgets::glyph(ui, icons::USER, 20.0, p.good);
                let text = match person.since {
                    Some(_) => t!("window.invite.has-joined", user = name),
                    None => t!("window.invite.is-here", user = name),
                };
                ui.add(Label::new(RichText::new(&*text).font(theme::heading()).color(p.text)).truncate());
                widgets::verified_mark(ui, model.key_standing(person));
                if let Some(at) = person.since {
                    widgets::weak(ui, human::time_of_day(at, now));
                }
            });
        }
        if others.len() > NEWCOMERS_MAX {
            let more = (others.len() - NEWCOMERS_MAX) as u64;
            widgets::weak(ui, t!("window.invite.more", count = thousands(more)));
        }
    });
}

/// What comes next: something to share, or what there is already.
fn share(ui: &mut Ui, model: &Model, has_picker: bool, actions: &mut Vec<Action>) {
    let files = model.shares.len() as u64;
    widgets::card(ui, |ui| {
        if files == 0 {
            widgets::heading(ui, &t!("window.invite.share"));
        } else {
            widgets::heading(ui, &t!("window.invite.shared", count = thousands(files)));
        }
        widgets::weak(ui, t!("window.invite.share-text"));
        ui.add_space(4.0);
        let size = egui::vec2(ui.available_width(), theme::CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            let loud = if files == 0 { Loud::Primary } else { Loud::Plain };
            if has_picker {
                if widgets::button(ui, loud, icons::FOLDER_SIMPLE_PLUS, &t!("window.shared.add-folder")).clicked() {
                    actions.push(Action::Pick(Pick::ShareFolder));
                }
                if widgets::button(ui, Loud::Plain, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                    actions.push(Action::Pick(Pick::ShareFiles));
                }
            }
            let loud = if has_picker { Loud::Plain } else { loud };
            if widgets::button(ui, loud, icons::FOLDER_OPEN, &t!("window.page.shared")).clicked() {
                actions.push(Action::Go(Screen::Shared));
            }
            if widgets::button(ui, Loud::Plain, icons::COMPASS, &t!("window.transfers.browse")).clicked() {
                actions.push(Action::Go(Screen::Browse));
            }
        });
    });
}

/// A link that lets people into a closed network, for an owner to make.
fn with_token(ui: &mut Ui, model: &Model, choice: &mut TokenChoice, actions: &mut Vec<Action>) {
    if let Some(issued) = &model.issued {
        let above = |ui: &mut Ui, _: &mut Vec<Action>| widgets::heading(ui, &t!("window.invite.token-made"));
        link_card::show(ui, &issued.to_string(), actions, above, |_| {});
        ui.add_space(theme::GAP);
    }
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.invite.token"));
        widgets::weak(ui, t!("window.invite.token-text"));
        ui.add_space(4.0);
        let any = t!("window.owner.any");
        let people = |count: u32| t!("window.invite.people", count = count).into_owned();
        let (one, five, thirty) = (people(1), people(5), people(30));
        let uses = [(Some(1), "", &*one), (Some(5), "", &*five), (Some(30), "", &*thirty), (None, "", &*any)];
        widgets::choice(ui, &mut choice.uses, &uses);
        ui.add_space(4.0);
        let spans = [Some(60), Some(24 * 60), Some(7 * 24 * 60), None].map(|span| (span, span_text(span)));
        let options: Vec<(Option<u64>, &str, &str)> =
            spans.iter().map(|(span, text)| (*span, "", text.as_str())).collect();
        widgets::choice(ui, &mut choice.minutes, &options);
        ui.add_space(4.0);
        if widgets::button(ui, Loud::Plain, icons::LINK, &t!("window.invite.make")).clicked() {
            let invite = IssueInvite { uses: choice.uses, span: choice.minutes.and_then(MinutesSpan::new), note: None };
            actions.push(Action::Ask(Intent::Order(invite.into())));
        }
    });
}
