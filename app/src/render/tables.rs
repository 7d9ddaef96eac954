//! Tables for people: aligned, as wide as the terminal, sizes in KiB and MiB.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use potok_core::library::sharing_again::StoppedPlace;
use potok_core::model::binding::Ban;
use potok_core::model::keeping_away::KeptAway;
use potok_core::model::program_version::ProgramVersion;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::transfer::AlreadyThere;
use potok_core::model::transfer_details::SourceDetails;
use potok_core::node::event::{
    Direction, Me, Outcome, PastTransfer, Status, TrackerConnection, Transfer, TransferDetails, TransferState,
};
use potok_core::node::failure::Failure;
use potok_core::protocol::owner_line::{FigureLine, InviteLine, ReloadedSetting, TrackerLine, WaitingLine};
use potok_core::protocol::reply::{FileLine, UserLine};
use potok_core::reach::nearby::NearbyNetwork;
use potok_core::service::share_indexer::event::LeftOutReason;
use potok_core::service::share_indexer::preview::SharePreview;
use potok_core::service::share_indexer::root_status::{RootWatching, RootWork, SharedRoot};
use rust_i18n::t;

use crate::command_line::command::ConsoleCommand;
use crate::model::natural_order;
use crate::model::newer_version::RELEASES;
use crate::render::text_table::{self, TextColumn};
use crate::render::{reach, records, words};
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
        Outcome::QueuedAll(numbers) => numbers.iter().try_for_each(|number| records::line(&mut out, number)),
        Outcome::Transfers(list) => transfers(&mut out, list),
        Outcome::History(past) => history(&mut out, past),
        Outcome::Me(i) => me(&mut out, i),
        Outcome::TrackerVersion(tracker) => version(&mut out, *tracker),
        Outcome::Invite(invite) => records::line(&mut out, invite),
        Outcome::Status(now) => status(&mut out, now),
        Outcome::Bans(list) => bans(&mut out, list),
        Outcome::Reachability(known) => reach::sentences(&mut out, known),
        Outcome::Nearby { networks, is_on } => nearby(&mut out, networks, *is_on),
        Outcome::Limits(list) | Outcome::Figures(list) => figures(&mut out, list),
        Outcome::Invites(list) => invites(&mut out, list),
        Outcome::Trackers(list) => trackers(&mut out, list),
        Outcome::Partial(partial) => records::line(&mut out, texts::of_partial(partial)),
        Outcome::WaitingUsers(list) => waiting(&mut out, list),
        Outcome::Reloaded(list) => reloaded(&mut out, list),
        Outcome::Roots(page) => roots(&mut out, &page.roots),
        Outcome::Stopped { places, .. } => stopped(&mut out, places),
        Outcome::SharePreview(preview) => share_preview(&mut out, preview),
        // The window asks for these, page by page.
        Outcome::FilePage { .. } | Outcome::FolderPage { .. } | Outcome::Totals(_) => Ok(()),
        Outcome::UserTotals(_) | Outcome::Sources(_) | Outcome::Level(_) | Outcome::FoundShares { .. } => Ok(()),
        // Nobody on a console asks to be asked; of several commands each is answered.
        Outcome::UnsafeNames { .. } | Outcome::Here(_) | Outcome::NothingToFetch | Outcome::UnsharedEach(_) => Ok(()),
        Outcome::TransferDetails(details) => transfer_details(&mut out, details),
        Outcome::FreeSpace(_) => Ok(()),
    };
    String::from_utf8_lossy(&out).lines().take(lines_max).map(|line| line.trim_end().to_owned()).collect()
}

/// Which versions this program and the tracker are, and where a newer one is.
pub fn version(out: &mut impl Write, tracker: ProgramVersion) -> io::Result<()> {
    let here = ProgramVersion::here();
    records::line(out, t!("console.version", here = here, tracker = tracker))?;
    if tracker > here { records::line(out, t!("console.newer-version", at = RELEASES)) } else { Ok(()) }
}

/// Who is connected.
pub fn users(out: &mut impl Write, users: &[UserLine]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<UserLine>] = &[
        TextColumn::new(|| t!("column.user"), |user| shown(user.username.as_str())),
        TextColumn::new(|| t!("column.address"), |user| or_dash(user.address)),
        TextColumn::new(
            || t!("column.key"),
            |user| user.key.map_or_else(|| t!("console.unverified").into_owned(), |key| short(&key.to_string())),
        ),
    ];
    text_table::write(out, COLUMNS, natural_order::sorted(users, |user| user.username.as_str()), true)
}

/// Who is shut out.
pub fn bans(out: &mut impl Write, bans: &[Ban]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<Ban>] = &[
        TextColumn::new(|| t!("column.user"), |ban| or_dash(ban.username.as_ref().map(|name| shown(name.as_str())))),
        TextColumn::new(|| t!("column.banned"), |ban| shown(&ban.target.to_string())),
        TextColumn::new(|| t!("column.banned-by"), |ban| or_dash(ban.terms.by.as_ref().map(|by| shown(by.as_str())))),
        TextColumn::new(|| t!("column.until"), |ban| or_dash(ban.terms.until.map(human::moment))),
        TextColumn::new(|| t!("column.reason"), |ban| or_dash(ban.terms.reason.as_ref().map(|it| shown(it.as_str())))),
    ];
    text_table::write(out, COLUMNS, bans, true)
}

/// What can be joined in the local network, or why there is nothing.
pub fn nearby(out: &mut impl Write, networks: &[NearbyNetwork], is_on: bool) -> io::Result<()> {
    const COLUMNS: &[TextColumn<NearbyNetwork>] = &[
        TextColumn::new(|| t!("column.network"), |network| shown(&network.name)),
        TextColumn::new(|| t!("column.invite"), |network| or_dash(network.invite())),
    ];
    match (networks.is_empty(), is_on) {
        (true, true) => records::line(out, t!("console.none-nearby")),
        (true, false) => records::line(out, t!("console.nearby-off")),
        (false, _) => text_table::write(out, COLUMNS, networks, true),
    }
}

/// Invites that are good.
pub fn invites(out: &mut impl Write, invites: &[InviteLine]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<InviteLine>] = &[
        TextColumn::number(|| t!("column.number"), |invite| invite.number.to_string()),
        TextColumn::number(|| t!("column.uses-left"), |invite| or_dash(invite.uses_left)),
        TextColumn::new(|| t!("column.until"), |invite| or_dash(invite.until.map(human::moment))),
        TextColumn::new(|| t!("column.banned-by"), |invite| or_dash(invite.by.as_ref().map(|by| shown(by.as_str())))),
        TextColumn::new(|| t!("column.note"), |invite| or_dash(invite.note.as_ref().map(|note| shown(note.as_str())))),
    ];
    text_table::write(out, COLUMNS, invites, true)
}

/// Who asks to be let in.
pub fn waiting(out: &mut impl Write, users: &[WaitingLine]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<WaitingLine>] = &[
        TextColumn::new(|| t!("column.user"), |user| shown(user.username.as_str())),
        TextColumn::new(|| t!("column.key"), |user| short(&user.key.to_string())),
        TextColumn::new(|| t!("column.address"), |user| user.address.to_string()),
        TextColumn::new(|| t!("column.since"), |user| human::moment(user.since)),
    ];
    text_table::write(out, COLUMNS, users, true)
}

/// Limits, or what there is.
pub fn figures(out: &mut impl Write, figures: &[FigureLine]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<FigureLine>] = &[
        TextColumn::new(|| t!("column.name"), |figure| shown(&figure.name)),
        TextColumn::number(|| t!("column.value"), |figure| human::thousands(figure.value)),
    ];
    text_table::write(out, COLUMNS, figures, true)
}

/// The trackers of a network, and how they are to each other.
pub fn trackers(out: &mut impl Write, trackers: &[TrackerLine]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<TrackerLine>] = &[
        TextColumn::new(|| t!("column.tracker"), |tracker| tracker.at.to_string()),
        TextColumn::new(
            || t!("column.state"),
            |tracker| texts::text("tracker-standing", tracker.standing.as_str(), &[]),
        ),
        TextColumn::number(|| t!("column.users"), |tracker| human::thousands(tracker.users)),
        TextColumn::number(
            || t!("column.replica"),
            |tracker| {
                tracker
                    .replica_milliseconds
                    .map_or(String::new(), |age| t!("column.milliseconds", count = age).into_owned())
            },
        ),
        TextColumn::number(
            || t!("column.partial"),
            |tracker| tracker.partial_answers.map_or(String::new(), human::thousands),
        ),
    ];
    text_table::write(out, COLUMNS, trackers, true)
}

/// What of a configuration is another one.
pub fn reloaded(out: &mut impl Write, settings: &[ReloadedSetting]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<ReloadedSetting>] = &[
        TextColumn::new(|| t!("column.name"), |setting| shown(&setting.name)),
        TextColumn::new(|| t!("column.counts"), |setting| texts::text("counts-from", setting.counts.as_str(), &[])),
    ];
    text_table::write(out, COLUMNS, settings, true)
}

/// What is shared. The titles come with the first part of a list only.
pub fn files(out: &mut impl Write, files: &[FileLine], is_first_part: bool) -> io::Result<()> {
    const COLUMNS: &[TextColumn<FileLine>] = &[
        TextColumn::new(|| t!("column.user"), |file| shown(file.username.as_str())),
        TextColumn::number(|| t!("column.size"), |file| size(file.size)),
        TextColumn::new(|| t!("column.path"), |file| shown(file.path.as_str())),
    ];
    text_table::write(out, COLUMNS, files, is_first_part)
}

/// What I share.
pub fn my_shares(out: &mut impl Write, shares: &[Share]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<Share>] = &[
        TextColumn::number(|| t!("column.size"), |share| size(share.size)),
        TextColumn::new(|| t!("column.path"), |share| shown(share.path.as_str())),
    ];
    text_table::write(out, COLUMNS, natural_order::sorted(shares, |share| share.path.as_str()), true)
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

/// The files and folders that I share, and how they are.
pub fn roots(out: &mut impl Write, roots: &[SharedRoot]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<SharedRoot>] = &[
        TextColumn::new(
            || t!("column.path"),
            |root| shown(root.share_as.as_str()) + if root.is_folder { "/" } else { "" },
        ),
        TextColumn::number(|| t!("column.files"), |root| human::thousands(root.totals.files)),
        TextColumn::number(|| t!("column.size"), |root| human::size(root.totals.bytes)),
        TextColumn::new(|| t!("column.state"), root_state),
        TextColumn::new(|| t!("column.watching"), watching),
        TextColumn::number(|| t!("column.stopped"), |root| human::thousands(root.stopped_places as u64)),
        TextColumn::new(|| t!("column.local"), |root| ShownPath(&root.local).to_string()),
    ];
    text_table::write(out, COLUMNS, roots, true)
}

/// How a root is, in words: "reading 12 files, 3 MiB", "not there; shared again when it is back".
pub fn root_state(root: &SharedRoot) -> String {
    let (files, bytes) = match root.work {
        RootWork::Hashing { files_left, bytes_left } => (files_left, bytes_left),
        RootWork::Resting | RootWork::Scanning => (0, 0),
    };
    let args = [("files", human::thousands(files)), ("size", human::size(bytes))];
    texts::text("root-state", words::root_state(root), &args)
}

/// How we learn of changes in a root, in words, and when it was looked at.
pub fn watching(root: &SharedRoot) -> String {
    let why = match &root.watching {
        RootWatching::Whole => String::new(),
        RootWatching::Partly { why } | RootWatching::Polled { why } => texts::of_watch_fault(why),
    };
    let word = texts::text("watching", words::watching(&root.watching), &[("why", why)]);
    match root.looked_at {
        Some(at) => t!("console.looked-at", watching = word, time = human::time_of_day(at, SystemTime::now())).into(),
        None => word,
    }
}

/// What was stopped of folders that are shared.
pub fn stopped(out: &mut impl Write, places: &[StoppedPlace]) -> io::Result<()> {
    places.iter().try_for_each(|place| writeln!(out, "{}", shown(place.path.as_str())))
}

/// What would be shared, a line each, and what would be left out.
pub fn share_preview(out: &mut impl Write, preview: &SharePreview) -> io::Result<()> {
    for item in &preview.items {
        let (files, size) = (human::thousands(item.totals.files), human::size(item.totals.bytes));
        writeln!(out, "{}", t!("console.would-share", path = ShownPath(&item.local), files = files, size = size))?;
        for (reason, count) in &item.left_out {
            writeln!(out, "  {}", left_out(*reason, *count))?;
        }
        if item.empty_folders > 0 {
            writeln!(out, "  {}", empty_folders(item.empty_folders))?;
        }
    }
    Ok(())
}

/// How many folders have no file to share.
pub fn empty_folders(count: u64) -> String {
    t!("console.empty-folders", count = human::thousands(count)).into_owned()
}

/// How many files are left out, and why: "left out: 3, they are links".
pub fn left_out(reason: LeftOutReason, count: u64) -> String {
    let why = texts::text("left-out", reason.word(), &[]);
    t!("console.left-out", count = human::thousands(count), why = why).into_owned()
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
    let path = ShownPath(local_path);
    writeln!(out, "{}", t!("console.downloaded", path = path, size = human::size(size)))
}

/// Writes that a file gets another name than its owner's.
pub fn renamed(out: &mut impl Write, original: &str, local_path: &Path) -> io::Result<()> {
    let path = ShownPath(local_path);
    writeln!(out, "{}", t!("console.renamed", original = shown(original), path = path))
}

/// What of a download lay at its places already: "already there: 3 files; left out: 2 files, …"; nothing if none did.
pub fn already_there(there: AlreadyThere) -> Option<String> {
    let AlreadyThere { same, left_out } = there;
    let same = (same > 0).then(|| t!("console.already-there", count = human::thousands(same)));
    let left_out = (left_out > 0).then(|| t!("console.left-as-it-is", count = human::thousands(left_out)));
    let parts: Vec<_> = same.into_iter().chain(left_out).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Writes the table of all transfers.
pub fn transfers(out: &mut impl Write, transfers: &[Transfer]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<Transfer>] = &[
        TextColumn::number(|| t!("column.number"), |transfer| transfer.number.to_string()),
        TextColumn::new(|| t!("column.direction"), |transfer| direction(transfer.direction)),
        TextColumn::new(|| t!("column.path"), |transfer| shown(&transfer.label)),
        TextColumn::new(|| t!("column.user"), |transfer| shown(transfer.user.as_str())),
        TextColumn::number(|| t!("column.size"), |transfer| human::size(transfer.total_bytes)),
        TextColumn::number(
            || t!("column.done"),
            |transfer| format!("{} %", human::percent(transfer.done_bytes, transfer.total_bytes)),
        ),
        TextColumn::new(|| t!("column.way"), |transfer| transfer.way.map(texts::of_way).unwrap_or_default()),
        TextColumn::new(|| t!("column.state"), state),
    ];
    text_table::write(out, COLUMNS, transfers, true)
}

/// Who sends a transfer, or takes it, by which way; and what was tried to reach them.
pub fn transfer_details(out: &mut impl Write, details: &TransferDetails) -> io::Result<()> {
    const COLUMNS: &[TextColumn<SourceDetails>] = &[
        TextColumn::new(|| t!("column.user"), |source| shown(source.user.as_str())),
        TextColumn::new(|| t!("column.way"), |source| source.way.map(texts::of_way).unwrap_or_default()),
        TextColumn::new(|| t!("column.state"), |source| texts::of_standing(source.standing)),
    ];
    text_table::write(out, COLUMNS, &details.sources, true)?;
    for source in details.sources.iter().filter(|source| source.is_worth_telling()) {
        for tried in &source.tried {
            writeln!(out, "{}: {}", shown(source.user.as_str()), texts::of_tried(tried, source.tried_by_them))?;
        }
    }
    Ok(())
}

/// Writes the table of what came to its end.
pub fn history(out: &mut impl Write, past: &[PastTransfer]) -> io::Result<()> {
    const COLUMNS: &[TextColumn<PastTransfer>] = &[
        TextColumn::new(|| t!("column.ended"), |past| human::date_and_time(past.ended_at)),
        TextColumn::new(|| t!("column.direction"), |past| direction(past.direction)),
        TextColumn::new(|| t!("column.path"), |past| shown(&past.label)),
        TextColumn::new(|| t!("column.user"), |past| shown(past.user.as_str())),
        TextColumn::number(|| t!("column.size"), |past| human::size(past.bytes)),
        TextColumn::new(|| t!("column.way"), |past| past.way.map(texts::of_way).unwrap_or_default()),
    ];
    text_table::write(out, COLUMNS, past, true)
}

fn direction(direction: Direction) -> String {
    match direction {
        Direction::Download => t!("console.down"),
        Direction::Upload => t!("console.up"),
    }
    .into_owned()
}

/// Why nothing is asked for: the owner of the network keeps us out.
pub fn kept_away(why: &KeptAway) -> String {
    let mut words = match why.until {
        Some(until) => {
            let time = human::time_to_the_minute(until, SystemTime::now());
            texts::text("kept-away", "until", &[("time", time)])
        }
        None => texts::text("kept-away", "for-good", &[]),
    };
    if let Some(reason) = &why.reason {
        words += &texts::text("kept-away", "reason", &[("reason", Shown(reason.as_str()).to_string())]);
    }
    words
}

/// What a transfer is doing, in words: "waiting for maria to come back", "place 3 in the queue".
pub fn state(transfer: &Transfer) -> String {
    let place = match &transfer.state {
        TransferState::WaitingForSlot { place } => place.to_string(),
        _ => String::new(),
    };
    let address = match &transfer.state {
        TransferState::Unreachable { no_relay: Some(why), .. } => return texts::of_no_relay(*why, &transfer.user),
        TransferState::Unreachable { address: Some(address), no_relay: None } => address.to_string(),
        TransferState::Unreachable { address: None, no_relay: None } => return texts::of_no_way(&transfer.user),
        _ => String::new(),
    };
    let why = match &transfer.state {
        TransferState::KeptAway(why) => return kept_away(why),
        TransferState::Failed(why) => texts::of_transfer_error(why),
        _ => String::new(),
    };
    let args = [
        ("user", shown(transfer.user.as_str())),
        ("place", place),
        ("address", address),
        ("why", why),
        ("speed", human::speed(transfer.bytes_per_second)),
    ];
    texts::text("state", words::state(&transfer.state), &args)
}

/// Who I am.
pub fn me(out: &mut impl Write, me: &Me) -> io::Result<()> {
    let pairs = [
        (t!("column.user"), shown(me.username.as_str())),
        (t!("column.address"), or_dash(me.address)),
        (t!("column.key"), me.key.to_string()),
    ];
    text_table::write_pairs(out, pairs.map(|(name, value)| [name.into_owned(), value]))
}

/// How things are.
pub fn status(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let pair = |(name, value): (&str, Option<String>)| {
        let value = value?;
        let value = match name {
            "connection" => match &status.connection {
                // Since when stands in it.
                TrackerConnection::Connecting { why: Some(why @ Failure::AwaitsApproval { .. }), .. } => {
                    texts::of_failure(why)
                }
                _ => texts::text("connection", &value, &[]),
            },
            "reachable" => texts::text("reach", &value, &[]),
            "metered" => texts::text("metering", &value, &[]),
            "ways" => records::ways_of(status, texts::of_way).unwrap_or_default(),
            "share-bytes" => human::size(status.share_bytes),
            "down-bytes-per-second" => human::speed(status.down_bytes_per_second),
            "up-bytes-per-second" => human::speed(status.up_bytes_per_second),
            _ => shown(&value),
        };
        Some([texts::text("status", name, &[]), value])
    };
    text_table::write_pairs(out, records::status_values(status).into_iter().filter_map(pair))
}

/// All commands, or one.
pub fn help<'a>(out: &mut impl Write, commands: impl IntoIterator<Item = &'a ConsoleCommand>) -> io::Result<()> {
    text_table::write_pairs(out, commands.into_iter().map(|command| [command.usage(), command.explanation()]))
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
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
