//! What is done instead of running a tracker: `check`, `status`, `export` and `import`.
//!
//! A running tracker is asked over a socket in its data folder: it is there without any configuration, takes no port, and
//! opens for whoever may read the folder's secrets anyhow.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::args::Task;
use crate::config::{self, ConfigError};
use crate::{Failure, backup, observing, open_store};

/// Carries it out. The exit status of `check` is 2 if something is wrong.
pub(crate) fn carry_out(task: &Task, dir: &Path, config: Option<&Path>) -> Result<ExitCode, Failure> {
    match task {
        Task::Check => check(&config.map_or_else(|| dir.join("config.toml"), Path::to_owned)),
        Task::Status => say(&ask(dir, "/status")?),
        Task::Export { .. } | Task::Import { .. } if is_in_cluster(dir, config) => Err(Failure::InCluster),
        Task::Export { file } => export(dir, file),
        Task::Import { file } => import(dir, file),
        #[cfg(windows)]
        Task::Service(task) => crate::service::carry_out(*task, dir, config),
    }
}

/// Whether what this tracker remembers is elsewhere, as its configuration says.
fn is_in_cluster(dir: &Path, config: Option<&Path>) -> bool {
    let file = config.map_or_else(|| dir.join("config.toml"), Path::to_owned);
    config::load(&file).is_ok_and(|settings| !settings.cluster.is_empty())
}

fn check(file: &Path) -> Result<ExitCode, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| Failure::Config(ConfigError::Io { path: file.to_owned(), source }))?;
    let mut mistakes = config::mistakes(&text);
    #[cfg(feature = "cluster")]
    if let (true, Ok(settings)) = (mistakes.is_empty(), config::load(file))
        && let Err(wrong) = crate::cluster::check_files(&settings)
    {
        mistakes.push(config::Mistake { line: config::line_of(&text, wrong.setting), what: wrong.to_string() });
    }
    if mistakes.is_empty() {
        return say(&format!("{} is right\n", file.display()));
    }
    let mut lines = String::new();
    for mistake in &mistakes {
        let line = mistake.line.map_or(String::new(), |line| format!(":{line}"));
        lines += &format!("{}{line}: {}\n", file.display(), mistake.what);
    }
    let _nobody_reads = io::stderr().write_all(lines.as_bytes());
    Ok(ExitCode::from(2))
}

fn export(dir: &Path, file: &Path) -> Result<ExitCode, Failure> {
    let text = match open_store(dir) {
        Ok(store) => backup::export(&store)?,
        // It runs: it knows everything, and tells its owner.
        Err(Failure::InUse(_)) => ask(dir, "/export")?,
        Err(other) => return Err(other),
    };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::FileIsThere(file.display().to_string()),
        _ => Failure::File { path: file.display().to_string(), source },
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file).map_err(failed)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

fn import(dir: &Path, file: &Path) -> Result<ExitCode, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|source| Failure::File { path: file.display().to_string(), source })?;
    potok_core::disk::private::create_dir(dir)
        .map_err(|source| Failure::DataDir { path: dir.display().to_string(), source })?;
    let taken = backup::import(&*open_store(dir)?, &text)?;
    let mut text = format!("taken: {} names, {} bans, {} invites\n", taken.names, taken.bans, taken.invites);
    for (there, here) in taken.renumbered {
        text += &format!("invite {there} of the backup is number {here} here: another invite has or had its number\n");
    }
    say(&text)
}

/// Asks the tracker that runs on a data folder.
fn ask(dir: &Path, what: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(observing::ask_owner(dir, what)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::NotRunning(dir.display().to_string()),
        _ => Failure::System(error),
    })
}

pub(crate) fn say(text: &str) -> Result<ExitCode, Failure> {
    let mut out = io::stdout();
    let _nobody_reads = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(ExitCode::SUCCESS)
}
