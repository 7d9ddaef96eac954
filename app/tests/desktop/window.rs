//! A window driven from outside: found by what a screen reader would say, moved by the events a mouse would send.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use eframe::egui::accesskit::{Node, Role};
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2};
use egui_inspection::{PROTOCOL_VERSION, Request, Response, protocol, read_message, write_message};
use potok_tests::program::PATIENCE;

/// How often a window is asked while something is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// After this long a click is none of three in a row: twice the time that egui allows for a double one.
const CLICKS_APART: Duration = Duration::from_millis(700);

pub(crate) struct Window {
    stream: TcpStream,
    /// Clicks so far; a double one is one.
    clicks: u32,
}

impl Window {
    /// The window that is inspected here, once it is there.
    pub(crate) fn connect(at: SocketAddr, mut is_running: impl FnMut() -> bool) -> Self {
        let end = Instant::now() + PATIENCE;
        let mut stream = loop {
            match TcpStream::connect(at) {
                Ok(stream) => break stream,
                Err(why) => assert!(is_running() && Instant::now() < end, "no window: {why}"),
            }
            std::thread::sleep(LOOK_EVERY);
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let version = protocol::read_handshake(Read::by_ref(&mut stream)).expect("a window");
        assert_eq!(version, PROTOCOL_VERSION);
        Self { stream, clicks: 0 }
    }

    /// Waits for something whose label, value or text contains this.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.find(&format!("something with {text:?}"), |node| texts(node).any(|seen| seen.contains(text)));
    }

    /// Clicks what is called this, or what is in a row that begins with it.
    pub(crate) fn click(&mut self, label: &str) {
        let place = self.place_of(label);
        self.click_at(place, 1);
    }

    /// The same, twice in a moment.
    pub(crate) fn double_click(&mut self, label: &str) {
        let place = self.place_of(label);
        // So soon after another click it would be the second and third of three.
        std::thread::sleep(CLICKS_APART);
        self.click_at(place, 2);
    }

    /// How often something was clicked.
    pub(crate) fn clicks(&self) -> u32 {
        self.clicks
    }

    fn place_of(&mut self, label: &str) -> Pos2 {
        self.find(&format!("{label:?}, to be clicked"), |node| {
            let is_called = if node.role() == Role::Row {
                texts(node).any(|seen| seen.starts_with(label))
            } else {
                texts(node).any(|seen| seen == label)
            };
            is_called && node.role() != Role::Label && node.role() != Role::TextInput && !node.is_disabled()
        })
    }

    /// Replaces what stands in a field.
    pub(crate) fn type_over(&mut self, label: &str, text: &str) {
        let place = self.find(&format!("the field {label:?}"), |node| {
            node.role() == Role::TextInput && texts(node).any(|seen| seen == label) && !node.is_disabled()
        });
        self.click_at(place, 1);
        self.press(Key::A, Modifiers::COMMAND);
        self.send(vec![Event::Text(text.to_owned())]);
    }

    pub(crate) fn press_enter(&mut self) {
        self.press(Key::Enter, Modifiers::NONE);
    }

    /// Asks the window to close; it may be gone before it answers.
    pub(crate) fn quit(&mut self) {
        let events = vec![key(Key::Q, Modifiers::COMMAND, true)];
        let _ = write_message(&mut self.stream, &Request::ApplyEvents { events });
    }

    /// Clicks the button of this name if there is one now; the window may be gone meanwhile.
    pub(crate) fn click_if_there(&mut self, label: &str) {
        if write_message(&mut self.stream, &Request::GetTree).is_err() {
            return;
        }
        let Ok(Response::Tree { accesskit: Some(tree), .. }) = read_message(&mut self.stream) else { return };
        let is_it = |node: &&Node| node.role() == Role::Button && texts(node).any(|seen| seen == label);
        let Some(pos) = tree.nodes.iter().map(|(_, node)| node).find(is_it).and_then(middle) else { return };
        let button =
            |pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        for events in [vec![Event::PointerMoved(pos)], vec![button(true), button(false)]] {
            if write_message(&mut self.stream, &Request::ApplyEvents { events }).is_err()
                || read_message::<_, Response>(&mut self.stream).is_err()
            {
                return;
            }
        }
    }

    fn press(&mut self, pressed: Key, modifiers: Modifiers) {
        self.send(vec![key(pressed, modifiers, true)]);
        self.send(vec![key(pressed, modifiers, false)]);
    }

    fn click_at(&mut self, pos: Pos2, times: usize) {
        self.clicks += 1;
        let button =
            |pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        self.send(vec![Event::PointerMoved(pos)]);
        // In one frame: on a busy machine a button that is down for several may have been held, not clicked.
        self.send((0..times).flat_map(|_| [button(true), button(false)]).collect());
    }

    /// The middle of the first node that fits, waiting for it to come and to stand still.
    fn find(&mut self, what: &str, fits: impl Fn(&Node) -> bool) -> Pos2 {
        let end = Instant::now() + PATIENCE;
        let mut before = None;
        loop {
            let nodes = self.nodes();
            let place = nodes.iter().find(|node| fits(node)).and_then(middle);
            if let Some(place) = place.filter(|place| Some(*place) == before) {
                return place;
            }
            before = place;
            assert!(
                Instant::now() < end,
                "in vain: {what}; seen: {:#?}",
                nodes.iter().flat_map(texts).collect::<Vec<_>>()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn nodes(&mut self) -> Vec<Node> {
        match self.ask(&Request::GetTree) {
            Response::Tree { accesskit, .. } => {
                accesskit.map_or(Vec::new(), |tree| tree.nodes.into_iter().map(|(_, node)| node).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, events: Vec<Event>) {
        let answer = self.ask(&Request::ApplyEvents { events });
        assert!(matches!(answer, Response::Done), "{answer:?}");
    }

    fn ask(&mut self, request: &Request) -> Response {
        write_message(&mut self.stream, request).expect("the window listens");
        read_message(&mut self.stream).expect("the window answers")
    }
}

fn key(key: Key, modifiers: Modifiers, pressed: bool) -> Event {
    Event::Key { key, physical_key: None, pressed, repeat: false, modifiers }
}

fn texts(node: &Node) -> impl Iterator<Item = &str> {
    node.label().into_iter().chain(node.value())
}

#[expect(clippy::cast_possible_truncation, reason = "places in a window")]
fn middle(node: &Node) -> Option<Pos2> {
    let bounds = node.bounds()?;
    Some(pos2(((bounds.x0 + bounds.x1) / 2.0) as f32, ((bounds.y0 + bounds.y1) / 2.0) as f32))
}
