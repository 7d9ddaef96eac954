//! What an owner of the network does about it, here or from afar: a word to everybody, who waits to be let in, invites,
//! and limits. Who is shut out is beside who is here, on the page of people.

use eframe::egui::scroll_area::ScrollBarVisibility;
use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Ui, vec2};
use potok_core::model::ban_terms::Remark;
use potok_core::model::shown::Shown;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::{
    Approve, Broadcast, Deny, ListTrackers, OwnerCommand, RevokeInvite, SetLimits,
};
use potok_core::protocol::owner_line::{FigureLine, InviteLine, TrackerLine, WaitingLine};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::sections::Sections;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::Model;
use crate::texts;

const OWNER_ROW_HEIGHT: f32 = 30.0;
const LIST_HEIGHT: f32 = 150.0;
const LIMIT_WIDTH: f32 = 150.0;
const WORD_WIDTH: f32 = 360.0;
/// Letters of a key that stand in the list, four groups of it; the others are in its hint.
const KEY_SHOWN: usize = 19;

/// What is typed here.
#[derive(Debug, Default)]
pub(super) struct OwnerForms {
    word: String,
    /// The limit that is being changed, and what is typed for it.
    limit: Option<(String, String)>,
}

/// Until when something counts, as far as it ends.
fn until(moment: Option<u64>) -> String {
    match moment {
        Some(moment) => t!("window.owner.until", moment = human::moment(moment)).into_owned(),
        None => t!("window.bans.for-good").into_owned(),
    }
}

fn remark(remark: Option<&Remark>) -> Option<String> {
    remark.map(|remark| Shown(remark.as_str()).to_string())
}

fn beside_each_other<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A limit as a person calls it; by its own name if this program does not know it.
fn limit_name(name: &str) -> String {
    Shown(&texts::text("limit", name, &[])).to_string()
}

fn order(command: impl Into<OwnerCommand>) -> Action {
    Action::Ask(Intent::Order(command.into()))
}

/// Draws the cards.
pub(super) fn show(
    ui: &mut Ui,
    model: &Model,
    forms: &mut OwnerForms,
    sections: &mut Sections,
    actions: &mut Vec<Action>,
) {
    sections.part(ui, "broadcast");
    broadcast(ui, forms, actions);
    ui.add_space(theme::GAP);
    if !model.trackers.is_empty() {
        sections.part(ui, "trackers");
        trackers(ui, model, actions);
        ui.add_space(theme::GAP);
    }
    if !model.invites.is_empty() {
        sections.part(ui, "invites");
        invites(ui, model, actions);
        ui.add_space(theme::GAP);
    }
    if !model.limits.is_empty() {
        sections.part(ui, "limits");
        limits(ui, model, forms, actions);
        ui.add_space(theme::GAP);
    }
}

/// A row of a list in a card.
struct Row {
    name: String,
    more: String,
    /// What the pointer over it tells.
    hint: String,
}

impl Row {
    fn of(name: String, more: String) -> Self {
        Self { name, more, hint: String::new() }
    }
}

/// A list in a card: a text a row, and buttons on the right.
fn list<T>(ui: &mut Ui, id: &str, rows: &[T], text: impl Fn(&T) -> Row, mut buttons: impl FnMut(&mut Ui, &T)) {
    let p = palette(ui);
    let whole = rows.len() as f32 * (OWNER_ROW_HEIGHT + 4.0);
    let height = LIST_HEIGHT.min(whole);
    let area = ScrollArea::vertical().id_salt(id.to_owned()).max_height(height).auto_shrink([false, true]);
    // Without its bar a list that is cut between two rows looks whole.
    let area = area.scroll_bar_visibility(if whole > height {
        ScrollBarVisibility::AlwaysVisible
    } else {
        ScrollBarVisibility::VisibleWhenNeeded
    });
    area.min_scrolled_height(height).show_rows(ui, OWNER_ROW_HEIGHT, rows.len(), |ui, range| {
        for row in rows.get(range).into_iter().flatten() {
            ui.allocate_ui(vec2(ui.available_width(), OWNER_ROW_HEIGHT), |ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    buttons(ui, row);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let Row { name, more, hint } = text(row);
                        ui.label(RichText::new(name).font(theme::medium()).color(p.text));
                        let more =
                            ui.add(Label::new(RichText::new(more).font(theme::small()).color(p.weak)).truncate());
                        if !hint.is_empty() {
                            more.on_hover_text(hint);
                        }
                    });
                });
            });
        }
    });
}

/// Who asks to be let in, if anybody does: somebody waits for an answer, so it stands before all else.
pub(super) fn waiting(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    if model.waiting.is_empty() {
        return;
    }
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.owner.waiting"));
        widgets::weak(ui, t!("window.owner.waiting-text"));
        ui.add_space(4.0);
        let text = |user: &WaitingLine| {
            let key = fingerprint::hex(&user.key);
            let begin: String = key.chars().take(KEY_SHOWN).collect();
            let parts = [format!("{begin} …"), user.address.to_string(), human::moment(user.since)];
            Row {
                name: Shown(user.username.as_str()).to_string(),
                more: beside_each_other(parts.map(Some)),
                hint: format!("{key}\n{}", fingerprint::words(&user.key).join(" ")),
            }
        };
        list(ui, "waiting", &model.waiting, text, |ui, user| {
            let name = Shown(user.username.as_str()).to_string();
            let deny = format!("{}: {name}", t!("window.owner.deny"));
            if widgets::icon_button(ui, icons::PROHIBIT, &deny).clicked() {
                actions.push(order(Deny { username: user.username.clone(), key: Some(user.key) }));
            }
            let approve = format!("{}: {name}", t!("window.owner.approve"));
            if widgets::icon_button(ui, icons::CHECK, &approve).clicked() {
                actions.push(order(Approve { username: user.username.clone(), key: Some(user.key) }));
            }
        });
    });
    ui.add_space(theme::GAP);
}

fn broadcast(ui: &mut Ui, forms: &mut OwnerForms, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.owner.broadcast"));
        widgets::weak(ui, t!("window.owner.broadcast-text"));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let name = t!("window.owner.word");
            widgets::field(ui, &mut forms.word, icons::BROADCAST, &name, &name, WORD_WIDTH);
            let word = Remark::new(&forms.word);
            ui.add_enabled_ui(word.is_ok(), |ui| {
                if widgets::button(ui, Loud::Plain, "", &t!("window.owner.say")).clicked()
                    && let Ok(text) = word
                {
                    actions.push(order(Broadcast { text }));
                    forms.word.clear();
                }
            });
        });
    });
}

/// The trackers of a network that has several.
fn trackers(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::heading(ui, &t!("window.owner.trackers"));
            if widgets::icon_button(ui, icons::ARROW_CLOCKWISE, &t!("window.owner.look-again")).clicked() {
                actions.push(order(ListTrackers));
            }
        });
        widgets::weak(ui, t!("window.owner.trackers-text"));
        ui.add_space(4.0);
        let text = |tracker: &TrackerLine| {
            let age = tracker.replica_milliseconds.map(|age| t!("window.owner.replica", seconds = age.div_ceil(1000)));
            let partial =
                tracker.partial_answers.map(|count| t!("window.owner.partial", count = human::thousands(count)));
            let parts = [
                Some(texts::text("tracker-standing", tracker.standing.as_str(), &[])),
                Some(t!("window.owner.users", count = human::thousands(tracker.users)).into_owned()),
                age.map(std::borrow::Cow::into_owned),
                partial.map(std::borrow::Cow::into_owned),
            ];
            Row::of(tracker.at.to_string(), beside_each_other(parts))
        };
        list(ui, "trackers", &model.trackers, text, |_, _| {});
    });
}

fn invites(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.owner.invites"));
        let text = |invite: &InviteLine| {
            let left = match invite.uses_left {
                Some(uses) => t!("window.owner.left", uses = human::thousands(uses)),
                None => t!("window.owner.left-any"),
            };
            let parts = [Some(left.into_owned()), Some(until(invite.until)), remark(invite.note.as_ref())];
            Row::of(format!("№ {}", invite.number), beside_each_other(parts))
        };
        list(ui, "invites", &model.invites, text, |ui, invite| {
            let revoke = format!("{}: № {}", t!("window.owner.revoke"), invite.number);
            if widgets::icon_button(ui, icons::X, &revoke).clicked() {
                actions.push(order(RevokeInvite { number: invite.number }));
            }
        });
    });
}

fn limits(ui: &mut Ui, model: &Model, forms: &mut OwnerForms, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.owner.limits"));
        widgets::weak(ui, t!("window.owner.limits-text"));
        ui.add_space(4.0);
        let text = |limit: &FigureLine| Row::of(human::thousands(limit.value), limit_name(&limit.name));
        let mut begun = None;
        list(ui, "limits", &model.limits, text, |ui, limit| {
            let change = format!("{}: {}", t!("window.owner.change"), limit_name(&limit.name));
            if widgets::icon_button(ui, icons::PENCIL_SIMPLE, &change).clicked() {
                begun = Some((limit.name.clone(), limit.value.to_string()));
            }
        });
        if begun.is_some() {
            forms.limit = begun;
        }
        let Some((name, value)) = &mut forms.limit else { return };
        let mut is_over = false;
        ui.add_space(4.0);
        widgets::weak(ui, limit_name(name));
        ui.horizontal(|ui| {
            let shown = limit_name(name);
            widgets::field(ui, value, "", &format!("{}: {shown}", t!("window.owner.limit")), "", LIMIT_WIDTH);
            let number = value.trim().parse::<u64>().ok();
            ui.add_enabled_ui(number.is_some(), |ui| {
                if widgets::button(ui, Loud::Plain, icons::CHECK, &t!("window.tracker.save")).clicked() {
                    actions.push(order(SetLimits { changes: vec![(name.clone(), number)] }));
                    is_over = true;
                }
            });
            if widgets::button(ui, Loud::Quiet, "", &t!("window.owner.default")).clicked() {
                actions.push(order(SetLimits { changes: vec![(name.clone(), None)] }));
                is_over = true;
            }
        });
        if is_over {
            forms.limit = None;
        }
    });
}
