//! What comes of what was asked: for whom it is told, and what is known by it.

use std::time::Instant;

use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::reply::UserLine;
use rust_i18n::t;

use crate::model::{Asked, AskedBy, Model, Person, Tone, What};
use crate::texts;

impl Model {
    pub(super) fn apply_outcome(&mut self, now: Instant, id: IntentId, result: Result<Outcome, Failure>) {
        let asked = self.asked.remove(&id).unwrap_or(Asked { by: AskedBy::Background, what: What::Other, lines: 0 });
        if asked.what == What::Catalog {
            self.finish_catalog(id, result.is_ok());
        }
        match result {
            Ok(outcome) => self.apply_success(now, &asked, outcome),
            Err(why) => {
                let text = texts::of_failure(&why);
                match asked.by {
                    AskedBy::Background if asked.what == What::Invite => self.invite = None,
                    AskedBy::Background => {}
                    AskedBy::Mouse => self.toast(now, Tone::Bad, text),
                    AskedBy::Console => self.push_log(Tone::Bad, text),
                }
            }
        }
    }

    fn finish_catalog(&mut self, id: IntentId, is_whole: bool) {
        let Some((_, listing)) = self.listing.take_if(|(of, _)| *of == id) else { return };
        if is_whole {
            self.made = Some(listing.finish());
        } else {
            self.catalog_loading = false;
        }
    }

    fn apply_success(&mut self, now: Instant, asked: &Asked, outcome: Outcome) {
        if asked.what == What::Rename {
            // The old path is gone, and for a folder there are many.
            self.wishes.push(Intent::ListShares);
        }
        match asked.by {
            AskedBy::Console if asked.what == What::Wire => {}
            AskedBy::Console => self.answers.push(outcome.clone()),
            AskedBy::Mouse => match &outcome {
                Outcome::Shared(_) if asked.what == What::Rename => {
                    self.toast(now, Tone::Good, t!("window.toast.renamed").into());
                }
                Outcome::Shared(shares) => {
                    let text = t!("window.toast.shared", count = shares.len()).into_owned();
                    self.toast(now, Tone::Good, text);
                }
                Outcome::Unshared(paths) => {
                    let text = t!("window.toast.unshared", count = paths.len()).into_owned();
                    self.toast(now, Tone::Good, text);
                }
                Outcome::Queued(_) => self.toast(now, Tone::Good, t!("window.toast.queued").into()),
                _ => {}
            },
            AskedBy::Background => {}
        }
        match outcome {
            Outcome::Users(lines) => {
                let person = |line: UserLine| {
                    let (files, bytes) = self.catalog.totals_of(line.username.as_str());
                    let since = self.people.get(&line.username).and_then(|known| known.since);
                    (line.username.clone(), Person { line, since, files, bytes })
                };
                self.people = lines.into_iter().map(person).collect();
            }
            Outcome::Shared(shares) => {
                if asked.by == AskedBy::Background {
                    self.shares.replace(shares);
                } else {
                    self.shares.add(shares);
                }
            }
            Outcome::Unshared(paths) => self.shares.remove(paths),
            Outcome::Transfers(transfers) => {
                self.transfers = transfers.into_iter().map(|t| (t.number, t)).collect();
            }
            Outcome::Me(me) => self.me = Some(me),
            Outcome::Invite(invite) => self.invite = Some(invite),
            Outcome::Status(status) => {
                if status.hosted.is_some() && self.hosted().is_none() {
                    self.wishes.push(Intent::ListBans);
                }
                self.status = Some(*status);
            }
            Outcome::Done => self.wishes.extend([Intent::Status, Intent::Invite].into_iter().filter(|_| {
                // What a click changed may be seen in these; what they change themselves is nothing.
                asked.by != AskedBy::Background
            })),
            Outcome::Bans(bans) => self.apply_bans(now, asked, bans),
            Outcome::Queued(_) => {}
        }
    }
}
