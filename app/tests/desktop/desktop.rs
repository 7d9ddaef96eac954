//! A desktop of its own: a display with its clipboard, a session bus with the portal for file dialogs. Everything is
//! started here and ended by process id.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::display::Display;
use crate::process::{self, Environment, Own, start_and_read, until, within};
use crate::room::Computer;
use crate::wayland::Wayland;
use crate::window::Window;
use crate::x11::X11;

/// A dialog that is still open by then has missed a key.
const DIALOG_PATIENCE: Duration = Duration::from_secs(3);

/// The desktop. Programs on it see no other bus, home or clipboard.
pub(crate) struct Desktop {
    environment: Environment,
    // Ended in this order: the bus takes the portal with it, then the display everything that is still drawn.
    _bus: Own,
    display: Box<dyn Display>,
    dir: tempfile::TempDir,
}

impl Desktop {
    /// One with an X server and a window manager.
    pub(crate) fn x11() -> Self {
        Self::start(|dir, environment| Box::new(X11::start(dir, environment)))
    }

    /// One with a Wayland compositor, and without an X server beside it.
    pub(crate) fn wayland() -> Self {
        Self::start(|dir, environment| Box::new(Wayland::start(dir, environment)))
    }

    fn start(display: impl FnOnce(&Path, &mut Environment) -> Box<dyn Display>) -> Self {
        process::need("dbus-daemon", "dbus");
        let portal = "/usr/share/dbus-1/services/org.freedesktop.impl.portal.desktop.gtk.service";
        assert!(
            Path::new(portal).exists(),
            "no file dialogs: apt-get install xdg-desktop-portal xdg-desktop-portal-gtk"
        );

        let dir = tempfile::tempdir().expect("folder");
        let home = dir.path().to_str().expect("UTF-8").to_owned();
        let mut environment = vec![
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
        let display = display(dir.path(), &mut environment);
        // What the bus starts has the environment of the bus.
        let mut bus = process::only_in(&environment, "dbus-daemon");
        // By a name in the file system also those come who are in another network namespace.
        let at = format!("--address=unix:path={}", dir.path().join("bus").display());
        bus.args(["--session", "--nofork", "--print-address=1", &at]);
        let (bus, address) = start_and_read(&mut bus);
        environment.push(("DBUS_SESSION_BUS_ADDRESS", address));
        Self { environment, _bus: bus, display, dir }
    }

    /// A program that sees this desktop and no other.
    pub(crate) fn command(&self, program: &str) -> Command {
        process::only_in(&self.environment, program)
    }

    /// A new folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).expect("folder");
        path
    }

    /// What was copied last.
    pub(crate) fn clipboard(&self) -> String {
        self.display.clipboard()
    }

    /// Takes its window out of sight, as a person does who minimises it.
    pub(crate) fn hide(&self, potok: &Potok) {
        self.display.hide(potok.process.number());
    }

    /// Brings it back.
    pub(crate) fn show(&self, potok: &Potok) {
        self.display.show(potok.process.number());
    }

    /// Chooses `path` in the dialog of this title, as a person who pastes it would.
    pub(crate) fn answer_dialog(&self, title: &str, path: &Path, is_open_dialog: bool) {
        let dialog = self.dialog(title);
        // It offers what was copied as long as it lives.
        let _copied = self.display.copy(path.to_str().expect("UTF-8"));
        until("the path is on the clipboard", || Path::new(&self.clipboard()) == path);
        // A dialog is drawn before it takes keys, and does not tell when: it is typed into until it closes.
        let mut keys = if is_open_dialog { vec!["ctrl+l"] } else { Vec::new() };
        keys.extend(["ctrl+a", "ctrl+v", "Return"]);
        until(&format!("the dialog {title:?} closes"), || {
            self.display.type_into(&dialog, &keys);
            within(DIALOG_PATIENCE, || self.display.find(title).is_none())
        });
    }

    /// Closes the dialog of this title, once it is open, and chooses nothing.
    pub(crate) fn cancel_dialog(&self, title: &str) {
        let dialog = self.dialog(title);
        until(&format!("the dialog {title:?} closes"), || {
            self.display.close(&dialog);
            within(DIALOG_PATIENCE, || self.display.find(title).is_none())
        });
    }

    fn dialog(&self, title: &str) -> String {
        let mut dialog = None;
        until(&format!("the dialog {title:?} opens"), || {
            dialog = self.display.find(title);
            dialog.is_some()
        });
        dialog.expect("just found")
    }
}

/// A built program with its window, which can be driven by its labels.
pub(crate) struct Potok {
    pub(crate) window: Window,
    process: Own,
    data: PathBuf,
}

impl Potok {
    /// Starts it on the data folder of this name, with these lines added to new settings.
    pub(crate) fn start(desktop: &Desktop, name: &str, settings: &str) -> Self {
        Self::start_on(None, desktop, name, settings)
    }

    /// The same on another computer than the test's.
    pub(crate) fn start_on(computer: Option<&Computer>, desktop: &Desktop, name: &str, settings: &str) -> Self {
        let data = desktop.folder(name);
        let config = data.join("config.toml");
        if !config.exists() {
            let listen = if settings.contains("listen") { "" } else { "listen = \"127.0.0.1:0\"\n" };
            let text = format!("name = \"{name}\"\nlanguage = \"en\"\n{listen}{settings}");
            fs::write(config, text).expect("written");
        }
        // Free now; whoever takes it before the program does would have to be very quick.
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let at = computer.map_or_else(free, Computer::inspected_at);
        let mut command = desktop.command(env!("CARGO_BIN_EXE_potok"));
        command.arg("--data-dir").arg(&data);
        command.env("EGUI_INSPECTION", at.to_string());
        let mut command = match computer {
            Some(computer) => computer.runs(&command),
            None => command,
        };
        let mut process = Own::start(command.stdin(Stdio::null()));
        let window = Window::connect(at, || process.is_running());
        Self { window, process, data }
    }

    /// Hands it a file, as the menu of a file manager does.
    pub(crate) fn hand(&self, desktop: &Desktop, file: &Path) {
        let mut command = desktop.command(env!("CARGO_BIN_EXE_potok"));
        let status = command.arg("--data-dir").arg(&self.data).arg("--share").arg(file).status().expect("it starts");
        assert!(status.success(), "{status:?}");
    }

    /// Types a line on the console page.
    pub(crate) fn console(&mut self, line: &str) {
        self.window.click("Console");
        self.window.type_over("Command", line);
        self.window.press_enter();
    }

    /// The power cut of a program.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }

    /// Ends it as a person does, and insists that it goes well.
    pub(crate) fn close(mut self) {
        self.window.quit();
        let mut status = None;
        until("the window closes", || {
            status = self.process.status();
            if status.is_none() {
                // Who hosts a network is asked.
                self.window.click_if_there("Quit");
            }
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }
}
