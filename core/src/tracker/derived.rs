//! What follows from settings and bans: the greeting, how long names last, and what those read who are kept out.

use std::fmt::Write as _;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::model::binding::Ban;
use crate::model::limits;
use crate::protocol::notice::Notice;
use crate::protocol::shut_out::{ShutOut, ShutOutKind};
use crate::tracker::settings::TrackerSettings;

const NAME_LAPSE_UNIT_SECONDS: u64 = 24 * 3600;
/// The version of the protocol between a client and a tracker.
const PROTOCOL_VERSION: u32 = 1;

/// What those read who are sent away.
pub(super) fn away_text(now: Instant, (ban, until): &(Ban, Instant)) -> ShutOut {
    let minutes = until.saturating_duration_since(now).as_secs().div_ceil(60);
    ShutOut { kind: ShutOutKind::SentAway, minutes_left: Some(minutes), reason: ban.terms.reason.clone() }
}

/// What those read who are shut out.
pub(super) fn ban_text(ban: &Ban, unix_seconds: u64) -> ShutOut {
    let minutes_left = ban.terms.minutes_left(unix_seconds);
    ShutOut { kind: ShutOutKind::Banned, minutes_left, reason: ban.terms.reason.clone() }
}

pub(super) fn settings_bans(settings: &TrackerSettings) -> impl Iterator<Item = Ban> + use<> {
    settings.bans.clone().into_iter().map(|target| Ban::new(target, None))
}

/// How long a name lasts that is not used.
pub(super) fn lapse_seconds(settings: &TrackerSettings) -> u64 {
    settings.name_lapses_after_days.saturating_mul(NAME_LAPSE_UNIT_SECONDS)
}

pub(super) fn greeting(settings: &TrackerSettings) -> Bytes {
    let mut lines = BytesMut::new();
    let hello = Notice::Greeting { version: PROTOCOL_VERSION, network: settings.network_name.clone() };
    let motd = settings.message_of_the_day.iter().cloned().map(Notice::MessageOfTheDay);
    for event in std::iter::once(hello).chain(motd) {
        writeln!(lines, "{event}").expect("a buffer in memory takes everything");
    }
    lines.freeze()
}

/// After how long without a word clients are to ask whether this tracker is there, of a network that has others.
pub(super) fn ping_every_seconds(sessions: usize) -> u16 {
    let least = (sessions as u64).div_ceil(limits::PINGS_PER_SECOND_MAX);
    let (fewest, most) = (limits::PING_EVERY_MIN.as_secs(), limits::PING_EVERY.as_secs());
    u16::try_from(least.clamp(fewest, most)).unwrap_or(u16::MAX)
}
