//! Questions whose answer is one page: what a window asks while somebody looks. The list goes on where the page says.

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::tracker_session::{ask_failed, read_pages};
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::command::{Command, CountFiles, Cursor, ListFiles, ListFolder, ListTotals, Page, Search, Sources};
use crate::protocol::reply::{BadReply, FileLine, FolderEntry, Totals, UserTotals};
use crate::protocol::selection::Selection;
use crate::service::tracker_client::{Reply, TrackerClient};

/// More people who have the same content are not told apart by anybody.
const SAME_CONTENT_MAX: usize = 200;
/// Most users whose totals are read; a tracker that lists more is not believed.
const TOTALS_MAX: usize = 200_000;

/// One page of the shares of a selection. What an older tracker understands is asked in its words.
pub(super) async fn find_files(client: TrackerClient, selection: Selection, page: Page) -> Result<Outcome, Failure> {
    let is_of_user = Selection { username: None, ..selection.clone() }.is_everything();
    let command: Command = match selection.username {
        username if is_of_user => ListFiles { username, page }.into(),
        username => Search { selection: Selection { username, ..selection }, page }.into(),
    };
    let (files, more) = entries(&client, command, FileLine::parse).await?;
    Ok(Outcome::FilePage { files, more })
}

/// One page of what is in a folder.
pub(super) async fn list_folder(
    client: TrackerClient,
    folder: Option<SharePath>,
    selection: Selection,
    page: Page,
) -> Result<Outcome, Failure> {
    let command = ListFolder { folder, selection, page }.into();
    let (entries, more) = entries(&client, command, FolderEntry::parse).await?;
    Ok(Outcome::FolderPage { entries, more })
}

/// How many shares a selection has, and how many bytes.
pub(super) async fn count_files(client: TrackerClient, selection: Selection) -> Result<Outcome, Failure> {
    let (lines, _) = entries(&client, CountFiles { selection }.into(), Totals::parse).await?;
    lines.into_iter().next().map(Outcome::Totals).ok_or_else(faulty)
}

/// How much each of these users shares; without names everybody.
pub(super) async fn list_totals(client: TrackerClient, usernames: Vec<Username>) -> Result<Outcome, Failure> {
    let mut totals = Vec::new();
    let command = |page| ListTotals { usernames: usernames.clone(), page }.into();
    let collect = |lines: Vec<String>| {
        totals.extend(lines.iter().filter_map(|line| UserTotals::parse(line).ok()));
        std::future::ready(totals.len() < TOTALS_MAX)
    };
    read_pages(&client, command, collect, None).await?;
    Ok(Outcome::UserTotals(totals))
}

/// Everybody who shares this content.
pub(super) async fn list_sources(client: TrackerClient, hash: ContentHash) -> Result<Outcome, Failure> {
    let page = Page { after: None, limit: Some(SAME_CONTENT_MAX) };
    let (files, _) = entries(&client, Sources { hash, page }.into(), FileLine::parse).await?;
    Ok(Outcome::Sources(files))
}

/// Asks, and reads each line. Lines that are not of the protocol are left out.
async fn entries<T>(
    client: &TrackerClient,
    command: Command,
    read: impl Fn(&str) -> Result<T, BadReply>,
) -> Result<(Vec<T>, Option<Cursor>), Failure> {
    let Reply { lines, more, .. } = client.ask(command).await.map_err(|error| ask_failed(client, error))?;
    Ok((lines.iter().filter_map(|line| read(line).ok()).collect(), more))
}

fn faulty() -> Failure {
    Failure::Internal { what: FailedWork::ReadingAnswer, why: WorkFault::BadAnswer }
}
