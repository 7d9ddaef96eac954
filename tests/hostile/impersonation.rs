//! Nobody can pretend to be somebody else: scripted attacks, of which none may succeed.

use std::collections::BTreeMap;
use std::sync::Arc;

use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::node::event::{Outcome, TrackerConnection};
use potok_core::node::intent::Intent;
use potok_core::protocol::peer::Request;
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::asking::{Asker, Got, content_of};
use potok_tests::chaos::{Chaos, Weather};
use potok_tests::forged::{self, Forgery};
use potok_tests::lines::{Lines, connect};
use potok_tests::vectors;
use potok_tests::world::{Person, TestTracker, scaled};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How somebody comes who is not the owner.
#[derive(Debug, Clone, Copy)]
enum Actor {
    /// As a person at telnet.
    Plain,
    /// With a key of their own.
    OtherKey,
    /// With a key of their own, and another name already.
    OtherName,
}

/// Where the owner is meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Here,
    Away,
    AwaySinceARestart,
}

/// People who own the names of the vectors.
struct Owners {
    tracker: TestTracker,
    identities: BTreeMap<String, Identity>,
    sessions: BTreeMap<String, Lines>,
}

impl Owners {
    async fn come() -> Self {
        // Whose the first name is, is not the question here.
        let settings = TrackerSettings { faulty_lines: 1_000, ..TrackerSettings::default() };
        let tracker = TestTracker::start(settings).await;
        let rows = vectors::rows(&potok_tests::read("tests/vectors/identity.tsv"));
        let identities = rows.iter().map(|row| (row.text(0).to_owned(), Identity::generate())).collect();
        let mut owners = Self { tracker, identities, sessions: BTreeMap::new() };
        owners.sign_on().await;
        owners
    }

    async fn session(&self, identity: &Identity) -> Lines {
        Lines::tls(self.tracker.handle.address(), self.tracker.handle.key(), identity).await
    }

    async fn sign_on(&mut self) {
        for (name, identity) in &self.identities {
            let mut session = self.session(identity).await;
            session.expect(&format!("register-user {name} 4001"), "OK 0").await;
            session.expect(&format!("register-files {name} mine.txt"), "OK 0").await;
            self.sessions.insert(name.clone(), session);
        }
    }

    async fn sign_off(&mut self) {
        for (_, mut session) in std::mem::take(&mut self.sessions) {
            session.expect("quit", "OK 0 bye").await;
            session.to_end().await;
        }
    }

    /// Who is here and what they share, as a stranger sees it; and who owns what.
    async fn state(&self) -> (Vec<String>, Vec<String>, Vec<(String, PublicKey)>) {
        let mut stranger = Lines::plain(self.tracker.handle.address()).await;
        let (_, users) = stranger.list("list-users").await.expect("a list");
        let (_, files) = stranger.list("list-files").await.expect("a list");
        stranger.expect("quit", "OK 0 bye").await;
        (users, files, self.tracker.bindings())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_name_that_is_owned_is_given_to_anybody_else() {
    let mut owners = Owners::come().await;
    let rows = vectors::rows(&potok_tests::read("tests/vectors/identity.tsv"));
    let mut attacks = 0;
    for owner in [Owner::Here, Owner::Away, Owner::AwaySinceARestart] {
        match owner {
            Owner::Here => {}
            Owner::Away => owners.sign_off().await,
            Owner::AwaySinceARestart => owners.tracker = owners.tracker.restart().await,
        }
        let before = owners.state().await;
        assert_eq!(before.0.len(), if owner == Owner::Here { owners.identities.len() } else { 0 });
        for actor in [Actor::Plain, Actor::OtherKey] {
            let mut session = match actor {
                Actor::Plain => Lines::plain(owners.tracker.handle.address()).await,
                _ => owners.session(&Identity::generate()).await,
            };
            for row in &rows {
                let (code, spelling) = (row.text(1), row.text(2));
                let quoted = spelling.replace('"', "\\\"");
                let answer = session.ask(&format!("register-user \"{quoted}\" 6666")).await.expect("an answer");
                let what = format!("{spelling:?} for {}, {owner:?}, {actor:?}: {answer}", row.text(0));
                assert!(answer.starts_with(&format!("ERR {code} ")), "{what}");
                let (_, me) = session.list("whoami").await.expect("an answer");
                assert!(me[0].starts_with("- "), "{what}: {me:?}");
                attacks += 1;
            }
        }
        assert_eq!(owners.state().await, before, "{owner:?}");
    }
    assert!(attacks >= 300, "{attacks}");
    // The owners themselves have theirs again at once.
    owners.sign_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_for_anybody_else() {
    let mut owners = Owners::come().await;
    // Somebody who owns a name and is not here.
    let away = Identity::generate();
    let mut session = owners.session(&away).await;
    session.expect("register-user absent", "OK 0").await;
    session.expect("quit", "OK 0 bye").await;
    let names = ["scope", "SCOPE", "ѕсоре", "modern", "Иван", "иван", "paypal", "José", "absent", "nobody", "mallory1"];
    let commands = ["register-files {} evil.txt", "unregister-files {} mine.txt", "unregister-user {}"];
    let mut attacks = 0;
    let before = owners.state().await;
    for actor in [Actor::Plain, Actor::OtherKey, Actor::OtherName] {
        let mut session = match actor {
            Actor::Plain => Lines::plain(owners.tracker.handle.address()).await,
            _ => owners.session(&Identity::generate()).await,
        };
        let expected = match actor {
            Actor::OtherName => {
                session.expect("register-user mallory", "OK 0").await;
                "ERR not-yours "
            }
            _ => "ERR not-registered ",
        };
        for name in names {
            for command in commands {
                session.expect(&command.replace("{}", name), expected).await;
                attacks += 1;
            }
        }
        session.send(b"unregister-user mallory\nquit\n").await;
        session.to_end().await;
    }
    let mut after = owners.state().await;
    after.2.retain(|(name, _)| name != "mallory");
    assert_eq!(after, before);
    assert!(attacks >= 99, "{attacks}");
    owners.sign_off().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_a_key_gives_way_and_an_old_session_is_over() {
    let owners = Owners::come().await;
    // A person has a free name; its later owner takes it.
    let mut person = Lines::plain(owners.tracker.handle.address()).await;
    person.expect("register-user vera 4001", "OK 0").await;
    person.expect("register-files vera lie.txt", "OK 0").await;
    let vera = Identity::generate();
    let mut first = owners.session(&vera).await;
    first.expect("register-user Vera 4002", "OK 0").await;
    person.expect("register-files vera lie.txt", "ERR not-registered ").await;
    person.expect("unregister-user vera", "ERR not-registered ").await;
    person.expect("register-user vera", "ERR name-taken ").await;
    let (_, files) = person.list("list-files Vera").await.expect("a list");
    assert!(files.is_empty(), "{files:?}");
    // The same key comes again: the old session cannot do anything any more, whatever it sends at that moment.
    for round in 0..20 {
        let mut second = owners.session(&vera).await;
        first.send(format!("register-files vera late{round}.txt\n").as_bytes()).await;
        second.expect("register-user vera 4003", "OK 0").await;
        first.send(b"register-files vera evil.txt\nunregister-user vera\nregister-user vera\n").await;
        first.to_end().await;
        let (_, me) = second.list("whoami").await.expect("an answer");
        assert_eq!(me, [format!("vera 127.0.0.1:4003 {}", vera.public_key())]);
        let (_, files) = second.list("list-files vera").await.expect("a list");
        assert!(files.is_empty(), "what the old session announced went with it: {files:?}");
        first = second;
    }
    // Who is displaced and comes back at once still has no key.
    person.expect("register-user VERA", "ERR name-taken ").await;
}

/// Somebody records everything that a client sent, and sends it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_session_is_worth_nothing() {
    let mut owners = Owners::come().await;
    let proxy = Chaos::start(owners.tracker.handle.address(), &[Weather::Clear]).await;
    let identity = Identity::generate();
    let mut session = Lines::tls(proxy.address, owners.tracker.handle.key(), &identity).await;
    session.expect("register-user recorded 4001", "OK 0").await;
    session.expect("register-files recorded mine.txt", "OK 0").await;
    session.expect("quit", "OK 0 bye").await;
    session.to_end().await;
    let recorded = proxy.said_by_client();
    assert!(recorded.len() > 500, "{} bytes", recorded.len());
    for restarted in [false, true] {
        if restarted {
            owners.sign_off().await;
            owners.tracker = owners.tracker.restart().await;
        }
        // Whole, and cut at the borders of its records.
        for end in [recorded.len(), recorded.len() - 1, recorded.len() / 2, 300] {
            let mut stream = connect(owners.tracker.handle.address(), 1).await.expect("connected");
            stream.write_all(&recorded[..end]).await.expect("written");
            stream.shutdown().await.expect("shut");
            let mut heard = Vec::new();
            let _reset = stream.read_to_end(&mut heard).await;
            let (users, files, _) = owners.state().await;
            assert!(!users.iter().any(|line| line.starts_with("recorded ")), "{users:?}");
            assert!(!files.iter().any(|line| line.starts_with("recorded ")), "{files:?}");
        }
    }
}

/// A copied key is no key: whoever shows it must prove it, to a tracker and to a peer.
#[test]
fn a_copied_key_opens_no_door() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let (anna, bob) = (Person::new("anna"), Person::new("bob"));
    let secret = anna.write("for-users.txt", b"only users of this network may have this");
    anna.join(&tracker.address());
    bob.join(&tracker.address());
    anna.share(&secret).expect("shared");
    let Ok(Outcome::Me(bobs)) = bob.ask(Intent::WhoAmI) else { panic!("no name") };
    let Ok(Outcome::Status(status)) = anna.ask(Intent::Status) else { panic!("no status") };
    let address = status.listening.expect("listens");
    let content = b"only users of this network may have this";
    let request = Request::Read { id: 1, content: content_of(content), block: 0 };
    runtime.block_on(async {
        for forgery in Forgery::ALL {
            let stream = connect(address, 1).await.expect("connected");
            let connector = forged::client(forgery, bobs.key, b"potok-peer/1");
            let Ok(mut stream) = connector.connect(forged::nobody(), stream).await else { continue };
            let _refused = stream.write_all(&request.encode()).await;
            let _refused = stream.flush().await;
            let mut heard = Vec::new();
            let _refused = stream.read_to_end(&mut heard).await;
            assert!(heard.is_empty(), "{forgery:?}: {} bytes", heard.len());
        }
    });
    // The owner of the key is served.
    let number = bob.download("anna", "for-users.txt", "copy.txt").expect("asked");
    assert_eq!(bob.over(number, potok_tests::program::PATIENCE), Some(None));
}

/// Who is no user of the network is told nothing, whatever they know.
#[test]
fn strangers_are_told_nothing() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let anna = Person::new("anna");
    let data = b"for users of this network";
    let file = anna.write("for-users.txt", data);
    anna.join(&tracker.address());
    anna.share(&file).expect("shared");
    let (Ok(Outcome::Me(me)), Ok(Outcome::Status(status))) = (anna.ask(Intent::WhoAmI), anna.ask(Intent::Status))
    else {
        panic!("no name or no status")
    };
    let address = status.listening.expect("listens");
    let request = Request::Read { id: 1, content: content_of(data), block: 0 };
    runtime.block_on(async {
        let stranger = Asker::of(Identity::generate());
        let user = Asker::come(&tracker, "bob").await;
        for (asker, expected) in [(&user, Got::Bytes(1, data.to_vec())), (&stranger, Got::End)] {
            let mut asking = asker.connect(address, me.key).await;
            asking.ask(&[request]).await;
            assert_eq!(asking.answer().await, expected);
        }
    });
}

/// A tracker that changed its key is not the same tracker, however it came about.
#[test]
fn a_tracker_with_another_key_is_a_full_stop() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let [first, second] = [(), ()].map(|()| runtime.block_on(TestTracker::start(TrackerSettings::default())));
    let anna = Person::new("anna");
    let invite = potok_core::model::invite::TrackerAddress { key: second.address().key, ..first.address() };
    assert!(anna.ask(Intent::Join(invite)).is_err());
    assert!(matches!(anna.connection(), Some(TrackerConnection::Refused { .. })), "{:?}", anna.connection());
    let counts = runtime.block_on(first.handle.counts()).expect("runs");
    assert_eq!((counts.users, counts.names), (0, 0), "nothing was sent to it");
}

/// The owner comes and goes while others wait for the moment.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_in_while_the_owner_comes_back() {
    let owners = Arc::new(Owners::come().await);
    let over = tokio_util::sync::CancellationToken::new();
    let mut lurking = Vec::new();
    for n in 0..6 {
        let (owners, over) = (owners.clone(), over.clone());
        lurking.push(tokio::spawn(async move {
            let mut session = match n % 2 {
                0 => Lines::plain(owners.tracker.handle.address()).await,
                _ => owners.session(&Identity::generate()).await,
            };
            let mut tries = 0;
            while !over.is_cancelled() {
                let answer = session.ask("register-user scope 6666").await.expect("an answer");
                assert!(answer.starts_with("ERR name-taken "), "{answer}");
                tries += 1;
            }
            tries
        }));
    }
    let identity = &owners.identities["scope"];
    for round in 0..scaled(60) {
        let mut session = owners.session(identity).await;
        session.expect("register-user scope 4001", "OK 0").await;
        if round % 2 == 0 {
            session.expect("unregister-user scope", "OK 0").await;
        }
        session.send(b"quit\n").await;
    }
    over.cancel();
    for lurker in lurking {
        assert!(lurker.await.expect("no panic") > 0);
    }
}
