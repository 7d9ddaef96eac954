//! Jobs: looks at shared places, begun on a blocking thread and taken up when they end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::library::root::RootId;
use crate::model::file_stamp::FileStamp;
use crate::model::share::Share;
use crate::service::share_indexer::ShareError;
use crate::service::share_indexer::content::STEPS_PER_HOLD;
use crate::service::share_indexer::dirty::is_at_or_below;
use crate::service::share_indexer::event::WhyNotShared;
use crate::service::share_indexer::hashing::QUIET;
use crate::service::share_indexer::plan::problem_of;
use crate::service::share_indexer::root_board::LeftOutCounts;
use crate::service::share_indexer::scan::why_skipped;
use crate::service::share_indexer::scan_job::{RootPlace, ScanJob, ScanReport};
use crate::service::share_indexer::task::{
    AwaitedShare, DEBOUNCE, IndexerTask, JobId, PROGRESS_EVERY, RECONCILE_UNWATCHED_EVERY, Running, ScanPurpose,
    TaskEnd,
};

impl IndexerTask {
    pub(super) fn start(&mut self, places: Vec<RootPlace>, ScanPurpose { save, asked, known }: ScanPurpose) {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let job = ScanJob {
            places: places.clone(),
            save,
            is_asked: asked.is_some(),
            seen_before: places.iter().flat_map(|place| take_unquiet(&mut self.unquiet, place)).collect(),
            shared: Arc::clone(&self.shared),
            watches: Arc::clone(&self.watches),
            board: Arc::clone(&self.board),
            data_dir: self.config.data_dir.clone(),
            leave_out_hidden: self.config.leave_out_hidden,
            known,
            cancel: self.cancel.clone(),
        };
        let roots: HashSet<RootId> = places.iter().map(|(root, _)| *root).collect();
        self.board.roots.begin(roots.iter().copied());
        self.running.insert(id, Running { places, roots, asked });
        self.progress_at.get_or_insert_with(|| Instant::now() + PROGRESS_EVERY);
        self.tasks.spawn(async move {
            let outcome = tokio::task::spawn_blocking(move || job.run()).await;
            if let Err(error) = &outcome {
                tracing::error!(%error, "a look at shared folders failed");
            }
            TaskEnd::Looked { job: id, outcome: outcome.ok().map(Box::new) }
        });
    }

    pub(super) fn finish(&mut self, job: JobId, outcome: Option<Box<ScanReport>>) {
        let Some(Running { places, roots, asked }) = self.running.remove(&job) else { return };
        self.board.roots.end(roots);
        let is_broken = outcome.is_none();
        let ScanReport {
            present,
            missing,
            again,
            unquiet,
            mut skipped,
            failed,
            watch_news,
            watch_is_partial,
            save_error,
            ..
        } = *outcome.unwrap_or_default();
        self.tell_watched(watch_news);
        if watch_is_partial {
            self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_UNWATCHED_EVERY);
        }
        let present_roots: HashSet<RootId> = present.into_iter().collect();
        present_roots.iter().for_each(|root| self.note_present(*root));
        missing.iter().for_each(|(root, why)| self.note_missing(*root, *why));
        again.into_iter().for_each(|place| self.mark(place, QUIET));
        for (place, stamp) in unquiet {
            self.mark(place.clone(), QUIET);
            self.unquiet.insert(place, stamp);
        }
        self.look_again_at_what_two_jobs_saw(&places);
        let asked = asked.map(|asked| {
            let problem = match save_error {
                Some(error) => Some(error.into()),
                None if is_broken => Some(ShareError::Stopped),
                None => problem_of(&asked.planned, &missing, &failed),
            };
            (asked, problem)
        });
        skipped.extend(failed.into_iter().filter_map(|(place, fault)| Some((place, why_skipped(&fault)?.into()))));
        self.note_looked_at(&places, &present_roots, &skipped);
        self.news.skipped(skipped, &self.shared.library);
        // Whoever asked finds all of it written down.
        if let Some((asked, problem)) = asked {
            self.answer(asked, problem);
        }
        if self.running.is_empty() {
            self.tell_progress();
            self.progress_at = None;
            self.board.reset();
        }
    }

    /// Writes down which roots were compared with the disk as a whole.
    fn note_looked_at(&self, places: &[RootPlace], present: &HashSet<RootId>, skipped: &[(RootPlace, WhyNotShared)]) {
        let mut counts: HashMap<RootId, LeftOutCounts> = HashMap::new();
        for places in places.chunks(STEPS_PER_HOLD) {
            let library = self.shared.library.read();
            let is_whole =
                |(id, start): &&RootPlace| library.root(*id).is_some_and(|root| root.start() == start.as_str());
            let looked = places.iter().filter(is_whole).filter(|(id, _)| present.contains(id));
            let looked: Vec<RootId> = looked.map(|(id, _)| *id).collect();
            drop(library);
            counts.extend(looked.into_iter().map(|id| (id, LeftOutCounts::new())));
        }
        for ((id, _), why) in skipped {
            if let Some(counts) = counts.get_mut(id) {
                *counts.entry(why.reason()).or_default() += 1;
            }
        }
        counts.into_iter().for_each(|(id, left_out)| self.board.roots.looked(id, left_out));
    }

    /// What one job saw may be older than what the other did.
    fn look_again_at_what_two_jobs_saw(&mut self, places: &[RootPlace]) {
        for place in places {
            if self.is_busy(place.0) {
                self.mark(place.clone(), DEBOUNCE);
            }
        }
    }

    fn answer(&mut self, asked: AwaitedShare, problem: Option<ShareError>) {
        let AwaitedShare { planned, reply } = asked;
        if let Some(problem) = problem {
            return self.take_back(&planned, problem, reply);
        }
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn_blocking(move || {
            let mut shares: Vec<Share> = Vec::new();
            for plan in planned {
                let mut after = None;
                loop {
                    let (page, next) =
                        shared.library.read().shares_of(&plan.root, &plan.start, after.as_ref(), STEPS_PER_HOLD);
                    shares.extend(page);
                    after = next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            shares.sort_by(|a, b| a.path.cmp(&b.path));
            shares.dedup();
            let _gave_up_waiting = reply.send(Ok(shares));
            TaskEnd::Answered
        });
    }
}

/// Takes out what is at and below a place.
fn take_unquiet(
    unquiet: &mut BTreeMap<RootPlace, FileStamp>,
    (root, start): &RootPlace,
) -> Vec<(RootPlace, FileStamp)> {
    let from = (*root, start.clone());
    let is_in = |place: &RootPlace| place.0 == *root && place.1.starts_with(start.as_str());
    let near = unquiet.range(from..).map(|(place, _)| place).take_while(|place| is_in(place));
    let found: Vec<RootPlace> = near.filter(|place| is_at_or_below(&place.1, start)).cloned().collect();
    found.into_iter().filter_map(|place| unquiet.remove_entry(&place)).collect()
}
