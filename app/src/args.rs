//! The arguments of `potok`: one definition for parsing, `--help`, man pages and shell completions.
//!
//! A link may be a stranger's text. Where the system makes one command line of it (Windows), it comes after `--`, and here it
//! goes with nothing but the data folder: a link with a quotation mark in it must not become other arguments.
//!
//! A value that cannot be meant (a name with spaces, a port of 70000) is refused here, with exit status 2.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use potok_core::model::invite::TrackerAddress;
use potok_core::model::limits;
use potok_core::model::proxy::{BadProxy, ProxyAddress};
use potok_core::model::username::Username;
use rust_i18n::t;

/// Share files straight from your own computer.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "potok",
    version,
    propagate_version = true,
    about = t!("args.about").into_owned(),
    help_template = help_template(),
    subcommand_help_heading = t!("args.commands").into_owned(),
    next_help_heading = t!("args.options").into_owned(),
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Args {
    /// Where settings, identity and database are.
    #[arg(long, value_name = "DIR", global = true, display_order = 100, help = t!("args.data-dir").into_owned())]
    pub data_dir: Option<PathBuf>,
    /// `--help`, in the person's language.
    #[arg(long, short = 'h', global = true, display_order = 101, action = clap::ArgAction::Help, help = t!("args.help").into_owned())]
    pub help: Option<bool>,
    /// `--version`, in the person's language.
    #[arg(long, short = 'V', global = true, display_order = 102, action = clap::ArgAction::Version, help = t!("args.version").into_owned())]
    pub version: Option<bool>,
    /// An invite to ask about: the desktop opens `potok://` links with it. Parsed where it is asked about.
    #[arg(value_name = "LINK", value_parser = link, help = t!("args.link").into_owned())]
    pub link: Option<String>,
    /// Files and folders to share, as the file manager hands them over. The window asks first.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["link", "background"], help = t!("args.share").into_owned())]
    pub share: Vec<PathBuf>,
    /// Start in the tray, as at the start of the system.
    #[arg(long, hide = true, conflicts_with = "link", help = t!("args.background").into_owned())]
    pub background: bool,
    /// What to run; none: the window.
    #[command(subcommand)]
    pub mode: Option<Mode>,
}

/// What else than the window can be run.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Mode {
    /// The client without a window.
    #[command(
        about = t!("args.console").into_owned(),
        long_about = None,
        help_template = help_template(),
        next_help_heading = t!("args.options").into_owned()
    )]
    Console(Box<ConsoleArgs>),
    /// Man pages and shell completions, for packages.
    #[command(hide = true, about = t!("args.generate-docs").into_owned(), long_about = None)]
    GenerateDocs {
        /// The folder to write to.
        #[arg(value_name = "DIR", help = t!("args.generate-docs-dir").into_owned())]
        directory: PathBuf,
    },
}

/// The arguments of `potok console`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsoleArgs {
    /// My name from now on.
    #[arg(long, value_name = "NAME", value_parser = name, help = t!("args.name").into_owned())]
    pub name: Option<Username>,
    /// The tracker to join from now on.
    #[arg(long, value_name = "HOST:PORT|INVITE", value_parser = tracker, help = t!("args.tracker").into_owned())]
    pub tracker: Option<TrackerAddress>,
    /// Where peers reach me from now on.
    #[arg(long, value_name = "IP:PORT", help = t!("args.listen").into_owned())]
    pub listen: Option<SocketAddr>,
    /// Everything leaves through this SOCKS5 proxy from now on; `none`: directly.
    #[arg(long, value_name = "HOST:PORT|none", value_parser = socks5, help = t!("args.socks5").into_owned())]
    pub socks5: Option<ProxyChoice>,
    /// Run the embedded tracker at this address, and join it.
    #[arg(
        long,
        value_name = "IP:PORT",
        num_args = 0..=1,
        default_missing_value = HOST_TRACKER_DEFAULT,
        conflicts_with = "tracker",
        help = t!("args.host-tracker", address = HOST_TRACKER_DEFAULT).into_owned()
    )]
    pub host_tracker: Option<SocketAddr>,
    /// Serve on after the last command.
    #[arg(long, help = t!("args.keep-sharing").into_owned())]
    pub keep_sharing: bool,
    /// Commands to run instead of reading them from standard input.
    #[arg(short = 'c', long = "command", value_name = "COMMAND", help = t!("args.command").into_owned())]
    pub commands: Vec<String>,
}

impl Args {
    /// The arguments of this program; what cannot be meant ends it.
    pub fn read() -> Self {
        Self::read_from(std::env::args_os()).unwrap_or_else(|why| why.exit())
    }

    fn read_from(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args = Self::try_parse_from(words)?;
        if args.mode.is_some() && (args.link.is_some() || !args.share.is_empty() || args.background) {
            return Err(Self::command().error(ErrorKind::ArgumentConflict, t!("args.window-only")));
        }
        Ok(args)
    }
}

/// As clap writes it, with a heading that can be translated.
fn help_template() -> String {
    format!("{{about}}\n\n{} {{usage}}\n\n{{all-args}}\n", t!("args.usage"))
}

/// The embedded tracker listens here unless told otherwise: every address, [`limits::TRACKER_PORT`].
const HOST_TRACKER_DEFAULT: &str = "[::]:7686";
const _: () = assert!(limits::TRACKER_PORT == 7686);

fn name(text: &str) -> Result<Username, potok_core::model::username::BadUsername> {
    Username::new(text)
}

/// Any link with our scheme: what is wrong with it is said in the window, where a person sees it.
fn link(text: &str) -> Result<String, potok_core::model::invite::BadInvite> {
    use potok_core::model::invite::BadInvite;
    let is_ours = text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("potok:"));
    if is_ours { Ok(text.to_owned()) } else { Err(BadInvite::Link) }
}

/// A proxy, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyChoice(pub Option<ProxyAddress>);

fn socks5(text: &str) -> Result<ProxyChoice, BadProxy> {
    if text == "none" { Ok(ProxyChoice(None)) } else { text.parse().map(|proxy| ProxyChoice(Some(proxy))) }
}

fn tracker(text: &str) -> Result<TrackerAddress, potok_core::model::invite::BadInvite> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<Args, ErrorKind> {
        Args::read_from(["potok"].iter().chain(line).map(OsString::from)).map_err(|error| error.kind())
    }

    fn console(line: &[&str]) -> Result<(Option<PathBuf>, ConsoleArgs), ErrorKind> {
        let args = read(line)?;
        match args.mode {
            Some(Mode::Console(console)) => Ok((args.data_dir, *console)),
            other => panic!("not the console: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn reads_what_the_contract_lists() {
        let everything = [
            "console",
            "--data-dir",
            "d",
            "--name",
            "anna",
            "--tracker",
            "h:1",
            "--listen",
            "127.0.0.1:0",
            "--keep-sharing",
            "-c",
            "whoami",
            "-c",
            "list-users",
        ];
        let (data_dir, args) = console(&everything).expect("valid");
        assert_eq!(data_dir, Some("d".into()));
        assert_eq!(args.name.as_ref().map(Username::as_str), Some("anna"));
        assert_eq!(args.tracker.map(|tracker| tracker.to_string()).as_deref(), Some("h:1"));
        assert_eq!(args.listen, Some("127.0.0.1:0".parse().expect("address")));
        assert_eq!(args.commands, ["whoami", "list-users"]);
        assert!(args.keep_sharing && args.host_tracker.is_none());

        assert_eq!(console(&["--data-dir", "d", "console"]).expect("valid").0, Some("d".into()));
        for (line, address) in [
            (&["console", "--host-tracker"][..], "[::]:7686"),
            (&["console", "--host-tracker", "--keep-sharing"], "[::]:7686"),
            (&["console", "--host-tracker", "127.0.0.1:0"], "127.0.0.1:0"),
        ] {
            assert_eq!(console(line).expect("valid").1.host_tracker, Some(address.parse().expect("address")));
        }
        assert!(read(&[]).expect("the window").mode.is_none());
        for link in ["potok://h:1/?key=x", "POTOK:whatever it is"] {
            for line in [&["--data-dir", "d", link][..], &["--data-dir", "d", "--", link]] {
                let args = read(line).expect("the window");
                assert_eq!((args.link.as_deref(), args.mode.is_none()), (Some(link), true));
            }
        }
        let args = read(&["--share", "/a b", "c", "--data-dir", "d"]).expect("the window");
        assert_eq!((args.share, args.data_dir), (vec!["/a b".into(), "c".into()], Some("d".into())));
    }

    /// What Windows makes of a link with a quotation mark in it.
    #[test]
    fn a_link_brings_no_other_arguments() {
        for more in [
            &["--share", "C:\\Users"][..],
            &["--data-dir", "\\\\evil\\share"],
            &["--background"],
            &["console", "-c", "register C:\\Users"],
            &["generate-docs", "x"],
        ] {
            let as_installed = [&["--", "potok:x"], more].concat();
            assert!(read(&as_installed).is_err(), "{as_installed:?}");
        }
        for more in [&["--share", "C:\\Users"][..], &["--background"], &["console", "-c", "whoami"]] {
            let bare = [&["potok:x"], more].concat();
            assert_eq!(read(&bare).expect_err("two things at once"), ErrorKind::ArgumentConflict, "{bare:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for line in [
            &["console", "--name", "two words"][..],
            &["console", "--name", ""],
            &["console", "--tracker", "h:0"],
            &["console", "--tracker", "potok://h:1"],
            &["console", "--listen", "7301"],
            &["console", "--host-tracker", "here"],
            &["console", "--host-tracker", "--tracker", "h:1"],
            &["console", "list-users"],
            &["console", "-c"],
            &["consol"],
            &["http://h:1"],
            &["potok://h:1", "potok://h:2"],
            &["--nonsense"],
            &["--share"],
            &["--share", ""],
            &["--share", "a", "--background"],
        ] {
            assert!(read(line).is_err(), "{line:?}");
        }
    }
}
