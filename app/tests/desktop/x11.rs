//! An X server in memory, with a window manager.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::display::Display;
use crate::process::{Environment, Own, need, only_in, output_of, start_and_read};

/// The server. Windows on it are driven by `xdotool`.
pub(crate) struct X11 {
    environment: Environment,
    _window_manager: Own,
    _server: Own,
}

impl X11 {
    /// Starts it and tells programs of it.
    pub(crate) fn start(_dir: &Path, environment: &mut Environment) -> Self {
        for (tool, package) in [("Xvfb", "xvfb"), ("openbox", "openbox"), ("xdotool", "xdotool"), ("xclip", "xclip")] {
            need(tool, package);
        }
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let (server, display) = start_and_read(&mut server);
        environment.push(("DISPLAY", format!(":{display}")));
        let window_manager = Own::start_quietly(&mut only_in(environment, "openbox"));
        Self { environment: environment.clone(), _window_manager: window_manager, _server: server }
    }

    fn xdotool(&self, args: &[&str]) -> String {
        output_of(&self.environment, "xdotool", args)
    }

    fn window_of(&self, process: u32) -> String {
        let found = self.xdotool(&["search", "--pid", &process.to_string(), "--name", "Potok"]);
        found.lines().next().expect("its window").to_owned()
    }
}

impl Display for X11 {
    fn clipboard(&self) -> String {
        output_of(&self.environment, "xclip", &["-o", "-selection", "clipboard"])
    }

    fn copy(&self, text: &str) -> Own {
        // Foreground, without a fork: it ends with its owner.
        let mut copy = only_in(&self.environment, "xclip");
        copy.args(["-quiet", "-selection", "clipboard"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut copy = Own::start(copy.stderr(Stdio::null()));
        copy.stdin().write_all(text.as_bytes()).expect("xclip reads");
        copy
    }

    fn find(&self, title: &str) -> Option<String> {
        let found = self.xdotool(&["search", "--onlyvisible", "--name", &format!("^{title}$")]);
        found.lines().next().map(str::to_owned)
    }

    fn type_into(&self, window: &str, keys: &[&str]) {
        self.xdotool(&["windowactivate", "--sync", window]);
        self.xdotool(&[&["key", "--delay", "60"], keys].concat());
    }

    fn close(&self, window: &str) {
        self.xdotool(&["windowclose", window]);
    }

    fn hide(&self, process: u32) {
        self.xdotool(&["windowminimize", "--sync", &self.window_of(process)]);
    }

    fn show(&self, process: u32) {
        self.xdotool(&["windowactivate", "--sync", &self.window_of(process)]);
    }
}
