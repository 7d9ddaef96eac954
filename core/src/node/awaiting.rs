//! What somebody shares, whom a person may want to wait for.
//!
//! Who comes is there before what they share is: it is announced line by line. So what they do not share in that moment is
//! waited for a while, and a folder is taken when nothing more is heard of for a moment.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::node::event::NodeEvent;
use crate::node::failure::Failure;
use crate::node::intent::{DownloadRequest, IntentId};
use crate::node::known_users;
use crate::node::lookup::{self, FoundShares};
use crate::node::outbox::Outbox;
use crate::node::tracker_session::SessionView;

/// Who has come announces what they share at once; for large shares it takes seconds.
const ANNOUNCING_MAX: Duration = Duration::from_secs(30);
/// Lines that announce follow each other faster than this.
const ANNOUNCING_PAUSE: Duration = Duration::from_secs(1);

/// What is asked for, from somebody who has proven to be the one. Waits for them to come if the person wants that.
pub(super) async fn find(
    session: &SessionView,
    outbox: &Outbox,
    id: IntentId,
    request: &DownloadRequest,
) -> Result<FoundShares, Failure> {
    let user = &request.user;
    let mut changes = session.changes();
    let (mut is_told, mut came) = (false, None);
    loop {
        let client = session.client()?;
        let found = lookup::find(&client, user, &request.remote_path).await;
        if !is_absent(&found) && is_told && came.is_none() {
            came = Some(Instant::now() + ANNOUNCING_MAX);
        }
        let announcing = came.filter(|until| Instant::now() < *until);
        match (found, announcing) {
            (Err(Failure::NoSuchUser { .. } | Failure::Offline { .. }), _) if request.wait => came = None,
            (Err(Failure::NotShared { .. }), Some(until)) if timeout_at(until, changes.changed()).await.is_ok() => {
                continue;
            }
            (Ok(FoundShares::Folder { .. }), Some(until)) if pause(&mut changes, until).await => continue,
            (found, _) => {
                let found = found?;
                return known_users::meet(&client, user).await.map(|()| found);
            }
        }
        if !std::mem::replace(&mut is_told, true) {
            outbox.push(NodeEvent::WaitingFor { id, user: user.to_string() });
        }
        // The sender lives as long as the engine.
        let _ = changes.changed().await;
    }
}

fn is_absent(found: &Result<FoundShares, Failure>) -> bool {
    matches!(found, Err(Failure::NoSuchUser { .. } | Failure::Offline { .. }))
}

/// Waits until nothing has changed for a moment; whether anything has. Not longer than `until`.
async fn pause(changes: &mut watch::Receiver<u64>, until: Instant) -> bool {
    let mut has_changed = false;
    while timeout_at(until.min(Instant::now() + ANNOUNCING_PAUSE), changes.changed())
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        has_changed = true;
    }
    has_changed
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_folder_is_taken_when_nothing_more_comes_or_it_takes_too_long() {
        let sender = watch::Sender::new(0);
        let mut changes = sender.subscribe();
        let begun = Instant::now();
        assert!(!pause(&mut changes, begun + ANNOUNCING_MAX).await);
        assert_eq!(begun.elapsed(), ANNOUNCING_PAUSE, "nothing came");
        for (lines, expected_tenths) in [(10, 10 * 9 + 10), (1000, 300)] {
            let telling = sender.clone();
            let task = tokio::spawn(async move {
                for _ in 0..lines {
                    telling.send_modify(|version| *version += 1);
                    sleep(ANNOUNCING_PAUSE * 9 / 10).await;
                }
            });
            let begun = Instant::now();
            assert!(pause(&mut changes, begun + ANNOUNCING_MAX).await);
            let tenths = begun.elapsed().as_millis() / 100;
            assert!(tenths.abs_diff(expected_tenths) <= 10, "{lines}: {tenths}");
            task.abort();
        }
    }
}
