//! What a session can ask of a tracker. A verb is a file here, with its fields, how it is read and how it is written;
//! `each_verb!` lists them, and everything that is about all verbs is made from that list.
//!
//! Shared by the verbs: [`mod@arguments`] reads words and options.

mod addresses;
mod also;
pub mod arguments;
mod connect;
mod count_files;
mod help;
mod list_addresses;
mod list_files;
mod list_folder;
mod list_sources;
mod list_totals;
mod list_users;
pub mod owner;
mod ping;
mod probe;
mod quit;
mod reach;
mod register_files;
mod register_user;
mod relay;
mod search;
mod sources;
mod unregister_files;
mod unregister_user;
mod unwatch;
mod version;
mod watch;
mod who_am_i;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::field;
use crate::protocol::sentence::Sentence;

pub use crate::protocol::page::{Cursor, Page};

/// Hands the verbs to a macro, in the order in which `help` lists them.
macro_rules! each_verb {
    ($then:ident) => {
        $then! {
            register_user::RegisterUser,
            unregister_user::UnregisterUser,
            also::Also,
            addresses::Addresses,
            register_files::RegisterFiles,
            unregister_files::UnregisterFiles,
            list_users::ListUsers,
            list_addresses::ListAddresses,
            list_totals::ListTotals,
            list_files::ListFiles,
            list_folder::ListFolder,
            connect::Connect,
            probe::Probe,
            reach::Reach,
            relay::Relay,
            search::Search,
            count_files::CountFiles,
            sources::Sources,
            list_sources::ListSources,
            watch::Watch,
            unwatch::Unwatch,
            who_am_i::WhoAmI,
            owner::KickUser,
            owner::BanUser,
            owner::LiftBan,
            owner::ListBanned,
            owner::ReleaseName,
            owner::SetMessage,
            owner::RenameNetwork,
            owner::SetLimits,
            owner::Broadcast,
            owner::ListStats,
            owner::ListTrackers,
            owner::Reload,
            owner::IssueInvite,
            owner::ListInvites,
            owner::RevokeInvite,
            owner::ListWaiting,
            owner::Approve,
            owner::Deny,
            version::Version,
            ping::Ping,
            help::Help,
            quit::Quit,
        }
    };
}
pub(crate) use each_verb;

/// What every verb says of itself. It is written ([`fmt::Display`]) as the line that is read back the same, without LF.
pub trait Verb: Sized + fmt::Display {
    /// The word that a line begins with, in small letters.
    const NAME: &'static str;

    /// What a person reads in `help`: the form, a colon, what it does.
    const USAGE: &'static str;

    /// Lines with each form of its fields, as they are written; a test reads them and writes them back.
    const EXAMPLES: &'static [&'static str];

    /// Reads what stands behind the verb.
    fn parse(rest: &str) -> Result<Self, Refusal>;

    /// Whose files a refused line would have changed, if it names anybody: whether they are the session's own is judged
    /// before the rest of the line is.
    fn named_user(_rest: &str) -> Option<Username> {
        None
    }

    /// The refusal of words that do not fit.
    fn usage() -> Refusal {
        Refusal::new(Code::Usage, Self::USAGE)
    }
}

macro_rules! define_command {
    ($($module:ident::$verb:ident),+ $(,)?) => {
        $(pub use $module::$verb;)+

        /// One request.
        ///
        /// ```
        /// use potok_core::protocol::code::{Code, Refusal};
        /// use potok_core::protocol::command::Command;
        ///
        /// let command = Command::parse("register-files anna \"day 1.jpg\" size=120")?;
        /// let Command::RegisterFiles(files) = command else { panic!("another command") };
        /// assert_eq!((files.shares[0].path.as_str(), files.shares[0].size), ("day 1.jpg", Some(120)));
        ///
        /// // What is written is what is read.
        /// assert_eq!(Command::parse("SEARCH  day")?.to_string(), "search day");
        /// let refused = Command::parse("register-files anna ../x").map_err(|refusal| refusal.code);
        /// assert_eq!(refused, Err(Code::BadPath));
        /// # Ok::<(), Refusal>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Command {
            $(
                #[doc = concat!("What [`", stringify!($verb), "`] says.")]
                $verb($verb),
            )+
        }

        /// Which verb a request has, without what it says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum VerbKind {
            $(
                #[doc = concat!("The verb of [`", stringify!($verb), "`].")]
                $verb,
            )+
        }

        impl VerbKind {
            /// Its place in [`VERBS`].
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        /// The verbs, with what a person reads in `help`.
        pub const VERBS: &[(&str, &str)] = &[$((<$verb as Verb>::NAME, <$verb as Verb>::USAGE)),+];

        impl Command {
            /// Its verb, without what it says.
            pub fn kind(&self) -> VerbKind {
                match self {
                    $(Self::$verb(_) => VerbKind::$verb,)+
                }
            }

            /// Whether it does something once more if it is said once more: it is not repeated because its answer was lost.
            pub fn changes_each_time(&self) -> bool {
                matches!(self, Self::IssueInvite(_) | Self::Broadcast(_))
            }

            /// Reads one line. The refusal says what would be right.
            pub fn parse(line: &str) -> Result<Self, Refusal> {
                let mut rest = line;
                let verb = take_verb(&mut rest).map_err(arguments::misspelt)?;
                match verb.as_str() {
                    $(<$verb as Verb>::NAME => $verb::parse(rest).map(Self::$verb),)+
                    _ => Err(unknown_command()),
                }
            }
        }

        /// Whom a refused line was about, if it names somebody's files.
        pub fn named_user(line: &str) -> Option<Username> {
            let mut rest = line;
            match take_verb(&mut rest).ok()?.as_str() {
                $(<$verb as Verb>::NAME => $verb::named_user(rest),)+
                _ => None,
            }
        }

        impl fmt::Display for Command {
            /// The line, without its LF.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$verb(verb) => verb.fmt(f),)+
                }
            }
        }

        $(
            impl From<$verb> for Command {
                fn from(verb: $verb) -> Self {
                    Self::$verb(verb)
                }
            }
        )+
    };
}
each_verb!(define_command);

/// A verb that nothing stands behind.
macro_rules! bare_verb {
    ($(#[$doc:meta])* $verb:ident, $name:literal, $does:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $verb;

        impl $crate::protocol::command::Verb for $verb {
            const NAME: &'static str = $name;
            const USAGE: &'static str = concat!($name, ": ", $does);
            const EXAMPLES: &'static [&'static str] = &[$name];

            fn parse(rest: &str) -> Result<Self, $crate::protocol::code::Refusal> {
                $crate::protocol::command::arguments::no_more(rest, Self::usage).map(|()| Self)
            }
        }

        impl std::fmt::Display for $verb {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($name)
            }
        }
    };
}
use bare_verb;

/// The refusal of a verb that is none.
pub fn unknown_command() -> Refusal {
    Refusal::new(Code::UnknownCommand, Sentence::NoSuchCommand)
}

/// The verb of a line, in small letters; empty if it has none.
pub fn verb(line: &str) -> Result<String, field::BadFields> {
    take_verb(&mut &*line)
}

fn take_verb(rest: &mut &str) -> Result<String, field::BadFields> {
    Ok(field::take_field(rest)?.map(|field| field.text.to_ascii_lowercase()).unwrap_or_default())
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    list: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
