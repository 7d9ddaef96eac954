//! `potok`: arguments → what to run, and nothing else.

use std::process::ExitCode;

use potok_app::args::{Args, Mode};
use potok_app::{console, docs, texts};

fn main() -> ExitCode {
    texts::use_language("");
    // Each connection and each file under way takes a descriptor; what the system allows at first is often 256 or 1,024.
    let _limit = potok_core::net::descriptors::raise_limit();
    let args = Args::read();
    match args.mode {
        #[cfg(feature = "gui")]
        None => potok_app::gui::start::start(potok_app::gui::start::Start {
            data_dir: args.data_dir,
            purpose: potok_app::desktop::purpose::StartPurpose::of(args.link, &args.share),
            in_background: args.background,
        }),
        #[cfg(not(feature = "gui"))]
        None => potok_app::render::output::no_window(),
        Some(Mode::Console(console_args)) => console::start(args.data_dir, *console_args),
        Some(Mode::GenerateDocs { directory }) => docs::generate(&directory),
    }
}
