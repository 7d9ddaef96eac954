//! `potok console`: the client without a window. Here settings, engine, input and output are put together; the loop
//! that uses them is [`session`].

pub mod completion;
mod download;
pub mod input;
pub mod output;
pub mod progress;
pub mod prompt;
pub mod render;
pub mod session;
pub mod tables;
pub mod words;

use std::hash::{BuildHasher, Hasher};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use potok_core::model::shown::Shown;
use potok_core::model::username::Username;
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};
use potok_core::tracker::names::is_reserved;
use rust_i18n::t;

use crate::args::ConsoleArgs;
use crate::console::completion::Completions;
use crate::console::input::Input;
use crate::console::output::{Output, Readers};
use crate::console::session::{Options, Session, TRACKER_WAIT_MAX};
use crate::{logging, settings_file, signals, texts};

/// Why the console did not start: the code, and the sentence.
type NotStarted = (&'static str, String);

/// Runs the console to its end.
pub fn start(data_dir: Option<PathBuf>, args: ConsoleArgs) -> ExitCode {
    match try_start(data_dir, args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err((code, text)) => fail(code, &text),
    }
}

/// What `potok` alone says until it has a window.
pub fn no_window() -> ExitCode {
    fail("no-window", &t!("start.no-window"))
}

/// Tells why a program ends before it began.
pub fn fail(code: &str, text: &str) -> ExitCode {
    Output::standard(who_reads()).error(code, text);
    ExitCode::FAILURE
}

/// Says one sentence to a person at a terminal; answers go to nobody else.
pub fn say(text: &str) {
    Output::standard(who_reads()).news(text);
}

fn try_start(data_dir: Option<PathBuf>, args: ConsoleArgs) -> Result<bool, NotStarted> {
    let readers = who_reads();
    let has_prompt = readers == Readers::People && args.commands.is_empty();
    logging::start(if has_prompt { logging::Default::Silent } else { logging::Default::Errors });

    let of_settings = |why: settings_file::SettingsError| ("settings", texts::of_settings_error(&why));
    // A data folder of its own keeps everything below it.
    let download_folder = if data_dir.is_none() { settings_file::system_download_folder() } else { None };
    let data_dir = settings_file::data_dir(data_dir).map_err(of_settings)?;
    let loaded = settings_file::load(&data_dir).map_err(of_settings)?;
    texts::use_language(&loaded.settings.language);
    let mut output = Output::standard(readers);
    if let Some(aside) = &loaded.set_aside {
        let (path, why) = (Shown(&aside.path.to_string_lossy()).to_string(), Shown(&aside.why).to_string());
        output.warning(&t!("start.set-aside", path = path, why = why));
    }
    let settings = with_arguments(&loaded.settings, &args);
    let system = |what: &'static str| move |why: io::Error| ("internal", format!("{what}: {why}"));
    let cwd = std::env::current_dir().map_err(system("current folder"))?;
    let interrupts = signals::listen(has_prompt).map_err(system("signals"))?;

    let setup = Setup {
        data_dir: data_dir.clone(),
        settings: settings.clone(),
        download_folder,
        host_tracker: args.host_tracker,
    };
    let has_tracker = args.host_tracker.is_some() || !settings.tracker.is_empty();
    // The console waits on the channel itself.
    let node = Node::start(setup, Arc::new(|| {})).map_err(|why| texts::of_start_error(&why))?;
    // Only now is it certain that the data folder is ours.
    if let Err(why) = settings_file::save(&data_dir, &loaded.settings, &settings) {
        output.warning(&texts::of_settings_error(&why));
    }

    let options = Options {
        cwd: cwd.clone(),
        tracker_wait: if has_tracker { TRACKER_WAIT_MAX } else { std::time::Duration::ZERO },
        keep_sharing: args.keep_sharing,
    };
    let ran = if has_prompt {
        prompt::start(&data_dir, cwd).map(|prompt| {
            let output = output.with_prompt(prompt.above_prompt);
            let all_succeeded = Session::new(&node, output, interrupts, prompt.completions, options).run(&prompt.input);
            drop(prompt.input);
            prompt.thread.stop();
            all_succeeded
        })
    } else {
        let input = if args.commands.is_empty() { Input::of_stdin() } else { Ok(Input::of_commands(args.commands)) };
        input.map(|input| Session::new(&node, output, interrupts, Completions::default(), options).run(&input))
    };
    node.stop();
    ran.map_err(system("input"))
}

/// People sit at both ends, or programs read.
fn who_reads() -> Readers {
    if io::stdin().is_terminal() && io::stdout().is_terminal() { Readers::People } else { Readers::Programs }
}

/// The settings as the arguments want them from now on. Without a name one is made, and kept.
fn with_arguments(settings: &Settings, args: &ConsoleArgs) -> Settings {
    let mut settings = settings.clone();
    if let Some(name) = &args.name {
        settings.name.clone_from(name);
    }
    if let Some(tracker) = &args.tracker {
        settings.tracker.clone_from(tracker);
    }
    if let Some(listen) = args.listen {
        settings.listen = listen.to_string();
    }
    if settings.name.is_empty() {
        settings.name = default_name(whoami::username().ok().as_deref());
    }
    settings
}

/// The system's name for the person as far as it can be a username, else `user-` and four digits.
pub(crate) fn default_name(system_name: Option<&str>) -> String {
    let name: String = system_name
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .skip_while(|c| !c.is_alphanumeric())
        .collect();
    match Username::new(&name) {
        // `root` and its like speak for the tracker.
        Ok(name) if !is_reserved(&name) => name.to_string(),
        Ok(_) | Err(_) => {
            let random = std::hash::RandomState::new().build_hasher().finish();
            format!("user-{:04x}", random & 0xffff)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_name_is_always_valid() {
        for (system, name) in [
            (Some("anna"), Some("anna")),
            (Some("Мария Петрова"), Some("МарияПетрова")),
            (Some("_www"), Some("www")),
            (Some("DOMAIN\\ivan"), Some("DOMAINivan")),
            (Some("аnna"), None),
            (Some("😀"), None),
            (Some("root"), None),
            (Some(""), None),
            (None, None),
        ] {
            let made = default_name(system);
            assert!(Username::new(&made).is_ok(), "{made}");
            match name {
                Some(name) => assert_eq!(made, name),
                None => assert!(made.starts_with("user-") && made.len() == 9, "{made}"),
            }
        }
    }

    #[test]
    fn arguments_are_remembered() {
        let before = Settings { name: "anna".into(), tracker: "old:1".into(), ..Settings::default() };
        assert_eq!(with_arguments(&before, &ConsoleArgs::default()), before);
        let args = ConsoleArgs {
            name: Some("eva".into()),
            tracker: Some("new:2".into()),
            listen: Some("127.0.0.1:0".parse().expect("address")),
            ..ConsoleArgs::default()
        };
        let after = with_arguments(&before, &args);
        let expected = Settings { name: "eva".into(), tracker: "new:2".into(), listen: "127.0.0.1:0".into(), ..before };
        assert_eq!(after, expected);
        assert!(!with_arguments(&Settings::default(), &ConsoleArgs::default()).name.is_empty());
    }
}
