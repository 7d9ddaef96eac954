//! The example `fetch` in a real network: a client that hosts the tracker and shares, and the example that joins it.
#![cfg(unix)]

#[path = "../examples/fetch.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program, of which `main` is not called here")]
mod example;

use std::net::SocketAddr;
use std::sync::Arc;

use potok_core::node::event::{NodeEvent, Outcome};
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};

fn outcome(node: &Node, intent: Intent) -> Outcome {
    let asked = node.ask(intent);
    let outcome = node.notices().iter().find_map(|event| match event {
        NodeEvent::Outcome { id, result } if id == asked => Some(result.expect("it can be done")),
        _ => None,
    });
    outcome.expect("every intent has an outcome")
}

#[test]
fn whoever_has_the_invite_lists_and_fetches() {
    let folder = tempfile::tempdir().expect("folder");
    let downloads = folder.path().join("downloads");
    std::fs::create_dir(&downloads).expect("folder");
    std::fs::write(folder.path().join("song.txt"), "la la").expect("file");
    let setup = Setup {
        data_dir: folder.path().join("data"),
        settings: Settings {
            name: "owner".parse().ok(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Settings::default()
        },
        download_folder: None,
        host_tracker: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        metering: None,
    };
    let owner = Node::start(setup, Arc::new(|| {})).expect("starts");
    let song = ShareRequest { typed: "song.txt".into(), cwd: folder.path().to_owned(), share_as: None };
    outcome(&owner, Intent::Share(vec![song]));
    let Outcome::Invite(invite) = outcome(&owner, Intent::Invite) else { panic!("no invite") };

    let fetched = example::fetch(&invite.to_string(), "owner", "song.txt", &downloads).expect("fetches");
    assert_eq!(fetched, downloads.join("song.txt"));
    assert_eq!(std::fs::read_to_string(fetched).expect("reads"), "la la");
    let missing = example::fetch(&invite.to_string(), "owner", "other.txt", &downloads).expect_err("not shared");
    assert!(missing.to_string().contains("other.txt"), "{missing}");
    owner.stop();
}
