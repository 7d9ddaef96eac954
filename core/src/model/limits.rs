//! Every bound of the wire and of memory that is part of the contract, with its unit and its reason. What an owner may
//! change lives in settings whose defaults are these.

use std::time::Duration;

/// Longest line of the tracker protocol, in bytes without its LF. Long enough for thousands of announced files.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most items in one list, so that one line costs a bounded time.
pub const ITEMS_PER_LINE_MAX: usize = 10_000;
/// Longest username, in characters: it fits into a column of a list.
pub const USERNAME_CHARS_MAX: usize = 32;
/// Longest share path, in bytes of UTF-8: deep folders fit, and a line of the protocol holds many.
pub const PATH_BYTES_MAX: usize = 1024;
/// Longest part of a share path, in bytes: what the common file systems hold.
pub const PATH_PART_BYTES_MAX: usize = 255;
/// What the name of an unfinished download ends in. A stranger's file must not come under such a name: it would be taken
/// for the beginning of another.
pub const PART_SUFFIX: &str = ".potok-part";
/// Longest name of a network and longest line of its message of the day, in bytes: they are shown to everybody.
pub const GREETING_LINE_BYTES_MAX: usize = 400;
/// Most lines of one page that a registered session may ask for.
pub const PAGE_LINES_MAX: usize = 10_000;
/// Most lines that a session without a name gets of one list: an unknown asker must not be an amplifier.
pub const UNREGISTERED_LINES_MAX: usize = 1_000;
/// Lowest port a user may announce; below it live system services.
pub const PEER_PORT_MIN: u16 = 1024;
/// The tracker's port unless told otherwise.
pub const TRACKER_PORT: u16 = 7686;
/// Longest invite link, in bytes: a longer text is refused before it is looked at.
pub const INVITE_BYTES_MAX: usize = 2048;
/// Most trackers that one invite names: as many machines as one network is run on.
pub const NETWORK_ADDRESSES_MAX: usize = 16;

/// Bytes a second that all relays of a tracker carry together: a part of what a home sends.
pub const RELAY_BYTES_PER_SECOND: u64 = 2_000_000;
/// Bytes that relays carry for one user in 24 hours: a large film, and not somebody's whole collection.
pub const RELAY_BYTES_PER_USER_DAY: u64 = 5_000_000_000;

/// TLS handshake of a session, from accept to its end.
pub const TLS_HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// First command of a TLS session: a program knows what it wants.
pub const TLS_FIRST_COMMAND_MAX: Duration = Duration::from_secs(10);
/// First command of a plain session: a person types.
pub const PLAIN_FIRST_COMMAND_MAX: Duration = Duration::from_secs(60);
/// How long a plain connection stays silent before it is greeted as a person at telnet.
pub const PLAIN_GREETING_DELAY: Duration = Duration::from_millis(500);
/// How often a client says `ping` when it has nothing else to say.
pub const PING_EVERY: Duration = Duration::from_secs(30);
/// The same in a network of several trackers, where who hears nothing may go to another one.
pub const PING_EVERY_MIN: Duration = Duration::from_secs(3);
/// So many pings a second cost a tracker a few hundredths of a processor; with more people it has them ask less often.
pub const PINGS_PER_SECOND_MAX: u64 = 5_000;
/// A TLS session that said nothing for this long is dead.
pub const TLS_SILENCE_MAX: Duration = Duration::from_secs(75);
/// A plain session that said nothing for this long is dead.
pub const PLAIN_SILENCE_MAX: Duration = Duration::from_secs(3600);
/// Most open connections from one address: a household or an office behind one router, and not a flood.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// Connections without a name in all; the oldest idle one makes room.
pub const UNREGISTERED_SESSIONS_MAX: usize = 4096;
/// Most shares that a user may announce: a million, which is the archive of a family, costs a tracker 170 MiB and five
/// seconds (docs/performance.md). It bounds what one user costs the tracker's memory.
pub const SHARES_PER_USER_MAX: usize = 1_000_000;
/// Most bytes of paths that a user may announce: as many long paths as there may be shares.
pub const PATH_BYTES_PER_USER_MAX: usize = 128 * 1024 * 1024;
/// Most users that a client takes from one tracker: twice the connections that a tracker has unless its owner raises
/// them. One that lists more is not believed.
pub const LISTED_USERS_MAX: usize = 200_000;
/// Bytes waiting for one session; notices beyond it become one `* resync`.
pub const SEND_QUEUE_BYTES_MAX: usize = 128 * 1024;
/// Changes of one user within this time become one notice.
pub const NOTICE_MERGE_WINDOW: Duration = Duration::from_millis(250);
/// A name that its key has not used for this long may be registered by another key.
pub const BINDING_LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);

/// Files hashed at the same time, whatever the settings say: more threads would only wait for the disk.
pub const HASH_THREADS_MAX: usize = 64;
/// How seldom shared folders may be compared with the disk, in seconds: a month. Far larger numbers are no time any more.
pub const RECONCILE_SECONDS_MAX: u64 = 30 * 86_400;

/// Nothing can be sent to the other side any more: so long it is still listened to, since it may have said why.
pub const READ_AFTER_WRITE_ERROR_MAX: Duration = Duration::from_secs(1);
/// How long reaching a peer may take, TCP and TLS together, before another source is tried.
pub const PEER_CONNECT_MAX: Duration = Duration::from_secs(5);
/// Peers that are served at the same time: fewer get more each, and others wait in the queue.
pub const UPLOAD_SLOTS: usize = 4;
/// Connections of one user that are served at the same time.
pub const UPLOAD_SLOTS_PER_USER: usize = 2;
