//! To whom a connection is opened, whose makes room for another's, and whose ends because nobody needs it.

use std::time::{Duration, Instant};

use super::metered::wanted_by_every_way;
use super::{DownloadEffect, Downloads};
use crate::transfer::SourceId;
use crate::transfer::source::{Link, Source};

/// Connections that are being made at the same time.
const CONNECTING_MAX: usize = 8;
/// Connections in all.
const SOURCES_CONNECTED_MAX: usize = 64;
/// A connection that nobody needs is kept this long.
const UNUSED_MAX: Duration = Duration::from_secs(5);

impl Downloads {
    /// Opens connections to those who have something that is wanted; the likeliest to send it first. Costs little while nobody
    /// has become worth one, or there is no room for one more.
    pub(super) fn connect(&mut self, now: Instant) {
        if !std::mem::take(&mut self.may_connect) {
            return;
        }
        let mut connecting = self.sources.linked().filter(|(_, source)| source.link == Link::Connecting).count();
        let mut connected = self.sources.linked().filter(|(_, source)| source.is_connected()).count();
        let is_full = connecting + connected >= SOURCES_CONNECTED_MAX;
        let mut giving_way = if is_full { self.who_gives_way(now) } else { Vec::new() };
        if connecting >= CONNECTING_MAX || (is_full && giving_way.is_empty()) {
            return;
        }
        let mut by_every_way = None;
        for id in self.wanted_sources(now) {
            let Some(source) = self.sources.get(id) else { continue };
            let contact = source.contact.clone();
            if connecting + connected >= SOURCES_CONNECTED_MAX {
                let Some((useless, _)) = giving_way.pop_if(|(_, unanswered)| source.unanswered <= *unanswered) else {
                    continue;
                };
                self.drop_source(useless, now);
                connected -= 1;
            }
            self.sources.link(id, Link::Connecting);
            connecting += 1;
            let wanted = || wanted_by_every_way(&self.jobs, &self.active);
            let is_far = !self.is_metered || by_every_way.get_or_insert_with(wanted).contains(&id);
            self.effects.push(if is_far {
                DownloadEffect::Connect(id, contact)
            } else {
                DownloadEffect::ConnectNearby(id, contact)
            });
            if connecting >= CONNECTING_MAX {
                break;
            }
        }
    }

    /// Who is not connected, has something of use, and may be tried now; the likeliest to send it first.
    fn wanted_sources(&mut self, now: Instant) -> Vec<SourceId> {
        let mut wanted = Vec::new();
        for (id, source) in self.sources.iter_mut() {
            let is_of_use = source.offers > 0 || source.is_expected;
            let is_wanted = source.link == Link::Down && is_of_use && source.is_trusted();
            if is_wanted && source.backoff.is_due(now) {
                wanted.push((id, source.preference()));
            } else {
                source.is_expected = false;
            }
        }
        wanted.sort_by(|(_, one), (_, other)| one.cmp(other));
        wanted.into_iter().map(|(id, _)| id).collect()
    }

    /// Whose connection may end for another's, and how often they have answered nothing; who is of the least use last.
    fn who_gives_way(&self, now: Instant) -> Vec<(SourceId, u32)> {
        let may_end = |source: &Source| source.is_connected() && source.gives_way(now);
        let mut useless: Vec<_> = self.sources.linked().filter(|(_, source)| may_end(source)).collect();
        useless.sort_by_key(|(_, source)| source.preference());
        useless.into_iter().map(|(id, source)| (id, source.unanswered)).collect()
    }

    pub(super) fn tick_sources(&mut self, now: Instant) {
        let mut unused = Vec::new();
        // Whoever is waited for before they are tried again may be by now.
        self.may_connect = true;
        for id in self.sources.linked_ids() {
            let Some(source) = self.sources.get_mut(id).filter(|source| source.is_connected()) else { continue };
            source.tick(now);
            if source.offers > 0 || !source.open.is_empty() {
                source.unused_since = None;
            } else if now.saturating_duration_since(*source.unused_since.get_or_insert(now)) >= UNUSED_MAX {
                source.unused_since = None;
                source.ring.clear();
                source.disconnected(now);
                unused.push(id);
            }
        }
        self.effects.extend(unused.into_iter().map(DownloadEffect::Disconnect));
        self.end_metered(now);
    }
}
