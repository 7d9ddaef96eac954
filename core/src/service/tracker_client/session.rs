//! One connection to a tracker, from the handshake to its end.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::model::absence::AbsenceReason;
use crate::model::address_family::AddressFamily;
use crate::model::invite::{HostPort, NetworkAddress};
use crate::model::invite_token::InviteToken;
use crate::model::limits;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::net::local;
use crate::net::tls::{self, Encrypted};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::command::{Command, ListUsers, Page, Ping, Reach, RegisterUser, Watch};
use crate::protocol::head::Head;
use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::protocol::notice::{Notice, Role};
use crate::protocol::reply::{PartialAnswer, UserLine};
use crate::protocol::shut_out::shuts_out;
use crate::reach::reachability::TrialEvent;
use crate::service::tracker_client::announcer::Announcer;
use crate::service::tracker_client::arriving_answer::{ANSWER_LINES_MAX, ArrivingAnswer};
use crate::service::tracker_client::liveness::Liveness;
use crate::service::tracker_client::partial::PartialLists;
use crate::service::tracker_client::session_context::SessionContext;
use crate::service::tracker_client::tap::{LineDirection, Tap};
use crate::service::tracker_client::trials::TrialAsking;
use crate::service::tracker_client::wire::{head_of, lost, read_some, write_some};
use crate::service::tracker_client::{AskError, AwayReason, ClientEvent, ClientMessage, Reply};

/// Commands under way at once; further ones wait, so that the tracker's answers stay short of its patience.
const PIPELINE_MAX: usize = 64;
/// A question that so many sessions end before they answer is not asked again: it may be what ends them.
const QUESTION_SESSIONS_MAX: u32 = 3;
/// An answer to a ping takes longer than this only from a tracker that is gone.
const PONG_MAX: Duration = Duration::from_secs(15);
/// The same after the computer was asleep: a person is waiting.
const PROBE_MAX: Duration = Duration::from_secs(3);
/// Lines of the message of the day that are kept.
const MOTD_LINES_MAX: usize = 100;

/// A registered session.
pub(super) struct ClientSession {
    reader: ReadHalf<Encrypted<TcpStream>>,
    writer: WriteHalf<Encrypted<TcpStream>>,
    tracker: SocketAddr,
    /// Our address of the connection.
    own: Option<IpAddr>,
    decoder: LineDecoder,
    out: BytesMut,
    /// Who waits for the answers to come, in the order of the commands.
    pending: VecDeque<Pending>,
    /// What has come of the first pending answer.
    answer: ArrivingAnswer,
    /// Something was left out of what we were told, and the list of users that makes up for it is not asked for yet.
    must_resync: bool,
    partial: PartialLists,
    liveness: Liveness,
    trial: TrialAsking,
    tap: Arc<Tap>,
    network: String,
    motd: Vec<String>,
    role: Role,
    /// Where the network is met, if we were told.
    trackers: Option<NetworkAddress>,
    /// The tracker that is there while this one is not.
    better: Option<HostPort>,
}

/// What a session came to.
pub(super) struct SessionEnd {
    pub(super) why: AwayReason,
    /// Questions that were not answered; each may be asked again, since a second time changes nothing more.
    pub(super) unanswered: Vec<ClientMessage>,
    /// Where it goes on, if that is known.
    pub(super) better: Option<HostPort>,
}

enum Pending {
    Question(Box<Command>, oneshot::Sender<Result<Reply, AskError>>, u32),
    Announcement,
    Watch,
    /// A page of the list of users, with those of the pages before.
    Users(Vec<UserLine>),
    Ping,
    /// Where our peer server is now.
    Port,
    /// Whether we can be dialled.
    Trial,
    /// What a person typed; only the tap has its answer.
    Typed(oneshot::Sender<Result<(), AskError>>),
}

impl ClientSession {
    /// Says who we are and waits for the tracker's word.
    pub(super) async fn register(
        stream: Encrypted<TcpStream>,
        tracker: SocketAddr,
        username: Username,
        (port, token): (Option<PeerPort>, Option<InviteToken>),
        tap: Arc<Tap>,
    ) -> Result<Self, AwayReason> {
        let own = tls::own_address(&stream);
        let (reader, writer) = tokio::io::split(stream);
        let mut session = Self {
            reader,
            writer,
            tracker,
            own,
            decoder: LineDecoder::new(Flavor::Clean),
            out: BytesMut::with_capacity(4096),
            pending: VecDeque::new(),
            answer: ArrivingAnswer::default(),
            must_resync: false,
            partial: PartialLists::default(),
            liveness: Liveness::new(),
            trial: TrialAsking::new(AddressFamily::of(tracker.ip()), port),
            tap,
            network: String::new(),
            motd: Vec::new(),
            role: Role::User,
            trackers: None,
            better: None,
        };
        session.say(&RegisterUser { username, port, token }.into());
        let answered = timeout(limits::TLS_FIRST_COMMAND_MAX, session.wait_for_registration()).await;
        answered.map_err(|_elapsed| lost(AbsenceReason::Silent))??;
        Ok(session)
    }

    async fn wait_for_registration(&mut self) -> Result<(), AwayReason> {
        write_some(&mut self.writer, &mut self.out).await?;
        loop {
            while let Some(line) = self.decoder.next_line() {
                self.show(&line, false);
                match head_of(line)? {
                    Head::Ok { lines: 0, .. } => return Ok(()),
                    Head::Ok { .. } => return Err(lost(AbsenceReason::Unasked)),
                    Head::Err { code, text } => return Err(AwayReason::Refused { code, text }),
                    Head::Notice(Notice::Greeting { version: 1, network }) => self.network = network,
                    Head::Notice(Notice::Greeting { version, .. }) => {
                        return Err(lost(AbsenceReason::OtherVersion(version)));
                    }
                    Head::Notice(Notice::MessageOfTheDay(line)) if self.motd.len() < MOTD_LINES_MAX => {
                        self.motd.push(line);
                    }
                    Head::Notice(Notice::Role(role)) => self.role = role,
                    Head::Notice(Notice::Trackers(trackers)) => self.trackers = Some(trackers),
                    Head::Notice(Notice::Ping { seconds }) => self.liveness.set_ping(seconds),
                    Head::Notice(_) => {}
                }
            }
            read_some(&mut self.reader, &mut self.decoder).await?;
        }
    }

    /// The address of the tracker that this goes to.
    pub(super) fn tracker(&self) -> SocketAddr {
        self.tracker
    }

    /// Takes a question or a change over.
    pub(super) fn take(&mut self, ask: ClientMessage, announcer: &mut Announcer) {
        match ask {
            ClientMessage::Question { command, answer, sessions } => {
                self.say(&command);
                self.pending.push_back(Pending::Question(command, answer, sessions));
            }
            ClientMessage::Typed { line, answered } => {
                self.say_line(&line, true);
                self.pending.push_back(Pending::Typed(answered));
            }
            ClientMessage::Announce { added, removed, done } => announcer.change(added, removed, done),
            // Nothing can come to an address that is ours no more.
            ClientMessage::Probe if self.own.is_some_and(|own| !local::is_own(own)) => {
                self.liveness.await_pong(Duration::ZERO);
            }
            // What was asked before is to be answered as soon.
            ClientMessage::Probe if self.liveness.awaits_pong() => self.liveness.await_pong(PROBE_MAX),
            ClientMessage::Probe => self.ping(PROBE_MAX),
        }
    }

    /// Runs until the connection is lost; drop the future to end it from here.
    pub(super) async fn run(
        mut self,
        asked: &mut mpsc::Receiver<ClientMessage>,
        mut all: SessionContext<'_>,
    ) -> SessionEnd {
        self.say(&Watch::default().into());
        self.pending.push_back(Pending::Watch);
        self.ask_users(None, Vec::new());
        let why = loop {
            if let Err(why) = self.step(asked, &mut all).await {
                break why;
            }
        };
        let mut unanswered = Vec::new();
        for pending in self.pending {
            let Pending::Question(command, answer, before) = pending else { continue };
            let sessions = before + 1;
            let is_last = command.changes_each_time() || sessions >= QUESTION_SESSIONS_MAX;
            let question = ClientMessage::Question { command, answer, sessions };
            if is_last { question.fail(&why) } else { unanswered.push(question) }
        }
        SessionEnd { why, unanswered, better: self.better }
    }

    /// One turn: first what there is to say, then what comes next.
    async fn step(
        &mut self,
        asked: &mut mpsc::Receiver<ClientMessage>,
        all: &mut SessionContext<'_>,
    ) -> Result<(), AwayReason> {
        if self.must_resync && !self.pending.iter().any(|pending| matches!(pending, Pending::Users(_))) {
            self.must_resync = false;
            self.ask_users(None, Vec::new());
        }
        while self.pending.len() < PIPELINE_MAX
            && let Some(line) = all.announcer.next_line()
        {
            self.say(&line);
            self.pending.push_back(Pending::Announcement);
        }
        let wake = self.liveness.wake();
        tokio::select! {
            written = write_some(&mut self.writer, &mut self.out), if !self.out.is_empty() => written?,
            read = read_some(&mut self.reader, &mut self.decoder) => {
                read?;
                self.liveness.heard();
                while let Some(line) = self.decoder.next_line() {
                    self.hear(line, all).await?;
                }
            }
            Some(ask) = asked.recv(), if self.pending.len() < PIPELINE_MAX => self.take(ask, all.announcer),
            Ok(()) = all.ports.changed(), if all.is_online => self.tell_port(all).await,
            () = sleep_until(self.trial.due().unwrap_or(wake)), if self.trial.due().is_some() => {
                let (is_asked, event) = self.trial.turn(Instant::now());
                if is_asked {
                    self.say(&Reach.into());
                    self.pending.push_back(Pending::Trial);
                }
                self.tell_trial(event, all).await;
            }
            () = sleep_until(wake) => {
                if self.liveness.awaits_pong() {
                    return Err(lost(AbsenceReason::Silent));
                }
                self.ping(PONG_MAX);
                self.liveness.doubt(&all.elsewhere);
            }
            Some(better) = self.liveness.better() => {
                self.better = Some(better);
                return Err(lost(AbsenceReason::Silent));
            }
        }
        Ok(())
    }

    async fn hear(&mut self, line: Line, all: &mut SessionContext<'_>) -> Result<(), AwayReason> {
        let is_typed = matches!(self.pending.front(), Some(Pending::Typed(_)));
        if self.answer.is_arriving() {
            self.show(&line, is_typed);
            let Line::Text(text) = line else { return Err(lost(AbsenceReason::FaultyLine)) };
            self.liveness.answered();
            // What a person asks for may be long; nothing of it is kept.
            self.answer.add(text, !is_typed).map_err(lost)?;
            return if self.answer.is_arriving() { Ok(()) } else { self.answered(all).await };
        }
        let is_notice = matches!(&line, Line::Text(text) if text.starts_with('*'));
        self.show(&line, is_typed && !is_notice);
        let head = head_of(line)?;
        // A tracker that tells us things and never answers is as good as gone.
        if !matches!(head, Head::Notice(_)) {
            self.liveness.answered();
        }
        match head {
            Head::Notice(event) => self.notice(event, all).await,
            Head::Ok { lines, .. } if lines > ANSWER_LINES_MAX && !is_typed => Err(lost(AbsenceReason::TooMuch)),
            Head::Ok { lines, more } => {
                self.answer.begin(lines, more, self.partial.take());
                if lines == 0 { self.answered(all).await } else { Ok(()) }
            }
            Head::Err { code, text } => self.refused(code, text, all).await,
        }
    }

    /// The first pending command has its whole answer.
    async fn answered(&mut self, all: &mut SessionContext<'_>) -> Result<(), AwayReason> {
        let answer = self.answer.take();
        match self.next_pending()? {
            // Who asked may have gone.
            Pending::Question(command, asker, _) => {
                if let Some(partial) = self.partial.news(&command, answer.partial) {
                    all.tell(ClientEvent::Partial(partial)).await;
                }
                drop(asker.send(Ok(answer)));
            }
            Pending::Announcement => all.announcer.line_answered(Ok(())),
            Pending::Typed(asker) => drop(asker.send(Ok(()))),
            Pending::Watch | Pending::Ping | Pending::Port | Pending::Trial => {}
            Pending::Users(mut users) => {
                for line in &answer.lines {
                    users.push(UserLine::parse(line).map_err(|_bad| lost(AbsenceReason::FaultyList))?);
                }
                match answer.more {
                    Some(_) if users.len() > limits::LISTED_USERS_MAX || answer.lines.is_empty() => {
                        return Err(lost(AbsenceReason::EndlessList));
                    }
                    Some(after) => self.ask_users(Some(after), users),
                    None => {
                        all.people.replace(self.tracker.ip(), users);
                        let was_online = std::mem::replace(&mut all.is_online, true);
                        let event = if was_online { ClientEvent::Resync } else { self.greeted() };
                        all.tell(event).await;
                        if !was_online {
                            self.tell_port(all).await;
                            all.tell(ClientEvent::Role(self.role)).await;
                            if let Some(trackers) = self.trackers.clone() {
                                all.tell(ClientEvent::Trackers(trackers)).await;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn refused(&mut self, code: ReplyCode, text: String, all: &mut SessionContext<'_>) -> Result<(), AwayReason> {
        let _of_no_list = self.partial.take();
        match self.next_pending()? {
            Pending::Question(_, asker, _) => drop(asker.send(Err(AskError::Refused { code, text }))),
            Pending::Announcement => all.announcer.line_answered(Err(AskError::Refused { code, text })),
            Pending::Typed(asker) => drop(asker.send(Ok(()))),
            Pending::Ping | Pending::Port => {}
            Pending::Trial => {
                let event = self.trial.refused(Instant::now(), &code);
                self.tell_trial(event, all).await;
            }
            // Without them we would be blind, so this session is worth nothing.
            Pending::Watch | Pending::Users(_) => return Err(AwayReason::Refused { code, text }),
        }
        Ok(())
    }

    async fn notice(&mut self, event: Notice, all: &mut SessionContext<'_>) -> Result<(), AwayReason> {
        let event = match event {
            Notice::Joined(user) => {
                all.people.joined(user.clone());
                ClientEvent::Joined(user)
            }
            Notice::Left(name) => {
                all.people.left(&name);
                ClientEvent::Left(name)
            }
            Notice::Shared(file) => {
                all.people.shares_changed(&file.username);
                ClientEvent::Shared(file)
            }
            Notice::Unshared(name, path) => {
                all.people.shares_changed(&name);
                ClientEvent::Unshared(name, path)
            }
            Notice::Changed(name) => {
                all.people.shares_changed(&name);
                ClientEvent::Changed(name)
            }
            Notice::Connect(notice) => ClientEvent::AskedToDial(notice),
            Notice::Reach(notice) => {
                if let Some(event) = self.trial.told(Instant::now(), notice) {
                    self.tell_trial(event, all).await;
                }
                return Ok(());
            }
            Notice::Resync => {
                // However often it is said: one list makes up for all that was left out before it was asked for.
                self.must_resync = true;
                return Ok(());
            }
            Notice::Closing(reason) if shuts_out(&reason) => {
                return Err(AwayReason::Refused { code: ReplyCode::Known(Code::Banned), text: reason });
            }
            Notice::Closing(reason) => return Err(lost(AbsenceReason::Closed(reason))),
            // The owner has changed it.
            Notice::Greeting { network, .. } => {
                self.network = network;
                self.motd.clear();
                self.greeted()
            }
            Notice::MessageOfTheDay(line) if self.motd.len() < MOTD_LINES_MAX => {
                self.motd.push(line);
                self.greeted()
            }
            Notice::Broadcast(by, text) => ClientEvent::Broadcast(by, text),
            Notice::Waiting(username) => ClientEvent::Waiting(username),
            Notice::Role(role) => {
                self.role = role;
                ClientEvent::Role(role)
            }
            Notice::Trackers(trackers) => {
                self.trackers = Some(trackers.clone());
                ClientEvent::Trackers(trackers)
            }
            // Only a session without a key can be displaced.
            Notice::MessageOfTheDay(_) | Notice::Displaced(_) | Notice::Unknown => return Ok(()),
            Notice::Ping { seconds } => {
                self.liveness.set_ping(seconds);
                return Ok(());
            }
            Notice::Partial { missing, of } => {
                self.partial.announce(PartialAnswer { missing, of });
                return Ok(());
            }
        };
        // Before that what we were greeted with is not told at all: it is told together when we are.
        let is_of_greeting =
            matches!(event, ClientEvent::Online { .. } | ClientEvent::Role(_) | ClientEvent::Trackers(_));
        if all.is_online || !is_of_greeting {
            all.tell(event).await;
        }
        Ok(())
    }

    /// Others are to dial us at another port, or the tracker is to try it anew.
    async fn tell_port(&mut self, all: &mut SessionContext<'_>) {
        let port = all.ports.borrow_and_update().by(self.trial.by());
        if port != self.trial.port() {
            self.say(&RegisterUser { username: all.username.clone(), port, token: None }.into());
            self.pending.push_back(Pending::Port);
            self.tell_trial(TrialEvent::Forgotten, all).await;
        }
        self.trial.begin(Instant::now(), port);
    }

    async fn tell_trial(&self, event: TrialEvent, all: &SessionContext<'_>) {
        all.tell(ClientEvent::Trial { by: self.trial.by(), event }).await;
    }

    /// What we were greeted with last.
    pub(super) fn greeted(&self) -> ClientEvent {
        ClientEvent::Online { network: self.network.clone(), message_of_the_day: self.motd.clone() }
    }

    fn next_pending(&mut self) -> Result<Pending, AwayReason> {
        self.pending.pop_front().ok_or_else(|| lost(AbsenceReason::Unasked))
    }

    fn ask_users(&mut self, after: Option<crate::protocol::command::Cursor>, so_far: Vec<UserLine>) {
        self.say(&ListUsers { page: Page { after, limit: Some(limits::PAGE_LINES_MAX) } }.into());
        self.pending.push_back(Pending::Users(so_far));
    }

    fn ping(&mut self, answer_within: Duration) {
        self.say(&Ping.into());
        self.pending.push_back(Pending::Ping);
        self.liveness.await_pong(answer_within);
    }

    fn say(&mut self, command: &Command) {
        self.say_line(&command.to_string(), false);
    }

    fn say_line(&mut self, line: &str, is_typed: bool) {
        self.tap.line(LineDirection::Out, line, is_typed);
        writeln!(self.out, "{line}").expect("memory takes any text");
        self.liveness.said();
    }

    fn show(&self, line: &Line, is_typed: bool) {
        if let Line::Text(text) = line {
            self.tap.line(LineDirection::In, text, is_typed);
        }
    }
}
