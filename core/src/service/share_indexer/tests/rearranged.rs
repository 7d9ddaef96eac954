//! What would be shared after a restart, at any moment while it is rearranged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::fixture::Fixture;
use crate::model::share_path::SharePath;

const FILES_SHARED: usize = 1500;
const RENAMES: usize = 8;
const STOPS_A_RENAME: usize = 4;

/// Says that it is over when it is dropped: whoever looks on meanwhile ends when the test fails, too.
#[derive(Default)]
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_on_the_disk_whole_or_not_at_all_and_what_was_stopped_is_stopped_there() {
    let fixture = Fixture::new().await;
    for at in 0..FILES_SHARED {
        fixture.write(&format!("T0/{at:04}"), "x");
    }
    fixture.share(&["T0"]).await.expect("shares");
    // Names that were said to be stopped, and whether all is done.
    let (stopped, is_over) = (Arc::new(Mutex::new(Vec::<String>::new())), Over::default());
    let (store, said, over) = (fixture.store(), Arc::clone(&stopped), Arc::clone(&is_over.0));
    let looking = tokio::task::spawn_blocking(move || {
        let mut looked = 0;
        while !over.load(Ordering::Relaxed) {
            let said = said.lock().clone();
            let roots = store.roots().expect("reads");
            let names: Vec<&str> = roots.iter().map(|(root, _)| root.share_as.as_str()).collect();
            assert!(names.len() == 1 && names[0].starts_with('T'), "{names:?}");
            let excluded = &roots[0].1;
            assert!(said.iter().all(|name| excluded.cover(name)), "{} of {}", excluded.len(), said.len());
            looked += 1;
        }
        looked
    });
    let path = |at: usize| SharePath::new(&format!("T{at}")).expect("a path");
    for round in 0..RENAMES {
        let rename = fixture.share_indexer.rename(path(round), path(round + 1));
        let stop = async {
            for at in 0..STOPS_A_RENAME {
                let name = format!("{:04}", round * STOPS_A_RENAME + at);
                // By where it is: what it is called changes at this moment.
                let local = fixture.cwd.join("T0").join(&name);
                let gone = fixture.unshare(&[local.to_str().expect("text")]).await.expect("unshares");
                assert_eq!(gone.len(), 1, "{gone:?}");
                stopped.lock().push(name);
            }
        };
        let (renamed, ()) = tokio::join!(rename, stop);
        renamed.expect("renames");
    }
    drop(is_over);
    assert!(looking.await.expect("the disk is right at every moment") > 0);
    let fixture = fixture.restart().await;
    let shared = fixture.shared();
    assert_eq!(shared.len(), FILES_SHARED - RENAMES * STOPS_A_RENAME);
    assert!(shared.iter().all(|path| path.starts_with(&format!("T{RENAMES}/"))));
    fixture.stop().await;
}
