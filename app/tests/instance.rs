//! One window a data folder: two processes, started as a person would. No display is needed, and none is used.
#![cfg(all(feature = "gui", target_os = "linux"))]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const POTOK: &str = env!("CARGO_BIN_EXE_potok");
const LINK: &str = "potok://127.0.0.1:7686/?key=cc892c02f64987b9c47ac971bf0dc5bab5788f63cff6529a185d06b7edccb441";
const PATIENCE: Duration = Duration::from_secs(60);

/// A window that cannot open: neither display nor bus.
fn potok(data_dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(POTOK);
    command
        .arg("--data-dir")
        .arg(data_dir)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("LANGUAGE", "en");
    command
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_start_hands_over_to_the_first() {
    let folder = tempfile::tempdir().expect("folder");
    let data_dir = folder.path().join("data");
    // In the background it waits for a tray before it wants a window.
    let first = potok(&data_dir, &["--background"]).spawn().expect("it starts");
    let since = Instant::now();
    while !data_dir.join("window.sock").exists() {
        assert!(since.elapsed() < PATIENCE, "the first never listens");
        std::thread::sleep(Duration::from_millis(10));
    }
    // A console is another program: it is told that the data folder is in use.
    let console = potok(&data_dir, &["console", "-c", "whoami"]).output().expect("runs");
    assert!(errors(&console).starts_with("error: in-use: "), "{}", errors(&console));

    // The first now wants its window, finds no display, says so and ends; the second hears that it got no answer.
    let second = potok(&data_dir, &[LINK]).output().expect("runs");
    assert!(errors(&second).starts_with("error: busy: "), "{}", errors(&second));
    let first = first.wait_with_output().expect("it ends");
    assert!(errors(&first).contains("error: no-window: "), "{}", errors(&first));
    assert_eq!(first.status.code(), Some(1));
    assert!(!data_dir.join("window.sock").exists(), "nothing is left behind");
}

#[test]
fn a_link_of_somebody_else_is_a_wrong_argument() {
    let folder = tempfile::tempdir().expect("folder");
    for bad in [
        &["http://example.org/"][..],
        &["file:///etc/passwd"],
        &["--link"],
        // As Windows would make of a link with a quotation mark in it.
        &["--", LINK, "--share", "/etc/passwd"],
        &[LINK, "--share", "/etc/passwd"],
        &[LINK, "console", "-c", "register /etc/passwd"],
    ] {
        let ran = potok(folder.path(), bad).output().expect("runs");
        assert_eq!(ran.status.code(), Some(2), "{bad:?}: {}", errors(&ran));
    }
    assert_eq!(folder.path().read_dir().expect("a folder").count(), 0, "nothing was begun");
}
