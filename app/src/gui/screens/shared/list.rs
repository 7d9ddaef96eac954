//! The list of what I share: files and folders as they were shared, and the tree below each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::library::root::RootId;
use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::{ShownPath, usual_path};
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::service::share_indexer::root_status::{Absence, RootWatching, RootWork, SharedRoot};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Dialog, Stopping};
use crate::gui::icons;
use crate::gui::screens::shared::SharedState;
use crate::gui::theme;
use crate::gui::widgets::table::{Column, Table};
use crate::gui::widgets::{self, Loud, MenuGroups};
use crate::human::{self, thousands};
use crate::model::Model;
use crate::model::shares::{RestOfLevel, ShareRow, ShareRowKind, Shares};
use crate::render::tables;

/// The titles of the table, the buttons below it and two lines of text, with what is between them.
const STOP_AND_WORDS_HEIGHT: f32 = 132.0;

/// A row, and what is needed to draw it.
struct Drawn<'a> {
    row: &'a ShareRow,
    /// What runs now.
    uploads: &'a [&'a Transfer],
}

/// What is wanted of the chosen rows.
#[derive(Debug, Default)]
struct Wanted {
    stop: bool,
    copy: bool,
    rename: bool,
    reveal: bool,
    again: bool,
}

/// The caret of a folder was clicked.
#[derive(Clone, Copy)]
struct ToggleFolder;

pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut SharedState, actions: &mut Vec<Action>) {
    follow(ui, &model.shares, state);
    let mut toggled = keys(ui, &model.shares, state);
    let rows = model.shares.rows();
    let uploads = model.transfers.values();
    let uploads: Vec<&Transfer> =
        uploads.filter(|t| t.direction == Direction::Upload && t.state == TransferState::Running).collect();
    let height = (ui.available_height() - STOP_AND_WORDS_HEIGHT).max(80.0);
    let columns = columns();
    let title = t!("window.page.shared");
    let table = Table { id: "shared", title, columns: &columns, rows: rows.len(), sorted: None, height: Some(height) };
    let mut selection = std::mem::take(&mut state.rows.selection);
    let can = Can::of(&selection.rows.iter().filter_map(|at| rows.get(at)).collect::<Vec<_>>());
    let mut wanted = Wanted::default();
    let happened = table.show(
        ui,
        &mut selection,
        |at| rows.get(at).map(|row| Drawn { row, uploads: &uploads }),
        in_words,
        |ui, _| menu(ui, can, &mut wanted),
    );
    state.rows.selection = selection;
    state.rows.saw(happened.view);
    toggled = happened.clicked.first().map(|(row, ToggleFolder)| *row).or(toggled);
    let opened = happened.opened.and_then(|at| Some((at, rows.get(at)?)));
    match opened {
        Some((at, row)) if row.is_open().is_some() => toggled = Some(at),
        Some(_) => wanted.reveal = true,
        None => {}
    }
    if let Some(row) = toggled.and_then(|at| rows.get(at)) {
        let folder = (row.root, row.path.clone());
        if !state.open.remove(&folder) {
            state.open.insert(folder);
        }
        ui.request_repaint();
    }
    buttons(ui, can, &mut wanted);
    let chosen: Vec<&ShareRow> = state.rows.selection.rows.iter().filter_map(|at| rows.get(at)).collect();
    act(&chosen, &model.shares, can, &wanted, actions);
}

/// What is chosen stays so when rows come and go.
fn follow(ui: &Ui, shares: &Shares, state: &mut SharedState) {
    if std::mem::replace(&mut state.version, shares.version()) != shares.version() {
        state.rows.follow(ui.ctx(), "shared", shares.rows().iter().map(ShareRow::key).collect());
    }
}

/// What can be done with the chosen rows.
#[derive(Debug, Clone, Copy, Default)]
struct Can {
    stop: bool,
    rename: bool,
    reveal: bool,
    again: bool,
}

impl Can {
    fn of(chosen: &[&ShareRow]) -> Self {
        let is_shared = |row: &&ShareRow| !matches!(row.kind, ShareRowKind::Stopped | ShareRowKind::Rest(_));
        let is_stopped = |row: &&ShareRow| match &row.kind {
            ShareRowKind::Stopped => true,
            // What is there now may be what the person means.
            ShareRowKind::Root { root, .. } => root.paused == Some(Absence::OtherFileSystem),
            _ => false,
        };
        Self {
            stop: chosen.iter().any(is_shared),
            rename: chosen.len() == 1 && chosen.iter().all(is_shared),
            reveal: chosen.len() == 1 && chosen.iter().all(|row| !matches!(row.kind, ShareRowKind::Rest(_))),
            again: chosen.iter().any(is_stopped),
        }
    }
}

fn menu(ui: &mut Ui, can: Can, wanted: &mut Wanted) {
    let mut lines = MenuGroups::default();
    wanted.reveal |= lines.item(ui, can.reveal, icons::FOLDER_OPEN, &t!("window.shared.reveal"), "Ctrl+E");
    lines.next();
    wanted.rename |= lines.item(ui, can.rename, icons::PENCIL_SIMPLE, &t!("window.shared.rename"), "F2");
    wanted.copy |= lines.item(ui, true, icons::COPY, &t!("window.browse.copy-path"), "Ctrl+C");
    lines.next();
    wanted.again |= lines.item(ui, can.again, icons::PLUS, &t!("window.shared.again"), "");
    wanted.stop |= lines.item(ui, can.stop, icons::MINUS_CIRCLE, &t!("window.shared.stop"), "Del");
}

fn buttons(ui: &mut Ui, can: Can, wanted: &mut Wanted) {
    if widgets::keys_are_free(ui) {
        wanted.stop |= can.stop && widgets::pressed(ui, Modifiers::NONE, Key::Delete);
        wanted.rename |= can.rename && widgets::pressed(ui, Modifiers::NONE, Key::F2);
        wanted.reveal |= can.reveal && widgets::pressed(ui, Modifiers::COMMAND, Key::E);
        wanted.copy |= ui.input(|input| input.events.contains(&eframe::egui::Event::Copy));
    }
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        ui.add_enabled_ui(can.stop, |ui| {
            wanted.stop |= widgets::button(ui, Loud::Danger, icons::MINUS_CIRCLE, &t!("window.shared.stop")).clicked();
        });
        ui.add_enabled_ui(can.rename, |ui| {
            wanted.rename |=
                widgets::button(ui, Loud::Plain, icons::PENCIL_SIMPLE, &t!("window.shared.rename")).clicked();
        });
        ui.add_enabled_ui(can.reveal, |ui| {
            wanted.reveal |=
                widgets::button(ui, Loud::Plain, icons::FOLDER_OPEN, &t!("window.shared.reveal")).clicked();
        });
        if can.again {
            wanted.again |= widgets::button(ui, Loud::Plain, icons::PLUS, &t!("window.shared.again")).clicked();
        }
    });
    widgets::weak(ui, t!("window.shared.only-this"));
}

fn act(chosen: &[&ShareRow], shares: &Shares, can: Can, wanted: &Wanted, actions: &mut Vec<Action>) {
    let Some(first) = chosen.first() else { return };
    let path = first.path.as_str().to_owned();
    if wanted.copy {
        actions.push(Action::Copy(path.clone()));
    }
    if wanted.rename && can.rename {
        actions.push(Action::Dialog(Dialog::Rename { from: path.clone(), to: path }));
    }
    if wanted.reveal
        && can.reveal
        && let Some(local) = local_path(first, shares)
    {
        actions.push(Action::Reveal(local));
    }
    if wanted.again {
        again(chosen, actions);
    }
    if wanted.stop && can.stop {
        actions.push(Action::Confirm(Confirm::Unshare(stopping(chosen, shares))));
    }
}

/// What was stopped is shared again; of a root in whose place another drive is, what is there now.
fn again(chosen: &[&ShareRow], actions: &mut Vec<Action>) {
    let cwd = std::env::current_dir().unwrap_or_default();
    let stopped = chosen.iter().filter(|row| row.kind == ShareRowKind::Stopped);
    let paths: Vec<_> = stopped.filter_map(|row| ShareOrLocalPath::new(row.path.as_str(), &cwd).ok()).collect();
    if !paths.is_empty() {
        actions.push(Action::Ask(Intent::ShareAgain { paths }));
    }
    let other_drive = chosen.iter().filter_map(|row| match &row.kind {
        ShareRowKind::Root { root, .. } if root.paused == Some(Absence::OtherFileSystem) => Some(root.as_ref()),
        _ => None,
    });
    let request = |root: &SharedRoot| ShareRequest {
        typed: usual_path(root.local.as_ref()).into_owned(),
        cwd: cwd.clone(),
        share_as: Some(root.share_as.as_str().to_owned()),
    };
    let requests: Vec<ShareRequest> = other_drive.map(request).collect();
    if !requests.is_empty() {
        actions.push(Action::Share(requests));
    }
}

/// What is to be stopped. A folder that was shared is named by its place on the disk, so that nothing of it is shared
/// under another name either; and what lies in another chosen row goes with that.
fn stopping(chosen: &[&ShareRow], shares: &Shares) -> Stopping {
    let mut stopping = Stopping::default();
    let is_folder = |row: &ShareRow| row.is_open().is_some();
    // A hundred thousand rows may be chosen.
    let folders = chosen.iter().filter(|row| is_folder(row)).map(|row| (row.root, row.path.as_str()));
    let folders: HashSet<(RootId, &str)> = folders.collect();
    for row in chosen {
        let path = row.path.as_str();
        let is_below = path.match_indices('/').any(|(at, _)| folders.contains(&(row.root, &path[..at])));
        if matches!(row.kind, ShareRowKind::Stopped | ShareRowKind::Rest(_)) || is_below {
            continue;
        }
        if stopping.paths.is_empty() {
            stopping.name = Shown(row.path.file_name()).to_string();
        }
        stopping.has_folders |= is_folder(row);
        let is_in_folder = shares.root(row.root).is_some_and(|root| root.is_folder);
        stopping.leaves_folders |= is_in_folder && matches!(row.kind, ShareRowKind::File { .. });
        stopping.paths.push(match &row.kind {
            ShareRowKind::Root { root, .. } if root.is_folder => usual_path(root.local.as_ref()).into_owned(),
            _ => row.path.as_str().to_owned(),
        });
    }
    stopping
}

/// Where a row lies on this computer.
fn local_path(row: &ShareRow, shares: &Shares) -> Option<PathBuf> {
    let root = shares.root(row.root)?;
    let below = row.path.below(root.share_as.as_str()).unwrap_or("");
    let whole = Path::new(&root.local);
    Some(if below.is_empty() { whole.to_owned() } else { whole.join(below) })
}

/// A row for a screen reader.
fn in_words(drawn: &Drawn<'_>) -> String {
    let path = Shown(drawn.row.path.as_str()).to_string();
    let said = match &drawn.row.kind {
        ShareRowKind::Root { root, .. } if is_as_usual(root) => String::new(),
        ShareRowKind::Root { root, .. } => state_of(root),
        ShareRowKind::Stopped => t!("window.shared.stopped").into_owned(),
        ShareRowKind::Rest(why) => return rest(*why),
        _ => String::new(),
    };
    let parts = [path, said, takers(drawn)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn rest(why: RestOfLevel) -> String {
    let text = match why {
        RestOfLevel::Coming => t!("window.browse.loading-more"),
        RestOfLevel::TooLong => t!("window.shared.too-long"),
        RestOfLevel::TooManyOpen => t!("window.browse.too-many-open"),
        RestOfLevel::Stopped(count) => t!("window.shared.more-stopped", count = thousands(count as u64)),
    };
    text.into_owned()
}

/// Whether there is nothing to say of a root.
fn is_as_usual(root: &SharedRoot) -> bool {
    root.paused.is_none() && root.work == RootWork::Resting && root.watching == RootWatching::Whole
}

/// How a root is: what is being done about it, or else how its changes are noticed.
fn state_of(root: &SharedRoot) -> String {
    if root.paused.is_none() && root.work == RootWork::Resting {
        tables::watching(root)
    } else {
        tables::root_state(root)
    }
}

/// Who takes it, or something of it, now, and how fast.
fn takers(Drawn { row, uploads }: &Drawn<'_>) -> String {
    let path = row.path.as_str();
    let is_below = |path: &str, folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_this = |t: &&&Transfer| {
        let label = t.label.trim_end_matches('/');
        let is_of_folder = t.label.ends_with('/') && is_below(path, label);
        label == path || is_of_folder || (row.is_open().is_some() && is_below(label, path))
    };
    if matches!(row.kind, ShareRowKind::Stopped | ShareRowKind::Rest(_)) {
        return String::new();
    }
    let words = |t: &&Transfer| format!("{} {}", Shown(t.user.as_str()), human::speed(t.bytes_per_second));
    uploads.iter().filter(is_this).map(words).collect::<Vec<_>>().join(", ")
}

fn columns<'a>() -> [Column<Drawn<'a>, (), ToggleFolder>; 6] {
    [
        Column::new(
            "name",
            || t!("window.column.name"),
            0.0,
            |cell, drawn: &Drawn<'_>| {
                let p = cell.palette();
                let row = drawn.row;
                let is_open = row.is_open();
                let (icon, name, color) = match &row.kind {
                    // A narrow window has no room for the column that says why.
                    ShareRowKind::Root { root, .. } if root.paused.is_some() => {
                        cell.hint(&state_of(root));
                        (icons::WARNING, Shown(row.path.as_str()).to_string(), p.warn)
                    }
                    ShareRowKind::Stopped => (icons::PROHIBIT, Shown(row.path.as_str()).to_string(), p.weak),
                    ShareRowKind::Rest(why) => (icons::HOURGLASS_MEDIUM, rest(*why), p.weak),
                    _ => {
                        let whole = row.depth == 0;
                        let name = if whole { row.path.as_str() } else { row.path.file_name() };
                        let icon = match is_open {
                            Some(true) => icons::FOLDER_OPEN,
                            Some(false) => icons::FOLDER,
                            None => icons::of_file(row.path.file_name()),
                        };
                        (icon, Shown(name).to_string(), p.text)
                    }
                };
                if cell.tree_text(row.depth, is_open, icon, &name, color) {
                    cell.click(ToggleFolder);
                }
            },
        ),
        Column::number(
            "files",
            || t!("window.people.files"),
            84.0,
            |cell, drawn: &Drawn<'_>| {
                let files = match &drawn.row.kind {
                    ShareRowKind::Root { root, .. } if root.is_folder => root.totals.files,
                    ShareRowKind::Folder { totals, .. } => totals.files,
                    _ => return,
                };
                cell.text(&thousands(files), theme::body(), cell.palette().weak);
            },
        )
        .drop(3),
        Column::number(
            "size",
            || t!("window.column.size"),
            90.0,
            |cell, drawn: &Drawn<'_>| {
                let bytes = match &drawn.row.kind {
                    ShareRowKind::Root { root, .. } => root.totals.bytes,
                    ShareRowKind::Folder { totals, .. } => totals.bytes,
                    ShareRowKind::File { bytes } => *bytes,
                    ShareRowKind::Stopped | ShareRowKind::Rest(_) => return,
                };
                cell.text(&human::size(bytes), theme::body(), cell.palette().weak);
            },
        ),
        Column::new(
            "state",
            || t!("window.column.state"),
            216.0,
            |cell, drawn: &Drawn<'_>| {
                let p = cell.palette();
                match &drawn.row.kind {
                    ShareRowKind::Root { root, .. } => {
                        let color = if root.paused.is_some() { p.warn } else { p.weak };
                        cell.text(&state_of(root), theme::small(), color);
                    }
                    ShareRowKind::Stopped => cell.text(&t!("window.shared.stopped"), theme::small(), p.weak),
                    _ => {}
                }
            },
        )
        .grow()
        .drop(2),
        Column::new(
            "place",
            || t!("window.shared.place"),
            200.0,
            |cell, drawn: &Drawn<'_>| {
                if let ShareRowKind::Root { root, .. } = &drawn.row.kind {
                    cell.path(&ShownPath(&root.local).to_string(), theme::small(), cell.palette().weak);
                }
            },
        )
        .grow()
        .drop(4),
        Column::new(
            "takers",
            || t!("window.shared.takers"),
            130.0,
            |cell, drawn: &Drawn<'_>| {
                cell.text(&takers(drawn), theme::small(), cell.palette().accent);
            },
        )
        .drop(1),
    ]
}

/// Right opens, or goes in; left closes, or goes out. The row to open or close.
fn keys(ui: &Ui, shares: &Shares, state: &mut SharedState) -> Option<usize> {
    let at = state.rows.selection.head().filter(|_| widgets::keys_are_free(ui))?;
    let rows = shares.rows();
    let row = rows.get(at)?;
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowRight) {
        match row.is_open() {
            Some(false) => return Some(at),
            Some(true) => state.rows.selection.only((at + 1).min(rows.len() - 1)),
            None => {}
        }
    }
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowLeft) {
        if row.is_open() == Some(true) {
            return Some(at);
        }
        if let Some(above) = (0..at).rev().find(|above| rows[*above].depth < row.depth) {
            state.rows.selection.only(above);
        }
    }
    None
}
