//! The engine as a library: joins a network by its invite, lists what is shared there, fetches one file, and leaves.
//!
//! `cargo run -p potok-core --example fetch -- INVITE OWNER PATH FOLDER`
#![allow(clippy::print_stdout, reason = "it prints what it finds")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use potok_core::library::typed::RemotePath;
use potok_core::node::event::NodeEvent;
use potok_core::node::intent::{DownloadRequest, Existing, Intent, UnsafeNames};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [invite, owner, path, folder] = args.as_slice() else { return Err("INVITE OWNER PATH FOLDER".into()) };
    println!("{}", fetch(invite, owner, path, Path::new(folder))?.display());
    Ok(())
}

/// Fetches what `owner` shares as `path` into the folder, and says where it is now.
pub fn fetch(invite: &str, owner: &str, path: &str, folder: &Path) -> Result<PathBuf, Error> {
    // The identity is in there: a name belongs to the key that had it first, so the folder is kept.
    let data_dir = folder.join(".fetch");
    let settings = Settings { name: Some("visitor".parse()?), ..Settings::default() };
    let setup =
        Setup { data_dir, settings, download_folder: Some(folder.to_owned()), host_tracker: None, metering: None };
    let (user, remote_path) = (owner.parse()?, RemotePath::new(path)?);
    let request = DownloadRequest {
        user,
        remote_path,
        local_path: None,
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::LeaveOut,
        wait: false,
    };
    // A window would be woken here; this thread waits for events itself.
    let node = Node::start(setup, Arc::new(|| {}))?;
    let fetched = ask(&node, Intent::Join(invite.parse()?))
        .and_then(|_| ask(&node, Intent::ListFiles { user: None }))
        .and_then(|_| ask(&node, Intent::Download(request)));
    node.stop();
    fetched?.ok_or_else(|| "nothing came".into())
}

/// Every intent has one outcome. A download goes on after its own: it has ended when the file is there or has failed.
fn ask(node: &Node, intent: Intent) -> Result<Option<PathBuf>, Error> {
    let is_download = matches!(intent, Intent::Download(_));
    let asked = node.ask(intent);
    for event in node.notices() {
        match event {
            NodeEvent::Outcome { id, result: Ok(_) } if id == asked && !is_download => return Ok(None),
            NodeEvent::Outcome { id, result: Err(failure) } if id == asked => return Err(failure.into()),
            NodeEvent::Files { files, .. } => files.iter().for_each(|file| println!("{} {}", file.username, file.path)),
            NodeEvent::Downloaded { local_path, .. } => return Ok(Some(local_path)),
            NodeEvent::FileFailed { failure, .. } => return Err(failure.into()),
            _ => {}
        }
    }
    Err("the client has stopped".into())
}
