//! A few shares that follow each other in the order of lists, packed together: what is copied when one of them changes
//! while a list is running, and what a search looks through at once.

use std::cmp::Ordering;

use bytes::BytesMut;

use crate::model::file_kind::FileKind;
use crate::model::hash::ContentHash;
use crate::model::limits;
#[cfg(test)]
use crate::model::search_key::push_key;
use crate::model::share_path::SharePath;
use crate::protocol::page::Cursor;
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::sum::{LeafSum, ShareSum};
use crate::tracker::catalog::term::Term;
use crate::tracker::catalog::{OwnerId, ShareContent};

/// Most shares of one leaf. More of them make the index smaller and each look slower. A [`Mask`] has a bit for each.
pub(super) const LEAF_SHARES_MAX: usize = 30;
/// Most bytes of paths of one leaf, so that very long names do not make it slow to change.
const LEAF_BYTES_MAX: usize = 4096;
const _: () = assert!(LEAF_BYTES_MAX > 3 * (limits::PATH_BYTES_MAX + 1), "a full leaf can be split");
const _: () = assert!(LEAF_BYTES_MAX <= u16::MAX as usize, "an end within a leaf is a u16");

/// So many bytes are fetched from memory together.
const CACHE_LINE_BYTES: usize = 64;

/// Some shares of a leaf: bit `i` is the `i`th of them.
pub(super) type Mask = u32;
const _: () = assert!(LEAF_SHARES_MAX < Mask::BITS as usize, "a bit for each and one to shift");

/// The place of a share in the order of lists. The last part tells apart what has one path and one name, which the
/// session machine does not let happen for long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) owner: OwnerId,
}

/// A share on its way into the catalog.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewShare<'a> {
    pub(super) path: &'a str,
    /// The search key of the path.
    pub(super) search_key: &'a [u8],
    pub(super) owner: OwnerId,
    pub(super) content: ShareContent,
}

impl NewShare<'_> {
    /// What it is found by besides its path.
    pub(super) fn values(&self) -> impl Iterator<Item = Term> {
        values(self.owner, self.content)
    }

    pub(super) fn owner_term(&self) -> Term {
        Term::owner(self.owner)
    }

    pub(super) fn hash_term(&self) -> Option<Term> {
        self.content.hash.as_ref().map(Term::hash)
    }
}

/// Shares in order. Never empty while it is in the catalog.
///
/// A share that comes is put behind the others, in a slot, and only its place in `order` is among them: most of the time
/// that a change takes is fetching from memory, and so it fetches little.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaf {
    heads: Vec<PackedShare>,
    /// The paths, each with an LF behind it, which no path contains.
    text: Vec<u8>,
    /// The same by [`push_key`](crate::model::search_key::push_key); empty if all paths are ASCII, whose keys are quickly made.
    keys: Vec<u8>,
    /// The slot of each place.
    order: [u8; LEAF_SHARES_MAX],
    /// Where the path of each slot ends in the text, with its LF.
    ends: [u16; LEAF_SHARES_MAX],
}

/// All that is known of a share but its path, without a byte between.
#[derive(Debug, Clone, Copy)]
struct PackedShare {
    hash: [u8; 32],
    size: [u8; 8],
    /// The owner, and in the two highest bits whether there are a hash and a size.
    owner: u32,
}

const HAS_HASH: u32 = 1 << 31;
const HAS_SIZE: u32 = 1 << 30;

impl PackedShare {
    fn new(owner: OwnerId, content: ShareContent) -> Self {
        let has_hash = if content.hash.is_some() { HAS_HASH } else { 0 };
        let has_size = if content.size.is_some() { HAS_SIZE } else { 0 };
        Self {
            hash: content.hash.map_or([0; 32], |hash| *hash.as_bytes()),
            size: content.size.unwrap_or(0).to_le_bytes(),
            owner: owner.0 | has_hash | has_size,
        }
    }

    fn owner(&self) -> OwnerId {
        OwnerId(self.owner & !(HAS_HASH | HAS_SIZE))
    }

    fn size(&self) -> Option<u64> {
        (self.owner & HAS_SIZE != 0).then(|| u64::from_le_bytes(self.size))
    }

    fn hash(&self) -> Option<&[u8; 32]> {
        (self.owner & HAS_HASH != 0).then_some(&self.hash)
    }

    fn content(&self) -> ShareContent {
        ShareContent { size: self.size(), hash: self.hash().copied().map(ContentHash::from_bytes) }
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
        std::str::from_utf8(self.path_bytes(at)).expect("written from a share path")
    }

    /// The cursor that goes on behind this share.
    pub(super) fn cursor(&self, at: usize, names: &OwnerNames) -> Cursor {
        Cursor { path: self.path(at).to_owned(), username: names.get(self.owner(at)).to_owned() }
    }

    /// Where this share is in the order of lists.
    pub(super) fn key<'a>(&'a self, at: usize, owners: &'a Owners) -> Key<'a> {
        let owner = self.owner(at);
        Key { path: self.path(at), name: owners.name(owner), owner }
    }

    pub(super) fn owner(&self, at: usize) -> OwnerId {
        self.heads[self.slot(at)].owner()
    }

    pub(super) fn content(&self, at: usize) -> ShareContent {
        self.heads[self.slot(at)].content()
    }

    /// The shares of one owner.
    pub(super) fn of_owner(&self, owner: OwnerId) -> Mask {
        self.of_slots(self.slots_where(|head| head.owner() == owner))
    }

    /// The shares of one content.
    pub(super) fn of_hash(&self, hash: &ContentHash) -> Mask {
        self.of_slots(self.slots_where(|head| head.hash() == Some(hash.as_bytes())))
    }

    /// The shares with a size of at least so many bytes.
    pub(super) fn of_size(&self, min: u64) -> Mask {
        self.of_slots(self.slots_where(|head| head.size().is_some_and(|size| size >= min)))
    }

    /// Those of some shares that are of a kind.
    pub(super) fn of_kind(&self, kind: FileKind, some: Mask) -> Mask {
        self.some_where(some, |at| FileKind::of(self.path(at)) == kind)
    }

    /// Those of some shares that are below a folder.
    pub(super) fn below(&self, folder: &SharePath, some: Mask) -> Mask {
        let folder = folder.as_str().as_bytes();
        let is_below = |at| self.path_bytes(at).strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'));
        // They are in order: if the first and the last are, all are.
        if is_below(0) && is_below(self.len() - 1) { some } else { self.some_where(some, is_below) }
    }

    /// What all shares are together.
    pub(super) fn sum(&self) -> LeafSum {
        let mut sum = LeafSum::default();
        self.heads.iter().for_each(|head| sum.add(head.owner(), head.size()));
        sum
    }

    /// Adds some shares up.
    pub(super) fn add_some(&self, sum: &mut ShareSum, some: Mask) {
        let slots = (0..self.len()).filter(|at| some >> at & 1 != 0).map(|at| self.slot(at));
        slots.map(|slot| &self.heads[slot]).for_each(|head| sum.add(head.owner(), head.size()));
    }

    /// The owners and hashes of all shares.
    pub(super) fn values(&self) -> impl Iterator<Item = Term> {
        self.heads.iter().flat_map(|head| values(head.owner(), head.content()))
    }

    /// The search keys of all paths by their slots, an LF behind each. `scratch` is where they are made if need be.
    pub(super) fn keys<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.keys.is_empty() {
            return &self.keys;
        }
        scratch.clear();
        scratch.extend(self.text.iter().map(u8::to_ascii_lowercase));
        scratch
    }

    /// Has the processor fetch the text, which [`keys`](Self::keys) will need.
    pub(super) fn fetch(&self) {
        std::hint::black_box(self.text.first().copied().unwrap_or(0) ^ self.text[self.text.len() / 2]);
    }

    /// Has the processor fetch what tells where the rest is: the first half of [`fetch_all`](Self::fetch_all), to be done
    /// for many leaves before that.
    pub(super) fn fetch_self(&self) {
        let last = LEAF_SHARES_MAX - 1;
        std::hint::black_box(self.text.len() ^ self.heads.len() ^ usize::from(self.order[last]) ^ self.end(last));
    }

    /// Has the processor fetch what finding a place and putting a share there will need.
    pub(super) fn fetch_all(&self) {
        let text = self.text.iter().step_by(CACHE_LINE_BYTES).fold(0, |all, byte| all ^ byte);
        std::hint::black_box((text, self.heads.last()));
    }

    /// The places of the shares in these slots.
    pub(super) fn of_slots(&self, slots: Mask) -> Mask {
        if slots == 0 {
            return 0;
        }
        let order = self.order[..self.len()].iter().enumerate();
        order.fold(0, |mask, (at, slot)| mask | (slots >> slot & 1) << at)
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

    /// How many bytes of a path that belongs to this place begin the path before or behind it, too.
    pub(super) fn known_bytes(&self, at: usize, path: &str) -> usize {
        let shares = at.saturating_sub(1)..self.len().min(at + 1);
        shares.map(|near| common_bytes(self.path_bytes(near), path.as_bytes())).max().unwrap_or(0)
    }

    /// How the share at this place stands to a key.
    pub(super) fn compare(&self, at: usize, key: &Key<'_>, owners: &Owners) -> Ordering {
        let path = self.path_bytes(at).cmp(key.path.as_bytes());
        path.then_with(|| owners.name(self.owner(at)).cmp(key.name)).then_with(|| self.owner(at).cmp(&key.owner))
    }

    /// Whether a share with a path of this length needs a leaf of its own or a split.
    pub(super) fn is_full_for(&self, path_bytes: usize) -> bool {
        self.len() >= LEAF_SHARES_MAX || self.text.len() + path_bytes + 1 > LEAF_BYTES_MAX
    }

    /// Where a full leaf is cut in two: by bytes, as a few very long paths among short ones would leave a half that is as
    /// good as full. Neither half has more than half of the text and half of a path.
    pub(super) fn middle(&self) -> usize {
        let (mut before, mut at) = (0, 0);
        loop {
            let with = before + self.path_bytes(at).len() + 1;
            if 2 * with >= self.text.len() {
                // The path in the middle goes to the smaller side.
                let cut = if before < self.text.len() - with { at + 1 } else { at };
                return cut.clamp(1, self.len() - 1);
            }
            (before, at) = (with, at + 1);
        }
    }

    /// Puts a share at its place.
    pub(super) fn insert(&mut self, at: usize, share: &NewShare<'_>) {
        let (slot, path) = (self.len(), share.path);
        if !path.is_ascii() && self.keys.is_empty() {
            self.keys = self.keys(&mut Vec::new()).to_vec();
        }
        if !path.is_ascii() || !self.keys.is_empty() {
            reserve(&mut self.keys, share.search_key.len() + 1);
            self.keys.extend_from_slice(share.search_key);
            self.keys.push(b'\n');
        }
        reserve(&mut self.text, path.len() + 1);
        self.text.extend_from_slice(path.as_bytes());
        self.text.push(b'\n');
        if slot == self.heads.capacity() {
            self.heads.reserve_exact(HEADS_STEP);
        }
        self.heads.push(PackedShare::new(share.owner, share.content));
        self.ends[slot] = end_of(self.text.len());
        self.order.copy_within(at..slot, at + 1);
        self.order[at] = slot_of(slot);
    }

    /// Gives the share at this place another size and hash.
    pub(super) fn replace(&mut self, at: usize, content: ShareContent) {
        let slot = self.slot(at);
        self.heads[slot] = PackedShare::new(self.heads[slot].owner(), content);
    }

    pub(super) fn remove(&mut self, at: usize) {
        let slot = self.slot(at);
        if !self.keys.is_empty() {
            let key = self.key_start(slot)..self.key_start(slot + 1);
            self.keys.drain(key);
        }
        let (start, end) = (self.start(slot), self.end(slot));
        self.text.drain(start..end);
        self.heads.remove(slot);
        let len = self.len();
        self.ends.copy_within(slot + 1..=len, slot);
        self.ends[slot..len].iter_mut().for_each(|later| *later -= end_of(end - start));
        self.order.copy_within(at + 1..=len, at);
        self.order[..len].iter_mut().filter(|later| usize::from(**later) > slot).for_each(|later| *later -= 1);
    }

    /// A copy with only these shares, in order and with no room to spare.
    pub(super) fn only(&self, mask: Mask) -> Self {
        let mut copy = Self::default();
        let slots = (0..self.len()).filter(|at| mask & 1 << at != 0).map(|at| self.slot(at));
        copy.heads.reserve_exact(slots.clone().count());
        copy.text.reserve_exact(slots.clone().map(|slot| self.end(slot) - self.start(slot)).sum());
        let keys: Vec<_> = self.keys.split_inclusive(|byte| *byte == b'\n').collect();
        for (at, slot) in slots.clone().enumerate() {
            copy.text.extend_from_slice(&self.text[self.start(slot)..self.end(slot)]);
            copy.heads.push(self.heads[slot]);
            copy.order[at] = slot_of(at);
            copy.ends[at] = end_of(copy.text.len());
        }
        if !copy.text.is_ascii() {
            copy.keys = slots.flat_map(|slot| keys[slot]).copied().collect();
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
            let mut keys = self.keys(&mut Vec::new()).to_vec();
            keys.extend_from_slice(next.keys(&mut Vec::new()));
            self.keys = keys;
        }
        let (slots, text_bytes) = (self.len(), self.text.len());
        self.text.reserve_exact(next.text.len());
        self.text.extend_from_slice(&next.text);
        self.heads.reserve_exact(next.heads.len());
        self.heads.extend_from_slice(&next.heads);
        for n in 0..next.len() {
            self.order[slots + n] = slot_of(slots + next.slot(n));
            self.ends[slots + n] = end_of(text_bytes + next.end(n));
        }
    }

    /// Writes one line of a list, as [`FileLine`](crate::protocol::reply::FileLine) prints it, and its LF.
    pub(super) fn write_line(&self, at: usize, names: &OwnerNames, out: &mut BytesMut) {
        let slot = self.slot(at);
        let head = &self.heads[slot];
        out.extend_from_slice(names.get(head.owner()).as_bytes());
        out.extend_from_slice(b" ");
        match head.size() {
            Some(size) => out.extend_from_slice(decimal(size, &mut [0; 20])),
            None => out.extend_from_slice(b"-"),
        }
        match head.hash() {
            Some(hash) => {
                let mut hex = [b' '; 66];
                data_encoding::HEXLOWER.encode_mut(hash, &mut hex[1..65]);
                out.extend_from_slice(&hex);
            }
            None => out.extend_from_slice(b" - "),
        }
        out.extend_from_slice(&self.text[self.start(slot)..self.end(slot)]);
    }

    /// Checks what the parts promise each other.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, owners: &Owners) {
        assert!((1..=LEAF_SHARES_MAX).contains(&self.len()) && self.text.len() <= LEAF_BYTES_MAX);
        let (mut keys, mut bytes) = (Vec::new(), 0);
        for slot in 0..self.len() {
            let at = (0..self.len()).find(|at| self.slot(*at) == slot).expect("every slot has a place");
            push_key(self.path(at), &mut keys);
            keys.push(b'\n');
            bytes += self.path(at).len() + 1;
            assert_eq!((self.end(slot), self.text[bytes - 1]), (bytes, b'\n'));
        }
        assert_eq!(self.text.len(), bytes);
        assert_eq!(self.keys(&mut Vec::new()), keys);
        for at in 1..self.len() {
            assert_eq!(self.compare(at - 1, &self.key(at, owners), owners), Ordering::Less);
        }
    }

    fn slots_where(&self, matches: impl Fn(&PackedShare) -> bool) -> Mask {
        self.heads.iter().enumerate().fold(0, |slots, (slot, head)| slots | Mask::from(matches(head)) << slot)
    }

    fn some_where(&self, some: Mask, matches: impl Fn(usize) -> bool) -> Mask {
        let places = (0..self.len()).filter(|at| some >> at & 1 != 0);
        places.fold(0, |found, at| found | Mask::from(matches(at)) << at)
    }

    fn path_bytes(&self, at: usize) -> &[u8] {
        let slot = self.slot(at);
        &self.text[self.start(slot)..self.end(slot) - 1]
    }

    fn slot(&self, at: usize) -> usize {
        usize::from(self.order[at])
    }

    fn start(&self, slot: usize) -> usize {
        slot.checked_sub(1).map_or(0, |before| self.end(before))
    }

    fn end(&self, slot: usize) -> usize {
        usize::from(self.ends[slot])
    }

    fn key_start(&self, slot: usize) -> usize {
        match slot.checked_sub(1) {
            None => 0,
            Some(before) => memchr::memchr_iter(b'\n', &self.keys).nth(before).map_or(self.keys.len(), |lf| lf + 1),
        }
    }
}

fn values(owner: OwnerId, content: ShareContent) -> impl Iterator<Item = Term> {
    content.hash.as_ref().map(Term::hash).into_iter().chain([Term::owner(owner)])
}

/// How many bytes two texts begin with in common.
pub(super) fn common_bytes(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// By how many shares the room of a leaf grows, and by how many bytes its text: room that is not used is small beside
/// what is.
const HEADS_STEP: usize = 2;
const TEXT_STEP: usize = 192;

/// Makes room for so many bytes more.
fn reserve(text: &mut Vec<u8>, bytes: usize) {
    let needed = text.len() + bytes;
    if needed > text.capacity() {
        text.reserve_exact(needed.next_multiple_of(TEXT_STEP) - text.len());
    }
}

fn slot_of(slot: usize) -> u8 {
    u8::try_from(slot).expect("a leaf has few shares")
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
