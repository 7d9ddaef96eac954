//! What each path answers, and to whom.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use potok_core::model::invite::Invite;
use potok_core::model::join_rule::JoinRule;
use potok_core::model::shown::Shown;
use potok_core::protocol::owner_line::TrackerLine;
use potok_core::service::tracker_server::TrackerHandle;
use potok_core::store::Store;
use potok_core::tracker::settings::TrackerSettings;
use tokio::time::timeout;

use crate::backup;
use crate::observing::invite_page::{self, InvitePage, Pages};
use crate::observing::metrics;

/// How long the tracker may take to say how it is, until it counts as ill.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// Who asks, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Somebody from elsewhere.
    Stranger,
    /// A program on this computer.
    SameComputer,
    /// Who can open what lies in the data folder.
    Owner,
}

/// What is told, and of which tracker.
pub(crate) struct Site {
    tracker: Arc<TrackerHandle>,
    store: Arc<Store>,
    /// The page of the invite as it was made last: whoever asks for it often has it drawn once.
    pages: Mutex<Option<(Arc<TrackerSettings>, Invite, Pages)>>,
}

type Answer = Response<Full<Bytes>>;

impl Site {
    pub(crate) fn new(tracker: Arc<TrackerHandle>, store: Arc<Store>) -> Self {
        Self { tracker, store, pages: Mutex::new(None) }
    }

    pub(super) async fn answer(&self, request: &Request<Incoming>, asker: Asker) -> Answer {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        }
        // Settings are shared: a look copies nothing, however many bans they have.
        let seen = timeout(LOOK_MAX, self.tracker.look(|tracker| Arc::clone(tracker.settings()))).await;
        let Ok(Some(settings)) = seen else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the tracker does not answer\n");
        };
        let mut answer = match request.uri().path() {
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            "/metrics" | "/status" if !may_watch(request, asker, &settings.observe_token) => not_for(&settings),
            "/metrics" => {
                let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
                let form = metrics::Form::wanted_by(accept.unwrap_or_default());
                match metrics::text(&self.tracker, form).await {
                    Some(text) => of_kind(form.content_type(), text),
                    None => plain(StatusCode::SERVICE_UNAVAILABLE, "the tracker does not answer\n"),
                }
            }
            "/status" => self.status(&settings).await,
            "/export" if asker == Asker::Owner => self.export().await,
            "/" if settings.invite_page => self.invite_page(request, &settings),
            "/style.css" if settings.invite_page => of_kind("text/css; charset=utf-8", invite_page::STYLE),
            _ => plain(StatusCode::NOT_FOUND, "nothing is here\n"),
        };
        if request.method() == Method::HEAD {
            *answer.body_mut() = Full::default();
        }
        answer
    }

    async fn status(&self, settings: &TrackerSettings) -> Answer {
        let counts = self.tracker.counts().await;
        let Some(counts) = counts else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the tracker does not answer\n");
        };
        let (bytes_in, bytes_out) = self.tracker.traffic();
        let up = SystemTime::now().duration_since(self.tracker.since()).map_or(0, |since| since.as_secs());
        let mut text = String::new();
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            writeln!(text, "{name:<12} {value}").expect("a string takes everything");
        };
        line("version", &env!("CARGO_PKG_VERSION"));
        line("network", &Shown(&settings.network_name));
        line("listening", &self.tracker.address());
        line("key", &self.tracker.key());
        line("join", &settings.join.word());
        line("up", &format_args!("{} d {:02}:{:02}:{:02}", up / 86_400, up / 3600 % 24, up / 60 % 60, up % 60));
        line("connections", &counts.sessions);
        line("users", &counts.users);
        line("files", &counts.shares);
        line("names", &counts.names);
        line("bytes in", &bytes_in);
        line("bytes out", &bytes_out);
        let cluster = self.tracker.look(|tracker| tracker.cluster(Instant::now())).await.unwrap_or_default();
        for TrackerLine { at, standing, users, replica_milliseconds, partial_answers } in cluster {
            line("tracker", &format_args!("{at} {} {users} users", standing.as_str()));
            if let Some(age) = replica_milliseconds {
                line("replica", &format_args!("{age} ms old"));
            }
            if let Some(count) = partial_answers {
                line("partial", &format_args!("{count} answers"));
            }
        }
        of_kind("text/plain; charset=utf-8", text)
    }

    async fn export(&self) -> Answer {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || backup::export(&store)).await {
            Ok(Ok(text)) => of_kind("text/plain; charset=utf-8", text),
            Ok(Err(why)) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{why}\n")),
            Err(_panic) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the records cannot be read\n"),
        }
    }

    fn invite_page(&self, request: &Request<Incoming>, settings: &Arc<TrackerSettings>) -> Answer {
        let Ok(invite) = crate::public_invite(&self.tracker, settings) else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "this tracker knows no address of its own\n");
        };
        let languages = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut kept = self.pages.lock();
        let kept = match &mut *kept {
            Some((of, link, pages)) if Arc::ptr_eq(of, settings) && *link == invite => pages,
            other => {
                let page = InvitePage {
                    network: &settings.network_name,
                    greeting: &settings.message_of_the_day,
                    link: invite.to_string(),
                    is_closed: settings.join != JoinRule::Open,
                };
                let pages = page.pages();
                &mut other.insert((Arc::clone(settings), invite, pages)).2
            }
        };
        let page = kept.of(languages.unwrap_or_default());
        let mut answer = of_kind("text/html; charset=utf-8", page);
        answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        answer
    }
}

/// Figures are for this computer, and for who shows the token that the configuration has.
fn may_watch<T>(request: &Request<T>, asker: Asker, token: &str) -> bool {
    if asker != Asker::Stranger && !is_passed_on(request) {
        return true;
    }
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
    // Hashes are compared in a time that says nothing about them.
    shown.is_some_and(|shown| !token.is_empty() && blake3::hash(shown.as_bytes()) == blake3::hash(token.as_bytes()))
}

/// Whether a proxy says that it asks for somebody else, who is not on this computer because it is.
fn is_passed_on<T>(request: &Request<T>) -> bool {
    ["forwarded", "via", "x-forwarded-for", "x-real-ip"].into_iter().any(|name| request.headers().contains_key(name))
}

fn not_for(settings: &TrackerSettings) -> Answer {
    if settings.observe_token.is_empty() {
        return plain(StatusCode::FORBIDDEN, "only for programs on this computer: no observe_token is set\n");
    }
    let mut answer = plain(StatusCode::UNAUTHORIZED, "show the token: Authorization: Bearer ...\n");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = of_kind("text/plain; charset=utf-8", text.to_owned());
    *answer.status_mut() = status;
    answer
}

/// Nothing of it may load, run, frame or remember anything but the one style sheet.
fn of_kind(kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_for_this_computer_and_who_shows_the_token() {
        let token = "a word that nobody guesses";
        let may = |asker, token: &str, header: Option<(&str, &str)>| {
            let request =
                header.into_iter().fold(Request::get("/metrics"), |request, (name, value)| request.header(name, value));
            may_watch(&request.body(()).expect("a request"), asker, token)
        };
        let bearer = format!("Bearer {token}");
        assert!(may(Asker::SameComputer, "", None) && may(Asker::Owner, "", None));
        assert!(!may(Asker::Stranger, token, None) && may(Asker::Stranger, token, Some(("authorization", &bearer))));
        for wrong in ["Bearer ", "Bearer a word", token] {
            assert!(!may(Asker::Stranger, token, Some(("authorization", wrong))), "{wrong}");
        }
        assert!(!may(Asker::Stranger, "", Some(("authorization", "Bearer "))), "there is no token");
        for passed_on in ["Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"] {
            assert!(!may(Asker::SameComputer, token, Some((passed_on, "192.0.2.7"))), "{passed_on}");
        }
    }
}
