//! From what the person typed to roots, before anything is changed: here is where every mistake that they can mend is
//! found. Touches the disk, hashes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::disk::hash::HashFault;
use crate::disk::place::shared::{Located, OwnFiles, ReadFault, SharedFolder, locate};
use crate::disk::typed;
use crate::disk::walk::{Seen, WalkRules, walk};
use crate::library::exclusions::Exclusions;
use crate::library::giving_up::Unwanted;
use crate::library::meaning::{Meaning, Meant};
use crate::library::name::{self, Separators};
use crate::library::rename::{RenameError, RenamePlan, Renaming};
use crate::library::root::{Root, RootId};
use crate::library::sharing_again::StoppedBranch;
use crate::library::table::Library;
use crate::library::typed::{LocalPath, ShareOrLocalPath};
use crate::library::unsaved::Unsaved;
use crate::model::limits::PART_SUFFIX;
use crate::model::share_path::{BadSharePath, SharePath};
use crate::model::shown_path::literal_path;
use crate::protocol::reply::Totals;
use crate::service::share_indexer::content::{STEPS_PER_HOLD, SharedLibrary};
use crate::service::share_indexer::event::{LeftOutReason, ShareWarning};
use crate::service::share_indexer::preview::{PreviewedShare, SharePreview};
use crate::service::share_indexer::root_board::LeftOutCounts;
use crate::service::share_indexer::root_status::Absence;
use crate::service::share_indexer::scan_job::RootPlace;
use crate::service::share_indexer::{ShareError, ShareExtent, ShareRequest, UnshareItem};

/// The number of a root until it is accepted.
const UNKNOWN: RootId = RootId(0);

/// One request, understood.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) typed: String,
    /// New, or one that is there already and holds what was asked for.
    pub(super) root: Root,
    /// A file that a shared folder holds already.
    pub(super) is_part: bool,
    /// Nothing of it was shared before, so nothing of it stays if it cannot be shared as a whole.
    pub(super) is_new: bool,
    /// Where in the root it is.
    pub(super) start: String,
    /// The files there.
    pub(super) relatives: Vec<String>,
    /// How many bytes they have.
    pub(super) bytes: u64,
    /// What there is besides and is not shared.
    pub(super) left_out: LeftOutCounts,
    /// Folders without a file to share, which nobody else gets.
    pub(super) empty_folders: u64,
    /// It was stopped once; if it is not there now, it is shared when it is.
    pub(super) is_again: bool,
    pub(super) warning: Option<ShareWarning>,
}

/// By what a plan is made.
#[derive(Debug, Clone)]
pub(super) struct PlanRules {
    /// Our own data folder.
    pub(super) data_dir: PathBuf,
    /// What is hidden in a folder is left out.
    pub(super) leave_out_hidden: bool,
}

/// Understands all requests, or says which one is wrong. What it read of the library may be outdated when it returns.
pub(super) fn plan(
    requests: Vec<ShareRequest>,
    rules: &PlanRules,
    extent: ShareExtent,
    library: &RwLock<Library>,
) -> Result<Vec<Planned>, ShareError> {
    let planned = plan_each(requests, rules, library)?;
    let mut new = NewFiles::default();
    for plan in &planned {
        new.add(plan, library)?;
        let library = library.read();
        let (new_files, room, max) = (new.claimed.len(), library.room(), library.shares_max());
        if extent == ShareExtent::Whole && new_files > room {
            return Err(ShareError::TooMany { typed: plan.typed.clone(), new_files, room, max });
        }
    }
    Ok(planned)
}

/// The same, only to say what it would be.
pub(super) fn preview(
    requests: Vec<ShareRequest>,
    rules: &PlanRules,
    library: &RwLock<Library>,
) -> Result<SharePreview, ShareError> {
    let planned = plan_each(requests, rules, library)?;
    let mut new = NewFiles::default();
    planned.iter().try_for_each(|plan| new.add(plan, library))?;
    let (room, shares_max) = {
        let library = library.read();
        (library.room() as u64, library.shares_max() as u64)
    };
    let preview = |plan: Planned| PreviewedShare {
        local: plan.root.local_path(&plan.start),
        is_folder: plan.root.is_folder && !plan.is_part,
        share_as: plan.root.share_as,
        totals: Totals { files: plan.relatives.len() as u64, bytes: plan.bytes },
        left_out: plan.left_out.into_iter().collect(),
        empty_folders: plan.empty_folders,
        warning: plan.warning,
    };
    let items = planned.into_iter().map(preview).collect();
    Ok(SharePreview { items, new_files: new.claimed.len() as u64, room, shares_max })
}

fn plan_each(
    requests: Vec<ShareRequest>,
    rules: &PlanRules,
    library: &RwLock<Library>,
) -> Result<Vec<Planned>, ShareError> {
    // Without knowing what is ours nothing can be shared.
    let own = OwnFiles::of(&rules.data_dir).map_err(ShareError::DataFolder)?;
    requests.into_iter().map(|request| plan_one(request, &own, rules.leave_out_hidden, library)).collect()
}

/// The share paths that would be new, each with the number of the plan and the file that would have it.
#[derive(Debug, Default)]
struct NewFiles {
    plans: usize,
    claimed: BTreeMap<SharePath, (usize, String)>,
}

impl NewFiles {
    /// Whether it can be shared beside what is shared already and was added before.
    fn add(&mut self, plan: &Planned, library: &RwLock<Library>) -> Result<(), ShareError> {
        for relatives in plan.relatives.chunks(STEPS_PER_HOLD) {
            let relatives = relatives.iter().map(String::as_str);
            library.read().claim(&plan.root, self.plans, relatives, &mut self.claimed)?;
        }
        self.plans += 1;
        Ok(())
    }
}

/// Takes planned roots into the library, all or none; says which must be remembered. What was found to collide with
/// something that was shared since they were planned is left out when it is looked at.
pub(super) fn accept(planned: &mut [Planned], shared: &SharedLibrary) -> Result<Unsaved, ShareError> {
    for part in planned.iter().filter(|plan| plan.is_part) {
        // It needs no root of its own, if the one it is in is still there.
        if !shared.library.read().holds(part.root.id, &part.start) {
            return Err(ShareError::Changing { typed: part.typed.clone() });
        }
    }
    let mut changed = Unsaved::default();
    for chunk in planned.chunks_mut(STEPS_PER_HOLD) {
        shared.change(|library, _| accept_some(chunk, library, &mut changed));
    }
    Ok(changed)
}

fn accept_some(planned: &mut [Planned], library: &mut Library, changed: &mut Unsaved) {
    for plan in planned.iter_mut().filter(|plan| !plan.is_part) {
        let known = library.root_named(&plan.root.local, &plan.root.share_as).map(|root| root.id);
        plan.is_new = known.is_none();
        plan.root.id = known.unwrap_or(library.next_root());
        let is_whole = library.exclusions(plan.root.id).is_some_and(Exclusions::is_empty);
        if !is_whole || library.root(plan.root.id).map(Arc::as_ref) != Some(&plan.root) {
            library.set_root(plan.root.clone());
            changed.roots.insert(plan.root.id);
        }
    }
}

fn plan_one(
    request: ShareRequest,
    own: &OwnFiles,
    leave_out_hidden: bool,
    library: &RwLock<Library>,
) -> Result<Planned, ShareError> {
    let ShareRequest { typed, cwd, share_as } = request;
    let unreadable = |why| ShareError::Unreadable { typed: typed.clone(), why };
    let Located { resolved, is_folder } =
        locate(&typed::path(&LocalPath { typed: typed.clone(), cwd }), own).map_err(unreadable)?;
    let local = resolved.to_str().ok_or_else(|| ShareError::NotUnicode { typed: typed.clone() })?.to_owned();
    let share_as = share_path(&typed, share_as.as_deref(), &resolved, is_folder)
        .map_err(|why| ShareError::BadName { typed: typed.clone(), why })?;
    if !is_folder && let Some((root, relative)) = find_shared(&library.read(), &share_as, &local) {
        let bytes = std::fs::symlink_metadata(root.local_path(&relative)).map_or(0, |file| file.len());
        let (start, relatives) = (relative.clone(), vec![relative]);
        let (is_part, is_new, is_again, left_out) = (true, false, false, LeftOutCounts::new());
        return Ok(Planned {
            typed,
            root,
            is_part,
            is_new,
            start,
            relatives,
            bytes,
            left_out,
            empty_folders: 0,
            is_again,
            warning: None,
        });
    }
    if !is_folder && local.ends_with(PART_SUFFIX) {
        return Err(ShareError::Unfinished { typed });
    }
    let mut root = Root { id: UNKNOWN, local, is_folder, share_as, file_system: None };
    let folder = SharedFolder::open(root.base()).map_err(unreadable)?;
    root.file_system = Some(folder.file_system().map_err(unreadable)?);
    let (mut relatives, mut bytes, mut left_out) = (Vec::new(), 0_u64, LeftOutCounts::new());
    let mut folders = Vec::new();
    if is_folder {
        let rules = WalkRules { own, base: root.base(), is_named: false, leave_out_hidden, is_excluded: &|_| false };
        let see = |seen| match seen {
            Seen::Folder(at) => folders.push(at),
            Seen::File(file) => {
                bytes = bytes.saturating_add(file.stamp.size);
                relatives.push(file.relative);
            }
            Seen::LeftOut(skip) => *left_out.entry(LeftOutReason::Skipped(skip.why)).or_default() += 1,
        };
        walk(&folder, "", &rules, see).map_err(unreadable)?;
    } else {
        bytes = std::fs::symlink_metadata(&resolved).map_or(0, |file| file.len());
        relatives.push(root.start().to_owned());
    }
    let warning = if is_folder { warning_for(&resolved) } else { None };
    let start = root.start().to_owned();
    let (is_part, is_new, is_again) = (false, true, false);
    let empty_folders = empty_among(&folders, &relatives);
    Ok(Planned { typed, root, is_part, is_new, start, relatives, bytes, left_out, empty_folders, is_again, warning })
}

/// How many of these folders have none of the files in them or below them. The shared folder itself does not count.
fn empty_among(folders: &[String], files: &[String]) -> u64 {
    let mut filled: HashSet<&str> = HashSet::new();
    for file in files {
        let mut at = file.as_str();
        while let Some((above, _)) = at.rsplit_once('/') {
            if !filled.insert(above) {
                break;
            }
            at = above;
        }
    }
    folders.iter().filter(|folder| !folder.is_empty() && !filled.contains(folder.as_str())).count() as u64
}

fn share_path(
    typed: &str,
    share_as: Option<&str>,
    resolved: &Path,
    is_folder: bool,
) -> Result<SharePath, BadSharePath> {
    match share_as {
        Some(name) if is_folder => SharePath::normalized(name.strip_suffix('/').unwrap_or(name)),
        Some(name) => SharePath::normalized(name),
        None if is_folder => {
            let resolved_name = resolved.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name::of_folder(typed, resolved_name, Separators::HERE)
        }
        None => name::of_file(typed, Separators::HERE),
    }
}

/// A file that is shared under this path already, being in a shared folder, needs no root of its own.
fn find_shared(library: &Library, path: &SharePath, local: &str) -> Option<(Root, String)> {
    let entry = library.entry(path)?;
    let root = library.root(entry.root)?;
    (root.is_folder && root.local_path(&entry.relative) == local).then(|| (Root::clone(root), entry.relative.clone()))
}

pub(super) fn warning_for(resolved: &Path) -> Option<ShareWarning> {
    if resolved.parent().is_none() {
        return Some(ShareWarning::WholeDisk);
    }
    let home = std::env::home_dir()?.canonicalize().ok()?;
    home.starts_with(resolved).then_some(ShareWarning::WholeHome)
}

/// Why not all that was asked for is shared, if so. A file in a folder is no reason: it is left out.
pub(super) fn problem_of(
    planned: &[Planned],
    missing: &[(RootId, Absence)],
    failed: &[(RootPlace, HashFault)],
) -> Option<ShareError> {
    let missing: HashSet<RootId> = missing.iter().map(|(root, _)| *root).collect();
    let failed: HashMap<(RootId, &str), &HashFault> =
        failed.iter().map(|((root, relative), fault)| ((*root, relative.as_str()), fault)).collect();
    for plan in planned {
        let typed = plan.typed.clone();
        if missing.contains(&plan.root.id) && !plan.is_again {
            return Some(ShareError::Unreadable { typed, why: ReadFault::Gone });
        }
        match failed.get(&(plan.root.id, plan.start.as_str())) {
            None => {}
            Some(HashFault::Changed | HashFault::Stopped) => return Some(ShareError::Changing { typed }),
            Some(HashFault::Read(why)) => return Some(ShareError::Unreadable { typed, why: why.again() }),
        }
    }
    None
}

/// What the items mean, if all of them are shared.
pub(super) fn find_shared_items(
    items: Vec<UnshareItem>,
    library: &RwLock<Library>,
) -> Result<Vec<Unwanted>, ShareError> {
    let mut found = Vec::new();
    for item in items {
        let (typed, mut meanings) = meanings(item);
        let all = meanings.find_map(|unwanted| {
            let Meant { is_shared, branches } = find(&unwanted, library);
            let branches = branches.into_iter().filter(|(root, place)| is_branch(root, place, library));
            let branches = branches.map(|(root, place)| Unwanted::Branch(root.id, place)).collect::<Vec<_>>();
            let all: Vec<Unwanted> = is_shared.then_some(unwanted).into_iter().chain(branches).collect();
            (!all.is_empty()).then_some(all)
        });
        found.extend(all.ok_or(ShareError::NotShared { item: typed })?);
    }
    Ok(found)
}

fn find(unwanted: &Unwanted, library: &RwLock<Library>) -> Meant {
    let mut meaning = Meaning::new(unwanted.clone());
    loop {
        let found = meaning.step(&library.read(), STEPS_PER_HOLD);
        if let Some(found) = found {
            return found;
        }
    }
}

/// Whether there is such a folder in a shared one, or something in it was stopped: then it can be stopped as a whole,
/// though nothing in it is shared at present.
fn is_branch(root: &Root, place: &SharePath, library: &RwLock<Library>) -> bool {
    let has_stopped =
        library.read().exclusions(root.id).is_some_and(|excluded| excluded.at_or_below(Some(place)).next().is_some());
    has_stopped || std::fs::symlink_metadata(root.base().join(place.as_str())).is_ok_and(|found| found.is_dir())
}

fn meanings(UnshareItem { typed, path, locals }: UnshareItem) -> (String, impl Iterator<Item = Unwanted>) {
    let by_path = path.map(Unwanted::Announced);
    (typed, by_path.into_iter().chain(locals.into_iter().map(Unwanted::OnDisk)))
}

/// What the items mean of all that the person stopped sharing.
pub(super) fn find_stopped_items(
    items: Vec<UnshareItem>,
    library: &RwLock<Library>,
) -> Result<Vec<(String, StoppedBranch)>, ShareError> {
    let mut found = Vec::new();
    for item in items {
        let (typed, meanings) = meanings(item);
        let branches = meanings.map(|meant| stopped_at(&meant, library)).find(|branches| !branches.is_empty());
        let branches = branches.ok_or_else(|| ShareError::NotStopped { item: typed.clone() })?;
        found.extend(branches.into_iter().map(|branch| (typed.clone(), branch)));
    }
    Ok(found)
}

fn stopped_at(meant: &Unwanted, library: &RwLock<Library>) -> Vec<StoppedBranch> {
    let (mut found, mut next) = (library.read().stopped_above(meant), Some(RootId(0)));
    while let Some(from) = next {
        let (roots, more) = library.read().stopped_roots(meant, from, STEPS_PER_HOLD);
        found.extend(roots.into_iter().map(|id| (id, None)));
        next = more;
    }
    found
}

/// What is to be looked at when a branch is shared again.
pub(super) fn plan_again(typed: String, root: &Root, place: Option<&SharePath>) -> Planned {
    // The disk may spell a name otherwise than a share path does: then all of the root is looked at.
    let start = place.map(SharePath::as_str).filter(|place| place.is_ascii()).unwrap_or(root.start()).to_owned();
    let (is_part, is_new, is_again, relatives, left_out) = (true, false, true, Vec::new(), LeftOutCounts::new());
    Planned {
        typed,
        root: root.clone(),
        is_part,
        is_new,
        start,
        relatives,
        bytes: 0,
        left_out,
        empty_folders: 0,
        is_again,
        warning: None,
    }
}

/// Plans to announce what is shared under another path.
pub(super) fn plan_rename(from: &SharePath, to: &SharePath, library: &RwLock<Library>) -> Result<Renaming, ShareError> {
    let refused = |why| match why {
        RenameError::NotShared => ShareError::NotShared { item: from.to_string() },
        RenameError::BadName(why) => ShareError::BadName { typed: to.to_string(), why },
        RenameError::Collision(collision) => collision.into(),
    };
    let mut plan = RenamePlan::new(from, to);
    while !plan.step(&library.read(), STEPS_PER_HOLD).map_err(refused)? {}
    plan.finish().map_err(refused)
}

/// What the person may mean by each of these. Looks at the disk, unless a share path is `enough`.
pub(super) fn read_items(items: &[ShareOrLocalPath], enough: impl Fn(&SharePath) -> bool) -> Vec<UnshareItem> {
    let mut folders = ResolvedFolders::default();
    let mut read = |item: &ShareOrLocalPath| {
        let (typed, path) = (item.as_str().to_owned(), item.share_path());
        let is_enough = path.as_ref().is_some_and(&enough);
        let locals = if is_enough { Vec::new() } else { folders.places_of(&typed::path(item.local())) };
        UnshareItem { typed, path, locals }
    };
    items.iter().map(&mut read).collect()
}

/// Where folders really are. Of many files named one after the other most lie in the same.
#[derive(Debug, Default)]
struct ResolvedFolders {
    last: Option<(PathBuf, Option<PathBuf>)>,
}

impl ResolvedFolders {
    /// The places that a path may mean.
    fn places_of(&mut self, absolute: &Path) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = absolute.canonicalize().into_iter().collect();
        // A file that is gone has no resolved path, but its folder may.
        if let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) {
            places.extend(self.resolved(folder).map(|resolved| resolved.join(name)));
        }
        // Where nothing can be resolved, because its drive is away, it has the form that it was kept in.
        places.extend(literal_path(&std::path::absolute(absolute).unwrap_or_default()));
        places.push(absolute.to_owned());
        places.dedup();
        places
    }

    fn resolved(&mut self, folder: &Path) -> Option<&Path> {
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            self.last = Some((folder.to_owned(), folder.canonicalize().ok()));
        }
        self.last.as_ref()?.1.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_without_a_file_to_share_are_counted() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let folders = texts(&["", "a", "a/b", "a/b/c", "d", "d/e", "f"]);
        for (files, empty) in [(&[][..], 6), (&["x"], 6), (&["a/b/c/x", "a/y"], 3), (&["d/e/x", "f/x", "a/b/x"], 1)] {
            assert_eq!(empty_among(&folders, &texts(files)), empty, "{files:?}");
        }
    }
}
