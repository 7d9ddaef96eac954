//! Many TCP connections on one thread: lines go to a handler as they arrive, and what it queues is sent at once.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;
/// A buffer that has grown beyond this is given back when it is empty.
const KEPT_BYTES: usize = 64 * 1024;

/// One connection.
pub struct Connection {
    socket: Option<TcpStream>,
    connected: bool,
    wants_write: bool,
    unfinished: Vec<u8>,
    sent: usize,
    /// What is to be sent after the handler returns.
    pub out: Vec<u8>,
}

/// What happens to a connection.
pub enum Event<'a> {
    Connected,
    /// A line without its LF.
    Line(&'a [u8]),
    Closed,
}

/// All of them.
pub struct Client {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    read: Vec<u8>,
    to_send: Vec<usize>,
    server: SocketAddr,
    per_source: usize,
    closed: usize,
    first_error: Option<String>,
}

impl Client {
    /// Connections to `server`, which is on this computer. So many share a source address, 127.1.0.1 and on, because a
    /// server may limit connections from one; with 0 all have the ordinary one.
    pub fn new(server: SocketAddr, per_source: usize) -> io::Result<Self> {
        assert!(server.ip().is_loopback(), "load is for this computer alone");
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            connections: Vec::new(),
            read: vec![0; READ_BYTES],
            to_send: Vec::new(),
            server,
            per_source,
            closed: 0,
            first_error: None,
        })
    }

    /// How many were opened.
    pub fn opened(&self) -> usize {
        self.connections.len()
    }

    /// How many have failed or were closed by the server.
    pub fn closed(&self) -> usize {
        self.closed
    }

    /// Why the first of them was.
    pub fn first_error(&self) -> Option<&str> {
        self.first_error.as_deref()
    }

    pub fn is_open(&self, id: usize) -> bool {
        self.connections[id].socket.is_some()
    }

    /// Begins a connection and returns its number.
    pub fn connect(&mut self) -> usize {
        let id = self.connections.len();
        let socket = self.dial(id).map_err(|error| self.fail(error.to_string())).ok();
        self.connections.push(Connection {
            socket,
            connected: false,
            wants_write: true,
            unfinished: Vec::new(),
            sent: 0,
            out: Vec::new(),
        });
        id
    }

    /// Where to append what a connection says next.
    pub fn out(&mut self, id: usize) -> &mut Vec<u8> {
        self.to_send.push(id);
        &mut self.connections[id].out
    }

    /// Sends what is queued, waits for events, reads what is there and hands it on, sends what the handler queued.
    pub fn pump(&mut self, wait: Duration, mut handle: impl FnMut(&mut Connection, usize, Event<'_>)) {
        self.flush();
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        // Interrupted or not: what there is, is in `events`.
        let _ = self.poll.poll(&mut events, Some(wait));
        for event in &events {
            let id = event.token().0;
            if event.is_writable() && !self.connections[id].connected && !self.greet(id, &mut handle) {
                continue;
            }
            if event.is_readable() || event.is_read_closed() {
                self.receive(id, event.is_read_closed(), &mut handle);
            }
            self.send(id);
        }
        self.events = events;
    }

    pub fn flush(&mut self) {
        for id in std::mem::take(&mut self.to_send) {
            self.send(id);
        }
    }

    fn dial(&self, id: usize) -> io::Result<TcpStream> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(self.server), socket2::Type::STREAM, None)?;
        if let Some(source) = id.checked_div(self.per_source) {
            let address = [127, 1, (source / 250) as u8, (source % 250 + 1) as u8];
            socket.bind(&SocketAddr::from((address, 0)).into())?;
        }
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&self.server.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        let mut socket = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut socket, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        Ok(socket)
    }

    /// The first event of a connection: whether it is one.
    fn greet(&mut self, id: usize, handle: &mut impl FnMut(&mut Connection, usize, Event<'_>)) -> bool {
        let Some(socket) = self.connections[id].socket.as_ref() else { return false };
        match socket.take_error() {
            Ok(None) if socket.peer_addr().is_ok() => {}
            Ok(None) => return true,
            Ok(Some(error)) | Err(error) => {
                self.close(id, error.to_string(), handle);
                return false;
            }
        }
        let connection = &mut self.connections[id];
        connection.connected = true;
        handle(connection, id, Event::Connected);
        self.send(id);
        let connection = &mut self.connections[id];
        if connection.out.is_empty() && connection.wants_write {
            self.listen_for(id, false);
        }
        true
    }

    fn send(&mut self, id: usize) {
        let connection = &mut self.connections[id];
        if !connection.connected || connection.out.is_empty() {
            return;
        }
        let Some(socket) = connection.socket.as_mut() else { return };
        while connection.sent < connection.out.len() {
            match socket.write(&connection.out[connection.sent..]) {
                Ok(count) => connection.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !connection.wants_write {
                        self.listen_for(id, true);
                    }
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Reading will say so, too, and tells the handler.
                Err(_) => return,
            }
        }
        connection.sent = 0;
        connection.out.clear();
        connection.out.shrink_to(KEPT_BYTES);
        if connection.wants_write {
            self.listen_for(id, false);
        }
    }

    fn listen_for(&mut self, id: usize, write: bool) {
        let connection = &mut self.connections[id];
        connection.wants_write = write;
        let interest = if write { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if let Some(socket) = connection.socket.as_mut() {
            let _ = self.poll.registry().reregister(socket, Token(id), interest);
        }
    }

    fn receive(&mut self, id: usize, to_end: bool, handle: &mut impl FnMut(&mut Connection, usize, Event<'_>)) {
        loop {
            let connection = &mut self.connections[id];
            let Some(socket) = connection.socket.as_mut() else { return };
            let count = match socket.read(&mut self.read) {
                Ok(0) => return self.close(id, "closed by the server".into(), handle),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.close(id, error.to_string(), handle),
            };
            let mut text = &self.read[..count];
            let mut unfinished = std::mem::take(&mut connection.unfinished);
            if !unfinished.is_empty() {
                // The line that the last read began ends here.
                let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
                unfinished.extend_from_slice(&text[..end]);
                text = &text[end..];
                if let Some(line) = unfinished.strip_suffix(b"\n") {
                    handle(connection, id, Event::Line(line));
                    unfinished = Vec::new();
                }
            }
            let mut at = 0;
            for end in memchr::memchr_iter(b'\n', text) {
                handle(connection, id, Event::Line(&text[at..end]));
                at = end + 1;
            }
            unfinished.extend_from_slice(&text[at..]);
            connection.unfinished = unfinished;
            // Events come once: a short read says that there is no more, unless the end is near.
            if count < self.read.len() && !to_end {
                return;
            }
        }
    }

    fn close(&mut self, id: usize, why: String, handle: &mut impl FnMut(&mut Connection, usize, Event<'_>)) {
        if let Some(mut socket) = self.connections[id].socket.take() {
            let _ = self.poll.registry().deregister(&mut socket);
            self.fail(why);
            handle(&mut self.connections[id], id, Event::Closed);
        }
    }

    fn fail(&mut self, why: String) {
        self.closed += 1;
        self.first_error.get_or_insert(why);
    }
}
