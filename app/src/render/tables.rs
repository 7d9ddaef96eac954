//! Tables for people: aligned, as wide as the terminal, sizes in KiB and MiB.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use potok_core::model::binding::Ban;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::Shown;
use potok_core::node::event::{Direction, Me, Outcome, Status, Transfer, TransferState};
use potok_core::protocol::reply::{FileLine, UserLine};
use rust_i18n::t;

use crate::command_line::command::ConsoleCommand;
use crate::render::{records, words};
use crate::{human, texts};

/// What came of a command, as the lines that people read; at most `lines_max` of them.
pub fn lines_of(outcome: &Outcome, lines_max: usize) -> Vec<String> {
    let mut out = Vec::new();
    // Writing into memory cannot fail.
    let _ = match outcome {
        Outcome::Done => records::line(&mut out, t!("console.done")),
        Outcome::Users(list) => users(&mut out, list),
        Outcome::Shared(shares) => shared(&mut out, shares),
        Outcome::Unshared(paths) => unshared(&mut out, paths),
        Outcome::Queued(number) => records::line(&mut out, number),
        Outcome::Transfers(list) => transfers(&mut out, list),
        Outcome::Me(i) => me(&mut out, i),
        Outcome::Invite(invite) => records::line(&mut out, invite),
        Outcome::Status(now) => status(&mut out, now),
        Outcome::Bans(list) => bans(&mut out, list),
        // The window asks for these, page by page.
        Outcome::FilePage { .. } | Outcome::FolderPage { .. } | Outcome::Totals(_) => Ok(()),
        Outcome::UserTotals(_) | Outcome::Sources(_) => Ok(()),
    };
    String::from_utf8_lossy(&out).lines().take(lines_max).map(|line| line.trim_end().to_owned()).collect()
}

/// Who is connected.
pub fn users(out: &mut impl Write, users: &[UserLine]) -> io::Result<()> {
    let mut table = table(&[t!("column.user"), t!("column.address"), t!("column.key")]);
    for user in users {
        let address = user.address.map_or_else(|| "-".into(), |address| address.to_string());
        let key = user.key.map_or_else(|| t!("console.unverified").into_owned(), |key| short(&key.to_string()));
        table.add_row([shown(user.username.as_str()), address, key]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// Who is shut out.
pub fn bans(out: &mut impl Write, bans: &[Ban]) -> io::Result<()> {
    let mut table = table(&[t!("column.user"), t!("column.banned")]);
    for ban in bans {
        let name = ban.username.as_ref().map_or_else(|| "-".into(), |name| shown(name.as_str()));
        table.add_row([name, shown(&ban.target.to_string())]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// What is shared. The heading comes with the first part of a list only.
pub fn files(out: &mut impl Write, files: &[FileLine], is_first_part: bool) -> io::Result<()> {
    let mut table =
        if is_first_part { table(&[t!("column.user"), t!("column.size"), t!("column.path")]) } else { table(&[]) };
    for file in files {
        table.add_row([
            Cell::new(shown(file.username.as_str())),
            Cell::new(size(file.size)).set_alignment(CellAlignment::Right),
            Cell::new(shown(file.path.as_str())),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// What I share.
pub fn my_shares(out: &mut impl Write, shares: &[Share]) -> io::Result<()> {
    let mut table = table(&[t!("column.size"), t!("column.path")]);
    for share in shares {
        let size = Cell::new(size(share.size)).set_alignment(CellAlignment::Right);
        table.add_row([size, Cell::new(shown(share.path.as_str()))]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// What is shared from now on: each file, or how many when there are many.
pub fn shared(out: &mut impl Write, shares: &[Share]) -> io::Result<()> {
    if shares.len() > FILES_TOLD_MAX {
        let bytes = human::size(shares.iter().filter_map(|share| share.size).fold(0, u64::saturating_add));
        return writeln!(out, "{}", t!("console.shared-many", count = shares.len(), size = bytes));
    }
    shares.iter().try_for_each(|share| {
        writeln!(out, "{}", t!("console.shared", path = shown(share.path.as_str()), size = size(share.size)))
    })
}

/// What is no longer shared.
pub fn unshared(out: &mut impl Write, paths: &[SharePath]) -> io::Result<()> {
    if paths.len() > FILES_TOLD_MAX {
        return writeln!(out, "{}", t!("console.unshared-many", count = paths.len()));
    }
    paths.iter().try_for_each(|path| writeln!(out, "{}", t!("console.unshared", path = shown(path.as_str()))))
}

/// More files than this are told as a number.
const FILES_TOLD_MAX: usize = 20;

/// A finished file.
pub fn downloaded(out: &mut impl Write, local_path: &Path, size: u64) -> io::Result<()> {
    let path = shown(&local_path.to_string_lossy());
    writeln!(out, "{}", t!("console.downloaded", path = path, size = human::size(size)))
}

/// Writes that a file gets another name than its owner's.
pub fn renamed(out: &mut impl Write, original: &str, local_path: &Path) -> io::Result<()> {
    let path = shown(&local_path.to_string_lossy());
    writeln!(out, "{}", t!("console.renamed", original = shown(original), path = path))
}

/// Writes the table of all transfers.
pub fn transfers(out: &mut impl Write, transfers: &[Transfer]) -> io::Result<()> {
    let mut table = table(&[
        t!("column.number"),
        t!("column.direction"),
        t!("column.path"),
        t!("column.user"),
        t!("column.size"),
        t!("column.done"),
        t!("column.state"),
    ]);
    for transfer in transfers {
        let direction = match transfer.direction {
            Direction::Download => t!("console.down"),
            Direction::Upload => t!("console.up"),
        };
        table.add_row([
            Cell::new(transfer.number.to_string()).set_alignment(CellAlignment::Right),
            Cell::new(direction),
            Cell::new(shown(&transfer.label)),
            Cell::new(shown(transfer.user.as_str())),
            Cell::new(human::size(transfer.total_bytes)).set_alignment(CellAlignment::Right),
            Cell::new(format!("{} %", human::percent(transfer.done_bytes, transfer.total_bytes)))
                .set_alignment(CellAlignment::Right),
            Cell::new(state(transfer)),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// What a transfer is doing, in words: "waiting for maria to come back", "place 3 in the queue".
pub fn state(transfer: &Transfer) -> String {
    let place = match &transfer.state {
        TransferState::WaitingForSlot { place } => place.to_string(),
        _ => String::new(),
    };
    let why = match &transfer.state {
        TransferState::Failed(why) => texts::of_transfer_error(why),
        _ => String::new(),
    };
    let args = [
        ("user", shown(transfer.user.as_str())),
        ("place", place),
        ("why", why),
        ("speed", human::speed(transfer.bytes_per_second)),
    ];
    texts::text("state", words::state(&transfer.state), &args)
}

/// Who I am.
pub fn me(out: &mut impl Write, me: &Me) -> io::Result<()> {
    let mut table = table(&[]);
    let address = me.address.map_or_else(|| "-".into(), |address| address.to_string());
    table.add_row([t!("column.user").into_owned(), shown(me.username.as_str())]);
    table.add_row([t!("column.address").into_owned(), address]);
    table.add_row([t!("column.key").into_owned(), me.key.to_string()]);
    writeln!(out, "{}", table.trim_fmt())
}

/// How things are.
pub fn status(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let mut table = table(&[]);
    for (name, value) in records::status_values(status) {
        let Some(value) = value else { continue };
        let value = match name {
            "connection" => texts::text("connection", &value, &[]),
            "share-bytes" => human::size(status.share_bytes),
            "down-bytes-per-second" => human::speed(status.down_bytes_per_second),
            "up-bytes-per-second" => human::speed(status.up_bytes_per_second),
            _ => shown(&value),
        };
        table.add_row([texts::text("status", name, &[]), value]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// All commands, or one.
pub fn help<'a>(out: &mut impl Write, commands: impl IntoIterator<Item = &'a ConsoleCommand>) -> io::Result<()> {
    let mut table = table(&[]);
    for command in commands {
        table.add_row([command.usage(), command.explanation()]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

fn table(headings: &[Cow<'_, str>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !headings.is_empty() {
        table.set_header(headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    }
    table
}

fn shown(text: &str) -> String {
    Shown(text).to_string()
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), human::size)
}

/// The beginning of a key: enough to compare at a glance; `whoami` shows one's own in full.
fn short(hex: &str) -> String {
    hex.chars().take(16).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use potok_core::model::username::Username;

    use super::*;

    #[test]
    fn aligns_and_makes_the_dangerous_visible() {
        let line = |name: &str, path: &str, size| FileLine {
            username: Username::new(name).expect(name),
            size,
            hash: None,
            path: SharePath::new(path).expect(path),
        };
        let mut out = Vec::new();
        files(&mut out, &[line("anna", "a.txt", Some(1536)), line("Мария", "a\u{200b}b", None)], true)
            .expect("written");
        let text = String::from_utf8(out).expect("text");
        let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(column(lines[1], "a.txt"), column(lines[2], "a⟨U+200B⟩b"), "{text}");
        assert!(lines[1].contains("1.5 KiB"), "{text}");
    }
}
