//! Numbers and texts that somebody wrote into their own `config.toml` without knowing what they do: the program works, or
//! says why not.

use potok_core::node::event::Outcome;
use potok_core::node::intent::Intent;
use potok_core::node::settings::Settings;
use potok_tests::world::Person;

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
