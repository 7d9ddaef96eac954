//! *Try it alone*: a friend in this very process, with a few made-up files, on loopback.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use potok_core::model::invite::Invite;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};

use crate::texts;

/// What the friend is called.
const NAME: &str = "demo-friend";

/// The friend; gone with its files when dropped.
#[derive(Debug)]
pub struct Friend {
    node: Option<Node>,
    _folder: tempfile::TempDir,
}

impl Friend {
    /// Joins the tracker of this invite and shares sample files there.
    pub fn start(invite: &Invite) -> Result<Self, String> {
        let text = |why: io::Error| texts::of_io(&why);
        let folder = tempfile::tempdir().map_err(text)?;
        let files = folder.path().join("Samples");
        write_samples(&files).map_err(text)?;
        let settings = Settings {
            name: NAME.parse().ok(),
            tracker: Some(invite.clone().into()),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..Settings::default()
        };
        let setup = Setup { data_dir: folder.path().join("data"), settings, download_folder: None, host_tracker: None };
        let node = Node::start(setup, Arc::new(|| {})).map_err(|why| texts::of_start_error(&why).1)?;
        let share = ShareRequest { typed: "Samples".into(), cwd: folder.path().to_owned(), share_as: None };
        node.ask(Intent::Share(vec![share]));
        Ok(Self { node: Some(node), _folder: folder })
    }
}

impl Drop for Friend {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

fn write_samples(folder: &std::path::Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("Стихове"))?;
    fs::write(folder.join("Read me first.txt"), "Hello! This file came from another computer - almost.\n")?;
    fs::write(folder.join("Стихове/Поток.txt"), "Тече, тече потокът ясен\nпрез камък, мъх и тишина.\n")?;
    fs::write(folder.join("Large picture.bmp"), gradient(1600, 1200))?;
    fs::write(folder.join("Long recording.wav"), vec![0x80; 24 << 20])
}

/// A picture without any library: 24 bits a point, from the bottom up.
fn gradient(width: u32, height: u32) -> Vec<u8> {
    let size = 54 + width * height * 3;
    let mut bmp = Vec::new();
    bmp.extend(b"BM");
    for value in [size, 0, 54, 40, width, height, 1 | 24 << 16, 0, width * height * 3, 2835, 2835, 0, 0] {
        bmp.extend(value.to_le_bytes());
    }
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap_or(u8::MAX);
    for y in 0..height {
        for x in 0..width {
            bmp.extend([200 - shade(y, height) / 2, shade(x, width) / 2 + 60, shade(y, height)]);
        }
    }
    bmp
}
