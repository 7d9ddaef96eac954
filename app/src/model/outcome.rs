//! What comes of what was asked: for whom it is told, and what is known by it.

use std::time::Instant;

use potok_core::model::shown::Shown;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::command::owner::{ListBanned, ListInvites};
use potok_core::protocol::notice::Role;
use potok_core::protocol::reply::{FileLine, UserLine};
use rust_i18n::t;

use crate::human;
use crate::model::network::owner_lists;
use crate::model::{AskedBy, LIST_LINES_MAX, Model, Need, OpenQuestion, Person, Tone};
use crate::texts;

impl Model {
    pub(super) fn apply_outcome(&mut self, now: Instant, id: IntentId, result: Result<Outcome, Failure>) {
        let mut answer = Some(result);
        if self.browse.answer(now, id, &mut answer) {
            return self.tell_of_older_tracker(now);
        }
        if self.marks.answer(now, id, &mut answer)
            || self.totals.answer(now, id, &mut answer)
            || self.offered.answer(id, &mut answer)
            || self.looked_at.answer(id, &mut answer)
        {
            return;
        }
        if self.shares.answer(id, &mut answer) || self.sharing.take(id, &mut answer) {
            return;
        }
        let Some(result) = answer else { return };
        let nobody = OpenQuestion { by: AskedBy::Background, what: Need::Other, lines: 0, wanted: None };
        let mut asked = self.asked.remove(&id).unwrap_or(nobody);
        if asked.what == Need::Users {
            self.users_asked = self.users_asked.saturating_sub(1);
        }
        let result = match asked.wanted.take() {
            Some(wanted) => match self.questions.take(*wanted, result) {
                Some(result) => result,
                None => return,
            },
            None => result,
        };
        match result {
            Ok(outcome) => self.apply_success(now, &asked, outcome),
            Err(why) => {
                // Whoever has typed a command reads of commands.
                let is_typed = asked.by == AskedBy::Console;
                let text = if is_typed { texts::of_failure(&why) } else { texts::in_window(&why) };
                match asked.by {
                    AskedBy::Background if asked.what == Need::Invite => self.invite = None,
                    AskedBy::Background => {}
                    AskedBy::Mouse if matches!(asked.what, Need::Join | Need::Host) => {
                        self.apply_not_there(asked.what == Need::Host, why, text);
                    }
                    AskedBy::Mouse => self.toast(now, Tone::Bad, text),
                    AskedBy::Console => self.push_log(Tone::Bad, text),
                }
            }
        }
    }

    /// Prints a part of a list that a line of the console page asked for.
    pub(super) fn apply_files(&mut self, id: IntentId, files: Vec<FileLine>) {
        let Some(asked) = self.asked.get_mut(&id) else { return };
        if asked.by != AskedBy::Console {
            return;
        }
        let room = LIST_LINES_MAX.saturating_sub(asked.lines);
        let is_last = asked.lines <= LIST_LINES_MAX && asked.lines + files.len() > LIST_LINES_MAX;
        asked.lines += files.len();
        for file in files.iter().take(room) {
            let size = file.size.map_or_else(|| "-".to_owned(), human::size);
            let line = format!("{}  {}  {}", Shown(file.username.as_str()), size, Shown(file.path.as_str()));
            self.push_log(Tone::Info, line);
        }
        if is_last {
            self.push_log(Tone::Info, "…".to_owned());
        }
    }

    /// It is said once.
    fn tell_of_older_tracker(&mut self, now: Instant) {
        if self.browse.is_older_tracker() && !std::mem::replace(&mut self.is_older_told, true) {
            self.toast(now, Tone::Info, t!("window.toast.older-tracker").into());
        }
    }

    fn apply_success(&mut self, now: Instant, asked: &OpenQuestion, outcome: Outcome) {
        match asked.by {
            AskedBy::Console if asked.what == Need::Wire => {}
            AskedBy::Console => self.answers.push(outcome.clone()),
            AskedBy::Mouse => match &outcome {
                Outcome::Shared(_) if asked.what == Need::Rename => {
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
                Outcome::Done if asked.what == Need::Greeting => {
                    self.toast(now, Tone::Good, t!("window.tracker.saved").into());
                }
                Outcome::Queued(_) | Outcome::QueuedAll(_) => {
                    self.toast(now, Tone::Good, t!("window.toast.queued").into());
                }
                Outcome::NothingToFetch => {
                    self.toast(now, Tone::Info, t!("window.toast.nothing-to-fetch").into());
                }
                _ => {}
            },
            AskedBy::Background => {}
        }
        match outcome {
            Outcome::Users(lines) => {
                let person = |line: UserLine| {
                    let since = self.people.get(&line.username).and_then(|known| known.since);
                    (line.username.clone(), Person { line, since })
                };
                self.people = lines.into_iter().map(person).collect();
            }
            Outcome::Shared(_) | Outcome::Unshared(_) | Outcome::UnsharedEach(_) => {
                self.marks.doubt(now);
                self.shares.ask_anew();
            }
            Outcome::Transfers(transfers) => {
                self.marks.transfers(&transfers);
                self.transfers = transfers.into_iter().map(|t| (t.number, t)).collect();
            }
            Outcome::Me(me) => self.me = Some(me),
            Outcome::TrackerVersion(tracker) => self.newer_version.learn(tracker),
            Outcome::Reachability(reach) => self.reach = *reach,
            Outcome::Status(status) => {
                self.metering = status.metering;
                if status.hosted.is_some() && self.hosted().is_none() {
                    self.wishes.push(Intent::Order(ListBanned::default().into()));
                }
                self.reach = status.reach.clone();
                self.status = Some(*status);
            }
            // What a click changed may be seen in these; what they change themselves is nothing.
            Outcome::Done if asked.by != AskedBy::Background => {
                self.wishes.extend([Intent::Status, Intent::Invite]);
                if self.role == Role::Owner {
                    self.wishes.extend(owner_lists());
                }
            }
            Outcome::Done => {}
            Outcome::Bans(bans) => self.apply_bans(now, asked, bans),
            Outcome::Nearby { networks, .. } => self.nearby = networks,
            Outcome::Limits(limits) => self.limits = limits,
            Outcome::Trackers(trackers) => self.trackers = trackers,
            Outcome::Invites(invites) => self.invites = invites,
            Outcome::WaitingUsers(mut waiting) => {
                // Who comes later stands below: nobody else is let in by a click that was on its way.
                waiting.sort_by_key(|user| (user.since, user.key));
                self.waiting = waiting;
            }
            Outcome::Invite(invite) if invite.token.is_some() => {
                self.issued = Some(invite);
                self.wishes.push(Intent::Order(ListInvites.into()));
            }
            Outcome::Invite(invite) => self.invite = Some(invite),
            // Whoever asked for these has taken them; the rest was overtaken.
            Outcome::Queued(_)
            | Outcome::QueuedAll(_)
            | Outcome::UnsafeNames { .. }
            | Outcome::NothingToFetch
            | Outcome::Here(_)
            | Outcome::FilePage { .. }
            | Outcome::FolderPage { .. }
            | Outcome::Totals(_)
            | Outcome::UserTotals(_)
            | Outcome::Sources(_)
            | Outcome::SharePreview(_)
            | Outcome::Roots(_)
            | Outcome::Level(_)
            | Outcome::FoundShares { .. }
            | Outcome::Stopped { .. }
            | Outcome::TransferDetails(_)
            | Outcome::FreeSpace(_)
            | Outcome::Figures(_)
            | Outcome::Partial(_)
            | Outcome::Reloaded(_)
            | Outcome::History(_) => {}
        }
    }
}
