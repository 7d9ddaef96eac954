//! The command line of `potok-tracker`. Manual page and shell completions are made of it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Potok's tracker alone, for a server
#[derive(Debug, Clone, Parser)]
#[command(name = "potok-tracker", version, about, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Task>,

    /// Where to listen; port 0 takes any free port [default: listen in the configuration, or port 7686 of every address]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,

    /// Where identity, names and configuration are kept [default: the system's own place for it]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,

    /// The configuration to use [default: config.toml in the data folder]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Carry the bytes of those who cannot reach each other, which this tracker cannot read [default: relay in the configuration]
    #[arg(long)]
    pub(crate) relay: bool,

    /// Print a configuration with every setting, its default and what it is for
    #[arg(long)]
    pub(crate) print_config: bool,

    /// Write the manual page and the completions of every shell into a folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) generate_docs: Option<PathBuf>,
}

/// What is done instead of running a tracker.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Task {
    /// Tell whether the configuration is right, and every mistake in it
    Check,
    /// Ask the tracker that runs on this data folder how it does
    Status,
    /// Write names, bans, invites and settings into a file; the tracker may run
    Export {
        /// Where to; it must not be there
        file: PathBuf,
    },
    /// Take names, bans, invites and settings from such a file; the tracker must not run
    Import {
        /// What `export` has written
        file: PathBuf,
    },
    /// Run the tracker from every start of Windows on, with nobody signed in
    #[cfg(windows)]
    #[command(subcommand)]
    Service(ServiceTask),
}

/// What the tracker has to do with the service manager of Windows.
#[cfg(windows)]
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ServiceTask {
    /// Install it and start it; needs an administrator
    Install,
    /// End it and remove it; its identity and names stay
    Uninstall,
    /// Be the service; the service manager runs this
    #[command(hide = true)]
    Run,
}

/// Writes `potok-tracker.1` and the completions of every shell into a folder, which is created.
pub(crate) fn generate_docs(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let command = Args::command();
    clap_mangen::generate_to(command.clone(), directory)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut command.clone(), "potok-tracker", directory)?;
    }
    Ok(())
}

const AFTER_HELP: &str = "\
The first line on standard output says where it listens, the second is the invite for others.
Logs go to standard error; RUST_LOG=debug says more. SIGINT or SIGTERM end it, SIGHUP has it read\nits configuration anew.
Exit status: 0 ended as told, 1 could not run, 2 wrong arguments or configuration.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Args::command().debug_assert();
        let args = Args::parse_from(["potok-tracker", "--listen", "127.0.0.1:0", "--data-dir", "x", "--relay"]);
        assert_eq!((args.listen, args.relay), (Some(SocketAddr::from(([127, 0, 0, 1], 0))), true));
        for wrong in [&["--listen", "7686"][..], &["--listen"], &["--nonsense"], &["stray"]] {
            assert!(Args::try_parse_from([&["potok-tracker"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }
}
