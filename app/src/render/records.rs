//! Records for programs: one a line, fields separated by tabs, `-` where there is nothing.
//!
//! Names of others go through [`Shown`], so that a tab or line break in one cannot forge a field or a record.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use potok_core::library::sharing_again::StoppedPlace;
use potok_core::model::binding::Ban;
use potok_core::model::hash::ContentHash;
use potok_core::model::program_version::ProgramVersion;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::way::Way;
use potok_core::node::event::{Me, PastTransfer, Status, TrackerConnection, Transfer, TransferDetails};
use potok_core::protocol::owner_line::{FigureLine, InviteLine, ReloadedSetting, TrackerLine, WaitingLine};
use potok_core::protocol::reply::{FileLine, OrDash, UserLine};
use potok_core::reach::nearby::NearbyNetwork;
use potok_core::service::share_indexer::root_status::{RootWork, SharedRoot};

use crate::command_line::command::ConsoleCommand;
use crate::model::reach_advice;
use crate::render::words;

/// `user⇥address⇥key`
pub fn users(out: &mut impl Write, users: &[UserLine]) -> io::Result<()> {
    users.iter().try_for_each(|user| {
        writeln!(out, "{}\t{}\t{}", Shown(user.username.as_str()), OrDash(user.address), OrDash(user.key))
    })
}

/// `user⇥size⇥hash⇥path`
pub fn files(out: &mut impl Write, files: &[FileLine]) -> io::Result<()> {
    files.iter().try_for_each(|file| {
        let (user, path) = (Shown(file.username.as_str()), Shown(file.path.as_str()));
        writeln!(out, "{user}\t{}\t{}\t{path}", OrDash(file.size), OrDash(file.hash))
    })
}

/// `shared⇥path⇥size⇥hash`
pub fn shared(out: &mut impl Write, shares: &[Share]) -> io::Result<()> {
    shares.iter().try_for_each(|share| {
        write!(out, "shared\t")?;
        one_share(out, share)
    })
}

/// `path⇥size⇥hash`
pub fn my_shares(out: &mut impl Write, shares: &[Share]) -> io::Result<()> {
    shares.iter().try_for_each(|share| one_share(out, share))
}

fn one_share(out: &mut impl Write, share: &Share) -> io::Result<()> {
    writeln!(out, "{}\t{}\t{}", Shown(share.path.as_str()), OrDash(share.size), OrDash(share.hash))
}

/// `path⇥folder or file⇥files⇥bytes⇥state⇥files_left⇥bytes_left⇥watching⇥looked_at⇥stopped⇥local_path`; `looked_at` is in
/// seconds since 1970.
pub fn roots(out: &mut impl Write, roots: &[SharedRoot]) -> io::Result<()> {
    roots.iter().try_for_each(|root| {
        let kind = if root.is_folder { "folder" } else { "file" };
        let (files_left, bytes_left) = match root.work {
            RootWork::Hashing { files_left, bytes_left } => (files_left, bytes_left),
            RootWork::Resting | RootWork::Scanning => (0, 0),
        };
        let looked_at = root.looked_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
        writeln!(
            out,
            "{}\t{kind}\t{}\t{}\t{}\t{files_left}\t{bytes_left}\t{}\t{}\t{}\t{}",
            Shown(root.share_as.as_str()),
            root.totals.files,
            root.totals.bytes,
            words::root_state(root),
            words::watching(&root.watching),
            OrDash(looked_at),
            root.stopped_places,
            ShownPath(&root.local),
        )
    })
}

/// `stopped⇥path`
pub fn stopped(out: &mut impl Write, places: &[StoppedPlace]) -> io::Result<()> {
    places.iter().try_for_each(|place| writeln!(out, "stopped\t{}", Shown(place.path.as_str())))
}

/// `unshared⇥path`
pub fn unshared(out: &mut impl Write, paths: &[SharePath]) -> io::Result<()> {
    paths.iter().try_for_each(|path| writeln!(out, "unshared\t{}", Shown(path.as_str())))
}

/// `downloaded⇥local_path⇥size⇥hash`
pub fn downloaded(out: &mut impl Write, local_path: &Path, size: u64, hash: ContentHash) -> io::Result<()> {
    writeln!(out, "downloaded\t{}\t{size}\t{hash}", ShownPath(local_path))
}

/// `left-out⇥files⇥path`
pub fn left_out(out: &mut impl Write, files: u64, label: &str) -> io::Result<()> {
    writeln!(out, "left-out\t{files}\t{}", Shown(label))
}

/// `renamed⇥original⇥local_path`
pub fn renamed(out: &mut impl Write, original: &str, local_path: &Path) -> io::Result<()> {
    writeln!(out, "renamed\t{}\t{}", Shown(original), ShownPath(local_path))
}

/// `direction⇥user⇥files⇥bytes⇥ended_at⇥local_path⇥path⇥way`; `ended_at` in seconds since 1970
pub fn history(out: &mut impl Write, past: &[PastTransfer]) -> io::Result<()> {
    past.iter().try_for_each(|past| {
        let ended = past.ended_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let local = past.local_path.as_ref().map(ShownPath);
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{ended}\t{}\t{}\t{}",
            words::direction(past.direction),
            Shown(past.user.as_str()),
            past.files,
            past.bytes,
            OrDash(local),
            Shown(&past.label),
            OrDash(past.way.map(Way::key)),
        )
    })
}

/// `number⇥direction⇥state⇥user⇥done⇥total⇥bytes_per_second⇥path⇥way`; the way is the last field for good.
pub fn transfers(out: &mut impl Write, transfers: &[Transfer]) -> io::Result<()> {
    transfers.iter().try_for_each(|transfer| {
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            transfer.number,
            words::direction(transfer.direction),
            words::state(&transfer.state),
            Shown(transfer.user.as_str()),
            transfer.done_bytes,
            transfer.total_bytes,
            transfer.bytes_per_second,
            Shown(&transfer.label),
            OrDash(transfer.way.map(Way::key)),
        )
    })
}

/// `who⇥name⇥by⇥until⇥reason`, the end in seconds since 1970
pub fn bans(out: &mut impl Write, bans: &[Ban]) -> io::Result<()> {
    bans.iter().try_for_each(|ban| {
        let name = ban.username.as_ref().map(|name| Shown(name.as_str()));
        let by = ban.terms.by.as_ref().map(|name| Shown(name.as_str()));
        let reason = ban.terms.reason.as_ref().map(|reason| Shown(reason.as_str()));
        let (until, reason) = (OrDash(ban.terms.until), OrDash(reason));
        writeln!(out, "{}\t{}\t{}\t{until}\t{reason}", Shown(&ban.target.to_string()), OrDash(name), OrDash(by))
    })
}

/// `name⇥invite`
pub fn nearby(out: &mut impl Write, networks: &[NearbyNetwork]) -> io::Result<()> {
    networks.iter().try_for_each(|network| writeln!(out, "{}\t{}", Shown(&network.name), OrDash(network.invite())))
}

/// `number⇥uses left⇥until⇥by⇥note`, the end in seconds since 1970
pub fn invites(out: &mut impl Write, invites: &[InviteLine]) -> io::Result<()> {
    invites.iter().try_for_each(|invite| {
        let by = OrDash(invite.by.as_ref().map(|name| Shown(name.as_str())));
        let note = OrDash(invite.note.as_ref().map(|note| Shown(note.as_str())));
        writeln!(out, "{}\t{}\t{}\t{by}\t{note}", invite.number, OrDash(invite.uses_left), OrDash(invite.until))
    })
}

/// `name⇥key⇥address⇥since`, in seconds since 1970
pub fn waiting(out: &mut impl Write, users: &[WaitingLine]) -> io::Result<()> {
    users.iter().try_for_each(|user| {
        let WaitingLine { username, key, address, since } = user;
        writeln!(out, "{}\t{key}\t{address}\t{since}", Shown(username.as_str()))
    })
}

/// `name⇥number`
pub fn figures(out: &mut impl Write, figures: &[FigureLine]) -> io::Result<()> {
    figures.iter().try_for_each(|figure| writeln!(out, "{}\t{}", Shown(&figure.name), figure.value))
}

/// `tracker⇥here, linked or away⇥users⇥replica age in milliseconds⇥partial answers`
pub fn trackers(out: &mut impl Write, trackers: &[TrackerLine]) -> io::Result<()> {
    trackers.iter().try_for_each(|tracker| {
        let TrackerLine { at, standing, users, replica_milliseconds, partial_answers } = tracker;
        let (age, partial) = (OrDash(*replica_milliseconds), OrDash(*partial_answers));
        writeln!(out, "{at}\t{}\t{users}\t{age}\t{partial}", standing.as_str())
    })
}

/// `setting⇥now, next-start or ordered`
pub fn reloaded(out: &mut impl Write, settings: &[ReloadedSetting]) -> io::Result<()> {
    settings.iter().try_for_each(|setting| writeln!(out, "{}\t{}", Shown(&setting.name), setting.counts.as_str()))
}

/// `name⇥address⇥key`
pub fn me(out: &mut impl Write, me: &Me) -> io::Result<()> {
    writeln!(out, "{}\t{}\t{}", Shown(me.username.as_str()), OrDash(me.address), me.key)
}

/// Writes one value as a line of its own.
pub fn line(out: &mut impl Write, value: impl Display) -> io::Result<()> {
    writeln!(out, "{value}")
}

/// The versions of this program and of the tracker.
pub fn version(out: &mut impl Write, tracker: ProgramVersion) -> io::Result<()> {
    line(out, format_args!("version\t{}\t{tracker}", ProgramVersion::here()))
}

/// `name⇥value`, one line for each of [`words::STATUS_WORDS`].
pub fn status(out: &mut impl Write, status: &Status) -> io::Result<()> {
    status_values(status)
        .into_iter()
        .try_for_each(|(name, value)| writeln!(out, "{name}\t{}", Shown(value.as_deref().unwrap_or("-"))))
}

/// The lines of `status` with their plain values, in the order of [`words::STATUS_WORDS`].
pub fn status_values(status: &Status) -> Vec<(&'static str, Option<String>)> {
    let (tracker, network) = match &status.connection {
        TrackerConnection::None => (None, None),
        TrackerConnection::Connecting { tracker, .. } | TrackerConnection::Refused { tracker, .. } => {
            (Some(tracker.clone()), None)
        }
        TrackerConnection::Online { tracker, network, .. } => (Some(tracker.clone()), Some(network.clone())),
    };
    let values = [
        Some(words::connection(&status.connection).to_owned()),
        tracker,
        network,
        status.listening.map(|address| address.to_string()),
        Some(reach_advice::verdict_word(status.reach.verdict()).to_owned()),
        status.hosted.as_ref().map(|hosted| hosted.address.to_string()),
        Some(status.shares.to_string()),
        Some(status.share_bytes.to_string()),
        Some(status.files_to_hash.to_string()),
        Some(status.downloads.to_string()),
        Some(status.uploads.to_string()),
        ways_of(status, |way| way.key().to_owned()),
        Some(status.down_bytes_per_second.to_string()),
        Some(status.up_bytes_per_second.to_string()),
        Some(ShownPath(&status.download_folder).to_string()),
        Some(status.metering.as_str().to_owned()),
    ];
    words::STATUS_WORDS.iter().copied().zip(values).collect()
}

/// "direct 2, punched 1"; none while nobody is connected.
pub fn ways_of(status: &Status, word: impl Fn(Way) -> String) -> Option<String> {
    let ways: Vec<String> = status.ways.iter().map(|(way, count)| format!("{} {count}", word(*way))).collect();
    (!ways.is_empty()).then(|| ways.join(", "))
}

/// `source⇥user⇥standing⇥way⇥bytes_per_second`, then `tried⇥user⇥way⇥outcome⇥address` for each way that was tried the last
/// time
pub fn transfer_details(out: &mut impl Write, details: &TransferDetails) -> io::Result<()> {
    details.sources.iter().try_for_each(|source| {
        let (user, way) = (Shown(source.user.as_str()), OrDash(source.way.map(Way::key)));
        let standing = words::standing(source.standing);
        writeln!(out, "source\t{user}\t{standing}\t{way}\t{}", source.bytes_per_second)?;
        source.tried.iter().try_for_each(|tried| {
            let (way, outcome) = (tried.way.key(), tried.outcome.key());
            writeln!(out, "tried\t{user}\t{way}\t{outcome}\t{}", OrDash(tried.address))
        })
    })
}

/// `usage⇥explanation`
pub fn help<'a>(out: &mut impl Write, commands: impl IntoIterator<Item = &'a ConsoleCommand>) -> io::Result<()> {
    commands.into_iter().try_for_each(|command| writeln!(out, "{}\t{}", command.usage(), command.explanation()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use potok_core::library::root::RootId;
    use potok_core::model::metering::Metering;
    use potok_core::model::username::Username;
    use potok_core::node::event::{Direction, TransferState};
    use potok_core::protocol::reply::Totals;
    use potok_core::reach::reachability::Reachability;
    use potok_core::service::share_indexer::root_status::{Absence, RootWatching};
    use potok_core::service::share_indexer::watch_fault::WatchFault;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a Vec takes everything");
        String::from_utf8(out).expect("text")
    }

    fn name(name: &str) -> Username {
        Username::new(name).expect(name)
    }

    fn path(path: &str) -> SharePath {
        SharePath::new(path).expect(path)
    }

    #[test]
    fn writes_the_records_of_the_contract() {
        let hash = ContentHash::from_bytes([0xab; 32]);
        let hex = "ab".repeat(32);
        let key: potok_core::model::key::PublicKey = hex.parse().expect("key");
        let address = Some("[::1]:4001".parse().expect("address"));

        let lines = [
            UserLine { username: name("anna"), address: None, key: None },
            UserLine { username: name("Мария"), address, key: Some(key) },
        ];
        assert_eq!(written(|out| users(out, &lines)), format!("anna\t-\t-\nМария\t[::1]:4001\t{hex}\n"));

        let lines = [
            FileLine { username: name("anna"), size: None, hash: None, path: path("my file, 1.txt") },
            FileLine { username: name("ivan"), size: Some(120), hash: Some(hash), path: path("Trip/a.jpg") },
        ];
        let expected = format!("anna\t-\t-\tmy file, 1.txt\nivan\t120\t{hex}\tTrip/a.jpg\n");
        assert_eq!(written(|out| files(out, &lines)), expected);

        let share = [Share { path: path("Trip/a.jpg"), size: Some(5), hash: Some(hash) }];
        assert_eq!(written(|out| shared(out, &share)), format!("shared\tTrip/a.jpg\t5\t{hex}\n"));
        assert_eq!(written(|out| my_shares(out, &share)), format!("Trip/a.jpg\t5\t{hex}\n"));
        assert_eq!(written(|out| unshared(out, &[path("a b")])), "unshared\ta b\n");
        let root = SharedRoot {
            id: RootId(1),
            local: "/h/a\tb".into(),
            is_folder: true,
            share_as: path("Trip"),
            totals: Totals { files: 2, bytes: 30 },
            watching: RootWatching::Partly { why: WatchFault::TooMany },
            looked_at: Some(UNIX_EPOCH + std::time::Duration::from_secs(7)),
            work: RootWork::Hashing { files_left: 1, bytes_left: 9 },
            paused: None,
            stopped_places: 4,
            left_out: Vec::new(),
        };
        let gone = SharedRoot { is_folder: false, looked_at: None, paused: Some(Absence::Gone), ..root.clone() };
        assert_eq!(
            written(|out| roots(out, &[root, gone])),
            "Trip\tfolder\t2\t30\thashing\t1\t9\tpartly\t7\t4\t/h/a⟨U+0009⟩b\n\
             Trip\tfile\t2\t30\tunplugged\t1\t9\tpartly\t-\t4\t/h/a⟨U+0009⟩b\n"
        );
        let place = StoppedPlace { root: RootId(1), place: path("x"), path: path("Trip/x") };
        assert_eq!(written(|out| stopped(out, &[place])), "stopped\tTrip/x\n");

        let forged = Path::new("/tmp/a\tb\nc");
        let expected = format!("downloaded\t/tmp/a⟨U+0009⟩b⟨U+000A⟩c\t7\t{hex}\n");
        assert_eq!(written(|out| downloaded(out, forged, 7, hash)), expected);
        let expected = "renamed\ta⟨U+202E⟩\t/tmp/a⟨U+0009⟩b⟨U+000A⟩c\n";
        assert_eq!(written(|out| renamed(out, "a\u{202e}", forged)), expected);

        assert_eq!(written(|out| left_out(out, 3, "a\tb/")), "left-out\t3\ta⟨U+0009⟩b/\n");

        let i = Me { username: name("anna"), address, key };
        assert_eq!(written(|out| me(out, &i)), format!("anna\t[::1]:4001\t{hex}\n"));

        let transfer = Transfer {
            number: potok_core::node::intent::TransferId(3),
            direction: Direction::Download,
            position: 0,
            user: name("ivan"),
            label: "Trip/\u{202e}x".into(),
            local_path: None,
            files: 2,
            files_done: 1,
            total_bytes: 100,
            done_bytes: 40,
            bytes_per_second: 9,
            sources: 1,
            there: potok_core::model::transfer::AlreadyThere { same: 5, left_out: 6 },
            way: Some(Way::Ipv6),
            state: TransferState::WaitingForSlot { place: 2 },
        };
        let expected = "3\tdownload\twaiting-for-slot\tivan\t40\t100\t9\tTrip/⟨U+202E⟩x\tdirect6\n";
        assert_eq!(written(|out| transfers(out, &[transfer])), expected);
    }

    #[test]
    fn status_has_one_line_a_word() {
        let status_now = Status {
            connection: TrackerConnection::Online {
                tracker: "h:1".into(),
                network: "Our\tnet".into(),
                message_of_the_day: vec![],
            },
            listening: None,
            reach: Reachability::default(),
            hosted: None,
            shares: 2,
            share_bytes: 10,
            files_to_hash: 0,
            downloads: 1,
            uploads: 0,
            ways: [(Way::Direct, 2), (Way::Punched, 1)].into(),
            down_bytes_per_second: 5,
            up_bytes_per_second: 0,
            download_folder: PathBuf::from("/d"),
            metering: Metering::Metered,
        };
        let text = written(|out| status(out, &status_now));
        assert!(
            text.starts_with(
                "connection\tonline\ntracker\th:1\nnetwork\tOur⟨U+0009⟩net\nlistening\t-\n\
             reachable\tunknown\n"
            ),
            "{text}"
        );
        assert!(text.contains("\nways\tdirect 2, punched 1\n"), "{text}");
        assert!(text.ends_with("up-bytes-per-second\t0\ndownload-folder\t/d\nmetered\tyes\n"), "{text}");
        assert_eq!(text.lines().count(), words::STATUS_WORDS.len());
    }
}
