//! A Wayland compositor in memory (sway), without an X server beside it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::display::Display;
use crate::process::{Environment, Own, need, only_in, output_of, until};

/// A compositor refuses to run as root; nobody is who may do nothing else.
const NOBODY: u32 = 65_534;

/// The compositor. Windows on it are driven by `swaymsg` and `wtype`.
pub(crate) struct Wayland {
    environment: Environment,
    socket: PathBuf,
    _keyboard: Own,
    _compositor: Own,
    _dir: tempfile::TempDir,
}

impl Wayland {
    /// Starts it and tells programs of it.
    pub(crate) fn start(dir: &Path, environment: &mut Environment) -> Self {
        for (tool, package) in
            [("sway", "sway"), ("wtype", "wtype"), ("wl-copy", "wl-clipboard"), ("setpriv", "util-linux")]
        {
            need(tool, package);
        }
        // A folder that the compositor may write to, whoever runs the test.
        let own = tempfile::tempdir_in(std::env::temp_dir()).expect("folder");
        fs::set_permissions(own.path(), fs::Permissions::from_mode(0o700)).expect("its owner's alone");
        let is_root = fs::metadata(dir).expect("a folder").uid() == 0;
        fs::write(own.path().join("config"), "output * resolution 1280x900\ndefault_border none\nxwayland disable\n")
            .expect("written");
        let mut compositor = if is_root {
            chown(own.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
            let mut as_nobody = Command::new("setpriv");
            as_nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "sway"]);
            as_nobody
        } else {
            Command::new("sway")
        };
        compositor.arg("--config").arg(own.path().join("config")).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        compositor.env("HOME", own.path()).env("XDG_RUNTIME_DIR", own.path());
        compositor.envs([("WLR_BACKENDS", "headless"), ("WLR_LIBINPUT_NO_DEVICES", "1"), ("WLR_RENDERER", "pixman")]);
        let compositor = Own::start_quietly(&mut compositor);

        let named = |begin: &str, end: &str| {
            let names = fs::read_dir(own.path())
                .expect("a folder")
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.filter(|name| name.starts_with(begin) && name.ends_with(end)).min()
        };
        let found = || named("wayland-", "").zip(named("sway-ipc.", ".sock"));
        until("the compositor starts: apt-get install sway", || found().is_some());
        let (display, socket) = found().expect("just seen");
        let display = own.path().join(display).to_str().expect("UTF-8").to_owned();
        environment.push(("WAYLAND_DISPLAY", display));
        // Without a keyboard nobody has the focus, and nobody may copy.
        let keyboard = Own::start_quietly(only_in(environment, "wtype").args(["-s", "100000000"]));
        Self {
            environment: environment.clone(),
            socket: own.path().join(socket),
            _keyboard: keyboard,
            _compositor: compositor,
            _dir: own,
        }
    }

    fn swaymsg(&self, words: &[&str]) -> String {
        let socket = self.socket.to_str().expect("UTF-8");
        output_of(&self.environment, "swaymsg", &[&["--socket", socket], words].concat())
    }
}

impl Display for Wayland {
    fn clipboard(&self) -> String {
        output_of(&self.environment, "wl-paste", &["--no-newline"])
    }

    fn copy(&self, text: &str) -> Own {
        let mut copy = only_in(&self.environment, "wl-copy");
        copy.arg("--foreground").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut copy = Own::start(&mut copy);
        copy.stdin().write_all(text.as_bytes()).expect("wl-copy reads");
        copy
    }

    fn find(&self, title: &str) -> Option<String> {
        let tree = self.swaymsg(&["--type", "get_tree", "--raw"]);
        tree.contains(&format!("\"name\": \"{title}\"")).then(|| format!("[title=\"^{title}$\"]"))
    }

    fn type_into(&self, window: &str, keys: &[&str]) {
        self.swaymsg(&[&format!("{window} focus")]);
        for key in keys {
            match key.split_once('+') {
                Some((modifier, key)) => {
                    output_of(&self.environment, "wtype", &["-M", modifier, key, "-m", modifier]);
                }
                None => {
                    output_of(&self.environment, "wtype", &["-k", key]);
                }
            }
        }
    }

    fn close(&self, window: &str) {
        self.swaymsg(&[&format!("{window} kill")]);
    }

    fn hide(&self, process: u32) {
        self.swaymsg(&[&format!("[pid={process}] move scratchpad")]);
    }

    fn show(&self, process: u32) {
        self.swaymsg(&[&format!("[pid={process}] scratchpad show")]);
    }
}
