//! Floor 0: the words of Potok as types. A value is valid by existing; every fallible constructor says what would be
//! right.
//!
//! | type | what cannot be wrong about it |
//! |---|---|
//! | [`username::Username`] | one script, no look-alike tricks, 1 to 32 characters |
//! | [`share_path::SharePath`] | relative, NFC, no `..`, no control or direction characters |
//! | [`key::PublicKey`], [`hash::ContentHash`] | 32 bytes, written as 64 hex digits |
//! | [`port::PeerPort`] | 1024 or above, so that nobody can be aimed at a system service |
//! | [`invite::Invite`], [`invite::HostPort`] | a host and a port that can be dialled |
//! | [`invite_token::InviteToken`] | 128 bits that let somebody into a closed network |
//! | [`listen`] | where a program listens unless it is told otherwise |
//! | [`search_key`] | what "whatever its case, in any script" means |
//! | [`share::Share`] | what is announced: path, size, hash |
//! | [`file_kind::FileKind`] | what a file is for, by the ending of its name |
//! | [`file_stamp::FileStamp`] | which file, and when it was last touched |
//! | [`geometry::Geometry`] | how a file of this size is cut into blocks |
//! | [`block_list::BlockList`] | the hashes of a file's blocks, proven to belong to its hash |
//! | [`binding::Binding`] | whose a name is, on a tracker |
//! | [`cluster::ClusterTracker`], [`cluster::EtcdUrl`] | a tracker among those of one network; where they agree |
//! | [`shown::Shown`] | text from a stranger that is safe to print |
//! | [`transfer::Transfer`] | a download or an upload, whoever speaks of it |
//! | [`ticket::EncounterTicket`] | 128 bits that two programs know each other by |
//! | [`keeping_away::KeptAway`] | until when and why an owner keeps us out of a network |
//! | [`absence::AbsenceReason`] | why a tracker is not there for us |
//! | [`address_family::AddressFamily`], [`own_ports::OwnPorts`] | by which addresses, and at which ports, others dial us |
//! | [`way::Way`] | how two peers reach each other |
//! | [`attempt::AttemptRecord`] | what was tried for it, a bounded number of tries |
//! | [`transfer_details::PartMap`] | which parts of it are here, in a bounded number of runs |

pub mod absence;
pub mod acted_on;
pub mod address_family;
pub mod attempt;
pub mod ban_terms;
pub mod binding;
pub mod block_list;
pub mod cluster;
pub mod existing;
pub mod file_kind;
pub mod file_stamp;
pub mod geometry;
pub mod hash;
pub mod hex;
pub mod household;
pub mod invite;
pub mod invite_token;
pub mod join_rule;
mod joining;
pub mod keeping_away;
pub(crate) mod kept_as_text;
pub mod key;
pub mod lan_address;
pub mod limits;
pub mod listen;
pub mod local_name;
pub mod metering;
pub mod name_fault;
pub mod or_empty;
pub mod own_ports;
pub mod port;
pub mod program_version;
pub mod proxy;
pub mod relaying;
pub mod search_key;
pub mod share;
pub mod share_path;
pub mod shared_address;
pub mod shown;
pub mod shown_path;
pub mod ticket;
pub mod transfer;
pub mod transfer_details;
pub mod username;
pub mod waiting_user;
pub mod way;
