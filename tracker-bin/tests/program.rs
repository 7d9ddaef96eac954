//! `potok-tracker` as it was built.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use potok_core::model::invite::Invite;
use potok_tests::program::{Running, run};

const TRACKER: &str = env!("CARGO_BIN_EXE_potok-tracker");

fn start(dir: &str) -> (Running, String) {
    let running = Running::start(TRACKER, &["--listen", "127.0.0.1:0", "--data-dir", dir]);
    let first = running.line();
    let address = first.strip_prefix("listening on ").expect(&first).to_owned();
    (running, address)
}

/// Says something and reads the lines up to the answer.
fn ask(stream: &mut BufReader<TcpStream>, question: &str) -> String {
    writeln!(stream.get_mut(), "{question}").expect("written");
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("read");
        if !line.starts_with("* ") {
            return line.trim_end().to_owned();
        }
    }
}

#[test]
fn it_says_where_it_is_serves_and_ends_when_told() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let data = dir.path().join("data");
    let data = data.to_str().expect("text");
    let (running, address) = start(data);
    let invite: Invite = running.line().parse().expect("an invite");
    assert_eq!(invite.address.to_string(), address);

    let mut anna = BufReader::new(TcpStream::connect(&address).expect("connected"));
    assert_eq!(ask(&mut anna, "register-user anna 4001"), "OK 0");
    assert_eq!(ask(&mut anna, "list-users"), "OK 1");

    let second = run(TRACKER, &["--listen", "127.0.0.1:0", "--data-dir", data]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another potok-tracker uses the data folder"), "{said}");

    #[cfg(unix)]
    {
        let since = std::time::Instant::now();
        assert_eq!(running.terminate(), Some(0));
        assert!(since.elapsed() < std::time::Duration::from_secs(2));
        let (running, _) = start(data);
        let again: Invite = running.line().parse().expect("an invite");
        assert_eq!(again.key, invite.key, "a restart does not change who it is");
    }
}

#[test]
fn wrong_words_and_wrong_files_are_told_apart_from_failures() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let data = dir.path().to_str().expect("text");
    let config = dir.path().join("wrong.toml");
    std::fs::write(&config, "network_name = 7\n").expect("written");
    let config = config.to_str().expect("text");
    for (args, code) in [
        (&["--nonsense"][..], 2),
        (&["--listen", "somewhere"], 2),
        (&["--data-dir", data, "--config", "/nowhere/at/all.toml"], 2),
        (&["--data-dir", data, "--config", config], 2),
        (&["--data-dir", data, "--listen", "192.0.2.1:1"], 1),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["--print-config"], 0),
    ] {
        let output = run(TRACKER, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert_eq!(said.is_empty(), code == 0, "{args:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(config).expect("left alone"), "network_name = 7\n");
}
