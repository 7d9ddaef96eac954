//! A SOCKS5 proxy through which everything leaves this computer.

use std::fmt;
use std::str::FromStr;

use crate::model::invite::HostPort;

/// Where the proxy is, and as whom it is used: written as `127.0.0.1:9050` or `user:password@127.0.0.1:9050`.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    /// The host and port where it listens.
    pub at: HostPort,
    /// Tor keeps apart what is asked for under different names.
    pub login: Option<ProxyLogin>,
}

/// A name and a password, each of 1 to 255 bytes (RFC 1929).
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyLogin {
    /// The name that the proxy knows.
    pub user: String,
    /// The password, which is shown to nobody.
    pub password: String,
}

/// Why a proxy makes no connection, as it says it (RFC 1928).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyFault {
    /// It says nothing.
    Silent,
    /// It says no more than that it failed.
    Failed,
    /// Its rules do not allow it.
    NotAllowed,
    /// No way leads from it to the other side.
    NoRoute,
    /// Nobody listens on the other side.
    NobodyListens,
    /// It wants another name and password, or any.
    Login,
    /// What answers there is no SOCKS5 proxy, or another kind of it.
    NotAProxy,
    /// The connection to it broke: in the words of the system.
    Told(String),
}

impl ProxyFault {
    /// Every one that has words of its own.
    pub const ALL: [Self; 7] = [
        Self::Silent,
        Self::Failed,
        Self::NotAllowed,
        Self::NoRoute,
        Self::NobodyListens,
        Self::Login,
        Self::NotAProxy,
    ];

    /// The key of its translations, below `proxy-fault`; what was told has none.
    pub fn key(&self) -> Option<&'static str> {
        Some(match self {
            Self::Silent => "silent",
            Self::Failed => "failed",
            Self::NotAllowed => "not-allowed",
            Self::NoRoute => "no-route",
            Self::NobodyListens => "nobody-listens",
            Self::Login => "login",
            Self::NotAProxy => "not-a-proxy",
            Self::Told(_) => return None,
        })
    }
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "no answer in time",
            Self::Failed => "it says only that it failed",
            Self::NotAllowed => "its rules do not allow it",
            Self::NoRoute => "no way leads from it to there",
            Self::NobodyListens => "nobody answers there",
            Self::Login => "it wants another name and password",
            Self::NotAProxy => "what answers there is no SOCKS5 proxy",
            Self::Told(text) => text,
        })
    }
}

/// A text that is no address of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT of a SOCKS5 proxy, as in 127.0.0.1:9050, or USER:PASSWORD@HOST:PORT")]
pub struct BadProxy;

/// Longest name and longest password, in bytes.
const LOGIN_BYTES_MAX: usize = 255;

impl FromStr for ProxyAddress {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let (login, at) = match text.rsplit_once('@') {
            Some((login, at)) => (Some(login), at),
            None => (None, text),
        };
        // There is no usual port, as trackers have one.
        let has_port = at.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        if !has_port {
            return Err(BadProxy);
        }
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').ok_or(BadProxy)?;
            let is_good =
                |text: &str| (1..=LOGIN_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
            let login = ProxyLogin { user: user.to_owned(), password: password.to_owned() };
            if is_good(user) && is_good(password) { Ok(login) } else { Err(BadProxy) }
        });
        Ok(Self { at: at.parse().map_err(|_no_address| BadProxy)?, login: login.transpose()? })
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ProxyLogin { user, password }) = &self.login {
            write!(f, "{user}:{password}@")?;
        }
        self.at.fmt(f)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAddress").field("at", &self.at).finish_non_exhaustive()
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyLogin").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_no_password_is_logged() {
        for text in ["127.0.0.1:9050", "[::1]:1080", "proxy.lan:1080", "anna:p@ss:word@127.0.0.1:9050"] {
            assert_eq!(text.parse::<ProxyAddress>().expect(text).to_string(), text);
        }
        let secret: ProxyAddress = "anna:secret@127.0.0.1:9050".parse().expect("an address");
        assert!(!format!("{secret:?} {:?}", secret.login).contains("secret"));
        let long = format!("{}:x@127.0.0.1:9050", "u".repeat(256));
        for bad in ["", "9050", "127.0.0.1", "anna@127.0.0.1:9050", ":x@h:1", "x:@h:1", "a\n:b@h:1", "h:0", &long] {
            assert_eq!(bad.parse::<ProxyAddress>(), Err(BadProxy), "{bad}");
        }
    }
}
