//! What the machine writes to a session, as lines: heads of replies, refusals, notices.

use std::fmt::Write as _;

use bytes::BytesMut;

use crate::protocol::code::Refusal;
use crate::protocol::command::Cursor;
use crate::protocol::notice::Notice;

pub(super) fn write_head(out: &mut BytesMut, lines: usize, more: Option<&Cursor>) {
    let written = match more {
        None => writeln!(out, "OK {lines}"),
        Some(more) => writeln!(out, "OK {lines} more={more}"),
    };
    written.expect("a buffer in memory takes everything");
}

pub(super) fn write_notice(out: &mut BytesMut, event: &Notice) {
    writeln!(out, "{event}").expect("a buffer in memory takes everything");
}

pub(super) fn write_refusal(out: &mut BytesMut, refusal: &Refusal) {
    writeln!(out, "ERR {} {}", refusal.code, refusal.text).expect("a buffer in memory takes everything");
}
