//! What a tracker says to people, as values: the sentence behind a code is English on the wire, and whoever reads it in
//! another language knows it again. What another program's tracker says is no sentence of these and stays as it is.

use std::fmt;

macro_rules! sentences {
    ($($(#[$doc:meta])* $variant:ident $({ $($field:ident),+ })? $key:literal = $begin:literal $(.. $number:ident $text:literal)*;)+) => {
        /// A sentence behind a code, or the reason why a session is closed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Sentence {
            $($(#[$doc])* $variant $({
                $(#[doc = "A number in it."] $field: u64),+
            })?),+
        }

        impl Sentence {
            /// Every one, with these numbers as far as it has any.
            pub fn all(numbers: [u64; SENTENCE_NUMBERS_MAX]) -> Vec<Self> {
                vec![$({
                    let mut _numbers = numbers.into_iter();
                    Self::$variant { $($number: _numbers.next().unwrap_or_default()),* }
                }),+]
            }

            /// The key of its translations, below `tracker-says`.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant { .. } => $key),+ }
            }

            /// How it begins, and then each number with its name in the translations and with what stands behind it.
            fn parts(self) -> (&'static str, Vec<(&'static str, u64, &'static str)>) {
                match self {
                    $(Self::$variant { $($number),* } => ($begin, vec![$((stringify!($number), $number, $text)),*])),+
                }
            }
        }
    };
}

/// Most numbers in a sentence.
pub const SENTENCE_NUMBERS_MAX: usize = 2;

sentences! {
    /// Another session of theirs took the place of this one.
    TakenOver "taken-over" = "taken over by a new connection";
    /// Nobody ever has the name.
    NameReserved "name-reserved" = "this name is kept for the tracker; choose another";
    /// Somebody else has it.
    NameTaken "name-taken" = "this name is somebody else's; choose another";
    /// It cannot be told from somebody else's.
    NameConfusable "name-confusable" = "this name looks like somebody else's; choose a more different one";
    /// One key has as many names as it may.
    NamesOwned { max } "names-owned" =
        "you own " .. max " names already; use one of them";
    /// There is room for no more names.
    NamesFull { max } "names-full" =
        "this tracker remembers at most " .. max " names";
    /// Names are asked for too fast.
    TooManyNewNames "too-many-new-names" = "too many new names come from your address; try again later";
    /// An order of an owner's does not reach the other trackers of a cluster.
    OrderNotAgreed "order-not-agreed" =
        "this could not be written where the other trackers of this network read it; try again in a moment";
    /// The tracker's disk failed.
    NameNotSaved "name-not-saved" = "the tracker could not write the name down; try again";
    /// The trackers of a cluster cannot agree whose a name is.
    NameNotAgreed "name-not-agreed" =
        "the trackers of this network cannot agree on names just now; try again in a moment";
    /// The tracker's disk failed.
    NotSaved "not-saved" = "the tracker could not write it down; nothing was changed. Try again";
    /// An owner has freed their name.
    NameFreed "name-freed" = "the owner of this tracker has freed the name";
    /// A user's files are as many as they may be.
    FilesOfUser { max, own } "files-of-user" =
        "it lists at most " .. max " files of one user, and " .. own " of yours; nothing was changed";
    /// A user's paths are as long as they may be together.
    PathsOfUser { max } "paths-of-user" =
        "it lists at most " .. max " bytes of paths of one user; nothing was changed";
    /// There is room for no more files.
    FilesInAll { max } "files-in-all" =
        "it lists at most " .. max " files in all; nothing was changed";
    /// A household's files are as many as they may be.
    FilesOfAddress { max } "files-of-address" =
        "those at your address may share " .. max " files together; nothing was changed";
    /// A household's paths are as long as they may be together.
    PathsOfAddress { max } "paths-of-address" =
        "the paths of all files from your address may have " .. max " bytes together; nothing was changed";
    /// The files of those without a key are as many as they may be.
    FilesWithoutKey { max } "files-without-key" =
        "those without a key may share " .. max " files in all; connect with Potok. Nothing was changed";
    /// All paths are as long as they may be together.
    PathsInAll { max } "paths-in-all" =
        "this tracker holds paths of at most " .. max " bytes in all; nothing was changed";
    /// They have no name yet.
    NotRegistered "not-registered" = "first say who you are: register-user <username> [port]";
    /// There is no such user now.
    NobodyHere "nobody-here" = "nobody of this name is here; see list-users";
    /// They have no key.
    NoKeyToMeet "no-key-to-meet" = "nobody meets a user without a key";
    /// The other has no key, or is the asker.
    NobodyToMeet "nobody-to-meet" = "only somebody else with a key can be met";
    /// They ask too often.
    AsksTooOften "asks-too-often" = "you ask too often to be met";
    /// Others ask too often.
    AskedTooOften "asked-too-often" = "too many ask to be met by this user";
    /// The tracker has no way of it.
    NobodyMeets "nobody-meets" = "this tracker has nobody meet";
    /// What was asked about is over.
    EncounterOver "encounter-over" = "there is no such encounter, or it is over";
    /// The relay is off, or used up.
    NoRelayNow "no-relay-now" = "this tracker carries no bytes, or no more of them today";
    /// Somebody without a name asks for too much.
    TooManyLists "too-many-lists" = "too many lists for somebody without a name; wait some seconds, or register-user";
    /// Nobody may have the name.
    NameShutOut "name-shut-out" = "the owner of this tracker has shut this name out; choose another";
    /// The program ends.
    TrackerStops "tracker-stops" = "the tracker stops";
    /// Their connection seems dead.
    SilentTooLong "silent-too-long" = "nothing was heard for too long";
    /// They have no name, and there are many of them.
    RoomNeeded "room-needed" = "others need the room; register a name to stay";
    /// What they send is no text.
    TooManyFaults "too-many-faults" = "too many lines that are not text";
    /// They have another name than the one in the command.
    OtherName "other-name" = "you have another name here, and act for nobody else";
    /// They have another name than the one that they want.
    RenameFirst "rename-first" = "you have another name here; say 'unregister-user <name>' with it first";
    /// Only an owner may do it.
    NotAnOwner "not-an-owner" = "only an owner of this tracker may do this";
    /// They are not in the closed network.
    NetworkClosed "network-closed" = "this network is closed: register a name here first, which takes an invite";
    /// Without a key nobody comes in.
    ClosedToKeyless "closed-to-keyless" = "this network is closed: only programs that prove a key are let in; use Potok and an invite";
    /// Their key is not listed.
    ClosedToOtherKeys "closed-to-other-keys" = "this network is closed: only keys that its owner has listed are let in";
    /// The token is worth nothing.
    InviteOver "invite-over" = "this invite is used up, over or revoked; ask the owner of this network for another one";
    /// They have shown no token.
    InviteNeeded "invite-needed" = "this network is closed: ask its owner for an invite, which is a link of its own";
    /// There is no room for more who wait.
    TooManyWait "too-many-wait" = "too many wait to be let in already; try again later";
    /// It is for an owner to say.
    OwnerIsAsked "owner-is-asked" = "an owner of this network is asked to let you in; Potok tries again by itself";
    /// It is for an owner to say, and has been for some time.
    OwnerWasAsked { minutes } "owner-was-asked" =
        "an owner of this network was asked " .. minutes " minutes ago to let you in; Potok tries again by itself";
    /// Somebody guesses at tokens or names.
    TooManyTries "too-many-tries" = "too many tries come from your address; try again later";
    /// There is room for no more invites.
    InvitesFull { max } "invites-full" =
        "there are " .. max " invites already; revoke some";
    /// The invite is gone.
    NoSuchInvite "no-such-invite" = "there is no such invite, or nobody can come in by it any more";
    /// Nobody waits under this name.
    NobodyWaits "nobody-waits" = "nobody who waits has asked for that name; 'waiting' lists who does";
    /// Several wait under this name.
    SeveralWait { count } "several-wait" =
        "" .. count " ask for this name: say the key too, as 'waiting' lists it";
    /// Somebody else has it meanwhile.
    NameGone "name-gone" = "that name is no longer free; they must ask for another one";
    /// Nobody is called so.
    NobodyKnown "nobody-known" = "nobody of this name is here, or owns it";
    /// They are away.
    NotHere "not-here" = "they are not here now";
    /// The name is free.
    NobodyOwns "nobody-owns" = "nobody owns this name";
    /// There is room for no more bans.
    BansFull { max } "bans-full" =
        "at most " .. max " can be shut out; let some in again";
    /// Nobody of that name is shut out.
    NotBanned "not-banned" = "nobody of this name is shut out; 'bans' lists who is";
    /// An owner would keep themselves out.
    Yourself "yourself" = "that is you, or another owner of this tracker";
    /// It is no limit.
    NoSuchLimit "no-such-limit" = "there is no such limit that can be changed; 'limits' lists them";
    /// It runs inside another program.
    NoConfiguration "no-configuration" = "this tracker has no configuration file: the program that it runs in has its settings";
    /// They have no key.
    NoKeyToSend "no-key-to-send" = "nobody is sent to a user without a key";
    /// They have no key.
    NoKeyToDial "no-key-to-dial" = "nobody is dialled who has no key";
    /// They ask too often.
    DialledTooOften "dialled-too-often" = "you ask too often to be dialled; once a minute is enough";
    /// Others are dialled.
    ManyDialled "many-dialled" = "many are being dialled; ask again in a moment";
    /// There is nothing to dial.
    NoPort "no-port" = "you have named no port; register-user <username> <port>";
    /// Another key is here under the name.
    NotYourAddress "not-your-address" = "only the key that is here under this name can say where else";
    /// A verb that there is not.
    NoSuchCommand "no-such-command" = "no such command; 'help' lists the commands";
}

impl Sentence {
    /// The sentence that somebody wrote like this, if it is one of these.
    pub fn known(text: &str) -> Option<Self> {
        Self::all([0; SENTENCE_NUMBERS_MAX]).into_iter().find_map(|sentence| {
            let (begin, parts) = sentence.parts();
            let (mut rest, mut numbers) = (text.strip_prefix(begin)?, [0; SENTENCE_NUMBERS_MAX]);
            for ((_, _, behind), number) in parts.into_iter().zip(&mut numbers) {
                let (digits, more) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
                *number = digits.parse().ok()?;
                rest = more.strip_prefix(behind)?;
            }
            let same = Self::all(numbers).into_iter().find(|same| same.key() == sentence.key());
            same.filter(|_| rest.is_empty())
        })
    }

    /// The numbers in it, by their names in the translations.
    pub fn args(self) -> Vec<(&'static str, String)> {
        self.parts().1.into_iter().map(|(name, number, _)| (name, number.to_string())).collect()
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begin, parts) = self.parts();
        f.write_str(begin)?;
        parts.into_iter().try_for_each(|(_, number, behind)| write!(f, "{number}{behind}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_is_known_again() {
        for numbers in [[0, 1], [10, 0], [u64::MAX, u64::MAX]] {
            for sentence in Sentence::all(numbers) {
                assert_eq!(Sentence::known(&sentence.to_string()), Some(sentence), "{sentence}");
            }
        }
        for other in [
            "",
            "no",
            "this name is somebody else's",
            "this name is somebody else's; choose another!",
            "you own many names already; use one of them",
            "you own 99999999999999999999 names already; use one of them",
        ] {
            assert_eq!(Sentence::known(other), None, "{other}");
        }
    }
}
