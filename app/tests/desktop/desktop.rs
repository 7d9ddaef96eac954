//! A desktop of its own: X server, window manager, session bus with the portal for file dialogs, clipboard. Everything is
//! started here and ended by process id.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use potok_tests::program::PATIENCE;

use crate::window::Window;

/// How often something is looked at that tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A dialog that is still open by then has missed a key.
const DIALOG_PATIENCE: Duration = Duration::from_secs(3);

/// Waits until it holds; fails if it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    assert!(within(PATIENCE, &mut holds), "in vain: {what}");
}

fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

/// A process that does not outlive the test.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The desktop. Programs on it see no other bus, home or clipboard.
pub(crate) struct Desktop {
    environment: Vec<(&'static str, String)>,
    // Ended in this order: the bus takes the portal with it, then the server everything that is still drawn.
    _bus: Own,
    _window_manager: Own,
    _server: Own,
    dir: tempfile::TempDir,
}

impl Desktop {
    pub(crate) fn start() -> Self {
        for (tool, package) in [
            ("Xvfb", "xvfb"),
            ("openbox", "openbox"),
            ("xdotool", "xdotool"),
            ("xclip", "xclip"),
            ("dbus-daemon", "dbus"),
        ] {
            let is_there = std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).exists()));
            assert!(is_there, "{tool} is missing: apt-get install {package}");
        }
        let portal = "/usr/share/dbus-1/services/org.freedesktop.impl.portal.desktop.gtk.service";
        assert!(
            Path::new(portal).exists(),
            "no file dialogs: apt-get install xdg-desktop-portal xdg-desktop-portal-gtk"
        );

        let dir = tempfile::tempdir().expect("folder");
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let (server, display) = start_and_read(&mut server);
        let home = dir.path().to_str().expect("UTF-8").to_owned();
        let mut environment = vec![
            ("DISPLAY", format!(":{display}")),
            ("HOME", home.clone()),
            ("XDG_RUNTIME_DIR", home.clone()),
            ("XDG_CONFIG_HOME", home.clone()),
            ("XDG_DATA_HOME", home.clone()),
            ("XDG_CACHE_HOME", home),
            ("XDG_CURRENT_DESKTOP", "GNOME".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("GSETTINGS_BACKEND", "memory".to_owned()),
            ("NO_AT_BRIDGE", "1".to_owned()),
        ];
        let window_manager = start_quietly(Command::new("openbox").envs(environment.clone()));
        // What the bus starts has the environment of the bus.
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--print-address=1"]).envs(environment.clone());
        let (bus, address) = start_and_read(&mut bus);
        environment.push(("DBUS_SESSION_BUS_ADDRESS", address));
        Self { environment, _bus: bus, _window_manager: window_manager, _server: server, dir }
    }

    /// A new folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).expect("folder");
        path
    }

    /// What was copied last.
    pub(crate) fn clipboard(&self) -> String {
        self.output("xclip", &["-o", "-selection", "clipboard"])
    }

    /// Chooses `path` in the dialog of this title, as a person who pastes it would.
    pub(crate) fn answer_dialog(&self, title: &str, path: &Path, is_open_dialog: bool) {
        let name = format!("^{title}$");
        let find =
            || self.output("xdotool", &["search", "--onlyvisible", "--name", &name]).lines().next().map(str::to_owned);
        let mut dialog = None;
        until(&format!("the dialog {title:?} opens"), || {
            dialog = find();
            dialog.is_some()
        });
        let dialog = dialog.expect("just found");
        // Foreground, without a fork: it ends with this scope.
        let mut copy = Command::new("xclip");
        copy.args(["-quiet", "-selection", "clipboard"]).envs(self.environment.clone());
        let mut copy =
            Own(copy.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("xclip"));
        let mut stdin = copy.0.stdin.take().expect("piped");
        stdin.write_all(path.as_os_str().as_encoded_bytes()).expect("xclip reads");
        drop(stdin);
        until("the path is on the clipboard", || Path::new(&self.clipboard()) == path);
        // A dialog is drawn before it takes keys, and does not tell when: it is typed into until it closes.
        let mut keys = vec!["key", "--delay", "60"];
        if is_open_dialog {
            keys.push("ctrl+l");
        }
        keys.extend(["ctrl+a", "ctrl+v", "Return"]);
        until(&format!("the dialog {title:?} closes"), || {
            self.output("xdotool", &["windowactivate", "--sync", &dialog]);
            self.output("xdotool", &keys);
            within(DIALOG_PATIENCE, || find().is_none())
        });
    }

    /// The standard output of a tool; empty if it fails.
    fn output(&self, tool: &str, args: &[&str]) -> String {
        let mut command = Command::new("timeout");
        command.arg("5").arg(tool).args(args).envs(self.environment.clone()).stderr(Stdio::null());
        String::from_utf8_lossy(&command.output().expect("it starts").stdout).trim_end().to_owned()
    }
}

/// A built program with its window, which can be driven by its labels.
pub(crate) struct Potok {
    pub(crate) window: Window,
    process: Own,
}

impl Potok {
    /// Starts it on the data folder of this name, with these lines added to new settings.
    pub(crate) fn start(desktop: &Desktop, name: &str, settings: &str) -> Self {
        let data = desktop.folder(name);
        let config = data.join("config.toml");
        if !config.exists() {
            let text = format!("name = \"{name}\"\nlanguage = \"en\"\nlisten = \"127.0.0.1:0\"\n{settings}");
            fs::write(config, text).expect("written");
        }
        // Free now; whoever takes it before the program does would have to be very quick.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_potok"));
        command.arg("--data-dir").arg(&data).envs(desktop.environment.clone());
        command.env("EGUI_INSPECTION", format!("127.0.0.1:{port}")).stdin(Stdio::null());
        let mut process = Own(command.spawn().expect("it starts"));
        let window = Window::connect(port, || process.0.try_wait().expect("started").is_none());
        Self { window, process }
    }

    /// Types a line on the console page.
    pub(crate) fn console(&mut self, line: &str) {
        self.window.click("Console");
        self.window.type_over("Command", line);
        self.window.press_enter();
    }

    /// The power cut of a program.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().expect("it runs");
        self.process.0.wait().expect("it ends");
    }

    /// Ends it as a person does, and insists that it goes well.
    pub(crate) fn close(mut self) {
        self.window.quit();
        let mut status = None;
        until("the window closes", || {
            status = self.process.0.try_wait().expect("started");
            if status.is_none() {
                // Who hosts a network is asked.
                self.window.click_if_there("Quit");
            }
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }
}

fn start_quietly(command: &mut Command) -> Own {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Own(command.spawn().expect("it starts"))
}

/// Starts a server that says on one line where it is to be found.
fn start_and_read(command: &mut Command) -> (Own, String) {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut line = String::new();
    let said = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
    assert!(said.is_ok_and(|bytes| bytes > 0), "a server did not start");
    (Own(child), line.trim().to_owned())
}
