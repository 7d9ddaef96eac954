//! The built program from outside: arguments, exit status, and what goes to which stream.

use std::process::{Command, Output, Stdio};

fn potok(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potok"));
    command.args(args).env("LC_ALL", "C").env("LANGUAGE", "C").stdin(Stdio::null());
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn help_and_version_succeed() {
    for (args, contains) in [
        (&["--help"][..], "console"),
        (&["console", "--help"], "--keep-sharing"),
        (&["--version"], concat!("potok ", env!("CARGO_PKG_VERSION"))),
    ] {
        let ran = potok(args);
        assert_eq!(ran.status.code(), Some(0), "{args:?}");
        assert!(text(&ran.stdout).contains(contains), "{args:?}: {}", text(&ran.stdout));
        assert!(ran.stderr.is_empty(), "{args:?}");
    }
    assert!(!text(&potok(&["--help"]).stdout).contains("generate-docs"));
}

#[test]
fn wrong_arguments_are_status_2() {
    for args in [
        &["--nonsense"][..],
        &["nonsense"],
        &["console", "--listen", "7301"],
        &["console", "--name", "two words"],
        &["console", "--tracker", "http://h"],
        &["console", "extra"],
    ] {
        let ran = potok(args);
        assert_eq!(ran.status.code(), Some(2), "{args:?}");
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn help_follows_the_language_of_the_system() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potok"));
    for other in ["LANGUAGE", "LC_ALL", "LC_MESSAGES"] {
        command.env_remove(other);
    }
    let ran = command.arg("--help").env("LANG", "bg_BG.UTF-8").output().expect("the program runs");
    if cfg!(all(unix, not(target_vendor = "apple"))) {
        assert!(text(&ran.stdout).contains("Споделяй файлове"), "{}", text(&ran.stdout));
    }
}

#[test]
fn a_data_folder_that_cannot_be_is_an_error_in_one_line() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let ran = potok(&["console", "--data-dir", file.to_str().expect("text"), "-c", "whoami"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).starts_with("error: settings: "), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stderr).lines().count(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_display_one_sentence_says_so() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (display, language, contains) in [
        (None, "en", "there is no desktop here"),
        (Some(":4321"), "en", "the display ':4321' does not answer"),
        (None, "bg", "тук няма графична среда"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_potok"));
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(name);
        }
        std::fs::write(folder.path().join("config.toml"), format!("language = {language:?}\n")).expect("written");
        command.args(["--data-dir", folder.path().to_str().expect("text")]).stdin(Stdio::null());
        let ran = command.envs(display.map(|display| ("DISPLAY", display))).output().expect("the program runs");
        assert_eq!(ran.status.code(), Some(1));
        let said = text(&ran.stderr);
        assert!(said.starts_with("error: no-window: ") && said.contains(contains), "{said}");
        assert!(said.lines().count() == 1 && !said.contains(".rs") && !said.contains("winit"), "{said}");
    }
}
