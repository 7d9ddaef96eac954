//! What is done with hostile bytes, gate by gate, and what must hold whatever they are. The ordinary test and the
//! fuzzer run the same functions.

#[path = "own_files.rs"]
mod own_files;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use potok_core::model::block_list::{BlockList, block_hash};
use potok_core::model::geometry::Geometry;
use potok_core::model::hash::ContentHash;
use potok_core::model::invite::{Invite, TrackerAddress};
use potok_core::model::key::PublicKey;
use potok_core::model::limits;
use potok_core::model::local_name::LocalName;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::{Shown, is_direction_control};
use potok_core::model::username::{Username, fold_case};
use potok_core::protocol::command::Command;
use potok_core::protocol::field::{self, Quoted};
use potok_core::protocol::head::Head;
use potok_core::protocol::line::{Flavor, Line, LineDecoder};
use potok_core::protocol::notice::Notice;
use potok_core::protocol::peer::{ANSWER_BYTES, Answer, REQUEST_BYTES, Request as PeerRequest};
use potok_core::protocol::reply::{FileLine, FolderEntry, Totals, UserLine, UserTotals};
use potok_core::tracker::effect::{Effect, Effects};
use potok_core::tracker::input::{Input, SessionId, SessionOpened, SessionRequest, Ticket};
use potok_core::tracker::machine::Tracker;
use potok_core::tracker::remembered::Remembered;
use potok_core::tracker::settings::TrackerSettings;

/// One thing to do with bytes. It panics if what must hold does not.
pub(crate) type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("line", line),
    ("fields", fields),
    ("command", command),
    ("reply", reply),
    ("share-path", share_path),
    ("username", username),
    ("shown", shown),
    ("invite", invite),
    ("peer-request", peer_request),
    ("peer-answer", peer_answer),
    ("block-list", block_list),
    ("tracker", tracker),
    ("config", own_files::config),
    ("tracker-config", own_files::tracker_config),
    ("identity", own_files::identity),
    ("store-rows", own_files::store_rows),
    ("store-file", own_files::store_file),
];

/// However a stream is cut into packets, its lines are the same, and each is short and clean.
pub(crate) fn line(data: &[u8]) {
    let Some((seed, data)) = data.split_first() else { return };
    let flavor = if seed & 1 == 0 { Flavor::Telnet } else { Flavor::Clean };
    let whole = lines_of(flavor, &[data]);
    let pieces: Vec<&[u8]> = data.chunks(usize::from(seed >> 1) % 7 + 1).collect();
    assert_eq!(whole, lines_of(flavor, &pieces), "cut into pieces");
    for line in whole {
        if let Line::Text(text) = &line {
            assert!(text.len() <= limits::LINE_BYTES_MAX && !text.chars().any(char::is_control), "{text:?}");
        }
        // It has a meaning, or a refusal that fits into one line.
        if let SessionRequest::Refused { refusal, .. } = SessionRequest::read(line) {
            assert!(!refusal.to_string().contains(['\n', '\r']), "{refusal}");
        }
    }
}

fn lines_of(flavor: Flavor, pieces: &[&[u8]]) -> Vec<Line> {
    let mut decoder = LineDecoder::new(flavor);
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        lines.extend(std::iter::from_fn(|| decoder.next_line()));
    }
    lines
}

/// What a field or item says comes back when it is quoted.
pub(crate) fn fields(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(all) = field::fields(text) {
        let again = all.iter().map(|field| Quoted(&field.text).to_string()).collect::<Vec<_>>().join(" ");
        let again = field::fields(&again).expect("quoted fields are fields");
        assert!(again.iter().map(|field| &field.text).eq(all.iter().map(|field| &field.text)), "{text:?}");
    }
    if let Ok(all) = field::items(text) {
        let again = all.iter().map(|item| Quoted(&item.text).to_string()).collect::<Vec<_>>().join(", ");
        let again = field::items(&again).expect("quoted items are items");
        assert!(again.iter().map(|item| &item.text).eq(all.iter().map(|item| &item.text)), "{text:?}");
    }
}

/// A command is written back as a line that means the same.
pub(crate) fn command(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.chars().any(char::is_control) {
        return;
    }
    if let Ok(command) = Command::parse(text) {
        let written = command.to_string();
        assert_eq!(Command::parse(&written).as_ref(), Ok(&command), "{text:?} became {written:?}");
    }
}

/// What a tracker says is understood or refused, and what is understood is written back the same.
pub(crate) fn reply(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(user) = UserLine::parse(text) {
        assert_eq!(UserLine::parse(&user.to_string()), Ok(user));
    }
    if let Ok(file) = FileLine::parse(text) {
        assert_eq!(FileLine::parse(&file.to_string()), Ok(file));
    }
    if let Ok(entry) = FolderEntry::parse(text) {
        assert_eq!(FolderEntry::parse(&entry.to_string()), Ok(entry));
    }
    if let Ok(totals) = Totals::parse(text) {
        assert_eq!(Totals::parse(&totals.to_string()), Ok(totals));
    }
    if let Ok(totals) = UserTotals::parse(text) {
        assert_eq!(UserTotals::parse(&totals.to_string()), Ok(totals));
    }
    if let Ok(Head::Notice(event)) = Head::parse(text)
        && event != Notice::Unknown
    {
        assert_eq!(Head::parse(&event.to_string()), Ok(Head::Notice(event)));
    }
}

/// A share path leads nowhere but below its root, on every system.
pub(crate) fn share_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _composed = SharePath::normalized(text);
    let Ok(path) = SharePath::new(text) else { return };
    assert!(path.as_str().len() <= limits::PATH_BYTES_MAX);
    for part in path.parts() {
        assert!(!matches!(part, "" | "." | "..") && !part.contains(char::is_control), "{text:?}");
    }
    let Ok(names) = LocalName::parts_of(&path) else { return };
    for name in names {
        let name = name.as_str();
        let is_special = |c: char| c.is_control() || is_direction_control(c) || c == '/';
        let is_reserved = |c: char| cfg!(windows) && "<>:\"\\|?*".contains(c);
        let is_dropped = cfg!(windows) && name.ends_with(['.', ' ']);
        assert!(!name.contains(is_special) && !name.contains(is_reserved) && !is_dropped, "{name:?} would be written");
    }
}

/// A username is written back the same, and its folding is final.
pub(crate) fn username(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(name) = Username::new(text) else { return };
    assert_eq!(Username::new(name.as_str()).as_ref(), Ok(&name), "composed once is composed");
    let folded = name.folded();
    assert_eq!(fold_case(&folded), folded, "folding {text:?} once is not enough");
    // Another case of a name, where it is a name at all, is the same name.
    for other in [text.to_uppercase(), text.to_lowercase()] {
        if let Ok(other) = Username::new(&other) {
            let looks = name.skeletons();
            let is_alike = other.skeletons().iter().any(|look| looks.contains(look));
            assert!(other.folded() == folded || is_alike, "{text:?} and {other:?} could both be there");
        }
    }
}

/// Whatever a stranger wrote, it neither moves the cursor nor turns the direction of the text beside it.
pub(crate) fn shown(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = Shown(&text).to_string();
    assert!(!shown.contains(|c: char| c.is_control() || is_direction_control(c)), "{shown:?}");
}

/// What was pasted is refused, or written back as an address that is the same.
pub(crate) fn invite(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(TrackerAddress { address, key, token }) = text.parse::<TrackerAddress>() else { return };
    assert!(address.iter().all(|address| address.port() != 0 && !address.host().is_empty()));
    let written = match key {
        Some(key) => Invite { address: address.clone(), key, token }.to_string(),
        None => address.to_string(),
    };
    assert_eq!(written.parse(), Ok(TrackerAddress { address, key, token }), "{text:?} became {written:?}");
}

/// A frame has one meaning and one spelling.
pub(crate) fn peer_request(data: &[u8]) {
    let Some(frame) = data.first_chunk::<REQUEST_BYTES>() else { return };
    if let Ok(request) = PeerRequest::decode(frame) {
        assert_eq!(&request.encode(), frame);
    }
}

/// The same for what comes back; no length is beyond what is set aside for it.
pub(crate) fn peer_answer(data: &[u8]) {
    let Some(frame) = data.first_chunk::<ANSWER_BYTES>() else { return };
    if let Ok(answer) = Answer::decode(frame) {
        assert_eq!(&answer.encode(), frame);
    }
}

/// No list but the true one is accepted, and no block but the true one by it.
pub(crate) fn block_list(data: &[u8]) {
    let Some((size, data)) = data.split_first_chunk::<8>() else { return };
    let Some((root, data)) = data.split_first_chunk::<32>() else { return };
    let geometry = Geometry::of(u64::from_le_bytes(*size) % (64 << 20));
    let blocks = data.as_chunks::<32>().0.to_vec();
    if let Ok(list) = BlockList::proven(geometry, ContentHash::from_bytes(*root), blocks) {
        // Its root was not guessed: a list of one is its own proof, a longer one would break the hash.
        assert_eq!((geometry.blocks(), list.as_slice()), (1, [*root].as_slice()));
    }
    // A file made of the bytes: its own list proves each of its blocks, and no block that differs in a bit.
    let geometry = Geometry::of(data.len() as u64);
    let block_bytes = usize::try_from(geometry.block_bytes()).expect("fits");
    let hashes = (0..).zip(data.chunks(block_bytes.max(1))).filter_map(|(n, block)| block_hash(geometry, n, block));
    let Some(list) = BlockList::computed(geometry, hashes.collect()) else { return };
    assert_eq!(list.root(), blake3::hash(data).into());
    let Some(first) = data.chunks(block_bytes.max(1)).next() else { return };
    assert!(list.is_block(0, first));
    let mut other = first.to_vec();
    other[usize::from(size[0]) % first.len()] ^= 1;
    assert!(!list.is_block(0, &other));
}

/// Sessions that come, speak, fall silent and go in any order: no session gets two answers to one line, no two sessions
/// have one name, and a name that is owned is with its key only.
pub(crate) fn tracker(data: &[u8]) {
    let mut world = World::new();
    let mut data = data.iter().copied();
    while let (Some(what), Some(who)) = (data.next(), data.next()) {
        world.step(what, who % 6, &mut data);
        world.check();
    }
}

struct World {
    now: Instant,
    tracker: Tracker,
    opened: u64,
    sessions: BTreeMap<u8, Session>,
    to_store: Vec<Ticket>,
}

struct Session {
    id: SessionId,
    key: Option<PublicKey>,
    is_ready: bool,
}

/// What sessions say, besides what the bytes themselves make.
const LINES: [&str; 16] = [
    "register-user anna 4001",
    "register-user Anna 4001",
    "register-user boris 4002",
    "unregister-user anna",
    "register-files anna a.txt, \"b, c.txt\" size=5",
    "register-files boris a.txt",
    "unregister-files anna a.txt",
    "list-files limit=1",
    "list-users",
    "search a limit=2",
    "watch",
    "unwatch",
    "whoami",
    "quit",
    "register-files anna a/b/c.txt, a/b",
    "ping",
];

impl World {
    fn new() -> Self {
        Self::with(TrackerSettings::default())
    }

    fn with(settings: TrackerSettings) -> Self {
        let now = Instant::now();
        let tracker = Tracker::new(now, settings, 1_800_000_000, Remembered::default());
        Self { now, tracker, opened: 0, sessions: BTreeMap::new(), to_store: Vec::new() }
    }

    fn step(&mut self, what: u8, who: u8, data: &mut impl Iterator<Item = u8>) {
        let effects = match what % 8 {
            0 => return self.open(who),
            1..=3 => return self.say(who, LINES[usize::from(what >> 3) % LINES.len()].to_owned()),
            4 => {
                let length = usize::from(what >> 3);
                let bytes: Vec<u8> = data.take(length).collect();
                return self.say(who, String::from_utf8_lossy(&bytes).replace(char::is_control, " "));
            }
            5 => {
                let Some(session) = self.sessions.remove(&who) else { return };
                self.tracker.apply(self.now, session.id, Input::Closed)
            }
            6 => {
                let Some(ticket) = self.to_store.pop() else { return };
                let done = what & 8 == 0;
                self.tracker.apply(self.now, SessionId::NONE, Input::Stored { ticket, done })
            }
            _ => {
                self.now += Duration::from_millis(u64::from(what) * 500);
                self.tracker.tick(self.now)
            }
        };
        self.carry_out(effects);
    }

    fn open(&mut self, who: u8) {
        if self.sessions.contains_key(&who) {
            return;
        }
        self.opened += 1;
        let id = SessionId::new(self.opened);
        let key = (who < 3).then(|| PublicKey::from_bytes([who + 1; 32]));
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, who)), 40_000);
        let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 99)), 7686);
        self.sessions.insert(who, Session { id, key, is_ready: true });
        let opened = SessionOpened { peer, local, key, accepted_at: self.now, is_tracker: false };
        let effects = self.tracker.apply(self.now, id, Input::Opened(opened));
        self.carry_out(effects);
    }

    fn say(&mut self, who: u8, line: String) {
        let Some(session) = self.sessions.get_mut(&who).filter(|session| session.is_ready) else { return };
        session.is_ready = false;
        let request = SessionRequest::read(Line::Text(line));
        let effects = self.tracker.apply(self.now, session.id, Input::Requests(vec![request]));
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Send { bytes, .. } | Effect::Notify { bytes, .. } => {
                    assert!(bytes.ends_with(b"\n"), "half a line was sent");
                    assert!(std::str::from_utf8(&bytes).is_ok(), "no text was sent");
                }
                Effect::Ready(id) => {
                    if let Some(session) = self.sessions.values_mut().find(|session| session.id == id) {
                        session.is_ready = true;
                    }
                }
                Effect::TellDrained(id) => {
                    let effects = self.tracker.apply(self.now, id, Input::Drained);
                    self.carry_out(effects);
                }
                Effect::Close(id) => self.sessions.retain(|_, session| session.id != id),
                Effect::Save { ticket, .. } => self.to_store.push(ticket),
                Effect::Relay(start) => {
                    self.sessions.retain(|_, session| !start.sessions.contains(&session.id));
                }
                Effect::EndRelay(_)
                | Effect::SetRelayRate(_)
                | Effect::Log(_)
                | Effect::Reload(_)
                | Effect::Link(_)
                | Effect::Ask { .. }
                | Effect::RelayOn { .. }
                | Effect::AskShard { .. }
                | Effect::Claim { .. }
                | Effect::Try { .. } => {}
            }
        }
    }

    fn check(&mut self) {
        let counts = self.tracker.counts();
        assert!(counts.sessions <= self.sessions.len(), "a session is there that nobody opened");
        assert!(counts.users <= counts.sessions);
        let mut here = BTreeSet::new();
        for name in ["anna", "boris"] {
            let name = Username::new(name).expect("valid");
            let Some(known) = self.tracker.known(&name) else { continue };
            let (Some(key), Some(address)) = (known.key, known.address) else { continue };
            let is_theirs = |(who, session): (&u8, &Session)| {
                session.key == Some(key) && address == IpAddr::V4(Ipv4Addr::new(10, 0, 0, *who))
            };
            assert!(self.sessions.iter().any(is_theirs), "{name} is with somebody who has not the key");
            assert!(here.insert(address), "one session has two names");
        }
    }
}
