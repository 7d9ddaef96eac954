//! Answers requests with what is on the disk. Blocks: it belongs on a thread that may.

use std::sync::Arc;

use crate::protocol::peer::{Answer, BLOCK_BYTES_MAX, Content, PeerRefusal, Request};
use crate::service::peer_server::content_source::{ContentSource, OpenContent};
use crate::service::peer_server::inbox::Inbox;
use crate::transfer::uploads::Answered;

/// Answers that are this small travel together.
const SMALL_BYTES: usize = 32 * 1024;
/// They leave when they are so many bytes.
const TOGETHER_BYTES: usize = 128 * 1024;
/// Files of several blocks that stay open between two requests.
const OPEN_MAX: usize = 4;

/// Bytes to be sent.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Whole answers, and the head of `body` if there is one.
    pub(super) answers: Vec<u8>,
    /// Room for one block; filled again and again, so it is never emptied.
    body: Vec<u8>,
    has_body: bool,
    /// The requests that it answers.
    pub(super) answered: Vec<Answered>,
}

impl Piece {
    /// Answers without data.
    pub(super) fn of(answers: Vec<u8>) -> Self {
        Self { answers, ..Self::default() }
    }

    fn clear(&mut self) {
        self.answers.clear();
        // The list of a huge file is not worth keeping room for.
        self.answers.shrink_to(2 * TOGETHER_BYTES);
        self.has_body = false;
        self.answered.clear();
    }

    /// One block, or nothing.
    pub(super) fn body(&self) -> &[u8] {
        if self.has_body { &self.body } else { &[] }
    }

    /// What is in it: it must still be shared while it leaves.
    pub(super) fn contents(&self) -> impl Iterator<Item = Content> {
        self.answered.iter().filter(|answered| answered.has_data()).map(|answered| answered.content)
    }

    fn is_due(&self) -> bool {
        self.has_body || self.answers.len() >= TOGETHER_BYTES
    }
}

/// What is kept between two requests.
pub(super) struct Feeder {
    content_source: Arc<dyn ContentSource>,
    /// What is known of files besides is told.
    tells_about: bool,
    open: Vec<(Content, Box<dyn OpenContent>)>,
    scratch: Vec<u8>,
}

impl Feeder {
    pub(super) fn new(content_source: Arc<dyn ContentSource>, tells_about: bool) -> Self {
        Self { content_source, tells_about, open: Vec::new(), scratch: Vec::new() }
    }

    /// Answers this request, and as many of the waiting ones as fit together.
    pub(super) fn fill(&mut self, first: Request, inbox: &Inbox, piece: &mut Piece) {
        piece.clear();
        self.answer(first, piece);
        while !piece.is_due()
            && let Some(next) = inbox.next()
        {
            self.answer(next, piece);
        }
    }

    /// Lets go of everything: a file that is kept open would keep a drive from being unplugged.
    pub(super) fn rest(&mut self) {
        self.open.clear();
        self.scratch = Vec::new();
    }

    fn answer(&mut self, request: Request, piece: &mut Piece) {
        let result = match request {
            Request::Read { id, content, block } => self.read(id, content, block, piece),
            Request::List { id, content } => self.list(id, content, piece),
            // Never in the inbox.
            Request::Cancel { .. } => return,
        };
        if let (Err(why), Some(content)) = (result, request.content()) {
            piece.answers.extend(Answer::Refused { id: request.id(), why }.encode());
            piece.answered.push(Answered { content, block: None, bytes: 0 });
        }
    }

    fn read(&mut self, id: u32, content: Content, block: u32, piece: &mut Piece) -> Result<(), PeerRefusal> {
        let is_small = content.geometry().bytes_of(block).ok_or(PeerRefusal::BadRequest)? <= SMALL_BYTES;
        let mut buffer = std::mem::take(if is_small { &mut self.scratch } else { &mut piece.body });
        let result = self.read_block(content, block, &mut buffer);
        if result.is_ok() {
            let bytes = u32::try_from(buffer.len()).map_err(|_too_long| PeerRefusal::BadRequest)?;
            if content.geometry().blocks() == 1 {
                self.tell_about(id, content, piece);
            }
            piece.answers.extend(Answer::Data { id, bytes }.encode());
            piece.answered.push(Answered { content, block: Some(block), bytes: u64::from(bytes) });
        }
        if is_small {
            if result.is_ok() {
                piece.answers.extend_from_slice(&buffer);
            }
            self.scratch = buffer;
        } else {
            piece.has_body = result.is_ok();
            piece.body = buffer;
        }
        result
    }

    fn read_block(&mut self, content: Content, block: u32, buffer: &mut Vec<u8>) -> Result<(), PeerRefusal> {
        if content.geometry().block_bytes() > BLOCK_BYTES_MAX {
            return Err(PeerRefusal::BadRequest);
        }
        let result = self.opened(content)?.read_block(block, buffer);
        if result.is_err() {
            // What it is now is to be found out anew.
            self.open.retain(|(open, _)| *open != content);
        }
        result
    }

    fn list(&mut self, id: u32, content: Content, piece: &mut Piece) -> Result<(), PeerRefusal> {
        if content.geometry().blocks() == 1 {
            return Err(PeerRefusal::BadRequest);
        }
        let list = self.opened(content)?.block_list().clone();
        let bytes = u32::try_from(content.list_bytes()).map_err(|_too_long| PeerRefusal::BadRequest)?;
        self.tell_about(id, content, piece);
        piece.answers.extend(Answer::List { id, bytes }.encode());
        piece.answers.extend_from_slice(list.as_slice().as_flattened());
        piece.answered.push(Answered { content, block: None, bytes: u64::from(bytes) });
        Ok(())
    }

    /// Before the first answer about a file that is open: what its owner knows of it besides.
    fn tell_about(&self, id: u32, content: Content, piece: &mut Piece) {
        let open = self.open.iter().find(|(open, _)| *open == content);
        if let Some(about) = open.filter(|_| self.tells_about).and_then(|(_, open)| open.about()) {
            piece.answers.extend(about.encode(id));
        }
    }

    fn opened(&mut self, content: Content) -> Result<&dyn OpenContent, PeerRefusal> {
        let at = match self.open.iter().position(|(open, _)| *open == content) {
            Some(at) => at,
            None => {
                let opened = self.content_source.find(&content).ok_or(PeerRefusal::NotShared)?.open()?;
                if self.open.len() >= OPEN_MAX {
                    self.open.remove(0);
                }
                self.open.push((content, opened));
                self.open.len() - 1
            }
        };
        Ok(self.open[at].1.as_ref())
    }
}
