//! Which folders are watched, of real ones.

use super::*;
use crate::library::root::{Root, RootId};
use crate::model::share_path::SharePath;

fn watched(watches: &Watches, top: &Path) -> Vec<String> {
    let held = watches.held.lock();
    let below = held.watched.keys().map(|path| path.strip_prefix(top).expect("below").to_string_lossy());
    below.map(std::borrow::Cow::into_owned).collect()
}

/// A library of folders, of which all is shared or one file.
fn library(bases: &[(PathBuf, bool)]) -> RwLock<Library> {
    let mut library = Library::new(10);
    for (id, (path, is_folder)) in (1..).zip(bases) {
        let local = if *is_folder { path.clone() } else { path.join("file") };
        let share_as = SharePath::new(&id.to_string()).expect("valid");
        let local = local.to_str().expect("text").to_owned();
        library.set_root(Root { id: RootId(id), local, is_folder: *is_folder, share_as, file_system: None });
    }
    RwLock::new(library)
}

#[test]
fn what_the_system_had_not_for_us_is_asked_for_again() {
    let folder = tempfile::tempdir().expect("folder");
    let top = folder.path().canonicalize().expect("resolves");
    let (watches, _touches) = Watches::new();
    watches.held.lock().watcher = Err(WatchFault::Told("Too many open files".to_owned()));
    assert!(watches.watch_only(&library(&[(top.clone(), true)])).0.is_empty() && !watches.is_partial());
    assert_eq!(watched(&watches, &top), [""]);
}

#[test]
fn folders_are_watched_as_they_are_found_and_as_they_are_now() {
    let folder = tempfile::tempdir().expect("folder");
    let top = folder.path().canonicalize().expect("resolves");
    for name in ["a/b/c", "d", "e"] {
        std::fs::create_dir_all(top.join(name)).expect("folders");
    }
    let bases = [(top.join("a"), true), (top.join("d"), false), (top.join("gone"), true)];
    let (watches, _touches) = Watches::new();
    assert!(watches.watch_only(&library(&bases)).0.is_empty() && !watches.is_partial());
    assert_eq!(watched(&watches, &top), ["a", "d"]);
    for name in ["a", "a/b", "a/b/c"] {
        assert!(watches.see(&top.join("a"), &top.join(name)).is_none());
    }
    assert!(watches.watch_only(&library(&bases)).0.is_empty(), "what was found is watched on");
    assert_eq!(watched(&watches, &top), ["a", "a/b", "a/b/c", "d"]);
    let found = ["a/b"].map(|name| top.join(name)).into_iter().collect();
    assert!(watches.forget(&top.join("a/b"), &found).is_empty());
    assert_eq!(watched(&watches, &top), ["a", "a/b", "d"]);

    let before = watches.held.lock().watched.clone();
    std::fs::rename(top.join("a/b"), top.join("a/x")).expect("renames");
    std::fs::create_dir(top.join("a/b")).expect("folder");
    assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
    assert_ne!(watches.held.lock().watched, before, "another folder of the same name");
    assert!(watches.watch_only(&library(&bases[1..])).0.is_empty());
    assert_eq!(watched(&watches, &top), ["d"]);
}

#[test]
fn what_cannot_be_watched_is_told_once_a_root() {
    let folder = tempfile::tempdir().expect("folder");
    let top = folder.path().canonicalize().expect("resolves");
    std::fs::create_dir_all(top.join("a/b")).expect("folders");
    let (watches, _touches) = Watches::new();
    let bases = [(top.join("a"), true)];
    assert!(watches.watch_only(&library(&bases)).0.is_empty());
    let watcher = std::mem::replace(&mut watches.held.lock().watcher, Err(WatchFault::TooMany));
    for name in ["b", "c"] {
        std::fs::create_dir_all(top.join("a").join(name)).expect("folder");
    }
    let news = watches.see(&top.join("a"), &top.join("a/b")).expect("is told");
    let problem = WatchProblem { why: WatchFault::TooMany, is_whole: false };
    assert_eq!((Path::new(&news.folder), news.problem), (&*top.join("a"), Some(problem)));
    assert!(watches.see(&top.join("a"), &top.join("a/c")).is_none(), "told once");
    assert!(watches.is_partial());
    watches.held.lock().watcher = watcher;
    assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
    let news = watches.see(&top.join("a"), &top.join("a/c")).expect("is told");
    assert!(news.problem.is_none() && !watches.is_partial());
}

#[test]
fn what_one_look_is_about_is_watched_and_all_others_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let top = folder.path().canonicalize().expect("resolves");
    let [a, d] = ["a", "d"].map(|name| top.join(name));
    [&a, &d].into_iter().for_each(|folder| std::fs::create_dir(folder).expect("folder"));
    let bases = [(a.clone(), true), (d.clone(), false)];
    let library_of_both = library(&bases);
    let (watches, _touches) = Watches::new();
    let (_news, new) = watches.watch([&*a], &library_of_both);
    assert_eq!((new, watched(&watches, &top)), (vec![a.clone()], vec!["a".to_owned()]));
    let (_news, new) = watches.watch([&*a, &*top], &library_of_both);
    assert!(new.is_empty(), "it is watched, and the other is not shared");
    let (_news, new) = watches.watch([&*d], &library(&bases[1..]));
    assert_eq!((new, watched(&watches, &top)), (vec![d.clone()], vec!["a".to_owned(), "d".to_owned()]));
    let (_news, new) = watches.watch_only(&library(&bases[..1]));
    assert_eq!((new, watched(&watches, &top)), (vec![], vec!["a".to_owned()]));
    let (_news, new) = watches.watch_only(&library_of_both);
    assert_eq!(new, [d], "something may have come into it until now");
}
