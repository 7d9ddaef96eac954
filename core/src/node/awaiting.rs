//! What somebody shares, whom a person may want to wait for.
//!
//! Who comes is there before what they share is: it is announced line by line. So what they do not share in that moment is
//! waited for a while, and a folder is taken when nothing more is heard of for a moment.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::model::username::Username;
use crate::node::event::NodeEvent;
use crate::node::failure::Failure;
use crate::node::intent::{DownloadRequest, IntentId};
use crate::node::known_users;
use crate::node::lookup::{self, FoundShares};
use crate::node::outbox::Outbox;
use crate::node::tracker_session::{SessionView, UserNews};

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
    let mut news = News::new(session.clone(), user.clone());
    let (mut is_told, mut came) = (false, None);
    loop {
        news.look();
        let client = session.client()?;
        let found = lookup::find(&client, user, &request.remote_path).await;
        if !is_absent(&found) && is_told && came.is_none() {
            came = Some(Instant::now() + ANNOUNCING_MAX);
        }
        let announcing = came.filter(|until| Instant::now() < *until);
        match (found, announcing) {
            (Err(Failure::NoSuchUser { .. } | Failure::Offline { .. }), _) if request.wait => came = None,
            (Err(Failure::NotShared { .. }), Some(until)) if timeout_at(until, news.next()).await.is_ok() => continue,
            (Ok(FoundShares::Folder { .. }), Some(until)) if news.pause(until).await => continue,
            (found, _) => {
                let found = found?;
                return known_users::meet(&client, user).await.map(|()| found);
            }
        }
        if !std::mem::replace(&mut is_told, true) {
            outbox.push(NodeEvent::WaitingFor { id, user: user.to_string() });
        }
        news.next().await;
    }
}

/// What is new of one user. What others do is not asked about: on a large network somebody always does something.
struct News {
    session: SessionView,
    user: Username,
    changes: watch::Receiver<u64>,
    seen: UserNews,
}

impl News {
    fn new(session: SessionView, user: Username) -> Self {
        let (changes, seen) = (session.changes(), session.news_of(&user));
        Self { session, user, changes, seen }
    }

    /// What there is now is not new any more.
    fn look(&mut self) {
        self.changes.mark_unchanged();
        self.seen = self.session.news_of(&self.user);
    }

    async fn next(&mut self) {
        while self.session.news_of(&self.user) == self.seen {
            // The sender lives as long as the engine.
            let _ = self.changes.changed().await;
        }
        self.look();
    }

    /// Waits until nothing new has come for a moment; whether anything has. Not longer than `until`.
    async fn pause(&mut self, until: Instant) -> bool {
        let mut has_come = false;
        while timeout_at(until.min(Instant::now() + ANNOUNCING_PAUSE), self.next()).await.is_ok() {
            has_come = true;
        }
        has_come
    }
}

fn is_absent(found: &Result<FoundShares, Failure>) -> bool {
    matches!(found, Err(Failure::NoSuchUser { .. } | Failure::Offline { .. }))
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::node::tracker_session::TrackerSession;

    #[tokio::test(start_paused = true)]
    async fn a_folder_is_taken_when_nothing_more_comes_or_it_takes_too_long() {
        let anna = Username::new("anna").expect("valid");
        type Change = fn(&TrackerSession);
        let (of_others, hers): (Change, Change) = (TrackerSession::count_change, TrackerSession::count_session);
        let cases = [
            ("nobody", 0, hers, 10),
            ("others", 1000, of_others, 10),
            ("a few", 10, hers, 100),
            ("many", 1000, hers, 300),
        ];
        for (what, lines, change, expected_tenths) in cases {
            let session = TrackerSession::new();
            let mut news = News::new(session.view(), anna.clone());
            let task = tokio::spawn(async move {
                for _ in 0..lines {
                    change(&session);
                    sleep(ANNOUNCING_PAUSE * 9 / 10).await;
                }
                std::future::pending::<()>().await;
            });
            let begun = Instant::now();
            let has_come = news.pause(begun + ANNOUNCING_MAX).await;
            assert_eq!(has_come, expected_tenths > 10, "{what}");
            let tenths = begun.elapsed().as_millis() / 100;
            assert!(tenths.abs_diff(expected_tenths) <= 10, "{what}: {tenths}");
            task.abort();
        }
    }
}
