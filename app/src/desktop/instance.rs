//! One window a data folder: a second start finds the first, hands over what it is for, and ends.
//!
//! A socket in the data folder that only its owner can use (a named pipe on Windows). One line each way:
//!
//! ```text
//! potok-window 1 open [LINK]
//! potok-window 1 share PATH[&PATH…]
//! potok-window 1 shown | asked | busy
//! ```
//!
//! Paths are written as in the query of a URL. What arrives is bounded and read strictly; links, and files to share, are
//! only ever shown and asked about.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use interprocess::local_socket::traits::{ListenerExt, Stream as _};
use interprocess::local_socket::{self, ListenerOptions, Name, Stream};

use crate::desktop::purpose::{PURPOSE_BYTES_MAX, StartPurpose};
use crate::desktop::{Bell, DesktopEvent};

/// The first two words of every line; another version of Potok may speak another one.
const GREETING: &str = "potok-window 1 ";
/// A whole line.
const HAND_OVER_BYTES_MAX: usize = PURPOSE_BYTES_MAX + 64;
/// What is read at a time.
const READ_BYTES: usize = 8 << 10;
/// How long a line may take to arrive.
const LINE_MAX: Duration = Duration::from_secs(2);
/// How long the window may take to look up from what it does.
const WINDOW_MAX: Duration = Duration::from_secs(3);
/// Longest path of a socket on every Unix.
#[cfg(unix)]
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// What became of a second start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOver {
    /// The window is in front.
    Shown,
    /// The desktop lets no window come to the front by itself; it was asked to draw attention to it.
    Asked,
    /// The window did not answer in time.
    Busy,
}

const ANSWERS: [(HandedOver, &str); 3] =
    [(HandedOver::Shown, "shown"), (HandedOver::Asked, "asked"), (HandedOver::Busy, "busy")];

/// Hands a start over to the window that runs on this data folder; none if no window does.
pub fn hand_over(data_dir: &Path, purpose: &StartPurpose) -> Option<HandedOver> {
    let mut stream = Stream::connect(name(data_dir).ok()?).ok()?;
    // Named pipes have no time limit; they end with the program at their other end.
    let _ = stream.set_recv_timeout(Some(WINDOW_MAX + LINE_MAX));
    let _ = stream.set_send_timeout(Some(LINE_MAX));
    stream.write_all(format!("{GREETING}{}\n", purpose.to_words()).as_bytes()).ok()?;
    let line = read_line(&mut stream, WINDOW_MAX + LINE_MAX)?;
    let word = line.strip_prefix(GREETING)?;
    ANSWERS.into_iter().find(|(_, name)| *name == word).map(|(answer, _)| answer)
}

/// The first window, listening for others.
#[derive(Debug)]
pub struct Listening {
    data_dir: PathBuf,
    stop: Arc<AtomicBool>,
    /// Says nothing, and is cut off when nobody listens any more.
    over: Receiver<Infallible>,
}

impl Listening {
    /// Begins to listen. A socket that is already there is left over: the data folder is ours.
    pub fn start(data_dir: &Path, bell: Bell) -> io::Result<Self> {
        let options = ListenerOptions::new().name(name(data_dir)?).try_overwrite(true);
        let listener = options.create_sync()?;
        #[cfg(unix)]
        std::fs::set_permissions(socket_path(data_dir)?, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let (listens, over) = crossbeam_channel::bounded(0);
        let run = move || {
            serve(&listener, &bell, &is_over);
            drop(listener);
            drop(listens);
        };
        std::thread::Builder::new().name("potok-instance".into()).spawn(run)?;
        Ok(Self { data_dir: data_dir.to_owned(), stop, over })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread out of its waiting, and stays until it has woken: Windows does not tell of who came and went. A
        // start that says nothing holds the thread up, since named pipes have no time limit, but not this one.
        if let Ok(_waking) = name(&self.data_dir).and_then(Stream::connect) {
            let _ended_or_held_up = self.over.recv_timeout(LINE_MAX + WINDOW_MAX);
        }
    }
}

/// One at a time: another start waits its turn.
fn serve(listener: &local_socket::Listener, bell: &Bell, is_over: &AtomicBool) {
    for stream in listener.incoming() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(mut stream) = stream else { continue };
        let _ = stream.set_recv_timeout(Some(LINE_MAX));
        let _ = stream.set_send_timeout(Some(LINE_MAX));
        let Some(purpose) = read_line(&mut stream, LINE_MAX).and_then(|line| parse(&line)) else { continue };
        let answer = tell(bell, purpose);
        let word = ANSWERS.into_iter().find(|(known, _)| *known == answer).map_or("busy", |(_, word)| word);
        // The other start has ended meanwhile.
        let _ = stream.write_all(format!("{GREETING}{word}\n").as_bytes());
    }
}

fn tell(bell: &Bell, purpose: StartPurpose) -> HandedOver {
    let (answer, told) = crossbeam_channel::bounded(1);
    if !bell.ring(DesktopEvent::Started { purpose, answer }) {
        return HandedOver::Busy;
    }
    told.recv_timeout(WINDOW_MAX).unwrap_or(HandedOver::Busy)
}

/// `potok-window 1 PURPOSE`.
fn parse(line: &str) -> Option<StartPurpose> {
    StartPurpose::from_words(line.strip_prefix(GREETING)?)
}

/// One line without its end, or nothing: too long, too slow, no UTF-8, cut off.
fn read_line(stream: &mut Stream, at_most: Duration) -> Option<String> {
    let until = Instant::now() + at_most;
    let mut line = Vec::new();
    let mut buffer = [0; READ_BYTES];
    while Instant::now() < until {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        line.extend_from_slice(buffer.get(..count)?);
        if line.last() == Some(&b'\n') {
            line.pop();
            return String::from_utf8(line).ok();
        }
        if line.len() > HAND_OVER_BYTES_MAX {
            return None;
        }
    }
    None
}

#[cfg(unix)]
fn name(data_dir: &Path) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericFilePath, ToFsName};
    socket_path(data_dir)?.to_fs_name::<GenericFilePath>()
}

/// In the data folder; where its path is too long for a socket, in the folder of the session, which is private too.
#[cfg(unix)]
fn socket_path(data_dir: &Path) -> io::Result<PathBuf> {
    let path = data_dir.join("window.sock");
    if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return Ok(path);
    }
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let session = session.ok_or(io::ErrorKind::InvalidFilename)?;
    Ok(session.join(format!("potok-{}.sock", short_hash(data_dir))))
}

#[cfg(windows)]
fn name(data_dir: &Path) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericNamespaced, ToNsName};
    format!("potok-{}", short_hash(data_dir)).to_ns_name::<GenericNamespaced>()
}

/// Names a data folder in few letters.
pub(crate) fn short_hash(data_dir: &Path) -> String {
    blake3::hash(data_dir.as_os_str().as_encoded_bytes()).to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn reads_lines_strictly() {
        assert_eq!(parse("potok-window 1 open "), Some(StartPurpose::Open));
        assert_eq!(parse("potok-window 1 open potok://h:1"), Some(StartPurpose::Link("potok://h:1".into())));
        for bad in ["", "potok-window 1 open", "potok-window 2 open ", "open ", "potok-window 1 open a b"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    /// A window that answers at once, and what it was wanted for.
    fn window(data_dir: &Path) -> (Listening, Arc<Mutex<Vec<StartPurpose>>>) {
        let (bell, heard) = Bell::new(Arc::new(|| {}));
        let listening = Listening::start(data_dir, bell).expect("listens");
        let purposes: Arc<Mutex<Vec<_>>> = Arc::default();
        let seen = Arc::clone(&purposes);
        std::thread::spawn(move || {
            for event in heard {
                let DesktopEvent::Started { purpose, answer } = event else { continue };
                seen.lock().expect("no panic").push(purpose);
                answer.send(HandedOver::Shown).expect("waited for");
            }
        });
        (listening, purposes)
    }

    #[test]
    fn a_second_start_reaches_the_first() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(hand_over(folder.path(), &StartPurpose::Open), None, "nobody is there");
        let (listening, purposes) = window(folder.path());
        // As many paths as no command line has.
        let files = (0..20_000).map(|n| folder.path().join(format!("снимка {n}.jpg"))).collect();
        let handed = [StartPurpose::Link("potok://h:1".into()), StartPurpose::Share(files)];
        for purpose in &handed {
            assert_eq!(hand_over(folder.path(), purpose), Some(HandedOver::Shown));
        }
        assert_eq!(hand_over(folder.path(), &StartPurpose::Link("two\nlines".into())), Some(HandedOver::Shown));
        let [link, share] = handed;
        assert_eq!(*purposes.lock().expect("no panic"), [link, share, StartPurpose::Open]);
        drop(listening);
        assert_eq!(hand_over(folder.path(), &StartPurpose::Open), None, "it has ended");
        let _again = window(folder.path());
        assert_eq!(
            hand_over(folder.path(), &StartPurpose::Open),
            Some(HandedOver::Shown),
            "a new one on the same folder"
        );
    }

    #[test]
    fn a_start_that_says_nothing_does_not_keep_the_window_from_ending() {
        let folder = tempfile::tempdir().expect("folder");
        let (listening, _purposes) = window(folder.path());
        let silent = Stream::connect(name(folder.path()).expect("short")).expect("connects");
        // Very likely it is being listened to by now; if not, the window ends all the sooner.
        std::thread::sleep(Duration::from_millis(200));
        let (ends, ended) = crossbeam_channel::bounded::<Infallible>(0);
        std::thread::spawn(move || {
            drop(listening);
            drop(ends);
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Err(crossbeam_channel::RecvTimeoutError::Disconnected));
        drop(silent);
    }

    #[cfg(unix)]
    #[test]
    fn strangers_get_nothing_and_nobody_else_may_speak() {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::net::UnixStream;
        let folder = tempfile::tempdir().expect("folder");
        let (_listening, purposes) = window(folder.path());
        let path = socket_path(folder.path()).expect("short");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
        for garbage in [&b"GET / HTTP/1.1\n"[..], b"\xff\xfe\n", &vec![b'a'; HAND_OVER_BYTES_MAX + 1024]] {
            let mut stream = UnixStream::connect(&path).expect("connects");
            // It may hang up before everything is written.
            let _ = stream.write_all(garbage);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(answer.is_empty(), "{answer:?}");
        }
        assert_eq!(hand_over(folder.path(), &StartPurpose::Open), Some(HandedOver::Shown), "it still listens");
        assert_eq!(purposes.lock().expect("no panic").len(), 1);
    }

    #[test]
    fn a_left_over_socket_is_no_window() {
        let folder = tempfile::tempdir().expect("folder");
        #[cfg(unix)]
        drop(std::os::unix::net::UnixListener::bind(socket_path(folder.path()).expect("short")).expect("bound"));
        assert_eq!(hand_over(folder.path(), &StartPurpose::Open), None);
        let _window = window(folder.path());
        assert_eq!(hand_over(folder.path(), &StartPurpose::Open), Some(HandedOver::Shown));
    }
}
