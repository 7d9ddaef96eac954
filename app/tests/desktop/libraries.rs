//! A library that the window needs is not there: one sentence names it and its package, and nothing panics.

use std::fs;

use crate::desktop::Desktop;

/// What is hidden, what is named, and its package.
const HIDDEN: [(&[&str], &str, &str); 6] = [
    (&["libxkbcommon-x11.so.0", "libxkbcommon-x11.so"], "libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    (&["libxkbcommon.so.0", "libxkbcommon.so"], "libxkbcommon.so.0", "libxkbcommon0"),
    (&["libXcursor.so.1", "libXcursor.so"], "libXcursor.so.1", "libxcursor1"),
    (&["libXi.so.6", "libXi.so"], "libXi.so.6", "libxi6"),
    (&["libX11-xcb.so.1", "libX11-xcb.so"], "libX11-xcb.so.1", "libx11-xcb1"),
    (&["libGL.so.1", "libGL.so", "libEGL.so.1", "libEGL.so"], "OpenGL", "libgl1"),
];

#[test]
fn a_library_that_is_missing_is_named() {
    let desktop = Desktop::x11();
    for (files, named, package) in HIDDEN {
        // The system finds these first, and cannot load what is empty.
        let hides = desktop.folder(&format!("without {named}"));
        files.iter().for_each(|file| fs::write(hides.join(file), "").expect("written"));
        let data = desktop.folder(&format!("data without {named}"));
        fs::write(data.join("config.toml"), "language = \"en\"\ntray = false\n").expect("written");
        let mut command = desktop.command(env!("CARGO_BIN_EXE_potok"));
        command.arg("--data-dir").arg(&data).env("LD_LIBRARY_PATH", &hides);
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{named}: {said}");
        let sentence = said.trim_end();
        assert_eq!(sentence.lines().count(), 1, "{said}");
        assert!(sentence.starts_with("error: no-window: ") && !sentence.contains("panic"), "{said}");
        assert!(sentence.contains(named) && sentence.contains(package), "{said}");
    }
}
