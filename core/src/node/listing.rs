//! Intents that ask the tracker and hand its lists on.

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::username::Username;
use crate::node::event::{Me, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::outbox::Outbox;
use crate::node::tracker_session::{ask_failed, read_pages};
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::command::{Command, ListFiles, ListUsers, Page, Search, Version, WhoAmI};
use crate::protocol::reply::{FileLine, UserLine};
use crate::protocol::selection::Selection;
use crate::service::tracker_client::{TrackerClient, TypeError};

/// Everybody who is connected.
pub(super) async fn list_users(client: TrackerClient) -> Result<Outcome, Failure> {
    let mut users = Vec::new();
    let command = |page| ListUsers { page }.into();
    let collect = |lines: Vec<String>| {
        users.extend(lines.iter().filter_map(|line| UserLine::parse(line).ok()));
        std::future::ready(users.len() < limits::LISTED_USERS_MAX)
    };
    read_pages(&client, command, collect, None).await?;
    Ok(Outcome::Users(users))
}

/// Every file, or those of one user, page by page.
pub(super) async fn list_files(
    client: TrackerClient,
    outbox: Outbox,
    id: IntentId,
    username: Option<Username>,
) -> Result<Outcome, Failure> {
    hand_on(client, outbox, id, |page| ListFiles { username: username.clone(), page }.into()).await
}

/// Every file with these words in its path, page by page.
pub(super) async fn search(
    client: TrackerClient,
    outbox: Outbox,
    id: IntentId,
    words: Vec<String>,
) -> Result<Outcome, Failure> {
    hand_on(client, outbox, id, |page| Search { selection: Selection::of_words(words.clone()), page }.into()).await
}

/// Who we are to the tracker.
pub(super) async fn who_am_i(client: TrackerClient, key: PublicKey) -> Result<Outcome, Failure> {
    let answer = client.ask(WhoAmI.into()).await.map_err(|error| ask_failed(&client, error))?;
    let line = answer.lines.first().and_then(|line| UserLine::parse(line).ok());
    let line = line.ok_or(Failure::Internal { what: FailedWork::AskingWhoWeAre, why: WorkFault::BadAnswer })?;
    Ok(Outcome::Me(Me { username: line.username, address: line.address, key }))
}

/// Which version the tracker is.
pub(super) async fn tracker_version(client: TrackerClient) -> Result<Outcome, Failure> {
    let answer = client.ask(Version.into()).await.map_err(|error| ask_failed(&client, error))?;
    let version = answer.lines.first().and_then(|line| line.parse().ok());
    let faulty = || Failure::Internal { what: FailedWork::ReadingAnswer, why: WorkFault::BadAnswer };
    version.map(Outcome::TrackerVersion).ok_or_else(faulty)
}

/// A line as typed; the tap shows it and its answer.
pub(super) async fn send_line(client: TrackerClient, line: String) -> Result<Outcome, Failure> {
    match client.type_line(line).await {
        Ok(()) => Ok(Outcome::Done),
        Err(TypeError::Ask(error)) => Err(ask_failed(&client, error)),
        Err(TypeError::SentByItself(verb)) => Err(Failure::SentByItself { verb }),
        Err(TypeError::Fault(why)) => Err(Failure::BadLine { why }),
        Err(TypeError::NotOneLine) => Err(Failure::NotOneLine),
    }
}

async fn hand_on(
    client: TrackerClient,
    outbox: Outbox,
    id: IntentId,
    command: impl Fn(Page) -> Command,
) -> Result<Outcome, Failure> {
    let hand_on = |lines: Vec<String>| {
        let files = lines.iter().filter_map(|line| FileLine::parse(line).ok()).collect();
        let outbox = &outbox;
        async move {
            outbox.push_files(id, files).await;
            true
        }
    };
    let partial = read_pages(&client, command, hand_on, None).await?;
    Ok(partial.map_or(Outcome::Done, Outcome::Partial))
}
