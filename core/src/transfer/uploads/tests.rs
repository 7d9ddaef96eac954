//! Uploads as a person sees them: what is shown, what is remembered, and that a stranger fills no table.

use std::time::{Duration, Instant};

use super::*;
use crate::model::geometry::BLOCK_BYTES_MIN;
use crate::model::hash::ContentHash;

/// Uploads, with a clock and numbers.
struct Scene {
    uploads: Uploads,
    now: Instant,
    next_id: u64,
}

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes([n; 32])
}

fn content(path: &str, blocks: u64) -> Content {
    Content { hash: ContentHash::from_bytes(*blake3::hash(path.as_bytes()).as_bytes()), size: blocks * BLOCK_BYTES_MIN }
}

impl Scene {
    /// `maria` on connection 1, `ivan` on connection 2.
    fn new() -> Self {
        let mut uploads = Uploads::default();
        uploads.enter(ConnectionId(1), key(1), Username::new("maria").expect("a name"), Way::Direct);
        uploads.enter(ConnectionId(2), key(2), Username::new("ivan").expect("a name"), Way::Direct);
        Self { uploads, now: Instant::now(), next_id: 1 }
    }

    fn ask(&mut self, connection: u64, path: &str, blocks: u64, requests: u32) {
        let shared = SharePath::new(path).expect("a path");
        for _ in 0..requests {
            let next = &mut self.next_id;
            let new_id = || {
                *next += 1;
                TransferId(*next - 1)
            };
            self.uploads.asked(ConnectionId(connection), content(path, blocks), Some(&shared), new_id, self.now);
        }
    }

    fn send(&mut self, connection: u64, path: &str, blocks: u64, block: u32) {
        let content = content(path, blocks);
        let answered = Answered { content, block: Some(block), bytes: BLOCK_BYTES_MIN };
        self.uploads.answered(ConnectionId(connection), &answered, self.now);
    }

    fn take(&mut self, connection: u64, path: &str, blocks: u64) {
        for block in 0..u32::try_from(blocks).expect("few") {
            self.ask(connection, path, blocks, 1);
            self.send(connection, path, blocks, block);
        }
    }

    fn stand(&mut self, connection: u64, standing: Standing) {
        self.uploads.stands(ConnectionId(connection), standing);
    }

    /// Tells what changed, as the service does.
    fn tell(&mut self) -> Vec<Transfer> {
        let changed = self.uploads.changed(self.now);
        changed.iter().for_each(|row| self.uploads.told(row));
        changed
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.uploads.tick(self.now);
    }

    /// Number, person, path, files done and known, blocks done and in all.
    fn rows(&mut self) -> Vec<(u64, String, String, [u64; 4])> {
        let rows = self.uploads.all(self.now).into_iter();
        rows.map(|row| {
            let counts =
                [row.files_done, row.files, row.done_bytes / BLOCK_BYTES_MIN, row.total_bytes / BLOCK_BYTES_MIN];
            (row.number.0, row.user.to_string(), row.label, counts)
        })
        .collect()
    }

    fn states(&mut self) -> Vec<TransferState> {
        self.uploads.all(self.now).into_iter().map(|row| row.state).collect()
    }
}

fn row(id: u64, user: &str, label: &str, counts: [u64; 4]) -> (u64, String, String, [u64; 4]) {
    (id, user.to_owned(), label.to_owned(), counts)
}

#[test]
fn a_row_a_file_and_person_with_the_part_that_they_have() {
    let mut scene = Scene::new();
    scene.ask(1, "film.mkv", 10, 4);
    scene.ask(2, "film.mkv", 10, 1);
    scene.send(1, "film.mkv", 10, 0);
    scene.send(1, "film.mkv", 10, 7);
    scene.send(1, "film.mkv", 10, 7);
    assert_eq!(
        scene.rows(),
        [row(1, "maria", "film.mkv", [0, 1, 2, 10]), row(2, "ivan", "film.mkv", [0, 1, 0, 10])],
        "a block that is sent twice counts once"
    );
    scene.take(1, "film.mkv", 10);
    assert_eq!(scene.rows()[0], row(1, "maria", "film.mkv", [1, 1, 10, 10]));
}

#[test]
fn a_folder_that_is_being_taken_is_one_row() {
    let mut scene = Scene::new();
    scene.take(1, "Trip/day 1/a.jpg", 1);
    assert_eq!(scene.rows(), [row(1, "maria", "Trip/day 1/a.jpg", [1, 1, 1, 1])]);
    scene.ask(1, "Trip/day 1/b.jpg", 2, 2);
    assert_eq!(scene.rows(), [row(1, "maria", "Trip/day 1/", [1, 2, 1, 3])]);
    scene.take(1, "Trip/day 2/c.jpg", 1);
    scene.take(1, "Music/x.mp3", 1);
    scene.take(1, "top.txt", 1);
    scene.take(1, "other.txt", 1);
    assert_eq!(
        scene.rows(),
        [
            row(1, "maria", "Trip/", [2, 3, 2, 4]),
            row(2, "maria", "Music/x.mp3", [1, 1, 1, 1]),
            row(3, "maria", "top.txt", [1, 1, 1, 1]),
            row(4, "maria", "other.txt", [1, 1, 1, 1]),
        ]
    );
    // What is taken later from the folder that they have is another upload.
    scene.wait(Duration::from_secs(60));
    scene.take(1, "Music/y.mp3", 1);
    assert_eq!(scene.rows()[4], row(5, "maria", "Music/y.mp3", [1, 1, 1, 1]));
}

#[test]
fn the_state_is_what_the_connections_do() {
    let mut scene = Scene::new();
    scene.ask(1, "film.mkv", 3, 3);
    assert_eq!(scene.states(), [TransferState::Queued]);
    scene.stand(1, Standing::Waiting(4));
    assert_eq!(scene.states(), [TransferState::WaitingForSlot { place: 4 }]);
    scene.stand(1, Standing::Serving);
    scene.send(1, "film.mkv", 3, 0);
    assert_eq!(scene.states(), [TransferState::Running]);
    scene.uploads.answered(
        ConnectionId(1),
        &Answered { content: content("film.mkv", 3), block: None, bytes: 0 },
        scene.now,
    );
    scene.send(1, "film.mkv", 3, 1);
    assert_eq!(scene.states(), [TransferState::Running], "the next request is on its way");
    scene.wait(Duration::from_secs(3));
    assert_eq!(scene.states(), [TransferState::NotAsked], "the rest from somebody else, perhaps");
    scene.take(1, "film.mkv", 3);
    assert_eq!(scene.states(), [TransferState::Finished]);
}

#[test]
fn who_leaves_is_taken_off_and_may_come_back_for_the_rest() {
    let mut scene = Scene::new();
    scene.ask(1, "film.mkv", 10, 5);
    scene.send(1, "film.mkv", 10, 3);
    scene.take(1, "small.txt", 1);
    assert_eq!(scene.tell().len(), 2);
    scene.uploads.leave(ConnectionId(1), scene.now);
    assert_eq!(scene.states(), [TransferState::NotAsked, TransferState::Finished], "for a moment");
    scene.wait(SHOWN_AFTER_LEAVING);
    assert_eq!(scene.rows(), []);
    let mut gone = Vec::new();
    while let Some(id) = scene.uploads.gone() {
        gone.push(id.0);
        scene.uploads.gone_told();
    }
    assert_eq!(gone, [1, 2]);
    assert_eq!(scene.tell(), []);

    scene.uploads.enter(ConnectionId(3), key(1), Username::new("maria").expect("a name"), Way::Reversed);
    scene.ask(3, "film.mkv", 10, 1);
    assert_eq!(scene.rows(), [row(1, "maria", "film.mkv", [0, 1, 1, 10])], "what they have is remembered");
    scene.uploads.leave(ConnectionId(3), scene.now);
    scene.wait(REMEMBERED);
    assert!(scene.uploads.rows.is_empty() && scene.uploads.takers.len() == 1, "and forgotten in the end");
}

#[test]
fn stopping_is_for_one_person_and_for_a_while() {
    let mut scene = Scene::new();
    for connection in [1, 2] {
        scene.ask(connection, "film.mkv", 3, 3);
        scene.stand(connection, Standing::Serving);
        scene.send(connection, "film.mkv", 3, 0);
    }
    scene.ask(1, "Trip/a.jpg", 1, 1);
    assert_eq!(scene.uploads.stop(TransferId(99), scene.now), None, "no such upload");
    assert_eq!(scene.uploads.stop(TransferId(1), scene.now), Some(vec![ConnectionId(1)]));
    let stopped = TransferState::Failed(TransferError::Stopped);
    assert_eq!(scene.states(), [stopped.clone(), TransferState::Running, stopped.clone()]);
    assert!(scene.uploads.is_stopped(&key(1), scene.now) && !scene.uploads.is_stopped(&key(2), scene.now));
    scene.uploads.leave(ConnectionId(1), scene.now);
    scene.wait(STOPPED_FOR / 2);
    assert_eq!(scene.states(), [stopped.clone(), TransferState::Running, stopped], "as long as it holds");
    scene.wait(STOPPED_FOR);
    assert!(!scene.uploads.is_stopped(&key(1), scene.now));
    assert_eq!(scene.states(), [TransferState::Running]);

    assert!(scene.uploads.stop(TransferId(2), scene.now).is_some());
    assert!(scene.uploads.let_go_on(TransferId(2)) && !scene.uploads.is_stopped(&key(2), scene.now));
}

#[test]
fn a_stranger_who_wants_everything_fills_no_table() {
    let mut scene = Scene::new();
    // Single files at the top: those that they have make room.
    for n in 0..10 * ROWS_PER_TAKER_MAX {
        scene.take(1, &format!("{n}.txt"), 1);
    }
    assert_eq!(scene.rows().len(), ROWS_PER_TAKER_MAX);
    // One block of each of many large files, and they never come for the rest.
    for n in 0..3 * OPEN_FILES_PER_TAKER_MAX {
        scene.ask(2, &format!("Films/{n}.mkv"), 2, 1);
        scene.send(2, &format!("Films/{n}.mkv"), 2, 0);
    }
    let taker = scene.uploads.takers.get(&key(2)).expect("known");
    assert!(taker.open.len() <= OPEN_FILES_PER_TAKER_MAX);
    let counts = scene.rows().pop().expect("a row").3;
    assert_eq!(counts[1] * 2, counts[3], "what is forgotten is not counted: {counts:?}");
    assert_eq!(counts[1], counts[2]);
    // Many people, who all leave.
    for n in 0..2 * TAKERS_MAX {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
        let connection = 100 + n as u64;
        scene.uploads.enter(
            ConnectionId(connection),
            PublicKey::from_bytes(bytes),
            Username::new("x").expect("a name"),
            Way::Direct,
        );
        scene.ask(connection, "film.mkv", 3, 1);
        scene.uploads.leave(ConnectionId(connection), scene.now);
    }
    assert!(scene.uploads.takers.len() <= TAKERS_MAX);
    assert!(scene.uploads.rows.len() <= TAKERS_MAX * ROWS_PER_TAKER_MAX);
}

#[test]
fn a_folder_of_many_small_files_is_counted_to_the_end() {
    let mut scene = Scene::new();
    for n in 0..20_000 {
        scene.take(1, &format!("Library/{}/{n}.txt", n % 100), 1);
    }
    assert_eq!(scene.rows(), [row(1, "maria", "Library/", [20_000, 20_000, 20_000, 20_000])]);
    let taker = scene.uploads.takers.get(&key(1)).expect("known");
    assert!(taker.open.is_empty(), "of what they have to the end nothing but a number is kept");
}

#[test]
fn the_parts_that_they_have_are_told() {
    use crate::model::transfer_details::{PartState, SourceStanding};
    let b = BLOCK_BYTES_MIN;
    let mut scene = Scene::new();
    let now = scene.now;
    assert!(scene.uploads.describe(TransferId(1), now).is_none());
    scene.ask(1, "film.mkv", 10, 4);
    scene.stand(1, Standing::Waiting(2));
    let told = scene.uploads.describe(TransferId(1), now).expect("there");
    assert_eq!(told.map.runs(), [(10 * b, PartState::Missing)]);
    assert_eq!(told.sources[0].standing, SourceStanding::Waiting(2));
    scene.send(1, "film.mkv", 10, 0);
    scene.send(1, "film.mkv", 10, 7);
    let told = scene.uploads.describe(TransferId(1), now).expect("there");
    let (here, missing) = (PartState::Here, PartState::Missing);
    assert_eq!(told.map.runs(), [(b, here), (6 * b, missing), (b, here), (2 * b, missing)]);
    // Of a folder nobody knows which part comes where.
    scene.take(2, "Trip/a.jpg", 1);
    scene.ask(2, "Trip/b.jpg", 1, 1);
    let told = scene.uploads.describe(TransferId(2), now).expect("there");
    assert_eq!(told.map.runs(), [(2 * b, PartState::Mixed(50))]);
}

#[test]
fn what_they_have_to_the_end_is_told_once() {
    let mut scene = Scene::new();
    scene.take(1, "film.mkv", 3);
    scene.wait(Duration::from_secs(1));
    assert!(scene.uploads.take_ended().is_empty(), "more of a folder might be asked for");
    scene.wait(Duration::from_secs(10));
    let ended = scene.uploads.take_ended();
    let told = |row: &Transfer| (row.user.to_string(), row.label.clone(), row.total_bytes / BLOCK_BYTES_MIN);
    assert_eq!(ended.iter().map(told).collect::<Vec<_>>(), [("maria".to_owned(), "film.mkv".to_owned(), 3)]);
    scene.ask(2, "film.mkv", 3, 1);
    scene.uploads.leave(ConnectionId(1), scene.now);
    scene.uploads.leave(ConnectionId(2), scene.now);
    scene.wait(Duration::from_secs(60));
    assert!(scene.uploads.take_ended().is_empty(), "once, and not what they have in part");
}

#[test]
fn what_is_over_keeps_the_way_by_which_its_last_bytes_went() {
    let mut scene = Scene::new();
    let ways = |scene: &mut Scene| -> Vec<Option<Way>> {
        scene.uploads.all(scene.now).into_iter().map(|row| row.way).collect()
    };
    scene.uploads.enter(ConnectionId(3), key(3), Username::new("anna").expect("a name"), Way::Relayed);
    scene.ask(3, "film.mkv", 2, 2);
    scene.send(3, "film.mkv", 2, 0);
    assert_eq!(ways(&mut scene), [Some(Way::Relayed)]);
    // A better way opens, by which the rest goes.
    scene.uploads.enter(ConnectionId(4), key(3), Username::new("anna").expect("a name"), Way::Punched);
    scene.uploads.leave(ConnectionId(3), scene.now);
    scene.ask(4, "film.mkv", 2, 1);
    scene.send(4, "film.mkv", 2, 1);
    let row = scene.uploads.all(scene.now).pop().expect("one");
    assert_eq!((row.way, row.connected_by(), row.state), (Some(Way::Punched), None, TransferState::Finished));
    scene.uploads.leave(ConnectionId(4), scene.now);
    assert_eq!(ways(&mut scene), [Some(Way::Punched)], "they are gone");
    let told = scene.uploads.describe(row.number, scene.now).expect("there");
    assert_eq!(told.sources[0].way, None, "nobody is connected");
    scene.wait(Duration::from_secs(11));
    assert_eq!(scene.uploads.take_ended().iter().map(|row| row.way).collect::<Vec<_>>(), [Some(Way::Punched)]);
    // Of what had not begun to go there is no way.
    scene.ask(1, "song.flac", 2, 1);
    scene.uploads.leave(ConnectionId(1), scene.now);
    assert_eq!(ways(&mut scene), [None]);
}

#[test]
fn what_rests_while_it_is_metered_is_told() {
    let mut scene = Scene::new();
    scene.ask(1, "film.mkv", 10, 1);
    scene.stand(1, Standing::Serving);
    scene.take(2, "song.flac", 1);
    assert_eq!(scene.states(), [TransferState::Running, TransferState::Finished]);
    scene.uploads.enter(ConnectionId(3), key(3), Username::new("petra").expect("a name"), Way::Nearby);
    scene.ask(3, "film.mkv", 10, 1);
    scene.stand(3, Standing::Serving);
    scene.uploads.set_metered(true);
    scene.uploads.leave(ConnectionId(1), scene.now);
    assert_eq!(scene.states(), [TransferState::Metered, TransferState::Finished, TransferState::Running]);
    scene.uploads.set_metered(false);
    assert_eq!(scene.states(), [TransferState::NotAsked, TransferState::Finished, TransferState::Running]);
}
