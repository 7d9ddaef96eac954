//! The order of the queue: what is begun first. Each download has a rank; a new one has its number, so it stands behind
//! all others, and reordering exchanges ranks among those that are not over.

use super::Downloads;
use crate::model::transfer::{QueueMove, TransferId};
use crate::transfer::job::DownloadJob;

impl Downloads {
    /// Where a download stands: a lower rank is begun first. Ranks differ, and nothing else is said by them.
    pub fn rank(&self, id: TransferId) -> u64 {
        self.jobs.get(&id).map_or(id.0, |job| job.rank)
    }

    /// Moves a download among those that are not over. What is in work stays so. Gives the ranks that are others now.
    pub fn reorder(&mut self, id: TransferId, to: QueueMove) -> Vec<(TransferId, u64)> {
        let waiting = self.jobs.iter().filter(|(_, job)| !job.is_over());
        let mut order: Vec<(u64, TransferId)> = waiting.map(|(id, job)| (job.rank, *id)).collect();
        order.sort_unstable();
        let Some(from) = order.iter().position(|(_, other)| *other == id) else { return Vec::new() };
        let last = order.len() - 1;
        let to = match to {
            QueueMove::First => 0,
            QueueMove::Earlier => from.saturating_sub(1),
            QueueMove::Later => (from + 1).min(last),
            QueueMove::Last => last,
        };
        let ranks: Vec<u64> = order.iter().map(|(rank, _)| *rank).collect();
        let moved = order.remove(from);
        order.insert(to, moved);
        let others = order.into_iter().zip(ranks).filter(|((before, _), now)| before != now);
        let ranks: Vec<(TransferId, u64)> = others.map(|((_, id), now)| (id, now)).collect();
        self.set_ranks(&ranks);
        ranks
    }

    /// Gives downloads other ranks: those of an earlier run.
    pub fn set_ranks(&mut self, ranks: &[(TransferId, u64)]) {
        for (id, rank) in ranks {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            job.rank = *rank;
            self.changed.insert(*id);
            self.to_activate.insert(job.user.clone());
        }
        if !ranks.is_empty() {
            let rank = |id: &TransferId| self.jobs.get(id).map_or(id.0, |job: &DownloadJob| job.rank);
            self.lanes.values_mut().for_each(|lane| lane.jobs.sort_by_key(rank));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::ContentHash;
    use crate::model::username::Username;
    use crate::protocol::peer::Content;
    use crate::transfer::job::FileState;

    /// Five downloads, the third of which is over.
    fn downloads() -> Downloads {
        let mut downloads = Downloads::new(1);
        for number in 1..=5u8 {
            let user = Username::new(if number.is_multiple_of(2) { "even" } else { "odd" }).expect("a name");
            let content = Content { hash: ContentHash::from_bytes([number; 32]), size: 10 << 20 };
            let mut job = DownloadJob::new(user, vec![content]);
            if number == 3 {
                job.restore(0, FileState::Done, 0);
            }
            downloads.add(TransferId(number.into()), job);
        }
        downloads
    }

    fn order(downloads: &Downloads) -> Vec<u64> {
        let mut ids: Vec<u64> = downloads.jobs().map(|(id, _)| id.0).collect();
        ids.sort_by_key(|id| downloads.rank(TransferId(*id)));
        ids
    }

    #[test]
    fn a_download_moves_among_those_that_are_not_over() {
        use QueueMove::*;
        for (moves, expected) in [
            (&[][..], [1, 2, 3, 4, 5]),
            (&[(5, First)], [5, 1, 3, 2, 4]),
            (&[(1, Last)], [2, 4, 3, 5, 1]),
            (&[(4, Earlier)], [1, 4, 3, 2, 5]),
            (&[(1, Later)], [2, 1, 3, 4, 5]),
            (&[(1, Earlier), (5, Later), (1, First), (5, Last)], [1, 2, 3, 4, 5]),
            (&[(3, First), (9, Last)], [1, 2, 3, 4, 5]),
            (&[(5, First), (5, Last)], [1, 2, 3, 4, 5]),
        ] {
            let mut downloads = downloads();
            downloads.take_changed();
            let mut kept = std::collections::BTreeMap::new();
            for (id, to) in moves {
                kept.extend(downloads.reorder(TransferId(*id), *to));
            }
            assert_eq!(order(&downloads), expected, "{moves:?}");
            assert!(kept.keys().copied().eq(downloads.take_changed()), "{moves:?}");

            let mut after_restart = self::downloads();
            after_restart.set_ranks(&kept.into_iter().collect::<Vec<_>>());
            assert_eq!(order(&after_restart), expected, "{moves:?}");
        }
    }

    #[test]
    fn what_waits_is_begun_in_the_order() {
        let mut downloads = downloads();
        downloads.reorder(TransferId(5), QueueMove::First);
        downloads.reorder(TransferId(4), QueueMove::Earlier);
        downloads.effects(std::time::Instant::now());
        let begun = downloads.jobs().filter(|(_, job)| job.state(0) == FileState::Active).map(|(id, _)| id.0);
        assert_eq!(begun.collect::<Vec<_>>(), [4, 5], "the first of each user");

        // Beside what is in work, the first of those that wait.
        downloads.reorder(TransferId(1), QueueMove::First);
        downloads.effects(std::time::Instant::now());
        assert_eq!(downloads.job(TransferId(1)).map(|job| job.state(0)), Some(FileState::Pending));
        downloads.remove(TransferId(5));
        downloads.reorder(TransferId(1), QueueMove::Last);
        downloads.effects(std::time::Instant::now());
        assert_eq!(downloads.job(TransferId(1)).map(|job| job.state(0)), Some(FileState::Active));
    }
}
