//! Lists of a network of several trackers: each is asked the same question with the same cursor and limit, and what they
//! answer is merged with one's own. Who does not answer in time is missing, and the asker is told so before the answer.

use std::fmt::{Display, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;

use crate::model::limits;
use crate::protocol::command::{
    Command, CountFiles, Cursor, ListFiles, ListFolder, ListSources, Page, Search, Sources,
};
use crate::protocol::notice::Notice;
use crate::protocol::reply::{FolderEntry, Totals};
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects, WantedAnswer};
use crate::tracker::handlers::Asker;
use crate::tracker::handlers::sharded::ListProgress;
use crate::tracker::input::{AnsweredPage, Ticket};
use crate::tracker::long_command::{Gathering, ListForm, LongCommand};
use crate::tracker::machine::Tracker;
use crate::tracker::merge::{FileText, LinePage, PageLine, merge, sum};
use crate::tracker::output::write_notice;
use crate::tracker::own_list::OwnList;
use crate::tracker::session::Turn;

impl Tracker {
    /// The answer to a question about shares: one's own list, with those of the other trackers if there are any.
    pub(in crate::tracker) fn answer_with(
        &mut self,
        asker: &Asker,
        own: OwnList,
        command: Command,
        effects: &mut Effects,
    ) -> CommandReply {
        if self.linked.is_none() || asker.is_tracker {
            return CommandReply::list(own);
        }
        let only = match self.asked_user(&command) {
            // Whose files are here, and nowhere else.
            Some(None) => return CommandReply::list(own),
            Some(Some(tracker)) => Some(tracker),
            None => None,
        };
        let Some(linked) = self.linked.as_ref() else { return CommandReply::list(own) };
        let (mut trackers, mut unasked) = (Vec::new(), 0);
        for (at, is_linked) in linked.mesh.trackers().filter(|(at, _)| only.is_none_or(|only| only == *at)) {
            if is_linked { trackers.push(at) } else { unasked += 1 }
        }
        if trackers.is_empty() && unasked == 0 {
            return CommandReply::list(own);
        }
        let (form, limit) = match &command {
            Command::CountFiles(_) => (ListForm::Count, 1),
            Command::ListFolder(list) => (ListForm::Level, limit_of(&list.page)),
            Command::ListFiles(ListFiles { page, .. })
            | Command::Search(Search { page, .. })
            | Command::Sources(Sources { page, .. })
            | Command::ListSources(ListSources { page, .. }) => (ListForm::Files, limit_of(page)),
            _ => return CommandReply::list(own),
        };
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let answers = trackers.is_empty().then(Vec::new);
        if answers.is_none() {
            self.gatherings.insert(ticket, asker.session);
            let wants = if form == ListForm::Files { WantedAnswer::Files } else { WantedAnswer::Answer };
            effects.push(Effect::Ask { ticket, trackers, line: command.to_string(), wants });
        }
        let gathering = Gathering { ticket, form, limit, own, unasked, answers };
        CommandReply::LongCommand(Box::new(LongCommand::Gather(gathering)))
    }

    /// Where the user is whom a question is about: `None` if it is about nobody, `Some(None)` if they are here.
    fn asked_user(&self, command: &Command) -> Option<Option<SocketAddr>> {
        let username = match command {
            Command::ListFiles(ListFiles { username, .. }) => username.as_ref(),
            Command::Search(Search { selection, .. })
            | Command::CountFiles(CountFiles { selection })
            | Command::ListFolder(ListFolder { selection, .. }) => selection.username.as_ref(),
            _ => None,
        };
        let online = self.roster.get(username?)?;
        Some(online.elsewhere.as_ref().map(|elsewhere| elsewhere.tracker))
    }

    /// What the other trackers have answered to a question. The session that asked may have gone.
    pub(in crate::tracker) fn take_answers(
        &mut self,
        now: Instant,
        ticket: Ticket,
        came: Vec<Option<AnsweredPage>>,
        effects: &mut Effects,
    ) {
        let Some(id) = self.gatherings.remove(&ticket) else { return };
        match self.sessions.get_mut(&id).and_then(|session| session.job.as_deref_mut()) {
            Some(LongCommand::Gather(gathering)) if gathering.ticket == ticket => gathering.answers = Some(came),
            Some(LongCommand::Ask(asking)) if asking.ticket == ticket => {
                asking.answer = Some(came.into_iter().next().flatten());
            }
            _ => return,
        }
        self.go_on(now, id, Turn::Gathering, effects);
    }

    /// Goes on with one's own part; `None` while anything is missing.
    pub(in crate::tracker) fn gather(
        &mut self,
        asker: &Asker,
        gathering: &mut Gathering,
        effects: &mut Effects,
    ) -> Gathered {
        match self.find(&mut gathering.own) {
            ListProgress::NotYet => return Gathered::NotYet,
            ListProgress::Waits => return Gathered::Waits,
            ListProgress::All => {}
        }
        let Some(answers) = gathering.answers.take() else { return Gathered::Waits };
        let mut own = BytesMut::new();
        gathering.own.write_lines(&mut own, usize::MAX);
        let own = LinePage {
            lines: String::from_utf8_lossy(&own).lines().map(str::to_owned).collect(),
            more: gathering.own.more().cloned(),
        };
        let (limit, of) = (gathering.limit, gathering.unasked + answers.len() + 1);
        let Merged { lines, bytes, more, missing } = match gathering.form {
            ListForm::Files => merged(own, answers, limit, FileText::read),
            ListForm::Level => merged(own, answers, limit, |line| FolderEntry::parse(&line).ok()),
            ListForm::Count => counted(own, answers),
        };
        let missing = missing + gathering.unasked;
        if missing > 0 {
            if let Some(linked) = &mut self.linked {
                linked.partial_answers += 1;
            }
            self.write(asker.session, effects, |out| write_notice(out, &Notice::Partial { missing, of }));
        }
        Gathered::Done(CommandReply::Lines { lines, bytes: bytes.into(), more })
    }
}

/// How far a gathering has come.
pub(in crate::tracker) enum Gathered {
    /// One's own part is still looked for.
    NotYet,
    /// The others have not answered yet.
    Waits,
    Done(CommandReply),
}

fn limit_of(page: &Page) -> usize {
    page.limit.unwrap_or(limits::PAGE_LINES_MAX)
}

/// One answer made of several.
struct Merged {
    lines: usize,
    bytes: String,
    more: Option<Cursor>,
    /// How many have not answered, or nothing that is understood.
    missing: usize,
}

/// The pages that came, and how many did not. Each line is read once: what is done here holds up everybody. One that is not
/// understood, of a newer tracker perhaps, is left out alone.
fn pages_of<L>(
    own: LinePage<String>,
    answers: Vec<Option<AnsweredPage>>,
    read: impl Fn(String) -> Option<L>,
) -> (Vec<LinePage<L>>, usize) {
    let (mut pages, mut missing) = (Vec::with_capacity(answers.len() + 1), 0);
    for answer in [Some(AnsweredPage::Page(own))].into_iter().chain(answers) {
        let page = match answer {
            Some(AnsweredPage::Nobody) => continue,
            Some(AnsweredPage::Page(LinePage { lines, more })) => {
                Some(LinePage { lines: lines.into_iter().filter_map(&read).collect(), more })
            }
            Some(AnsweredPage::Refused(_)) | None => None,
        };
        match page {
            Some(page) => pages.push(page),
            None => missing += 1,
        }
    }
    (pages, missing)
}

fn merged<L: PageLine + Display>(
    own: LinePage<String>,
    answers: Vec<Option<AnsweredPage>>,
    limit: usize,
    read: impl Fn(String) -> Option<L>,
) -> Merged {
    let (pages, missing) = pages_of(own, answers, read);
    let LinePage { lines, more } = merge(pages, Some(limit));
    let mut bytes = String::new();
    for line in &lines {
        writeln!(bytes, "{line}").expect("a text in memory takes everything");
    }
    Merged { lines: lines.len(), bytes, more, missing }
}

fn counted(own: LinePage<String>, answers: Vec<Option<AnsweredPage>>) -> Merged {
    let (pages, missing) = pages_of(own, answers, |line| Totals::parse(&line).ok());
    let answered = pages.len();
    let counts: Vec<Totals> = pages.into_iter().filter_map(|page| page.lines.into_iter().next()).collect();
    let missing = missing + answered - counts.len();
    Merged { lines: 1, bytes: format!("{}\n", sum(counts)), more: None, missing }
}
