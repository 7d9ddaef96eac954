//! Intents that ask the tracker and hand its lists on.

use crate::model::username::Username;
use crate::node::engine::Engine;
use crate::node::event::{Me, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::tracker_session::{ask_failed, read_pages};
use crate::protocol::command::{Command, Page};
use crate::protocol::reply::{FileLine, UserLine};
use crate::service::tracker_client::TypeError;

/// Most users that are shown of one list; a tracker that lists more is not believed.
const USERS_MAX: usize = 200_000;

impl Engine {
    pub(super) async fn list_users(&self) -> Result<Outcome, Failure> {
        let client = self.tracker_session.client()?;
        let mut users = Vec::new();
        let command = |page| Command::ListUsers { page };
        let collect = |lines: Vec<String>| {
            users.extend(lines.iter().filter_map(|line| UserLine::parse(line).ok()));
            std::future::ready(users.len() < USERS_MAX)
        };
        read_pages(&client, command, collect, None).await?;
        Ok(Outcome::Users(users))
    }

    pub(super) async fn list_files(&self, id: IntentId, user: Option<String>) -> Result<Outcome, Failure> {
        let username = user.map(|user| self.username_of(&user)).transpose()?;
        self.hand_on(id, |page| Command::ListFiles { username: username.clone(), page }).await
    }

    pub(super) async fn search(&self, id: IntentId, words: Vec<String>) -> Result<Outcome, Failure> {
        self.hand_on(id, |page| Command::Search { words: words.clone(), page }).await
    }

    pub(super) async fn who_am_i(&self) -> Result<Outcome, Failure> {
        let key = self.identity.public_key();
        let client = self.tracker_session.client()?;
        let answer = client.ask(Command::WhoAmI).await.map_err(|error| ask_failed(&client, error))?;
        let line = answer.lines.first().and_then(|line| UserLine::parse(line).ok());
        let line = line.ok_or_else(|| Failure::Internal {
            what: "asking the tracker who we are".into(),
            why: "it gave no name".into(),
        })?;
        Ok(Outcome::Me(Me { username: line.username, address: line.address, key }))
    }

    /// A line as typed; the tap shows it and its answer.
    pub(super) async fn send_line(&self, line: String) -> Result<Outcome, Failure> {
        let client = self.tracker_session.client()?;
        match client.type_line(line).await {
            Ok(()) => Ok(Outcome::Done),
            Err(TypeError::Ask(error)) => Err(ask_failed(&client, error)),
            Err(TypeError::SentByItself(verb)) => Err(Failure::SentByItself { verb }),
            Err(error @ (TypeError::Fault(_) | TypeError::NotOneLine)) => {
                Err(Failure::BadLine { why: error.to_string() })
            }
        }
    }

    /// A name as typed; one that cannot be a username is nobody's.
    pub(super) fn username_of(&self, typed: &str) -> Result<Username, Failure> {
        Username::new(typed).map_err(|_bad_name| Failure::NoSuchUser { user: typed.to_owned() })
    }

    async fn hand_on(&self, id: IntentId, command: impl Fn(Page) -> Command) -> Result<Outcome, Failure> {
        let client = self.tracker_session.client()?;
        let hand_on = |lines: Vec<String>| async move {
            let files = lines.iter().filter_map(|line| FileLine::parse(line).ok()).collect();
            self.outbox.push_files(id, files).await;
            true
        };
        read_pages(&client, command, hand_on, None).await?;
        Ok(Outcome::Done)
    }
}
