//! Tests of how the files of downloads are opened.

use super::*;

#[test]
fn few_descriptors_are_shared_out() {
    for (all, small, folders) in [(None, 384, 32), (Some(1 << 20), 384, 32), (Some(256), 32, 8), (Some(16), 4, 4)] {
        assert_eq!(share_of(all, SMALL_OPEN_SHARE, SMALL_OPEN_MAX), small, "{all:?}");
        assert_eq!(share_of(all, FOLDERS_OPEN_SHARE, FOLDERS_OPEN_MAX), folders, "{all:?}");
    }
}

#[test]
fn what_passes_by_itself_is_waited_for() {
    let tries = std::cell::Cell::new(0);
    let open = |faults: fn(u32) -> Option<PlaceError>| {
        tries.set(0);
        patiently(|| {
            tries.set(tries.get() + 1);
            faults(tries.get()).map_or(Ok(tries.get()), Err)
        })
    };
    assert!(matches!(open(|n| (n < 3).then_some(PlaceError::Overloaded)), Ok(3)));
    assert!(matches!(open(|n| (n < 2).then_some(PlaceError::InUse)), Ok(2)));
    assert!(matches!(open(|_| Some(PlaceError::Denied)), Err(PlaceError::Denied)));
    assert_eq!(tries.get(), 1);
}
