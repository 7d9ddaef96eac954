//! The log: on standard error, silent unless something is wrong or `POTOK_LOG` asks for more (`POTOK_LOG=debug`).

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What `POTOK_LOG` sets when it is not there.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// Somebody edits a line at the terminal: nothing may be written into it.
    Silent,
    /// Faults of Potok itself.
    Errors,
}

/// Starts logging. A second call does nothing.
pub fn start(default: Default) {
    let level = match default {
        Default::Silent => LevelFilter::OFF,
        Default::Errors => LevelFilter::ERROR,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into()).with_env_var("POTOK_LOG").from_env_lossy();
    // The window and a test may both want to start it; whoever comes first decides.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
