//! `register-files <username> <list>`.

use std::fmt;

use crate::model::share::Share;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::arguments::{items, take_username};
use crate::protocol::command::{Verb, write_list};
use crate::protocol::field::{ListItem, Quoted};
use crate::protocol::value::{number, path};

/// Announces files, all or none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterFiles {
    /// Must be the session's own.
    pub username: Username,
    /// What is announced; a path that is there is replaced.
    pub shares: Vec<Share>,
}

impl Verb for RegisterFiles {
    const NAME: &'static str = "register-files";
    const USAGE: &'static str =
        "register-files <username> file1, \"file, 2\" size=120 hash=<64 hex>: announce your files";
    const EXAMPLES: &'static [&'static str] = &[
        r#"register-files anna "a, \"b\"\\.txt" size=120 hash=0101010101010101010101010101010101010101010101010101010101010101, "x y""#,
    ];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let shares = items(rest, Self::usage)?.into_iter().map(|item| share(&item)).collect::<Result<_, _>>()?;
        Ok(Self { username, shares })
    }

    fn named_user(mut rest: &str) -> Option<Username> {
        take_username(&mut rest, Self::usage).ok()
    }
}

fn share(item: &ListItem<'_>) -> Result<Share, Refusal> {
    let mut share = Share { path: path(&item.text)?, size: None, hash: None };
    for (name, value) in item.attributes.iter() {
        match name {
            "size" if share.size.is_none() => share.size = Some(number(value)?),
            "hash" if share.hash.is_none() => {
                share.hash = Some(value.parse().map_err(|why| Refusal::new(Code::Usage, why))?);
            }
            _ => return Err(Refusal::new(Code::Usage, "a file has at most one size=<bytes> and one hash=<64 hex>")),
        }
    }
    Ok(share)
}

impl fmt::Display for RegisterFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", Self::NAME, self.username)?;
        write_list(f, &self.shares, |f, share| {
            write!(f, "{}", Quoted(share.path.as_str()))?;
            share.size.map_or(Ok(()), |size| write!(f, " size={size}"))?;
            share.hash.map_or(Ok(()), |hash| write!(f, " hash={hash}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        let typed = RegisterFiles::parse(" ivan my file.txt, \"a, b.txt\" size=0 , c").expect("valid");
        let paths: Vec<_> = typed.shares.iter().map(|s| s.path.as_str()).collect();
        assert_eq!(paths, ["my file.txt", "a, b.txt", "c"]);
        assert_eq!(typed.shares[1].size, Some(0));
    }

    #[test]
    fn says_what_would_be_right() {
        for (rest, code) in [
            (" anna", Code::Usage),
            (" anna a,,b", Code::Usage),
            (" anna ../x", Code::BadPath),
            (" anna /etc/passwd", Code::BadPath),
            (" anna \"a\" size=-1", Code::Usage),
            (" anna \"a\" size=+1", Code::Usage),
            (" anna \"a\" size=01", Code::Usage),
            (" anna \"a\" size=18446744073709551616", Code::Usage),
            (" anna \"a\" size=1 size=1", Code::Usage),
            (" anna \"a\" hash=12", Code::Usage),
            (" anna \"a\" color=red", Code::Usage),
        ] {
            assert_eq!(RegisterFiles::parse(rest).expect_err(rest).code, code, "{rest}");
        }
    }
}
