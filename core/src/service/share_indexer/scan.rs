//! A job: looks at places in roots, hashes what is new there, and brings the table in step with it. Runs on a blocking
//! thread; what is left to be done it says at its end.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::hash::HashFault;
use crate::disk::place::shared::{OwnFiles, ReadFault, SharedFolder, is_in_data_folder};
use crate::disk::walk::{Seen, WalkRules, WhySkipped, walk};
use crate::library::comparison::{Comparison, Difference, Fresh, other_forms};
use crate::library::root::{Root, RootId};
use crate::library::table::ShareEntry;
use crate::library::unsaved::Unsaved;
use crate::model::file_stamp::FileStamp;
use crate::model::share_path::SharePath;
use crate::net::descriptors;
use crate::service::share_indexer::content::STEPS_PER_HOLD;
use crate::service::share_indexer::event::WhyNotShared;
use crate::service::share_indexer::hashing::{HashStage, Unknown};
use crate::service::share_indexer::root_status::Absence;
use crate::service::share_indexer::scan_job::{ScanJob, ScanReport};
use crate::service::share_indexer::watch::WatchHealthChange;
use crate::store::hash_cache::CachedHash;

/// Files that are looked up and announced at a time.
const LOOKUP_FILES_MAX: usize = 1000;

/// Why a root was not looked at.
enum NotLookedAt {
    Absent(Absence),
    /// There are no descriptors left: what was known of it stays.
    TryAgain,
}

impl From<ReadFault> for NotLookedAt {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Io(error) if descriptors::are_used_up(&error) => Self::TryAgain,
            _ => Self::Absent(Absence::Gone),
        }
    }
}

impl ScanJob {
    /// Does all of it.
    pub(super) fn run(mut self) -> ScanReport {
        let mut outcome = ScanReport::default();
        self.work(&mut outcome);
        outcome
    }

    fn work(&mut self, outcome: &mut ScanReport) {
        let shared = Arc::clone(&self.shared);
        if let Err(error) = shared.save_roots(&self.save) {
            outcome.save_error = Some(error);
            return;
        }
        outcome.watch_news = self.watch_bases();
        let own = match OwnFiles::of(&self.data_dir) {
            Ok(own) => own,
            Err(error) => {
                // Without knowing what is ours nothing more can be shared.
                tracing::error!(%error, "the data folder cannot be read; shared folders are not looked at");
                return;
            }
        };
        let mut roots = HashMap::new();
        let mut fresh = Vec::new();
        for (id, start) in std::mem::take(&mut self.places) {
            if self.cancel.is_cancelled() {
                return;
            }
            let Some(root) = shared.library.read().root(id).cloned() else { continue };
            match self.look(&root, &start, &own, &mut fresh, outcome) {
                Ok(()) => {
                    outcome.present.push(id);
                    roots.insert(id, root);
                }
                Err(NotLookedAt::Absent(why)) => {
                    tracing::debug!(root = root.id.0, ?why, "a root is not there");
                    self.withdraw_all(&root);
                    outcome.missing.push((id, why));
                }
                Err(NotLookedAt::TryAgain) => outcome.again.push((id, start)),
            }
        }
        outcome.watch_is_partial = self.watches.is_partial();
        if let Err(error) = shared.save_roots(&Unsaved::of_roots(std::mem::take(&mut outcome.identified))) {
            tracing::warn!(%error, "on which drives shared folders are cannot be remembered");
        }
        self.leave_out_what_is_too_much(&mut fresh, outcome);
        let unknown = self.share_known(fresh);
        if let Some(known) = self.known.take() {
            let _nobody_waits = known.send(());
        }
        HashStage::new(self, &own, &roots, outcome).hash(unknown);
    }

    /// Watches the folders of the roots that are looked at. Every other is left as it is: a look costs what it looks at.
    fn watch_bases(&self) -> Vec<WatchHealthChange> {
        let mut bases = BTreeSet::new();
        for places in self.places.chunks(STEPS_PER_HOLD) {
            let library = self.shared.library.read();
            bases.extend(places.iter().filter_map(|(id, _)| library.root(*id)).map(|root| root.base().to_owned()));
        }
        // They are looked at now, so that it does not matter which of them were not watched until now.
        let (news, _new) = self.watches.watch(bases.iter().map(PathBuf::as_path), &self.shared.library);
        news
    }

    /// Walks one place, withdraws what is gone, and collects what may have to be hashed.
    fn look(
        &self,
        root: &Arc<Root>,
        start: &str,
        own: &OwnFiles,
        fresh: &mut Vec<(RootId, Fresh)>,
        outcome: &mut ScanReport,
    ) -> Result<(), NotLookedAt> {
        // A file's folder is never looked at as a whole, whoever asks.
        let start = if root.is_folder { start } else { root.start() };
        let folder = SharedFolder::open(root.base())?;
        self.identify(root, &folder, outcome)?;
        let mut found = Vec::new();
        if is_in_data_folder(root.base()) {
            outcome.skipped.push(((root.id, start.to_owned()), WhySkipped::Own.into()));
        } else {
            found = self.walk(root, start, &folder, own, outcome)?;
        }
        let mut difference = self.compare(root, start, found);
        let unclear = std::mem::take(&mut difference.unclear);
        let unnameable = difference.unnameable.into_iter().map(|(relative, why)| ((root.id, relative), why.into()));
        outcome.skipped.extend(unnameable);
        let colliding = difference.collisions.into_iter().map(|why| ((root.id, why.second.clone()), why.into()));
        outcome.skipped.extend(colliding);
        self.share(difference.gone.into_iter().map(|path| (root.id, path)).collect(), Vec::new());
        fresh.extend(difference.fresh.into_iter().map(|file| (root.id, file)));
        // Both files are in there, so that nothing is unclear the second time.
        unclear.iter().try_for_each(|folder| self.look(root, folder, own, fresh, outcome))?;
        // Something that had no share path of its own has one now.
        let is_gone = root.is_folder && !folder.is_there(Path::new(start));
        let others = if is_gone { other_forms(start) } else { Vec::new() };
        let mut there = others.iter().filter(|other| folder.is_there(Path::new(other)));
        there.try_for_each(|other| self.look(root, other, own, fresh, outcome))
    }

    /// Whether a root is on the file system on which it was when the person shared it. What is mounted in its place was
    /// never meant.
    fn identify(&self, root: &Root, folder: &SharedFolder, outcome: &mut ScanReport) -> Result<(), NotLookedAt> {
        let now = folder.file_system()?;
        match root.file_system {
            Some(before) if before.is_same(&now) => Ok(()),
            Some(_) => Err(NotLookedAt::Absent(Absence::OtherFileSystem)),
            None => {
                self.shared.change(|library, _| library.set_file_system(root.id, now));
                outcome.identified.push(root.id);
                Ok(())
            }
        }
    }

    /// Everything that may be shared at and below a place. Each folder is watched before it is looked into, so that no
    /// change falls between.
    fn walk(
        &self,
        root: &Root,
        start: &str,
        folder: &SharedFolder,
        own: &OwnFiles,
        outcome: &mut ScanReport,
    ) -> Result<Vec<(String, FileStamp)>, NotLookedAt> {
        let (mut found, mut folders) = (Vec::new(), BTreeSet::new());
        let rules = WalkRules {
            own,
            base: root.base(),
            is_named: !root.is_folder,
            leave_out_hidden: self.leave_out_hidden && root.is_folder,
            is_excluded: &|at| {
                self.shared.library.read().exclusions(root.id).is_some_and(|excluded| excluded.cover(at))
            },
        };
        walk(folder, start, &rules, |seen| match seen {
            Seen::Folder(relative) => {
                let path = root.base().join(relative);
                outcome.watch_news.extend(self.watches.see(root.base(), &path));
                folders.insert(path);
            }
            Seen::File(file) => found.push((file.relative, file.stamp)),
            Seen::LeftOut(skip) => outcome.skipped.push(((root.id, skip.relative), skip.why.into())),
        })?;
        if root.is_folder {
            outcome.watch_news.extend(self.watches.forget(&root.base().join(start), &folders));
        } else if found.is_empty() {
            return Err(NotLookedAt::Absent(Absence::Gone));
        }
        Ok(found)
    }

    /// Compares a bounded part at a time, so that others are served meanwhile.
    fn compare(&self, root: &Arc<Root>, start: &str, found: Vec<(String, FileStamp)>) -> Difference {
        let mut comparison = Comparison::new(Arc::clone(root), start, found);
        loop {
            if let Some(difference) = comparison.step(&self.shared.library.read(), STEPS_PER_HOLD) {
                return difference;
            }
        }
    }

    /// Nothing of a root is served any more until it is there again.
    fn withdraw_all(&self, root: &Root) {
        let mut after = None;
        loop {
            after = self
                .shared
                .change(|library, changes| library.withdraw_some(root, "", after.as_ref(), STEPS_PER_HOLD, changes));
            if after.is_none() {
                return;
            }
        }
    }

    fn leave_out_what_is_too_much(&self, fresh: &mut Vec<(RootId, Fresh)>, outcome: &mut ScanReport) {
        let mut room = self.shared.library.read().room();
        let mut kept = Vec::with_capacity(fresh.len());
        let mut files = std::mem::take(fresh).into_iter().peekable();
        while files.peek().is_some() {
            let library = self.shared.library.read();
            for (root, file) in files.by_ref().take(STEPS_PER_HOLD) {
                let is_known = library.entry(&file.path).is_some();
                if room == 0 && !is_known {
                    outcome.skipped.push(((root, file.relative), WhyNotShared::TooMany));
                    continue;
                }
                room -= usize::from(!is_known);
                kept.push((root, file));
            }
        }
        *fresh = kept;
    }

    /// Shares the files whose hash is remembered, and returns the others, with what was remembered of them.
    fn share_known(&self, fresh: Vec<(RootId, Fresh)>) -> Vec<Unknown> {
        let mut unknown = Vec::new();
        let mut fresh = fresh.into_iter();
        loop {
            let chunk: Vec<(RootId, Fresh)> = fresh.by_ref().take(LOOKUP_FILES_MAX).collect();
            if chunk.is_empty() {
                return unknown;
            }
            let stamps: Vec<FileStamp> = chunk.iter().map(|(_, file)| file.stamp).collect();
            let cached = self.shared.store.cached_hashes(&stamps).unwrap_or_else(|error| {
                tracing::warn!(%error, "the remembered hashes cannot be read; files are hashed again");
                vec![None; stamps.len()]
            });
            let mut known = Vec::new();
            for ((root, file), cached) in chunk.into_iter().zip(cached) {
                let unsettled = cached.filter(|cached| cached.stamp == file.stamp);
                let Some(CachedHash { hash, stamp, is_settled, .. }) = unsettled else {
                    unknown.push(Unknown { root, file, unsettled });
                    continue;
                };
                // Very likely right even if the stamp is too young to prove it: announced at once and read again to be
                // sure. Whatever is sent meanwhile is compared with the hash anyhow.
                let entry = ShareEntry { root, relative: file.relative.clone(), hash, stamp, is_settled };
                known.push((file.path.clone(), entry));
                if !is_settled {
                    unknown.push(Unknown { root, file, unsettled });
                }
            }
            self.share(Vec::new(), known);
        }
    }

    pub(super) fn share(&self, gone: Vec<(RootId, SharePath)>, hashed: Vec<(SharePath, ShareEntry)>) {
        let (mut gone, mut hashed) = (gone.into_iter().peekable(), hashed.into_iter().peekable());
        while gone.peek().is_some() || hashed.peek().is_some() {
            self.shared.change(|library, changes| {
                for (root, path) in gone.by_ref().take(STEPS_PER_HOLD) {
                    library.withdraw(root, &[path], changes);
                }
                for (path, entry) in hashed.by_ref().take(STEPS_PER_HOLD) {
                    // If there are too many shares by now, the next look says so.
                    library.announce(path, entry, changes);
                }
            });
        }
    }
}

/// Why a file in a folder is not shared; `None` if that is no news.
pub(super) fn why_skipped(fault: &HashFault) -> Option<WhySkipped> {
    match fault {
        HashFault::Changed | HashFault::Stopped | HashFault::Read(ReadFault::Gone) => None,
        HashFault::Read(ReadFault::Denied) => Some(WhySkipped::Denied),
        HashFault::Read(ReadFault::NotRegular) => Some(WhySkipped::Special),
        HashFault::Read(ReadFault::Own) => Some(WhySkipped::Own),
        HashFault::Read(ReadFault::NoSize) => Some(WhySkipped::NoSize),
        HashFault::Read(ReadFault::Io(_)) => Some(WhySkipped::Unreadable),
    }
}
