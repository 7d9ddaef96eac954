//! A few shares that follow each other in the order of lists, packed together: what is copied when one of them changes
//! while a list is running, and what a search looks through at once.

use std::cmp::Ordering;

use bytes::BytesMut;

use crate::model::hash::ContentHash;
use crate::model::limits;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::grid::Term;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::query;
use crate::tracker::catalog::{Content, OwnerId};

/// Most shares of one leaf. More of them make the index smaller and each look slower. A [`Mask`] has a bit for each.
pub(super) const LEAF_SHARES_MAX: usize = 24;
/// Most bytes of paths of one leaf, so that very long names do not make it slow to change.
const LEAF_BYTES_MAX: usize = 4096;
const _: () = assert!(LEAF_BYTES_MAX > 3 * (limits::PATH_BYTES_MAX + 1), "a full leaf can be split");
const _: () = assert!(LEAF_BYTES_MAX <= u16::MAX as usize, "an end within a leaf is a u16");

/// Some shares of a leaf: bit `i` is the `i`th of them.
pub(super) type Mask = u32;
const _: () = assert!(LEAF_SHARES_MAX < Mask::BITS as usize);

/// The place of a share in the order of lists. The last part tells apart what has one path and one name, which the
/// session machine does not let happen for long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) owner: OwnerId,
}

/// Shares in order. Never empty while it is in the catalog.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaf {
    heads: Vec<Head>,
    /// The paths, each with an LF behind it, which no path contains.
    text: Vec<u8>,
    /// The same by [`query::push_key`]; empty if all paths are ASCII, whose keys are quickly made.
    keys: Vec<u8>,
}

/// All that is known of a share but its path, which ends (with its LF) at `end` of the text.
#[derive(Debug, Clone, Copy)]
struct Head {
    hash: [u8; 32],
    size: u64,
    owner: OwnerId,
    end: u16,
    has_hash: bool,
    has_size: bool,
}

impl Head {
    fn new(owner: OwnerId, content: Content) -> Self {
        Self {
            hash: content.hash.map_or([0; 32], |hash| *hash.as_bytes()),
            size: content.size.unwrap_or(0),
            owner,
            end: 0,
            has_hash: content.hash.is_some(),
            has_size: content.size.is_some(),
        }
    }

    fn content(&self) -> Content {
        Content {
            size: self.has_size.then_some(self.size),
            hash: self.has_hash.then_some(ContentHash::from_bytes(self.hash)),
        }
    }
}

impl Leaf {
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Bytes of all paths, an LF each.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Every share of this leaf.
    pub(super) fn all(&self) -> Mask {
        (1 << self.len()) - 1
    }

    pub(super) fn path(&self, at: usize) -> &str {
        let path = &self.text[self.start(at)..self.end(at) - 1];
        std::str::from_utf8(path).expect("written from a share path")
    }

    /// The cursor that goes on behind this share.
    pub(super) fn cursor(&self, at: usize, owners: &Owners) -> Cursor {
        Cursor { path: self.path(at).to_owned(), username: owners.name(self.owner(at)).to_owned() }
    }

    /// Where this share is in the order of lists.
    pub(super) fn key<'a>(&'a self, at: usize, owners: &'a Owners) -> Key<'a> {
        let owner = self.owner(at);
        Key { path: self.path(at), name: owners.name(owner), owner }
    }

    pub(super) fn owner(&self, at: usize) -> OwnerId {
        self.heads[at].owner
    }

    pub(super) fn content(&self, at: usize) -> Content {
        self.heads[at].content()
    }

    /// The shares of one owner.
    pub(super) fn of_owner(&self, owner: OwnerId) -> Mask {
        self.matching(|head| head.owner == owner)
    }

    /// The shares of one content.
    pub(super) fn of_hash(&self, hash: &ContentHash) -> Mask {
        self.matching(|head| head.hash == *hash.as_bytes() && head.has_hash)
    }

    fn matching(&self, matches: impl Fn(&Head) -> bool) -> Mask {
        self.heads.iter().enumerate().fold(0, |mask, (at, head)| mask | Mask::from(matches(head)) << at)
    }

    /// The owners and hashes of all shares.
    pub(super) fn values(&self) -> impl Iterator<Item = Term> {
        self.heads.iter().flat_map(|head| values(head.owner, head.content()))
    }

    /// The search keys of all paths in order, an LF behind each. `scratch` is where they are made if need be.
    pub(super) fn keys<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.keys.is_empty() {
            return &self.keys;
        }
        scratch.clear();
        scratch.extend(self.text.iter().map(u8::to_ascii_lowercase));
        scratch
    }

    /// Where a share is, or where it belongs.
    pub(super) fn find(&self, key: &Key<'_>, owners: &Owners) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.compare(middle, key, owners) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// How the share at this place stands to a key.
    pub(super) fn compare(&self, at: usize, key: &Key<'_>, owners: &Owners) -> Ordering {
        let path = &self.text[self.start(at)..self.end(at) - 1];
        path.cmp(key.path.as_bytes())
            .then_with(|| owners.name(self.owner(at)).cmp(key.name))
            .then_with(|| self.owner(at).cmp(&key.owner))
    }

    /// Whether a share with a path of this length needs a leaf of its own or a split.
    pub(super) fn is_full_for(&self, path_bytes: usize) -> bool {
        self.len() >= LEAF_SHARES_MAX || self.text.len() + path_bytes + 1 > LEAF_BYTES_MAX
    }

    /// Puts a share at its place.
    pub(super) fn insert(&mut self, at: usize, path: &str, owner: OwnerId, content: Content) {
        let start = self.start(at);
        if !path.is_ascii() && self.keys.is_empty() {
            let mut scratch = Vec::new();
            self.keys = self.keys(&mut scratch).to_vec();
        }
        if !path.is_ascii() || !self.keys.is_empty() {
            let mut key = Vec::with_capacity(path.len() + 1);
            query::push_key(path, &mut key);
            key.push(b'\n');
            let key_start = self.key_start(at);
            open_gap(&mut self.keys, key_start, key.len()).copy_from_slice(&key);
        }
        let gap = open_gap(&mut self.text, start, path.len() + 1);
        let (text, lf) = gap.split_at_mut(path.len());
        text.copy_from_slice(path.as_bytes());
        lf.copy_from_slice(b"\n");
        if self.heads.len() == self.heads.capacity() {
            self.heads.reserve_exact(HEADS_STEP);
        }
        self.heads.insert(at, Head::new(owner, content));
        self.set_ends_from(at, start, path.len() + 1);
    }

    /// Gives the share at this place another size and hash.
    pub(super) fn replace(&mut self, at: usize, content: Content) {
        let head = &mut self.heads[at];
        *head = Head { end: head.end, ..Head::new(head.owner, content) };
    }

    pub(super) fn remove(&mut self, at: usize) {
        let (start, end) = (self.start(at), self.end(at));
        if !self.keys.is_empty() {
            let (key_start, key_end) = (self.key_start(at), self.key_start(at + 1));
            self.keys.drain(key_start..key_end);
        }
        self.text.drain(start..end);
        self.heads.remove(at);
        for head in &mut self.heads[at..] {
            head.end -= end_of(end - start);
        }
    }

    /// A copy with only these shares, and no room to spare.
    pub(super) fn only(&self, mask: Mask) -> Self {
        let mut copy = Self::default();
        let kept = (0..self.len()).filter(|at| mask & 1 << at != 0);
        copy.heads.reserve_exact(kept.clone().count());
        copy.text.reserve_exact(kept.clone().map(|at| self.end(at) - self.start(at)).sum());
        for at in kept {
            copy.text.extend_from_slice(&self.text[self.start(at)..self.end(at)]);
            copy.heads.push(Head { end: end_of(copy.text.len()), ..self.heads[at] });
        }
        if !copy.text.is_ascii() {
            for (at, key) in self.keys.split_inclusive(|byte| *byte == b'\n').enumerate() {
                if mask & 1 << at != 0 {
                    copy.keys.extend_from_slice(key);
                }
            }
        }
        copy
    }

    /// Whether both fit into one leaf and leave it room to grow.
    pub(super) fn can_take(&self, next: &Self) -> bool {
        self.len() + next.len() <= LEAF_SHARES_MAX * 3 / 4
            && self.text.len() + next.text.len() <= LEAF_BYTES_MAX * 3 / 4
    }

    /// Takes over the shares of the leaf behind this one.
    pub(super) fn append(&mut self, next: &Self) {
        if !self.keys.is_empty() || !next.keys.is_empty() {
            let mut scratch = Vec::new();
            let mut keys = self.keys(&mut scratch).to_vec();
            keys.extend_from_slice(next.keys(&mut scratch));
            self.keys = keys;
        }
        let offset = end_of(self.text.len());
        self.text.reserve_exact(next.text.len());
        self.text.extend_from_slice(&next.text);
        self.heads.reserve_exact(next.heads.len());
        self.heads.extend(next.heads.iter().map(|head| Head { end: head.end + offset, ..*head }));
    }

    /// Writes one line of a list, as [`FileLine`](crate::protocol::reply::FileLine) prints it, and its LF.
    pub(super) fn write_line(&self, at: usize, owners: &Owners, out: &mut BytesMut) {
        let head = &self.heads[at];
        out.extend_from_slice(owners.name(head.owner).as_bytes());
        out.extend_from_slice(b" ");
        if head.has_size {
            let mut digits = [0; 20];
            out.extend_from_slice(decimal(head.size, &mut digits));
        } else {
            out.extend_from_slice(b"-");
        }
        if head.has_hash {
            let mut hex = [b' '; 66];
            data_encoding::HEXLOWER.encode_mut(&head.hash, &mut hex[1..65]);
            out.extend_from_slice(&hex);
        } else {
            out.extend_from_slice(b" - ");
        }
        out.extend_from_slice(&self.text[self.start(at)..self.end(at)]);
    }

    /// Checks what the parts promise each other.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, owners: &Owners) {
        assert!((1..=LEAF_SHARES_MAX).contains(&self.len()) && self.text.len() <= LEAF_BYTES_MAX);
        let paths: Vec<_> = (0..self.len()).map(|at| self.path(at)).collect();
        assert_eq!(self.text, format!("{}\n", paths.join("\n")).into_bytes());
        let mut keys = Vec::new();
        for path in &paths {
            query::push_key(path, &mut keys);
            keys.push(b'\n');
        }
        assert_eq!(self.keys(&mut Vec::new()), keys);
        for at in 1..self.len() {
            assert_eq!(self.compare(at - 1, &self.key(at, owners), owners), Ordering::Less);
        }
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.end(before))
    }

    fn end(&self, at: usize) -> usize {
        usize::from(self.heads[at].end)
    }

    fn key_start(&self, at: usize) -> usize {
        match at.checked_sub(1) {
            None => 0,
            Some(before) => memchr::memchr_iter(b'\n', &self.keys).nth(before).map_or(self.keys.len(), |lf| lf + 1),
        }
    }

    fn set_ends_from(&mut self, at: usize, start: usize, added: usize) {
        self.heads[at].end = end_of(start + added);
        for head in &mut self.heads[at + 1..] {
            head.end += end_of(added);
        }
    }
}

/// What a share is found by besides its path.
pub(super) fn values(owner: OwnerId, content: Content) -> impl Iterator<Item = Term> {
    content.hash.as_ref().map(Term::hash).into_iter().chain([Term::owner(owner)])
}

/// By how many shares the room of a leaf grows, and by how many bytes its text: room that is not used is small beside
/// what is.
const HEADS_STEP: usize = 2;
const TEXT_STEP: usize = 64;

/// Makes room in the middle; returns it.
fn open_gap(bytes: &mut Vec<u8>, at: usize, gap: usize) -> &mut [u8] {
    let old_len = bytes.len();
    let len = old_len + gap;
    if len > bytes.capacity() {
        bytes.reserve_exact(len.next_multiple_of(TEXT_STEP) - old_len);
    }
    bytes.resize(len, 0);
    bytes.copy_within(at..old_len, at + gap);
    &mut bytes[at..at + gap]
}

fn end_of(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("the text of a leaf is shorter than 64 KiB")
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
