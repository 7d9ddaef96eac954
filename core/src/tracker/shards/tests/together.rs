//! Lines that come together are worked on together where they can be, and answered as each alone.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn lines_that_come_together_are_answered_as_each_alone(
        steps in prop::collection::vec(step(), 1..30),
        few in prop::collection::vec((0..3usize, prop::collection::vec(few_files(), 2..40)), 1..4),
        order in prop::collection::vec(0..1000usize, 1..60),
        shards in prop::sample::select(vec![0usize, 2]),
        is_small in any::<bool>(),
    ) {
        let start = Instant::now();
        let settings = if is_small { small_limits() } else { TrackerSettings::default() };
        let (mut together, mut alone) = (World::new(start, &settings, shards), World::new(start, &settings, shards));
        let watcher = NAMES.len();
        let watching = [Step::Open { client: watcher, key: None },
            Step::Lines { client: watcher, lines: vec!["watch".into(), "watch under=a".into()] }];
        let announced = few.into_iter().flat_map(|(client, files)| {
            let lines = files.iter().map(|file| format!("register-files {} {file}", NAMES[client])).collect();
            [Step::Come(client, None), Step::Lines { client, lines }, Step::Wait(400)]
        });
        for step in watching.into_iter().chain(steps).chain(announced) {
            together.take(&step);
            together.settle(&order);
            match step {
                Step::Lines { client, lines } => for line in lines {
                    alone.take(&Step::Lines { client, lines: vec![line] });
                    alone.settle(&order);
                },
                step => {
                    alone.take(&step);
                    alone.settle(&order);
                }
            }
            prop_assert_eq!(&together.received, &alone.received);
            prop_assert_eq!(together.tracker.counts(), alone.tracker.counts());
        }
        prop_assert_eq!(together.everything(&order), alone.everything(&order));
        let codes = |world: &World| world.tracker.tally().codes().collect::<Vec<_>>();
        prop_assert_eq!(codes(&together), codes(&alone));
        let verbs = |world: &World| world.tracker.tally().verbs().collect::<Vec<_>>();
        prop_assert_eq!(verbs(&together), verbs(&alone));
    }
}

/// The same ones come again, a few of them in the same line.
fn few_files() -> impl Strategy<Value = String> {
    let file = (prop::sample::select(vec!["a/", "a/b/", "", "Я/"]), 0..12u32, prop::option::of(0..3u64));
    let file = file.prop_map(|(folder, n, size)| {
        let size = size.map_or(String::new(), |size| format!(" size={size}"));
        format!("\"{folder}{n}\"{size}")
    });
    prop::collection::vec(file, 1..4).prop_map(|files| files.join(","))
}
