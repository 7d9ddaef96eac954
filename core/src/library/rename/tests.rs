//! Renames in steps, with looks and new files between them, and what is written of them.

use super::*;
use crate::library::comparison::Comparison;
use crate::library::giving_up::{GivingUp, Unwanted};
use crate::library::table::tests::{library, on_disk, path, paths, root, scan, stamp};
use std::sync::Arc;

const FILES: [(&str, u8); 4] = [("a", 1), ("b", 2), ("sub/c", 3), ("sub/secret", 4)];

/// A folder, of which something was taken out, one of its files under its own name too, and another file.
fn fresh() -> Library {
    let excluded = [path("sub/secret")].into_iter().collect();
    let mut library = library(&[root(2, "/h/Trip/a", false, "Trip/a"), root(3, "/h/x", false, "x")]);
    library.restore_root(root(1, "/h/Trip", true, "Trip"), excluded);
    scan(&mut library, 2, "a", &[("a", 1)], 1);
    look(&mut library);
    scan(&mut library, 3, "x", &[("x", 9)], 1);
    library
}

/// Planned and done in small steps, so that every border between two of them is crossed.
fn rename(
    library: &mut Library,
    from: &str,
    to: &str,
    changes: &mut ShareChanges,
) -> Result<(Vec<RootId>, Unsaved), RenameError> {
    let mut plan = RenamePlan::new(&path(from), &path(to));
    while !plan.step(library, 1)? {}
    let mut renaming = plan.finish()?;
    let mut unsaved = Unsaved::default();
    let count = library.len();
    while !renaming.step(library, 1, changes, &mut unsaved) {
        assert_eq!(library.len(), count, "each file has one name at every moment");
    }
    Ok((renaming.roots(), unsaved))
}

/// Everything that is on the disk is found again.
fn look(library: &mut Library) {
    let roots: Vec<Arc<Root>> = library.roots().cloned().collect();
    let top = on_disk("/h/Trip");
    for root in roots.iter().filter(|root| root.is_folder && root.local.starts_with(&top)) {
        let below = root.local[top.len()..].replace(std::path::MAIN_SEPARATOR, "/");
        let below = below.trim_start_matches('/');
        let inside = FILES.iter().filter_map(|(name, content)| Some((name.strip_prefix(below)?, *content)));
        let inside: Vec<(&str, u8)> = inside.map(|(name, content)| (name.trim_start_matches('/'), content)).collect();
        scan(library, root.id.0, "", &inside, 1);
    }
}

#[test]
fn what_is_renamed_has_the_new_name_and_stays_so() {
    for (from, to, after) in [
        ("Trip", "Journey", &["Journey/a", "Journey/b", "Journey/sub/c", "x"][..]),
        ("Trip", "x y/z", &["x", "x y/z/a", "x y/z/b", "x y/z/sub/c"]),
        ("Trip", "Trip/deeper", &["Trip/deeper/a", "Trip/deeper/b", "Trip/deeper/sub/c", "x"]),
        ("Trip/a", "first", &["Trip/b", "Trip/sub/c", "first", "x"]),
        ("Trip/b", "Trip/c", &["Trip/a", "Trip/c", "Trip/sub/c", "x"]),
        ("Trip/sub", "Sub", &["Sub/c", "Trip/a", "Trip/b", "x"]),
        ("Trip/sub/c", "c", &["Trip/a", "Trip/b", "c", "x"]),
        ("x", "X", &["Trip/a", "Trip/b", "Trip/sub/c", "X"]),
        ("x", "x", &["Trip/a", "Trip/b", "Trip/sub/c", "x"]),
    ] {
        let mut library = fresh();
        let before = library.shares().collect::<Vec<_>>();
        let mut changes = ShareChanges::default();
        let (look_at, unsaved) = rename(&mut library, from, to, &mut changes).expect(from);
        assert_eq!(paths(&library), after, "{from} to {to}");
        let contents = |shares: &[crate::model::share::Share]| {
            let mut hashes: Vec<_> = shares.iter().map(|share| share.hash).collect();
            hashes.sort();
            hashes
        };
        assert_eq!(contents(&before), contents(&library.shares().collect::<Vec<_>>()), "nothing was read");
        let (added, removed) = changes.into_parts();
        let told = before.iter().filter(|share| !removed.contains(&share.path)).chain(&added);
        let mut told: Vec<_> = told.map(|share| share.path.as_str().to_owned()).collect();
        told.sort();
        assert_eq!(told, after, "what others are told, {from} to {to}");
        assert!(look_at.iter().all(|id| library.root(*id).is_some() && unsaved.roots.contains(id)));

        look(&mut library);
        assert_eq!(paths(&library), after, "nothing comes back, {from} to {to}");
    }
}

#[test]
fn a_name_that_is_taken_changes_nothing() {
    let long = format!("{}/y", "z/".repeat(509).trim_end_matches('/'));
    for (from, to, refused) in [
        ("Trip/b", "x", "taken"),
        ("x", "Trip/sub/c", "taken"),
        ("Trip/b", "Trip/a", "taken"),
        ("Trip", &long, "bad name"),
        ("none", "x", "not shared"),
        ("Trip/sub/secret", "mine", "not shared"),
    ] {
        let mut library = fresh();
        let mut changes = ShareChanges::default();
        let (before, roots) = (paths(&library), library.roots().cloned().collect::<Vec<_>>());
        let why = match rename(&mut library, from, to, &mut changes).expect_err(from) {
            RenameError::NotShared => "not shared",
            RenameError::BadName(_) => "bad name",
            RenameError::Collision(_) => "taken",
        };
        assert_eq!(why, refused, "{from} to {to}");
        assert_eq!((paths(&library), library.roots().cloned().collect::<Vec<_>>()), (before, roots));
        assert!(changes.is_empty());
    }
}

/// What a program that reads this after a restart shares.
fn written(library: &Library, unsaved: &Unsaved, disk: &mut BTreeMap<RootId, (Root, BTreeSet<SharePath>)>) {
    for id in &unsaved.roots {
        disk.remove(id);
        if let Some(root) = library.root(*id) {
            let excluded = library.exclusions(*id).into_iter().flat_map(Exclusions::iter).cloned();
            disk.insert(*id, (Root::clone(root), excluded.collect()));
        }
    }
    for (id, place) in &unsaved.places {
        let Some((_, excluded)) = disk.get_mut(id) else { continue };
        match library.exclusions(*id).is_some_and(|excluded| excluded.contains(place)) {
            true => excluded.insert(place.clone()),
            false => excluded.remove(place),
        };
    }
}

#[test]
fn what_was_stopped_is_stopped_under_the_new_name_after_a_restart() {
    for (from, to, stopped, left) in [
        ("Trip", "Journey", "Trip/sub", &["Journey/a", "Journey/b", "x"][..]),
        ("Trip", "Journey", "Trip/b", &["Journey/a", "Journey/sub/c", "x"]),
        ("Trip/sub", "Sub", "Trip/sub/c", &["Trip/a", "Trip/b", "x"]),
    ] {
        let mut library = fresh();
        let mut disk = BTreeMap::new();
        let all = Unsaved::of_roots(library.roots().map(|root| root.id));
        written(&library, &all, &mut disk);
        let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
        let mut giving_up = GivingUp::new(Unwanted::Announced(path(stopped)));
        while !giving_up.step(&mut library, &mut 1, &mut changes, &mut unsaved) {}
        written(&library, &unsaved, &mut disk);
        if let Ok((_, unsaved)) = rename(&mut library, from, to, &mut changes) {
            written(&library, &unsaved, &mut disk);
        }
        let mut again = Library::new(1000);
        for (root, excluded) in disk.into_values() {
            again.restore_root(root, excluded.into_iter().collect());
        }
        look(&mut again);
        scan(&mut again, 3, "x", &[("x", 9)], 1);
        assert_eq!(paths(&again), left, "{from} to {to} after {stopped} was stopped");
    }
}

/// A look at a root that is under way while something of it gets another name.
struct Look {
    comparison: Option<Comparison>,
    root: RootId,
}

impl Look {
    fn new(library: &Library, id: u64) -> Self {
        let root = library.root(RootId(id)).expect("is a root");
        let found = FILES
            .iter()
            .filter(|(name, _)| library.holds(root.id, name))
            .map(|(name, version)| ((*name).to_owned(), stamp(0, *version)));
        let comparison = Comparison::new(Arc::clone(root), "", found.collect());
        Self { comparison: Some(comparison), root: RootId(id) }
    }

    fn step(&mut self, library: &mut Library, changes: &mut ShareChanges) {
        if let Some(difference) = self.comparison.as_mut().and_then(|comparison| comparison.step(library, 1)) {
            library.withdraw(self.root, &difference.gone, changes);
            self.comparison = None;
        }
    }
}

#[test]
fn who_looks_meanwhile_takes_nothing_away() {
    for (from, to) in [("Trip", "Journey"), ("Trip/sub", "Sub"), ("Trip", "Trip/deeper"), ("Trip/b", "Trip/c")] {
        for (before, renamed) in (0..12).flat_map(|before| (0..30).map(move |renamed| (before, renamed))) {
            let mut library = fresh();
            let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
            let mut at_work = Look::new(&library, 1);
            (0..before).for_each(|_| at_work.step(&mut library, &mut changes));
            let mut plan = RenamePlan::new(&path(from), &path(to));
            while !plan.step(&library, 1).expect("plans") {}
            let mut renaming = plan.finish().expect("is shared");
            let count = library.len();
            let is_done = (0..renamed).any(|_| renaming.step(&mut library, 1, &mut changes, &mut unsaved));
            while at_work.comparison.is_some() {
                at_work.step(&mut library, &mut changes);
            }
            while !is_done && !renaming.step(&mut library, 1, &mut changes, &mut unsaved) {}
            assert_eq!(library.len(), count, "{from} to {to}, the look begun by {before} and ended at {renamed}");
        }
    }
}

#[test]
fn what_is_found_between_plan_and_rename_does_not_keep_the_old_name() {
    for (from, to, new) in [("Trip", "Journey", "sub/new"), ("Trip/sub", "Sub", "sub/new"), ("x", "y", "x")] {
        let mut library = fresh();
        let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
        if new == "x" {
            scan(&mut library, 3, "x", &[], 1);
        }
        let mut plan = RenamePlan::new(&path(from), &path(to));
        while !plan.step(&library, 1).expect("plans") {}
        let mut renaming = plan.finish().expect("is shared");
        if new == "x" {
            scan(&mut library, 3, "x", &[("x", 9)], 1);
        } else {
            scan(&mut library, 1, "sub", &[("sub/c", 3), (new, 5)], 1);
        }
        while !renaming.step(&mut library, 1, &mut changes, &mut unsaved) {}
        let old = path(from);
        assert!(library.shares().all(|share| !is_at_or_below(&share.path, &old)), "{:?}", paths(&library));
    }
}

#[test]
fn what_is_shared_beyond_the_limit_gets_its_new_name_too() {
    let mut library = fresh();
    library.set_shares_max(1);
    rename(&mut library, "Trip", "Journey", &mut ShareChanges::default()).expect("renames");
    assert_eq!(paths(&library), ["Journey/a", "Journey/b", "Journey/sub/c", "x"]);
}

#[test]
fn no_step_does_more_than_it_may() {
    let count = 200;
    let roots: Vec<Root> = (1..=count).map(|id| root(id, &format!("/d/{id}"), false, &format!("D/{id}"))).collect();
    let mut library = Library::new(1000);
    roots.into_iter().for_each(|root| library.set_root(root));
    (1..=count).for_each(|id| _ = scan(&mut library, id, "", &[(&id.to_string(), 1)], 1));
    let places = (0..count).map(|at| path(&format!("{at}"))).collect();
    library.restore_root(root(count + 1, "/e", true, "D/e"), places);
    let mut plan = RenamePlan::new(&path("D"), &path("E"));
    let mut steps = 1;
    while !plan.step(&library, 10).expect("plans") {
        steps += 1;
    }
    assert!(steps >= 2 * 20, "{steps} parts of 10 at most");
    let mut renaming = plan.finish().expect("is shared");
    let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
    let (mut before, mut is_done) = (library.roots_len(), false);
    while !is_done {
        let mut now = ShareChanges::default();
        is_done = renaming.step(&mut library, 10, &mut now, &mut unsaved);
        let (added, removed) = now.clone().into_parts();
        assert!(added.len() <= 10 && removed.len() <= 10);
        assert!(library.roots_len().abs_diff(before) <= 10, "roots come and go a few at a time");
        before = library.roots_len();
        changes.then(now);
    }
    assert_eq!((library.roots_len() as u64, library.len() as u64), (count + 1, count));
    let new = library.root_named(&on_disk("/e"), &path("E/e")).expect("is renamed").id;
    assert_eq!(library.exclusions(new).map(Exclusions::len), Some(200), "moved, not copied");
}
