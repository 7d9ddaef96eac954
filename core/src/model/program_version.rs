//! Which version a program is: three numbers, of which the first that differs decides.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// `0.1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramVersion {
    numbers: [u16; 3],
}

/// It is not three numbers with dots between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers: 0.1.0")]
pub struct BadProgramVersion;

impl ProgramVersion {
    /// That of this program; what is tried before a version counts as this version.
    pub fn here() -> Self {
        let whole = env!("CARGO_PKG_VERSION");
        let released = whole.split('-').next().unwrap_or(whole);
        released.parse().expect("Cargo has three numbers")
    }
}

impl FromStr for ProgramVersion {
    type Err = BadProgramVersion;

    fn from_str(text: &str) -> Result<Self, BadProgramVersion> {
        let is_number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
        let read = |part: &str| part.parse::<u16>().map_err(|_no_number: ParseIntError| BadProgramVersion);
        let parts: Vec<&str> = text.split('.').collect();
        match parts[..] {
            [major, minor, patch] if parts.iter().all(|part| is_number(part)) => {
                Ok(Self { numbers: [read(major)?, read(minor)?, read(patch)?] })
            }
            _ => Err(BadProgramVersion),
        }
    }
}

impl fmt::Display for ProgramVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let version = |text: &str| text.parse::<ProgramVersion>();
        let in_order = ["0.1.0", "0.1.9", "0.1.10", "0.2.0", "1.0.0", "65535.0.0"];
        assert!(in_order.windows(2).all(|pair| version(pair[0]).expect("one") < version(pair[1]).expect("one")));
        assert!(in_order.iter().all(|text| version(text).is_ok_and(|read| read.to_string() == *text)));
        for bad in ["", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1.2.-3", "65536.0.0", "1.2.3-rc.1", " 1.2.3", "1..3"]
        {
            assert_eq!(version(bad), Err(BadProgramVersion), "{bad}");
        }
        assert!(env!("CARGO_PKG_VERSION").starts_with(&ProgramVersion::here().to_string()));
    }
}
