//! The built programs, started as a person would and always stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing in a test takes this long; what does has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program of this workspace beside the one that is tested. `cargo test --workspace` has built it; a test of one
/// package alone builds it here.
pub fn sibling(tested: &str, name: &str) -> PathBuf {
    let path = Path::new(tested).with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "--package", name]).status().expect("cargo runs");
        assert!(built.success() && path.exists(), "{name} could not be built");
    }
    path
}

#[derive(Debug)]
/// A running program whose standard output is read line by line. It is killed when dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Running {
    /// Starts a program with pipes on all three sides.
    pub fn start(program: impl AsRef<Path>, args: &[&str]) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
        let stdin = child.stdin.take();
        let lines = read_lines(child.stdout.take().expect("piped"));
        let errors = read_lines(child.stderr.take().expect("piped"));
        Self { child, stdin, lines, errors }
    }

    /// Types one line.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not closed yet");
        writeln!(stdin, "{line}").expect("the program reads");
        stdin.flush().expect("the program reads");
    }

    /// Ends standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next line of standard output.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|why| panic!("no line came: {why}; errors: {:?}", self.errors()))
    }

    /// Lines up to and with the first that begins like this.
    pub fn lines_until(&self, start: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.line());
            if seen.last().is_some_and(|line| line.starts_with(start)) {
                return seen;
            }
        }
    }

    /// The next line of standard error that begins like this.
    pub fn error_line(&self, start: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.errors.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with(start) => return line,
                Ok(_) => {}
                Err(why) => panic!("no error '{start}' came: {why}"),
            }
        }
    }

    /// What standard error has said that was not read yet.
    pub fn errors(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// Everything that it still says to both sides until its end.
    pub fn rest(&mut self) -> (Vec<String>, Vec<String>) {
        self.rest_within(PATIENCE)
    }

    /// The same of a program that has more to do.
    pub fn rest_within(&mut self, patience: Duration) -> (Vec<String>, Vec<String>) {
        self.close_stdin();
        self.wait_within(patience);
        let all = |lines: &Receiver<String>| {
            std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok()).collect::<Vec<String>>()
        };
        (all(&self.lines), all(&self.errors))
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it was started").is_none()
    }

    /// The most memory that it ever had at once, in bytes; `None` where the system does not say.
    pub fn peak_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// SIGKILL, the power cut of a program.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Sends it a signal by name, such as `HUP`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.child.id().to_string());
        assert!(Command::new("kill").args([&signal, &pid]).status().expect("kill runs").success());
    }

    /// Asks it to end, as its system does, and waits; the exit status.
    pub fn terminate(mut self) -> Option<i32> {
        self.ask_to_end();
        self.wait()
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    }

    /// Programs have no signals here: a console is told to end, and its end of input ends the rest.
    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        self.say("quit");
        self.close_stdin();
    }

    /// Waits for its end; the exit status.
    pub fn wait(&mut self) -> Option<i32> {
        self.wait_within(PATIENCE)
    }

    fn wait_within(&mut self, patience: Duration) -> Option<i32> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status.code();
            }
            assert!(Instant::now() < until, "the program does not end; errors: {:?}", self.errors());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (said, heard) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

/// Runs a program to its end.
pub fn run(program: impl AsRef<Path>, args: &[&str]) -> Output {
    let mut running = Running::start(&program, args);
    running.close_stdin();
    let status = running.wait();
    let collect = |lines: &Receiver<String>| {
        let mut text = String::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => text += &format!("{line}\n"),
                Err(RecvTimeoutError::Disconnected) => return text.into_bytes(),
                Err(RecvTimeoutError::Timeout) => panic!("a pipe was left open"),
            }
        }
    };
    let (stdout, stderr) = (collect(&running.lines), collect(&running.errors));
    Output { status: exit_status(status), stdout, stderr }
}

#[cfg(unix)]
fn exit_status(code: Option<i32>) -> std::process::ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(code.map_or(9, |code| code << 8))
}

#[cfg(windows)]
fn exit_status(code: Option<i32>) -> std::process::ExitStatus {
    std::os::windows::process::ExitStatusExt::from_raw(code.map_or(1, i32::cast_unsigned))
}
