//! *Try it alone*: a friend in this very process, with a few made-up files, on loopback.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use potok_core::model::invite::Invite;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};
use rust_i18n::t;

use crate::texts;

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
        let name = t!("sample.folder").into_owned();
        write_samples(&folder.path().join(&name)).map_err(text)?;
        let settings = Settings {
            name: t!("sample.friend").parse().ok(),
            tracker: Some(invite.clone().into()),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ..Settings::default()
        };
        let setup = Setup {
            data_dir: folder.path().join("data"),
            settings,
            download_folder: None,
            host_tracker: None,
            metering: None,
        };
        let node = Node::start(setup, Arc::new(|| {})).map_err(|why| texts::of_start_error(&why).1)?;
        let share = ShareRequest { typed: name, cwd: folder.path().to_owned(), share_as: None };
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
    let poems = folder.join(&*t!("sample.poems"));
    fs::create_dir_all(&poems)?;
    let file = |name: &str, ending: &str| folder.join(format!("{name}.{ending}"));
    fs::write(file(&t!("sample.letter"), "txt"), format!("{}\n", t!("sample.letter-text")))?;
    fs::write(poems.join(format!("{}.txt", t!("sample.poem"))), format!("{}\n", t!("sample.poem-text")))?;
    fs::write(file(&t!("sample.picture"), "bmp"), gradient(1600, 1200))?;
    fs::write(file(&t!("sample.recording"), "wav"), vec![0x80; 24 << 20])
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

#[cfg(test)]
mod tests {
    use potok_core::model::share_path::SharePath;
    use potok_core::model::username::Username;

    use crate::texts::{LANGUAGES, try_text};

    #[test]
    fn the_friend_and_their_files_have_names_that_may_be() {
        for language in LANGUAGES {
            let text = |name| try_text(language, "sample", name, &[]).expect(name);
            assert!(Username::new(&text("friend")).is_ok(), "{language}");
            for name in ["folder", "letter", "poems", "poem", "picture", "recording"] {
                assert!(SharePath::new(&format!("{}.txt", text(name))).is_ok(), "{language}: {name}");
            }
        }
    }
}
