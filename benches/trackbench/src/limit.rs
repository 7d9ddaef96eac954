//! One thread and epoll, nothing else: what the kernel's sockets leave of one processor for a server without rules. It
//! knows names, and a search looks at all of them.
//!
//! `ping`, `put NAME...`, `search WORD` (the first 100), `tell TEXT` (everybody hears it).

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use memchr::memmem::Finder;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const READ_BYTES: usize = 256 * 1024;
const HITS: usize = 100;
const BACKLOG: i32 = 4096;
const LISTENER: Token = Token(usize::MAX);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen, on this computer
    listen: SocketAddr,
}

struct Session {
    socket: TcpStream,
    unfinished: Vec<u8>,
    unsent: Vec<u8>,
    wants_write: bool,
}

#[derive(Default)]
struct Catalog {
    known: HashSet<Vec<u8>>,
    /// All names, a line each.
    text: Vec<u8>,
}

pub fn run(args: &Args) -> io::Result<()> {
    assert!(args.listen.ip().is_loopback(), "it serves this computer alone");
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let socket = socket2::Socket::new(socket2::Domain::for_address(args.listen), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&args.listen.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;

    let mut sessions: Vec<Option<Session>> = Vec::new();
    let mut catalog = Catalog::default();
    let mut read = vec![0; READ_BYTES];
    loop {
        poll.poll(&mut events, None)?;
        let mut told = Vec::new();
        for event in &events {
            let id = event.token().0;
            if event.token() == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    socket.set_nodelay(true)?;
                    poll.registry().register(&mut socket, Token(sessions.len()), Interest::READABLE)?;
                    sessions.push(Some(Session {
                        socket,
                        unfinished: Vec::new(),
                        unsent: Vec::new(),
                        wants_write: false,
                    }));
                }
            } else if let Some(session) = &mut sessions[id] {
                let mut answers = Vec::new();
                let alive = session.receive(&mut read, &mut |line| catalog.obey(line, &mut answers, &mut told));
                if alive {
                    session.send(&poll, id, &answers)?;
                } else {
                    sessions[id] = None;
                }
            }
        }
        // Everything said in this round goes to everybody in one write each.
        if !told.is_empty() {
            for (id, session) in sessions.iter_mut().enumerate() {
                if let Some(session) = session {
                    session.send(&poll, id, &told)?;
                }
            }
        }
    }
}

impl Session {
    /// Whether the other side is still there.
    fn receive(&mut self, read: &mut [u8], obey: &mut impl FnMut(&[u8])) -> bool {
        loop {
            match self.socket.read(read) {
                Ok(0) => return false,
                Ok(count) => {
                    self.unfinished.extend_from_slice(&read[..count]);
                    let mut at = 0;
                    for end in memchr::memchr_iter(b'\n', &self.unfinished) {
                        obey(&self.unfinished[at..end]);
                        at = end + 1;
                    }
                    self.unfinished.drain(..at);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.unfinished.is_empty() {
                        self.unfinished = Vec::new();
                    }
                    return true;
                }
                Err(_) => return false,
            }
        }
    }

    fn send(&mut self, poll: &Poll, id: usize, data: &[u8]) -> io::Result<()> {
        // A connection that has failed is found out by reading.
        if self.unsent.is_empty() {
            let sent = self.socket.write(data).unwrap_or(0);
            self.unsent.extend_from_slice(&data[sent..]);
        } else {
            self.unsent.extend_from_slice(data);
            let sent = self.socket.write(&self.unsent).unwrap_or(0);
            self.unsent.drain(..sent);
        }
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
        if self.wants_write == self.unsent.is_empty() {
            self.wants_write = !self.wants_write;
            let write = if self.wants_write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            poll.registry().reregister(&mut self.socket, Token(id), write)?;
        }
        Ok(())
    }
}

impl Catalog {
    fn obey(&mut self, line: &[u8], answers: &mut Vec<u8>, told: &mut Vec<u8>) {
        let (verb, rest) = line.split_at(memchr::memchr(b' ', line).unwrap_or(line.len()));
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        match verb {
            b"ping" => answers.extend_from_slice(b"OK 0\n"),
            b"put" => {
                for name in rest.split(|byte| *byte == b' ') {
                    if self.known.insert(name.to_vec()) {
                        self.text.extend_from_slice(name);
                        self.text.push(b'\n');
                    }
                }
                answers.extend_from_slice(b"OK 0\n");
            }
            b"search" => self.search(rest, answers),
            b"tell" => {
                told.extend_from_slice(b"* ");
                told.extend_from_slice(rest);
                told.push(b'\n');
                answers.extend_from_slice(b"OK 0\n");
            }
            _ => answers.extend_from_slice(b"ERR unknown-command\n"),
        }
    }

    fn search(&self, word: &[u8], answers: &mut Vec<u8>) {
        let finder = Finder::new(word);
        let (mut hits, mut lines, mut from) = (0, Vec::new(), 0);
        while hits < HITS
            && let Some(at) = finder.find(&self.text[from..])
        {
            let at = from + at;
            let start = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |end| end + 1);
            from = at + memchr::memchr(b'\n', &self.text[at..]).map_or(0, |end| end + 1);
            lines.extend_from_slice(&self.text[start..from]);
            hits += 1;
        }
        answers.extend_from_slice(format!("OK {hits}\n").as_bytes());
        answers.extend_from_slice(&lines);
    }
}
