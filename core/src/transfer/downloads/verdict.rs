//! What comes of a file that everybody refuses who was to have it. Its owner may just be starting, or writing to it, or may
//! have changed it: what they share under its path now decides whether it is asked for once more, is fetched as what it
//! is by now, or is not coming.

use std::time::{Duration, Instant};

use super::{Announced, DownloadEffect, Downloads, Question};
use crate::model::transfer::TransferError;
use crate::protocol::peer::Content;
use crate::transfer::job::{FileId, FileState, is_large};

/// What nobody has is asked for this often before it fails.
const TRIES_MAX: u32 = 3;
/// The same where its owner said that it has changed: what it is now is not announced before it is read, about two
/// minutes with the pauses.
const CHANGED_TRIES_MAX: u32 = 10;

impl Downloads {
    /// When everybody who was to have a file refused it: later once more, or never.
    pub(super) fn judge(&mut self, file: FileId, now: Instant) {
        let Some(active) = self.active.get_mut(&file) else { return };
        if !active.offers.is_empty() || active.retry_at.is_some() || active.is_asking {
            return;
        }
        let owner = self.lanes.get(&active.user).and_then(|lane| self.sources.get(lane.source?));
        if owner.is_some_and(|owner| owner.is_liar) {
            let user = active.user.clone();
            return self.fail(file, TransferError::Lied { user });
        }
        if owner.is_some_and(|owner| owner.is_given_up) {
            let user = active.user.clone();
            return self.fail(file, TransferError::NotSent { user });
        }
        // Without its owner's word it is waited for.
        let Some(error) = &active.verdict else { return };
        active.is_changing |= *error == TransferError::Changed;
        active.tries += 1;
        active.retry_at = Some(now + pause_before_try(active.tries));
        if active.tries >= TRIES_MAX && !active.is_changing {
            // Whether it is over is known at once.
            self.retry_due(file, now);
        }
    }

    /// The pause before a file is asked for again is over.
    pub(super) fn retry_due(&mut self, file: FileId, now: Instant) {
        let Some(active) = self.active.get_mut(&file) else { return };
        active.retry_at = None;
        if active.verdict.is_some() {
            active.is_asking = true;
            self.searching.push_back(Question::Share(file));
        } else {
            self.offer_owner_again(file, now);
        }
    }

    /// What its owner shares under the path of a file.
    pub fn announced(&mut self, file: FileId, announced: Announced, now: Instant) {
        self.searches_open = self.searches_open.saturating_sub(1);
        let Some(active) = self.active.get_mut(&file) else { return };
        active.is_asking = false;
        let Some(verdict) = active.verdict.clone() else { return };
        match announced {
            Announced::Unknown => {
                active.retry_at = Some(now + pause_before_try(active.tries));
                return;
            }
            Announced::Content(content) if content != active.content => return self.renew(file, content, now),
            // It is being written to all the time, or is just being read.
            Announced::Content(_) if verdict == TransferError::Changed => active.unshared = 0,
            Announced::Content(_) | Announced::Nothing => active.unshared += 1,
        }
        let most = if active.is_changing { CHANGED_TRIES_MAX } else { TRIES_MAX };
        // Who announces the same and says all the time that it has changed is not believed for ever either.
        let is_over = if active.unshared > 0 { active.tries >= most } else { active.tries >= 3 * CHANGED_TRIES_MAX };
        if !is_over {
            return self.offer_owner_again(file, now);
        }
        let error = match (verdict, announced) {
            (TransferError::NotShared, Announced::Content(_)) => TransferError::NotSent { user: active.user.clone() },
            (verdict, _) => verdict,
        };
        self.fail(file, error);
    }

    /// A file is fetched as what it is now. Blocks that are as they were are found in what is here of it.
    fn renew(&mut self, file: FileId, content: Content, now: Instant) {
        let Some(before) = self.active.get(&file) else { return };
        let tries = before.tries;
        self.cancel_asks(|open| open.file == file);
        self.put_away(file, FileState::Pending);
        let Some(job) = self.jobs.get_mut(&file.job) else { return };
        job.grow(&[(file.index, content)], Vec::new());
        self.effects.push(DownloadEffect::Renewed(file, content));
        job.set(file.index, FileState::Active);
        let lane = self.lanes.entry(job.user.clone()).or_default();
        *(if is_large(&content) { &mut lane.large } else { &mut lane.small }) += 1;
        let source = lane.source;
        self.begin(file, source, now);
        if let Some(active) = self.active.get_mut(&file) {
            (active.tries, active.is_changing) = (tries, true);
        }
    }

    /// Its owner is asked for a file once more.
    fn offer_owner_again(&mut self, file: FileId, now: Instant) {
        let Some(active) = self.active.get_mut(&file) else { return };
        active.refused.clear();
        active.verdict = None;
        if let Some(id) = self.lanes.get(&active.user).and_then(|lane| lane.source) {
            self.offer(file, id);
        }
        // Nobody could be asked again: they are away, and that is waited for.
        if let Some(active) = self.active.get_mut(&file).filter(|active| active.offers.is_empty()) {
            active.searched = None;
            self.consider_search(file, now);
        }
    }
}

/// How long until what nobody has is asked for again: its owner may just be starting, its library not read yet, or
/// writing to it.
fn pause_before_try(tries: u32) -> Duration {
    Duration::from_secs(match tries {
        0 | 1 => 2,
        2..=5 => 6,
        _ => 10,
    })
}
