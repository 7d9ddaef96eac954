//! Numbers and texts that somebody wrote into their own `config.toml` without knowing what they do: the program works, or
//! says why not.

use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use potok_core::protocol::sentence::Sentence;
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::world::{Person, TestTracker};
use tokio::runtime::Runtime;

#[test]
fn no_number_in_the_settings_ends_the_program() {
    let defaults = toml::Table::try_from(Settings::default()).expect("a table");
    let mut tried = 0;
    for (key, _) in defaults.iter().filter(|(_, value)| value.is_integer()) {
        for number in [0, 1, i64::from(u32::MAX), i64::MAX] {
            let text = format!("{key} = {number}");
            let changed: Settings = toml::from_str(&text).expect("it is read");
            let anna = Person::with("anna", |settings| {
                *settings = Settings {
                    name: settings.name.clone(),
                    listen: settings.listen,
                    download_folder: settings.download_folder.clone(),
                    ..changed
                };
            });
            let file = anna.write("file.bin", b"what is shared");
            let shared = anna.share(&file);
            assert!(shared.is_ok() || number == 0, "{text}: {shared:?}");
            assert!(matches!(anna.ask(Intent::Status), Ok(Outcome::Status(_))), "{text}");
            tried += 1;
        }
    }
    assert!(tried >= 28, "{tried}");
}

#[test]
fn what_a_tracker_has_no_room_for_is_said_and_shared_all_the_same() {
    let runtime = Runtime::new().expect("a runtime");
    let small = TrackerSettings { shares_per_user: 2, ..TrackerSettings::default() };
    let tracker = runtime.block_on(TestTracker::start(small));
    let anna = Person::new("anna");
    anna.join(&tracker.address());
    for name in ["Trip/a", "Trip/b", "Trip/c"] {
        anna.write(name, name.as_bytes());
    }
    let why = anna.share(&anna.path("Trip")).expect_err("three files are more than two");
    assert_eq!(why.code(), "limit");
    let Failure::NotListed { path, why } = why else { panic!("{why:?}") };
    let full = Sentence::FilesOfUser { max: 2, own: 0 };
    assert_eq!((path.as_str(), Sentence::known(&why)), ("Trip/a", Some(full)));
    let Ok(Outcome::Shared(shares)) = anna.ask(Intent::ListShares) else { panic!("no list") };
    assert_eq!(shares.len(), 3, "they can be taken");
}
