//! Programs that a test starts, which do not outlive it, and what is waited for.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use potok_tests::program::PATIENCE;

/// How often something is looked at that tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What programs on a desktop are told of it.
pub(crate) type Environment = Vec<(&'static str, String)>;

/// Waits until it holds; fails if it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    assert!(within(PATIENCE, &mut holds), "in vain: {what}");
}

/// Whether it holds before long.
pub(crate) fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

/// Fails if a tool is not installed, and says where it comes from.
pub(crate) fn need(tool: &str, package: &str) {
    let is_there =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).exists()));
    assert!(is_there, "{tool} is missing: apt-get install {package}");
}

/// A program that sees this desktop, and no other that may be there as well.
pub(crate) fn only_in(environment: &Environment, program: &str) -> Command {
    let mut command = Command::new(program);
    for other in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(other);
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// The standard output of a tool; empty if it fails or takes long.
pub(crate) fn output_of(environment: &Environment, tool: &str, args: &[&str]) -> String {
    let mut command = only_in(environment, "timeout");
    let output = command.arg("5").arg(tool).args(args).stderr(Stdio::null()).output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A process that does not outlive the test.
pub(crate) struct Own(Child);

impl Own {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("it starts"))
    }

    /// Starts it without a word.
    pub(crate) fn start_quietly(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.status().is_none()
    }

    /// Its process number.
    pub(crate) fn number(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it did.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("started")
    }

    /// Ends it at once, and waits for its end.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Its standard input, once.
    pub(crate) fn stdin(&mut self) -> std::process::ChildStdin {
        self.0.stdin.take().expect("piped")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server that says on one line where it is to be found.
pub(crate) fn start_and_read(command: &mut Command) -> (Own, String) {
    let mut server = Own::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut line = String::new();
    let said = BufReader::new(server.0.stdout.take().expect("piped")).read_line(&mut line);
    assert!(said.is_ok_and(|bytes| bytes > 0), "a server did not start");
    (server, line.trim().to_owned())
}
