//! `potok console`: the client without a window. Here settings, engine, input and output are put together; the loop
//! that uses them is [`session`].

pub mod input;
pub mod prompt;
pub mod session;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use potok_core::model::metering::Metering;
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};
use rust_i18n::t;
use tokio::sync::watch;

use crate::args::{ConsoleArgs, ProxyChoice};
use crate::command_line::completion::Completions;
use crate::console::input::ConsoleInput;
use crate::console::session::{ConsoleSession, Options, TRACKER_WAIT_MAX};
use crate::render::output::{self, Audience, Output, who_reads};
use crate::{logging, settings_file, signals, texts};

/// Why the console did not start: the code, and the sentence.
type NotStarted = (&'static str, String);

/// Runs the console to its end.
pub fn start(data_dir: Option<PathBuf>, args: ConsoleArgs) -> ExitCode {
    match try_start(data_dir, args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err((code, text)) => output::fail(code, &text),
    }
}

fn try_start(data_dir: Option<PathBuf>, args: ConsoleArgs) -> Result<bool, NotStarted> {
    let audience = who_reads();
    let has_prompt = audience == Audience::People && args.commands.is_empty();
    logging::start(if has_prompt { logging::Default::Silent } else { logging::Default::Errors });

    let of_settings = |why: settings_file::SettingsError| ("settings", why.sentence());
    // A data folder of its own keeps everything below it.
    let download_folder = if data_dir.is_none() { settings_file::system_download_folder() } else { None };
    let data_dir = settings_file::data_dir(data_dir).map_err(of_settings)?;
    let loaded = settings_file::load(&data_dir).map_err(of_settings)?;
    texts::use_language(&loaded.settings.language);
    let mut output = Output::standard(audience);
    if let Some(aside) = &loaded.set_aside {
        output.warning(&aside.sentence());
    }
    let settings = with_arguments(&loaded.settings, &args);
    let no_folder = |why: io::Error| t!("start.current-folder", why = texts::of_io(&why)).into_owned();
    let no_signals = |why: io::Error| t!("start.signals", why = texts::of_io(&why)).into_owned();
    let cwd = std::env::current_dir().map_err(|why| ("internal", no_folder(why)))?;
    let interrupts = signals::listen(has_prompt).map_err(|why| ("internal", no_signals(why)))?;

    let setup = Setup {
        data_dir: data_dir.clone(),
        settings: settings.clone(),
        download_folder,
        host_tracker: args.host_tracker,
        metering: metering(),
    };
    let has_tracker = args.host_tracker.is_some() || settings.tracker.is_some();
    // The console waits on the channel itself.
    let node = Node::start(setup, Arc::new(|| {})).map_err(|why| texts::of_start_error(&why))?;
    // Only now is it certain that the data folder is ours.
    if let Err(why) = settings_file::save(&data_dir, &loaded.settings, &settings) {
        output.warning(&why.sentence());
    }

    let options = Options {
        cwd: cwd.clone(),
        tracker_wait: if has_tracker { TRACKER_WAIT_MAX } else { std::time::Duration::ZERO },
        keep_sharing: args.keep_sharing,
    };
    let ran = if has_prompt {
        prompt::start(&data_dir, cwd).map(|prompt| {
            let output = output.with_prompt(prompt.above_prompt);
            let all_succeeded =
                ConsoleSession::new(&node, output, interrupts, prompt.completions, options).run(&prompt.input);
            drop(prompt.input);
            prompt.thread.stop();
            all_succeeded
        })
    } else {
        let input = if args.commands.is_empty() {
            ConsoleInput::of_stdin()
        } else {
            Ok(ConsoleInput::of_commands(args.commands))
        };
        input.map(|input| ConsoleSession::new(&node, output, interrupts, Completions::default(), options).run(&input))
    };
    node.stop();
    ran.map_err(|why| ("internal", t!("start.input", why = texts::of_io(&why)).into_owned()))
}

/// Whether the way to the Internet is metered.
#[cfg(feature = "gui")]
fn metering() -> Option<watch::Receiver<Metering>> {
    Some(crate::desktop::metering::watch())
}

/// Without what belongs to a desktop it is not known.
#[cfg(not(feature = "gui"))]
fn metering() -> Option<watch::Receiver<Metering>> {
    None
}

/// The settings as the arguments want them from now on. Without a name one is made, and kept.
fn with_arguments(settings: &Settings, args: &ConsoleArgs) -> Settings {
    let mut settings = settings.clone();
    if args.name.is_some() {
        settings.name.clone_from(&args.name);
    }
    if args.tracker.is_some() {
        settings.tracker.clone_from(&args.tracker);
    }
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    if let Some(ProxyChoice(proxy)) = &args.socks5 {
        settings.socks5.clone_from(proxy);
    }
    settings.name.get_or_insert_with(settings_file::default_name);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_remembered() {
        let name = |text: &str| Some(text.parse().expect("a name"));
        let tracker = |text: &str| Some(text.parse().expect("an address"));
        let listen = "127.0.0.1:0".parse().expect("an address");
        let before = Settings { name: name("anna"), tracker: tracker("old:1"), ..Settings::default() };
        assert_eq!(with_arguments(&before, &ConsoleArgs::default()), before);
        let args = ConsoleArgs {
            name: name("eva"),
            tracker: tracker("new:2"),
            listen: Some(listen),
            ..ConsoleArgs::default()
        };
        let after = with_arguments(&before, &args);
        let expected = Settings { name: name("eva"), tracker: tracker("new:2"), listen, ..before };
        assert_eq!(after, expected);
        assert!(with_arguments(&Settings::default(), &ConsoleArgs::default()).name.is_some());
    }
}
