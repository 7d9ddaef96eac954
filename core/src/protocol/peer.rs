//! The wire between two peers: fixed binary frames, integers big-endian. See `docs/protocol.md`, "Between peers".
//!
//! ```text
//! request = kind:u8 id:u32 block:u32 size:u64 hash:[u8;32]                49 bytes
//! answer  = kind:u8 id:u32 value:u32, then `value` bytes if it is data or a list
//! ```
//! A request names content, its hash and size, and never a path. Every `Read` and `List` gets exactly one answer, in
//! any order. This module knows frames; which answer fits which request is known to whoever asked.

use crate::model::geometry::Geometry;
use crate::model::hash::ContentHash;

/// The protocol and its version, agreed on in the TLS handshake (ALPN).
pub const ALPN: &[u8] = b"potok-peer/1";
/// The same protocol, in which a server tells [about files](crate::protocol::about) besides. Whoever knows it offers the older ones
/// as well.
pub const ALPN_ABOUT: &[u8] = b"potok-peer/1+about";
/// The same, in which both sides tell besides [how they reached each other](crate::protocol::reached).
pub const ALPN_REACHED: &[u8] = b"potok-peer/1+reached";
/// Length of a request in bytes.
pub const REQUEST_BYTES: usize = 1 + 4 + 4 + 8 + 32;
/// Length of an answer in bytes, without the data behind it.
pub const ANSWER_BYTES: usize = 1 + 4 + 4;
/// Largest block that is moved in one piece. It holds up to [`FILE_BYTES_MAX`].
pub const BLOCK_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Largest file that peers move: the block doubles with the size, and a block must fit into one frame.
pub const FILE_BYTES_MAX: u64 = BLOCK_BYTES_MAX * Geometry::LIST_BLOCKS_MAX;
/// Longest list of block hashes, in bytes.
pub const LIST_BYTES_MAX: u64 = HASH_BYTES * Geometry::LIST_BLOCKS_MAX;
/// Requests of one connection that are not answered yet; a peer stops reading beyond it.
pub const OPEN_REQUESTS_MAX: usize = 1000;
/// One entry of a list, in bytes.
pub const HASH_BYTES: u64 = 32;

/// Some content as its announcement names it. The hash alone does not say the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content {
    /// The hash of the whole content, by which it is found among what is shared.
    pub hash: ContentHash,
    /// Its length in bytes, at most [`FILE_BYTES_MAX`].
    pub size: u64,
}

impl Content {
    /// How it is cut into blocks.
    pub fn geometry(&self) -> Geometry {
        Geometry::of(self.size)
    }

    /// The length of its list of block hashes in bytes.
    pub fn list_bytes(&self) -> u64 {
        HASH_BYTES * u64::from(self.geometry().blocks())
    }
}

/// What a downloader says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Asks for the bytes of one block.
    Read {
        /// Chosen by the asker; not the number of a request that has no answer yet.
        id: u32,
        /// The content that the block is of.
        content: Content,
        /// The number of the block, counted from 0.
        block: u32,
    },
    /// The hashes of all blocks, please. Only for content of more than one block.
    List {
        /// As in [`Request::Read`].
        id: u32,
        /// The content whose block hashes are wanted.
        content: Content,
    },
    /// The answer to this request is of no use any more. If it has none yet, it is [`PeerRefusal::Cancelled`].
    Cancel {
        /// Of an earlier request.
        id: u32,
    },
}

/// What an uploader says, without the bytes that follow [`Answer::Data`] and [`Answer::List`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `bytes` bytes of a block follow.
    Data {
        /// The number of the request that is answered.
        id: u32,
        /// The length of the block.
        bytes: u32,
    },
    /// `bytes` bytes of block hashes follow.
    List {
        /// The number of the request that is answered.
        id: u32,
        /// The length of the list that follows: 32 bytes a block.
        bytes: u32,
    },
    /// There is no other answer to this request.
    Refused {
        /// The number of the request that is answered.
        id: u32,
        /// The reason, which says whether it is worth asking again.
        why: PeerRefusal,
    },
    /// All upload slots are taken; this connection's requests wait. Repeated at least every 15 seconds.
    Queued {
        /// The place in the queue; 1 is served next.
        place: u32,
    },
    /// The wait is over.
    Granted,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PeerRefusal {
    /// Not shared, unshared a moment ago, or never existed: one and the same answer.
    #[error("not shared")]
    NotShared,
    /// The file is no longer what was announced.
    #[error("the file changed")]
    Changed,
    /// Not now; try again later.
    #[error("busy")]
    Busy,
    /// No such block, or a list of a file that has none.
    #[error("bad request")]
    BadRequest,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Internal,
    /// It was cancelled before it was answered.
    #[error("cancelled")]
    Cancelled,
}

/// Bytes that are no frame of this protocol: the connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the peer protocol")]
pub struct BadFrame;

const READ_KIND: u8 = 1;
const LIST_KIND: u8 = 2;
const CANCEL_KIND: u8 = 3;

const DATA_KIND: u8 = 1;
const REFUSED_KIND: u8 = 3;
const QUEUED_KIND: u8 = 4;
const GRANTED_KIND: u8 = 5;

impl Request {
    /// The number that its answer repeats.
    pub fn id(&self) -> u32 {
        match *self {
            Self::Read { id, .. } | Self::List { id, .. } | Self::Cancel { id } => id,
        }
    }

    /// What it asks for; a `Cancel` names none.
    pub fn content(&self) -> Option<Content> {
        match *self {
            Self::Read { content, .. } | Self::List { content, .. } => Some(content),
            Self::Cancel { .. } => None,
        }
    }

    /// The request as it is sent: a frame of a fixed length.
    pub fn encode(&self) -> [u8; REQUEST_BYTES] {
        let nothing = Content { hash: ContentHash::from_bytes([0; 32]), size: 0 };
        let (kind, id, block, content) = match *self {
            Self::Read { id, content, block } => (READ_KIND, id, block, content),
            Self::List { id, content } => (LIST_KIND, id, 0, content),
            Self::Cancel { id } => (CANCEL_KIND, id, 0, nothing),
        };
        let mut frame = [0; REQUEST_BYTES];
        frame[0] = kind;
        frame[1..5].copy_from_slice(&id.to_be_bytes());
        frame[5..9].copy_from_slice(&block.to_be_bytes());
        frame[9..17].copy_from_slice(&content.size.to_be_bytes());
        frame[17..].copy_from_slice(content.hash.as_bytes());
        frame
    }

    /// Reads a frame. Fields that a kind does not use are zero, so that a frame has one spelling.
    pub fn decode(frame: &[u8; REQUEST_BYTES]) -> Result<Self, BadFrame> {
        let id = u32_at(frame, 1);
        let block = u32_at(frame, 5);
        let mut size = [0; 8];
        size.copy_from_slice(&frame[9..17]);
        let mut hash = [0; 32];
        hash.copy_from_slice(&frame[17..]);
        let content = Content { hash: ContentHash::from_bytes(hash), size: u64::from_be_bytes(size) };
        if content.size > FILE_BYTES_MAX {
            return Err(BadFrame);
        }
        match frame[0] {
            READ_KIND => Ok(Self::Read { id, content, block }),
            LIST_KIND if block == 0 => Ok(Self::List { id, content }),
            CANCEL_KIND if block == 0 && content.size == 0 && hash == [0; 32] => Ok(Self::Cancel { id }),
            _ => Err(BadFrame),
        }
    }
}

impl Answer {
    /// The frame, without the data behind it.
    pub fn encode(&self) -> [u8; ANSWER_BYTES] {
        let (kind, id, value) = match *self {
            Self::Data { id, bytes } => (DATA_KIND, id, bytes),
            Self::List { id, bytes } => (LIST_KIND, id, bytes),
            Self::Refused { id, why } => (REFUSED_KIND, id, why.code()),
            Self::Queued { place } => (QUEUED_KIND, 0, place),
            Self::Granted => (GRANTED_KIND, 0, 0),
        };
        let mut frame = [0; ANSWER_BYTES];
        frame[0] = kind;
        frame[1..5].copy_from_slice(&id.to_be_bytes());
        frame[5..].copy_from_slice(&value.to_be_bytes());
        frame
    }

    /// Reads a frame. Lengths beyond any block or list are refused here, before anything is set aside for them.
    pub fn decode(frame: &[u8; ANSWER_BYTES]) -> Result<Self, BadFrame> {
        let id = u32_at(frame, 1);
        let value = u32_at(frame, 5);
        match (frame[0], id) {
            (DATA_KIND, _) if u64::from(value) <= BLOCK_BYTES_MAX => Ok(Self::Data { id, bytes: value }),
            (LIST_KIND, _) if u64::from(value) <= LIST_BYTES_MAX && u64::from(value) % HASH_BYTES == 0 => {
                Ok(Self::List { id, bytes: value })
            }
            (REFUSED_KIND, _) => Ok(Self::Refused { id, why: PeerRefusal::from_code(value).ok_or(BadFrame)? }),
            (QUEUED_KIND, 0) if value > 0 => Ok(Self::Queued { place: value }),
            (GRANTED_KIND, 0) if value == 0 => Ok(Self::Granted),
            _ => Err(BadFrame),
        }
    }
}

impl PeerRefusal {
    const ALL: [Self; 6] =
        [Self::NotShared, Self::Changed, Self::Busy, Self::BadRequest, Self::Internal, Self::Cancelled];

    fn code(self) -> u32 {
        match self {
            Self::NotShared => 1,
            Self::Changed => 2,
            Self::Busy => 3,
            Self::BadRequest => 4,
            Self::Internal => 5,
            Self::Cancelled => 6,
        }
    }

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}

fn u32_at(frame: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&frame[at..at + 4]);
    u32::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vectors;

    fn any_content() -> impl Strategy<Value = Content> {
        (any::<[u8; 32]>(), 0..=FILE_BYTES_MAX)
            .prop_map(|(hash, size)| Content { hash: ContentHash::from_bytes(hash), size })
    }

    fn any_request() -> impl Strategy<Value = Request> {
        prop_oneof![
            (any::<u32>(), any_content(), any::<u32>()).prop_map(|(id, content, block)| Request::Read {
                id,
                content,
                block
            }),
            (any::<u32>(), any_content()).prop_map(|(id, content)| Request::List { id, content }),
            any::<u32>().prop_map(|id| Request::Cancel { id }),
        ]
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let blocks = u32::try_from(Geometry::LIST_BLOCKS_MAX).expect("2^20");
        let bytes = u32::try_from(BLOCK_BYTES_MAX).expect("4 MiB");
        prop_oneof![
            (any::<u32>(), 0..=bytes).prop_map(|(id, bytes)| Answer::Data { id, bytes }),
            (any::<u32>(), 0..=blocks).prop_map(|(id, blocks)| Answer::List { id, bytes: blocks * 32 }),
            (any::<u32>(), 0..6usize).prop_map(|(id, n)| Answer::Refused { id, why: PeerRefusal::ALL[n] }),
            (1..=u32::MAX).prop_map(|place| Answer::Queued { place }),
            Just(Answer::Granted),
        ]
    }

    proptest! {
        #[test]
        fn requests_come_back(request in any_request()) {
            prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
        }

        #[test]
        fn answers_come_back(answer in any_answer()) {
            prop_assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }

        /// What is accepted has one spelling, and no length beyond the bounds gets through.
        #[test]
        fn any_bytes_are_a_frame_or_refused(request in any::<[u8; REQUEST_BYTES]>(), mut answer in any::<[u8; 9]>()) {
            if let Ok(read) = Request::decode(&request) {
                prop_assert_eq!(read.encode(), request);
            }
            answer[0] %= 7;
            if let Ok(read) = Answer::decode(&answer) {
                prop_assert_eq!(read.encode(), answer);
                match read {
                    Answer::Data { bytes, .. } => prop_assert!(u64::from(bytes) <= BLOCK_BYTES_MAX),
                    Answer::List { bytes, .. } => prop_assert!(u64::from(bytes) <= LIST_BYTES_MAX),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn every_frame_of_the_vectors_is_read_as_it_stands_there() {
        for row in vectors::rows(include_str!("../../../tests/vectors/frames.tsv")) {
            let hex = data_encoding::HEXLOWER.decode(row.bytes(2)).expect("hex");
            let found = if row.text(0) == "request" {
                let frame = hex.as_slice().try_into().expect("49 bytes");
                Request::decode(frame).map_or("bad", |request| match request {
                    Request::Read { .. } => "read",
                    Request::List { .. } => "list",
                    Request::Cancel { .. } => "cancel",
                })
            } else {
                let frame = hex.as_slice().try_into().expect("9 bytes");
                Answer::decode(frame).map_or("bad", |answer| match answer {
                    Answer::Data { .. } => "data",
                    Answer::List { .. } => "list",
                    Answer::Refused { .. } => "refused",
                    Answer::Queued { .. } => "queued",
                    Answer::Granted => "granted",
                })
            };
            assert_eq!(found, row.text(1), "{}: {}", row.text(3), row.text(2));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let content = Content { hash: ContentHash::from_bytes([0xab; 32]), size: 0x0102_0304 };
        let mut frame = vec![1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3, 4];
        frame.extend_from_slice(&[0xab; 32]);
        assert_eq!(Request::Read { id: 7, content, block: 3 }.encode().as_slice(), frame);
        assert_eq!(Answer::Data { id: 7, bytes: 256 * 1024 }.encode(), [1, 0, 0, 0, 7, 0, 4, 0, 0]);
        assert_eq!(Answer::Refused { id: 7, why: PeerRefusal::NotShared }.encode(), [3, 0, 0, 0, 7, 0, 0, 0, 1]);
        assert_eq!(Answer::Queued { place: 2 }.encode(), [4, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn every_file_up_to_the_largest_has_blocks_that_fit_a_frame() {
        for size in [0, 1, 256 << 30, FILE_BYTES_MAX - 1, FILE_BYTES_MAX] {
            let content = Content { hash: ContentHash::from_bytes([0; 32]), size };
            assert!(content.geometry().block_bytes() <= BLOCK_BYTES_MAX);
            assert!(content.list_bytes() <= LIST_BYTES_MAX);
        }
        assert!(Geometry::of(FILE_BYTES_MAX + 1).block_bytes() > BLOCK_BYTES_MAX);
    }
}
