//! Jobs: looks at shared places, begun on a blocking thread and taken up when they end.

use std::sync::Arc;

use tokio::time::Instant;

use crate::library::changes::ShareChanges;
use crate::library::rename::Renamed;
use crate::library::root::RootId;
use crate::library::selection::Selection;
use crate::library::table::Library;
use crate::model::share::Share;
use crate::service::share_indexer::ShareError;
use crate::service::share_indexer::dirty::is_at_or_below;
use crate::service::share_indexer::hashing::QUIET;
use crate::service::share_indexer::plan::{Planned, problem_of};
use crate::service::share_indexer::scan::{RootPlace, ScanJob, ScanReport, why_skipped};
use crate::service::share_indexer::task::{
    AwaitedShare, DEBOUNCE, IndexerTask, JobId, PROGRESS_EVERY, RECONCILE_UNWATCHED_EVERY, Running, ScanPurpose,
    ShareReply, TaskEnd,
};

impl IndexerTask {
    pub(super) fn start(&mut self, places: Vec<RootPlace>, ScanPurpose { save, asked, known }: ScanPurpose) {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let is_in =
            |place: &RootPlace| places.iter().any(|(root, start)| *root == place.0 && is_at_or_below(&place.1, start));
        let job = ScanJob {
            places: places.clone(),
            save,
            is_asked: asked.is_some(),
            seen_before: self.unquiet.extract_if(|place, _| is_in(place)).collect(),
            shared: Arc::clone(&self.shared),
            watches: Arc::clone(&self.watches),
            board: Arc::clone(&self.board),
            data_dir: self.config.data_dir.clone(),
            known,
            cancel: self.cancel.clone(),
        };
        let roots = places.iter().map(|(root, _)| *root).collect();
        self.running.insert(id, Running { places, roots, asked });
        self.progress_at.get_or_insert_with(|| Instant::now() + PROGRESS_EVERY);
        self.tasks.spawn(async move {
            let outcome = tokio::task::spawn_blocking(move || job.run()).await;
            if let Err(error) = &outcome {
                tracing::error!(%error, "a look at shared folders failed");
            }
            TaskEnd::Looked { job: id, outcome: outcome.ok() }
        });
    }

    pub(super) fn finish(&mut self, job: JobId, outcome: Option<ScanReport>) {
        let Some(Running { places, asked, .. }) = self.running.remove(&job) else { return };
        let is_broken = outcome.is_none();
        let ScanReport { present, missing, unquiet, mut skipped, failed, watch_news, watch_is_partial, save_error } =
            outcome.unwrap_or_default();
        self.news.watched(watch_news);
        if watch_is_partial {
            self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_UNWATCHED_EVERY);
        }
        present.into_iter().for_each(|root| self.note_present(root));
        missing.iter().for_each(|root| self.note_missing(*root));
        for (place, stamp) in unquiet {
            self.mark(place.clone(), QUIET);
            self.unquiet.insert(place, stamp);
        }
        self.look_again_at_what_two_jobs_saw(&places);
        if let Some(asked) = asked {
            let problem = match save_error {
                Some(error) => Some(error.into()),
                None if is_broken => Some(ShareError::Stopped),
                None => problem_of(&asked.planned, &missing, &failed),
            };
            self.answer(asked, problem);
        }
        skipped.extend(failed.into_iter().filter_map(|(place, fault)| Some((place, why_skipped(&fault)?.into()))));
        self.news.skipped(skipped, &self.shared.library.read());
        if self.running.is_empty() {
            self.tell_progress();
            self.progress_at = None;
            self.board.reset();
        }
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
            let library = shared.library.read();
            let places = planned.iter().map(|plan| (plan.root.id, plan.start.as_str()));
            let mut shares: Vec<Share> = places.flat_map(|(root, start)| library.shares_at(root, start)).collect();
            drop(library);
            shares.sort_by(|a, b| a.path.cmp(&b.path));
            shares.dedup();
            let _gave_up_waiting = reply.send(Ok(shares));
            TaskEnd::Answered
        });
    }

    /// Nothing of it is shared, if not all of it can be.
    fn take_back(&mut self, planned: &[Planned], problem: ShareError, reply: ShareReply) {
        let ids: Vec<RootId> = planned.iter().filter(|plan| plan.is_new).map(|plan| plan.root.id).collect();
        let give_up = move |library: &mut Library, changes: &mut ShareChanges| {
            library.give_up(&Selection::of_roots(ids.iter().copied()), changes);
            Ok(Renamed { save: ids, look: Vec::new() })
        };
        self.rearrange(give_up, |withdrawn| {
            if let Err(error) = withdrawn {
                tracing::error!(%error, "the list of shares cannot be saved");
            }
            let _gave_up_waiting = reply.send(Err(problem));
        });
    }
}
