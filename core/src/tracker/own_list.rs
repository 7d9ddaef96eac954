//! This tracker's own part of an answer about shares: of one catalog, or of all shards of it.

use bytes::BytesMut;

use crate::protocol::command::Cursor;
use crate::tracker::catalog::list::ShareList;
use crate::tracker::catalog::merged::MergedList;
use crate::tracker::ticket::Ticket;

/// A list on its way.
#[derive(Debug)]
pub(super) enum OwnList {
    /// Of the one catalog that there is, or of the one shard that was asked. Its lines may still be looked for.
    Of(ShareList),
    /// Shards are asked.
    Asked(AskedList),
    /// Of several shards.
    Merged(MergedList),
}

/// A list that shards were asked for.
#[derive(Debug)]
pub(super) struct AskedList {
    pub(super) ticket: Ticket,
    pub(super) limit: Option<usize>,
    pub(super) is_count: bool,
    /// How many have not answered.
    pub(super) missing: usize,
    /// What each has answered.
    pub(super) parts: Vec<(usize, ShareList)>,
}

impl OwnList {
    /// The ticket of what is still waited for.
    pub(super) fn ticket(&self) -> Option<Ticket> {
        if let Self::Asked(asked) = self { Some(asked.ticket) } else { None }
    }

    /// Takes the answer of a shard. The order in which they come makes no difference.
    pub(super) fn add(&mut self, ticket: Ticket, shard: usize, list: ShareList) {
        let Self::Asked(asked) = self else { return };
        if asked.ticket != ticket {
            return;
        }
        asked.parts.push((shard, list));
        asked.missing = asked.missing.saturating_sub(1);
        if asked.missing > 0 {
            return;
        }
        let mut parts = std::mem::take(&mut asked.parts);
        parts.sort_by_key(|(shard, _)| *shard);
        let mut parts: Vec<ShareList> = parts.into_iter().map(|(_, list)| list).collect();
        let (limit, is_count, only) = (asked.limit, asked.is_count, if parts.len() == 1 { parts.pop() } else { None });
        *self = match only {
            Some(only) => Self::Of(only),
            None if is_count => Self::Merged(MergedList::sum(parts)),
            None => Self::Merged(MergedList::new(parts, limit)),
        };
    }

    /// How many lines it has. It must be ready, as for all that follow.
    pub(super) fn lines(&self) -> u64 {
        match self {
            Self::Of(list) => list.lines(),
            Self::Merged(list) => list.lines(),
            Self::Asked(_) => 0,
        }
    }

    /// Where the next page begins, if a limit ended this one.
    pub(super) fn more(&self) -> Option<&Cursor> {
        match self {
            Self::Of(list) => list.more(),
            Self::Merged(list) => list.more(),
            Self::Asked(_) => None,
        }
    }

    /// Writes the next lines, until `out` has grown by `bytes_max` or up to a line more; `true` after the last one.
    pub(super) fn write_lines(&mut self, out: &mut BytesMut, bytes_max: usize) -> bool {
        match self {
            Self::Of(list) => list.write_lines(out, bytes_max),
            Self::Merged(list) => list.write_lines(out, bytes_max),
            Self::Asked(_) => true,
        }
    }
}
