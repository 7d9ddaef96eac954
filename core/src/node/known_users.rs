//! People whom we dealt with: who is another key's under their name is not taken for them.

use crate::model::username::Username;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::reply::UserLine;
use crate::service::tracker_client::TrackerClient;
use crate::service::tracker_client::known_names::MeetError;

/// Those who are here under a name that was another key's when we dealt with it.
pub(super) fn changed(client: &TrackerClient) -> Vec<UserLine> {
    let names = client.known_names().names().into_iter();
    let here = names.filter_map(|name| client.people().user(&Username::new(&name).ok()?));
    here.filter(|user| is_changed(client, user)).collect()
}

/// Whether somebody is another key than we know under their name.
pub(super) fn is_changed(client: &TrackerClient, user: &UserLine) -> bool {
    client.known_names().is_changed(&user.username, user.key)
}

/// We fetch something from somebody: they must be who they were, and have a key.
pub(super) async fn meet(client: &TrackerClient, user: &Username) -> Result<(), Failure> {
    // Who has just left is met when they are back.
    let Some(line) = client.people().user(user) else { return Ok(()) };
    if is_changed(client, &line) {
        return Err(Failure::UserKeyChanged { user: user.to_string() });
    }
    // A name without a key could be anybody's.
    let key = line.key.ok_or_else(|| Failure::Unverified { user: user.to_string() })?;
    client.meet(line.username, key).await.map_err(|error| not_met(user, error))
}

/// A person says that whoever is here under a name is who they mean.
pub(super) async fn trust(client: TrackerClient, user: Username) -> Result<Outcome, Failure> {
    let line = client.people().user(&user).ok_or_else(|| Failure::NotAtYours { user: user.to_string() })?;
    let key = line.key.ok_or_else(|| Failure::Unverified { user: user.to_string() })?;
    client.trust(line.username, key).await.map_err(|error| not_met(&user, error))?;
    Ok(Outcome::Done)
}

fn not_met(user: &Username, error: MeetError) -> Failure {
    let failed = |why| Failure::Internal { what: FailedWork::RememberingKey(user.clone()), why };
    match error {
        MeetError::KeyChanged => Failure::UserKeyChanged { user: user.to_string() },
        MeetError::Panic => failed(WorkFault::Panic),
        MeetError::Database(why) => failed(why.into()),
    }
}
