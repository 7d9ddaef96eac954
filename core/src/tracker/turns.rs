//! Turns: a session's lines are worked off in order, and no session holds up the others. Long commands go on in later
//! turns; a session that does not take its answers waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Ping, VerbKind};
use crate::protocol::line::Fault;
use crate::protocol::notice::Notice;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::file_changes::SLICE_ITEMS;
use crate::tracker::handlers::gathering::Gathered;
use crate::tracker::handlers::sharded::ListProgress;
use crate::tracker::handlers::{Asker, CommandOutcome, Work, work_of};
use crate::tracker::input::{SessionId, SessionRequest, Ticket};
use crate::tracker::long_command::LongCommand;
use crate::tracker::machine::Tracker;
use crate::tracker::output::{write_head, write_notice, write_refusal};
use crate::tracker::own_list::OwnList;
use crate::tracker::session::Turn;
use crate::tracker::shares::TrackerShares;

/// Work of one session in its turn. One command is 1, costly ones more.
const WORK_PER_TURN: u32 = 256;
/// Work that is done for a session as soon as it asks. What is more waits for a turn: others with a short question must
/// not wait behind many who announce long lists.
const WORK_AT_ONCE: u32 = 40;
const WORK_OF_A_LIST: u32 = 64;
/// What a look at everybody who is here takes beyond one.
const UNITS_OF_USERS: usize = 32;
/// What asking shards takes beyond one.
const UNITS_OF_ASKING: usize = 4;
/// Bytes of answers that a session is sent before it has taken them.
const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// Answers up to here are joined into one write.
const COPIED_BYTES_MAX: usize = 4 * 1024;

impl Tracker {
    pub(super) fn take_requests(
        &mut self,
        now: Instant,
        id: SessionId,
        requests: Vec<SessionRequest>,
        effects: &mut Effects,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let is_heard = |request: &SessionRequest| {
            use SessionRequest::{Command, Pinged, Refused};
            matches!(request, Command(_) | Pinged(_) | Refused { .. })
        };
        if requests.iter().any(is_heard) {
            session.heard_at = now;
            if session.first_command_by.take().is_some() {
                let deadline = session.deadline(&self.settings);
                let timer = std::mem::replace(&mut session.timer, deadline);
                self.timers.remove(&(timer, id));
                self.timers.insert((deadline, id));
            }
        }
        if session.waiting.is_empty() {
            session.waiting = requests.into();
        } else {
            session.waiting.extend(requests);
        }
        self.go_on(now, id, Turn::Idle, effects);
    }

    /// Works on a session's lines if what it waited for was `waited_for`.
    pub(super) fn go_on(&mut self, now: Instant, id: SessionId, waited_for: Turn, effects: &mut Effects) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.turn == waited_for) {
            session.turn = Turn::Idle;
            self.work(now, id, if waited_for == Turn::Queued { WORK_PER_TURN } else { WORK_AT_ONCE }, effects);
        }
    }

    fn work(&mut self, now: Instant, id: SessionId, mut work_left: u32, effects: &mut Effects) {
        while let Some(session) = self.sessions.get_mut(&id).filter(|session| session.turn == Turn::Idle) {
            if session.unsent_bytes > UNSENT_BYTES_MAX {
                session.turn = Turn::Draining;
                effects.push(Effect::TellDrained(id));
                return;
            }
            let next = session.waiting.front();
            let work = match session.job.as_deref() {
                // What was answered elsewhere is only handed on; a connection that came with it is not kept for long.
                Some(job) if job.is_light() => 1,
                Some(_) => WORK_OF_A_LIST,
                None => next.map_or(0, |next| units_of(next, &self.shares)),
            };
            let must_wait = session.job.is_none() && self.shares.is_forgetting() && next.is_some_and(is_list);
            if work > work_left || must_wait {
                session.turn = Turn::Queued;
                self.queue.push_back(id);
                return;
            }
            work_left -= work;
            if let Some(job) = session.job.take() {
                self.go_on_with(now, id, job, effects);
            } else if let Some(mut request) = session.waiting.pop_front() {
                let joined = if self.shares.are_here() { self.join_lines(id, &mut request, &mut work_left) } else { 0 };
                self.handle(now, id, (request, joined), effects);
                let session = self.sessions.get(&id);
                if session.and_then(|session| session.job.as_deref()).is_some_and(LongCommand::asks_others) {
                    // One's own part is looked for while they look for theirs: first the question leaves.
                    work_left = 0;
                }
            } else {
                // An idle session keeps no room for lines.
                session.waiting = VecDeque::new();
                effects.push(Effect::Ready(id));
                return;
            }
        }
    }

    fn go_on_with(&mut self, now: Instant, id: SessionId, mut job: Box<LongCommand>, effects: &mut Effects) {
        let Some(asker) = self.asker(now, id) else { return };
        // Somebody else may have the name by now, and even the place in the catalog.
        if job.user().is_some_and(|user| !asker.is(user)) {
            let refusal = Refusal::new(Code::NotRegistered, Sentence::NotRegistered);
            for verb in job.verbs_to_count() {
                self.tally.refused(Some(*verb), refusal.code);
            }
            return (0..job.lines()).for_each(|_| self.answer(&asker, Err(refusal.clone()), effects));
        }
        let outcome = match &mut *job {
            LongCommand::List { list, is_begun } => match self.find(list) {
                ListProgress::NotYet => None,
                ListProgress::Waits => {
                    self.wait_for_answers(id);
                    None
                }
                ListProgress::All => self.send_piece(&asker, list, is_begun, effects).then_some(Ok(CommandReply::Sent)),
            },
            LongCommand::Announce(announcing) => self.announce_slice(now, announcing),
            LongCommand::Withdraw(withdrawing) => self.withdraw_slice(now, withdrawing),
            LongCommand::Gather(gathering) => match self.gather(&asker, gathering, effects) {
                Gathered::Done(reply) => Some(Ok(reply)),
                Gathered::NotYet => None,
                Gathered::Waits => {
                    self.wait_for_answers(id);
                    None
                }
            },
            LongCommand::Ask(asking) => match asking.answer.take() {
                Some(answer) => Some(self.finish_asking(&asker, &asking.about, asking.ticket, answer, effects)),
                None => {
                    self.wait_for_answers(id);
                    None
                }
            },
            LongCommand::Judge(judging) => match judging.answered.take() {
                Some(judged) => Some(self.change_judged(&asker, &judging.user, judged)),
                None => {
                    self.wait_for_answers(id);
                    None
                }
            },
            LongCommand::Change(changing) => match changing.outcomes.take() {
                Some(outcomes) => return self.answer_changes(&asker, changing, outcomes, effects),
                None => {
                    self.wait_for_answers(id);
                    None
                }
            },
        };
        match (outcome, self.sessions.get_mut(&id)) {
            (Some(outcome), _) => self.answer(&asker, outcome, effects),
            (None, Some(session)) => session.job = Some(job),
            (None, None) => {}
        }
    }

    /// A session waits for what other trackers answer.
    fn wait_for_answers(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.turn = Turn::Gathering;
        }
    }

    /// Works on a request, to which so many lines of its kind were put that are answered as it is.
    fn handle(&mut self, now: Instant, id: SessionId, request: (SessionRequest, usize), effects: &mut Effects) {
        let (request, joined) = request;
        let Some(asker) = self.asker(now, id) else { return };
        let verb = if let SessionRequest::Command(command) = &request { Some(command.kind()) } else { None };
        let outcome = match request {
            SessionRequest::Pinged(times) => {
                self.tally.done_often(Command::Ping(Ping).kind(), times);
                Ok(CommandReply::Sent)
            }
            SessionRequest::End => return self.close(now, id, None, effects),
            SessionRequest::Fault(fault) => return self.handle_fault(now, id, fault, effects),
            SessionRequest::Refused { refusal, named } => {
                let named = named.map_or(Ok(()), |named| asker.own(&named).map(|_own| ()));
                Err(named.err().unwrap_or(refusal))
            }
            SessionRequest::Command(command) => self.carry_out(&asker, command, effects),
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.faulty_lines = 0;
        }
        match (outcome, verb) {
            // It is asked again, or answered, when something is on disk.
            (Ok(CommandReply::WhenSaved(ticket, command)), _) => self.wait_for_name(id, ticket, command),
            (Ok(CommandReply::InTurn(ticket, command)), _) => self.wait_for_turn(id, ticket, command),
            (Ok(CommandReply::OnDisk(ticket, reply)), Some(verb)) => self.answer_when_saved(id, verb, ticket, *reply),
            (outcome, verb) => {
                match (&outcome, verb) {
                    (Err(refusal), _) => self.tally.refused(verb, refusal.code),
                    (Ok(CommandReply::LongCommand(job)), _) if !job.verbs_to_count().is_empty() => {}
                    (Ok(_), Some(verb)) => self.tally.done_often(verb, 1 + joined as u64),
                    (Ok(_), None) => {}
                }
                self.answer(&asker, outcome, effects);
                (0..joined).for_each(|_| self.answer(&asker, Ok(CommandReply::Done), effects));
            }
        }
    }

    pub(super) fn asker(&self, now: Instant, id: SessionId) -> Option<Asker> {
        let session = self.sessions.get(&id)?;
        Some(Asker {
            now,
            session: id,
            key: session.key,
            address: session.peer.ip(),
            view: session.view,
            user: session.user.clone(),
            is_owner: session.is_owner,
            is_tracker: session.is_tracker,
        })
    }

    pub(super) fn answer(&mut self, asker: &Asker, outcome: CommandOutcome, effects: &mut Effects) {
        let id = asker.session;
        match outcome {
            Err(refusal) => self.write(id, effects, |out| write_refusal(out, &refusal)),
            Ok(CommandReply::Done) => self.write(id, effects, |out| out.extend_from_slice(b"OK 0\n")),
            Ok(CommandReply::Bye) => {
                self.write(id, effects, |out| out.extend_from_slice(b"OK 0 bye\n"));
                self.close(asker.now, id, None, effects);
            }
            Ok(CommandReply::Lines { lines, bytes, more }) => {
                self.charge(asker, bytes.len());
                let is_copied = bytes.len() <= COPIED_BYTES_MAX;
                self.write(id, effects, |out| {
                    write_head(out, lines, more.as_ref());
                    out.extend_from_slice(if is_copied { &bytes } else { &[] });
                });
                if let Some(session) = self.sessions.get_mut(&id).filter(|_| !is_copied) {
                    session.unsent_bytes += bytes.len();
                    effects.send(id, bytes);
                }
            }
            Ok(CommandReply::LongCommand(job)) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.job = Some(job);
                }
            }
            Ok(
                CommandReply::WhenSaved(..) | CommandReply::InTurn(..) | CommandReply::OnDisk(..) | CommandReply::Sent,
            ) => {}
        }
    }

    /// Sends the next piece of a list; `true` at its end.
    fn send_piece(&mut self, asker: &Asker, list: &mut OwnList, is_begun: &mut bool, effects: &mut Effects) -> bool {
        let Some(session) = self.sessions.get_mut(&asker.session) else { return true };
        let out = effects.answer(asker.session);
        let before = out.len();
        if !std::mem::replace(is_begun, true) {
            write_head(out, usize::try_from(list.lines()).unwrap_or(usize::MAX), list.more());
        }
        let room = UNSENT_BYTES_MAX.saturating_sub(session.unsent_bytes);
        let is_done = list.write_lines(out, room);
        let written = out.len() - before;
        // One byte more than the bound: a list that is not at its end waits until this piece has left.
        session.unsent_bytes += if is_done { written } else { written.max(room + 1) };
        self.charge(asker, written);
        if is_done {
            for bytes in self.readers.end(asker.session) {
                effects.push(Effect::Notify { to: [asker.session].into(), bytes });
            }
        } else {
            self.readers.begin(asker.session);
        }
        is_done
    }

    fn handle_fault(&mut self, now: Instant, id: SessionId, fault: Fault, effects: &mut Effects) {
        let code = match fault {
            Fault::Http => return self.close(now, id, None, effects),
            Fault::TooLong => Code::TooLong,
            Fault::NotUtf8 | Fault::Control => Code::Usage,
        };
        self.write(id, effects, |out| write_refusal(out, &Refusal::new(code, fault)));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.faulty_lines += 1;
        if fault == Fault::TooLong {
            self.close(now, id, None, effects);
        } else if session.faulty_lines >= self.settings.faulty_lines {
            self.close(now, id, Some(&Sentence::TooManyFaults.to_string()), effects);
        }
    }

    /// Keeps a command until the name that it is for is on disk.
    fn wait_for_name(&mut self, id: SessionId, ticket: Ticket, command: Command) {
        if let (Some(session), Some(save)) = (self.sessions.get_mut(&id), self.saves.get_mut(&ticket)) {
            session.waiting.push_front(SessionRequest::Command(command));
            session.turn = Turn::Saving(ticket);
            save.for_the_name.push(id);
        }
    }

    /// Keeps an owner's command until the one before it is on disk, or is not.
    fn wait_for_turn(&mut self, id: SessionId, ticket: Ticket, command: Command) {
        if let (Some(session), Some(save)) = (self.sessions.get_mut(&id), self.saves.get_mut(&ticket)) {
            session.waiting.push_front(SessionRequest::Command(command));
            session.turn = Turn::Saving(ticket);
            save.for_their_turn.push(id);
        }
    }

    /// An owner's order is answered when it is on disk; others wait for it.
    fn answer_when_saved(&mut self, id: SessionId, verb: VerbKind, ticket: Ticket, reply: CommandReply) {
        if let (Some(session), Some(save)) = (self.sessions.get_mut(&id), self.saves.get_mut(&ticket)) {
            session.turn = Turn::Saving(ticket);
            save.answer = Some((id, verb, reply));
            self.ordering = Some(ticket);
        }
    }

    /// Tells one session something.
    pub(super) fn notify(&mut self, id: SessionId, event: &Notice, effects: &mut Effects) {
        let mut line = BytesMut::new();
        write_notice(&mut line, event);
        let bytes = line.freeze();
        if !self.readers.hold(id, || bytes.clone()) {
            effects.push(Effect::Notify { to: [id].into(), bytes });
        }
    }

    /// Tells several sessions the same.
    pub(super) fn notify_all(&mut self, ids: Vec<SessionId>, event: &Notice, effects: &mut Effects) {
        let mut line = BytesMut::new();
        write_notice(&mut line, event);
        let bytes = line.freeze();
        let told: Arc<[SessionId]> = ids.into_iter().filter(|id| !self.readers.hold(*id, || bytes.clone())).collect();
        if !told.is_empty() {
            effects.push(Effect::Notify { to: told, bytes });
        }
    }

    pub(super) fn write(&mut self, id: SessionId, effects: &mut Effects, write: impl FnOnce(&mut BytesMut)) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let out = effects.answer(id);
        let before = out.len();
        write(out);
        session.unsent_bytes += out.len() - before;
    }

    /// Takes the size of a list from the allowance of sessions without a name.
    pub(super) fn charge(&mut self, asker: &Asker, bytes: usize) {
        if asker.user.is_none() && !asker.is_tracker {
            self.answers.charge(asker.now, asker.address, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

/// How much of a turn a request takes, or its first slice.
fn units_of(request: &SessionRequest, shares: &TrackerShares) -> u32 {
    let SessionRequest::Command(command) = request else { return 1 };
    let more = match work_of(command) {
        Work::Little => 0,
        // Others do it.
        Work::Changes(_) | Work::Shares if matches!(shares, TrackerShares::Parted(_)) => UNITS_OF_ASKING,
        Work::Changes(items) => items.min(SLICE_ITEMS),
        Work::Users => UNITS_OF_USERS,
        Work::Shares => return WORK_OF_A_LIST,
    };
    1 + u32::try_from(more).unwrap_or(0)
}

fn is_list(request: &SessionRequest) -> bool {
    matches!(request, SessionRequest::Command(command) if work_of(command) == Work::Shares)
}
