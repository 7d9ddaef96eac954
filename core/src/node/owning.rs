//! What an owner of a tracker orders, wherever the tracker runs: over the session, as every owner does.

use crate::model::invite::Invite;
use crate::model::invite_token::InviteToken;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::tracker_session::ask_failed;
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::command::Page;
use crate::protocol::command::owner::{BanSubject, ListBanned, OwnerCommand};
use crate::protocol::owner_line::{
    BanLine, FigureLine, InviteLine, ReloadedSetting, TokenLine, TrackerLine, WaitingLine,
};
use crate::protocol::reply::BadReply;
use crate::service::tracker_client::{AskError, TrackerClient};

/// Most bans that are read of a tracker: five times what it takes. One that goes on for ever is not believed.
const BANS_READ_MAX: usize = 100_000;

/// Gives an owner's command; `invite` is the link to the tracker, for those that make another one of it.
pub(super) async fn order(
    client: TrackerClient,
    command: OwnerCommand,
    invite: Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    let mut answer = client.ask(command.clone().into()).await.map_err(|error| not_done(&client, &command, error))?;
    let mut lines = std::mem::take(&mut answer.lines);
    // A list that does not fit into one answer is asked for to its end.
    while let (OwnerCommand::ListBanned(_), Some(after)) = (&command, answer.more.take()) {
        let next = ListBanned { page: Page { after: Some(after), limit: None } };
        answer = client.ask(next.into()).await.map_err(|error| not_done(&client, &command, error))?;
        if answer.lines.is_empty() || lines.len() > BANS_READ_MAX {
            return Err(Failure::Internal { what: FailedWork::ReadingAnswer, why: WorkFault::BadAnswer });
        }
        lines.append(&mut answer.lines);
    }
    let outcome = match command {
        OwnerCommand::BanUser(_) | OwnerCommand::ListBanned(_) => {
            all(&lines, |line| BanLine::parse(line).map(|line| line.0)).map(Outcome::Bans)
        }
        OwnerCommand::SetLimits(_) => all(&lines, FigureLine::parse).map(Outcome::Limits),
        OwnerCommand::ListStats(_) => all(&lines, FigureLine::parse).map(Outcome::Figures),
        OwnerCommand::ListTrackers(_) => all(&lines, TrackerLine::parse).map(Outcome::Trackers),
        OwnerCommand::ListInvites(_) => all(&lines, InviteLine::parse).map(Outcome::Invites),
        OwnerCommand::ListWaiting(_) => all(&lines, WaitingLine::parse).map(Outcome::WaitingUsers),
        OwnerCommand::IssueInvite(_) => match all(&lines, TokenLine::parse).as_deref() {
            Ok([line]) => return with_token(invite?, line.token),
            _ => Err(BadReply),
        },
        OwnerCommand::Reload(_) => all(&lines, ReloadedSetting::parse).map(Outcome::Reloaded),
        _ => Ok(Outcome::Done),
    };
    outcome.map_err(|BadReply| Failure::Internal { what: FailedWork::ReadingAnswer, why: WorkFault::BadAnswer })
}

fn with_token(invite: Outcome, token: InviteToken) -> Result<Outcome, Failure> {
    match invite {
        Outcome::Invite(invite) => Ok(Outcome::Invite(Invite { token: Some(token), ..invite })),
        other => Ok(other),
    }
}

fn all<T>(lines: &[String], read: impl Fn(&str) -> Result<T, BadReply>) -> Result<Vec<T>, BadReply> {
    lines.iter().map(|line| read(line)).collect()
}

/// Why it was not done, in the words of the node.
fn not_done(client: &TrackerClient, command: &OwnerCommand, error: AskError) -> Failure {
    let AskError::Refused { code: ReplyCode::Known(code), .. } = &error else { return ask_failed(client, error) };
    match (code, command) {
        // A tracker of before has owners only where it runs, and knows nobody from afar.
        (Code::NotYours | Code::UnknownCommand, _) => Failure::NotOwner,
        (Code::Yourself, _) => Failure::Yourself,
        (Code::NotBanned, OwnerCommand::LiftBan(lift)) => Failure::NotBanned { who: lift.who.as_str().to_owned() },
        (Code::NoSuchUser, _) => match named(command) {
            Some(user) => Failure::NotAtYours { user },
            None => ask_failed(client, error),
        },
        _ => ask_failed(client, error),
    }
}

/// Whom a command is about that is for somebody who is here, or owns the name. Of others the tracker's sentence says more.
fn named(command: &OwnerCommand) -> Option<String> {
    match command {
        OwnerCommand::KickUser(kick) => Some(kick.username.to_string()),
        OwnerCommand::BanUser(ban) => match &ban.subject {
            BanSubject::User(user) => Some(user.to_string()),
            BanSubject::Target(_) => None,
        },
        _ => None,
    }
}
